"""The rules of pairs and triplets: each mistake gets its finding, and the right form none."""

import torch
import torch.nn.functional as F
from recognised import call, check, codes, fine, mistakes

from lossbook.doctor import examine

T = torch.tensor
DRAW = torch.Generator().manual_seed(0)
A, B, C = (torch.randn(4, 3, generator=DRAW) for _ in range(3))
UNIT = [F.normalize(vectors, dim=1) for vectors in (A, B, C)]
POINT = torch.ones(4, 3)
SIGNS, ZEROS = T([1, -1, -1, 1]), T([1, 0, 0, 1])
DISTANCE = F.pairwise_distance(A, B)
SCORES = T([0.5, -1.0, 2.0, 0.1])
LEARNT = SCORES.clone().requires_grad_()
COS, HINGE, RANK = "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss"
TRIPLET, WITH = "triplet_margin_loss", "triplet_margin_with_distance_loss"


def cosine_distance(a, b):
    return 1 - F.cosine_similarity(a, b)


MISTAKES = [
    ("62", call(COS, A, B, ZEROS), "labels-zero-one", call(COS, A, B, 2 * ZEROS - 1)),
    ("62", call(COS, A, B, ZEROS.bool()), "labels-zero-one", call(COS, A, B, SIGNS)),
    ("62", call(COS, A[0], B[0], T(0)), "labels-zero-one", call(COS, A[0], B[0], T(-1))),
    ("65", call(HINGE, DISTANCE, ZEROS), "labels-zero-one", call(HINGE, DISTANCE, SIGNS)),
    ("D9", call(RANK, SCORES, SCORES.flip(0), ZEROS), "labels-zero-one",
     call(RANK, SCORES, SCORES.flip(0), SIGNS)),
    ("beyond", call(COS, A, B, T([0.9, 0.1, 0.3, 1])), "labels-not-plus-minus",
     call(COS, A, B, SIGNS.float())),
    ("beyond", call(RANK, SCORES, SCORES.flip(0), T([5, 3, 1, 2])), "labels-not-plus-minus",
     call(RANK, SCORES, SCORES.flip(0), T([5, 3, 1, 2]).sub(2.5).sign())),
    ("beyond", call(RANK, SIGNS, SCORES, SCORES.flip(0)), "swapped",
     call(RANK, SCORES, SCORES.flip(0), SIGNS)),
    ("beyond", call(HINGE, SIGNS.float(), DISTANCE), "swapped", call(HINGE, DISTANCE, SIGNS)),
    ("65", call(HINGE, SCORES, SIGNS), "scores-as-distances", call(HINGE, DISTANCE, SIGNS)),
    ("65", call(HINGE, torch.nn.Linear(3, 4)(A[0]), SIGNS), "scores-as-distances",
     call(HINGE, cosine_distance(A, B), SIGNS)),
    ("beyond", call(COS, A[:, :1], B[:, :1], SIGNS), "one-component", call(COS, A, B, SIGNS)),
    ("63", call(COS, A * 1e-6, B * 1e-6, SIGNS), "tiny-vectors", call(COS, *UNIT[:2], SIGNS)),
    ("63", call(COS, A * T([[1.0], [0], [1], [1]]), B, SIGNS), "tiny-vectors",
     call(COS, A * 1e-3, B, SIGNS)),
    ("63", call(COS, A, B, SIGNS, margin=1.0), "margin-idle", call(COS, A, B, SIGNS, margin=0.5)),
    ("beyond", call(HINGE, DISTANCE, SIGNS, margin=0.0), "margin-idle",
     call(HINGE, DISTANCE, SIGNS, margin=0.5)),
    ("70", call(TRIPLET, POINT, POINT, POINT), "triplet-collapsed", call(TRIPLET, A, B, C)),
    ("70", call(TRIPLET, POINT, POINT + 1e-7, POINT), "triplet-collapsed",
     call(TRIPLET, A * 1e-3, B * 1e-3, C * 1e-3)),
    ("70", call(WITH, POINT, POINT, POINT, distance_function=cosine_distance), "triplet-collapsed",
     call(WITH, A, B, C, distance_function=cosine_distance)),
    ("beyond", call(TRIPLET, A, A, B), "triplet-twins", call(TRIPLET, A, A + 0.01 * C, B)),
    ("beyond", call(TRIPLET, A, B, B), "triplet-twins", call(TRIPLET, A, B, B.flip(0))),
    ("beyond", call(TRIPLET, *UNIT, margin=5.0), "margin-out-of-reach",
     call(TRIPLET, *UNIT, margin=0.2)),
    ("beyond", call(WITH, A, B, C, distance_function=F.cosine_similarity),
     "similarity-as-distance", call(WITH, A, B, C, distance_function=cosine_distance)),
    ("beyond", call(WITH, A, B, C, distance_function=torch.nn.CosineSimilarity()),
     "similarity-as-distance", call(WITH, A, B, C, distance_function=torch.nn.PairwiseDistance())),
    ("beyond", call(TRIPLET, A[..., None], B[..., None], C[..., None]), "triplet-axis",
     call(TRIPLET, A[:, None], B[:, None], C[:, None])),
    ("beyond", call(COS, A, B, SIGNS[:, None]), "labels-shape", call(COS, A, B, SIGNS)),
    ("beyond", call(TRIPLET, A, B[0], C), "shapes-differ", call(TRIPLET, A, B[:1], C)),
]  # fmt: skip


