"""What all losses share: the reduction, with derivatives worked out by hand, and the refusals.

A loss is a formula for its terms (one number for each element, or for each row), the slope of the
term by each of its tensors, and a reduction. `reduce` puts the three together.
"""

from itertools import repeat

import torch
from torch import Tensor

from lossbook.errors import LossInputError

HALF = (torch.float16, torch.bfloat16)
# So many numbers a thread works on at a time: what one step leaves, the next finds in the cache,
# and nothing but the gradient itself is ever as large as the input.
PIECE = 2**16


def reduce(terms, slopes, tensors, reduction, *, weight=None, dim=None, over=None, dtype=None):
    """Add up the terms of a loss, or average them, or leave them as they are.

    Parameters
    ----------
    terms : callable
        `terms(*tensors)` gives the terms: a tensor like the first one, without the dimension `dim`.
        It is called on pieces of the tensors, cut along dimension 0. Half precision arrives as
        float32.
    slopes : list of callable or None
        For each tensor, its slope: `slope(*tensors)` has the shape of that tensor, and holds the
        derivative of the term by each of its elements. None for one without a derivative (labels).
        Made of differentiable operations, so that there are second derivatives.
    tensors : list of Tensor
        Alike in dimension 0 (see `broadcast`). What can't be cut (class weights) comes to
        `terms` and `slopes` by closure.
    reduction : {"none", "mean", "sum"}
    weight : Tensor, optional
        A factor for each term, of their shape, by which there is a derivative too: the term itself.
    dim : int, optional
        The dimension that tensors have and terms do not: that of the classes.
    over : int or Tensor, optional
        What the sum is divided by to give the mean. Default: the elements of the first tensor.
    dtype : torch.dtype, optional
        The dtype of the result. Default: that of the tensors, where they have one in common.

    Returns
    -------
    Tensor
    """
    check_reduction(reduction)
    if weight is not None:
        terms, slopes = _weighted(terms, slopes, dim)
        tensors = [*tensors, weight]
    kinds = {x.dtype for x in tensors if x.is_floating_point()}
    if dtype is None and len(kinds) == 1:
        (dtype,) = kinds
    whole = reduction != "none"
    if reduction != "mean":
        over = None
    elif over is None:
        over = tensors[0].numel()
    if not kinds or any(map(Tensor.is_complex, tensors)):
        # Slopes by hand are for real numbers.
        result = terms(*tensors)
        if over is not None and not (result.is_floating_point() or result.is_complex()):
            raise LossInputError("whole numbers have no mean of their dtype: use input.float().")
        result = result.sum() if whole else result
        return result if over is None else result / over
    if isinstance(over, Tensor) and over.requires_grad:
        result = _Reduced.apply((terms, slopes, dim, whole, None, None), *tensors) / over
        return _as(result, dtype)
    return _Reduced.apply((terms, slopes, dim, whole, over, dtype), *tensors)


def _weighted(terms, slopes, dim):
    """The terms times a weight, and their slopes, the one by the weight last."""

    def times(slope):
        def weighted_slope(*tensors):
            *tensors, weight = tensors
            inner = slope(*tensors)
            return _beside(weight, inner, dim) * inner

        return slope and weighted_slope

    def weighted_terms(*tensors):
        *tensors, weight = tensors
        return weight * terms(*tensors)

    return weighted_terms, [*map(times, slopes), lambda *tensors: terms(*tensors[:-1])]


class _Reduced(torch.autograd.Function):
    """The terms, or the whole of them, which is their sum, divided by `over`; and its slopes."""

    @staticmethod
    def forward(ctx, rule, *tensors):
        ctx.rule = terms, _, _, whole, over, dtype = rule
        ctx.save_for_backward(*tensors)
        cut = pieces(tensors)
        parts = (terms(*map(widen, piece)) for piece in cut)
        if not whole:
            return _as(next(parts), dtype) if len(cut) == 1 else _joined(parts, tensors, dtype)
        sums = [part.sum() for part in parts]
        result = torch.stack(sums).sum() if len(sums) > 1 else sums[0]
        return _as(result if over is None else result / over, dtype)

    @staticmethod
    def backward(ctx, gradient):
        _, slopes, dim, _, over, _ = ctx.rule
        tensors = ctx.saved_tensors
        gradient = widen(gradient) if over is None else widen(gradient) / over
        cut = pieces([gradient, *tensors])

        def chain(slope, gradient, *tensors):
            inner = slope(*map(widen, tensors))
            return _beside(gradient, inner, dim), inner

        def by(x, slope):
            # A second derivative follows the operations, and for it they stay in one piece.
            if len(cut) == 1 or torch.is_grad_enabled():
                outer, inner = chain(slope, gradient, *tensors)
                return _as(outer * inner, x.dtype)
            result = torch.empty_like(x)
            for part, piece in zip(result.split(len(cut[0][1])), cut, strict=True):
                torch.mul(*chain(slope, *piece), out=part)
            return result

        needed = zip(tensors, slopes, ctx.needs_input_grad[1:], strict=True)
        return None, *[by(x, slope) if need else None for x, slope, need in needed]


