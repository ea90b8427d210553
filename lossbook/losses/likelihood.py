"""Losses that are minus a log-likelihood of numbers: the model says how sure it is, or a rate."""

import math

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import broadcast, check_number, check_real, check_tensors, reduce


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
    """How unlikely the count k is at the rate λ = eᶻ: eᶻ − k z (without the constant log k!).

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
