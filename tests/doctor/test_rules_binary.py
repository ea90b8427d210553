"""The rules of yes-or-no losses: each mistake gets its finding, and the right form none."""

import math

import pytest
import torch

from lossbook.doctor import examine
from lossbook.doctor.call import Call
from lossbook.doctor.rule import findings

T = torch.tensor
Z, Y = T([2.0, -1, 0.5]), T([1.0, 0, 1])
P = Z.sigmoid()
MANY = torch.linspace(-3, 3, 32).reshape(8, 4)
YES = (MANY.flip(0) > 1).float()
LEARNS = T([0.3, -0.1, 0.2], requires_grad=True)
RARE = torch.zeros(100).index_fill(0, T([3, 50]), 1)
LOGITS, BCE = "binary_cross_entropy_with_logits", "binary_cross_entropy"
SOFT, MULTI = "soft_margin_loss", "multilabel_soft_margin_loss"


def call(loss, *args, **kwargs):
    return loss, args, kwargs


# row of PITFALLS or "beyond", the mistake, its code, the right form
MISTAKES = [
    ("45", call(BCE, Z, Y), "bce-takes-probabilities", call(BCE, P, Y)),
    ("45", call(BCE, T([0.5, math.nan, 0.1]), Y), "bce-takes-probabilities", call(BCE, P, Y)),
    ("45", call(BCE, P.log(), Y), "bce-takes-probabilities", call(BCE, P, Y)),
    ("beyond", call(BCE, 100 * P, Y), "bce-takes-probabilities", call(BCE, P, Y)),
    ("45", call(BCE, torch.nn.functional.linear(LEARNS[:, None], T([[1.0]]), T([0.3]))[:, 0], Y),
     "bce-takes-probabilities", call(BCE, LEARNS.sigmoid(), Y)),
    ("45", call(BCE, torch.nn.functional.linear(LEARNS[:, None], T([[1.0]]))[:, 0].clamp(0, 1), Y),
     "bce-takes-probabilities", call(BCE, LEARNS.sigmoid().clamp(0.01, 0.99), Y)),
    ("beyond", call(LOGITS, LEARNS.outer(T([1.0, 2])).softmax(1)[:, 1], Y), "sigmoid-twice",
     call(LOGITS, LEARNS.outer(T([1.0, 2])).softmax(1)[:, 1].logit(), Y)),
    ("46", call(LOGITS, MANY.sigmoid(), YES), "sigmoid-twice", call(LOGITS, MANY, YES)),
    ("46", call(LOGITS, LEARNS.sigmoid(), Y), "sigmoid-twice", call(LOGITS, LEARNS, Y)),
    ("46", call(LOGITS, MANY.bfloat16().mul(9).sigmoid().clamp(min=1e-3), YES), "sigmoid-twice",
     call(LOGITS, MANY.bfloat16(), YES)),
    ("beyond", call(LOGITS, MANY.softmax(1), YES), "sigmoid-twice", call(LOGITS, MANY, YES)),
    ("beyond", call(SOFT, MANY.sigmoid(), 2 * YES - 1), "sigmoid-twice",
     call(SOFT, MANY, 2 * YES - 1)),
    ("beyond", call(MULTI, MANY.sigmoid(), YES), "sigmoid-twice", call(MULTI, MANY, YES)),
    ("53", call(BCE, T([17.0, -1, 1]).sigmoid(), T([0.0, 0, 1])), "bce-saturated",
     call(BCE, T([17.0, -1, 1]).sigmoid(), T([1.0, 0, 1]))),
    ("86", call(BCE, T([0.0, 0.5, 1]), T([1.0, 0, 1])), "bce-saturated",
     call(BCE, T([0.0, 0.5, 1]), T([0.0, 0, 1]))),
    ("53", call(BCE, T([7.0, -1, 1]).bfloat16().sigmoid(), T([0.0, 0, 1]).bfloat16()),
     "bce-saturated", call(LOGITS, T([7.0, -1, 1]).bfloat16(), T([0.0, 0, 1]).bfloat16())),
    ("55", call(BCE, MANY.softmax(1), YES), "softmax-in-binary", call(BCE, MANY.sigmoid(), YES)),
    ("55", call(LOGITS, MANY.log_softmax(1), YES), "softmax-in-binary",
     call(LOGITS, MANY, YES)),
    ("86", call(BCE, Y, P), "swapped", call(BCE, P, Y)),
    ("D5", call(LOGITS, Y, Z), "swapped", call(LOGITS, Z, Y)),
    ("D5", call(BCE, P, LEARNS.sigmoid()), "swapped", call(BCE, LEARNS.sigmoid(), P)),
    ("D9", call(BCE, P, 2 * Y - 1), "labels-not-in-0-1", call(BCE, P, Y)),
    ("D9", call(LOGITS, Z, 2 * Y - 1), "labels-plus-minus", call(LOGITS, Z, Y)),
    ("D9", call(MULTI, MANY, 2 * YES - 1), "labels-plus-minus", call(MULTI, MANY, YES)),
    ("D9", call(LOGITS, Z, 255 * Y), "labels-not-in-0-1", call(LOGITS, Z, Y)),
    ("D9", call(LOGITS, Z, T([2.0, 0, 1])), "labels-not-in-0-1", call(LOGITS, Z, T([0.9, 0, 1]))),
    ("67", call(MULTI, MANY, T([[3.0, 1, -1, -1]]).repeat(8, 1)), "labels-not-in-0-1",
     call(MULTI, MANY, YES)),
    ("50", call(LOGITS, Z[:, None], Y[:, None], pos_weight=T([1.0, 9])), "pos-weight-shape",
     call(LOGITS, Z[:, None], Y[:, None], pos_weight=T([9.0]))),
    ("50", call(LOGITS, Z, Y, pos_weight=T([1.0, 9])), "pos-weight-shape",
     call(LOGITS, Z, Y, pos_weight=T(9.0))),
    ("50", call(LOGITS, MANY, YES, pos_weight=torch.ones(8)), "pos-weight-shape",
     call(LOGITS, MANY, YES, pos_weight=torch.ones(4))),
    ("beyond", call(LOGITS, Z, Y, pos_weight=T([-9.0])), "pos-weight-negative",
     call(LOGITS, Z, Y, weight=T([-9.0, 2, 1]))),
    ("50", call(LOGITS, RARE - 1, RARE, pos_weight=T([2 / 98])), "pos-weight-inverted",
     call(LOGITS, RARE - 1, RARE, pos_weight=T([98 / 2]))),
    ("69", call(SOFT, Z, Y), "labels-zero-one", call(SOFT, Z, 2 * Y - 1)),
    ("69", call(SOFT, Z, (Y > 0)), "labels-zero-one", call(SOFT, Z, (2 * Y - 1).long())),
    ("69", call(SOFT, Z, 0 * Y), "labels-zero-one", call(SOFT, Z, 0 * Y - 1)),
    ("beyond", call(SOFT, Z, T([0.9, -0.9, 0.2])), "labels-not-plus-minus",
     call(SOFT, Z, T([1.0, -1, 0]))),
    ("69", call(SOFT, T([-89.0, 1, 1]), T([1.0, 1, 1])), "soft-margin-overflow",
     call(SOFT, T([89.0, 1, 1]), T([1.0, 1, 1]))),
]  # fmt: skip


