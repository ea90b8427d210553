"""Losses over classes: targets and weights that torch takes, and that say something else."""

import torch

from lossbook.doctor.call import Call
from lossbook.doctor.catalogue.labels import LOSSES, valid
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import (
    is_whole,
    looks_swapped,
    only,
    rows,
    shape,
    sums_to_one,
)


def soft(call: Call) -> bool:
    """Whether the target holds probabilities of all classes."""
    return call.target.is_floating_point() and call.target.shape == call.input.shape


@rule(
    "all-ignored",
    LOSSES,
    mistake="a mean over no labels",
    why="the mean is Σ w_i ℓ_i / Σ w_i over the labels that are not ignored: with none it is 0/0",
    instead='loss = F.{loss}(input, target, reduction="sum")\n'
    "loss = loss / (target != -100).sum().clamp(min=1)",
    lesson=5,
)
def all_ignored(call: Call):
    if call.output.dim() or not call.output.isnan() or not call.target.numel():
        return None
    labels = valid(call)
    if labels is None or call.input.isnan().any():
        return None
    if not labels.numel():
        return (
            f"all {call.target.numel()} labels are ignored (ignore_index={call.ignore_index}): "
            "the mean is NaN"
        )
    if call.weight is not None and not call.weight[labels.long()].any():
        return f"all {labels.numel()} labels are of classes with weight 0: the mean is NaN"
    return None


@rule(
    "single-example",
    "cross_entropy",
    mistake="a batch of single outputs in a loss over classes",
    why="an input of one dimension is one example: its N numbers are the logits of N classes",
    instead="F.binary_cross_entropy_with_logits(logits, target.float())  # N yes-or-no answers",
    lesson=4,
    asks=True,
    calls=2,
)
def single_example(call: Call):
    if call.input.dim() != 1 or not soft(call) or call.input.numel() < 2:
        return None
    target = call.target
    if not is_whole(target) or not only(target, 0, 1) or target.sum() == 1:
        return None
    return (
        f"input and target have the shape {shape(target)}, one example with {len(target)} "
        f"classes; {int(target.sum())} of its labels are 1"
    )


@rule(
    "classes-last",
    "cross_entropy",
    mistake="classes in the last dimension",
    why="the classes are dimension 1: (N, C, L) for sequences, (N, C, H, W) for pictures",
    instead="F.cross_entropy(logits.movedim(-1, 1), target.movedim(-1, 1))",
    lesson=4,
    asks=True,
    calls=2,
)
def classes_last_soft(call: Call):
    target = call.target
    if target.dim() < 3 or not soft(call) or sums_to_one(target) or not sums_to_one(target, -1):
        return None
    return (
        f"the target, {shape(target)}, holds probabilities that sum to 1 over its last dimension; "
        "the classes are expected in dimension 1"
    )


@rule(
    "target-not-distribution",
    "cross_entropy linear_cross_entropy",
    mistake="targets that are no distribution",
    why="the loss is −Σ p_c log q_c: it is least at q = p only if p ≥ 0 and Σ p = 1, "
    "and with p < 0 it has no floor",
    instead="F.binary_cross_entropy_with_logits(logits, target)  # several labels for an example\n"
    "F.cross_entropy(logits, target / target.sum(dim=1, keepdim=True))",
    lesson=4,
    asks=True,
    calls=2,
)
def target_not_distribution(call: Call):
    target = call.target
    if not target.is_floating_point() or looks_swapped(call) or single_example(call):
        return None
    if classes_last_soft(call):
        return None
    cells = rows(target)
    cells = cells[(cells != 0).any(dim=1)]  # a row of zeros is one that does not count
    if not cells.numel() or cells.isnan().any() or cells.shape[1] < 2:
        return None
    sums = cells.sum(1)
    weighted = ((cells != 0).sum(1) == 1).all()  # labels times weights, as in REINFORCE
    if weighted and (len(cells) < 2 or not (sums == -1).all()):
        return None
    wrong = ((sums - 1).abs() > 0.02) | (cells < 0).any(dim=1)
    if not wrong.any():
        return None
    if only(cells, 0, 1):
        return f"{wrong.sum()} of {len(cells)} rows of the target have several ones, or none"
    return (
        f"{wrong.sum()} of {len(cells)} rows of the target are no distribution: their sums run "
        f"from {sums.min():.3g} to {sums.max():.3g}, their entries from {cells.min():.3g}"
    )


