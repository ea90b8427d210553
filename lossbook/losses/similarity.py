"""Likeness of vectors: cosines and distances, and the losses that are made of them."""

import math

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


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """Cosine of the angle between two vectors: x₁·x₂ / (max(|x₁|, ε) max(|x₂|, ε)).

    Source: Salton, Wong & Yang, "A vector space model for automatic indexing", 1975.

    Parameters
    ----------
    x1, x2 : Tensor of any shape
        They may broadcast, before lengths are taken.
    dim : int, default 1
        The dimension of the components, in the common shape.
    eps : float, default 1e-8
        A shorter vector counts as this long; the slope of the length ignores it.

    Returns
    -------
    Tensor
        Of the common shape without `dim`, from −1 (opposite) to 1 (alike), but for rounding; 0 for
        a vector of zeros. Without a unit.

    Raises
    ------
    LossInputError
        If x1 and x2 do not broadcast, dim is none of theirs, or eps is negative.

    Notes
    -----
    With u₁ and u₂ of length 1, the slope by x₁ is (u₂ − cos u₁) / |x₁|.

    Examples
    --------
    >>> cosine_similarity(torch.tensor([[1.0, 0.0], [3.0, 4.0]]), torch.tensor([[1.0, 1.0]]))
    tensor([0.7071, 0.9899])
    """
    check_tensors(x1=x1, x2=x2)
    check_real(x1=x1, x2=x2)
    check_number("eps", eps)
    if not eps >= 0:
        raise LossInputError(f"eps={eps}: it is a length, and can't be negative.")
    dtype, eps = torch.promote_types(x1.dtype, x2.dtype), float(eps)
    x1, x2 = broadcast(x1=x1.to(dtype), x2=x2.to(dtype))
    if type(dim) is not int or not -max(x1.ndim, 1) <= dim < max(x1.ndim, 1):
        raise LossInputError(
            f"dim={dim!r}: the common shape is {tuple(x1.shape)}; give the dimension of the "
            "components (-1 is the last)."
        )

    def unit(x):
        length = (x * x).sum(-1, keepdim=True).sqrt()
        # The eps is invisible to derivatives.
        clamped = length + (length.clamp(min=eps) - length).detach()
        return x / clamped, length, clamped

    def terms(x1, x2):
        (u1, length1, _), (u2, length2, _) = unit(x1), unit(x2)
        cosine = (u1 * u2).sum(-1)
        # For lengths of 1 it is also ±(1 − ½|u₁ ∓ u₂|²): nearly parallel, that is exact.
        side = cosine.sign()
        across = u1 - side[:, None] * u2
        parallel = side * (1 - 0.5 * (across * across).sum(-1))
        whole = (torch.minimum(length1, length2) >= eps)[:, 0]
        return torch.where(whole & (cosine.abs() > 0.9), parallel, cosine)

    def slope(x1, x2):
        (u1, length, clamped), (u2, *_) = unit(x1), unit(x2)
        along = x1 / torch.where(length == 0, 1, length)
        cosine = (u1 * u2).sum(-1, keepdim=True)
        return (u2 - cosine * along) / clamped

    slopes = [slope, lambda x1, x2: slope(x2, x1)]
    if dim % max(x1.ndim, 1) != max(x1.ndim, 1) - 1:
        x1, x2 = x1.movedim(dim, -1), x2.movedim(dim, -1)
    result = reduce(terms, slopes, [_lines(x1), _lines(x2)], "none", dim=-1)
    return _shaped(result, x1.shape[:-1])


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """Distance of two vectors: (Σ |x₁ − x₂ + ε|ᵖ)^(1/p).

    Source: Minkowski, "Geometrie der Zahlen", 1896.

    Parameters
    ----------
    x1, x2 : Tensor (..., D)
        They may broadcast.
    p : float, default 2
        2 is Euclid's distance, 1 the sum of the differences, math.inf the largest, −math.inf the
        smallest, 0 their number.
    eps : float, default 1e-6
        Is added to each difference, so that there is a slope where x₁ = x₂. The distance there and
        back is not quite the same, therefore.
    keepdim : bool, default False
        Whether a dimension of one element stays for the components.

    Returns
    -------
    Tensor (...)
        In the unit of the vectors.

    Raises
    ------
    LossInputError
        If x1 and x2 do not broadcast, or p or eps is no number.

    Notes
    -----
    With d = x₁ − x₂ + ε, the slope by x₁ is sign(d) (|d| / distance)^(p − 1).

    Examples
    --------
    >>> x, y = torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2)
    >>> pairwise_distance(x, y), pairwise_distance(x, y, p=1)
    (tensor([5.0000]), tensor([7.0000]))
    """
    check_tensors(x1=x1, x2=x2)
    result = distance(x1, x2, p, eps, common_dtype(x1, x2))
    return result.unsqueeze(-1) if keepdim and max(x1.ndim, x2.ndim) else result


