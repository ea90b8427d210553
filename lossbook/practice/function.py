"""Exercises whose answer is a function: implement, mend, use on data."""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lossbook.practice import patterns
from lossbook.practice.compare import differs
from lossbook.practice.exercise import Exercise
from lossbook.practice.feedback import Feedback
from lossbook.practice.guard import Ran, Runner, call, is_untouched, own_lines, told
from lossbook.practice.patterns import gives, is_finite
from lossbook.practice.readymade import Watch, in_c
from lossbook.verify.cases import Call, calls
from lossbook.verify.checks import copy_of
from lossbook.verify.report import Report, short, side_by_side
from lossbook.verify.search import Outcome, search

CASES = 60  # inputs that are drawn for a check
SEEN = 80  # of them are kept, to recognise a mistake


@dataclass(kw_only=True)
class Function(Exercise):
    """A function that must do what another one does, on whatever is drawn.

    Attributes
    ----------
    answer : callable
        A right answer. It is called by position, as the reader's function is.
    cases : dict
        What to draw for each argument, by name and in order: domains of `lossbook.verify`,
        hypothesis strategies, or fixed values. Floating numbers in both float64 and float32.
    examples : list of tuple
        Arguments that are always tried, before what is drawn: the edge cases.
    differentiable : bool
        Whether torch must be able to differentiate the result by the first argument.
    allow : set of str
        What may be used although it is ready-made: names of torch's functions, or "torch",
        "lossbook" for all of them.
    forbid : set of str
        Names of further functions that may not be used.

    The answer of a `Mistake` is a function too, and is recognised by what it gives.
    """

    answer: Callable
    cases: dict
    examples: list = field(default_factory=list)
    differentiable: bool = False
    allow: set = field(default_factory=set)
    forbid: set = field(default_factory=set)
    kind: str = "implement"

    def judge(self, answer, seed=0, effort=1):
        if answer is ... or is_untouched(answer):
            return Feedback(self, "not attempted")
        if problem := self._signature_problem(answer):
            return Feedback(self, "wrong", "type", rows=[("problem", problem)])
        return Trial(self, answer).feedback(seed, int(CASES * effort))

    def _signature_problem(self, answer):
        names = ", ".join(self.cases)
        if not callable(answer):
            came = f"{answer!r:.40} ({type(answer).__name__})"
            return f"expected a function of ({names}), got {came}: give its name, do not call it"
        try:
            inspect.signature(answer).bind(*self.cases)
        except TypeError:
            takes = ", ".join(inspect.signature(answer).parameters) or "nothing"
            return f"the function takes ({takes}), but is called with ({names})"
        except ValueError:
            pass  # a function written in C has no signature
        return None


