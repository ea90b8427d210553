"""Arguments of the wrong kind, in any loss: legacy ones, dtypes, devices, things not tensors."""

from difflib import get_close_matches

from torch import Tensor

from lossbook.doctor.call import FUNCTIONS, SIGNATURES, Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import broadcast, shape, without_ones

LOSSES = [name for name in FUNCTIONS if "reduction" in SIGNATURES[name].parameters]
LEGACY = [name for name in LOSSES if "size_average" in SIGNATURES[name].parameters]
TENSORS = (
    *("input", "target", "weight", "pos_weight", "var", "input1", "input2"),
    *("anchor", "positive", "negative", "log_probs", "targets", "linear_weight"),
)
# Losses over classes, and kl_div, have rules of their own for the dtypes that they take.
OWN = {"cross_entropy", "nll_loss", "linear_cross_entropy", "kl_div"}
INDEXED = ("multi_margin_loss", "multilabel_margin_loss", "adaptive_log_softmax_with_loss")


def legacy(size_average, reduce, reduction: str = "mean") -> str | None:
    """Return what two arguments of torch's first years do to a reduction, in words.

    Parameters
    ----------
    size_average, reduce : bool or None
        As the loss was given them. Anything else comes from counting positions wrongly.
    reduction : str
        As it was given.
    """
    for name, value in (("size_average", size_average), ("reduce", reduce)):
        if value is not None and not isinstance(value, bool):
            shown = "a tensor" if isinstance(value, Tensor) else repr(value)
            tail = "; any text counts as True: the mean" if isinstance(value, str) and value else ""
            return f"{name}, which stands before reduction, was given {shown}{tail}"
    if size_average is None and reduce is None:
        return None
    named = {"size_average": size_average, "reduce": reduce}
    given = ", ".join(f"{name}={value}" for name, value in named.items() if value is not None)
    result = "none" if reduce is False else "sum" if size_average is False else "mean"
    over = f", although reduction={reduction!r}" if reduction not in (result, "mean") else ""
    return f"{given} decides the reduction: {result!r}{over}"


LEGACY_WORDS = {
    "mistake": "size_average or reduce",
    "why": "where one of them is given, torch ignores reduction: it was replaced by "
    "reduction='mean' | 'sum' | 'none'",
    "instead": "F.{loss}(input, target, reduction='sum')",
}


@rule("legacy-arguments", " ".join(LEGACY), **LEGACY_WORDS)
def legacy_arguments(call: Call):
    return legacy(call.size_average, call.reduce, call.reduction)


@rule("legacy-arguments", " ".join(LEGACY), kind="refusal", **LEGACY_WORDS)
def legacy_refused(call: Call):
    values = call.get("size_average"), call.get("reduce")
    strange = any(value is not None and not isinstance(value, bool) for value in values)
    return legacy(*values) if strange else None


@rule(
    "legacy-arguments",
    " ".join(LOSSES),
    mistake="reduction='elementwise_mean'",
    why="it is the name of 'mean' in torch 0.4",
    instead="F.{loss}(input, target, reduction='mean')",
)
def elementwise_mean(call: Call):
    old = "elementwise_mean"
    return f"reduction={old!r}, which is 'mean'" if call.reduction == old else None


@rule(
    "reduction-unknown",
    " ".join(LOSSES),
    mistake="a reduction that the loss does not have",
    why="the reductions are 'mean', 'sum' and 'none', and for kl_div 'batchmean'",
    instead="F.{loss}(input, target, reduction='mean')",
    kind="refusal",
)
def reduction_unknown(call: Call):
    known = ["none", "mean", "sum"] + ["batchmean"] * (call.loss == "kl_div")
    value = call.get("reduction", "mean")
    if isinstance(value, str):
        if value in [*known, "elementwise_mean"]:
            return None
        near = get_close_matches(value.lower(), known, n=1)
        return f"reduction={value!r}" + (f"; near to it is {near[0]!r}" if near else "")
    by_position = "" if "reduction" in call.kwargs else ", which came by position"
    return f"reduction is {value!r}{by_position}"


@rule(
    "not-a-tensor",
    "all",
    mistake="something else where a tensor belongs",
    why="torch's losses take tensors",
    instead="torch.tensor(values)  # or output.logits, outputs[0]",
    kind="refusal",
)
def not_a_tensor(call: Call):
    for name in TENSORS if call.arguments else ():
        value = call.get(name)
        if value is None and (name in ("weight", "pos_weight") or name not in call.given):
            continue
        if not isinstance(value, Tensor) and not (name == "var" and isinstance(value, int | float)):
            return f"{name} is of the type {type(value).__name__}"
    return None


