"""Under `information`: what counts as a distribution, and three terms with their derivatives."""

import math

import torch

from lossbook.errors import LossInputError


def probabilities(name, p):
    """Entries of 0 or more; given back in float32 at least, for half precision sums badly."""
    if not isinstance(p, torch.Tensor):
        raise LossInputError(
            f"{name} is a {type(p).__name__}, and a tensor was expected: write torch.tensor(...)."
        )
    if not p.is_floating_point():
        raise LossInputError(
            f"{name} holds {p.dtype} numbers, and floating-point probabilities were expected. "
            f"Divide counts by their sum: {name} / {name}.sum(dim=-1, keepdim=True)."
        )
    if p.numel() == 0:
        raise LossInputError(
            f"{name} is empty, of shape {tuple(p.shape)}; give it one class at the least."
        )
    # Not `p < 0`: this refuses NaN as well.
    expected = f"a probability is 0 or more (for logits use {name}.softmax(dim=-1))"
    refuse_where(~(p >= 0), name, p, expected)
    return p.to(torch.promote_types(p.dtype, torch.float32))


def distribution(name, p, dim, *, flat=True):
    """`p` with its classes as last dimension (or dimensions, not `flat`); each row sums to 1."""
    wide = probabilities(name, p)
    dims = dim if isinstance(dim, tuple) else (dim,)
    try:
        wide = wide.movedim(dims, tuple(range(-len(dims), 0)))
    except (IndexError, RuntimeError, TypeError) as error:
        raise LossInputError(
            f"dim={dim} does not fit {name}, which has shape {tuple(p.shape)}: "
            "give the dimension of the classes (-1 is the last)."
        ) from error
    rows = wide.flatten(-len(dims))
    totals = rows.detach().sum(-1)
    fits = (totals - 1).abs() <= tolerance(p, rows.shape[-1])
    if not fits.all():
        row = tuple((~fits).nonzero()[0].tolist())
        which = f"row {row[0] if len(row) == 1 else row} of {name}" if row else name
        digits = int(-math.log(torch.finfo(p.dtype).eps, 10))
        mend = f"divide counts by their sum: {name} / {name}.sum(dim={dim}, keepdim=True)."
        if len(dims) == 1:
            mend = f"for logits use {name}.softmax(dim={dim}); {mend}"
        raise LossInputError(
            f"{which} sums to {totals[row].item():.{digits}g} along dim={dim}; "
            f"a distribution sums to 1.\nTo mend it, {mend}"
        )
    return rows if flat else wide


def table(name, p, dim):
    """A joint table of two variables, as the last two dimensions."""
    if not (isinstance(dim, tuple) and len(dim) == 2):
        raise LossInputError(f"dim={dim}: give two dimensions, that of x and that of y: (-2, -1).")
    return distribution(name, p, dim, flat=False)


def pair(p, q, dim):
    """Two distributions over the same classes, of one shape, and the dtype of the answer."""
    wide_p = distribution("p", p, dim, flat=False)
    wide_q = distribution("q", q, dim, flat=False)
    count = len(dim) if isinstance(dim, tuple) else 1
    # A single class never broadcasts: (1.0,) spread over three classes is no distribution.
    if wide_p.shape[-count:] != wide_q.shape[-count:]:
        raise LossInputError(
            f"p has shape {tuple(p.shape)} and q {tuple(q.shape)}, with different classes along "
            f"dim={dim}: both need a probability for each class."
        )
    wide_p, wide_q = broadcast("p", wide_p, "q", wide_q)
    dtype = torch.promote_types(p.dtype, q.dtype)
    return wide_p.flatten(-count), wide_q.flatten(-count), dtype


def broadcast(name, p, other, q):
    """Both with the batch dimensions of both."""
    try:
        return torch.broadcast_tensors(p, q)
    except RuntimeError as error:
        raise LossInputError(
            f"the batch dimensions of {name} and {other} do not go together: with the classes last "
            f"the shapes are {tuple(p.shape)} and {tuple(q.shape)}; make them equal, or 1."
        ) from error


