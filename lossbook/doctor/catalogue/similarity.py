"""Losses over pairs: labels of ±1, distances, margins."""

import torch
from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.origin import LAYERS, origin
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import entries, is_whole, only, shape, share, table, without_ones

# What a label of 0 costs in each of them.
ZERO_COSTS = {
    "cosine_embedding_loss": "a pair labelled 0 costs 0, and teaches nothing",
    "hinge_embedding_loss": "a distance labelled 0 costs x + max(0, margin − x), both branches",
    "margin_ranking_loss": "a pair labelled 0 costs max(0, margin), whatever the scores",
}


@rule(
    "labels-zero-one",
    "cosine_embedding_loss hinge_embedding_loss margin_ranking_loss",
    mistake="labels 0 and 1 where −1 and +1 belong",
    why="the label is a sign: +1 takes one branch of the loss, −1 the other, 0 neither",
    instead="2 * labels - 1  # of 0 and 1, as integers or floats",
    asks=True,
    calls=2,
)
def labels_zero_one(call: Call):
    target = entries(call.target)
    if call.target.dtype == torch.bool:
        target = target.long()
    zero = target == 0
    if not zero.any() or not (zero | (target == 1)).all():
        return None
    if call.loss == "margin_ranking_loss" and (
        len(zero) < 4 or zero.all() or is_table(call.target)
    ):
        return None  # 0 may say that two are equal
    return f"{share(zero)} labels are 0, and none is −1: {ZERO_COSTS[call.loss]}"


@rule(
    "labels-not-plus-minus",
    "cosine_embedding_loss hinge_embedding_loss margin_ranking_loss",
    mistake="labels that are not −1 or +1",
    why="the label is a sign; a score, a class or a grade between two is none",
    instead="torch.where(is_similar, 1, -1)",
    asks=True,
    calls=2,
)
def labels_not_plus_minus(call: Call):
    if call.target.dtype == torch.bool or labels_first(call):
        return None
    target = entries(call.target)
    strange = (target.abs() != 1) & (target != 0)
    if not strange.any() or target.isnan().any():
        return None
    return f"{share(strange)} labels are neither −1 nor 1, such as {target[strange][0]:g}"


@rule(
    "swapped",
    "margin_ranking_loss hinge_embedding_loss",
    mistake="labels first where they belong last",
    why="the last argument y is a sign: max(0, −y·(x₁ − x₂) + margin), and x or max(0, margin − x)",
    instead="F.margin_ranking_loss(score_1, score_2, labels)\n"
    "F.hinge_embedding_loss(distance, labels)",
    lesson=9,
    asks=True,
    calls=2,
)
def swapped(call: Call):
    return labels_first(call)


def labels_first(call: Call) -> str | None:
    """Say which of the first arguments is the labels; None if the last one is."""
    if is_signs(call.target) or is_whole(call.target):
        return None
    for name in ("input", "input1", "input2"):
        value = call.get(name)
        if value is not None and value.numel() > 3 and is_signs(value):
            return f"{name} holds only −1 and 1, as labels do, and the target other numbers"
    return None


def is_table(tensor: Tensor) -> bool:
    return len(without_ones(tensor)) > 1


def is_signs(tensor: Tensor) -> bool:
    return only(tensor, -1, 1)


@rule(
    "scores-as-distances",
    "hinge_embedding_loss",
    mistake="scores where distances belong",
    why="for the label 1 the loss is the input itself: a score below 0 makes it negative, and "
    "it has no minimum",
    instead="F.hinge_embedding_loss(1 - F.cosine_similarity(a, b), labels)",
    lesson=9,
)
def scores_as_distances(call: Call):
    distance = entries(call.input)
    if not distance.isfinite().all() or labels_first(call):
        return None
    if distance.numel() and LAYERS.intersection(origin(call, "input")[:1]):
        return "the inputs come straight from a layer: scores, of any sign"
    negative = distance < -1e-3 * (1 + distance.abs().amax()) if distance.numel() else distance > 0
    if not negative.any():
        return None
    return f"{share(negative)} inputs are negative, the least {distance.min():g}: no distance is"


@rule(
    "one-component",
    "cosine_embedding_loss",
    mistake="vectors of one component",
    why="the cosine of two numbers is +1 or −1, whatever their size: its derivative is 0",
    instead="F.cosine_embedding_loss(features_1, features_2, labels)  # (N, D), with D > 1",
    lesson=7,
)
def one_component(call: Call):
    one = call.input1
    if not one.dim() or one.shape[-1] != 1 or not one.numel():
        return None
    return f"the vectors of input1, {shape(one)}, have one component each"


@rule(
    "tiny-vectors",
    "cosine_embedding_loss",
    mistake="vectors of length nearly 0",
    why="torch adds 1e-12 to squared lengths: below about 1e-5 the cosine shrinks towards 0, "
    "and its gradient reaches 1e6",
    instead="F.cosine_embedding_loss(F.normalize(a, dim=-1), F.normalize(b, dim=-1), labels)",
    lesson=7,
    asks=True,
    calls=2,
)
def tiny_table(call: Call):
    for name in ("input1", "input2"):
        lengths = table(call.get(name)).norm(dim=-1)
        tiny = lengths < 1e-5
        if tiny.any() and call.get(name).shape[-1] > 1:
            return f"{share(tiny)} vectors of {name} are shorter than 1e-5"
    return None


@rule(
    "margin-idle",
    "cosine_embedding_loss hinge_embedding_loss",
    mistake="a margin that no negative pair can miss",
    why="a pair labelled −1 costs max(0, cos − margin), and cos ≤ 1; in hinge_embedding_loss "
    "max(0, margin − distance), and distance ≥ 0",
    instead="F.cosine_embedding_loss(a, b, labels, margin=0.2)\n"
    "F.hinge_embedding_loss(distance, labels, margin=1.0)",
    lesson=9,
)
def margin_idle(call: Call):
    negative = entries(call.target) == -1
    if not negative.any():
        return None
    cosine = call.loss == "cosine_embedding_loss"
    if call.margin < 1 if cosine else call.margin > 0:
        return None
    return f"margin = {call.margin:g}: the {int(negative.sum())} pairs labelled −1 cost nothing"


@rule(
    "margin-out-of-reach",
    "cosine_embedding_loss",
    mistake="a margin that no negative pair can keep",
    why="a pair labelled −1 costs max(0, cos − margin), and cos ≥ −1: with a margin below −1 "
    "even opposite vectors cost something",
    instead="F.cosine_embedding_loss(a, b, labels, margin=0.2)",
    lesson=7,
)
def margin_below_cosines(call: Call):
    negative = entries(call.target) == -1
    if not call.margin < -1 or not negative.any():
        return None
    return (
        f"margin = {call.margin:g}: each of the {int(negative.sum())} pairs labelled −1 costs at "
        f"least {-1 - call.margin:g}"
    )


@rule(
    "labels-shape",
    "cosine_embedding_loss",
    mistake="labels whose shape does not fit the vectors",
    why="there is one label for each pair: (N,) for vectors (N, D)",
    instead="F.cosine_embedding_loss(a, b, labels.squeeze(1))  # (N, D), (N, D), (N,)",
    lesson=7,
    kind="refusal",
)
def labels_shape(call: Call):
    one, target = call.get("input1"), call.get("target")
    if not isinstance(one, Tensor) or not isinstance(target, Tensor):
        return None
    if one.dim() <= 2 and target.shape in (one.shape[:-1], (1,)):
        return None
    return f"the vectors are {shape(one)}, and the labels {shape(target)}"
