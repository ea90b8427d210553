"""What goes wrong with many losses: shapes that broadcast, order, and numbers that are none."""

import math
import warnings

import torch
from torch import Tensor

from lossbook.doctor.call import FUNCTIONS, Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import broadcast, entries, is_whole, only, shape, share, without_ones

REGRESSION = "l1_loss mse_loss smooth_l1_loss huber_loss gaussian_nll_loss poisson_nll_loss"
DISTANCES = "hinge_embedding_loss margin_ranking_loss"
LABELS = "soft_margin_loss multilabel_soft_margin_loss"
POINTWISE = f"{REGRESSION} {DISTANCES} {LABELS} kl_div"
PAIRED_WITH_VARIANCE = (
    "F.gaussian_nll_loss(mean.reshape(target.shape), target, variance.reshape(target.shape))"
)
PAIRED = "F.{loss}(prediction.reshape(target.shape), target)  # one for each target"
NOT_IN_HALF = ("adaptive_log_softmax_with_loss", "soft_margin_loss")  # the second has its own rule
HALF = (torch.float16, torch.bfloat16)
SMALL = 1_000_000  # the most entries for which a loss is computed a second time


def pairs(call: Call) -> tuple[str, str, tuple] | None:
    """Return two arguments that broadcast to more entries than any has, and the shape of that."""
    tensors = {name: value for name, value in call.tensors().items() if name != "pos_weight"}
    if call.loss == "gaussian_nll_loss":  # a variance without the last axis is a right one
        tensors.pop("var", None)
    whole = broadcast(*(value.shape for value in tensors.values()))
    largest = max(tensors, key=lambda name: tensors[name].numel())
    if whole is None or math.prod(whole) <= tensors[largest].numel():
        return None
    others = [name for name in tensors if name != largest and tensors[name].numel() > 1]
    return largest, max(others, key=lambda name: tensors[name].numel()), whole


def say_pairs(call: Call, first: str, second: str, whole: tuple) -> str | tuple[str, str]:
    one, two = call.get(first), call.get(second)
    noticed = (
        f"{first} {shape(one)} and {second} {shape(two)} are broadcast to "
        f"({', '.join(map(str, whole))}): {math.prod(whole):,} terms from "
        f"{max(one.numel(), two.numel()):,} entries"
    )
    return (noticed, PAIRED_WITH_VARIANCE) if call.loss == "gaussian_nll_loss" else noticed


@rule(
    "pairs-broadcast",
    POINTWISE,
    mistake="(N, 1) against (N,): every prediction is compared with every target",
    why="Σᵢ Σⱼ ℓ(xᵢ, yⱼ) over all N² pairs is least where every xᵢ is the same number: "
    "the mean of the targets, for squares",
    instead=PAIRED,
)
def pairs_broadcast(call: Call):
    found = pairs(call)
    if not found or call.reduction == "none":
        return None
    one, two = call.get(found[0]), call.get(found[1])
    same = without_ones(one) == without_ones(two)
    return say_pairs(call, *found) if same and one.dim() != two.dim() else None


@rule(
    "pairs-broadcast",
    POINTWISE,
    mistake="shapes that broadcast to more terms than there are predictions or targets",
    why="Σᵢ Σⱼ ℓ(xᵢ, yⱼ) over all pairs is least where every xᵢ is the same number",
    instead=PAIRED,
    asks=True,
    calls=2,
)
def pairs_of_other_shapes(call: Call):
    found = pairs(call)
    if not found:
        return None
    one, two = sorted((call.get(found[0]), call.get(found[1])), key=Tensor.dim)
    same = without_ones(one) == without_ones(two)
    column = same and two.dim() == one.dim() + 1 and one.data_ptr() != two.data_ptr()
    if call.reduction == "none":  # pairs may be wanted, and are then summed by hand
        meant = not column or not (two.shape[-1] == 1 or two.dim() > 3)
    elif one.dim() == two.dim():  # axes of size 1 in both are put there to get all pairs
        meant = not (same and one.dim() == 2)
    else:
        meant = same  # the rule above is sure of these
    return None if meant else say_pairs(call, *found)


@rule(
    "swapped",
    "poisson_nll_loss multilabel_soft_margin_loss",
    mistake="(target, prediction) where (prediction, target) belongs",
    why="the loss takes exp or log of one of its two arguments only: it is not symmetric",
    instead="F.poisson_nll_loss(log_rate, counts)  # (prediction, target)",
    asks=True,
    calls=2,
)
def swapped(call: Call):
    return labels_first(call)


