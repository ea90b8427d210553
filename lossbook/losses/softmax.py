"""From logits to probabilities: softmax, its logarithm, and the logarithm of what it divides by."""

import warnings

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import by_pieces, check_real, check_tensors, reduce


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """Probabilities in proportion to the exponentials of logits: pᵢ = exp zᵢ / Σⱼ exp zⱼ.

    Source: Boltzmann 1868; the name is Bridle's, "Probabilistic interpretation of feedforward
    classification network outputs", 1990.

    Parameters
    ----------
    input : Tensor of any shape
        Logits z, in nats: what counts are their differences.
    dim : int
        The dimension of the classes, along which the probabilities sum to 1. Left out, it is 0 or
        1 by the number of dimensions, with a warning.
    dtype : torch.dtype, optional
        What input is converted to first.

    Returns
    -------
    Tensor
        Of the shape of input. NaN where a row holds +∞ or NaN, or nothing but −∞.

    Raises
    ------
    LossInputError
        If input holds no floating-point numbers, or has no dimension `dim`.

    Notes
    -----
    The slope of pᵢ by zⱼ is pᵢ ((i = j) − pⱼ).

    Examples
    --------
    >>> softmax(torch.tensor([0.0, 1.0, 1.0]), dim=0)
    tensor([0.1554, 0.4223, 0.4223])
    """
    input, dim = _checked("softmax", input, dim, _stacklevel, dtype)
    return _rows(_Softmax, input, dim)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """The logarithms of softmax, without rounding in between: log pᵢ = zᵢ − log Σⱼ exp zⱼ.

    Source: as `softmax`.

    Parameters
    ----------
    input : Tensor of any shape
        Logits z, in nats.
    dim : int
        The dimension of the classes. Left out, it is 0 or 1 by the number of dimensions, with a
        warning.
    dtype : torch.dtype, optional
        What input is converted to first.

    Returns
    -------
    Tensor
        Of the shape of input, in nats, never positive.

    Raises
    ------
    LossInputError
        If input holds no floating-point numbers, or has no dimension `dim`.

    Notes
    -----
    The slope of log pᵢ by zⱼ is (i = j) − pⱼ.

    Examples
    --------
    >>> log_softmax(torch.tensor([0.0, 20.0]), dim=0)
    tensor([-2.0000e+01, -2.0612e-09])
    """
    input, dim = _checked("log_softmax", input, dim, _stacklevel, dtype)
    return _rows(_LogSoftmax, input, dim)


def logsumexp(input, dim, keepdim=False):
    """A smooth maximum: log Σⱼ exp zⱼ, between the largest z and that plus log C.

    Source: Boyd & Vandenberghe, "Convex optimization", 2004, section 3.1.5.

    Parameters
    ----------
    input : Tensor of any shape
        Numbers z; whole ones are converted to the default dtype.
    dim : int or tuple of int
        The dimension or dimensions to sum over.
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    Tensor
        −∞ where there is nothing to sum, or nothing but −∞.

    Raises
    ------
    LossInputError
        If input is complex, or has no dimension `dim`.

    Notes
    -----
    The slope is the softmax.

    Examples
    --------
    >>> logsumexp(torch.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)
    """

    def terms(z):
        largest, place = z.max(-1, keepdim=True)
        m = _finite(largest)
        return (m + log_total(z - m, -1, place)).squeeze(-1)

    def by_z(z):
        return proportional(z, -1, shift=_finite)

    check_tensors(input=input)
    input = input if input.is_floating_point() or input.is_complex() else input.float()
    check_real(input=input)
    dims = [_dimension(input, d) for d in (dim if isinstance(dim, tuple | list) else [dim])]
    if len(set(dims)) < max(len(dims), min(input.ndim, 1)):
        raise LossInputError(f"dim={dim}: name each dimension to sum over once, and at least one.")
    rows = input.reshape(1, -1) if input.ndim < 2 else input
    if input.ndim > 1 and dims != [input.ndim - 1]:
        rows = input.movedim(dims, list(range(-len(dims), 0))).flatten(-len(dims))
    empty = not rows.numel()
    result = rows.sum(-1).log() if empty else reduce(terms, [by_z], [rows], "none", dim=-1)
    kept = [1 if i in dims else n for i, n in enumerate(input.shape)]
    gone = [n for i, n in enumerate(input.shape) if i not in dims]
    shape = kept if keepdim else gone
    return result if list(result.shape) == shape else result.reshape(shape)


