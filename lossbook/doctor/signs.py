"""What rules look for in tensors."""

from itertools import zip_longest

import torch
from torch import Tensor

ROWS = 256  # enough to be sure, few enough to be quick
ENTRIES = 2**20  # of a wide table even fewer rows

_TOLERANCE = {torch.float64: 1e-4, torch.float32: 1e-3, torch.float16: 5e-3, torch.bfloat16: 2e-2}
_LOG_TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 5e-2}


def shape(tensor: Tensor) -> str:
    """Return the shape as torch's pages write it: ``(4, 3)``."""
    return "(" + ", ".join(map(str, tensor.shape)) + ("," if tensor.dim() == 1 else "") + ")"


def readable(value) -> bool:
    """Whether a value is a tensor with numbers in it: one on the device "meta" has none."""
    return isinstance(value, Tensor) and not value.is_meta


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape that shapes broadcast to, or None. (torch's own loads sympy.)"""
    aligned = zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1)
    sizes = [set(column) - {1} or {1} for column in aligned]
    if any(len(size) > 1 for size in sizes):
        return None
    return tuple(size.pop() for size in reversed(sizes))


def without_ones(tensor: Tensor) -> list[int]:
    """Return the shape without the axes of size 1."""
    return [size for size in tensor.shape if size != 1]


def class_dim(input: Tensor) -> int:
    """Return the dimension of the classes: 1 of a batch, 0 of a single example."""
    return 1 if input.dim() > 1 else 0


def table(tensor: Tensor, dim: int = -1) -> Tensor:
    """Return slices along a dimension as rows in float32 or more: at most 256, from the start.

    Two tensors of one shape give rows of the same places.
    """
    tensor = tensor.movedim(dim, -1) if tensor.dim() else tensor[None]
    left = max(2, min(ROWS, ENTRIES // max(tensor.shape[-1], 1)))
    for axis in reversed(range(tensor.dim() - 1)):  # cut before a reshape copies
        tensor = tensor.narrow(axis, 0, min(tensor.shape[axis], left))
        left = max(left // max(tensor.shape[axis], 1), 1)
    tensor = tensor.narrow(-1, 0, min(tensor.shape[-1], 16 * ENTRIES))
    tensor = tensor.reshape(tensor.shape[:-1].numel(), tensor.shape[-1])
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def rows(input: Tensor) -> Tensor:
    """Return predictions as a table (N, C) in float32 or more, of at most 256 rows."""
    return table(input, class_dim(input))


def tolerance(tensor: Tensor) -> float:
    """Return how far the sum of a computed distribution may be from 1 in this dtype."""
    return _TOLERANCE.get(tensor.dtype, 1e-6)


def log_tolerance(tensor: Tensor) -> float:
    """Return how far the logsumexp of computed log-probabilities may be from 0 in this dtype.

    Numbers that lost digits in half precision keep what they lost in float32.
    """
    if tensor.dtype == torch.float32:
        cells = table(tensor)
        for dtype, allowed in _LOG_TOLERANCE.items():
            if cells.numel() >= 4 and (cells.to(dtype) == cells).all():
                return allowed
    return _LOG_TOLERANCE.get(tensor.dtype, 1e-3)


def sums_to_one(input: Tensor, dim: int | None = None, least: int = 4) -> bool:
    """Whether every row lies in [0, 1] and sums to 1: probabilities over the classes.

    Of fewer numbers than ``least`` it can't tell, and says no.
    """
    cells = rows(input) if dim is None else table(input, dim)
    allowed = tolerance(input)
    return bool(
        cells.shape[1] > 1
        and cells.numel() >= least
        and ((cells >= 0) & (cells <= 1 + allowed)).all()
        and ((cells.sum(1) - 1).abs() <= allowed).all()
    )


def logs_sum_to_one(input: Tensor, dim: int | None = None) -> bool:
    """Whether every row holds log-probabilities over a dimension (of the classes if not given)."""
    cells = rows(input) if dim is None else table(input, dim)
    allowed = log_tolerance(input)
    return bool(
        cells.shape[1] > 1
        and cells.numel() >= 4
        and (cells <= allowed).all()
        and (cells.logsumexp(1).abs() <= allowed).all()
    )


def other_dim(input: Tensor, sign, dim: int) -> int | None:
    """Return a dimension other than ``dim`` over which a sign shows, or None."""
    dims = [other for other in range(input.dim()) if other != dim % input.dim()]
    return next((other for other in dims if sign(input, other)), None)


def looks_like_sigmoid(input: Tensor) -> bool:
    """Whether at least 16 numbers lie in (0, 1] and come near both ends, as a sigmoid leaves them.

    A network at its start can have all logits between 0 and 1, but hardly ever near both ends and
    never beyond. (Where there is a graph, it tells for sure: see `origin`.)
    """
    cells = table(input)
    count = cells.numel()
    edge = 0.03 if count < 32 else 0.08
    if count < 16 or not input.is_floating_point():
        return False
    # A column of a layer's biases, in every row the same, counts once.
    classes = rows(input)
    ranges = classes.amax(0) - classes.amin(0)
    return bool(
        (len(classes) == 1 or ranges.mean() > 0.2)
        and ((cells > 0) & (cells <= 1)).all()
        and (cells < edge).any()
        and (cells > 1 - edge).any()
    )


def is_whole(tensor: Tensor) -> bool:
    """Whether all entries are whole numbers, whatever the dtype."""
    return not tensor.is_floating_point() or bool((tensor == tensor.round()).all())


def only(tensor: Tensor, *values: float) -> bool:
    """Whether a tensor that is not empty holds no other values than these."""
    cells = table(tensor)
    allowed = torch.zeros_like(cells, dtype=torch.bool)
    for value in values:
        allowed |= cells == value
    return bool(cells.numel() and allowed.all())


def holds_indices(target: Tensor) -> bool:
    """Whether the dtype is one in which torch takes class indices."""
    return target.dtype in (torch.int64, torch.uint8)


def entries(tensor: Tensor, most: int = 65536) -> Tensor:
    """Return the first entries of a tensor as a vector, and no more of them than `most`.

    Floats come in float32 or more. What is looked at is a view: a large tensor is not copied.
    """
    while tensor.dim() > 1 and tensor.numel() > most:
        inner = tensor[0].numel()
        tensor = tensor[: most // inner] if inner <= most else tensor[0]
    flat = tensor.reshape(-1)[:most]
    return flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat


def share(found: Tensor) -> str:
    """Return how many entries of a mask are true, in words: ``3 of 8``."""
    return f"{int(found.sum())} of {found.numel()}"


def same_shape(call) -> bool:
    """Whether input and target are tensors of one shape."""
    input, target = call.get("input"), call.get("target")
    return isinstance(input, Tensor) and isinstance(target, Tensor) and input.shape == target.shape


def looks_swapped(call) -> bool:
    """Whether the target of the input's shape looks like the prediction, and the input does not."""
    if not same_shape(call) or not call.target.is_floating_point():
        return False
    if call.learns & {"input", "target"} == {"target"}:
        return True
    return sums_to_one(call.input) and bool((table(call.target) < 0).any())
