"""When two results are the same: units in the last place."""

import functools
import math

import torch
from torch import Tensor


def ulps_apart(a: Tensor, b: Tensor, scale: float = 1.0, nan_equal: bool = True) -> Tensor:
    """How far two tensors are apart, in units in the last place (ulp).

    One unit is the gap between neighbouring floating-point numbers at the larger of |a| and |b|,
    or at `scale` where both are smaller. With the default 1.0, the rounding of intermediate
    results of size 1 is forgiven where they cancel; `scale=0` asks for relative accuracy.

    Parameters
    ----------
    a, b : Tensor
        Two tensors of one shape. Of two floating dtypes the coarser one sets the unit.
    scale : float
        The size below which numbers are not held to relative accuracy.
    nan_equal : bool
        Whether NaN agrees with NaN. An infinity agrees with the same infinity alone.

    Returns
    -------
    Tensor
        float64, the shape of `a`; infinite where the two can't be compared.

    Examples
    --------
    >>> one = torch.tensor(1.0, dtype=torch.float64)
    >>> ulps_apart(one, one + 2 * torch.finfo(torch.float64).eps).item()
    2.0
    """
    info = torch.finfo(coarser(a.dtype, b.dtype))
    a, b = a.detach().double(), b.detach().double()
    size = torch.maximum(a.abs(), b.abs()).clamp(min=max(scale, info.tiny))
    unit = torch.ldexp(torch.full_like(size, info.eps), torch.frexp(size).exponent - 1)
    same = (a == b) | (a.isnan() & b.isnan() & nan_equal)
    comparable = a.isfinite() & b.isfinite()
    return torch.where(same, 0.0, torch.where(comparable, (a - b).abs() / unit, math.inf))


def coarser(*dtypes: torch.dtype) -> torch.dtype:
    """Return the floating dtype with the fewest digits; float64 if none is floating."""
    floating = [dtype for dtype in dtypes if dtype.is_floating_point]
    return max(floating, key=lambda dtype: torch.finfo(dtype).eps, default=torch.float64)


def allowed(ulps, dtype: torch.dtype) -> float:
    """Return the tolerance for a dtype: `ulps` may be a number, a dict by dtype, or None.

    The default forgives the rounding of some dozens of operations: 64 units, and 4 in half
    precision, where 64 would be an error of six per cent.
    """
    default = 4.0 if dtype in (torch.float16, torch.bfloat16) else 64.0
    if ulps is None:
        return default
    return ulps.get(dtype, default) if isinstance(ulps, dict) else ulps


def as_tensors(value) -> list[Tensor]:
    """Return what a function gave as tensors: a number, an array, a list or a tuple of tensors."""
    import numpy

    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, tuple | list) and any(isinstance(part, Tensor) for part in value):
        return [tensor for part in value for tensor in as_tensors(part)]
    try:
        if value is None or isinstance(value, str):
            raise TypeError
        array = numpy.asarray(value)
        # Numbers of other libraries (mpmath, fractions) come as objects that know their float.
        return [torch.as_tensor(array.astype(float) if array.dtype == object else array)]
    except (TypeError, ValueError):
        raise TypeError(
            f"the function returned {value!r:.60}: expected a number, a tensor or an array"
        ) from None


def numpy_reference(function):
    """Let a function of NumPy arrays (scipy, scikit-learn) take and return tensors.

    Examples
    --------
    >>> import numpy
    >>> numpy_reference(numpy.sum)(torch.tensor([1.0, 2.0], dtype=torch.float64))
    tensor(3., dtype=torch.float64)
    """

    def to_numpy(value):
        return value.detach().cpu().numpy() if isinstance(value, Tensor) else value

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        result = function(
            *map(to_numpy, args), **{name: to_numpy(value) for name, value in kwargs.items()}
        )
        tensors = as_tensors(result)
        return tensors[0] if len(tensors) == 1 else tuple(tensors)

    return wrapped
