"""Is a result the right one? However written: a float, an array, a list or a tensor."""

import math

import torch
from torch import Tensor

from lossbook.verify.agreement import weighted_gradients
from lossbook.verify.compare import as_tensors, ulps_apart
from lossbook.verify.search import Outcome

# About nine digits, and in float32 five: formulas may differ in their rounding, and no more.
ULPS = {torch.float64: 4e6, torch.float32: 100.0}


def differs(came, right, arguments, leaves=None) -> Outcome:
    """Compare a result with the right one; `what` is empty where they agree.

    Parameters
    ----------
    came, right
        What the two functions returned.
    arguments : list
        What they were given: the size and the dtype of the numbers set the tolerance.
    leaves : tuple of two lists of Tensor, optional
        The arguments of each; given if the gradients by the first one are to agree too.
    """
    if came is None:
        return wrong("nothing", "None", right)
    if isinstance(came, str | bytes | dict | set | bool) or callable(came):
        return wrong("type", f"a {type(came).__name__}", right)
    try:
        ours, theirs = parts(came), parts(right)
        if any(value.is_complex() for value in ours):
            return wrong("type", "complex numbers", right)
    except (TypeError, RuntimeError):
        return wrong("type", f"a {type(came).__name__}", right)
    if len(ours) != len(theirs):
        return wrong("type", results(ours), results(theirs))
    digits = dtype_of(arguments)
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            return wrong("shape", f"shape {tuple(a.shape)}", f"shape {tuple(b.shape)}")
        narrow = isinstance(came, Tensor) and digits == torch.float64 and a.dtype in (
            torch.float32, torch.float16, torch.bfloat16,
        )  # fmt: skip
        if narrow and b.is_floating_point():
            return wrong("dtype", str(a.dtype)[6:], "float64, as the input")
        if not agree(a, b, arguments):
            return wrong("value", a.detach(), b.detach())
    return gradients_differ(ours, theirs, *leaves) if leaves else Outcome()


def gradients_differ(ours, theirs, mine, others):
    if not any(value.requires_grad for value in ours):
        cut = "none: the result does not depend on the input for torch"
        return wrong("gradient", cut, "a gradient: stay with torch's operations")
    (came,) = weighted_gradients(ours, {"x": mine[0]}, 1)
    (right,) = weighted_gradients(theirs, {"x": others[0]}, 1)
    if not agree(came["x"], right["x"], mine):
        return wrong("gradient", came["x"], right["x"])
    return Outcome()


def wrong(what, came, expected):
    expected = expected if isinstance(expected, str) else value_of(expected)
    return Outcome(what, {"yours": came, "expected": expected}, math.inf)


def value_of(result):
    values = parts(result)
    return values[0].detach() if len(values) == 1 else results(values)


def parts(result):
    """The results as tensors; several single numbers, of torch or of Python, make one tensor."""
    values = as_tensors(result)
    single = len(values) > 1 and all(value.ndim == 0 for value in values)
    return [torch.stack(values)] if single else values


def results(values):
    return "one result" if len(values) == 1 else f"{len(values)} results"


def dtype_of(arguments):
    """The dtype of the floating arguments, float64 if there is none."""
    dtypes = [x.dtype for x in arguments if isinstance(x, Tensor) and x.is_floating_point()]
    return max(dtypes, key=lambda dtype: torch.finfo(dtype).eps, default=torch.float64)


def agree(a, b, arguments):
    """Whether two tensors are the same, to the rounding of numbers of the size of the arguments."""
    floating = [x for x in arguments if isinstance(x, Tensor) and x.is_floating_point()]
    size = max((x.detach().abs().max().item() for x in floating if x.numel()), default=1.0)
    scale = max(1.0, size if math.isfinite(size) else 1.0)
    precise = dtype_of(arguments)
    # In the precision of the inputs: a loop over Python's floats has more digits than float32.
    a, b = (x.detach().to(precise) if x.is_floating_point() else x.detach() for x in (a, b))
    return bool((ulps_apart(a, b, scale) <= ULPS[precise]).all())
