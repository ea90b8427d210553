"""Where a tensor comes from, as far as its graph tells."""

import re

from torch import Tensor

from lossbook.doctor.call import SIGNATURES, Call
from lossbook.doctor.signs import looks_like_sigmoid, rows, sums_to_one, table

# These move numbers, or copy them, and change none.
_MOVES = re.compile(
    "(Unsafe)?View|Reshape.*|Squeeze|Unsqueeze|Permute|Transpose|T|Select|Slice|Index|Gather|"
    "Expand|Clone|ToCopy|AsStrided|Alias|Narrow|Split|Unbind|IndexSelect|MaskedSelect"
)
LAYERS = {"Mm", "Addmm", "Bmm", "Baddbmm", "Convolution", "Mv", "Trilinear"}

# After these a number may be anything, or anything above 0: to lie in [0, 1] is chance.
UNBOUNDED = LAYERS | {
    *("Relu", "LeakyRelu", "PreluKernel", "Prelu", "Elu", "Gelu", "Silu", "Softplus", "Mish"),
    *("NativeBatchNorm", "CudnnBatchNorm", "NativeLayerNorm", "NativeGroupNorm", "MaskedFill"),
}

# One of these there is near the end of what makes a number lie between 0 and 1.
BOUNDED = {"Sigmoid", "Hardsigmoid", "Softmax", "Exp", "CompiledFunction"}


def made_by(tensor: Tensor, most: int = 3) -> tuple[str, ...]:
    """Return the last operations that made a tensor, the very last one first.

    Those that only move or copy numbers are left out. Empty where there is no graph.
    """
    node, made, steps = getattr(tensor, "grad_fn", None), [], 0
    while node is not None and len(made) < most and steps < 16:
        name = re.sub(r"Backward\d*$", "", node.name())
        if not _MOVES.fullmatch(name):
            made.append(name)
        node = node.next_functions[0][0] if node.next_functions else None
        steps += 1
    return tuple(made)


def input_made_by(call: Call, most: int = 3) -> tuple[str, ...]:
    """Return the last operations that made the first argument of a call, the very last one first.

    Examples
    --------
    >>> import torch
    >>> from lossbook.doctor.call import run
    >>> z = torch.randn(4, 3, requires_grad=True)
    >>> log_p = (z.softmax(1) + 1e-7).log()
    >>> input_made_by(run("nll_loss", (log_p, torch.tensor([0, 1, 2, 0])), {}))
    ('Log', 'Add', 'Softmax')
    """
    return made_by(call.kwargs.get("input", call.args[0] if call.args else None), most)


def origin(call: Call, name: str) -> tuple[str, ...]:
    """Return the last operations that made one argument of a call, the very last one first."""
    place = list(SIGNATURES[call.loss].parameters).index(name)
    return made_by(call.args[place] if place < len(call.args) else call.kwargs.get(name))


def from_layer(call: Call) -> bool:
    """Whether the input comes straight out of a linear layer or a convolution."""
    return bool(LAYERS.intersection(input_made_by(call)[:1]))


def from_sigmoid(call: Call) -> bool:
    """Whether the input comes out of a sigmoid; where no graph tells, by its numbers."""
    made = input_made_by(call, 4)
    if made[:1] == ("Sigmoid",):
        return True
    return (not made or bool(BOUNDED.intersection(made))) and looks_like_sigmoid(call.input)


def from_softmax(call: Call, dim: int | None = None) -> bool:
    """Whether the input holds probabilities over a dimension (of the classes if not given)."""
    made = input_made_by(call)[:1]
    if UNBOUNDED.intersection(made):
        return False
    if made == ("Softmax",):
        return sums_to_one(call.input, dim, least=2)
    cells = rows(call.input) if dim is None else table(call.input, dim)
    alike = len(cells) > 1 and (cells == cells[0]).all()  # so often one row: it may be chance
    return sums_to_one(call.input, dim) and not alike
