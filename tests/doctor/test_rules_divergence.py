"""The rules of kl_div: each mistake gets its finding, and the right form none."""

import math

import pytest
import torch

from lossbook.doctor import examine

T = torch.tensor
P, Q = T([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]), T([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2]])
Z = T([[2.0, 0, -1], [0.5, 2.5, 0]])
LOG_P, LOG_Q = P.log(), Q.log()
ZERO = T([[0.5, 0.5, 0], [0, 1, 0]])  # where Q has no zeros
LEARNS = T([[0.3, 0.1, 0.2], [0.4, 0.2, 0.9]], requires_grad=True)
M = (P + Q) / 2


def kl(input, target, reduction="batchmean", **kwargs):
    return (input, target), {"reduction": reduction, **kwargs}


RIGHT = kl(LOG_Q, P)
LOGS = kl(LOG_Q, LOG_P, log_target=True)

# row of PITFALLS or "beyond", the mistake, its code, the right form
MISTAKES = [
    ("30", kl(Q, P), ["kl-not-log"], RIGHT),
    ("30", kl(P, P), ["kl-not-log"], kl(LOG_P, P)),
    ("30", kl(Z, P), ["kl-not-log"], kl(Z.log_softmax(1), P)),
    ("30", kl(Z.log_softmax(0), P), ["kl-not-log"], kl(Z.log_softmax(1), P)),
    ("D3", kl(LOG_Q / math.log(2), P), ["kl-not-log"], kl(LOG_Q.bfloat16(), P.bfloat16())),
    ("41", kl((LOG_P + LOG_Q) / 2, P), ["kl-not-log"], kl(M.log(), P)),
    ("31", kl(P, LOG_Q), ["kl-swapped"], RIGHT),
    ("31", kl(LOG_P, LEARNS.softmax(1)), ["kl-swapped"], kl(LEARNS.log_softmax(1), P)),
    ("32", kl(LOG_Q, P, "mean"), ["kl-mean"], RIGHT),
    ("32", ((LOG_Q, P), {}), ["kl-mean"], kl(LOG_Q, P, "sum")),
    ("35", kl(LOG_Q, P, log_target=True), ["kl-log-target"], LOGS),
    ("35", kl(LOG_Q, LOG_P), ["kl-log-target"], RIGHT),
    ("D4", kl(LOG_Q, Z, log_target=True), ["kl-log-target"], LOGS),
    ("35", kl(P, P, log_target=True), ["kl-not-log", "kl-log-target"], LOGS),
    ("36", kl(LOG_Q, ZERO.log(), log_target=True), ["kl-zero"], kl(LOG_Q, ZERO)),
    ("36", kl(ZERO.log(), P), ["kl-zero"], kl(ZERO.clamp(min=1e-9).log(), P)),
    ("36", kl(ZERO.log(), ZERO), ["kl-zero"], kl(LOG_Q, ZERO)),
    ("36", kl(LOG_Q, (LEARNS - 9 * T([0, 0, 99])).softmax(1)), ["kl-swapped", "kl-zero"],
     kl(LEARNS.log_softmax(1), ZERO)),
    ("37", kl(LOG_Q, 0.5 * P), ["target-not-distribution"], RIGHT),
    ("37", kl(LOG_Q, 100 * P), ["target-not-distribution"], RIGHT),
    ("37", kl(LOG_Q, -P), ["target-not-distribution"], RIGHT),
    ("37", kl(Z.log_softmax(1), Z.sigmoid()), ["target-not-distribution"], RIGHT),
    ("beyond", kl(T([0.1, 0.2, 0.3, 0.4]).log(), T([0.4, 0.3, 0.2, 0.1])),
     ["kl-batchmean-single"], kl(T([0.1, 0.2, 0.3, 0.4]).log(), T([0.4, 0.3, 0.2, 0.1]), "sum")),
    ("beyond", kl(LOG_Q, T([[1, 0, 0], [0, 1, 0]])), ["kl-integers"],
     kl(LOG_Q, T([[1.0, 0, 0], [0, 1, 0]]))),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize(("row", "mistake", "codes", "right"), MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(row, mistake, codes, right):
    args, kwargs = mistake
    assert sorted(examine("kl_div", *args, **kwargs).codes) == sorted(codes)
    args, kwargs = right
    assert examine("kl_div", *args, **kwargs) == []


JOINT = torch.linspace(-1, 1, 24).reshape(2, 12).log_softmax(1).reshape(2, 3, 4)
SQUARE = torch.linspace(-1, 2, 18).sin().reshape(2, 3, 3).log_softmax(1)
FINE = {
    "38, elements below 0": kl(LOG_Q, P, "none"),
    "38, rounding below 0": kl(LOG_P.half(), P.half()),
    "classes in dimension 1": kl(JOINT.log_softmax(1), JOINT.softmax(1)),
    "one distribution over two dimensions": kl(JOINT, JOINT.flip(0).exp()),
    "Bernoulli terms": kl(T([0.2, 0.5, 0.1, 0.9]).log(), T([0.1, 0.3, 0.2, 0.8]), "sum"),
    "masked rows": kl(LOG_Q * T([[1.0], [0]]), P * T([[1.0], [0]])),
    "a mask where the target is 0 as well": kl(LOG_Q.clamp(min=-1e4), ZERO),
    "the divergence from a prior": kl(torch.full((2, 3), 1 / 3).log(), LEARNS.softmax(1)),
    "a penalty for leaving a policy": kl(LOG_P, LEARNS.log_softmax(1), log_target=True),
    "both sides learn": kl(LEARNS.log_softmax(1), LEARNS.flip(0).softmax(1)),
    "square and uniform": kl(torch.zeros(2, 3, 3).log_softmax(1), torch.eye(3).expand(2, 3, 3)),
    "rows of no weight": kl(LOG_Q, P * T([[1.0], [0]])),
    "a target that is normalised twice": kl(SQUARE, torch.eye(3).expand(2, 3, 3)),
    "one class": kl(torch.zeros(2, 1), torch.ones(2, 1)),
    "no rows": kl(LOG_Q[:0], P[:0], "sum"),
    "a single pair of numbers": kl(T(-0.3), T(0.7), "sum"),
    "distillation": kl((LEARNS / 4).log_softmax(1), (Z / 4).softmax(1)),
}  # fmt: skip


@pytest.mark.parametrize("what", FINE)
def test_what_only_looks_odd_is_left_alone(what):
    args, kwargs = FINE[what]
    assert examine("kl_div", *args, **kwargs) == []


@pytest.mark.filterwarnings("ignore:reduction")
def test_the_numbers_of_the_catalogue():
    (mean,) = examine("kl_div", LOG_Q, P)
    assert "0.0294" in mean.noticed
    assert "0.0883" in mean.noticed
    (zero,) = examine("kl_div", LOG_Q, ZERO.log(), log_target=True, reduction="sum")
    assert "3 of 6" in zero.noticed
