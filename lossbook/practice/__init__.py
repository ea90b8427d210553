"""Exercises that answer at once: `check`, `hint` and `status`.

The statements stand in `exercises/`, a notebook for each lesson. A reader writes an answer there
and asks for it to be checked:

>>> from lossbook.practice import check
>>> def entropy(p):
...     return (p * p.log()).sum(dim=-1)
>>> feedback = check("entropy", entropy)
>>> feedback.outcome, feedback.mistake
('wrong', 'wrong sign')

What makes an exercise stands in `lossbook.practice.lesson_01` and its like: the right answer, what
to try an answer on, the mistakes that people make, and the hints.
"""

import os

from lossbook.practice import progress
from lossbook.practice.catalogue import find
from lossbook.practice.feedback import Feedback, Hint
from lossbook.practice.progress import status

__all__ = ["Feedback", "check", "grade", "hint", "status"]


def check(name, answer) -> Feedback:
    """Say whether an answer is right; if not, where it is wrong, and why if that is known.

    Parameters
    ----------
    name : str
        The exercise, as its notebook calls it.
    answer
        What the exercise asks for: a function, a derivation, a value, or several values by name.

    Returns
    -------
    Feedback
        Shows itself. For code: `.outcome`, one of "not attempted", "wrong", "raised", "correct".

    Raises
    ------
    ValueError
        For a name that no exercise has.
    AssertionError
        For every outcome but "correct", with LOSSBOOK_STRICT=1 in the environment.
    """
    feedback = find(name).judge(answer)
    kept = progress.record(exercise=name, outcome=feedback.outcome)
    feedback.notes += [kept] * bool(kept)
    return feedback.require() if os.environ.get("LOSSBOOK_STRICT") == "1" else feedback


def grade(name, answer) -> None:
    """Raise AssertionError unless the answer is right on inputs that nobody has seen before.

    For the hidden tests of a class: three times as many inputs as `check` draws, from a fresh
    seed, which the message names. Nothing is written to the reader's progress.
    """
    seed = int.from_bytes(os.urandom(4), "big")
    feedback = find(name).judge(answer, seed=seed, effort=3)
    feedback.notes.append(f"graded with seed {seed}")
    feedback.require()


def hint(name) -> Hint:
    """Give the next hint; after the last one, all of them again.

    Raises
    ------
    ValueError
        For a name that no exercise has.
    """
    exercise = find(name)
    given = min(progress.hints_given(name) + 1, len(exercise.hints))
    progress.record(exercise=name, hint=given)
    return Hint(exercise, given)