@mistakes(MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(mistake, code, right):
    check(mistake, code, right)


FINE = [
    ("zeros that say skip", call(COS, A, B, T([1, -1, 0, 1]))),
    ("one label for all", call(COS, A, B, torch.ones(1))),
    ("all alike", call(COS, A, B, torch.ones(4), margin=1.0)),
    ("distances of a rounded cosine", call(HINGE, T([-1e-7, 0.3, 1.2]), T([1, -1, 1]))),
    ("two equal scores", call(RANK, SCORES, SCORES, T([1, 0, -1, 1]))),
    ("labels that are signs of a difference", call(RANK, SCORES, SCORES.flip(0), SCORES.sign())),
    ("all pairs", call(RANK, SCORES[:, None], SCORES[None], (SCORES[:, None] - SCORES).sign())),
    ("a single triplet", call(TRIPLET, A[0], B[0], C[0])),
    ("small vectors of a new network", call(TRIPLET, A * 1e-2, B * 1e-2, C * 1e-2)),
    ("a large margin and long vectors", call(TRIPLET, 9 * A, 9 * B, 9 * C, margin=5.0)),
    ("a triplet for each word", call(TRIPLET, *(v.expand(2, 4, 3) for v in (A, B, C)))),
    ("half precision", call(COS, A.half(), B.half(), SIGNS)),
    ("no pairs", call(COS, A[:0], B[:0], SIGNS[:0], reduction="sum")),
    ("no triplets", call(TRIPLET, A[:0], B[:0], C[:0], reduction="sum")),
]  # fmt: skip


@fine(FINE)
def test_what_only_looks_odd_is_left_alone(right):
    assert codes(*right) == []


def test_the_numbers_of_the_catalogue():
    (zero,) = examine(COS, A, B, ZEROS)
    assert "2 of 4" in zero.noticed
    assert F.cosine_embedding_loss(A, B, ZEROS, reduction="none")[1] == 0
    (stuck,) = examine(TRIPLET, POINT, POINT, POINT)
    assert "margin is 1" in stuck.noticed
    (scores,) = examine(HINGE, T([-40.0]), T([1]))
    assert "-40" in scores.noticed
    tiny, long = T([[1e-6, 0.0]]), T([[1.0, 0.0]])
    assert round(F.cosine_embedding_loss(tiny, long, T([1])).item(), 3) == 0.293
    assert examine(COS, tiny, long, T([1])).codes == ["tiny-vectors"]
