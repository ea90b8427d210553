"""What rules look for in tensors."""

import torch
from torch import Tensor

ROWS = 256  # enough to be sure, few enough to be quick

_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 5e-3, torch.bfloat16: 2e-2}


def shape(tensor: Tensor) -> str:
    """Return the shape as torch's pages write it: ``(4, 3)``."""
    return "(" + ", ".join(map(str, tensor.shape)) + ("," if tensor.dim() == 1 else "") + ")"


def class_dim(input: Tensor) -> int:
    """Return the dimension of the classes: 1 of a batch, 0 of a single example."""
    return 1 if input.dim() > 1 else 0


def rows(input: Tensor) -> Tensor:
    """Return predictions as a table (N, C) in float32 or more, of at most 256 rows."""
    table = input.movedim(class_dim(input), -1).reshape(-1, input.shape[class_dim(input)])[:ROWS]
    return table if table.dtype == torch.float64 else table.float()


def tolerance(tensor: Tensor) -> float:
    """Return how far the sum of a computed distribution may be from 1 in this dtype."""
    return _TOLERANCE.get(tensor.dtype, 1e-6)


def sums_to_one(input: Tensor) -> bool:
    """Whether every row lies in [0, 1] and sums to 1: probabilities over the classes."""
    table, allowed = rows(input), tolerance(input)
    return bool(
        table.shape[1] > 1
        and table.numel()
        and ((table >= 0) & (table <= 1 + allowed)).all()
        and ((table.sum(1) - 1).abs() <= allowed).all()
    )


def is_whole(tensor: Tensor) -> bool:
    """Whether all entries are whole numbers, whatever the dtype."""
    return not tensor.is_floating_point() or bool((tensor == tensor.round()).all())


def holds_indices(target: Tensor) -> bool:
    """Whether the dtype is one in which torch takes class indices."""
    return target.dtype in (torch.int64, torch.uint8)
