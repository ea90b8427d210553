"""Drawing the arguments of one call, which share their sizes.

A shape is written with names, "rows classes": within a call, "classes" is the same number for
every argument. "rows?" is there in some calls and not in others, "rows:0-3" gives the range, and
a plain number stands for itself.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

SIZES = {"classes": (2, 6), "rows": (1, 3)}
OTHER_SIZES = (1, 4)

# One case has one kind: the first of these that one of its arguments has.
KINDS = ["empty", "equal", "nearly equal", "one-hot", "with zeros", "at the ends", "zero vector"]
KINDS += ["large", "tiny", "near the ends", "ties", "interior", "ordinary"]


@dataclass
class Call:
    """The arguments of one call, and the kind of case that it is."""

    args: tuple = ()
    kwargs: dict = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True)
class Domain:
    """A set from which arguments are drawn: `make(case)` draws one, `kind(value)` names it."""

    make: Callable
    kind: Callable = lambda value: None


@functools.cache
def integers(low: int, high: int):
    from hypothesis import strategies

    return strategies.integers(low, high)


@functools.cache
def positions(count: int):
    from hypothesis import strategies

    # Each as often as the others, while integers prefer the ends.
    return strategies.sampled_from(range(count))


class Case:
    """One call while it is drawn: remembers what its arguments share."""

    def __init__(self, draw):
        self.draw = draw
        self.sizes = {}
        self.dtypes = {}
        self.distributions = []

    def integer(self, low: int, high: int) -> int:
        return self.draw(integers(low, high))

    def pick(self, options):
        return options[self.draw(positions(len(options)))]

    def size(self, spec: str) -> int | None:
        """Return the length of a named dimension, None where an optional one is left out."""
        match = re.fullmatch(r"(\w+?)(?::(\d+)-(\d+))?(\?)?", spec)
        if not match:
            raise ValueError(f'a dimension is a name, "rows", "rows?" or "rows:0-3"; got {spec!r}')
        name, low, high, optional = match.groups()
        if name.isdigit():
            return int(name)
        if name not in self.sizes:
            span = (int(low), int(high)) if low else SIZES.get(name, OTHER_SIZES)
            left_out = optional and not self.integer(0, 1)
            self.sizes[name] = None if left_out else self.integer(*span)
        return self.sizes[name]

    def shape(self, spec: str) -> list[int]:
        return [size for part in spec.split() if (size := self.size(part)) is not None]

    def dtype(self, dtype) -> torch.dtype:
        """Return the dtype; of several the same one for every argument that has the choice."""
        if isinstance(dtype, torch.dtype):
            return dtype
        if dtype not in self.dtypes:
            self.dtypes[dtype] = self.pick(dtype)
        return self.dtypes[dtype]


def calls(*args, **kwargs):
    """Return a hypothesis strategy of `Call`s, to be joined with others by ``|``.

    Parameters
    ----------
    *args, **kwargs
        The arguments of the call: domains, hypothesis strategies, or fixed values.

    Examples
    --------
    >>> from lossbook.verify import labels, logits
    >>> both = calls(logits(), labels(), reduction="sum") | calls(logits(), labels())
    """
    from hypothesis import strategies

    def value(case, source):
        if isinstance(source, Domain):
            return source.make(case)
        return case.draw(source) if isinstance(source, strategies.SearchStrategy) else source

    @strategies.composite
    def draw_call(draw):
        case = Case(draw)
        call = Call(
            tuple(value(case, source) for source in args),
            {name: value(case, source) for name, source in kwargs.items()},
        )
        drawn = [*zip(args, call.args, strict=True)]
        drawn += zip(kwargs.values(), call.kwargs.values(), strict=True)
        kinds = {source.kind(made) for source, made in drawn if isinstance(source, Domain)}
        kinds.add(nearness(case.distributions))
        kinds.update("empty" for _, made in drawn if isinstance(made, Tensor) and not made.numel())
        call.kind = next((kind for kind in KINDS if kind in kinds), "")
        return call

    return draw_call()


def nearness(distributions: list[Tensor]) -> str | None:
    if len(distributions) < 2 or len({tensor.shape for tensor in distributions}) > 1:
        return None
    gap = max((distributions[0] - other).abs().max().item() for other in distributions[1:])
    return "equal" if gap == 0 else "nearly equal" if gap < 1e-2 else None
