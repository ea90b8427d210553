"""Losses of scores, distances and angles."""

from math import inf

import torch

from lossbook.atlas.entry import Curve, Estimate, entry
from lossbook.atlas.formula import distance, formula, margin, number, side
from lossbook.derive import d, index, indicator, maximum, sqrt, vector
from lossbook.losses import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)

# Of ten pairs three are alike; of ten comparisons seven go the other way.
SIDES = torch.tensor([1.0] * 3 + [-1.0] * 7, dtype=torch.float64)


def _ahead(margin):
    def arguments(t):
        return {
            "input1": t, "input2": torch.zeros_like(t), "target": torch.ones_like(t),
            "margin": margin,
        }  # fmt: skip

    return arguments


def _apart(y):
    return lambda t: {"input": t, "target": torch.full_like(t, y)}


def _angle(y, margin=0.0):
    """Two vectors of length 1 with the cosine t."""

    def arguments(t):
        first = torch.stack([t, (1 - t * t).sqrt()], -1)
        second = torch.tensor([[1.0, 0.0]], dtype=t.dtype).expand(len(t), 2)
        return {
            "input1": first,
            "input2": second,
            "target": torch.full_like(t, y),
            "margin": margin,
        }

    return arguments


def _nearer(t):
    """The positive is 7 away from the anchor, and the negative t farther."""
    place = torch.zeros(len(t), 1, dtype=t.dtype)
    return {"anchor": place, "positive": place + 7, "negative": 7 + t[:, None]}


def _nearer_by_size(t):
    return {**_nearer(t), "distance_function": lambda x, y: (x - y).abs().squeeze(-1)}


def _which_is_nearer(loss, **options):
    """Two places, at 4 and 4 + c; of ten times, the second is the like one in seven."""

    def expected(c):
        anchor, here = c.new_zeros(10, 1), c.new_full((10, 1), 4.0)
        there = (here + c).expand(10, 1)
        like = SIDES[:, None] == 1
        near, far = torch.where(like, here, there), torch.where(like, there, here)
        return loss(anchor, near, far, **options)

    return expected


entry(
    "MarginRankingLoss",
    range=(0, inf),
    estimate=Estimate(
        "the order that is more frequent, by the margin (here 1; no probability)",
        lambda c: margin_ranking_loss(c.expand(10), torch.zeros(10), SIDES, margin=1.0),
        -1.0,
    ),
    use="Pairs of scores of which one should be the higher: search results, preferences. Give a "
    "margin; with 0, equal scores cost nothing.",
    curve=Curve(
        "gap", "y (x₁ − x₂)", -6, 6, {"margin 0": _ahead(0.0), "margin 1": _ahead(1.0)}
    ),
)  # fmt: skip


@formula(
    "MarginRankingLoss",
    lambda F, x_1, x_2, y, m: F.margin_ranking_loss(x_1, x_2, y, margin=m.item()),
    x_1=number, x_2=number, y=side, m=margin,
)  # fmt: skip
def margin_ranking(x_1, x_2, y, m):
    L = maximum(0, m - y * (x_1 - x_2))
    yield d(L, x_1), "the slope"
    yield -y * indicator(m - y * (x_1 - x_2) > 0), "a push of 1 until the margin is kept"


entry(
    "HingeEmbeddingLoss",
    range=(0, inf),
    estimate=Estimate(
        "0 where most pairs are alike, otherwise the margin (here 1; no probability)",
        lambda c: hinge_embedding_loss(c.expand(10), SIDES),
        1.0,
        among=(0.0, 20.0),
    ),
    use="Distances of pairs that are known to be alike or not. You compute the distance.",
    curve=Curve("distance", "x", 0, 3, {"alike": _apart(1.0), "unlike": _apart(-1.0)}),
)


@formula(
    "HingeEmbeddingLoss", lambda F, x: F.hinge_embedding_loss(x, torch.ones(())),
    "alike, y = 1", x=distance,
)  # fmt: skip
def hinge_embedding_of_alike(x):
    L = x
    yield d(L, x), "the slope"
    yield 1, "pulled together, always as hard"


@formula(
    "HingeEmbeddingLoss",
    lambda F, x, m: F.hinge_embedding_loss(x, -torch.ones(()), margin=m.item()),
    "unlike, y = −1", x=distance, m=margin,
)  # fmt: skip
def hinge_embedding_of_unlike(x, m):
    L = maximum(0, m - x)
    yield d(L, x), "the slope"
    yield -indicator(m - x > 0), "pushed apart until the margin is kept"


entry(
    "CosineEmbeddingLoss",
    range=(0, 2),
    estimate=Estimate(
        "the cosine 1 where most pairs are alike, otherwise the margin (here 0.5; no probability)",
        lambda c: cosine_embedding_loss(
            torch.stack([c, (1 - c * c).sqrt()]).expand(10, 2),
            torch.tensor([[1.0, 0.0]], dtype=c.dtype).expand(10, 2),
            SIDES,
            margin=0.5,
        ),
        0.5,
        among=(-0.999, 0.999),
    ),
    use="Pairs of vectors, alike or not, whose length means nothing: texts, faces, pictures.",
    curve=Curve(
        "cosine", "of the two vectors", -0.995, 0.995,
        {"alike": _angle(1.0), "unlike": _angle(-1.0), "unlike, margin 0.5": _angle(-1.0, 0.5)},
    ),
)  # fmt: skip


