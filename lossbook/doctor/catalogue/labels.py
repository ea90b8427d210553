"""Losses over classes: targets and weights that torch refuses."""

import torch

from lossbook.doctor.call import Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import class_dim, holds_indices, shape

LOSSES = "cross_entropy nll_loss linear_cross_entropy"


def tensors(call: Call) -> bool:
    """Whether input and target are tensors, the input with classes."""
    both = (call.get("input"), call.get("target"))
    return all(isinstance(tensor, torch.Tensor) for tensor in both) and call.input.dim() > 0


def classes(call: Call) -> int:
    """Return the number of classes."""
    if call.loss == "linear_cross_entropy":
        return call.linear_weight.shape[0]
    return call.input.shape[class_dim(call.input)]


def index_shape(call: Call) -> tuple:
    """Return the shape that class indices must have."""
    dim = class_dim(call.input)
    return (*call.input.shape[:dim], *call.input.shape[dim + 1 :])


@rule(
    "one-hot-integers",
    "cross_entropy",
    mistake="one-hot targets as integers",
    why="a target of the input's shape is read as probabilities, and these are floats",
    instead="F.cross_entropy(logits, one_hot.argmax(dim=1))  # or one_hot.float()",
    lesson=4,
    kind="refusal",
)
def one_hot_integers(call: Call):
    if not tensors(call) or call.target.shape != call.input.shape or call.input.dim() < 2:
        return None
    if call.target.is_floating_point() or not call.input.is_floating_point():
        return None
    return (
        f"the target has the shape of the input, {shape(call.target)}, and the dtype "
        f"{call.target.dtype}, so it can be neither indices nor probabilities"
    )


@rule(
    "nll-takes-indices",
    "nll_loss",
    mistake="one-hot or soft targets for nll_loss",
    why="the loss is −input[target]: it looks up one class for each example",
    instead="F.nll_loss(log_probabilities, target.argmax(dim=1))\n"
    "F.cross_entropy(logits, probabilities)  # for soft targets",
    lesson=5,
    kind="refusal",
)
def nll_takes_indices(call: Call):
    if not tensors(call) or call.target.shape != call.input.shape or classes(call) < 2:
        return None
    return f"the target has the shape of the input, {shape(call.target)}: one number for each class"


@rule(
    "single-example",
    "cross_entropy",
    mistake="a batch of single outputs in a loss over classes",
    why="an input of one dimension is one example: its N numbers are the logits of N classes",
    instead="F.binary_cross_entropy_with_logits(logits, target.float())  # N yes-or-no answers",
    lesson=4,
    kind="refusal",
)
def single_example_refused(call: Call):
    if not tensors(call) or call.input.dim() != 1 or call.target.shape != call.input.shape:
        return None
    if not call.input.is_floating_point():
        return None
    return (
        f"input and target have the shape {shape(call.input)}: "
        f"one example with {len(call.input)} classes and {len(call.target)} labels"
    )


@rule(
    "labels-dtype",
    LOSSES,
    mistake="class labels in a dtype that can't index",
    why="class labels say at which place of the input to look: whole numbers, int64",
    instead="F.{loss}(input, target.long())",
    lesson=4,
    kind="refusal",
)
def labels_dtype(call: Call):
    if not tensors(call) or not call.input.is_floating_point():
        return None
    if holds_indices(call.target) and "Byte" not in str(call.error):  # uint8 works now and then
        return None
    if call.target.shape != index_shape(call) or call.target.shape == call.input.shape:
        return None
    return f"the labels, {shape(call.target)}, are {call.target.dtype}; torch.int64 is expected"


@rule(
    "labels-extra-dim",
    LOSSES,
    mistake="class labels with a dimension too many",
    why="class labels have the shape of the input without its classes: (N,) for (N, C)",
    instead="F.{loss}(input, target.squeeze(1).long())",
    lesson=4,
    kind="refusal",
)
def labels_extra_dim(call: Call):
    if not tensors(call) or call.target.dim() != call.input.dim() or classes(call) < 2:
        return None
    expected = index_shape(call)
    for dim in [dim for dim in (1, -1, 0) if dim < call.target.dim()]:
        dim %= call.target.dim()
        rest = call.target.shape[:dim] + call.target.shape[dim + 1 :]
        if call.target.shape[dim] == 1 and tuple(rest) == expected:
            return (
                f"the labels have the shape {shape(call.target)}, where "
                f"{shape(torch.empty(expected, device='meta'))} is expected: dimension {dim} is "
                "too many"
            )
    return None


def valid(call: Call):
    """Return the labels that are not ignored, or None where the target holds no class labels."""
    if not tensors(call) or not holds_indices(call.target):
        return None
    if call.target.shape not in (index_shape(call), (1,)):
        return None
    ignored = call.ignore_index
    if isinstance(ignored, int):
        return call.target[call.target != ignored]
    return call.target.reshape(-1) if ignored is None else None


