"""Losses of regression: how far a number is from the one that was wanted."""

import warnings

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import (
    broadcast,
    check_number,
    check_real,
    check_tensors,
    reduce,
    widen,
)


def l1_loss(input, target, *, reduction="mean", weight=None):
    """Absolute error: |x − y|.

    Source: Laplace 1774; Bloomfield & Steiger, "Least absolute deviations", 1983.

    Parameters
    ----------
    input, target : Tensor of any shape
        Predictions x and what was wanted, y. Different shapes broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, of the shape of input, optional
        A factor for each term; the mean divides by its sum.

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of input.

    Raises
    ------
    LossInputError
        If input and target do not broadcast, or weight has not the shape of input.

    Notes
    -----
    The slope is the sign of x − y, and 0 where they are equal. It leads to the median.

    Examples
    --------
    >>> l1_loss(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 4.0, 7.0]))
    tensor(2.)
    """

    def terms(input, target):
        return (input - target).abs()

    def by_input(input, target):
        return (input - target).sign()

    def by_target(input, target):
        return (target - input).sign()

    tensors, weight, over = _pair(input, target, weight)
    if any(x.dtype == torch.bool for x in tensors):
        raise LossInputError("truth values have no difference; give numbers: target.float().")
    return reduce(terms, [by_input, by_target], tensors, reduction, weight=weight, over=over)


def mse_loss(input, target, *, reduction="mean", weight=None):
    """Squared error: (x − y)².

    Source: Legendre 1805; Gauss 1809.

    Parameters
    ----------
    input, target : Tensor of any shape
        Predictions x and what was wanted, y. Different shapes broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, of the shape of input, optional
        A factor for each term; the mean divides by its sum.

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of input, squared.

    Raises
    ------
    LossInputError
        If input and target do not broadcast, or weight has not the shape of input.

    Notes
    -----
    The slope is 2 (x − y). It leads to the mean.

    Examples
    --------
    >>> mse_loss(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 4.0, 4.0]), reduction="sum")
    tensor(5.)
    """

    def terms(input, target):
        return (input - target) ** 2

    def by_input(input, target):
        return 2 * (input - target)

    def by_target(input, target):
        return 2 * (target - input)

    tensors, weight, over = _pair(input, target, weight)
    check_real(input=input, target=target)
    return reduce(terms, [by_input, by_target], tensors, reduction, weight=weight, over=over)


def smooth_l1_loss(input, target, *, reduction="mean", beta=1.0):
    """Squared error near 0, absolute error beyond: r²/2β where r = |x − y| < β, else r − β/2.

    Source: Girshick, "Fast R-CNN", 2015, equation 3 (β = 1).

    Parameters
    ----------
    input, target : Tensor of any shape
        Predictions x and what was wanted, y. Different shapes broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    beta : float, default 1
        Where the parabola meets the line, in the unit of input. With 0 it is `l1_loss`.

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of input.

    Raises
    ------
    LossInputError
        If input and target do not broadcast, or beta is negative.

    Notes
    -----
    The slope is (x − y)/β, between −1 and 1 at most. β times this is `huber_loss` with δ = β.

    Examples
    --------
    >>> smooth_l1_loss(torch.tensor([0.0, 0.5, 3.0]), torch.zeros(3), reduction="none")
    tensor([0.0000, 0.1250, 2.5000])
    """
    check_number("beta", beta)
    if beta < 0:
        raise LossInputError(f"beta={beta}: it is where the parabola ends, and can't be negative.")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)

    def terms(input, target):
        r = input - target
        near = r.clamp(-beta, beta)
        return near * (r - 0.5 * near) / beta

    def by_input(input, target):
        return ((input - target) / beta).clamp(-1, 1)

    def by_target(input, target):
        return ((target - input) / beta).clamp(-1, 1)

    tensors, _, _ = _pair(input, target)
    check_real(input=input, target=target)
    return reduce(terms, [by_input, by_target], tensors, reduction)


def huber_loss(input, target, *, reduction="mean", delta=1.0, weight=None):
    """Half the squared error near 0, a line beyond: r²/2 where r = |x − y| ≤ δ, else δ (r − δ/2).

    Source: Huber, "Robust estimation of a location parameter", 1964.

    Parameters
    ----------
    input, target : Tensor of any shape
        Predictions x and what was wanted, y. Different shapes broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    delta : float, default 1
        Where the parabola becomes a line, in the unit of input.
    weight : Tensor, of the shape of input, optional
        A factor for each term; the mean divides by the count all the same.

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of input, squared, and in its
        dtype.

    Raises
    ------
    LossInputError
        If input and target do not broadcast, delta is not positive, or weight has not the shape of
        input.

    Notes
    -----
    The slope is x − y, between −δ and δ at most.

    Examples
    --------
    >>> huber_loss(torch.tensor([0.0, 1.0, 3.0]), torch.zeros(3), delta=2.0, reduction="none")
    tensor([0.0000, 0.5000, 4.0000])
    """
    check_number("delta", delta)
    if delta <= 0:
        raise LossInputError(f"delta={delta}: it is where the parabola ends, and must be positive.")

    def terms(input, target):
        r = input - target
        near = r.clamp(-delta, delta)
        return near * (r - 0.5 * near)

    def by_input(input, target):
        return (input - target).clamp(-delta, delta)

    def by_target(input, target):
        return (target - input).clamp(-delta, delta)

    tensors, weight, _ = _pair(input, target, weight)
    check_real(input=input)
    check_real(input=input, target=target)
    dtype = input.dtype if weight is None else torch.promote_types(input.dtype, weight.dtype)
    return reduce(terms, [by_input, by_target], tensors, reduction, weight=weight, dtype=dtype)


def _pair(input, target, weight=None):
    """Input and target of one shape, the weight expanded to it, and what a mean divides by."""
    check_tensors(input=input, target=target, **({} if weight is None else {"weight": weight}))
    pair = broadcast(input=input, target=target)
    if input.shape != target.shape:
        # (N, 1) and (N,) make N² pairs, which is rarely meant.
        warnings.warn(
            f"input has shape {tuple(input.shape)} and target {tuple(target.shape)}; "
            f"broadcast, they make {tuple(pair[0].shape)}. If that is not meant, make them equal.",
            stacklevel=3,
        )
    if weight is None:
        return pair, None, None
    if weight.shape != input.shape:
        raise LossInputError(
            f"weight has shape {tuple(weight.shape)} and input {tuple(input.shape)}: "
            "give a weight for each element of input."
        )
    return pair, weight.expand_as(pair[0]), widen(weight).sum()
