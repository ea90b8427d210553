"""The Kullback–Leibler divergence: spaces, order, zeros and denominators."""

import math

import torch

from lossbook.doctor.call import Call
from lossbook.doctor.catalogue.classes import not_log
from lossbook.doctor.origin import input_made_by
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import (
    class_dim,
    logs_sum_to_one,
    only,
    shape,
    sums_to_one,
    table,
)

RIGHT = 'F.kl_div(q.log_softmax(dim=-1), p, reduction="batchmean")  # (log q, p)'


def first_dim(tensor, sign) -> int | None:
    """Return the first dimension over which a sign shows, the usual ones first."""
    dims = dict.fromkeys((tensor.dim() - 1, class_dim(tensor), *range(tensor.dim())))
    return next((dim for dim in dims if tensor.dim() and sign(tensor, dim)), None)


def wrongly_swapped(call: Call) -> bool:
    """Whether probabilities stand first and log-probabilities second."""
    return (
        not call.log_target
        and first_dim(call.input, sums_to_one) is not None
        and first_dim(call.target, logs_sum_to_one) is not None
    )


@rule(
    "kl-swapped",
    "kl_div",
    mistake="the arguments of kl_div in the wrong order",
    why="kl_div(log q, p) = Σ p (log p − log q): the model's log-probabilities stand first",
    instead=RIGHT,
    lesson=3,
)
def kl_swapped(call: Call):
    if not wrongly_swapped(call):
        return None
    return (
        "the rows of the first argument sum to 1, and those of the second are log-probabilities: "
        "the other way round"
    )


@rule(
    "kl-swapped",
    "kl_div",
    mistake="the arguments of kl_div in the wrong order",
    why="kl_div(log q, p) = KL(p ‖ q): the model q learns through the first argument, and the "
    "second, p, is what it is measured against",
    instead='F.kl_div(model_log_probabilities, target.detach(), reduction="batchmean")',
    lesson=3,
    asks=True,
    calls=3,
)
def kl_learns_from_target(call: Call):
    if call.log_target or wrongly_swapped(call) or call.learns != {"target"}:
        return None
    cells = table(call.input)
    if len(cells) < 2 or (cells == cells[0]).all():  # a prior, the same for every example
        return None
    return (
        "the second argument (the target) requires a gradient, the first one (the model) does not"
    )


@rule(
    "kl-not-log",
    "kl_div",
    mistake="probabilities or logits where log-probabilities belong",
    why="kl_div(input, p) = Σ p (log p − input): only with input = log q is this a divergence, "
    "at least 0, and 0 where q = p",
    instead=RIGHT,
    lesson=3,
    asks=True,
    calls=2,
)
def kl_not_log(call: Call):
    input, target = call.input, call.target
    if not input.dim() or wrongly_swapped(call):
        return None
    dims = [
        dim
        for dim in reversed(range(target.dim()))
        if sums_to_one(target, dim) or logs_sum_to_one(target, dim)
    ]
    if input.shape == target.shape and dims:
        known = any(logs_sum_to_one(input, dim) for dim in dims)
        return None if known else not_log(input, dims[0])
    # The target is no distribution: perhaps terms of Bernoulli variables, and these are logs too.
    if first_dim(input, logs_sum_to_one) is not None or not (table(input) > 1e-2).any():
        return None
    known = first_dim(input, sums_to_one)
    return not_log(input, input.dim() - 1 if known is None else known)


@rule(
    "kl-log-target",
    "kl_div",
    mistake="probabilities with log_target=True, or log-probabilities without it",
    why="log_target=True says that the target is log p: then the loss is Σ exp(target) (target − "
    "input); without it, a target below 0 has no logarithm: NaN",
    instead='F.kl_div(log_q, log_p, log_target=True, reduction="batchmean")\n'
    'F.kl_div(log_q, p, reduction="batchmean")',
    lesson=3,
)
def kl_log_target(call: Call):
    if wrongly_swapped(call) or not call.target.dim():
        return None
    if call.log_target and first_dim(call.target, sums_to_one) is not None:
        return "log_target=True, and the target's rows are probabilities that sum to 1"
    dim = first_dim(call.input, logs_sum_to_one)
    if call.log_target and dim is not None and call.input.shape == call.target.shape:
        reason = first_dim(call.target, logs_sum_to_one) is None and not_log(call.target, dim)
        return reason and f"log_target=True, and of the target: {reason}"
    if not call.log_target and first_dim(call.target, logs_sum_to_one) is not None:
        return "log_target=False, and the target's rows are log-probabilities: none above 0"
    return None


@rule(
    "kl-mean",
    "kl_div",
    mistake="reduction='mean' (the default) for a divergence",
    why="'mean' divides by the number of classes too: it is the divergence divided by C",
    instead='F.kl_div(log_q, p, reduction="batchmean")',
    lesson=3,
)
def kl_mean(call: Call):
    input = call.input
    if call.reduction != "mean" or call.size_average is not None or call.reduce is not None:
        return None
    count = call.input.numel()
    if not input.dim() or count == 0 or not call.output.isfinite() or count == len(input) > 1:
        return None
    divergence = call.output.item() * count / (len(input) if input.dim() > 1 else 1)
    return (
        f"the sum is divided by all {count} entries of {shape(input)}: {call.output.item():.4f}, "
        f"where {'batchmean' if input.dim() > 1 else 'the sum'} is {divergence:.4f}"
    )


