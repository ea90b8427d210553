"""Losses of yes-or-no answers: what the predictions and the labels are."""

import torch
from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import (
    logs_sum_to_one,
    looks_like_sigmoid,
    looks_swapped,
    only,
    rows,
    same_shape,
    shape,
    sums_to_one,
    table,
)

BINARY = "binary_cross_entropy binary_cross_entropy_with_logits"
LOGITS = "binary_cross_entropy_with_logits soft_margin_loss multilabel_soft_margin_loss"


@rule(
    "sigmoid-twice",
    LOGITS,
    mistake="probabilities where logits belong",
    why="the loss takes a sigmoid itself, and σ([0, 1]) = [½, 0.731]: the loss of a no stays above "
    "0.693 and that of a yes above 0.313",
    instead="F.binary_cross_entropy_with_logits(logits, target)  # no sigmoid before it",
    lesson=6,
    asks=True,
    calls=2,
)
def sigmoid_twice(call: Call):
    if looks_swapped(call) or only(call.input, 0, 1):
        return None
    cells = table(call.input)
    if call.input.dim() > 1 and call.input.shape[1] > 1 and sums_to_one(call.input):
        return f"all {len(rows(call.input))} rows of the input sum to 1, as a softmax leaves them"
    if not looks_like_sigmoid(call.input):
        return None
    return (
        f"all {cells.numel()} inputs lie between 0 and 1 (from {cells.min():.3g} to "
        f"{cells.max():.3g}), as a sigmoid leaves them"
    )


@rule(
    "softmax-in-binary",
    BINARY,
    mistake="a softmax over classes before a loss of independent answers",
    why="with Σ p = 1 the classes exclude each other; Σ −log(1 − p_c) over the wrong ones treats "
    "them as independent, and is the likelihood of nothing",
    instead="F.cross_entropy(logits, labels)  # one class of many\n"
    "F.binary_cross_entropy_with_logits(logits, target)  # many labels",
    lesson=6,
    asks=True,
    calls=2,
)
def softmax_in_binary(call: Call):
    input = call.input
    if input.dim() < 2 or input.shape[1] < 3 or looks_swapped(call) or only(input, 0, 1):
        return None
    logits = call.loss == "binary_cross_entropy_with_logits"
    if not (logs_sum_to_one(input) if logits else sums_to_one(input)):
        return None
    kind = "hold log-probabilities that" if logits else "hold probabilities that"
    return f"all {len(rows(input))} rows of {shape(input)} {kind} sum to 1 over dimension 1"


@rule(
    "bce-saturated",
    "binary_cross_entropy",
    mistake="probabilities that have become exactly 0 or 1 and contradict the label",
    why="torch cuts −log 0 at 100, and the sigmoid behind it is flat: the gradient of the logit is "
    "0 where the model is most wrong",
    instead="F.binary_cross_entropy_with_logits(logits, target)  # in place of sigmoid and loss",
    lesson=6,
)
def bce_saturated(call: Call):
    if looks_swapped(call) or only(call.input, 0, 1):
        return None
    input, target = table(call.input), table(call.target)
    wrong = ((input == 0) & (target > 0)) | ((input == 1) & (target < 1))
    if not wrong.any():
        return None
    return (
        f"{wrong.sum()} of {input.numel()} probabilities are exactly 0 or 1 where the label says "
        "otherwise: each costs 100 instead of the true value"
    )


@rule(
    "arguments-swapped",
    BINARY,
    mistake="target and prediction in the wrong order",
    why="the loss is −t log p − (1 − t) log(1 − p): it is not symmetric in the prediction and the "
    "label (Keras and scikit-learn take the label first)",
    instead="F.binary_cross_entropy_with_logits(logits, target)  # (prediction, target)",
    lesson=6,
    asks=True,
    calls=2,
)
def swapped(call: Call):
    input, target = call.input, call.target
    if not same_shape(call) or not input.numel():
        return None
    if table(input).numel() < 3 or not only(input, 0, 1) or only(target, 0, 1):
        return None
    cells = table(target)
    if cells.isnan().any() or (cells == cells.reshape(-1)[0]).all():
        return None
    return (
        f"all {table(input).numel()} inputs are 0 or 1, like labels, and the targets lie between "
        f"{cells.min():.3g} and {cells.max():.3g}"
    )


