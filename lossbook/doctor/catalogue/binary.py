"""Losses of yes-or-no answers: what the predictions are."""

from lossbook.doctor.call import Call
from lossbook.doctor.origin import LAYERS, from_sigmoid, input_made_by
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import (
    logs_sum_to_one,
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
    if input_made_by(call)[:1] == ("Softmax",) and call.input.dim() < 2:
        return f"the {cells.numel()} inputs come out of a softmax"
    if call.input.dim() > 1 and call.input.shape[1] > 1 and sums_to_one(call.input):
        return f"all {len(rows(call.input))} rows of the input sum to 1, as a softmax leaves them"
    if not from_sigmoid(call):
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
    if swapped(call):
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
    "swapped",
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
    if not same_shape(call) or not input.numel() or not target.is_floating_point():
        return None
    if call.learns & {"input", "target"} == {"target"}:
        return "the target requires a gradient, and the input, where predictions belong, does not"
    if table(input).numel() < 3 or not only(input, 0, 1) or only(target, 0, 1):
        return None
    if only(input, 0) or only(input, 1):  # logits of a layer that starts at 0
        return None
    cells = table(target)
    if cells.isnan().any() or (cells == cells.reshape(-1)[0]).all():
        return None
    return (
        f"all {table(input).numel()} inputs are 0 or 1, like labels, and the targets lie between "
        f"{cells.min():.3g} and {cells.max():.3g}"
    )


@rule(
    "soft-margin-overflow",
    "soft_margin_loss",
    mistake="exp overflows in soft_margin_loss",
    why="torch computes log(1 + exp(−y z)) as it stands: exp(89) is infinite in float32, exp(12) "
    "in float16, and the gradient NaN, where the loss is 89 or 12",
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
        noticed = f"{missing} of {input.numel()} inputs are NaN, and what is NaN is not in [0, 1]"
        return noticed, "torch.autograd.set_detect_anomaly(True)  # finds where NaN begins"
    if not wrong.any():
        return None
    kind = "like log-probabilities" if input.max() <= 0 else "like logits"
    kind = "like percentages" if input.min() >= 0 and 50 < input.max() <= 100 else kind
    return (
        f"{wrong.sum()} of {input.numel()} inputs are outside [0, 1], from {input.min():.3g} to "
        f"{input.max():.3g}, {kind}"
    )


@rule(
    "bce-takes-probabilities",
    "binary_cross_entropy",
    mistake="logits where probabilities belong",
    why="the loss is −log p for a yes and −log(1 − p) for a no: a logit between 0 and 1 is no "
    "probability, and the next one, outside, is refused",
    instead="F.binary_cross_entropy_with_logits(logits, target)",
    lesson=6,
    asks=True,
)
def bce_of_logits(call: Call):
    made = input_made_by(call)
    cut = made[:1] and made[0] in ("Clamp", "ClampMin", "ClampMax", "Relu", "Hardtanh")
    if not call.input.numel() or not LAYERS.intersection(made[1:2] if cut else made[:1]):
        return None
    way = "through a clamp" if cut else "straight"
    return f"the input comes {way} from a linear layer or a convolution, without a sigmoid"
