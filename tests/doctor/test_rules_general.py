"""The rules that hold for many losses: each mistake gets its finding, and the right form none."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from recognised import call, check, codes, fine, mistakes

from lossbook.doctor import examine
from lossbook.doctor.call import FUNCTIONS, Call, run
from lossbook.doctor.catalogue.arguments import LEGACY, legacy
from lossbook.doctor.rule import findings, spoken_of_call

T = torch.tensor
DRAW = torch.Generator().manual_seed(0)
X, Y = torch.randn(6, generator=DRAW), torch.randn(6, generator=DRAW)
LOGITS, LABELS = torch.randn(6, 3, generator=DRAW), T([0, 1, 2, 2, 1, 0])
YES = T([1.0, 0, 0, 1, 0, 1])
COUNT, DISTANCE, SIGNS = T([0.0, 2, 1, 1, 5, 0]), X.abs(), T([1, -1, -1, 1, 1, -1])
PICTURE = torch.randn(4, 1, 5, 5, generator=DRAW)
RAW = X.clone().requires_grad_()
BCE, LOGITS_BCE = "binary_cross_entropy", "binary_cross_entropy_with_logits"
SMOOTH, HUBER, MLSM = "smooth_l1_loss", "huber_loss", "multilabel_soft_margin_loss"
MSE, L1, KL, CE = "mse_loss", "l1_loss", "kl_div", "cross_entropy"
HINGE, POISSON = "hinge_embedding_loss", "poisson_nll_loss"
GAUSS = "gaussian_nll_loss"
LARGE = torch.full((6,), 300.0)

PAIRS = [
    *(("56", call(loss, X[:, None], target), "pairs-broadcast", call(loss, X, target))
      for loss, target in ((MSE, Y), (L1, Y), (SMOOTH, Y), (HUBER, Y), (POISSON, COUNT))),
    ("56", call(HINGE, DISTANCE[:, None], SIGNS), "pairs-broadcast", call(HINGE, DISTANCE, SIGNS)),
    ("56", call(GAUSS, X[:, None], Y, DISTANCE[:, None]), "pairs-broadcast",
     call(GAUSS, X[:, None], Y[:, None], DISTANCE)),
    ("56", call(KL, X.sigmoid().log()[:, None, None], YES[:, None] / 2 + 0.2, reduction="sum"),
     "pairs-broadcast", call(KL, LOGITS.log_softmax(1), LOGITS.softmax(1), reduction="sum")),
    ("56", call(MLSM, X[:, None], YES), "pairs-broadcast", call(MLSM, X[:, None], YES[:, None])),
    ("52", call(MLSM, X[:, None], YES[:, None], weight=DISTANCE), "pairs-broadcast",
     call(MLSM, X[:, None], YES[:, None], weight=DISTANCE[:, None])),
    ("56", call(MSE, X[:, None], Y, reduction="none"), "pairs-broadcast",
     call(MSE, X[:, None], Y[:, None], reduction="none")),
    ("56", call(MSE, X[:, None], Y[None]), "pairs-broadcast", call(MSE, X[None], Y[None])),
    ("56", call(L1, PICTURE, PICTURE[:, 0] + 1), "pairs-broadcast", call(L1, PICTURE, PICTURE + 1)),
    ("56", call(MSE, X[:, None], Y[:4]), "pairs-broadcast", call(MSE, X[:4], Y[:4])),
    ("49", call(BCE, X.sigmoid()[:, None], YES), "shapes-differ", call(BCE, X.sigmoid(), YES)),
    ("49", call(LOGITS_BCE, X[:, None], YES), "shapes-differ", call(LOGITS_BCE, X, YES)),
    ("52", call(LOGITS_BCE, LOGITS, LOGITS.sigmoid().round(), weight=DISTANCE), "shapes-differ",
     call(LOGITS_BCE, LOGITS, LOGITS.sigmoid().round(), weight=DISTANCE[:, None])),
    ("beyond", call("soft_margin_loss", X[:, None], 2 * YES - 1), "shapes-differ",
     call("soft_margin_loss", X, 2 * YES - 1)),
    ("beyond", call(L1, X, Y, weight=YES[:, None]), "shapes-differ", call(L1, X, Y, weight=YES)),
    ("beyond", call(MSE, X, Y[:4]), "shapes-differ", call(MSE, X[:4], Y[:4])),
    ("beyond", call("margin_ranking_loss", X[:, None], Y[:, None], SIGNS), "shapes-differ",
     call("margin_ranking_loss", X, Y, SIGNS)),
    ("beyond", call(GAUSS, X, Y, DISTANCE[:, None]), "shapes-differ", call(GAUSS, X, Y, DISTANCE)),
]  # fmt: skip

ARGUMENTS = [
    ("81", call(MSE, X, Y, size_average=True, reduction="sum"), "legacy-arguments",
     call(MSE, X, Y, reduction="sum")),
    ("81", call(CE, LOGITS, LABELS, None, "sum"), "legacy-arguments",
     call(CE, LOGITS, LABELS, None, reduction="sum")),
    ("D10", call(MSE, X, Y, "none"), "legacy-arguments", call(MSE, X, Y, reduction="none")),
    ("D10", call(MSE, X, Y, YES), "legacy-arguments", call(MSE, X, Y, weight=YES)),
    ("81", call(L1, X, Y, reduce=False), "legacy-arguments", call(L1, X, Y, reduction="none")),
    ("beyond", call(SMOOTH, X, Y, 0.5), "legacy-arguments", call(SMOOTH, X, Y, beta=0.5)),
    ("81", call(L1, X, Y, reduction="elementwise_mean"), "legacy-arguments",
     call(L1, X, Y, reduction="mean")),
    ("beyond", call(L1, X, Y, reduction="avg"), "reduction-unknown", call(L1, X, Y)),
    ("beyond", call(L1, X, Y, reduction=None), "reduction-unknown",
     call(L1, X, Y, reduction="none")),
    ("beyond", call(MSE, X, Y, reduction="batchmean"), "reduction-unknown",
     call(KL, LOGITS.log_softmax(1), LOGITS.softmax(1), reduction="batchmean")),
    ("beyond", call(HUBER, X, Y, 0.5), "reduction-unknown", call(HUBER, X, Y, delta=0.5)),
    ("beyond", call(MSE, X, 1.0), "not-a-tensor", call(MSE, X, T(1.0))),
    ("beyond", call(MSE, [0.5, 1.0], Y[:2]), "not-a-tensor", call(MSE, T([0.5, 1.0]), Y[:2])),
    ("beyond", call(LOGITS_BCE, X, YES.numpy()), "not-a-tensor", call(LOGITS_BCE, X, YES)),
    ("29", call(CE, LOGITS, LABELS, [1.0, 5, 10]), "not-a-tensor",
     call(CE, LOGITS, LABELS, T([1.0, 5, 10]))),
    ("29", call(CE, LOGITS, LABELS, T([1, 5, 10])), "integers",
     call(CE, LOGITS, LABELS, T([1.0, 5, 10]))),
    ("beyond", call(CE, (LOGITS, X), LABELS), "not-a-tensor", call(CE, LOGITS, LABELS)),
    ("48", call(LOGITS_BCE, X, YES.long()), "integers", call(LOGITS_BCE, X, YES)),
    ("48", call(BCE, X.sigmoid(), YES.long()), "integers", call(BCE, X.sigmoid(), YES)),
    ("48", call(LOGITS_BCE, X, YES.bool()), "integers", call(LOGITS_BCE, X, YES)),
    ("beyond", call(L1, X, YES.bool()), "integers", call(MSE, X, YES.bool())),
    ("beyond", call(MSE, LABELS, LABELS + 1), "integers", call(MSE, LABELS.float(), LABELS + 1)),
    ("beyond", call("softmax", LABELS, 0), "integers", call("softmax", LABELS.float(), 0)),
    ("beyond", call("multi_margin_loss", LOGITS.long(), LABELS), "integers",
     call("multi_margin_loss", LOGITS, LABELS)),
    ("beyond", call(BCE, X.sigmoid(), YES.double()), "dtypes-differ", call(BCE, X.sigmoid(), YES)),
    ("beyond", call(BCE, X.sigmoid(), torch.from_numpy(np.eye(6)[0])), "dtypes-differ",
     call(MSE, X.sigmoid(), torch.from_numpy(np.eye(6)[0]))),
    ("beyond", call("multi_margin_loss", LOGITS.half(), LABELS), "half-refused",
     call("multi_margin_loss", LOGITS, LABELS)),
    ("beyond", call(MSE, X, Y.to("meta")), "devices-differ", call(MSE, X, Y)),
    ("beyond", call(CE, LOGITS, LABELS, T([1.0, 1, 2]).to("meta")), "devices-differ",
     call(CE, LOGITS, LABELS, T([1.0, 1, 2]))),
]  # fmt: skip

NUMBERS = [
    ("beyond", call(MSE, LARGE.half(), X.half()), "half-precision", call(MSE, LARGE, X)),
    ("beyond", call(MSE, LARGE.half() / 2, X.half(), reduction="sum"), "half-precision",
     call(MSE, LARGE.bfloat16() / 2, X.bfloat16(), reduction="sum")),
    ("beyond", call(CE, 300 * LOGITS.half().repeat(90, 1), LABELS.repeat(90), reduction="sum"),
     "half-precision", call(CE, 300 * LOGITS.repeat(90, 1), LABELS.repeat(90), reduction="sum")),
    ("beyond", call(POISSON, (0 * X).half(), COUNT.half(), log_input=False), "half-precision",
     call(POISSON, 0 * X, COUNT, log_input=False)),
    ("45", call(MSE, X.log(), Y), "nan-input", call(MSE, X, Y)),
    ("beyond", call(CE, LOGITS.log(), LABELS), "nan-input", call(CE, LOGITS, LABELS)),
    ("beyond", call(MSE, X, Y.log()), "nan-input", call(MSE, X, Y.log(), reduction="none")),
    ("52", call(LOGITS_BCE, X, YES, weight=YES), "mask-counted",
     call(LOGITS_BCE, X, YES, weight=YES, reduction="sum")),
    ("beyond", call(MSE, X / 0, Y), "infinite-input", call(MSE, X, Y)),
    ("beyond", call(HUBER, X, Y / 0), "infinite-input", call(HUBER, X, Y)),
    ("14", call(MSE, X[:0], Y[:0]), "empty-batch", call(MSE, X[:0], Y[:0], reduction="sum")),
    ("14", call(CE, LOGITS[:0], LABELS[:0]), "empty-batch",
     call(CE, LOGITS[:0], LABELS[:0], reduction="sum")),
    ("14", call("triplet_margin_loss", *[LOGITS[:0]] * 3), "empty-batch",
     call("triplet_margin_loss", *[LOGITS[:0]] * 3, reduction="none")),
    ("beyond", call("multi_margin_loss", LOGITS[:0], LABELS[:0], reduction="sum"), "empty-batch",
     call("multi_margin_loss", LOGITS[:0], LABELS[:0], reduction="none")),
    ("D5", call(MLSM, LOGITS.sigmoid().round(), LOGITS), "swapped",
     call(MLSM, LOGITS, LOGITS.sigmoid().round())),
]  # fmt: skip


MISTAKES = [*PAIRS, *ARGUMENTS, *NUMBERS]


@mistakes(MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(mistake, code, right):
    check(mistake, code, right)


COLUMN = X[:, None]
FINE = [
    ("a constant as target", call(MSE, COLUMN, T([1.0]))),
    ("a number as target", call(MSE, COLUMN, T(1.0))),
    ("one sample", call(MSE, COLUMN[:1], Y[:1])),
    ("one target for many guesses", call(MSE, LOGITS, Y[:, None])),
    ("one row for all", call(L1, LOGITS, LOGITS[0] + 1)),
    ("quantiles, all pairs", call(HUBER, LOGITS[:, :, None], LOGITS[:, None], reduction="none")),
    ("a table of costs", call(L1, LOGITS[:, None], LOGITS[:4] + 1, reduction="none")),
    ("all pairs, each axis in its place", call(MSE, LOGITS[:, None], LOGITS[None, :4])),
    ("weights of classes", call(MLSM, LOGITS, LOGITS.sigmoid().round(), weight=T([1.0, 2, 3]))),
    ("a class left out", call(LOGITS_BCE, LOGITS, LOGITS.sigmoid(), weight=T([[1.0, 0, 1]]))),
    ("a learned target", call(MSE, X, RAW)),
    ("both learned", call(POISSON, RAW, RAW.exp())),
    ("labels of another float", call(MSE, X, Y.double())),
    ("an infinite loss of masked logits", call(KL, LOGITS.log_softmax(1), LOGITS.softmax(1),
                                               reduction="none")),
    ("NaN where it is left out later", call(L1, X.log(), Y, reduction="none")),
    ("a large mean in half precision", call(L1, LARGE.half() * 200, X.half())),
]  # fmt: skip


@fine(FINE)
def test_what_only_looks_odd_is_left_alone(right):
    assert codes(*right) == []


def test_a_cure_for_pairs_is_one_number_less():
    (found,) = examine(POISSON, COLUMN, COUNT)
    assert "input (6, 1) and target (6,) are broadcast to (6, 6): 36 terms" in found.noticed
    # the slope that a fit finds on pairs is that of a constant
    inputs = torch.linspace(-1, 1, 50)[:, None]
    slope, targets = torch.zeros((), requires_grad=True), 3 * inputs[:, 0]
    ((slope * inputs - targets) ** 2).mean().backward()
    assert abs(slope.grad) < 1e-6


def test_legacy_arguments_by_their_values():
    assert legacy(None, None) is None
    assert "'mean'" in legacy(True, None)
    assert "'sum', although" not in legacy(False, None, "mean")
    assert "'sum'" in legacy(False, None)
    assert "'none', although reduction='sum'" in legacy(None, False, "sum")
    assert "'sum'" in legacy("sum", None)
    assert "a tensor" in legacy(T([1.0, 2.0]), None)


@pytest.mark.parametrize("loss", LEGACY)
def test_a_reduction_by_position_is_heard_in_every_loss(loss):
    names = {"size_average": "sum"}
    tensors = {"ctc_loss": None}.get(loss) or [X.sigmoid(), YES]
    if "margin_ranking" in loss or "cosine" in loss:
        tensors = [LOGITS[:, 0], LOGITS[:, 1], SIGNS]
    if "cosine" in loss:
        tensors = [LOGITS, LOGITS + 1, SIGNS]
    if "triplet" in loss:
        tensors = [LOGITS, LOGITS + 1, LOGITS.flip(0)]
    if loss in (CE, "nll_loss", "multi_margin_loss"):
        tensors = [LOGITS, LABELS]
    if loss == "multilabel_margin_loss":
        tensors = [LOGITS, T([[1, -1, -1]] * 6)]
    assert "legacy-arguments" in codes(loss, tensors, names)


def error(kind, loss, *args, **kwargs):
    return findings(Call(loss, args, kwargs, error=kind)).codes


def test_errors_that_only_a_gpu_raises():
    told = RuntimeError("torch.nn.functional.binary_cross_entropy are unsafe to autocast.")
    assert error(told, BCE, X.sigmoid(), YES) == ["autocast-refused"]
    told = RuntimeError("Expected all tensors to be on the same device")
    assert error(told, MSE, LOGITS, LOGITS.to("meta")) == ["devices-differ"]


STRANGE = [None, "sum", 1, 2.5, [1.0], X, LOGITS, LABELS, T(1.0), X[:0], YES.bool(), object(),
           X.to("meta"), LABELS.to("meta")]  # fmt: skip


@pytest.mark.parametrize("loss", FUNCTIONS)
def test_no_rule_fails_on_strange_arguments(loss):
    for first, second in itertools.product(STRANGE, repeat=2):
        for third in (None, "sum", X, T([3])):
            with warnings.catch_warnings(action="ignore"):
                ran = run(loss, (first, second, third), {})
            if ran.error or not any(value.is_meta for value in ran.tensors().values()):
                spoken_of_call(ran)  # it raises what a rule raises


def test_large_tensors_are_looked_at_in_part():
    large = torch.zeros(()).expand(10_000, 10_000)
    quick = Call(MSE, (large, large), {}, output=T(float("nan")))
    assert findings(quick) == []  # a pass over all entries would take seconds