@formula(
    "CosineEmbeddingLoss",
    lambda F, x_1, x_2: F.cosine_embedding_loss(
        torch.stack(x_1), torch.stack(x_2), torch.tensor(1)
    ),
    "alike, y = 1", x_1=vector, x_2=vector, j=index,
)  # fmt: skip
def cosine_of_alike(x_1, x_2, j, classes):
    r = sqrt(sum(x_1[i] ** 2 for i in classes))
    s = sqrt(sum(x_2[i] ** 2 for i in classes))
    c = sum(x_1[i] * x_2[i] for i in classes) / (r * s)
    L = 1 - c
    yield d(L, x_1[j]), "the slope"
    yield c * x_1[j] / r**2 - x_2[j] / (r * s), "turns x₁ towards x₂"


@formula(
    "CosineEmbeddingLoss",
    lambda F, x_1, x_2, m: F.cosine_embedding_loss(
        torch.stack(x_1), torch.stack(x_2), torch.tensor(-1), margin=m.item()
    ),
    "unlike, y = −1", x_1=vector, x_2=vector, m=margin, j=index,
)  # fmt: skip
def cosine_of_unlike(x_1, x_2, m, j, classes):
    r = sqrt(sum(x_1[i] ** 2 for i in classes))
    s = sqrt(sum(x_2[i] ** 2 for i in classes))
    c = sum(x_1[i] * x_2[i] for i in classes) / (r * s)
    L = maximum(0, c - m)
    yield d(L, x_1[j]), "the slope"
    yield indicator(c - m > 0) * (x_2[j] / (r * s) - c * x_1[j] / r**2), "turns x₁ away from x₂"


entry(
    "TripletMarginLoss",
    range=(0, inf),
    estimate=Estimate(
        "the one that is more often the like one is nearer, by the margin (here 1; no probability)",
        _which_is_nearer(triplet_margin_loss),
        -1.0,
        among=(-3.0, 20.0),
    ),
    use="Triplets: an anchor, one of its kind, one of another. Embeddings in which near means "
    "alike, for search and verification.",
    curve=Curve("gap", "d(a, n) − d(a, p)", -6, 6, {"": _nearer}),
)


@formula(
    "TripletMarginLoss",
    lambda F, a, p, n, m: F.triplet_margin_loss(
        torch.stack(a), torch.stack(p), torch.stack(n), margin=m.item(), eps=0.0
    ),
    "eps = 0", a=vector, p=vector, n=vector, m=margin, j=index,
)  # fmt: skip
def triplet(a, p, n, m, j, classes):
    r = sqrt(sum((a[i] - p[i]) ** 2 for i in classes))
    s = sqrt(sum((a[i] - n[i]) ** 2 for i in classes))
    L = maximum(0, m + r - s)
    yield d(L, a[j]), "the slope"
    yield indicator(m + r - s > 0) * ((a[j] - p[j]) / r - (a[j] - n[j]) / s), "to p, and from n"


entry(
    "TripletMarginWithDistanceLoss",
    range=(0, inf),
    estimate=Estimate(
        "the one that is more often the like one is nearer, by the margin (here 1; no probability)",
        _which_is_nearer(
            triplet_margin_with_distance_loss,
            distance_function=lambda x, y: (x - y).abs().squeeze(-1),
        ),
        -1.0,
        among=(-3.0, 20.0),
    ),
    use="Triplets with a distance of your own, such as 1 − cosine.",
    curve=Curve("gap", "d(a, n) − d(a, p)", -6, 6, {"": _nearer_by_size}),
)


def _by_distances(F, u, v, m):
    """Points on a line, with these distances from 0."""
    return F.triplet_margin_with_distance_loss(
        torch.zeros(1), u[None], v[None],
        distance_function=lambda x, y: (x - y).abs().squeeze(-1), margin=m.item(),
    )  # fmt: skip


@formula(
    "TripletMarginWithDistanceLoss", _by_distances,
    "u = d(a, p), v = d(a, n)",
    u=distance, v=distance, m=margin,
)  # fmt: skip
def triplet_with_distance(u, v, m):
    L = maximum(0, m + u - v)
    yield d(L, u), "the slope"
    yield indicator(m + u - v > 0), "1 until the margin is kept"


@formula(
    "TripletMarginWithDistanceLoss", _by_distances,
    "u = d(a, p), v = d(a, n)",
    u=distance, v=distance, m=margin,
)  # fmt: skip
def triplet_with_distance_of_the_other(u, v, m):
    L = maximum(0, m + u - v)
    yield d(L, v), "the slope"
    yield -indicator(m + u - v > 0), "the other way"