def tolerance(p, classes):
    """How far from 1 rounding can take a sum: 2e-12 in float64, 6e-6 in float32, 0.6% in float16.

    Wide enough for a softmax over 200,000 classes (2e-5 in float32).
    """
    summed_in = torch.promote_types(p.dtype, torch.float32)
    return torch.finfo(p.dtype).eps ** 0.75 + classes**0.5 * torch.finfo(summed_in).eps


def refuse_where(bad, name, p, expected):
    """Name the first bad entry."""
    if bad.any():
        index = tuple(bad.nonzero()[0].tolist())
        entry = f"{name}[{', '.join(map(str, index))}]" if index else name
        raise LossInputError(f"{entry} is {p[index].item():.4g}; {expected}.")


def in_base(nats, base, dtype):
    """From nats to the unit of `base`, in the dtype of the input."""
    if not (isinstance(base, int | float) and 1 < base < math.inf):
        raise LossInputError(
            f"base={base!r} gives no unit: use a number above 1, such as math.e (nats) or 2 (bits)."
        )
    # + 0 because nothing at all should print as 0, not as −0.
    return (nats / math.log(base) + 0).to(dtype)


# Left to autograd, p log p has the gradient 0 · ∞ = NaN where p is 0. Here each derivative is made
# from the same terms, so that 0 · ∞ = 0 holds in second derivatives too, and for a row on which the
# result does not depend.


class _Term(torch.autograd.Function):
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)


class _TimesLog(_Term):
    @staticmethod
    def forward(p, q):
        return torch.where(p == 0, 0, p * q.log())

    @staticmethod
    def backward(ctx, gradient):
        p, q = ctx.saved_tensors
        return times_log(gradient, q), over(times(gradient, p), q)


class _Over(_Term):
    @staticmethod
    def forward(a, b):
        return torch.where(a == 0, 0, a / b)

    @staticmethod
    def backward(ctx, gradient):
        a, b = ctx.saved_tensors
        return over(gradient, b), -over(over(times(gradient, a), b), b)


class _Times(_Term):
    @staticmethod
    def forward(a, b):
        return torch.where((a == 0) | (b == 0), 0, a * b)

    @staticmethod
    def backward(ctx, gradient):
        a, b = ctx.saved_tensors
        return times(gradient, b), times(gradient, a)


class _Relative(_Term):
    @staticmethod
    def forward(p, q):
        # With s = (p − q) / (p + q), log(p / q) is 2 artanh(s) = 2 (s + s³/3 + s⁵/5 + …).
        s = (p - q) / (p + q)
        tail = torch.zeros_like(s)
        for k in range(19, 1, -2):
            tail = s * s * (1 / k + tail)
        near = (p - q) * (s + (1 + s) * tail)
        far = torch.where(p == 0, q, p * (p.log() - q.log()) - p + q)
        return torch.where(s.abs() < 0.1, near, far)

    @staticmethod
    def backward(ctx, gradient):
        p, q = ctx.saved_tensors
        log_ratio = times_log(gradient, p) - times_log(gradient, q)
        return log_ratio + gradient, -over(times(gradient, p), q)


def times_log(p, q):
    """p log q, and 0 where p is 0."""
    return _TimesLog.apply(p, q)


def times(a, b):
    """a · b, and 0 where either is 0."""
    return _Times.apply(a, b)


def over(a, b):
    """a / b, and 0 where a is 0."""
    return _Over.apply(a, b)


def relative(p, q):
    """p log(p / q), counted as p log(p / q) − p + q.

    Over all classes −p + q adds nothing but the rounding of the two sums, and that is what it takes
    away: no term is negative, and none cancels another when p is close to q. The derivatives are
    those of p log(p / q). A class that both lack counts 0, with slope 0.
    """
    absent = (p == 0) & (q == 0)
    return _Relative.apply(torch.where(absent, 1, p), torch.where(absent, 1, q))