def labels_first(call: Call) -> str | None:
    """Say why the input looks like targets, and the target like predictions."""
    if call.learns & {"input", "target"} == {"target"}:
        return "the target requires a gradient, and the input, where predictions belong, does not"
    if not isinstance(call.target, Tensor):  # multilabel_soft_margin_loss takes a number
        return None
    input, target = entries(call.input), entries(call.target)
    if len(input) < 4 or is_whole(target) or not is_whole(input) or (input < 0).any():
        return None
    if (input == input[0]).all():  # a layer that starts at 0
        return None
    if call.loss != "poisson_nll_loss" and not only(input, 0, 1):
        return None
    if call.input.dtype in HALF and input.max() > 64:  # where there are few but whole numbers
        return None
    return "every input is a whole number, as targets are, and the targets are not"


@rule(
    "half-precision",
    " ".join(name for name in FUNCTIONS if name not in NOT_IN_HALF),
    mistake="a loss that half precision cannot hold",
    why="float16 ends at 65504, and below 6e-8 it is 0: squares, sums and small eps leave it",
    instead="F.{loss}(prediction.float(), …)  # float32 for the loss alone",
)
def half_precision(call: Call):
    given = call.tensors()
    half = [name for name, value in given.items() if value.dtype in HALF]
    if not half or call.output is None or call.output.isfinite().all():
        return None
    if sum(value.numel() for value in given.values()) > SMALL:
        return None
    wider = {
        name: value.float() if name in half else value for name, value in call.arguments.items()
    }
    with warnings.catch_warnings(action="ignore"):
        single = FUNCTIONS[call.loss](**wider)
    lost = single.isfinite() & ~call.output.isfinite()
    if not lost.any():
        return None
    was, would, dtype = call.output[lost][0], single[lost][0], str(given[half[0]].dtype)[6:]
    return f"in {dtype} the loss is {was:g}, and with the same numbers in float32 {would:.6g}"


@rule(
    "nan-input",
    "all",
    mistake="NaN in what the loss is given",
    why="NaN plus anything is NaN: one bad entry makes the whole mean NaN",
    instead="loss = F.{loss}(prediction, target, reduction='none')\nloss[~target.isnan()].mean()",
)
def nan_input(call: Call):
    output = call.output
    if not isinstance(output, Tensor) or output.dim() or not output.isnan():
        return None
    for name, value in call.tensors().items():
        if value.is_floating_point():
            missing = entries(value, SMALL).isnan()
            if missing.any():
                return f"{share(missing)} entries of {name} are NaN before the loss begins"
    return None


@rule(
    "infinite-input",
    f"{REGRESSION} {DISTANCES} cosine_embedding_loss triplet_margin_loss",
    mistake="infinity in what the loss is given",
    why="∞ − x is ∞, and ∞ − ∞ is NaN: one bad entry decides the whole mean",
    instead="prediction[prediction.isfinite().all(dim=-1)]  # and look where it came from",
)
def infinite_input(call: Call):
    if call.output is None or call.output.dim() or call.output.isfinite():
        return None
    floats = {name: value for name, value in call.tensors().items() if value.is_floating_point()}
    if any(entries(value, SMALL).isnan().any() for value in floats.values()):
        return None
    for name, value in floats.items():
        infinite = entries(value, SMALL).isinf()
        if infinite.any():
            return f"{share(infinite)} entries of {name} are infinite before the loss begins"
    return None


@rule(
    "empty-batch",
    " ".join(name for name in FUNCTIONS if name not in ("softmax", "log_softmax")),
    mistake="the mean of an empty batch",
    why="a mean over no entries is 0/0",
    instead="F.{loss}(input, target, reduction='sum') / max(1, len(input))",
)
def empty_batch(call: Call):
    name, first = next(iter(call.tensors().items()))
    if first.numel() or call.output.dim():
        return None
    if call.loss in ("multi_margin_loss", "multilabel_margin_loss"):
        return f"{name} is {shape(first)}; torch returns whatever the memory held"
    return f"{name} is {shape(first)}, and the loss NaN" if call.output.isnan() else None


@rule(
    "mask-counted",
    "huber_loss binary_cross_entropy binary_cross_entropy_with_logits multilabel_soft_margin_loss",
    mistake="a mask as the weight of a mean that divides by all entries",
    why="the mean of this loss divides by N, not by Σw: entries of weight 0 pull it down",
    instead="loss = F.{loss}(input, target, reduction='none')\n"
    "(loss * mask).sum() / mask.sum().clamp(min=1)",
    asks=True,
    calls=2,
)
def mask_counted(call: Call):
    weight, size = call.weight, call.input.shape
    if not isinstance(weight, Tensor) or call.reduction != "mean":
        return None
    if weight.dim() < len(size) or weight.shape[:1] != size[:1]:  # a weight for each class
        return None
    kept = entries(weight) == 1
    if kept.all() or not kept.any() or not (kept | (entries(weight) == 0)).all():
        return None
    return f"the weight is a mask that keeps {share(kept)} entries, and the mean counts all of them"
