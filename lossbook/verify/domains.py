"""What can be drawn: distributions, logits, labels, ...

Each number comes from a small integer, 0 first, and 0 stands for what is simplest to read
(equal weights, the number 0). Hypothesis makes the integers smaller, and so the counterexamples.
How shapes are written stands in `lossbook.verify.cases`.
"""

import torch
from torch import Tensor

from lossbook.verify.cases import Case, Domain


def distributions(
    shape: str = "classes", *, rows: bool = False, zeros: bool = True, dtype=torch.float64
) -> Domain:
    """Probability distributions over the last dimension.

    Parameters
    ----------
    shape : str
        Names of the dimensions. `rows=True` is short for "rows classes".
    zeros : bool
        Whether a probability may be 0, one-hot distributions included.
    dtype : torch.dtype or tuple of torch.dtype
        Of several, one is drawn for each call.
    """
    shape = "rows " * rows + shape
    return Domain(lambda case: draw_distribution(case, case.shape(shape), zeros, dtype), simplex)


def joints(shape: str = "x y", *, zeros: bool = True, dtype=torch.float64) -> Domain:
    """Joint distributions: tables whose entries sum to 1."""

    def make(case):
        sizes = case.shape(shape)
        flat = [torch.Size(sizes).numel()]
        return draw_distribution(case, flat, zeros, dtype).reshape(sizes)

    return Domain(make, simplex)


WEIGHTS_WITH_ZEROS = (1, 0, 2, 3, 0, 4, 0, 5, 6, 7)
INTERIOR = ("interior", "interior", "interior", "tiny", "near", "near")
BOUNDARY = (*INTERIOR[:3], "zeros", "zeros", "one-hot", *INTERIOR[3:])


def draw_distribution(case: Case, sizes: list[int], zeros: bool, dtype) -> Tensor:
    flavour = case.pick(BOUNDARY if zeros else INTERIOR)
    extreme = case.integer(0, 9)
    count = torch.Size(sizes).numel()
    # Whatever the flavour, the same integers are drawn: only so can one flavour shrink to another.
    drawn = [case.integer(0, 9) for _ in range(count)]
    steps = torch.tensor(drawn, dtype=torch.float64).reshape(sizes)
    weights = steps + 1
    earlier = [tensor for tensor in case.distributions if tensor.shape == steps.shape]
    if flavour == "zeros":
        weights = torch.tensor(WEIGHTS_WITH_ZEROS, dtype=torch.float64)[steps.long()]
        empty = weights.sum(dim=-1, keepdim=True) == 0
        weights = torch.where(empty & (torch.arange(sizes[-1]) == 0), 1.0, weights)
    elif flavour == "one-hot" and count:
        weights = (steps.argmax(dim=-1, keepdim=True) == torch.arange(sizes[-1])).double()
    elif flavour == "tiny":
        weights = torch.where(steps % 2 == 1, steps * 10.0 ** -(5 + 7 * extreme), steps + 1)
    elif flavour == "near" and earlier:
        weights = earlier[-1] * (1 + steps * 10.0 ** -(3 + extreme))
    p = weights / weights.sum(dim=-1, keepdim=True)
    case.distributions.append(p)
    return p.to(case.dtype(dtype))


def simplex(p: Tensor) -> str:
    if (p == 1).any():
        return "one-hot"
    if (p == 0).any():
        return "with zeros"
    return "tiny" if (p < 1e-4).any() else "interior"


# Numbers: a flavour makes a number from an integer between -100 and 100


def elements(shape: str, dtype, flavours: dict, kind) -> Domain:
    """Return the domain of tensors whose numbers are `flavours[...](n)`, one flavour a tensor."""

    def make(case):
        sizes = case.shape(shape)
        ordinary, *others = flavours.values()
        number = case.pick([ordinary, ordinary, ordinary, *others])
        drawn = [number(case.integer(-100, 100)) for _ in range(torch.Size(sizes).numel())]
        return torch.tensor(drawn, dtype=torch.float64).reshape(sizes).to(case.dtype(dtype))

    return Domain(make, kind)


