"""The logistic function, its logarithm, and the soft ramp: what the binary losses are made of."""

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import by_pieces, check_number, check_tensors, reduce


def sigmoid(input):
    """The probability that belongs to a logit: σ(x) = 1 / (1 + e⁻ˣ).

    Source: Verhulst 1845; Berkson, "Application of the logistic function to bio-assay", 1944.

    Parameters
    ----------
    input : Tensor of any shape
        Logits x, the logarithms of the odds: log(p / (1 − p)). Whole and complex numbers too.

    Returns
    -------
    Tensor of the shape of input
        Between 0 and 1; float32 for whole numbers.

    Raises
    ------
    LossInputError
        If input is no tensor.

    Notes
    -----
    The slope is σ(x) σ(−x), at most ¼.

    Examples
    --------
    >>> sigmoid(torch.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1192, 0.5000, 0.8808])
    """

    check_tensors(input=input)
    if input.is_complex():  # Slopes by hand are for real numbers.
        return 1 / (1 + (-input).exp())
    return _Sigmoid.apply(input if input.is_floating_point() else input.float())


def logsigmoid(input):
    """The logarithm of the sigmoid: log σ(x) = −log(1 + e⁻ˣ) = min(x, 0) − log(1 + e^−|x|).

    Source: Mächler, "Accurately computing log(1 − exp(−|a|))", 2012.

    Parameters
    ----------
    input : Tensor of any shape
        Logits x.

    Returns
    -------
    Tensor of the shape and dtype of input
        0 or less, in nats.

    Raises
    ------
    LossInputError
        If input holds no floating-point numbers.

    Notes
    -----
    The slope is σ(−x): 1 far on the left, ½ at 0.

    Examples
    --------
    >>> logsigmoid(torch.tensor([-1000.0, 0.0, 5.0]))
    tensor([-1.0000e+03, -6.9315e-01, -6.7153e-03])
    """

    def terms(input):
        return input.clamp(max=0) - rounding(input)

    def by_input(input):
        return sigma(-input)

    check_floating(input=input)
    return reduce(terms, [by_input], [input], "none")


def softplus(input, beta=1, threshold=20):
    """A ramp with a round corner: log(1 + e^βx) / β; x itself where βx > threshold.

    Source: Dugas et al., "Incorporating second-order functional knowledge for better option
    pricing", 2001.

    Parameters
    ----------
    input : Tensor of any shape
        Numbers x.
    beta : float, default 1
        How sharp the corner is, in one over the unit of input.
    threshold : float, default 20
        Past it the line: there the ramp is above it by less than e^−threshold / β.

    Returns
    -------
    Tensor of the shape and dtype of input
        Above 0 (for a beta above 0).

    Raises
    ------
    LossInputError
        If input holds no floating-point numbers, or beta or threshold is no number.

    Notes
    -----
    The slope is σ(βx). With beta 1 it is −log σ(−x).

    Examples
    --------
    >>> softplus(torch.tensor([-5.0, 0.0, 5.0, 100.0]))
    tensor([6.7153e-03, 6.9315e-01, 5.0067e+00, 1.0000e+02])
    """

    def terms(input):
        x = beta * input
        past = (x - threshold).clamp(min=0).bool()  # far quicker than x > threshold
        return torch.where(past, input, x.exp().log1p_().div_(beta))

    def by_input(input):
        x = beta * input
        return torch.maximum(sigma(x), (x - threshold).sign())

    check_floating(input=input)
    check_number("beta", beta)
    check_number("threshold", threshold)
    return reduce(terms, [by_input], [input], "none")


class _Sigmoid(torch.autograd.Function):
    """σ(x); backward, p (1 − p), made of p alone, as e⁻ˣ may be infinite."""

    @staticmethod
    def forward(ctx, x):
        p = by_pieces(_probability, x)
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, gradient):
        def by_x(out, gradient, p):
            return torch.mul(p - p * p, gradient, out=out)

        return by_pieces(by_x, gradient, *ctx.saved_tensors)


def _probability(out, x):
    return torch.neg(x, out=out).exp_().add_(1).reciprocal_()


def sigma(x):
    """σ(x) of floating-point numbers, for slopes."""
    return _Sigmoid.apply(x) if torch.is_grad_enabled() else _probability(None, x)


def ramp(x):
    """log(1 + eˣ), of which nothing overflows."""
    return x.clamp(min=0) + rounding(x)


def rounding(x):
    """log(1 + e^−|x|), by which the ramp is above its corner."""
    return x.abs().neg_().exp_().log1p_()


def check_floating(**tensors):
    """Refuse tensors that hold anything but floating-point numbers."""
    check_tensors(**tensors)
    for name, x in tensors.items():
        if not x.is_floating_point():
            raise LossInputError(
                f"{name} holds {x.dtype} numbers, and floating-point ones were expected: "
                f"{name}.float()."
            )