@pytest.mark.parametrize(("row", "mistake", "code", "right"), MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(row, mistake, code, right):
    loss, args, kwargs = mistake
    assert examine(loss, *args, **kwargs).codes == [code]
    loss, args, kwargs = right
    assert examine(loss, *args, **kwargs) == []


# Refused: what is said of shapes and dtypes, whichever rule says it.
REFUSED = [
    ("48", call(LOGITS, Z, Y.long())),
    ("48", call(LOGITS, Z, Y > 0)),
    ("48", call(BCE, P, Y.long())),
    ("49", call(LOGITS, Z[:, None], Y)),
    ("49", call(BCE, P[:, None], Y)),
    ("50", call(LOGITS, Z, Y, pos_weight=9.0)),
    ("52", call(BCE, MANY.sigmoid(), YES, weight=torch.ones(8))),
]


@pytest.mark.parametrize(("row", "mistake"), REFUSED)
def test_what_torch_refuses_has_one_explanation(row, mistake):
    loss, args, kwargs = mistake
    assert len(examine(loss, *args, **kwargs)) == 1


def test_autocast_is_explained():
    error = RuntimeError("torch.nn.functional.binary_cross_entropy … are unsafe to autocast.")
    assert len(findings(Call(BCE, (P, Y), {}, error=error))) == 1


LAYER = torch.nn.functional.linear(MANY.sigmoid(), torch.eye(4).requires_grad_())
FINE = {
    "a layer that starts at 0": call(LOGITS, torch.zeros(8, 4), MANY.sigmoid()),
    "a layer that starts at 0, multi": call(SOFT, torch.zeros(8, 4), 2 * YES - 1),
    "few numbers in (0, 1)": call(LOGITS, T([0.1, 0.9, 0.4]), Y),
    "all near one bias": call(LOGITS, 0.45 + MANY / 20, YES),
    "logits in (0, 1) out of a layer": call(LOGITS, LAYER, YES),
    "a head that ends in relu": call(LOGITS, MANY.clamp(0, 0.9), YES),
    "soft labels": call(LOGITS, Z, 0.8 * Y + 0.1),
    "two classes by softmax": call(BCE, Z.outer(T([1.0, -1])).softmax(1), T([[1.0, 0]] * 3)),
    "saturated and right": call(BCE, T([1.0, 0, 0.5]), Y.new_tensor([1, 0, 0])),
    "weights as in REINFORCE": call(LOGITS, Z, Y, weight=T([-1.0, 2, 0])),
    "one weight for each class": call(LOGITS, MANY, YES, weight=T([1.0, 2, 3, 4])),
    "one weight for each row": call(BCE, MANY.sigmoid(), YES, weight=torch.ones(8, 1)),
    "zeros that say no label": call(SOFT, Z, T([1.0, 0, -1])),
    "a float64 target": call(LOGITS, Z, Y.double()),
    "a number for a target": call(MULTI, MANY, 1.0),
    "one number": call(LOGITS, T(0.3), T(1.0)),
    "NaN is for others": call(LOGITS, T([math.nan, 1]), T([1.0, 0]), reduction="sum"),
    "rare yes with no weight": call(LOGITS, RARE - 1, RARE),
    "no rows": call(BCE, P[:0], Y[:0], reduction="sum"),
    "half precision": call(LOGITS, Z.half(), Y.half(), pos_weight=T([3.0]).half()),
}  # fmt: skip


@pytest.mark.parametrize("what", FINE)
def test_what_only_looks_odd_is_left_alone(what):
    loss, args, kwargs = FINE[what]
    codes = examine(loss, *args, **kwargs).codes
    assert codes == (["nan-input"] if what.startswith("NaN") else [])


def test_the_numbers_of_the_catalogue():
    (saturated,) = examine(BCE, T([17.0]).sigmoid(), T([0.0]))
    assert "1 of 1" in saturated.noticed
    assert "100" in saturated.noticed
    (labels,) = examine(SOFT, Z, Y)
    assert "1 of 3" in labels.noticed
    (weight,) = examine(LOGITS, Z[:, None], Y[:, None], pos_weight=T([1.0, 9]))
    assert "no and one of yes" in weight.noticed
