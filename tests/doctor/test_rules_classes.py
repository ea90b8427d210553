"""The rules of losses over classes: each mistake gets its finding, and the right form none."""

import math

import pytest
import torch
import torch.nn.functional as F

from lossbook.doctor import examine

T = torch.tensor
INF = math.inf
X, Y = T([[2.0, 0, -1], [0.5, 2.5, 0]]), T([0, 1])
W = T([1.0, 5, 10])
ONE_HOT = F.one_hot(Y, 3).float()
SMOOTH = 0.85 * ONE_HOT + 0.05
CE, NLL, LINEAR = "cross_entropy", "nll_loss", "linear_cross_entropy"
LOG_P = X.log_softmax(1)
SURE = T([[9.0, -30, 0, 4], [-30, 0, 9, 1], [0, 40, 1, 3]])
LABELS = T([1, 0, 0])
SEQUENCE = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
TOKENS = T([[0, 1, 2, 0, 1], [2, 2, 0, 1, 0]])
LAYER = torch.arange(12.0).reshape(4, 3) / 10
SAME = torch.full((16,), 2)
LEARNS = torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
PAIRS = T([2, 3, 0, 1])
SIMILARITY = 5 * T([[1.0, 0.2, 0.8, 0.1], [0.2, 1, 0, 0.7], [0.8, 0, 1, 0.3], [0.1, 0.7, 0.3, 1]])
OTHERS = SIMILARITY.masked_fill(torch.eye(4, dtype=torch.bool), -INF)


def call(loss, *args, **kwargs):
    return loss, args, kwargs


