"""What all exercises have in common."""

import functools
from dataclasses import dataclass
from typing import Any

import torch

KINDS = ("predict", "derive", "implement", "mend", "explain", "use")

# Answers are tried in both: some are right in one of them only.
BOTH = (torch.float64, torch.float32)


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give.

    Attributes
    ----------
    name : str
        What it is called, in a few words: "no minus sign".
    says : str
        Why it is wrong, in a sentence or two, without giving the right answer away.
    answer : Any
        The wrong answer itself, of the kind that the exercise asks for.
    """

    name: str
    says: str
    answer: Any


@dataclass(kw_only=True)
class Exercise:
    """A task with a name; how its answer is judged is the matter of each kind.

    Attributes
    ----------
    name : str
        For `check` and `hint`.
    title : str
        As in the heading of its notebook.
    kind : str
        One of `KINDS`.
    level : int
        1 (easy), 2 or 3 (hard).
    minutes : int
        What a learner needs.
    hints : list of str
        Two or three, from a nudge to nearly the answer.
    mistakes : list of Mistake
        Known wrong answers. The first one that gives what the reader's gives is named.
    """

    name: str
    title: str
    kind: str
    level: int
    minutes: int
    hints: list[str]
    mistakes: list[Mistake]

    def judge(self, answer, seed=0, effort=1):
        """Return the `Feedback`; `effort` times as many inputs are drawn, from `seed`."""
        raise TypeError(f"{type(self).__name__} does not say how it is judged")


@functools.cache
def load_digits():
    """Return the handwritten digits of scikit-learn, which takes a second to import."""
    from sklearn import datasets

    return datasets.load_digits()