class Trial:
    """One answer, tried on many calls."""

    def __init__(self, exercise, answer):
        self.exercise, self.given = exercise, answer
        self.run, self.watch = Runner(self._answer), Watch(exercise.allow, exercise.forbid)
        self.watch.found |= in_c(answer) - exercise.allow
        self.seen, self.printed = [], ""

    def _answer(self, *arguments):
        with self.watch:
            return call(self.given, arguments)

    def feedback(self, seed, count):
        names = list(self.exercise.cases)
        failed = None
        for example in self.exercise.examples:
            call = Call(kwargs=dict(zip(names, example, strict=True)))
            if (outcome := self.test(call)).what:
                failed = failed or (call.kwargs, outcome)
        report = Report(self.exercise.title)
        if self.goes_on:
            drawn = calls(**self.exercise.cases)
            search(report, drawn, self.test, lambda call: call.kwargs, count, seed=seed)
        if report.counterexample is not None:
            failed = report.counterexample, Outcome(report.what, report.sides)
        return self.tell(*failed or (None, None), report.notes)

    @property
    def goes_on(self):
        return not self.run.out_of_time and not self.watch.found

    def test(self, call):
        """Try one call; return the `Outcome`, whose `what` is empty where all is right."""
        if not self.goes_on:
            return Outcome()
        arguments = list(call.kwargs.values())
        first = 0 if self.exercise.differentiable else None
        mine, theirs = ([own(x, i == first) for i, x in enumerate(arguments)] for _ in "12")
        ran = self.run(*mine)
        self.printed = self.printed or ran.printed
        right = self.exercise.answer(*theirs)
        if ran.error is not None:
            outcome = Outcome("raises", {"yours": ran.error}, math.inf)
        elif changed := self._changed(arguments, mine):
            sides = {"yours": f"changes {changed} in place", "expected": f"leaves {changed} alone"}
            outcome = Outcome("changed input", sides, math.inf)
        else:
            leaves = (mine, theirs) if self.exercise.differentiable else None
            outcome = differs(ran.result, right, arguments, leaves)
        if len(self.seen) < SEEN:
            self.seen.append(Seen(arguments, ran, right, outcome.what))
        return outcome

    def _changed(self, before, after):
        for name, old, new in zip(self.exercise.cases, before, after, strict=True):
            tensor = isinstance(old, Tensor)
            if not (torch.allclose(old, new, 0, 0, equal_nan=True) if tensor else old == new):
                return name
        return ""

    def tell(self, arguments, outcome, notes):
        """The feedback: nothing failed, or these arguments did, with this outcome."""
        exercise = self.exercise
        notes = notes + ["your function prints; that is left out here"] * bool(self.printed.strip())
        if self.run.out_of_time:
            last = dict(zip(exercise.cases, self.seen[-1].arguments, strict=True))
            rows = [("problem", "no answer after some seconds: an endless loop?")]
            rows += as_rows("input", last)
            return Feedback(exercise, "wrong", "too slow", rows=rows, counterexample=last)
        if self.watch.found:
            used = " and ".join(f"`{name}`" for name in sorted(self.watch.found))
            rows = [("problem", f"the answer calls {used}, which is ready-made: build it yourself")]
            return Feedback(exercise, "wrong", "ready-made", rows=rows, notes=notes)
        if outcome is None:
            rows = [("tried on", f"{len(self.seen)} inputs")]
            return Feedback(exercise, "correct", rows=rows, notes=notes)
        rows, mistake = as_rows("smallest input", arguments), self._mistake(outcome.what)
        if outcome.what == "raises":
            error = outcome.sides["yours"]
            where = own_lines(error)
            lines = zip(["where"] + [""] * len(where), where, strict=False)
            rows = [("error", f"`{told(error)}`"), *lines, *rows]
        else:
            rows += side_by_side(outcome.sides)
            rows += [("what differs", outcome.what)] * (outcome.what not in ("value", "nothing"))
        if outcome.what == "nothing":
            prints = "prints its result and returns None: `return` it instead"
            forgets = "returns None: is a `return` missing?"
            text = prints if self.printed.strip() else forgets
            rows.insert(0, ("problem", f"your function {text}"))
        if mistake:
            rows.insert(0, ("why", mistake.says))
        else:
            notes = [patterns.find(self.seen)] * bool(patterns.find(self.seen)) + notes
        outcome_name = "raised" if outcome.what == "raises" else "wrong"
        name = mistake.name if mistake else ""
        return Feedback(exercise, outcome_name, outcome.what, name, rows, arguments, notes)

    def _mistake(self, what):
        """The first known mistake that gives what the answer gives; None if there is none."""
        if what not in ("value", "shape", "gradient"):
            return None
        tried = [each for each in self.seen if each.ran.error is None]
        # An answer may have two faults, one of which leaves NaN or infinities: the other is told.
        finite = [each for each in tried if each.what and is_finite(each.ran.result)]
        known = [(mistake, mistake.answer) for mistake in self.exercise.mistakes]
        known += patterns.general(self.exercise.answer)
        for some in (tried, finite):
            if all(each.what in ("", "gradient") for each in some):
                continue  # the values are right, and by its values a mistake is recognised
            for mistake, wrong in known:
                if all(gives(wrong, each.arguments, each.ran.result) for each in some):
                    return mistake
        return None


def own(value, differentiable):
    """A copy of an argument, so that nobody can change what others see."""
    if isinstance(value, Tensor):
        return copy_of(value, differentiable)
    return copy.deepcopy(value)


class Seen(NamedTuple):
    """One call that was tried."""

    arguments: list
    ran: Ran
    right: Any
    what: str


def as_rows(label, arguments):
    """The lines that show arguments by name; only the first has the label."""
    lines = [f"{name} = {short(value)}" for name, value in arguments.items()]
    return list(zip([label] + [""] * len(lines), lines, strict=False))