@rule(
    "smoothing-twice",
    "cross_entropy linear_cross_entropy",
    mistake="label smoothing of targets that are smoothed already",
    why="smoothing by ε twice is smoothing by 1 − (1 − ε)²; and the least loss is the entropy of "
    "the smoothed target, not 0",
    instead="F.cross_entropy(logits, smoothed)  # or label_smoothing=0.1 with the labels",
    lesson=4,
    asks=True,
    calls=2,
)
def smoothing_twice(call: Call):
    if call.label_smoothing <= 0 or not call.target.is_floating_point():
        return None
    cells = rows(call.target)
    if cells.shape[1] < 3 or len(cells) < 2:
        return None
    low, high = cells.amin(1, keepdim=True), cells.amax(1, keepdim=True)
    others = (cells - low).abs() < 1e-4
    smoothed = (low > 0).all() and (others.sum(1) == cells.shape[1] - 1).all()
    if not smoothed or not (high - high[0]).abs().max() < 1e-3:
        return None
    return (
        f"each of {len(cells)} rows has one entry of {high[0].item():.3g} and "
        f"{low[0].item():.3g} elsewhere, and label_smoothing is {call.label_smoothing:g}"
    )


@rule(
    "smoothing-out-of-range",
    "cross_entropy linear_cross_entropy",
    mistake="a label smoothing that is no share",
    why="the target becomes (1 − ε) p + ε/C: torch does nothing at all for ε < 0, and for ε = 1 "
    "the labels play no part",
    instead="F.cross_entropy(logits, target, label_smoothing=0.1)",
    lesson=4,
)
def smoothing_out_of_range(call: Call):
    smoothing = float(call.label_smoothing)
    if 0 <= smoothing < 1:
        return None
    what = "every target is uniform" if smoothing == 1 else "torch ignores it"
    return f"label_smoothing is {smoothing:g}: {what}"


@rule(
    "smoothing-out-of-range",
    "cross_entropy linear_cross_entropy",
    mistake="a label smoothing that is no share",
    why="the target becomes (1 − ε) p + ε/C, with 0 ≤ ε ≤ 1",
    instead="F.cross_entropy(logits, target, label_smoothing=0.1)",
    lesson=4,
    kind="refusal",
)
def smoothing_refused(call: Call):
    smoothing = call.get("label_smoothing", 0)
    if not isinstance(smoothing, int | float) or 0 <= smoothing <= 1:
        return None
    return f"label_smoothing is {smoothing:g}"


@rule(
    "self-similarity",
    "cross_entropy",
    mistake="InfoNCE with each example among its own negatives",
    why="the similarity of an example to itself is the largest of all: the softmax gives it nearly "
    "everything, and the loss can't fall",
    instead='similarity.fill_diagonal_(float("-inf"))  # before the loss',
    lesson=7,
    asks=True,
    calls=2,
)
def self_similarity(call: Call):
    input, target = call.input, call.target
    if input.dim() != 2 or len(input) < 4 or input.shape[0] != input.shape[1]:
        return None
    if target.is_floating_point() or len(input) > 4096:
        return None
    own = torch.arange(len(input), device=target.device)
    if (target == own).any() or target.unique().numel() < len(input):
        return None
    diagonal = input.diagonal()
    if not diagonal.isfinite().all() or (diagonal < input.amax(1)).any():
        return None
    return (
        f"the input is square, {shape(input)}, no label is its own row, and the diagonal "
        f"({diagonal.min():.3g} … {diagonal.max():.3g}) is the largest entry of every row"
    )


@rule(
    "swapped",
    "cross_entropy",
    mistake="target and prediction in the wrong order",
    why="the loss is −Σ p log q, with q the softmax of its first argument: it is not symmetric",
    instead="F.cross_entropy(logits, probabilities)  # (prediction, target)",
    lesson=4,
    asks=True,
    calls=2,
)
def swapped(call: Call):
    if not looks_swapped(call):
        return None
    if call.learns & {"input", "target"} == {"target"}:
        return "the target requires a gradient, and the input, where logits belong, does not"
    cells = rows(call.target)
    return (
        f"the rows of the input sum to 1, as those of a target do, and the target runs from "
        f"{cells.min():.3g} to {cells.max():.3g}, as logits do"
    )
