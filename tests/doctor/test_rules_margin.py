"""The rules of margins between classes: each mistake gets its finding, and the right form none."""

import torch
import torch.nn.functional as F
from recognised import call, check, codes, fine, mistakes

from lossbook.doctor import examine

T = torch.tensor
DRAW = torch.Generator().manual_seed(0)
X = torch.randn(8, 4, generator=DRAW)
Y = T([0, 3, 1, 2, 0, 1, 1, 2])
LISTS = T([[3, 0, -1, -1], [1, -1, -1, -1], [2, 1, 0, -1], [-1, -1, -1, -1]] * 2)
HOT = T([[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]] * 2)
MULTI, MANY = "multi_margin_loss", "multilabel_margin_loss"

MISTAKES = [
    ("66", call(MULTI, X, Y.where(Y > 0, -100)), "labels-out-of-range",
     call(MULTI, X[Y > 0], Y[Y > 0])),
    ("beyond", call(MULTI, X, Y + 1), "labels-from-one", call(MULTI, X, Y)),
    ("beyond", call(MULTI, X, Y + 3), "labels-out-of-range", call(MULTI, X, Y)),
    ("beyond", call(MULTI, X, Y.float()), "labels-dtype", call(MULTI, X, Y)),
    ("beyond", call(MULTI, X, Y[:, None]), "labels-shape", call(MULTI, X, Y)),
    ("beyond", call(MULTI, X, F.one_hot(Y)), "labels-shape", call(MULTI, X, Y)),
    ("beyond", call(MULTI, X, Y, weight=torch.ones(8)), "weight-length",
     call(MULTI, X, Y, weight=torch.ones(4))),
    ("beyond", call(MULTI, X.softmax(1), Y), "probabilities-as-scores",
     call(MULTI, X.softmax(1), Y, margin=0.1)),
    ("beyond", call(MULTI, (2 * X).sigmoid(), Y), "probabilities-as-scores", call(MULTI, X, Y)),
    ("beyond", call(MULTI, X[:, :1], 0 * Y), "one-class", call(MULTI, X[:, :2], 0 * Y)),
    ("67", call(MANY, X, HOT), "multi-hot-labels", call(MANY, X, LISTS)),
    ("67", call(MANY, X, 2 * HOT - 1), "multi-hot-labels", call(MANY, X, LISTS)),
    ("67", call(MANY, X, LISTS.clamp(min=0)), "padded-with-zeros", call(MANY, X, LISTS)),
    ("67", call(MANY, X, LISTS.flip(1)), "labels-after-end", call(MANY, X, LISTS)),
    ("beyond", call(MANY, X, LISTS + 2 * (LISTS >= 0)), "labels-out-of-range",
     call(MANY, X, LISTS)),
    ("beyond", call(MANY, X, LISTS + (LISTS >= 0).long()), "labels-from-one",
     call(MANY, X, LISTS)),
    ("beyond", call(MANY, X, LISTS.where(LISTS >= 0, -100)), "labels-out-of-range",
     call(MANY, X, LISTS)),
    ("beyond", call(MANY, X, HOT.float()), "labels-dtype", call(MANY, X, LISTS)),
    ("beyond", call(MANY, X, LISTS[:, :3]), "labels-shape", call(MANY, X, LISTS)),
    ("beyond", call(MANY, (2 * X).sigmoid(), LISTS), "probabilities-as-scores",
     call(MANY, X, LISTS)),
    ("beyond", call(MANY, X[:, :1], LISTS[:, :1] * 0), "one-class",
     call(MANY, X[:, :2], T([[0, -1]] * 8))),
]  # fmt: skip


@mistakes(MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(mistake, code, right):
    check(mistake, code, right)


FINE = [
    ("leftovers after the end, as on torch's page", call(MANY, X[:1], T([[3, 0, -1, 1]]))),
    ("all classes true", call(MANY, X[:1], T([[0, 1, 2, 3]]))),
    ("both of two classes", call(MANY, X[:2, :2], T([[1, 0], [0, 1]]))),
    ("no class true", call(MANY, X, torch.full((8, 4), -1))),
    ("one row", call(MANY, X[0], LISTS[0])),
    ("one example of a batch", call(MULTI, X[0], T(2))),
    ("a layer that starts at 0", call(MULTI, torch.zeros(8, 4), Y)),
    ("small scores", call(MULTI, X * 0.01, Y)),
    ("squares", call(MULTI, X, Y, p=2)),
]  # fmt: skip


@fine(FINE)
def test_what_only_looks_odd_is_left_alone(right):
    assert codes(*right) == []


def test_the_numbers_of_the_catalogue():
    (ignored,) = examine(MULTI, X, Y.where(Y > 0, -100))
    assert "from -100 to 3" in ignored.noticed
    assert "−100" in ignored.noticed
    (hot,) = examine(MANY, X, HOT)
    assert "[1, 0, 0, 1]" in hot.noticed
    (padded,) = examine(MANY, X, LISTS.clamp(min=0))
    assert "[3, 0, 0, 0]" in padded.noticed
