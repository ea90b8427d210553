"""Losses over classes: the weights of the classes."""

import torch

from lossbook.doctor.call import Call
from lossbook.doctor.catalogue.labels import LOSSES, classes, tensors, valid
from lossbook.doctor.catalogue.targets import soft
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import only, rows, shape


@rule(
    "weighted-one-hot",
    "cross_entropy",
    mistake="class weights with one-hot targets",
    why="with labels the weighted mean divides by the sum of the weights of the targets, with "
    "probabilities by the number of examples",
    instead="F.cross_entropy(logits, one_hot.argmax(dim=1), weight=weight)",
    lesson=4,
    asks=True,
    calls=2,
)
def weighted_one_hot(call: Call):
    if call.weight is None or call.reduction != "mean" or not soft(call) or call.input.dim() < 2:
        return None
    cells = rows(call.target)
    if len(cells) < 2 or not only(cells, 0, 1) or not (cells.sum(1) == 1).all():
        return None
    mean = (cells @ call.weight.to(cells.dtype)).mean().item()
    if call.target.shape[0] > len(cells) or mean <= 0 or abs(mean - 1) < 0.05:
        return None
    by_weight = call.output.item() / mean
    return (
        f"the target is one-hot, and the loss {call.output.item():.4f} is a sum divided by "
        f"{len(cells)}; with labels it would be {by_weight:.4f}"
    )


@rule(
    "weight-length",
    LOSSES,
    mistake="a weight that is not one number for each class",
    why="weight is w_c of each class c; a weight of each example is multiplied in afterwards",
    instead='loss = F.cross_entropy(logits, target, reduction="none")\n'
    "loss = (example_weight * loss).sum() / example_weight.sum()",
    lesson=4,
    kind="refusal",
)
def weight_length(call: Call):
    weight = call.get("weight")
    if not isinstance(weight, torch.Tensor) or not tensors(call):
        return None
    count = classes(call)
    if weight.shape == (count,):
        return None
    also = ", one for each example" if weight.shape == call.input.shape[:1] else ""
    return f"the weight has the shape {shape(weight)}{also}; there are {count} classes"


@rule(
    "weight-negative",
    LOSSES,
    mistake="a negative weight of a class",
    why="with w_c < 0 the loss has no floor: it falls for ever as the class gets less probable",
    instead="weight = 1 / counts.clamp(min=1)",
    lesson=4,
)
def weight_negative(call: Call):
    weight = call.weight
    if weight is None or not (weight < 0).any():
        return None
    return f"{(weight < 0).sum()} of {len(weight)} weights are negative, down to {weight.min():.3g}"


@rule(
    "weight-cancels",
    "cross_entropy nll_loss linear_cross_entropy",
    mistake="class weights in batches of one class",
    why="the weighted mean divides by the sum of the weights of the targets: if all are of one "
    "class, w/w = 1",
    instead='F.cross_entropy(logits, target, weight=weight, reduction="sum") / total_weight',
    lesson=4,
    asks=True,
    calls=5,
)
def weight_cancels(call: Call):
    if call.weight is None or call.reduction != "mean" or (call.weight == call.weight[0]).all():
        return None
    if call.get("label_smoothing", 0) or call.output.isnan():
        return None
    labels = valid(call)
    if labels is None or labels.numel() < 16 or (labels != labels[0]).any():
        return None
    label = int(labels[0])
    return (
        f"all {labels.numel()} labels are {label}, and its weight {call.weight[label]:.3g} "
        "cancels in the mean"
    )
