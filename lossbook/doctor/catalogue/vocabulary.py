"""linear_cross_entropy: what it takes, and in which order."""

from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import shape

RIGHT = "F.linear_cross_entropy(hidden, layer.weight, target, linear_bias=layer.bias)"


def complete(call: Call) -> bool:
    """Whether input, linear_weight and target are tensors."""
    three = (call.get("input"), call.get("linear_weight"), call.get("target"))
    return all(isinstance(tensor, Tensor) for tensor in three)


@rule(
    "linear-order",
    "linear_cross_entropy",
    mistake="(input, target, weight) where (input, linear_weight, target) belongs",
    why="the logits are input @ linear_weight.T; the target stands behind the weight",
    instead=RIGHT,
    lesson=10,
    kind="refusal",
)
def linear_order(call: Call):
    if not complete(call) or call.linear_weight.is_floating_point():
        return None
    weight = call.linear_weight
    return f"linear_weight is {weight.dtype}, {shape(weight)}, like labels"


@rule(
    "linear-transposed",
    "linear_cross_entropy",
    mistake="a linear_weight of (features, classes)",
    why="the logits are input @ linear_weight.T: linear_weight is (C, features), as in nn.Linear",
    instead="F.linear_cross_entropy(hidden, matrix.T, target)",
    lesson=10,
    kind="refusal",
)
def linear_transposed(call: Call):
    if not complete(call) or call.linear_weight.dim() != 2 or not call.input.dim():
        return None
    features, weight = call.input.shape[-1], call.linear_weight
    if weight.shape[1] == features or weight.shape[0] != features:
        return None
    return f"linear_weight is {shape(weight)}, and the input has {features} features"


@rule(
    "linear-flatten",
    "linear_cross_entropy",
    mistake="a batch of sequences",
    why="linear_cross_entropy takes one example for each row: (N, features)",
    instead="F.linear_cross_entropy(hidden.flatten(0, -2), layer.weight, target.flatten())",
    lesson=10,
    kind="refusal",
)
def linear_flatten(call: Call):
    if not complete(call) or call.input.dim() < 3:
        return None
    return f"the input is {shape(call.input)}, of {call.input.dim()} dimensions"
