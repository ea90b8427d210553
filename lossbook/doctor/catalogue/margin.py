"""Margins between classes: multi_margin_loss and multilabel_margin_loss."""

import torch
from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.origin import from_sigmoid, from_softmax
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import ROWS, readable, rows, shape, share

BOTH = "multi_margin_loss multilabel_margin_loss"
PADDED = "target = torch.full_like(multi_hot, -1)  # for each row: the indices, then -1, …"
INDICES = f"""{PADDED}
for row, hot in zip(target, multi_hot):
    labels = hot.nonzero().flatten()
    row[:len(labels)] = labels"""


def label_rows(call: Call) -> Tensor:
    """Return the labels of multilabel_margin_loss as a table of at most 256 rows."""
    target = call.target
    return target[:ROWS].cpu() if target.dim() > 1 else target.reshape(1, -1).cpu()


def heads(labels: Tensor) -> Tensor:
    """Return which entries stand before the first −1 of their row: the ones that count."""
    return (labels >= 0).long().cumprod(1).bool()


def repeated(labels: Tensor) -> Tensor:
    """Return which rows name a class twice before their first −1."""
    counted = torch.where(heads(labels), labels, -1 - torch.arange(labels.shape[1]))
    ordered = counted.sort(1).values
    return (ordered[:, 1:] == ordered[:, :-1]).any(1)


def is_multi_hot(labels: Tensor) -> bool:
    """Whether rows of 0 and 1, or of −1 and 1, mark classes instead of naming them."""
    one = labels == 1
    if not one.any():
        return False
    if ((labels == 0) | one).all():
        return bool(repeated(labels).any())
    later = one & ~heads(labels)
    return bool(((labels == -1) | one).all() and later.any())


@rule(
    "multi-hot-labels",
    "multilabel_margin_loss",
    mistake="a mark for each class where the indices of classes belong",
    why="a row of the target lists the true classes up to the first −1: zeros and ones are read "
    "as the classes 0 and 1",
    instead=INDICES,
    lesson=9,
)
def multi_hot_labels(call: Call):
    labels = label_rows(call)
    if not labels.numel() or not is_multi_hot(labels):
        return None
    return f"the first row of the target, {labels[0].tolist()}, has only marks: no class has −1"


@rule(
    "padded-with-zeros",
    "multilabel_margin_loss",
    mistake="rows of labels filled up with zeros",
    why="the list of true classes ends at the first −1; a 0 is the class 0",
    instead=PADDED,
    lesson=9,
)
def padded_with_zeros(call: Call):
    labels = label_rows(call)
    if not labels.numel() or is_multi_hot(labels):
        return None
    twice = repeated(labels)
    if not twice.any():
        return None
    return f"{share(twice)} rows name a class twice, such as {labels[twice][0].tolist()}"


@rule(
    "labels-after-end",
    "multilabel_margin_loss",
    mistake="a row of labels that begins with −1",
    why="the list of true classes ends at the first −1: nothing after it counts",
    instead=PADDED,
    lesson=9,
)
def labels_after_end(call: Call):
    labels = label_rows(call)
    if not labels.numel() or is_multi_hot(labels):
        return None
    lost = (labels[:, 0] == -1) & (labels >= 0).any(1)
    if not lost.any():
        return None
    return f"{share(lost)} rows begin with −1 and name classes after it: {labels[lost][0].tolist()}"


@rule(
    "probabilities-as-scores",
    BOTH,
    mistake="probabilities where scores belong",
    why="the loss asks for a lead of the margin, 1, over every other class: numbers in [0, 1] "
    "can lead by less than 1",
    instead="F.multi_margin_loss(logits, target)  # no softmax or sigmoid before it",
    lesson=9,
    asks=True,
    calls=2,
)
def probabilities_as_scores(call: Call):
    if call.get("margin", 1) < 1:
        return None
    table = rows(call.input)
    if from_softmax(call):
        return f"all {len(table)} rows of the input lie in [0, 1] and sum to 1, as after a softmax"
    if not from_sigmoid(call):
        return None
    return f"all {table.numel()} inputs lie between 0 and 1, as after a sigmoid"