def cosine_embedding_loss(input1, input2, target, *, margin=0, reduction="mean"):
    """Alike parallel, unlike not: 1 − cos where y = 1, max(0, cos − margin) where y = −1.

    The cosine is x₁·x₂ / √((|x₁|² + ε) (|x₂|² + ε)) with ε = 1e-12.

    Source: Chopra, Hadsell & LeCun, "Learning a similarity metric discriminatively, with
    application to face verification", 2005, for the pairs; there with distances.

    Parameters
    ----------
    input1, input2 : Tensor (N, D) or (D,)
        Vectors x₁ and x₂; they may broadcast.
    target : Tensor (N,) or ()
        y = 1 for alike, −1 for unlike. Any other number costs nothing, and teaches nothing.
    margin : float, default 0
        The cosine that unlike ones may have, from −1 to 1.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; from 0 to 2, without a unit.

    Raises
    ------
    LossInputError
        If target has not one dimension less than the vectors, or the shapes do not go together.

    Notes
    -----
    The slope of the cosine by x₁ is x₂ / |x₁||x₂| − cos x₁ / |x₁|².

    Examples
    --------
    >>> x1, x2 = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> cosine_embedding_loss(x1, x2, torch.tensor([1, -1]), reduction="none")
    tensor([1., 1.])
    """
    check_tensors(input1=input1, input2=input2, target=target)
    check_number("margin", margin)
    if target.ndim > 1 or not input1.ndim == input2.ndim == target.ndim + 1:
        raise LossInputError(
            f"input1 has shape {tuple(input1.shape)}, input2 {tuple(input2.shape)} and target "
            f"{tuple(target.shape)}: (N, D), (N, D) and (N,) were expected, or (D,), (D,) and ()."
        )
    dtype = torch.promote_types(common_dtype(input1), common_dtype(input2))
    margin = float(margin)
    tiny = 9.999999960041972e-13  # torch's 1e-12, which went through single precision
    check_real(input1=input1.to(dtype), input2=input2.to(dtype))
    pair = broadcast(input1=input1.to(dtype), input2=input2.to(dtype))
    y, _ = broadcast(target=target.detach(), pairs=pair[0].detach()[..., 0])
    x1, x2 = (_lines(x.expand(*y.shape, x.shape[-1])) for x in pair)

    def square(x):
        return (x * x).sum(-1, keepdim=True) + tiny

    def terms(x1, x2, y):
        square1, square2 = square(x1), square(x2)
        cosine = (x1 * x2).sum(-1) / (square1 * square2).sqrt()[:, 0]
        # 1 − cos is ½|x₁ − x₂|² for lengths of 1: this loses nothing where they are nearly alike.
        missing = 0.5 * tiny * (1 / square1 + 1 / square2)[:, 0]
        across = x1 / square1.sqrt() - x2 / square2.sqrt()
        apart = 0.5 * (across * across).sum(-1) + missing
        apart = torch.where(cosine > 0.9, apart, 1 - cosine)
        near = (cosine - margin).clamp(min=0)
        return torch.where(y == 1, apart, 0) + torch.where(y == -1, near, 0)

    def slope(x1, x2, y):
        square1, square2 = square(x1), square(x2)
        scale = 1 / (square1 * square2).sqrt()
        cosine = (x1 * x2).sum(-1, keepdim=True) * scale
        unlike = (y == -1)[:, None] & (cosine - margin >= 0)
        away = unlike.to(x1.dtype) - (y == 1).to(x1.dtype)[:, None]
        return away * scale * x2 - away * cosine / square1 * x1

    slopes = [slope, lambda x1, x2, y: slope(x2, x1, y), None]
    tensors, count = [x1, x2, y.reshape(-1)], y.numel()
    loss = reduce(terms, slopes, tensors, reduction, dim=-1, over=count, dtype=dtype)
    return _shaped(loss, y.shape) if reduction == "none" else loss


def distance(x1, x2, p, eps, dtype):
    """The distance of the last dimension, in a dtype of one's choice."""
    check_number("p", p)
    check_number("eps", eps)
    for name, x in (("x1", x1), ("x2", x2)):
        if x.dtype == torch.bool:
            raise LossInputError(f"{name} holds truth values, and numbers were expected.")
    x1, x2 = broadcast(x1=x1, x2=x2)
    p, eps = float(p), float(eps)
    if abs(p) == math.inf and x1.shape[-1:] == (0,):
        raise LossInputError("a vector without components has no largest difference.")

    def norm(d):
        if p == 2 and not d.is_complex():
            return (d * d).sum(-1).sqrt()
        d = d.abs()
        if p == 0:
            return (d != 0).to(d.dtype).sum(-1)
        if abs(p) == math.inf:
            return d.amax(-1) if p > 0 else d.amin(-1)
        return d.sum(-1) if p == 1 else (d**p).sum(-1) ** (1 / p)

    def slope(d):
        if p == 0:
            return d * 0
        if p == 1:
            return d.sign()
        n = norm(d)[..., None]
        if abs(p) == math.inf:
            # Those that are the largest share the slope.
            first = (d.abs() == n).to(d.dtype)
            return d.sign() * first / first.sum(-1, keepdim=True)
        share = d / torch.where(n == 0, 1, n)
        if p == 2:
            return share
        # |d|/distance to the power p − 1, and 0 where d is (0 to a negative power is infinite).
        size = torch.where(d == 0, 1, share.abs())
        return share.sign() * size ** (p - 1)

    difference = widen(x1) - widen(x2) + eps
    result = reduce(norm, [slope], [_lines(difference)], "none", dim=-1, dtype=dtype)
    return _shaped(result, x1.shape[:-1])


def common_dtype(*tensors):
    """The dtype that the tensors have in common, float32 for whole numbers."""
    dtype = tensors[0].dtype
    for x in tensors[1:]:
        dtype = torch.promote_types(dtype, x.dtype)
    whole = not (dtype.is_floating_point or dtype.is_complex)
    return torch.float32 if whole else dtype


def _lines(x):
    """Vectors as (N, D)."""
    return x.reshape(1, -1) if x.ndim < 2 else x.flatten(0, -2)


def _shaped(x, shape):
    """In that shape, or as it is if it has it."""
    return x if x.shape == shape else x.reshape(shape)
