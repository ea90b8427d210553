"""Losses over classes: in which space the predictions are."""

import math

from lossbook.doctor.call import Call
from lossbook.doctor.origin import from_layer, from_sigmoid, from_softmax, input_made_by
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import (
    class_dim,
    log_tolerance,
    logs_sum_to_one,
    looks_swapped,
    other_dim,
    rows,
    shape,
    sums_to_one,
    table,
)


@rule(
    "softmax-twice",
    "cross_entropy",
    mistake="probabilities where logits belong",
    why="the loss takes a softmax itself; a second one, of numbers in [0, 1], is nearly uniform: "
    "the loss stays above log(1 + (C − 1)/e), and the gradient of a wrong answer nearly vanishes",
    instead="F.cross_entropy(logits, target)  # no softmax before it",
    lesson=4,
    asks=True,
    calls=2,
)
def softmax_twice(call: Call):
    if looks_swapped(call):
        return None
    if is_percent(call.input):
        return f"all {len(rows(call.input))} rows of the input sum to 100: percentages"
    if not from_softmax(call):
        return None
    cells = rows(call.input)
    classes = cells.shape[1]
    floor = math.log(1 + (classes - 1) / math.e)
    return (
        f"all {len(cells)} rows of the input lie in [0, 1] and sum to 1, as a softmax leaves them; "
        f"with {classes} classes the loss can't go below {floor:.3f}"
    )


def is_percent(input) -> bool:
    """Whether every row is a distribution in percent, with at least four numbers in all."""
    cells = rows(input)
    return cells.numel() >= 4 and bool(
        ((cells >= 0).all(1) & ((cells.sum(1) - 100).abs() < 0.5)).all()
    )


@rule(
    "softmax-twice",
    "softmax log_softmax",
    mistake="a softmax of a softmax",
    why="exp of numbers in [0, 1] lies in [1, e]: the larger probability is at most e times the "
    "smaller one, however sure the model was",
    instead="F.log_softmax(logits, dim=-1)  # or probabilities.log()",
    lesson=4,
    asks=True,
    calls=2,
)
def softmax_of_softmax(call: Call):
    if call.dim is None or not call.input.dim() or not from_softmax(call, call.dim):
        return None
    cells = table(call.input, call.dim)
    top = table(call.output, call.dim)
    top = top.exp().max() if call.loss == "log_softmax" else top.max()
    return (
        f"all {len(cells)} slices of the input lie in [0, 1] and sum to 1, as a softmax leaves "
        f"them; its largest probability, {cells.max():.3g}, becomes {top:.3g}"
    )


@rule(
    "sigmoid-then-softmax",
    "cross_entropy",
    mistake="sigmoid outputs where logits belong",
    why="the loss takes a softmax itself, and of numbers in (0, 1) it is nearly uniform: "
    "the loss stays above log(1 + (C − 1)/e)",
    instead="F.cross_entropy(logits, target)  # no sigmoid before it",
    lesson=4,
    asks=True,
    calls=2,
)
def sigmoid_then_softmax(call: Call):
    if not from_sigmoid(call) or sums_to_one(call.input) or looks_swapped(call):
        return None
    if softmax_over_other_dim(call.input) is not None:
        return None
    cells = table(call.input)
    return (
        f"all {cells.numel()} inputs lie between 0 and 1 (from {cells.min():.3g} to "
        f"{cells.max():.3g}), as a sigmoid leaves them"
    )


@rule(
    "softmax-wrong-dim",
    "cross_entropy",
    mistake="a softmax over the batch before the loss",
    why="the loss normalises over the classes, dimension 1 (0 of a single example); what was "
    "normalised over another one makes the examples of a batch compete with each other",
    instead="F.cross_entropy(logits, target)  # the loss normalises",
    lesson=4,
    asks=True,
    calls=2,
)
def softmax_over_batch(call: Call):
    dim = softmax_over_other_dim(call.input)
    if dim is None or from_layer(call) or looks_swapped(call):
        return None
    return (
        f"the input, {shape(call.input)}, is normalised over dimension {dim}; "
        f"the classes are dimension {class_dim(call.input)}"
    )


def softmax_over_other_dim(input) -> int | None:
    """Return the dimension, not that of the classes, over which an input is normalised."""
    dim = class_dim(input)
    if sums_to_one(input) or logs_sum_to_one(input):
        return None
    found = other_dim(input, sums_to_one, dim)
    return other_dim(input, logs_sum_to_one, dim) if found is None else found


@rule(
    "nll-not-log",
    "nll_loss",
    mistake="probabilities or logits where log-probabilities belong",
    why="the loss is −input[target]: in [−1, 0] for probabilities, without a floor for logits",
    instead="F.nll_loss(logits.log_softmax(dim=1), target)  # or F.cross_entropy(logits, target)",
    lesson=5,
    asks=True,
    calls=2,
)
def nll_not_log(call: Call):
    if from_layer(call) and call.input.numel():
        return "the input comes straight from a linear layer or a convolution: logits"
    return not_log(call.input, class_dim(call.input))


