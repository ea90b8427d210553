"""Losses of yes-or-no answers: what the labels and their weights are."""

import torch
from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.catalogue.binary import bce_takes_probabilities, refused_pair, swapped
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import only, same_shape, shape, table


@rule(
    "labels-plus-minus",
    "binary_cross_entropy_with_logits multilabel_soft_margin_loss",
    mistake="labels −1 and 1 where 0 and 1 belong",
    why="the loss is log(1 + exp z) − t z: with t = −1 it falls for ever as z → −∞",
    instead="F.binary_cross_entropy_with_logits(logits, (target + 1) / 2)",
    lesson=6,
)
def labels_plus_minus(call: Call):
    if not isinstance(call.target, Tensor):  # multilabel_soft_margin_loss takes a number
        return None
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
    if not isinstance(call.target, Tensor) or labels_plus_minus(call) or swapped(call):
        return None
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


@rule(
    "pos-weight-inverted",
    "binary_cross_entropy_with_logits",
    mistake="pos_weight as positives / negatives",
    why="Σ w t and Σ (1 − t) balance at w = noes/yeses: a rare yes needs a weight above 1, and the "
    "inverse makes it rarer still",
    instead="pos_weight = (target == 0).sum(dim=0) / (target == 1).sum(dim=0)",
    lesson=6,
    asks=True,
    calls=3,
)
def pos_weight_inverted(call: Call):
    weight, target = call.pos_weight, table(call.target)
    if weight is None or weight.numel() != 1 or target.numel() < 64 or not only(target, 0, 1):
        return None
    weight, share = weight.item(), target.mean().item()
    if not 0 < share < 0.25 or not 0 < weight < 0.5:
        return None
    if not 0.5 < weight / (share / (1 - share)) < 2:
        return None
    return (
        f"{share:.1%} of {target.numel()} labels are yes and pos_weight is {weight:.3g}; "
        f"noes/yeses is {(1 - share) / share:.3g}"
    )
