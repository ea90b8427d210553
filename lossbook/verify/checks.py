"""Two functions agree on everything drawn; and what the checks share."""

import inspect
import math

import torch
from torch import Tensor

from lossbook.verify.cases import Domain, calls
from lossbook.verify.compare import allowed, as_tensors, coarser, ulps_apart
from lossbook.verify.report import Report
from lossbook.verify.search import Outcome, search


def identity(
    title: str, left, right, *, ulps=None, scale=1.0, nan_equal=False, cases=200,
    expect="holds", **domains,
) -> Report:  # fmt: skip
    """Check that two functions agree on everything drawn.

    Parameters
    ----------
    title : str
        The claim, such as "CE = H + KL".
    left, right : callable
        Called with the drawn arguments: by name if they have parameters of these names, else by
        position. They return numbers, tensors or arrays of the same shape.
    ulps : float or dict, optional
        How far apart the two may be, in units in the last place; a dict gives it by dtype.
        Default: 64, in half precision 4.
    scale : float
        The size below which numbers are not held to relative accuracy (see `ulps_apart`).
    nan_equal : bool
        Whether NaN on both sides counts as agreement. By default it does not: it shows nothing.
    cases : int
        How many cases to draw.
    expect : {"holds", "fails"}
        "fails" for a claim that is shown because it is false.
    **domains : Domain
        What to draw for each argument; a hypothesis strategy or a fixed value is fine too.

    Returns
    -------
    Report
        With LOSSBOOK_STRICT=1 in the environment, AssertionError if it isn't as expected.

    Examples
    --------
    >>> from lossbook.verify import identity, reals
    >>> identity("a square root undoes a square", lambda x: (x**2).sqrt(), lambda x: x,
    ...          x=reals(), expect="fails").counterexample
    {'x': tensor(-0.1000, dtype=torch.float64)}
    """
    check_arguments(title, ulps, scale, cases, expect, domains)
    sides = {"left": calling(left, "left", domains), "right": calling(right, "right", domains)}

    def test(call):
        results = {name: attempt(function, call) for name, function in sides.items()}
        raised = [result for result in results.values() if isinstance(result, Exception)]
        if raised:
            return Outcome("raises", shown(results), math.inf)
        return compare(results, ulps, scale, nan_equal)

    report = Report(title, expect=expect)
    search(report, calls(**domains), test, lambda call: call.kwargs, cases)
    return report.finish()


def compare(results, ulps, scale, nan_equal=True, dtypes=False, label="value") -> Outcome:
    """Compare what two sides gave, each a list of tensors."""
    (left, ours), (right, theirs) = (
        (name, [value] if isinstance(value, Tensor) else value) for name, value in results.items()
    )
    sides = shown({left: ours, right: theirs})

    def differ(what, describe):
        texts = {side: ", ".join(map(describe, v)) for side, v in ((left, ours), (right, theirs))}
        return Outcome(what, texts, math.inf)

    if [x.shape for x in ours] != [x.shape for x in theirs]:
        return differ("shape", lambda x: f"shape {tuple(x.shape)}")
    if dtypes and [x.dtype for x in ours] != [x.dtype for x in theirs]:
        return differ("dtype", lambda x: str(x.dtype).removeprefix("torch."))
    outcome = Outcome(sides=sides)
    for a, b in zip(ours, theirs, strict=True):
        tolerance = allowed(ulps, coarser(a.dtype, b.dtype))
        error = ulps_apart(a, b, scale, nan_equal).max().item() if a.numel() else 0.0
        outcome.error = max(outcome.error, error)
        outcome.allowed = max(tolerance, outcome.allowed or 0)
        if error > tolerance and not outcome.what:
            outcome.what, outcome.sides = label, {left: a.detach(), right: b.detach()}
            if not nan_equal and (a.isnan() & b.isnan()).any():
                outcome.what += ": NaN, which is equal to nothing"
    return outcome


def shown(sides: dict) -> dict:
    """Return sides with the tensors of each bare: one tensor, or a tuple of them as text."""

    def bare(value):
        if not isinstance(value, list):
            return value if value is not None else "returns"
        return value[0].detach() if len(value) == 1 else f"{len(value)} results"

    return {side: bare(value) for side, value in sides.items()}


def calling(function, side: str, domains: dict):
    """Return `run(call)`, which calls the function by name, or by position if no name fits."""
    names = list(domains)
    if not callable(function):
        raise TypeError(f"{side} must be a function, got {function!r:.60}")
    by_name = False
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # functions written in C often have none
        signature = None
    if signature:
        takes = f"{side} takes ({', '.join(signature.parameters)}), but the domains are "
        takes += ", ".join(names)
        try:
            signature.bind(**domains)
            by_name = True
        except TypeError:
            if set(names) & set(signature.parameters):
                raise TypeError(takes) from None
            try:
                signature.bind(*names)
            except TypeError:
                raise TypeError(takes) from None

    def run(call, keep=False):
        # Each side gets its own copy, so that neither can change what the other sees.
        given = {k: v if keep else copy_of(v) for k, v in call.kwargs.items()}
        return function(**given) if by_name else function(*given.values())

    return run


def attempt(run, call):
    """Return the results as tensors, or the exception."""
    try:
        return [value.detach() for value in as_tensors(run(call))]
    except Exception as error:
        return error


def check_arguments(title, ulps, scale, cases, expect, domains):
    if not isinstance(title, str):
        raise TypeError(f"the title comes first, a text; got {title!r:.60}")
    if isinstance(domains, dict):
        if not any(map(is_drawn, domains.values())):
            raise ValueError("nothing to draw: give at least one domain, as p=distributions()")
    elif not is_drawn(domains):
        raise TypeError(
            f"cases are a dict of domains or a hypothesis strategy of calls, got {domains!r:.60}"
        )
    if expect not in ("holds", "fails"):
        raise ValueError(f'expect is "holds" or "fails", got {expect!r}')
    for name, number in {"ulps": ulps, "scale": scale, "cases": cases}.items():
        accepted = (int, float, dict, type(None)) if name == "ulps" else (int, float)
        if not isinstance(number, accepted):
            raise TypeError(f"{name} must be a number, got {number!r:.60}")


def copy_of(value, requires_grad: bool = False):
    """Copy a tensor with its strides, so that an expanded or transposed one stays one."""
    if not isinstance(value, Tensor):
        return value
    storage = value.detach().untyped_storage().clone()
    copy = torch.empty(0, dtype=value.dtype, device=value.device)
    copy.set_(storage, value.storage_offset(), value.shape, value.stride())
    return copy.requires_grad_(requires_grad)


def is_drawn(value) -> bool:
    return isinstance(value, Domain) or hasattr(value, "example")  # a hypothesis strategy


def is_floating(value) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def name_of(function) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "the function" if name == "<lambda>" else name