def not_log(input, dim: int) -> str | None:
    """Say why an input is no table of log-probabilities over a dimension; None if it is one.

    Rows with classes masked by −inf (or a very low number) may have lost some of their sum.
    """
    cells = table(input, dim)
    if not cells.numel() or cells.isnan().any() or cells.shape[1] < 2:
        return None
    if sums_to_one(input, dim):
        return f"all {len(cells)} rows sum to 1: probabilities, not their logarithms"
    if (cells > 1e-4 + log_tolerance(input) / 10).any():
        positive = (cells > 0).float().mean()
        return (
            f"{positive:.0%} of the inputs are positive (up to {cells.max():.3g}); "
            "the logarithm of a probability never is"
        )
    cells = cells[(cells != 0).any(dim=1)]  # rows of zeros are masked
    sums = cells.logsumexp(1)
    masked = (cells < -1e4).any()
    allowed = log_tolerance(input)
    wrong = (sums > allowed) if masked else (sums.abs() > allowed)
    if len(cells) < 2 or not wrong.all():
        return None
    noticed = (
        f"the probabilities behind the inputs, exp(input), sum to {sums.min().exp():.3g} … "
        f"{sums.max().exp():.3g} over dimension {dim}, not to 1"
    )
    other = other_dim(input, logs_sum_to_one, dim)
    return noticed if other is None else f"{noticed}; they do over dimension {other}"


@rule(
    "log-epsilon",
    "nll_loss cross_entropy",
    mistake="a small number added (or a clamp) before the logarithm",
    why="log(p + ε) ≥ log ε: the loss of a confident wrong answer stops at −log ε, and its "
    "gradient p/(p + ε) dies where the model is most wrong",
    instead="F.cross_entropy(logits, target)  # or F.log_softmax(logits, dim=1)",
    lesson=5,
    asks=True,
    calls=2,
)
def log_epsilon(call: Call):
    made = input_made_by(call)
    if made[:1] == ("Log",) and {"Add", "Clamp", "ClampMin"}.intersection(made[1:2]):
        return f"the input is the logarithm of a sum or a clamp ({' ← '.join(made)})"
    cells = rows(call.input)
    if cells.numel() < 4 or not cells.isfinite().all() or cells.max() > 1e-3:
        return None
    floor = cells.min().item()
    power = floor / math.log(10)
    at_floor = (cells < floor + 1e-3).sum().item()
    if not -30.5 < power < -3.5 or abs(floor - round(power) * math.log(10)) > 1e-3 or at_floor < 2:
        return None
    return (
        f"{at_floor} of {cells.numel()} inputs stand at {floor:.3f} = log(1e{round(power)}), "
        f"and none below: the loss can't exceed {-floor:.1f}"
    )


@rule(
    "one-class",
    "cross_entropy linear_cross_entropy",
    mistake="one output, as of a yes-or-no model, in a loss over classes",
    why="softmax of one logit is 1: the loss is 0 and its gradient 0, whatever the model says",
    instead="F.binary_cross_entropy_with_logits(logits.squeeze(1), target.float())",
    lesson=4,
)
def one_class(call: Call):
    if call.loss == "linear_cross_entropy":
        weight = call.linear_weight
        return weight.shape[0] == 1 and f"linear_weight, {shape(weight)}, has one row: one class"
    input = call.input
    if not input.numel() or input.shape[class_dim(input)] != 1:
        return None
    return f"the input, {shape(input)}, has one class, so that every loss is 0"


@rule(
    "one-class",
    "softmax log_softmax",
    mistake="a softmax over a single output",
    why="softmax of one logit is 1, whatever the model says, and its gradient is 0",
    instead="torch.sigmoid(logits)  # the probability of a yes",
    lesson=4,
    asks=True,
    calls=3,
)
def softmax_of_one(call: Call):
    input = call.input
    if input.dim() != 2 or len(input) < 2 or input.shape[1] != 1 or call.dim not in (1, -1):
        return None
    return f"the input, {shape(input)}, has one entry in dimension 1: every result is the same"


@rule(
    "softmax-no-dim",
    "softmax log_softmax",
    mistake="softmax without dim",
    why="Σ exp(z) runs over one dimension: without dim, torch takes 0 of inputs with 0, 1 or 3 "
    "dimensions, and 1 of all others",
    instead="F.softmax(logits, dim=-1)  # the dimension of the classes",
    lesson=4,
)
def softmax_no_dim(call: Call):
    if call.dim is not None:
        return None
    input = call.input
    dim = 0 if input.dim() in (0, 1, 3) else 1
    return f"no dim for an input of shape {shape(input)}: it was normalised over dimension {dim}"


@rule(
    "log-of-zero",
    "nll_loss cross_entropy",
    mistake="the target's class has probability 0",
    why="−log 0 = ∞: a probability too small for its dtype is 0, where z − log Σ exp z is finite",
    instead="F.cross_entropy(logits, target)  # not probabilities.log(); mask other classes only",
    lesson=5,
)
def log_of_zero(call: Call):
    if call.target.is_floating_point() or call.get("label_smoothing", 0) > 0:
        return None
    cells = rows(call.input)
    if not call.output.isinf().any() or not cells.isneginf().any():
        return None
    return (
        f"{cells.isneginf().sum()} of {cells.numel()} inputs are −inf, the target's class among "
        "them, and so the loss is infinite"
    )


@rule(
    "mask-meets-target",
    "cross_entropy",
    mistake="classes masked with −inf, and a target that gives weight to every class",
    why="the loss is −Σ p_c log q_c over all classes: with q_c = 0 it is infinite where label "
    "smoothing makes p_c > 0, and 0 · ∞ = NaN where p_c = 0",
    instead="F.cross_entropy(logits.masked_fill(mask, -1e4), target)  # or no smoothing",
    lesson=4,
)
def mask_meets_target(call: Call):
    soft = call.target.is_floating_point()
    if not (soft or call.label_smoothing > 0) or call.output.isfinite().all():
        return None
    cells = rows(call.input)
    if not cells.isneginf().any() or cells.isnan().any():
        return None
    kind = "probabilities" if soft else f"smoothed by {call.label_smoothing:g}"
    return (
        f"{cells.isneginf().sum()} of {cells.numel()} logits are −inf and the targets are {kind}: "
        f"the loss is {'NaN' if call.output.isnan().any() else 'infinite'}"
    )
