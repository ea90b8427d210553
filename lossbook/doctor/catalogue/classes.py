"""Losses over classes: cross-entropy and the negative log-likelihood."""

import math

from lossbook.doctor.call import Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import rows, shape, sums_to_one


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
    if not sums_to_one(call.input):
        return None
    table = rows(call.input)
    classes = table.shape[1]
    floor = math.log(1 + (classes - 1) / math.e)
    return (
        f"all {len(table)} rows of the input lie in [0, 1] and sum to 1, as a softmax leaves them; "
        f"with {classes} classes the loss can't go below {floor:.3f}"
    )


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
    if call.target.shape != call.input.shape or call.target.is_floating_point():
        return None
    return (
        f"the target has the shape of the input, {shape(call.target)}, and the dtype "
        f"{call.target.dtype}, so it can be neither indices nor probabilities"
    )