def magnitude(x: Tensor) -> str:
    if (x.abs() >= 100).any():
        return "large"
    if ((x != 0) & (x.abs() < 1e-4)).any():
        return "tiny"
    return "ties" if x.dim() and x.unique().numel() < x.numel() else "ordinary"


def logits(shape: str = "classes", *, rows: bool = False, dtype=torch.float64) -> Domain:
    """Logits: ordinary ones, ties, nearly equal ones, and large ones up to ±10,000."""
    flavours = {
        "ordinary": lambda n: n / 10,
        "ties": lambda n: float(int(n / 40)),
        "large": lambda n: 10.0 * n,
        "huge": lambda n: 100.0 * n,
        "near": lambda n: n * 1e-7,
    }
    return elements("rows " * rows + shape, dtype, flavours, magnitude)


def reals(shape: str = "", *, dtype=torch.float64) -> Domain:
    """Real numbers, by default one: around 0, whole ones, tiny ones, and up to ±10,000."""
    flavours = {
        "ordinary": lambda n: n / 10,
        "whole": float,
        "large": lambda n: 100.0 * n,
        "tiny": lambda n: n * 1e-7,
    }
    return elements(shape, dtype, flavours, magnitude)


def positives(shape: str = "", *, dtype=torch.float64) -> Domain:
    """Positive numbers, by default one: around 1, tiny ones and large ones."""

    def around_one(n):
        return 1 + n / 10 if n >= 0 else 1 / (1 - n / 10)

    flavours = {
        "ordinary": around_one,
        "large": lambda n: 1e3 * around_one(n),
        "tiny": lambda n: 1e-6 * around_one(n),
    }
    return elements(shape, dtype, flavours, magnitude)


def probabilities(shape: str = "", *, ends: bool = True, dtype=torch.float64) -> Domain:
    """Numbers between 0 and 1, by default one; `ends=False` leaves 0 and 1 themselves out."""

    def near(n):
        tail = 10.0 ** -(1 + abs(n) / 8)
        return tail if n < 0 else 1 - tail

    def clipped(n):
        return min(1.0, max(0.0, 0.5 + n / 50))

    flavours = {"interior": lambda n: 0.5 + n / 250, "near": near}
    flavours |= {"ends": clipped} if ends else {}

    def kind(p):
        if ((p == 0) | (p == 1)).any():
            return "at the ends"
        return "near the ends" if ((p < 1e-4) | (p > 1 - 1e-4)).any() else "interior"

    return elements(shape, dtype, flavours, kind)


def signs(shape: str = "", *, dtype=torch.float64) -> Domain:
    """Signs: 1 or -1."""
    return elements(shape, dtype, {"sign": lambda n: -1.0 if n < 0 else 1.0}, lambda _: None)


def vectors(shape: str = "d", *, zero: bool = True, dtype=torch.float64) -> Domain:
    """Vectors: ordinary, tiny and large ones, and (unless `zero=False`) the zero vector."""

    def around_one(n):
        # With a zero vector allowed, -1 stands for 0; else no component is 0.
        return 1 + n / 10 if n >= 0 else (n + zero) / 10

    flavours = {
        "ordinary": around_one,
        "large": lambda n: 100 * around_one(n),
        "tiny": lambda n: 1e-6 * around_one(n),
    }
    flavours |= {"zero": lambda n: 0.0} if zero else {}

    def kind(x):
        return "zero vector" if (x == 0).all(dim=-1).any() else magnitude(x)

    return elements(shape, dtype, flavours, kind)


def labels(
    shape: str = "", *, rows: bool = False, classes: str = "classes", dtype=torch.int64
) -> Domain:
    """Class labels: whole numbers from 0 up to the size of the dimension `classes`, less one."""
    shape = "rows " * rows + shape

    def make(case):
        sizes = case.shape(shape)
        last = case.size(classes) - 1
        drawn = [case.integer(0, last) for _ in range(torch.Size(sizes).numel())]
        return torch.tensor(drawn, dtype=case.dtype(dtype)).reshape(sizes)

    return Domain(make)


def choice(*options) -> Domain:
    """One of some values, such as "mean" and "sum"; counterexamples prefer the first."""
    return Domain(lambda case: case.pick(options))