@rule(
    "kl-batchmean-single",
    "kl_div",
    mistake="batchmean of a single distribution",
    why="'batchmean' divides by the size of dimension 0: of a single distribution that is C",
    instead='F.kl_div(log_q, p, reduction="sum")  # or log_q[None], p[None]',
    lesson=3,
)
def kl_batchmean_single(call: Call):
    if call.reduction != "batchmean" or call.input.dim() != 1 or len(call.input) < 2:
        return None
    sign = logs_sum_to_one if call.log_target else sums_to_one
    if len(call.input) < 4 or not logs_sum_to_one(call.input) or not sign(call.target):
        return None
    return (
        f"the input, {shape(call.input)}, is one distribution over {len(call.input)} classes, "
        f"and the divergence was divided by {len(call.input)}"
    )


@rule(
    "kl-zero",
    "kl_div",
    mistake="zeros in a divergence",
    why="0 · log 0 is 0 only where somebody says so: torch does for a target of 0 and a finite "
    "input; exp(−∞) · (−∞ − …) and 0 · (−(−∞)) are NaN, and p log(p/0) is infinite",
    instead="log_q = F.log_softmax(logits, dim=-1)  # finite, and p as probabilities\n"
    'F.kl_div(log_q, p, reduction="batchmean")  # still ∞ where q = 0 < p',
    lesson=3,
)
def kl_zero(call: Call):
    if not call.target.is_floating_point() or call.input.shape != call.target.shape:
        return None
    input, target = table(call.input), table(call.target)
    if input.isnan().any() or target.isnan().any():
        return None
    zero = target.isneginf() if call.log_target else target == 0
    masked = input.isneginf()
    if call.log_target and zero.any():
        return f"{zero.sum()} of {target.numel()} log-probabilities of the target are −inf: NaN"
    if (both := masked & zero).any():
        return f"{both.sum()} of {input.numel()} entries have input −inf and target 0: NaN"
    if masked.any():
        return f"{masked.sum()} of {input.numel()} entries have input −inf and a target above 0: ∞"
    if "target" in call.learns and zero.any():
        return f"{zero.sum()} of {target.numel()} targets are 0 and require a gradient: it is NaN"
    return None


def may_be_answers(call: Call) -> bool:
    """Whether the input may hold logarithms of yes-or-no probabilities that sum to 1 by chance.

    At its start, a network says one half to all, or the same to every example.
    """
    cells = table(call.input)
    halves = ((cells + math.log(2)).abs() < 0.1).all()
    alike = len(cells) > 1 and (cells == cells[0]).all()
    return bool(halves or alike) or input_made_by(call)[:1] == ("LogSigmoid",)


@rule(
    "target-not-distribution",
    "kl_div",
    mistake="a target that is no distribution",
    why="Σ p log(p/q) ≥ 0 only if p and q both sum to 1",
    instead="p = counts / counts.sum(dim=-1, keepdim=True)",
    lesson=3,
    asks=True,
    calls=2,
)
def kl_target(call: Call):
    target = call.target
    if call.log_target or not target.is_floating_point() or not target.dim():
        return None
    cells = table(target)
    if cells.isnan().any() or first_dim(target, logs_sum_to_one) is not None:
        return None
    if may_be_answers(call):  # of Bernoulli variables, and p alone is no distribution
        return None
    negative = (cells < 0).sum()
    if negative:
        return f"{negative} of {cells.numel()} entries of the target are negative"
    dim = first_dim(call.input, lambda q, dim: logs_sum_to_one(q, dim) or sums_to_one(q, dim))
    if dim is None or call.input.shape != target.shape:
        return None
    if not all(_off(target, other).any() for other in range(target.dim())):
        return None
    wrong, sums = _off(target, dim), table(target, dim).sum(1)
    return (
        f"{wrong.sum()} of {len(sums)} rows of the target do not sum to 1 "
        f"(from {sums.min():.3g} to {sums.max():.3g})"
    )


def _off(target, dim: int):
    """Return which rows do not sum to 1; a row of zeros is one that does not count."""
    sums = table(target, dim).sum(1)
    return ((sums - 1).abs() > 0.02) & (sums != 0)


@rule(
    "kl-integers",
    "kl_div",
    mistake="class labels as the target of kl_div",
    why="kl_div compares two distributions; a label is the distribution with 1 at one class",
    instead="F.cross_entropy(logits, labels)  # which is that divergence",
    lesson=3,
    kind="refusal",
)
def kl_integers(call: Call):
    target = call.get("target")
    if not isinstance(target, torch.Tensor) or target.is_floating_point():
        return None
    kind = "zeros and ones" if target.numel() and only(target, 0, 1) else "whole numbers"
    return f"the target is {target.dtype}, {shape(target)}, and holds {kind}"