@rule(
    "one-class",
    BOTH,
    mistake="a loss over classes with one class",
    why="with one class there is no other to lead: the loss is 0, and its gradient too",
    instead="F.binary_cross_entropy_with_logits(logit, target.float())",
    lesson=9,
)
def one_class(call: Call):
    input = call.input
    classes = input.shape[-1] if input.dim() else 1
    return f"the input {shape(input)} has one class" if classes == 1 and input.numel() else None


@rule(
    "labels-from-one",
    BOTH,
    mistake="labels counted from 1",
    why="C classes have the labels 0, …, C − 1: C is beyond the last one, and 0 is never learned",
    instead="F.multi_margin_loss(input, target - 1)",
    lesson=9,
    kind="refusal",
)
def labels_from_one(call: Call):
    span = label_span(call)
    if not span:
        return None
    classes, least, most = span
    first = int(call.target[call.target >= 0].min()) if most >= 0 else 0
    padded = least == -1 and call.loss == "multilabel_margin_loss"
    if first != 1 or most != classes or not (least == 1 or padded):
        return None
    return f"the labels run from 1 to {most}, the classes from 0 to {classes - 1}"


@rule(
    "labels-out-of-range",
    BOTH,
    mistake="a label that is no class",
    why="C classes have the labels 0, …, C − 1, and these losses have no ignore_index",
    instead="F.multi_margin_loss(input[target >= 0], target[target >= 0])",
    lesson=9,
    kind="refusal",
)
def labels_out_of_range(call: Call):
    span = label_span(call)
    if not span or labels_from_one(call):
        return None
    classes, least, most = span
    if least >= (-1 if call.loss == "multilabel_margin_loss" else 0) and most < classes:
        return None
    tail = "; −100 is a label like any other here" if least == -100 else ""
    return f"the labels are from {least} to {most}, the classes from 0 to {classes - 1}{tail}"


def label_span(call: Call) -> tuple[int, int, int] | None:
    """Return the number of classes, and the least and the largest label."""
    input, target = call.get("input"), call.get("target")
    if not (isinstance(input, Tensor) and readable(target)) or target.is_floating_point():
        return None
    if not input.dim() or not target.numel():
        return None
    return input.shape[-1], int(target.min()), int(target.max())


@rule(
    "labels-dtype",
    BOTH,
    mistake="labels that are not int64",
    why="a label is an index, and torch takes indices in int64 here",
    instead="target.long()",
    lesson=9,
    kind="refusal",
)
def labels_dtype(call: Call):
    target = call.get("target")
    if not isinstance(target, Tensor) or target.dtype == torch.int64 or labels_shape(call):
        return None
    return f"the target is {str(target.dtype).removeprefix('torch.')}"


@rule(
    "labels-shape",
    BOTH,
    mistake="labels whose shape does not fit the input",
    why="multi_margin_loss takes one label for each of N rows, (N,); multilabel_margin_loss as "
    "many places as there are classes, (N, C)",
    instead="F.multi_margin_loss(input, target.squeeze(1))  # or one_hot.argmax(dim=1)\n"
    "F.pad(labels, (0, C - labels.shape[1]), value=-1)  # for multilabel_margin_loss",
    lesson=9,
    kind="refusal",
)
def labels_shape(call: Call):
    input, target = call.get("input"), call.get("target")
    if not isinstance(input, Tensor) or not isinstance(target, Tensor):
        return None
    wanted = input.shape if call.loss == "multilabel_margin_loss" else input.shape[:-1]
    if input.dim() <= 2 and target.shape == wanted:
        return None
    return f"input is {shape(input)}, and target {shape(target)}"


@rule(
    "weight-length",
    "multi_margin_loss",
    mistake="a weight for each row where one for each class belongs",
    why="the weight of a row is the weight of its class: C numbers",
    instead="F.multi_margin_loss(input, target, weight=class_weights)  # (C,)",
    lesson=9,
    kind="refusal",
)
def weight_length(call: Call):
    input, weight = call.get("input"), call.get("weight")
    if not isinstance(weight, Tensor) or not isinstance(input, Tensor) or not input.dim():
        return None
    if weight.shape == (input.shape[-1],):
        return None
    return f"the weight is {shape(weight)}, and there are {input.shape[-1]} classes"