@rule(
    "labels-from-one",
    LOSSES,
    mistake="labels counted from 1",
    why="C classes have the labels 0, …, C − 1: C is beyond the last one, and 0 is never learned",
    instead="F.{loss}(input, target - 1)",
    lesson=4,
    kind="refusal",
)
def labels_from_one(call: Call):
    labels, count = valid(call), classes(call) if tensors(call) else 0
    if labels is None or not labels.numel() or labels.min() < 1 or labels.max() != count:
        return None
    return (
        f"the labels run from {labels.min()} to {labels.max()}, the classes from 0 to {count - 1}"
    )


@rule(
    "labels-out-of-range",
    LOSSES,
    mistake="a label that is no class",
    why="C classes have the labels 0, …, C − 1; on a GPU any other one is a device-side assert, "
    "which stops the process",
    instead="F.{loss}(input, target, ignore_index=-1)  # if −1 says: no label\n"
    "logits = torch.nn.Linear(features, int(labels.max()) + 1)(x)  # if a class is missing",
    lesson=4,
    kind="refusal",
)
def labels_out_of_range(call: Call):
    labels, count = valid(call), classes(call) if tensors(call) else 0
    if labels is None or not labels.numel() or labels_from_one(call):
        return None
    wrong = labels[(labels < 0) | (labels >= count)]
    if not wrong.numel():
        return None
    also = ""
    if (wrong == -100).all() and call.ignore_index != -100:
        also = f" (with ignore_index={call.ignore_index}, −100 is a label like any other)"
    elif count == 1:
        also = "; with one output, binary_cross_entropy_with_logits is the loss for yes and no"
    noticed = (
        f"{wrong.numel()} of {labels.numel()} labels are outside 0 … {count - 1}, "
        f"the first of them {wrong[0]}{also}"
    )
    stray = wrong.unique().tolist()
    if len(stray) > 1 or count == 1:
        return noticed
    (value,) = stray  # 255 or −1, say, where nothing was labelled
    ignoring = f"F.{call.loss}(input, target, ignore_index={value})  # if {value} says: no label"
    return noticed, ignoring


@rule(
    "classes-last",
    "cross_entropy nll_loss",
    mistake="classes in the last dimension",
    why="the classes are dimension 1: (N, C, L) for sequences, (N, C, H, W) for pictures",
    instead="F.{loss}(input.movedim(-1, 1), target)\n"
    "F.{loss}(input.flatten(0, -2), target.flatten())  # the same",
    lesson=4,
    kind="refusal",
)
def classes_last(call: Call):
    if not tensors(call) or call.input.dim() < 3 or call.target.shape == index_shape(call):
        return None
    before = call.input.shape[:-1]
    if call.target.shape not in (before, (before.numel(),)):
        return None
    return (
        f"the input is {shape(call.input)} and the target {shape(call.target)}: the classes seem "
        f"to be the last dimension, of {call.input.shape[-1]}, and are expected in dimension 1"
    )


@rule(
    "swapped",
    "cross_entropy nll_loss linear_cross_entropy",
    mistake="target and prediction in the wrong order",
    why="the loss takes the logarithm of its first argument's probabilities: it is not symmetric",
    instead="F.{loss}(input, target)  # (prediction, target)",
    lesson=4,
    kind="refusal",
)
def swapped_refused(call: Call):
    if not tensors(call) or call.input.is_floating_point():
        return None
    if not call.target.is_floating_point() or call.target.dim() < call.input.dim():
        return None
    return (
        f"the first argument is {call.input.dtype}, {shape(call.input)}, like labels, and the "
        f"second {call.target.dtype}, {shape(call.target)}, like logits"
    )


@rule(
    "labels-as-logits",
    "cross_entropy nll_loss",
    mistake="predicted labels where logits belong",
    why="argmax is constant almost everywhere: its derivative is 0, and nothing could be learned",
    instead="F.cross_entropy(logits, target)  # not logits.argmax(dim=1)",
    lesson=4,
    kind="refusal",
)
def labels_as_logits(call: Call):
    if not tensors(call) or call.input.is_floating_point() or call.target.is_floating_point():
        return None
    return f"the input is {call.input.dtype}, like labels; logits are floats"


@rule(
    "ignore-index",
    LOSSES,
    mistake="an ignore_index that is no whole number, or one for probabilities",
    why="ignore_index is compared with class labels, and these are whole numbers",
    instead="F.{loss}(input, labels, ignore_index=-1)",
    lesson=5,
    kind="refusal",
)
def ignore_index(call: Call):
    ignored = call.get("ignore_index")
    if ignored is not None and not isinstance(ignored, int):
        return f"ignore_index is {ignored!r}, of the type {type(ignored).__name__}"
    if ignored is None and "ignore_index" in str(call.error):
        return "ignore_index is None"
    if not tensors(call) or "ignore_index is not supported" not in str(call.error):
        return None
    return f"ignore_index is {ignored} and the target holds probabilities, {shape(call.target)}"