def _joined(parts, tensors, dtype):
    """The terms of all pieces, each put into its place while the cache still has it."""
    result, start = None, 0
    for part in parts:
        if result is None:
            length = max(len(x) for x in tensors if x.ndim)
            result = part.new_empty((length, *part.shape[1:]), dtype=dtype)
        result[start : start + len(part)] = part
        start += len(part)
    return result


def by_pieces(function, *tensors, cut=True):
    """A tensor like the last one, of a function of one piece after the other (`cut`, or in one).

    The function gets the place for its result first: None where derivatives of its operations are
    wanted (these stay in one piece), or more digits than the result has.
    """
    parts = pieces(tensors) if cut else [tensors]
    if torch.is_grad_enabled():
        return _as(function(None, *map(widen, tensors)), tensors[-1].dtype)
    result = torch.empty_like(tensors[-1])
    if len(parts) == 1 and result.dtype not in HALF:
        return function(result, *tensors)
    for part, piece in zip(result.split(len(parts[0][-1])), parts, strict=True):
        if part.dtype in HALF:
            part[:] = function(None, *map(widen, piece))
        else:
            function(part, *piece)
    return result


def _beside(x, slope, dim):
    """Something of the shape of the terms, to be multiplied with a slope that has one more."""
    return x.unsqueeze(dim) if 0 < x.ndim < slope.ndim else x


def pieces(tensors):
    """Cut the tensors along dimension 0 into pieces of about `PIECE` numbers a thread."""
    count = max(map(Tensor.numel, tensors))
    most = PIECE * torch.get_num_threads()
    if count <= most:
        return [tensors]
    rows = max(1, most * max(len(x) for x in tensors if x.ndim) // count)
    cut = (x.split(rows) if x.ndim else repeat(x) for x in tensors)
    return list(zip(*cut, strict=False))


def widen(x):
    """Half precision as float32; all else as it is."""
    return x.float() if x.dtype in HALF else x


def _as(x, dtype):
    """In that dtype, or as it is if there is none."""
    return x if dtype is None or x.dtype == dtype else x.to(dtype)


# Refusals


def check_reduction(reduction):
    """Refuse what is no reduction."""
    if reduction not in ("none", "mean", "sum"):
        raise LossInputError(f'reduction={reduction!r}: use "none", "mean" or "sum".')


def check_tensors(**tensors):
    """Refuse what is no tensor, and tensors on two devices."""
    first = next(iter(tensors))
    for name, x in tensors.items():
        if not isinstance(x, Tensor):
            raise LossInputError(
                f"{name} is a {type(x).__name__}, and a tensor was expected: "
                "write torch.tensor(...)."
            )
        if x.device != tensors[first].device and x.ndim and tensors[first].ndim:
            raise LossInputError(
                f"{first} is on {tensors[first].device} and {name} on {x.device}: "
                f"move one to the other, {name}.to({first}.device)."
            )


def check_real(**tensors):
    """Refuse complex numbers, and tensors none of which holds floating-point numbers."""
    for name, x in tensors.items():
        if x.is_complex():
            raise LossInputError(f"{name} holds {x.dtype} numbers, and real ones were expected.")
    if not any(map(Tensor.is_floating_point, tensors.values())):
        dtypes = " and ".join(f"{name} {x.dtype}" for name, x in tensors.items())
        first = next(iter(tensors))
        raise LossInputError(
            f"floating-point numbers were expected, got {dtypes}: {first}.float()."
        )


def check_number(name, value):
    """Refuse what is no number (a text, None, a tensor of many)."""
    single = isinstance(value, Tensor) and value.numel() == 1
    if not (isinstance(value, int | float) or single):
        raise LossInputError(f"{name}={value!r:.40}: a number was expected.")


def broadcast(**tensors):
    """Bring the tensors to one shape."""
    first, *rest = tensors.values()
    if all(x.shape == first.shape for x in rest):
        return [first, *rest]
    try:
        return list(torch.broadcast_tensors(first, *rest))
    except RuntimeError:
        shapes = " and ".join(f"{name} {tuple(x.shape)}" for name, x in tensors.items())
        raise LossInputError(f"the shapes do not go together: {shapes}; make them equal.") from None
