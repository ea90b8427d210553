"""A loss as a formula, with its slope: what `derive` typesets and proves."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from lossbook.derive import Derivation
from lossbook.derive.domains import Index, Numbers

# Simple values that meet no corner: there a formula has no slope, and torch has one of its own.
_SIMPLE = (0.3, -0.9, 1.7)


def _spread(generator, shape):
    return 2 * generator.normal(size=shape)


def _between(low, high):
    return lambda generator, shape: generator.uniform(low, high, shape)


def _among(*values):
    return lambda generator, shape: generator.choice(values, shape).astype(float)


number = Numbers("a real number", _SIMPLE, _spread, real=True)
numbers = Numbers("a real number for each class", _SIMPLE, _spread, vector=True, real=True)
distance = Numbers("a distance", (0.3, 1.7), _between(0.1, 3), positive=True)
margin = Numbers("a margin", (0.45, 1.15), _between(0.1, 2), positive=True)
side = Numbers("1 or −1", (1, -1), _among(1.0, -1.0), real=True)
answer = Numbers("from 0 to 1", (1, 0, 0.5), _between(0, 1), real=True)
answers = Numbers("from 0 to 1 for each class", (1, 0), _between(0, 1), vector=True, real=True)
marks = Numbers("0 or 1 for each class", (1, 0), _among(0.0, 1.0), vector=True, real=True)


@dataclass
class Formula:
    """A loss as a formula.

    Attributes
    ----------
    loss : str
        The class in ``torch.nn``.
    when : str
        Where it holds, such as "y = 1"; or "".
    call : callable
        Takes a library of losses (``torch.nn.functional`` or ``lossbook``) and the letters, and
        returns the loss.
    derivation : Derivation
        Two lines: the slope of ``L``, and what it is.
    """

    loss: str
    when: str
    call: Callable
    derivation: Derivation

    @property
    def latex(self) -> str:
        """The formula, "L = …"."""
        return self.derivation.parts[-1]

    @property
    def parts(self) -> list[str]:
        """What the formula calls by a name."""
        return self.derivation.parts[:-1]

    @property
    def slope(self) -> str:
        """What the slope is: "dL/dx = …"."""
        return " = ".join(step.latex for step in self.derivation.steps)

    @property
    def verdict(self) -> str:
        """What `derive` says of the slope: "proved", "checked" or "wrong"."""
        return self.derivation.steps[1].verdict

    def draws(self, count=10):
        """Yield numbers of classes, and letters with drawn numbers that ask for a gradient."""
        for size in self.derivation.sizes:
            generator = np.random.default_rng(size)
            for _ in range(count):
                yield (
                    size,
                    {
                        letter: self._letter(domain, generator, size)
                        for letter, domain in self.derivation.domains.items()
                    },
                )

    @staticmethod
    def _letter(domain, generator, size):
        if isinstance(domain, Index):
            return int(generator.integers(size))
        row = torch.tensor(domain.draw(generator, size, 1)[0], dtype=torch.float64)
        return domain.arrange([x.requires_grad_() for x in row.unbind()], size)

    def numbers(self, size, letters):
        """The loss as a number, and its slope: by autograd, and as the second line says."""
        classes = {"classes": range(size), "K": size}
        takes = inspect.signature(self.derivation.function).parameters
        lines = self.derivation.function(
            **letters, **{name: classes[name] for name in classes if name in takes}
        )
        by_autograd, _ = next(lines)
        value = inspect.getgeneratorlocals(lines)["L"]
        by_formula, _ = next(lines)
        return value, by_autograd, by_formula


FORMULAS: list[Formula] = []


def formula(loss, call, when="", **domains):
    """Enter a derivation of two lines as a formula of a loss."""

    def enter(function):
        derivation = Derivation(function, domains, 10.0, None)
        FORMULAS.append(Formula(loss, when, call, derivation))
        return derivation

    return enter
