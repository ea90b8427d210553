"""How near a loss is to the truth: the formula in fifty digits, ours and torch's side by side."""

import math
import statistics
from dataclasses import dataclass

import mpmath
import torch

mpmath.mp.dps = 50


@dataclass
class Accuracy:
    """The largest and the median error, in units in the last place of the result's dtype."""

    largest: float
    median: float


def side_by_side(ours, reference, exact, *tensors, **options):
    """The accuracy of two losses, on each row of the tensors.

    Parameters
    ----------
    ours, reference : callable
        Called as ``loss(*tensors, reduction="none", **options)``.
    exact : callable
        The formula for one row: of each tensor it gets the row, an element as an `mpmath.mpf` (a
        whole number as int), a longer row as a list of them.
    *tensors : Tensor
        Alike in dimension 0; what they hold is taken to be exact.
    **options
        For the two losses alone.

    Returns
    -------
    tuple of Accuracy
        Of ours, and of the reference.
    """
    rows = zip(*(bare(x.tolist()) for x in tensors), strict=True)
    truth = [exact(*row) for row in rows]
    return tuple(
        accuracy(loss(*tensors, reduction="none", **options), truth) for loss in (ours, reference)
    )


def accuracy(result, truth):
    """The accuracy of a tensor whose elements should be `truth`."""
    info = torch.finfo(result.dtype)
    errors = [
        ulps(mpmath.mpf(got), wanted, info)
        for got, wanted in zip(result.flatten().tolist(), truth, strict=True)
    ]
    return Accuracy(max(errors), statistics.median(errors))


def ulps(got, wanted, info):
    """How far a number is from the truth, in the gap between numbers of its dtype there."""
    if abs(wanted) > info.max:
        return 0.0 if mpmath.isinf(got) and got * wanted > 0 else math.inf
    if not mpmath.isfinite(got):
        return math.inf
    smallest = mpmath.mpf(info.tiny) * info.eps
    exponent = math.frexp(float(max(abs(wanted), mpmath.mpf(info.tiny))))[1] - 1
    return float(abs(got - wanted) / max(mpmath.ldexp(info.eps, exponent), smallest))


def bare(value):
    """Numbers of fifty digits in place of floats, in lists of any depth."""
    if isinstance(value, list):
        return [bare(part) for part in value]
    return mpmath.mpf(value) if isinstance(value, float) else value


def no_worse(ours, reference, *, most):
    """Require that ours is as near as torch's, or rounded as well as can be, and within `most`.

    Half a unit is the best that rounding allows; one, as good as any chain of operations.
    """
    assert ours.largest <= max(reference.largest, 1.0), (ours, reference)
    assert ours.median <= max(reference.median, 0.5), (ours, reference)
    assert ours.largest <= most, (ours, reference)
