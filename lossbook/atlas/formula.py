"""A loss as a formula, with its slope: what `derive` typesets and proves."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import lossbook
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
    sizes : tuple of int
        For which numbers of classes `call` has a meaning.
    """

    loss: str
    when: str
    call: Callable
    derivation: Derivation
    sizes: tuple[int, ...]

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
        for size in self.sizes:
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

    def of(self, library, letters):
        """The loss as a library computes it, of such letters as `call` takes."""
        takes = inspect.signature(self.call).parameters
        return self.call(library, **{name: x for name, x in letters.items() if name in takes})

    def by(self, letters):
        """The letter by which the slope is taken."""
        name = re.match(r"d\(L, (\w+)", self.derivation.steps[0].source)[1]
        return letters[name][letters["j"]] if isinstance(letters[name], list) else letters[name]

    def errors(self, count=10):
        """How far value and slope are from torch's on drawn numbers, at most: (…, …).

        Relative to what torch says, or to 1 if that is more.
        """
        worst = [0.0, 0.0]
        for size, letters in self.draws(count):
            value, _, slope = self.numbers(size, letters)
            torchs = self.of(torch.nn.functional, letters)
            # Torch's gradient of ctc_loss holds a term of the log-softmax before it.
            source = self.of(lossbook, letters) if self.loss == "CTCLoss" else torchs
            (theirs,) = torch.autograd.grad(source, self.by(letters), materialize_grads=True)
            for k, (x, y) in enumerate([(value, torchs), (slope, theirs)]):
                x, y = float(torch.as_tensor(x).detach()), y.item()
                worst[k] = max(worst[k], abs(x - y) / max(1.0, abs(y)))
        return tuple(worst)

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


def formula(loss, call, when="", sizes=None, **domains):
    """Enter a derivation of two lines as a formula of a loss."""

    def enter(function):
        derivation = Derivation(function, domains, 60.0, None)
        FORMULAS.append(Formula(loss, when, call, derivation, sizes or derivation.sizes))
        return derivation

    return enter