@rule(
    "integers",
    "all",
    mistake="whole numbers or booleans where the loss needs floats",
    why="logarithms, differences and means are taken of floats",
    instead="F.{loss}(input, target.float())",
    kind="refusal",
)
def integers(call: Call):
    wrong = [
        f"{name} is {str(value.dtype).removeprefix('torch.')}"
        for name, value in call.tensors().items()
        if not (value.is_floating_point() or value.is_complex() or name.endswith("_lengths"))
        and name != "targets"
        and not (name == "target" and call.loss in INDEXED)
        and (name == "weight" or call.loss not in OWN)
    ]
    if not wrong or not of_dtypes(call):
        return None
    name = wrong[0].partition(" ")[0]
    return ", ".join(wrong), f"F.{call.loss}(…, {name}={name}.float())"


def of_dtypes(call: Call) -> bool:
    """Whether torch's error speaks of dtypes."""
    words = ("Long", "Int", "Bool", "bool", "Byte", "Short", "Char", "dtype")
    return any(word in str(call.error) for word in words)


@rule(
    "shapes-differ",
    "l1_loss mse_loss smooth_l1_loss huber_loss gaussian_nll_loss poisson_nll_loss "
    "hinge_embedding_loss margin_ranking_loss soft_margin_loss multilabel_soft_margin_loss "
    "binary_cross_entropy binary_cross_entropy_with_logits",
    mistake="shapes that do not fit each other",
    why="the loss compares entry with entry: prediction, target and weight need one shape",
    instead="F.binary_cross_entropy_with_logits(logits.squeeze(-1), target)  # both (N,)\n"
    "weight[:, None]  # one weight for each of N rows",
    kind="refusal",
)
def shapes_differ(call: Call):
    told = str(call.error)
    if of_dtypes(call) or not any(word in told for word in ("size", "shape", "dimension")):
        return None
    skip = {"pos_weight"} if "var is" in told else {"pos_weight", "var"}
    tensors = [(name, value) for name, value in call.tensors().items() if name not in skip]
    for name, value in tensors:
        first, one = tensors[0]
        if value.shape == one.shape or (
            name == "weight" and broadcast(value.shape, one.shape) == tuple(one.shape)
        ):
            continue
        tail = ""
        if without_ones(value) == without_ones(one):
            tail = ": the same but for axes of size 1"
        elif name == "weight" and value.shape == one.shape[:1]:
            tail = ": one weight for each row needs the shape (N, 1)"
        return f"{first} is {shape(one)}, and {name} {shape(value)}{tail}"
    return None


@rule(
    "dtypes-differ",
    " ".join(LOSSES),
    mistake="float32 and float64 in one call",
    why="this loss wants all its floats in one dtype; NumPy's are float64",
    instead="target.to(input.dtype)",
    kind="refusal",
)
def dtypes_differ(call: Call):
    kinds = {
        name: str(value.dtype).removeprefix("torch.")
        for name, value in call.tensors().items()
        if value.is_floating_point()
    }
    if len(set(kinds.values())) < 2 or "type" not in str(call.error):
        return None
    return ", ".join(f"{name} is {kind}" for name, kind in kinds.items())


@rule(
    "half-refused",
    "all",
    mistake="half precision that this device has no loss for",
    why="not every loss is written for float16 and bfloat16 on every device",
    instead="F.{loss}(input.float(), target)",
    kind="refusal",
)
def half_refused(call: Call):
    told = str(call.error)
    if "not implemented for 'Half'" not in told and "not implemented for 'BFloat16'" not in told:
        return None
    name, value = next(iter(call.tensors().items()))
    return f"{name} is {str(value.dtype).removeprefix('torch.')} on the {value.device.type}"


@rule(
    "devices-differ",
    "all",
    mistake="tensors on different devices",
    why="one operation runs on one device; the weights of a loss have to go there as well",
    instead="criterion = nn.CrossEntropyLoss(weight=weight).to(device)\n"
    "loss = criterion(input, target.to(device))",
    kind="refusal",
)
def devices_differ(call: Call):
    where = {
        name: str(value.device)
        for name, value in call.tensors().items()
        if not name.endswith("_lengths") and value.dim()
    }
    if len(set(where.values())) < 2:
        return None
    return ", ".join(f"{name} is on {device}" for name, device in where.items())


@rule(
    "autocast-refused",
    "binary_cross_entropy",
    mistake="binary_cross_entropy under autocast",
    why="float16 has no number between 0.9995 and 1: log(1 − p) is lost before the loss sees it",
    instead="F.binary_cross_entropy_with_logits(logits, target)  # no sigmoid before it",
    kind="refusal",
)
def autocast_refused(call: Call):
    return "torch calls it unsafe to autocast" if "unsafe to autocast" in str(call.error) else None
