"""Derivatives in three ways: autograd for all inputs, autograd for one, finite differences."""

import torch
from torch import Tensor


def weighted_gradients(values: list[Tensor], leaves: dict, orders: int) -> tuple[dict, ...]:
    """Return, for each order, the gradients of a weighted sum of the results by each leaf.

    The weights differ from one another: the plain sum of a softmax, for one, is always 1, and
    its gradient would tell nothing. Where nothing depends on a leaf, its gradient is zero.
    """
    gradients = []
    for order in range(orders):
        total = sum(
            (value * weights(value)).sum() for value in values if value.is_floating_point()
        )
        if not leaves:
            return ()
        if isinstance(total, Tensor) and total.requires_grad:
            found = torch.autograd.grad(
                total, list(leaves.values()), allow_unused=True, create_graph=order + 1 < orders
            )
        else:
            found = [None] * len(leaves)
        values = [
            torch.zeros_like(leaf) if g is None else g
            for g, leaf in zip(found, leaves.values(), strict=True)
        ]
        gradients.append(dict(zip(leaves, values, strict=True)))
    return tuple(gradients)


def weights(value: Tensor) -> Tensor:
    steps = torch.arange(value.numel(), device=value.device) % 7
    return ((1 + steps) / 4).to(value.dtype).reshape(value.shape)


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
        parts = [
            ((right[i] - here) - (here - left[i])).abs() / (step / (i + 1)) for i in range(2)
        ]
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
