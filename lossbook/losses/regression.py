"""Losses of regression: how far a number is from the one that was wanted."""

import warnings

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import broadcast, check_real, check_tensors, reduce, widen


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
