"""The rules of CTC and the adaptive softmax: each mistake has its finding, the right form none."""

import pytest
import torch
from recognised import call, check, codes, fine, mistakes

from lossbook.doctor import examine

T = torch.tensor
DRAW = torch.Generator().manual_seed(0)
LOGITS = torch.randn(9, 3, 5, generator=DRAW)
LOG_P = LOGITS.log_softmax(2)
TARGETS = T([[1, 2, 2], [3, 4, 1], [2, 0, 0]])
LENGTHS, LABELS = T([9, 9, 8]), T([3, 3, 1])
CTC, ADAPTIVE = "ctc_loss", "AdaptiveLogSoftmaxWithLoss"
MODULE = torch.nn.AdaptiveLogSoftmaxWithLoss(4, 1000, [20, 200])
FEATURES = torch.randn(1024, 4, generator=DRAW)
COMMON = (torch.rand(1024, generator=DRAW) ** 6 * 1000).long()  # small numbers most often
MIXED = torch.randperm(1000, generator=DRAW)[COMMON]
RIGHT = call(CTC, LOG_P, TARGETS, LENGTHS, LABELS)

MISTAKES = [
    ("72", call(CTC, LOG_P[:2, :1], T([[1, 1]]), T([2]), T([2])), "ctc-too-short",
     call(CTC, LOG_P[:3, :1], T([[1, 1]]), T([3]), T([2]))),
    ("72", call(CTC, LOG_P, TARGETS, T([9, 2, 9]), LABELS, zero_infinity=True), "ctc-too-short",
     call(CTC, LOG_P, TARGETS, T([9, 3, 9]), LABELS)),
    ("72", call(CTC, LOG_P, T([1, 2, 2, 3, 4, 1, 2]), (3, 9, 9), (3, 3, 1)), "ctc-too-short",
     call(CTC, LOG_P, T([1, 2, 2, 3, 4, 1, 2]), (4, 9, 9), (3, 3, 1))),
    ("72", call(CTC, LOG_P[:2, 0], T([1, 1]), T(2), T(2)), "ctc-too-short",
     call(CTC, LOG_P[:3, 0], T([1, 1]), T(3), T(2))),
    ("D9", call(CTC, LOG_P, TARGETS, LENGTHS, T([3, 3, 3])), "ctc-blank-label", RIGHT),
    ("D9", call(CTC, LOG_P, TARGETS - 1, LENGTHS, LABELS), "ctc-blank-label",
     call(CTC, LOG_P, TARGETS - 1, LENGTHS, LABELS, blank=4)),
    ("D9", call(CTC, LOG_P, TARGETS + 1, LENGTHS, LABELS), "ctc-label-range", RIGHT),
    ("D9", call(CTC, LOG_P, TARGETS.where(TARGETS > 0, -1), LENGTHS, T([3, 3, 2])),
     "ctc-label-range", call(CTC, LOG_P, TARGETS.where(TARGETS > 0, -1), LENGTHS, LABELS)),
    ("D3", call(CTC, LOGITS, TARGETS, LENGTHS, LABELS), "ctc-not-log", RIGHT),
    ("D3", call(CTC, LOGITS.softmax(2), TARGETS, LENGTHS, LABELS), "ctc-not-log", RIGHT),
    ("D3", call(CTC, LOGITS.log_softmax(1), TARGETS, LENGTHS, LABELS), "ctc-not-log", RIGHT),
    ("D3", call(CTC, torch.nn.Linear(5, 5)(LOGITS), TARGETS, LENGTHS, LABELS), "ctc-not-log",
     call(CTC, torch.nn.Linear(5, 5)(LOGITS).log_softmax(-1), TARGETS, LENGTHS, LABELS)),
    ("beyond", call(CTC, LOG_P.transpose(0, 1), TARGETS, LENGTHS, LABELS), "ctc-batch-first",
     RIGHT),
    ("beyond", call(CTC, LOG_P, TARGETS, 4 * LENGTHS, LABELS), "ctc-lengths", RIGHT),
    ("beyond", call(CTC, LOG_P, TARGETS, LENGTHS / 9, LABELS), "ctc-lengths", RIGHT),
    ("beyond", call(CTC, LOG_P, TARGETS, LENGTHS[:2], LABELS), "ctc-lengths", RIGHT),
    ("beyond", call(CTC, LOG_P, TARGETS, LENGTHS, LABELS + 1), "ctc-lengths", RIGHT),
    ("beyond", call(CTC, LOG_P, T([1, 2, 2]), LENGTHS, LABELS), "ctc-lengths", RIGHT),
    ("beyond", call(CTC, LOG_P[:, 0], T([1, 2]), 9, 2), "ctc-lengths",
     call(CTC, LOG_P[:, 0], T([1, 2]), T(9), T(2))),
    ("beyond", call(CTC, LOG_P, TARGETS, LENGTHS, LABELS, blank=5), "ctc-blank-range", RIGHT),
    ("beyond", call(CTC, LOG_P.half(), TARGETS, LENGTHS, LABELS), "half-refused", RIGHT),
    ("76", call(ADAPTIVE, MODULE, FEATURES, COMMON.where(COMMON > 0, -100)), "adaptive-labels",
     call(ADAPTIVE, MODULE, FEATURES, COMMON)),
    ("76", call(ADAPTIVE, MODULE, FEATURES[:, None], COMMON[:, None]), "adaptive-labels",
     call(ADAPTIVE, MODULE, FEATURES[0], COMMON[0])),
    ("76", call(ADAPTIVE, MODULE, FEATURES, MIXED), "labels-not-by-frequency",
     call(ADAPTIVE, MODULE, FEATURES, COMMON)),
]  # fmt: skip


@mistakes(MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(mistake, code, right):
    check(mistake, code, right)


PADDED = LOG_P.clone()
PADDED[8:, 2] = 0
FINE = [
    ("steps after the end are 0", call(CTC, PADDED, TARGETS, LENGTHS, LABELS)),
    ("targets padded with the blank", RIGHT),
    ("a transcript without labels", call(CTC, LOG_P, TARGETS, LENGTHS, T([3, 3, 0]))),
    ("symbols that are masked", call(CTC, LOGITS.index_fill(2, T([4]), -torch.inf).log_softmax(2),
                                     T([[1, 2]] * 3), LENGTHS, T([2, 2, 2]))),
    ("as long as it must be", call(CTC, LOG_P[:4], TARGETS, T([4, 4, 4]), LABELS)),
    ("classes of one frequency", call(ADAPTIVE, MODULE, FEATURES,
                                      torch.randint(0, 1000, (1024,), generator=DRAW))),
    ("a few labels, all rare", call(ADAPTIVE, MODULE, FEATURES[:8], COMMON[:8] * 0 + 900)),
]  # fmt: skip


@fine(FINE)
def test_what_only_looks_odd_is_left_alone(right):
    assert codes(*right) == []


def test_the_numbers_of_the_catalogue():
    (short,) = examine(CTC, LOG_P[:2, :1], T([[1, 1]]), T([2]), T([2]))
    assert "has 2 steps, and its 2 labels need 3" in short.noticed
    (axis,) = examine(CTC, LOGITS.log_softmax(1), TARGETS, LENGTHS, LABELS)
    assert "dimension 1" in axis.noticed


@pytest.mark.parametrize("blank", [0, 4])
def test_the_blank_may_stand_first_or_last(blank):
    targets = T([[1, 2], [3, 2]])
    assert examine(CTC, LOG_P[:, :2], targets, (9, 9), (2, 2), blank=blank) == []