@rule(
    "labels-plus-minus",
    "binary_cross_entropy_with_logits multilabel_soft_margin_loss",
    mistake="labels −1 and 1 where 0 and 1 belong",
    why="the loss is log(1 + exp z) − t z: with t = −1 it falls for ever as z → −∞",
    instead="F.binary_cross_entropy_with_logits(logits, (target + 1) / 2)",
    lesson=6,
)
def labels_plus_minus(call: Call):
    cells = table(call.target)
    if not only(call.target, -1, 0, 1) or not (cells == -1).any():
        return None
    return f"{(cells == -1).sum()} of {cells.numel()} labels are −1; 0 says no and 1 says yes"


@rule(
    "labels-not-in-0-1",
    "binary_cross_entropy_with_logits multilabel_soft_margin_loss",
    mistake="labels that are no probabilities",
    why="the loss is log(1 + exp z) − t z: with t outside [0, 1] it has no floor",
    instead="F.binary_cross_entropy_with_logits(logits, (target > 0).float())\n"
    "F.cross_entropy(logits, target)  # for labels of many classes",
    lesson=6,
)
def labels_not_in_unit(call: Call):
    if labels_plus_minus(call) or call.learns & {"input", "target"} == {"target"}:
        return None
    if only(call.input, 0, 1) and table(call.input).numel() >= 3:
        return None  # swapped
    cells = table(call.target)
    wrong = (cells < -1e-3) | (cells > 1 + 1e-3)
    if not wrong.any():
        return None
    return (
        f"{wrong.sum()} of {cells.numel()} labels are outside [0, 1] "
        f"(from {cells.min():.3g} to {cells.max():.3g})"
    )


@rule(
    "labels-zero-one",
    "soft_margin_loss",
    mistake="labels 0 and 1 where −1 and 1 belong",
    why="log(1 + exp(−0 · z)) = log 2 for every z: a label of 0 costs 0.693 and teaches nothing",
    instead="F.soft_margin_loss(logits, 2 * target - 1)",
    lesson=6,
)
def labels_zero_one(call: Call):
    cells = table(call.target)
    zeros = (cells == 0).sum()
    if not zeros or not only(call.target, 0, 1):  # beside −1 and 1, a 0 may say "no label"
        return None
    return f"{zeros} of {cells.numel()} labels are 0; −1 says no and 1 says yes"


@rule(
    "labels-not-plus-minus",
    "soft_margin_loss",
    mistake="labels other than −1 and 1",
    why="log(1 + exp(−y z)) is −log σ(z) for y = 1 and −log σ(−z) for y = −1, and no likelihood "
    "for another y",
    instead="F.soft_margin_loss(logits, 2 * target - 1)  # labels 0 and 1\n"
    "F.binary_cross_entropy_with_logits(logits, target)  # soft labels",
    lesson=6,
    asks=True,
)
def labels_not_plus_minus(call: Call):
    cells = table(call.target)
    wrong = (cells != 1) & (cells != -1) & (cells != 0) & ~cells.isnan()
    if not wrong.any():
        return None
    return (
        f"{wrong.sum()} of {cells.numel()} labels are neither −1 nor 1 "
        f"(from {cells.min():.3g} to {cells.max():.3g})"
    )


@rule(
    "soft-margin-overflow",
    "soft_margin_loss",
    mistake="exp overflows in soft_margin_loss",
    why="torch computes log(1 + exp(−y z)) as it stands: exp(89) is infinite in float32, and the "
    "gradient NaN, where the loss is 89",
    instead="F.binary_cross_entropy_with_logits(logits, (target + 1) / 2)  # the same loss, stable",
    lesson=6,
)
def soft_margin_overflow(call: Call):
    if not same_shape(call) or not call.output.isinf().any():
        return None
    margin = table(call.input) * table(call.target)
    if not margin.isfinite().all():
        return None
    return f"input · target falls to {margin.min():.3g} in {call.input.dtype}: the loss is infinite"


