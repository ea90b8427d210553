"""Losses of regression: how far a number is from the one that was wanted."""

import math
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


def gaussian_nll_loss(input, target, var, *, full=False, eps=1e-6, reduction="mean"):
    """How unlikely y is under a Gaussian of mean x and variance v: ½ (log v + (x − y)² / v).

    Source: Nix & Weigend, "Estimating the mean and variance of the target probability
    distribution", 1994.

    Parameters
    ----------
    input, target : Tensor of any shape
        Means x and observations y; they may broadcast.
    var : Tensor or float
        The variance v of each element (the square of the standard deviation), of the shape of
        input, or without its last dimension, or with a 1 in place of one of them.
    full : bool, default False
        Whether to add the constant ½ log 2π, which makes it −log of the density, in nats.
    eps : float, default 1e-6
        A smaller variance counts as this; the slope ignores it.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in nats, and possibly negative.

    Raises
    ------
    LossInputError
        If a variance is negative, or var has a shape that does not fit.

    Examples
    --------
    >>> gaussian_nll_loss(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([4.0]))
    tensor(1.1931)
    """
    if isinstance(var, float):
        check_tensors(input=input)
        var = torch.full_like(input, var)
    check_tensors(input=input, target=target, var=var)
    check_real(input=input, target=target, var=var)
    check_number("eps", eps)
    if (var < 0).any():
        raise LossInputError(
            f"var is {var.min().item():.4g} somewhere, and a variance is 0 or more: "
            "let the model give its logarithm, or use a softplus."
        )
    if var.shape != input.shape:
        lengths = zip(var.shape, input.shape, strict=False)
        if var.shape == input.shape[:-1]:
            var = var[..., None]
        elif var.ndim != input.ndim or [v for v, x in lengths if v != x] != [1]:
            raise LossInputError(
                f"var has shape {tuple(var.shape)} and input {tuple(input.shape)}: give a variance "
                "for each element, or put 1 in place of one dimension."
            )

    def terms(input, target, var):
        v = _AtLeast.apply(var, eps)
        return 0.5 * (v.log() + (input - target) ** 2 / v) + constant

    def by_input(input, target, var):
        return (input - target) / _AtLeast.apply(var, eps)

    def by_target(input, target, var):
        return (target - input) / _AtLeast.apply(var, eps)

    def by_var(input, target, var):
        v = _AtLeast.apply(var, eps)
        return 0.5 * (1 - (input - target) ** 2 / v) / v

    constant = 0.5 * math.log(2 * math.pi) if full else 0
    tensors = broadcast(input=input, target=target, var=var)
    return reduce(terms, [by_input, by_target, by_var], tensors, reduction)


def poisson_nll_loss(input, target, *, log_input=True, full=False, eps=1e-8, reduction="mean"):
    """How unlikely the count k is at the rate λ = eᶻ: eᶻ − k z (less the constant −log k!).

    Source: McCullagh & Nelder, "Generalized linear models", 1989, chapter 6.

    Parameters
    ----------
    input : Tensor of any shape
        Logarithms z of the rates; with ``log_input=False`` the rates λ, for λ − k log(λ + ε).
    target : Tensor
        Counts k; may broadcast with input.
    log_input : bool, default True
    full : bool, default False
        Whether to add Stirling's k log k − k + ½ log 2πk for log k!, where k > 1.
    eps : float, default 1e-8
        The ε that keeps the logarithm of a rate of 0 finite.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in nats, and possibly negative.

    Raises
    ------
    LossInputError
        If input and target do not broadcast.

    Notes
    -----
    The slope by z is λ − k.

    Examples
    --------
    >>> poisson_nll_loss(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]), reduction="none")
    tensor([1.0000, 0.7183])
    """
    check_tensors(input=input, target=target)
    check_number("eps", eps)
    if not (input.is_floating_point() or input.is_complex()):
        input = input.float()

    def terms(input, target):
        loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
        if full:
            k = torch.where(target <= 1, 1, target)
            loss = loss + torch.where(
                target <= 1, 0, k * k.log() - k + 0.5 * (2 * math.pi * k).log()
            )
        return loss

    def by_input(input, target):
        return input.exp() - target if log_input else 1 - target / (input + eps)

    def by_target(input, target):
        slope = -input if log_input else -(input + eps).log()
        if full:
            k = torch.where(target <= 1, 1, target)
            slope = slope + torch.where(target <= 1, 0, k.log() + 0.5 / k)
        return slope

    tensors = broadcast(input=input, target=target)
    return reduce(terms, [by_input, by_target], tensors, reduction)


class _AtLeast(torch.autograd.Function):
    """The larger of x and a bound, invisible to the derivative."""

    @staticmethod
    def forward(ctx, x, bound):
        return x.clamp(min=bound)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


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