# row of PITFALLS or "beyond", the mistake, its code, the right form
MISTAKES = [
    ("1", call(CE, X.softmax(1), Y), "softmax-twice", call(CE, X, Y)),
    ("1", call(CE, X[:1].softmax(1).double(), Y[:1]), None, call(CE, X[:1], Y[:1])),  # too few
    ("D1", call(CE, X.bfloat16().softmax(1), Y), "softmax-twice", call(CE, X.bfloat16(), Y)),
    ("beyond", call(CE, 100 * X.softmax(1), Y), "softmax-twice", call(CE, 100 * X, Y)),
    ("beyond", call("softmax", X.softmax(1), 1), "softmax-twice", call("softmax", X, 1)),
    ("beyond", call("log_softmax", X.softmax(1), 1), "softmax-twice", call("log_softmax", X, 1)),
    ("beyond", call(CE, SURE.sigmoid().repeat(2, 1), LABELS.repeat(2)),
     "sigmoid-then-softmax", call(CE, SURE.repeat(2, 1), LABELS.repeat(2))),
    ("28", call(CE, X.softmax(0), Y), "softmax-wrong-dim", call(CE, X, Y)),
    ("28", call(CE, X.log_softmax(0), Y), "softmax-wrong-dim", call(CE, LOG_P, Y)),
    ("28", call("softmax", X), "softmax-no-dim", call("softmax", X, dim=1)),
    ("28", call("log_softmax", SEQUENCE), "softmax-no-dim", call("log_softmax", SEQUENCE, 2)),
    ("28", call(NLL, X.log_softmax(0), Y), "nll-not-log", call(NLL, LOG_P, Y)),
    ("3", call(NLL, X.softmax(1), Y), "nll-not-log", call(NLL, LOG_P, Y)),
    ("3", call(NLL, X, Y), "nll-not-log", call(NLL, LOG_P, Y)),
    ("D3", call(NLL, SEQUENCE.log_softmax(2), TOKENS[:, :3]), "nll-not-log",
     call(NLL, SEQUENCE.log_softmax(1), TOKENS[:, :3])),
    ("beyond", call(NLL, LOG_P / math.log(2), Y), "nll-not-log", call(NLL, LOG_P.half(), Y)),
    ("beyond", call(NLL, LOG_P / 2, Y), "nll-not-log",
     call(NLL, LOG_P.masked_fill(T([False, False, True]), -INF), Y)),
    ("4", call(NLL, (SURE.softmax(1) + 1e-7).log(), LABELS), "log-epsilon",
     call(NLL, SURE.log_softmax(1), LABELS)),
    ("4", call(CE, SURE.softmax(1).clamp(min=1e-9).log(), LABELS), "log-epsilon",
     call(CE, SURE, LABELS)),
    ("4", call(NLL, (LEARNS.softmax(1) + 1e-7).log(), Y), "log-epsilon",
     call(NLL, LEARNS.log_softmax(1), Y)),
    ("5", call(NLL, (7 * SURE).softmax(1).log(), LABELS), "log-of-zero",
     call(NLL, (7 * SURE).log_softmax(1), LABELS)),
    ("5", call(CE, X.masked_fill(T([True, False, False]), -INF), Y), "log-of-zero",
     call(CE, X.masked_fill(T([False, False, True]), -INF), Y)),
    ("beyond", call(CE, X.masked_fill(T([False, False, True]), -INF), Y, label_smoothing=0.1),
     "mask-meets-target", call(CE, X, Y, label_smoothing=0.1)),
    ("beyond", call(CE, X.masked_fill(T([False, False, True]), -INF), ONE_HOT),
     "mask-meets-target", call(CE, X.masked_fill(T([False, False, True]), -1e4), ONE_HOT)),
    ("D8", call(CE, X[:, :1], T([0, 0])), "one-class", call(CE, X[:, :2], T([0, 0]))),
    ("D8", call(CE, X[:, :1], T([[0.0], [1.0]])), "one-class", call(CE, X[:, :2], T([0, 0]))),
    ("D8", call(LINEAR, X, LAYER[:1], T([0, 0])), "one-class", call(LINEAR, X, LAYER[:2], Y)),
    ("D8", call("softmax", X[:, :1], 1), "one-class", call("softmax", X[:1], 1)),
    # labels that torch refuses
    ("6", call(CE, X, F.one_hot(Y, 3)), "one-hot-integers", call(CE, X, ONE_HOT)),
    ("beyond", call(NLL, LOG_P, ONE_HOT), "nll-takes-indices", call(NLL, LOG_P, Y)),
    ("7", call(CE, X, Y.float()), "labels-dtype", call(CE, X, Y)),
    ("7", call(CE, X, Y.int()), "labels-dtype", call(CE, X, Y.byte())),
    ("7", call(NLL, LOG_P, Y > 0), "labels-dtype", call(NLL, LOG_P, Y)),
    ("7", call(LINEAR, X, LAYER, Y.int()), "labels-dtype", call(LINEAR, X, LAYER, Y)),
    ("8", call(CE, X, Y[:, None]), "labels-extra-dim", call(CE, X, Y)),
    ("8", call(CE, SEQUENCE.mT, TOKENS[..., None]), "labels-extra-dim",
     call(CE, SEQUENCE.mT, TOKENS)),
    ("8", call(CE, SEQUENCE.mT[..., None], TOKENS[:, None, :, None]), "labels-extra-dim",
     call(CE, SEQUENCE.mT[..., None], TOKENS[..., None])),
    ("8", call(CE, X, Y[None]), "labels-extra-dim", call(CE, X, Y)),
    ("beyond", call(CE, X, Y, ignore_index=1.0), "ignore-index",
     call(CE, X, Y, ignore_index=1)),
    ("beyond", call(CE, X, Y, ignore_index=None), "ignore-index", call(CE, X, Y)),
    ("beyond", call(CE, X, ONE_HOT, ignore_index=1), "ignore-index",
     call(CE, X, Y, ignore_index=1)),
    ("D7", call(CE, SEQUENCE, SEQUENCE.softmax(2)), "classes-last",
     call(CE, SEQUENCE.mT, SEQUENCE.mT.softmax(1))),
    ("12", call(CE, X, T([1, 3])), "labels-from-one", call(CE, X, T([0, 2]))),
    ("12", call(LINEAR, X, LAYER, T([1, 4])), "labels-from-one", call(LINEAR, X, LAYER, T([0, 3]))),
    ("12", call(CE, X, T([0, 7])), "labels-out-of-range", call(CE, X, T([0, 2]))),
    ("13", call(CE, X, T([-1, 2])), "labels-out-of-range",
     call(CE, X, T([-1, 2]), ignore_index=-1)),
    ("13", call(CE, X, T([-100, 2]), ignore_index=0), "labels-out-of-range",
     call(CE, X, T([-100, 2]))),
    ("D8", call(CE, X[:, :1], Y), "labels-out-of-range", call(CE, X[:, :2], Y)),
    ("D7", call(CE, SEQUENCE, TOKENS), "classes-last", call(CE, SEQUENCE.mT, TOKENS)),
    ("D7", call(CE, SEQUENCE, TOKENS.flatten()), "classes-last",
     call(CE, SEQUENCE.flatten(0, 1), TOKENS.flatten())),
    ("D7", call(NLL, SEQUENCE.log_softmax(2)[:, :, None], TOKENS[:, :, None]), "classes-last",
     call(NLL, SEQUENCE.log_softmax(2).mT, TOKENS)),
    ("27", call(CE, Y, X), "swapped", call(CE, X, Y)),
    ("beyond", call(CE, X.argmax(1), Y), "labels-as-logits", call(CE, X, Y)),
    ("27", call(CE, ONE_HOT, X), "swapped", call(CE, X, ONE_HOT)),
    ("27", call(CE, X.softmax(1), X), "swapped", call(CE, X, X.softmax(1))),
    ("D5", call(CE, ONE_HOT, LEARNS), "swapped", call(CE, LEARNS, ONE_HOT)),
    # targets and weights that torch takes
    ("10", call(CE, T([3.0, -2, 1]), T([1.0, 0, 1])), "single-example",
     call(CE, T([3.0, -2, 1]), T([0.0, 0, 1]))),
    ("10", call(CE, T([3.0, -2, 1]), T([1, 0, 1])), "single-example",
     call(CE, T([3.0, -2, 1]), T(1))),
    ("14", call(CE, X, T([-100, -100])), "all-ignored",
     call(CE, X, T([-100, -100]), reduction="sum")),
    ("14", call(NLL, LOG_P, T([1, 1]), ignore_index=1), "all-ignored",
     call(NLL, LOG_P, T([0, 1]), ignore_index=1)),
    ("14", call(CE, X, Y, weight=T([0.0, 0, 1])), "all-ignored",
     call(CE, X, Y, weight=T([0.0, 1, 1]))),
    ("17", call(CE, X.repeat(8, 1), SAME, weight=W), "weight-cancels",
     call(CE, X.repeat(8, 1), Y.repeat(8), weight=W)),
    ("18", call(CE, X, ONE_HOT, weight=W), "weighted-one-hot", call(CE, X, Y, weight=W)),
    ("18", call(CE, X, ONE_HOT, weight=W), "weighted-one-hot",
     call(CE, X, ONE_HOT, weight=W, reduction="sum")),
    ("21", call(CE, X, SMOOTH, label_smoothing=0.1), "smoothing-twice",
     call(CE, X, Y, label_smoothing=0.1)),
    ("beyond", call(CE, X, Y, label_smoothing=-0.1), "smoothing-out-of-range", call(CE, X, SMOOTH)),
    ("beyond", call(CE, X, Y, label_smoothing=10), "smoothing-out-of-range",
     call(CE, X, (ONE_HOT + ONE_HOT.flip(0)) / 2, label_smoothing=0.1)),
    ("23", call(CE, X, -ONE_HOT), "target-not-distribution", call(CE, X, T([2.0, -1])[:, None]
     * ONE_HOT)),
    ("23", call(CE, X, T([[1.0, 1, 0], [0, 1, 1]])), "target-not-distribution",
     call(CE, X, T([[0.5, 0.5, 0], [0, 0.5, 0.5]]))),
    ("23", call(CE, X, X), "target-not-distribution", call(CE, X, X.softmax(1))),
    ("23", call(CE, X, 100 * SMOOTH), "target-not-distribution", call(CE, X, SMOOTH)),
    ("55", call(CE, SURE, (SURE > 0).float()), "target-not-distribution",
     call("binary_cross_entropy_with_logits", SURE, (SURE > 0).float())),
    ("29", call(CE, X, Y, weight=W[:2]), "weight-length", call(CE, X, Y, weight=W)),
    ("beyond", call(CE, X, Y, weight=-W), "weight-negative", call(CE, X, Y, weight=W)),
    ("85", call(CE, SIMILARITY, PAIRS), "self-similarity", call(CE, OTHERS, PAIRS)),
    ("85", call(CE, SIMILARITY, PAIRS), "self-similarity", call(CE, SIMILARITY, torch.arange(4))),
    # linear_cross_entropy
    ("77", call(LINEAR, X[None], LAYER, Y[None]), "linear-flatten", call(LINEAR, X, LAYER, Y)),
    ("77", call(LINEAR, X, Y, LAYER), "linear-order", call(LINEAR, X, LAYER, Y)),
    ("77", call(LINEAR, X, LAYER.T, Y), "linear-transposed", call(LINEAR, X, LAYER, Y)),
    ("77", call(LINEAR, X, LAYER, Y, LAYER[:, 0]), "refused",
     call(LINEAR, X, LAYER, Y, linear_bias=LAYER[:, 0])),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Implicit dimension")
@pytest.mark.parametrize(("row", "mistake", "code", "right"), MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(row, mistake, code, right):
    loss, args, kwargs = mistake
    assert examine(loss, *args, **kwargs).codes == ([code] if code else [])
    loss, args, kwargs = right
    assert examine(loss, *args, **kwargs) == []


FINE = [
    ("2", call(CE, LOG_P, Y)),
    ("13", call(CE, X, T([0, -100]))),
    ("16", call(CE, X, Y, weight=W, reduction="none")),
    ("19", call(CE, X, Y, weight=W, label_smoothing=0.1)),
    ("20", call(CE, X, T([0, -100]), weight=W, label_smoothing=0.1)),
    ("25", call(CE, X, Y, ignore_index=2)),
    ("one sample with weights", call(CE, X[:1], Y[:1], weight=W)),
    ("mixup and smoothing", call(CE, X, 0.7 * ONE_HOT + 0.3 * ONE_HOT.flip(0),
                                 label_smoothing=0.1)),
    ("REINFORCE", call(CE, X, ONE_HOT * T([[3.0], [-0.5]]))),
    ("a row of zeros for padding", call(CE, X, ONE_HOT * T([[1.0], [0]]))),
    ("rounded soft labels", call(CE, X, T([[0.33, 0.33, 0.33], [0.5, 0.25, 0.25]]))),
    ("symmetric loss of pairs", call(NLL, SIMILARITY[:, [1, 0, 3, 2]].log_softmax(0),
                                     torch.arange(4))),
    ("a layer that starts at 0", call(CE, torch.zeros(16, 3), SAME)),
    ("all labels of one class", call(CE, X.repeat(8, 1), SAME)),
    ("square pictures", call(CE, SEQUENCE[:, :3], TOKENS[:, :3])),
    ("empty input", call(CE, X[:0], Y[:0], reduction="sum")),
    ("attention over one key", call("softmax", SEQUENCE[..., :1], -1)),
    ("probabilities of one dimension", call("softmax", SEQUENCE.softmax(1), 2)),
    ("huge table", call(CE, torch.zeros(1, 1).expand(4096, 50_000), torch.zeros(4096).long())),
]  # fmt: skip


@pytest.mark.parametrize(("what", "right"), FINE, ids=[what for what, _ in FINE])
def test_what_only_looks_odd_is_left_alone(what, right):
    loss, args, kwargs = right
    if what.startswith("huge"):  # only the looking must be quick
        from lossbook.doctor.signs import logs_sum_to_one, sums_to_one

        assert not sums_to_one(args[0])
        assert not logs_sum_to_one(args[0])
        return
    assert examine(loss, *args, **kwargs) == []


def test_a_graph_tells_logits_of_a_layer_from_probabilities():
    layer = torch.nn.Linear(3, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.zeros(3, 3))
        layer.bias.copy_(T([0.2, 0.3, 0.5]))
    assert examine(CE, layer(X), Y) == []  # they sum to 1 by chance
    assert examine(CE, layer(X).softmax(1), Y).codes == ["softmax-twice"]
    assert examine(NLL, layer(X), Y).codes == ["nll-not-log"]
    assert examine(CE, layer(X).sigmoid()[:1], Y[:1]).codes == ["sigmoid-then-softmax"]


def test_the_numbers_of_the_catalogue():
    (twice,) = examine(CE, X.softmax(1), Y)
    assert "0.551" in twice.noticed  # log(1 + 2/e)
    (weighted,) = examine(CE, X, ONE_HOT, weight=W)
    assert "0.5768" in weighted.noticed
    assert "0.1923" in weighted.noticed
    (epsilon,) = examine(NLL, (SURE.softmax(1) + 1e-7).log(), LABELS)
    assert "16.1" in epsilon.noticed
    (ignored,) = examine(CE, X, T([-100, -100]))
    assert "all 2 labels" in ignored.noticed
    (range_,) = examine(CE, X, T([1, 3]))
    assert "from 1 to 3" in range_.noticed
