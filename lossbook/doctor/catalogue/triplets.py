"""Losses over triplets: distances and margins."""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from lossbook.doctor.call import Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import shape, table

TRIPLETS = "triplet_margin_loss triplet_margin_with_distance_loss"


@rule(
    "triplet-collapsed",
    TRIPLETS,
    mistake="triplets whose three members are embedded in one point",
    why="d₊ = d₋ = 0 gives the loss margin exactly, and there the gradients cancel",
    instead="F.triplet_margin_loss(*(F.normalize(v, dim=-1) for v in (anchor, positive, negative)))"
    "\n# with a lower learning rate, and semi-hard negatives",
    lesson=9,
    asks=True,
    calls=3,
)
def triplet_collapsed(call: Call):
    shapes = {call.anchor.shape, call.positive.shape, call.negative.shape}
    anchor, positive, negative = map(table, (call.anchor, call.positive, call.negative))
    if len(shapes) > 1 or not anchor.numel() or len(anchor) < 2:
        return None
    near, far = (anchor - positive).norm(dim=-1), (anchor - negative).norm(dim=-1)
    widest = float(torch.maximum(near, far).max())
    if not widest < 1e-4 * min(call.margin, float(anchor.norm(dim=-1).mean()) + 1e-2):
        return None
    return (
        f"in {len(anchor)} triplets no two members are more than {widest:.1e} apart, "
        f"and the margin is {call.margin:g}"
    )


@rule(
    "triplet-twins",
    TRIPLETS,
    mistake="a member of the triplets given twice",
    why="with anchor = positive only d₋ remains; with positive = negative the loss is the margin",
    instead="F.triplet_margin_loss(anchor, positive, negative)",
    lesson=9,
)
def triplet_twins(call: Call):
    if not call.anchor.numel() or triplet_collapsed(call):
        return None
    members = ("anchor", "positive", "negative")
    for one, two in ((0, 1), (1, 2), (0, 2)):
        first, second = call.get(members[one]), call.get(members[two])
        if first.shape != second.shape or not torch.equal(table(first), table(second)):
            continue
        cells = table(first)  # where all rows are alike, the network is to blame, not the call
        if (cells != (cells[0] if len(cells) > 1 else cells[0, :1])).any():
            return f"{members[one]} and {members[two]} are equal in every entry"
    return None


@rule(
    "margin-out-of-reach",
    "triplet_margin_loss",
    mistake="a margin that vectors of length 1 can't keep",
    why="for vectors of length 1, d₋ − d₊ ≤ 2: with a margin above 2 the loss is never 0",
    instead="F.triplet_margin_loss(anchor, positive, negative, margin=0.2)",
    lesson=9,
    asks=True,
    calls=2,
)
def margin_out_of_reach(call: Call):
    if call.p != 2 or call.margin <= 2:
        return None
    members = (table(value) for value in (call.anchor, call.positive, call.negative))
    lengths = torch.cat([value.norm(dim=-1).reshape(-1) for value in members])
    if not lengths.numel() or not ((lengths - 1).abs() < 1e-2).all():
        return None
    return f"every vector has length 1, and the margin is {call.margin:g}"


@rule(
    "similarity-as-distance",
    "triplet_margin_with_distance_loss",
    mistake="a similarity where a distance belongs",
    why="max(0, d(a, p) − d(a, n) + margin) pulls together what has a small d: with a similarity "
    "it pushes the positive away",
    instead="F.triplet_margin_with_distance_loss(\n    anchor, positive, negative,\n"
    "    distance_function=lambda a, b: 1 - F.cosine_similarity(a, b))",
    lesson=9,
)
def similarity_as_distance(call: Call):
    function = call.distance_function
    known = (cosine_similarity, torch.cosine_similarity)
    if function not in known and not isinstance(function, torch.nn.CosineSimilarity):
        return None
    return "distance_function is the cosine similarity, which is largest for equal vectors"


@rule(
    "triplet-axis",
    "triplet_margin_loss",
    mistake="distances along an axis that is not that of the features",
    why="the distance sums over the last axis alone; all others are a batch",
    instead="F.triplet_margin_loss(anchor.flatten(1), positive.flatten(1), negative.flatten(1))",
    lesson=9,
    asks=True,
    calls=2,
)
def triplet_axis(call: Call):
    anchor = call.anchor
    if anchor.dim() < 4 and not (anchor.dim() == 3 and anchor.shape[-1] == 1):
        return None
    return (
        f"the anchors are {shape(anchor)}: each distance is over {anchor.shape[-1]} numbers, "
        f"and there are {anchor[..., 0].numel():,} of them"
    )


@rule(
    "shapes-differ",
    TRIPLETS,
    mistake="shapes that do not fit each other",
    why="each anchor has one positive and one negative: all three are (N, D)",
    instead="F.triplet_margin_loss(anchor, positive, negative)  # all (N, D)",
    lesson=9,
    kind="refusal",
)
def shapes_differ(call: Call):
    members = [call.get(name) for name in ("anchor", "positive", "negative")]
    if not all(isinstance(member, Tensor) for member in members):
        return None
    shapes = [shape(member) for member in members]
    return f"they are {', '.join(shapes)}" if len(set(shapes)) > 1 else None
