"""Exercises whose answer is a value, or several values by name: predict, explain."""

import math
from dataclasses import dataclass
from typing import Any

from lossbook.practice.exercise import Exercise
from lossbook.practice.feedback import Feedback


@dataclass(kw_only=True)
class Question(Exercise):
    """A question with one answer or several.

    Attributes
    ----------
    answer : Any
        The right value: a letter, a number, a list of them, or a dict of values by name.
        A function without arguments gives a value that has to be computed first.
    choices : str
        The letters among which to choose, such as "abcd".
    within : float
        How far a number may be off, relative to the right one.

    A `Mistake` has as its answer a wrong value or, for a dict, a dict with one of the values.
    """

    answer: Any
    choices: str = ""
    within: float = 0.01
    kind: str = "predict"

    def judge(self, answer, seed=0, effort=1):
        right = self.answer() if callable(self.answer) else self.answer
        if not isinstance(right, dict):
            right, answer = {"answer": right}, {"answer": answer}
        if not isinstance(answer, dict) or set(answer) != set(right):
            wanted = ", ".join(f"{name}=…" for name in right)
            rows = [("yours", short(answer)), ("expected", f"dict({wanted})")]
            return Feedback(self, "wrong", "type", rows=rows)
        if any(value is ... for value in answer.values()):
            return Feedback(self, "not attempted")
        for name, value in answer.items():
            if feedback := self._judge(name, value, right[name], len(right) > 1):
                return feedback
        return Feedback(self, "correct")

    def _judge(self, name, value, right, several):
        rows = [(f"your {name}" if several else "yours", short(value))]
        if problem := self._type_problem(value, right):
            return Feedback(self, "wrong", "type", rows=[*rows, ("expected", problem)])
        if same(value, right, self.within):
            return None
        for mistake in self.mistakes:
            known = mistake.answer if several else {name: mistake.answer}
            if name in known and same(value, known[name], self.within):
                rows.insert(0, ("why", mistake.says))
                return Feedback(self, "wrong", "value", mistake.name, rows)
        if is_number(right):
            rows.append(("problem", "too small" if value < right else "too large"))
        return Feedback(self, "wrong", "value", rows=rows)

    def _type_problem(self, value, right):
        """What should have come in place of a value of another kind; None where the kind fits."""
        if isinstance(right, str):
            letters = ", ".join(f'"{letter}"' for letter in self.choices)
            fits = isinstance(value, str) and value in self.choices and len(value) == 1
            return None if fits else f"one of {letters}"
        if isinstance(right, list | tuple):
            fits = isinstance(value, list | tuple) and len(value) == len(right)
            pairs = zip(value, right, strict=True) if fits else ()
            fits = fits and not any(self._type_problem(*pair) for pair in pairs)
            return None if fits else f"a list of {len(right)} values"
        return None if is_number(value) else "a number"


def is_number(value):
    """Whether it is one number: Python's, NumPy's or a tensor with one element."""
    if isinstance(value, bool | str | bytes | list | tuple | dict) or value is None:
        return False
    try:
        return not math.isnan(float(value))
    except (TypeError, ValueError, RuntimeError):
        return False


def same(value, right, within):
    if isinstance(right, str):
        return value == right
    if isinstance(right, list | tuple):
        return all(same(*pair, within) for pair in zip(value, right, strict=True))
    if not is_number(value):
        return False
    return math.isclose(float(value), float(right), rel_tol=within, abs_tol=within * 1e-2)


def short(value):
    return " ".join(f"{value!r:.80}".split())
