"""Exercises whose answer is a derivation with lines that the reader has written."""

import ast
import inspect
import itertools
import re
from dataclasses import dataclass, field

import numpy as np
import torch

from lossbook.derive import Derivation
from lossbook.derive.domains import Index
from lossbook.derive.mathematics import Bound, as_number
from lossbook.practice.exercise import Exercise
from lossbook.practice.feedback import Feedback

DRAWS = 20


@dataclass(kw_only=True)
class Proof(Exercise):
    """A derivation in which some lines are given and others are missing.

    Attributes
    ----------
    answer : Derivation
        The whole derivation.
    given : tuple of int
        Which of its lines stand in the notebook; the others are missing there.
    wants : dict
        What must be seen among the reader's lines, so that nobody passes with a line that says
        nothing: by name, a regular expression to be found in one of them, as Python.

    The answer of a `Mistake` is a function with the letters of the derivation as its arguments,
    which returns a wrong line; it is recognised by its values.
    """

    answer: Derivation
    given: tuple = (0, -1)
    wants: dict[str, str] = field(default_factory=dict)
    kind: str = "derive"

    def judge(self, answer, seed=0, effort=1):
        if answer is ... or (isinstance(answer, Derivation) and answer.gaps):
            return Feedback(self, "not attempted")
        if not isinstance(answer, Derivation):
            problem = f"expected a derivation, got a {type(answer).__name__}: keep `@derivation(…)`"
            return Feedback(self, "wrong", "type", rows=[("problem", problem)])
        if problem := self._changed(answer):
            return Feedback(self, "wrong", "given lines", rows=[("problem", problem)])
        try:
            steps = answer.steps
        except Exception as error:
            rows = [("error", f"`{type(error).__name__}: {error}`")]
            return Feedback(self, "raised", "raises", rows=rows)
        broken = [position for position, step in enumerate(steps) if step.verdict == "wrong"]
        if broken:
            return self._broken(answer, broken[0])
        if problem := self._missing(answer):
            return Feedback(
                self, "wrong", "missing lines", rows=[("problem", problem)], proof=answer
            )
        checked = sum(step.verdict == "checked" for step in steps)
        note = f"{checked} of the steps checked on random numbers; no proof was found in time"
        return Feedback(self, "correct", notes=[note] * bool(checked), proof=answer)

    def _changed(self, answer):
        """What the reader has changed of what was given, "" if nothing."""
        if answer.domains != self.answer.domains:
            return "the letters in `@derivation(…)` are not those of the exercise: leave them"
        own = [line[1] for line in answer._written]
        for latex, source in self._given():
            if latex not in own:
                return f"the line `{source}` is gone: leave the given lines as they are"
            own = own[own.index(latex) + 1 :]
        first, last = self._given()[0][0], self._given()[-1][0]
        if answer._written[0][1] != first or answer._written[-1][1] != last:
            return "lines stand before the first or after the last one that was given"
        return ""

    def _given(self):
        lines = self.answer._written
        return [(lines[position][1], lines[position][0]) for position in self.given]

    def _own(self, answer):
        given = {latex for latex, _ in self._given()}
        return [line for line in answer._written if line[1] not in given]

    def _missing(self, answer):
        """What the reader's lines lack, "" if nothing."""
        count = len(self.answer.steps)
        given = [position % count for position in self.given]
        latex = [line[1] for line in answer._written]
        places = [latex.index(each) for each, _ in self._given()]
        for i, (low, high) in enumerate(itertools.pairwise(given)):
            if high - low > 1 and places[i + 1] - places[i] < 2:
                return f"between line {places[i] + 1} and line {places[i] + 2} a line is missing"
        if len(set(latex)) < len(latex):
            return "a line stands twice"
        if any(not line[2].strip() for line in answer._written):
            return "a line has no reason: say in a few words why it follows"
        relations = {step.relation for step in self.answer.steps}
        if other := {step.relation for step in answer.steps} - relations:
            return f"the exercise needs no {other.pop()}: it asks for equations"
        own = [text for line in self._own(answer) for text in (line[0], spaced(line[0]))]
        for name, pattern in self.wants.items():
            if not any(re.search(pattern, line) for line in own):
                return f"not seen yet: {name}"
        return ""

    def _broken(self, answer, position):
        step = answer.steps[position]
        # The fault may lie in the reader's line before a given one, which does not follow from it.
        for place, mistake in itertools.product((position, position - 1), self.mistakes):
            if self._is_line(answer, place, mistake.answer):
                return self._feedback_on(answer, step, mistake)
        return self._feedback_on(answer, step, None)

    def _feedback_on(self, answer, step, mistake):
        rows = [("why", mistake.says)] if mistake else [("problem", "a line does not follow")]
        name = mistake.name if mistake else ""
        return Feedback(self, "wrong", "line", name, rows, step.counterexample, proof=answer)

    def _is_line(self, answer, position, wrong):
        """Whether the line has the values of a wrong line, on some draws."""
        names = inspect.signature(wrong).parameters
        for size in answer.sizes:
            values = drawn(answer.domains, size)
            try:
                came = answer._lines(size, values)[position]
                known = wrong(**{name: values[name] for name in names})
            except Exception:
                return False
            came, known = (as_number(value_of(x)).detach().expand(DRAWS) for x in (came, known))
            if not torch.allclose(came, known, rtol=1e-9, atol=1e-12):
                return False
        return True


def spaced(source):
    """An expression with the spaces that Python's own printing has: a/b becomes a / b."""
    return ast.unparse(ast.parse(f"({source})", mode="eval"))


def value_of(line):
    """The mathematics of a line, which may be marked as a bound."""
    return line.value if isinstance(line, Bound) else line


def drawn(domains, size):
    """Random values of all letters; of an index the first class."""
    generator = np.random.default_rng(size)
    values = {"classes": range(size), "K": size}
    for name, domain in domains.items():
        if isinstance(domain, Index):
            values[name] = 0
        else:
            columns = domain.draw(generator, size, DRAWS).T.copy()
            leaves = [torch.tensor(column, requires_grad=True) for column in columns]
            values[name] = domain.arrange(leaves, size)
    return values
