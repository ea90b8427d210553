"""A derivative worked out by hand, against autograd and against finite differences."""

import math

import torch
from torch import Tensor

from lossbook.verify.cases import Call, calls
from lossbook.verify.checks import (
    attempt,
    calling,
    check_arguments,
    compare,
    is_floating,
    name_of,
    shown,
)
from lossbook.verify.compare import as_tensors
from lossbook.verify.report import Report
from lossbook.verify.search import Outcome, search


def gradient(
    function, derivative, *, wrt=None, title=None, ulps=None, scale=1.0, cases=200,
    expect="holds", **domains,
) -> Report:  # fmt: skip
    """Check a derivative worked out by hand against autograd and against finite differences.

    Parameters
    ----------
    function, derivative : callable
        Called with the drawn arguments, as in `identity`. The derivative has the shape of the
        argument (then it is that of the sum of the function's results, which for a function
        element by element is the derivative of each), or the shape of the result followed by
        that of the argument (a Jacobian).
    wrt : str, optional
        The argument by which to differentiate. Default: the first floating one.
    title : str, optional
    ulps, scale, cases, expect, **domains : see `identity`
        `ulps` is for autograd. Finite differences are held to about 6 digits, and left out where
        the function has a kink or ends (a probability of 0 can't become negative).

    Examples
    --------
    >>> from lossbook.verify import gradient, positives
    >>> gradient(lambda x: x.log(), lambda x: 1 / x, x=positives()).holds
    True
    """
    title = title or f"the derivative of {name_of(function)}"
    check_arguments(title, ulps, scale, cases, expect, domains)
    f = calling(function, "the function", domains)
    df = calling(derivative, "the derivative", domains)
    if wrt is not None and wrt not in domains:
        raise ValueError(f"wrt={wrt!r} is none of the domains {', '.join(domains)}")

    def test(call):
        name = wrt or next((k for k, value in call.kwargs.items() if is_floating(value)), None)
        if name is None or call.kwargs[name].dtype != torch.float64:
            raise ValueError("gradient needs a float64 argument to differentiate by")
        x = call.kwargs[name]

        def at(moved, track=False):
            return as_tensors(f(Call(kwargs={**call.kwargs, name: moved}), keep=track))[0]

        try:
            value, by_hand = attempt(f, call), attempt(df, call)
            for result in (value, by_hand):
                if isinstance(result, Exception):
                    sides = {"function": value, "derivative": by_hand}
                    return Outcome("raises", shown(sides), math.inf)
            value, by_hand = value[0], by_hand[0]
            jacobian = by_hand.shape == value.shape + x.shape
            if not jacobian and by_hand.shape != x.shape:
                text = {"derivative": f"shape {tuple(by_hand.shape)}"}
                return Outcome("shape", text | {name: f"shape {tuple(x.shape)}"}, math.inf)
            automatic = autograd_derivative(at, x, jacobian)
        except Exception as error:
            return Outcome("raises", {"autograd": error}, math.inf)
        estimate, tolerance = finite_differences(at, x, by_hand, jacobian)
        sides = {"by hand": by_hand}
        if automatic is None:
            outcome = Outcome(note="not differentiable by autograd: finite differences alone")
        else:
            outcome = compare({**sides, "autograd": [automatic]}, ulps, scale, label="autograd")
        apart = (by_hand - estimate).abs() > tolerance
        if not outcome.what and apart.any():
            outcome = Outcome("finite differences", error=math.inf)
        if estimate.isnan().all() and x.numel() and not outcome.note:
            reason = "at a kink or beside what is refused"
            outcome.note = f"no finite differences {reason}: autograd alone"
        sides |= {} if automatic is None else {"autograd": automatic}
        outcome.sides = sides | {"finite differences": estimate}
        return outcome

    report = Report(title, expect=expect)
    search(report, calls(**domains), test, lambda call: call.kwargs, cases)
    return report.finish()


def autograd_derivative(function, x: Tensor, jacobian: bool) -> Tensor | None:
    """Return the derivative by autograd: of the sum, or as a Jacobian; None if there is none."""
    leaf = x.clone().requires_grad_()
    value = function(leaf, True)
    if not value.requires_grad:
        return None
    rows = value.flatten() if jacobian else value.sum().reshape(1)
    found = [
        torch.autograd.grad(row, leaf, retain_graph=True, allow_unused=True)[0] for row in rows
    ]
    found = [torch.zeros_like(x) if g is None else g for g in found]
    return torch.stack(found).reshape(value.shape + x.shape if jacobian else x.shape)


def finite_differences(function, x: Tensor, like: Tensor, jacobian: bool):
    """Return the derivative by finite differences, and how far it can be trusted.

    Central differences with steps h and h/2 are combined so that their errors of order h² cancel.
    The tolerance is a millionth, or what rounding in the function makes of it when divided by h.
    Both are NaN where the function has a kink, is not finite or refuses its argument.
    """

    def f(point):
        value = function(point).detach().double()
        return value.flatten() if jacobian else value.sum().reshape(1)

    like = like.detach().double()
    columns, tolerances = [], []
    flat, here = x.flatten(), f(x)
    for j in range(flat.numel()):
        step = 1e-3 * min(1.0, flat[j].abs().item() or 1.0)

        def moved(by, j=j):
            point = flat.clone()
            point[j] += by
            return f(point.reshape(x.shape))

        try:
            left, right = (moved(-step), moved(-step / 2)), (moved(step), moved(step / 2))
        except Exception:
            columns.append(torch.full_like(like.reshape(-1, flat.numel())[:, 0], torch.nan))
            tolerances.append(columns[-1])
            continue
        wide, narrow = (right[0] - left[0]) / (2 * step), (right[1] - left[1]) / step
        size = max(1.0, flat.abs().max().item(), here.abs().max().item())
        noise = 16 * torch.finfo(torch.float64).eps * size / step
        # Differences to the right and to the left part at a kink however small the step is.
        parts = [((right[i] - here) - (here - left[i])).abs() / (step / (i + 1)) for i in range(2)]
        kink = (parts[1] > 0.75 * parts[0]) & (parts[1] > 10 * noise)
        estimate = (4 * narrow - wide) / 3
        estimate = torch.where(kink | ~estimate.isfinite(), torch.nan, estimate)
        columns.append(estimate)
        tolerances.append(1e-6 * estimate.abs().clamp(min=1) + noise)
    if not columns:
        return torch.empty_like(like), torch.empty_like(like)
    return torch.stack(columns, -1).reshape(like.shape), torch.stack(tolerances, -1).reshape(
        like.shape
    )