@rule(
    "pos-weight-negative",
    "binary_cross_entropy_with_logits",
    mistake="a negative pos_weight",
    why="the loss of a yes is w log(1 + exp(−z)): with w < 0 it has no floor",
    instead="pos_weight = torch.tensor([negatives / positives])",
    lesson=6,
)
def pos_weight_negative(call: Call):
    weight = call.pos_weight
    if weight is None or not (table(weight) < 0).any():
        return None
    return f"pos_weight has entries below 0, down to {table(weight).min():.3g}"


def refused_pair(call: Call) -> bool:
    """Whether input and target are floats of one shape, so that torch's complaint is another."""
    return same_shape(call) and call.input.is_floating_point() and call.target.is_floating_point()


@rule(
    "bce-takes-probabilities",
    "binary_cross_entropy",
    mistake="logits where probabilities belong",
    why="the loss is −log p for a yes and −log(1 − p) for a no: p lies in [0, 1]",
    instead="F.binary_cross_entropy_with_logits(logits, target)",
    lesson=6,
    kind="refusal",
)
def bce_takes_probabilities(call: Call):
    if not refused_pair(call) or not call.input.numel():
        return None
    input = call.input
    wrong = ~((input >= 0) & (input <= 1))
    missing = input.isnan().sum()
    if missing:  # torch gives the same message for it
        return f"{missing} of {input.numel()} inputs are NaN, and what is NaN is not in [0, 1]"
    if not wrong.any():
        return None
    kind = "like log-probabilities" if input.max() <= 0 else "like logits"
    kind = "like percentages" if input.min() >= 0 and 50 < input.max() <= 100 else kind
    return (
        f"{wrong.sum()} of {input.numel()} inputs are outside [0, 1], from {input.min():.3g} to "
        f"{input.max():.3g}, {kind}"
    )


@rule(
    "labels-not-in-0-1",
    "binary_cross_entropy",
    mistake="labels that are no probabilities",
    why="the loss is −t log p − (1 − t) log(1 − p), with a label t between 0 (no) and 1 (yes)",
    instead="F.binary_cross_entropy(p, (target + 1) / 2)  # for labels −1 and 1\n"
    "F.cross_entropy(logits, target)  # for labels of many classes",
    lesson=6,
    kind="refusal",
)
def bce_labels(call: Call):
    if not refused_pair(call):
        return None
    target = call.target
    wrong = ~((target >= 0) & (target <= 1))
    if not wrong.any() or bce_takes_probabilities(call):
        return None
    return (
        f"{wrong.sum()} of {target.numel()} labels are outside [0, 1], from {target.min():.3g} to "
        f"{target.max():.3g}"
    )


@rule(
    "pos-weight-shape",
    "binary_cross_entropy_with_logits",
    mistake="pos_weight as the weights of no and yes",
    why="pos_weight is one number for each output, w in w t log σ(z) + (1 − t) log σ(−z): it "
    "counts the yeses w times, and the noes once",
    instead="pos_weight = torch.tensor([negatives / positives])  # one output\n"
    "pos_weight = negatives / positives  # C outputs: (C,)",
    lesson=6,
    kind="refusal",
)
def pos_weight_shape(call: Call):
    weight = call.get("pos_weight")
    if not same_shape(call) or not isinstance(weight, Tensor):
        return None
    try:
        whole = torch.broadcast_shapes(weight.shape, call.input.shape)
    except RuntimeError:
        whole = None
    if whole == call.input.shape:
        return None
    outputs = call.input.shape[-1] if call.input.dim() > 1 else 1
    pair = ", like a weight of no and one of yes" if weight.shape == (2,) else ""
    return (
        f"pos_weight has the shape {shape(weight)}{pair}; the input, {shape(call.input)}, has "
        f"{outputs} output{'s' * (outputs != 1)}"
    )
