"""What the atlas knows of a loss that stands nowhere else in the package, and where the rest is."""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

import lossbook
from lossbook.atlas.formula import FORMULAS, Formula
from lossbook.doctor import Rule, function_name, rules
from lossbook.doctor.finding import LESSON_OF

# Rules that look at more losses than this are of all losses.
FEW = 11


@dataclass(frozen=True)
class Curve:
    """A way through the arguments of a loss on which it is a function of one number, t.

    Attributes
    ----------
    axis : str
        What t is: "residual", "gap", "logarithm", "probability", "distance" or "cosine".
    means : str
        What that is for this loss: "x − y".
    low, high : float
        Where the way begins and ends.
    lines : dict
        Names of lines, and functions from a tensor t to the arguments.
    """

    axis: str
    means: str
    low: float
    high: float
    lines: dict[str, Callable]


@dataclass(frozen=True)
class Estimate:
    """What a loss leads to, if the answer is one number for all examples.

    Attributes
    ----------
    words : str
        "the median"
    expected : callable
        The mean loss of an answer c.
    value : float
        What the words say, computed from the data.
    among : tuple of float
        Where to look for the best answer.
    """

    words: str
    expected: Callable
    value: float
    among: tuple[float, float] = (-20.0, 20.0)

    @functools.cache  # noqa: B019 (there are as many as entries)
    def best(self) -> float:
        """The answer with the smallest mean loss, where its slope turns from down to up."""
        low, high = self.among
        for _ in range(50):  # each of these losses has a single valley
            middle = torch.tensor((low + high) / 2, dtype=torch.float64, requires_grad=True)
            (slope,) = torch.autograd.grad(self.expected(middle), middle)
            low, high = (low, middle.item()) if slope > 0 else (middle.item(), high)
        return (low + high) / 2


@dataclass(frozen=True)
class Entry:
    """A loss of ``torch.nn``.

    Attributes
    ----------
    name : str
        The class.
    range : tuple of float
        The smallest and the largest value of a term.
    estimate : Estimate
    use : str
        When to use it.
    curve : Curve
    """

    name: str
    range: tuple[float, float]
    estimate: Estimate
    use: str
    curve: Curve

    @property
    def function(self) -> str:
        """The function, named as in ``torch.nn.functional``."""
        return function_name(self.name)

    @property
    def ours(self) -> Callable:
        return getattr(lossbook, self.function)

    @property
    def summary(self) -> str:
        """What it is, in words and as a formula in one line: the first line of the docstring."""
        return inspect.getdoc(self.ours).splitlines()[0].rstrip(".")

    @property
    def options(self) -> dict:
        """The arguments of the class, with their defaults; without those that are deprecated."""
        left_out = {"size_average", "reduce", "device", "dtype"}
        parameters = inspect.signature(getattr(nn, self.name)).parameters
        return {name: p.default for name, p in parameters.items() if name not in left_out}

    @property
    def inputs(self) -> dict[str, tuple[str, str]]:
        """The tensors of a call: of each its shape and kind, and what it holds."""
        section = self._section("Parameters")
        found = re.findall(r"^(\S.*?) : ((?:list.*)?Tensor.*)\n((?:    .*\n?)*)", section, re.M)
        return {name: (kind, " ".join(words.split())) for name, kind, words in found}

    @property
    def returns(self) -> str:
        return " ".join(self._section("Returns").split("\n", 1)[1].split())

    @property
    def source(self) -> str:
        return re.search(r"Source: ((?:.+\n)+)", inspect.getdoc(self.ours))[1].replace("\n", " ")

    @property
    def lesson(self) -> int:
        return LESSON_OF[self.function]

    @property
    def traps(self) -> list[Rule]:
        """The doctor's rules for this loss and a few others, each code once."""
        found = {}
        for rule in rules():
            few = len(rule.losses) <= FEW and rule.kind != "fallback"
            if few and self.function in rule.losses:
                found.setdefault(rule.code, rule)
        return list(found.values())

    @property
    def formulas(self) -> list[Formula]:
        return [each for each in FORMULAS if each.loss == self.name]

    def along(self, line: str, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss on a line of its curve, and its slope by t."""
        t = t.detach().requires_grad_()
        arguments = self.curve.lines[line](t)
        if self.function.startswith("adaptive"):  # which has no reduction
            loss = -self.ours(**arguments).output
        else:
            loss = self.ours(**arguments, reduction="none")
        (slope,) = torch.autograd.grad(loss.sum(), t)
        return loss.detach(), slope

    def _section(self, title):
        """The text under a title of the docstring."""
        text = inspect.getdoc(self.ours)
        return re.search(rf"^{title}\n-+\n(.*?)(?=\n\n\S+\n---|\Z)", text, re.M | re.S)[1]


ENTRIES: dict[str, Entry] = {}


def entry(name, **facts):
    """Enter a loss."""
    ENTRIES[name] = Entry(name, **facts)