class _Softmax(torch.autograd.Function):
    """Proportional to exponentials; backward, a row's slopes minus their mean under p, times p."""

    @staticmethod
    def forward(ctx, z, dim):
        p = by_pieces(lambda out, z: proportional(z, dim, out), z, cut=dim)
        ctx.dim = dim
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, gradient):
        def by_z(out, gradient, p):
            scaled = torch.mul(gradient, p, out=out)
            return scaled.addcmul_(p, scaled.sum(ctx.dim, keepdim=True), value=-1)

        return by_pieces(by_z, gradient, *ctx.saved_tensors, cut=ctx.dim), None


class _LogSoftmax(torch.autograd.Function):
    """Logits minus their log-sum-exp; backward, a row's slopes minus p times their sum."""

    @staticmethod
    def forward(ctx, z, dim):
        def log_p(out, z):
            z = torch.sub(z, z.amax(dim, keepdim=True), out=out)
            exponentials = z.exp()
            # Beside the 1 of the largest, small ones would be rounded away: ones are counted apart.
            ones = exponentials.floor()
            others = exponentials.sub_(ones).sum(dim, keepdim=True)
            return z.sub_(others.add_(ones.sum(dim, keepdim=True) - 1).log1p_())

        result = by_pieces(log_p, z, cut=dim)
        ctx.dim = dim
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, gradient):
        def by_z(out, gradient, log_p):
            total = gradient.sum(ctx.dim, keepdim=True)
            return torch.addcmul(gradient, log_p.exp(), total, value=-1, out=out)

        return by_pieces(by_z, gradient, *ctx.saved_tensors, cut=ctx.dim), None


def proportional(z, dim, out=None, shift=None):
    """The exponentials over their sum. Less the largest, none of them overflows."""
    largest = z.detach().amax(dim, keepdim=True)
    exponentials = torch.sub(z, shift(largest) if shift else largest, out=out).exp_()
    return torch.div(exponentials, exponentials.sum(dim, keepdim=True), out=out)


def less_the_largest(z, dim):
    """Logits of which none is above 0, and the place of the largest."""
    largest, place = z.max(dim, keepdim=True)
    return z - largest, place


def log_total(z, dim, place):
    """log Σ exp of logits less the largest. It works in what `z.exp()` makes: no derivatives.

    The sum is written as 1 and the rest: beside the 1 of the largest, small ones would be rounded
    away. `place` is where the large one is expected.
    """
    others = z.exp().scatter_(dim, place, 0).sum(dim, keepdim=True)
    return (others + z.gather(dim, place).expm1()).log1p()


def _finite(largest):
    """A shift that lets ±∞ through: the largest of numbers that are not infinite."""
    most = torch.finfo(largest.dtype).max
    return largest.clamp(-most, most)


def _rows(function, input, dim):
    """A function of rows; a single number is a row of one, and nothing stays nothing."""
    if not input.numel():
        return input.clone()
    return function.apply(input, dim) if input.ndim else function.apply(input[None], 0)[0]


def _checked(name, input, dim, stacklevel, dtype):
    """Floating-point input of the wanted dtype, and the dimension counted from the front."""
    check_tensors(input=input)
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"{name} without dim: {dim} is taken, because input has {input.ndim} dimensions. "
            f"Say which one holds the classes: {name}(input, dim={dim}).",
            stacklevel=stacklevel,
        )
    dim = _dimension(input, dim)
    if dtype is not None:
        input = input.to(dtype)
    check_real(input=input)
    return input, dim


def _dimension(input, dim):
    """A dimension that input has, counted from the front."""
    count = max(input.ndim, 1)
    if not isinstance(dim, int) or not -count <= dim < count:
        raise LossInputError(
            f"dim={dim!r} does not fit input, which has shape {tuple(input.shape)}: "
            f"give a whole number from {-count} to {count - 1}."
        )
    return dim % count
