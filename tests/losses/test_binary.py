"""The binary losses and their functions against torch's, fifty digits, and each other."""

import functools
import itertools
import math

import mpmath
import pytest
import torch
import torch.nn.functional as F
from accuracy import accuracy, no_worse, side_by_side
from drawn import (
    DTYPES,
    HALF,
    REDUCTIONS,
    SINGLE,
    ULPS,
    agree,
    catches,
    edges,
    laid_out,
    modules_work,
    numbers,
    refuses,
    weights,
)

import lossbook
from lossbook import LossInputError
from lossbook.losses import reduction
from lossbook.verify import calls, choice, identity, probabilities, reals, signs
from lossbook.verify.domains import elements

FLAT = {"reduction": REDUCTIONS}
BCE, BCEL = "binary_cross_entropy", "binary_cross_entropy_with_logits"
SOFT, MULTI = "soft_margin_loss", "multilabel_soft_margin_loss"
SHAPE = "n:0-3? m:0-3"


def inner(shape, dtype):
    """Probabilities away from the ends, where torch's second derivatives are right."""
    return elements(shape, dtype, {"inner": lambda n: 0.5 + n / 250}, lambda x: None)


def answers(shape, dtype, *, ends=(0.0, 1.0)):
    return elements(shape, dtype, {"answers": lambda n: ends[n % len(ends)]}, lambda x: None)


def functions(**options):
    return calls(laid_out(numbers(SHAPE)), **options) | calls(edges("m"), **options)


def binary(input, target, dtype, weight="weight"):
    """Calls without a weight, and with one of every shape that broadcasts to input."""
    plain = calls(laid_out(input(SHAPE, dtype=dtype)), laid_out(target(SHAPE, dtype=dtype)), **FLAT)
    pair = input("n m", dtype=dtype), target("n m", dtype=dtype)
    weighted = [
        calls(*pair, **FLAT, **{weight: weights(shape, dtype=dtype)})
        for shape in ("n m", "m", "n 1", "1", "")
    ]
    return functools.reduce(lambda a, b: a | b, weighted, plain)


def broadcasting(*targets, weight=None, dtype=SINGLE, input="n? m"):
    options = {} if weight is None else {"weight": weights(weight, dtype=dtype)}
    found = [
        calls(numbers(input, dtype=dtype), signs(shape, dtype=dtype), **FLAT, **options)
        for shape in targets
    ]
    return functools.reduce(lambda a, b: a | b, found)


CALM = (0.0, 1.0, -1.0, 80.0, -80.0, 1e-30, 0.5, torch.nan)
LABELLED = "n:0-3? m:1-3"
CASES = {
    "sigmoid": functions(),
    "logsigmoid": functions(),
    "softplus": functions(beta=choice(1, 1.9, 0.5, -1), threshold=choice(20, 1.03)),
    "binary_cross_entropy": binary(inner, probabilities, SINGLE),
    "binary_cross_entropy_with_logits": binary(numbers, probabilities, SINGLE)
    | binary(numbers, probabilities, SINGLE, weight="pos_weight")
    | calls(edges("m", dtype=SINGLE), answers("m", SINGLE), **FLAT),
    # torch has no right gradient where −yx is above 88.
    "soft_margin_loss": broadcasting("n? m", "m", "1", "")
    | calls(edges("m", dtype=SINGLE, among=CALM), answers("m", SINGLE, ends=(-1.0, 1.0)), **FLAT)
    | calls(numbers("m", dtype=SINGLE), numbers("m", dtype=SINGLE), **FLAT),
    "multilabel_soft_margin_loss": broadcasting("n? m", "m", "n 1", "")
    | broadcasting("n m", weight="m")
    | broadcasting("n m", weight="n 1")
    | broadcasting("m", weight="n m", input="m")
    | calls(numbers(LABELLED, dtype=SINGLE), probabilities(LABELLED, dtype=SINGLE), **FLAT),
}
# Where torch's second derivatives are none to compare with: in half precision they are made of
# rounded ones, and beside 0 and 1 they are another formula's (see the departures).
FIRST = {
    "binary_cross_entropy": binary(probabilities, probabilities, SINGLE)
    | binary(inner, probabilities, HALF),
    "binary_cross_entropy_with_logits": binary(numbers, probabilities, HALF)
    | binary(numbers, probabilities, HALF, weight="pos_weight"),
    "soft_margin_loss": broadcasting("n? m", "m", dtype=HALF),
    "multilabel_soft_margin_loss": broadcasting("n m", weight="m", dtype=HALF)
    | calls(numbers(LABELLED, dtype=HALF), probabilities(LABELLED, dtype=HALF), **FLAT)
    | calls(edges("m", dtype=SINGLE), answers("m", SINGLE, ends=(0.0, 1.0, 0.5)), **FLAT),
}
LOSSES = list(FIRST)
# torch adds 1e-12 in its second derivative, and counts 1e-12 as 0.999999996e-12 in its first.
WIDE = {"binary_cross_entropy": {"ulps": {**ULPS, torch.float64: 2**28}}}


def ours(name):
    return getattr(lossbook, name)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name):
    agree(ours(name), getattr(F, name), CASES[name], count=100, **WIDE.get(name, {}))


@pytest.mark.parametrize("name", FIRST)
def test_agrees_with_torch_in_its_gradient(name):
    options = WIDE.get(name, {})
    agree(ours(name), getattr(F, name), FIRST[name], derivatives=1, count=60, **options)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch_in_pieces(name, monkeypatch):
    monkeypatch.setattr(reduction, "PIECE", 2)
    agree(ours(name), getattr(F, name), CASES[name], count=30, **WIDE.get(name, {}))


def test_dtypes_that_differ():
    for name, a, b in itertools.product(LOSSES, *[(*DTYPES, torch.int64, torch.bool)] * 2):
        pair = torch.ones(2).to(a), torch.ones(2).to(b)
        for options in ({}, {"weight": torch.ones(2).double()}, {"pos_weight": torch.ones(2)}):
            try:
                wanted = getattr(F, name)(*pair, **options).dtype
            except RuntimeError:
                with pytest.raises(LossInputError):
                    ours(name)(*pair, **options)
            except TypeError:
                continue
            else:
                assert ours(name)(*pair, **options).dtype == wanted, (name, a, b)


def test_sigmoid_of_whole_and_complex_numbers():
    for x in (torch.arange(-3, 4), torch.tensor([True]), torch.tensor([1 + 2j, -3j])):
        torch.testing.assert_close(lossbook.sigmoid(x), x.sigmoid())
    z = torch.tensor([1 + 2j], requires_grad=True)
    slopes = [
        torch.autograd.grad(f(z).abs().sum(), z)[0] for f in (lossbook.sigmoid, torch.sigmoid)
    ]
    torch.testing.assert_close(*slopes)


MODULES = {
    "logsigmoid": torch.nn.LogSigmoid(),
    "softplus": torch.nn.Softplus(2, 10),
    "binary_cross_entropy": torch.nn.BCELoss(weight=torch.rand(2)),
    "binary_cross_entropy_with_logits": torch.nn.BCEWithLogitsLoss(pos_weight=torch.rand(2)),
    "soft_margin_loss": torch.nn.SoftMarginLoss(),
    "multilabel_soft_margin_loss": torch.nn.MultiLabelSoftMarginLoss(weight=torch.rand(2)),
}


@pytest.mark.parametrize("name", MODULES)
def test_module_of_torch_works_with_ours(name, monkeypatch):
    tensors = torch.rand(3, 2), torch.rand(3, 2)
    modules_work(monkeypatch, name, MODULES[name], *tensors[: 1 + (name in LOSSES)])


@pytest.mark.parametrize("name", [*LOSSES, "sigmoid", "logsigmoid", "softplus"])
def test_second_derivatives(name):
    torch.manual_seed(0)
    x, y, w = torch.rand(3, 4, 3, dtype=torch.float64).requires_grad_()
    tensors = {BCE: (x, y), BCEL: (x, y), SOFT: (x,), MULTI: (x, y, w)}.get(name, (x,))
    rest = [y.detach().round() * 2 - 1] if name == SOFT else []
    options = {"pos_weight": w.detach()} if name == BCEL else {}
    assert torch.autograd.gradgradcheck(lambda *z: ours(name)(*z, *rest, **options), tensors)


@pytest.mark.parametrize("dtype", SINGLE)
def test_second_derivatives_of_certain_probabilities(dtype):
    p = torch.tensor([0, 0, 0, 1, 1, 1], dtype=dtype, requires_grad=True)
    y = torch.tensor([0, 0.5, 1, 0, 0.5, 1], dtype=dtype)
    found = []
    for loss in (lossbook.binary_cross_entropy, F.binary_cross_entropy):
        (first,) = torch.autograd.grad(loss(p, y, reduction="sum"), p, create_graph=True)
        found.append(torch.autograd.grad(first.sum(), p)[0])
    torch.testing.assert_close(*found)


# Planted faults: the same comparison sees each of them.


def wrong(terms, *, over="count"):
    """A loss with the plain formula `terms`, to be wrong in one thing."""

    def loss(*tensors, reduction="mean", weight=None, **options):
        result = terms(*tensors, **options) * (1 if weight is None else weight)
        count = result.numel() if weight is None or over != "weight" else weight.sum()
        if over == "rows":
            count = result.shape[0] if result.ndim else 1
        return {"none": result, "sum": result.sum(), "mean": result.sum() / count}[reduction]

    return loss


def rows(terms, *, mean=True, weighted=True):
    """A loss over labels, likewise."""

    def loss(x, y, *, weight=None, reduction="mean"):
        result = terms(x, y) * (1 if weight is None or not weighted else weight)
        result = result.sum(x.ndim - 1) / (x.shape[-1] if mean else 1)
        return {"none": result, "sum": result.sum(), "mean": result.mean()}[reduction]

    return loss


def bce(p, y):
    return -(y * p.log().clamp(min=-100) + (1 - y) * (1 - p).log().clamp(min=-100))


def logits(x, y, pos_weight=1):
    return (1 - y) * x - (1 + (pos_weight - 1) * y) * F.logsigmoid(x)


def margin(x, y):
    return -F.logsigmoid(x * y)


def function(f):
    return lambda x, beta=1, threshold=20: f(x, beta, threshold)


FAULTS = {
    "sigmoid": {
        "sign": lambda x: torch.sigmoid(-x),
        "doubled": lambda x: torch.sigmoid(2 * x),
        "tanh": torch.tanh,
        "overflow": lambda x: x.exp() / (1 + x.exp()),
        "no gradient through the exponential": lambda x: torch.sigmoid(x.detach()) + 0 * x,
        "logarithm": F.logsigmoid,
    },
    "logsigmoid": {
        "sign": lambda x: F.softplus(-x),
        "mirrored": lambda x: F.logsigmoid(-x),
        "overflow": lambda x: -(1 + (-x).exp()).log(),
        "log of the rounded sigmoid": lambda x: torch.sigmoid(x).log(),
        "slope 0 at 0": lambda x: x.clamp(max=0) - (-x.abs()).exp().log1p(),
        "base 2": lambda x: F.logsigmoid(x) / math.log(2),
    },
    "softplus": {
        "beta ignored": function(lambda x, b, t: F.softplus(x, 1, t)),
        "threshold ignored": function(lambda x, b, t: F.softplus(x, b, 20)),
        "not divided by beta": function(lambda x, b, t: F.softplus(x, b, t) * b),
        "threshold before beta": function(lambda x, b, t: F.softplus(x, b, t * b)),
        "sign": function(lambda x, b, t: F.softplus(-x, b, t)),
        "linear beyond 0": function(lambda x, b, t: F.softplus(x, b, 0)),
    },
    "binary_cross_entropy": {
        "sign": wrong(lambda p, y: -bce(p, y)),
        "answers exchanged": wrong(lambda p, y: bce(p, 1 - y)),
        "half of it": wrong(lambda p, y: -y * p.log().clamp(min=-100)),
        "weighted mean over the weights": wrong(bce, over="weight"),
        "mean over rows": wrong(bce, over="rows"),
        "no gradient by target": wrong(lambda p, y: bce(p, y.detach())),
    },
    "binary_cross_entropy_with_logits": {
        "overflow": wrong(lambda x, y, **o: bce(torch.sigmoid(x), y)),
        "second sigmoid": wrong(lambda x, y, **o: logits(torch.sigmoid(x), y, **o)),
        "pos_weight ignored": wrong(lambda x, y, **o: logits(x, y)),
        "pos_weight on both": wrong(lambda x, y, pos_weight=1: pos_weight * logits(x, y)),
        "pos_weight on the no": wrong(
            lambda x, y, pos_weight=1: logits(-x, 1 - y, pos_weight=pos_weight)
        ),
        "weighted mean over the weights": wrong(logits, over="weight"),
        "mean over rows": wrong(logits, over="rows"),
        "no gradient by target": wrong(lambda x, y, **o: logits(x, y.detach(), **o)),
    },
    "soft_margin_loss": {
        "sign": wrong(lambda x, y: margin(-x, y)),
        "answers 0 and 1": wrong(lambda x, y: logits(x, y)),
        "hinge": wrong(lambda x, y: (1 - x * y).clamp(min=0)),
        "target ignored": wrong(lambda x, y: margin(x, torch.ones_like(y))),
        "slope 0 at 0": wrong(lambda x, y: (-x * y).clamp(min=0) + (-(x * y).abs()).exp().log1p()),
        "mean over rows": wrong(margin, over="rows"),
    },
    "multilabel_soft_margin_loss": {
        "sign": rows(lambda x, y: logits(-x, y)),
        "sum over labels": rows(logits, mean=False),
        "weight ignored": rows(logits, weighted=False),
        "no labels kept apart": wrong(logits),
        "only the yes": rows(lambda x, y: -y * F.logsigmoid(x)),
        "no gradient by target": rows(lambda x, y: logits(x, y.detach())),
    },
}


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n in FAULTS for f in FAULTS[n]])
def test_planted_fault_is_caught(name, fault):
    catches(FAULTS[name][fault], getattr(F, name), CASES[name], **WIDE.get(name, {}))


# Refusals

x = torch.full((2, 3), 0.5)
learnt = torch.ones(3, requires_grad=True)
REFUSED = [
    ("sigmoid", (0.5,), {}, "input is a float, and a tensor was expected"),
    ("logsigmoid", (x.long(),), {}, r"input holds torch.int64 numbers, .*: input.float\(\)"),
    ("logsigmoid", (x + 0j,), {}, "input holds torch.complex64"),
    ("softplus", (x > 0,), {}, "input holds torch.bool"),
    ("softplus", (x,), {"beta": "1"}, "beta='1': a number was expected"),
    ("softplus", (x,), {"threshold": None}, "threshold=None: a number was expected"),
    (BCE, (x, x[0]), {}, r"input has shape \(2, 3\) and target \(3,\)"),
    (BCE, (x, x.double()), {}, "input holds torch.float32 numbers and target torch.float64"),
    (BCE, (x, x.long()), {}, "target holds torch.int64"),
    (BCE, (x * 4, x), {}, "input holds 2, and numbers from 0 to 1 were expected; for logits use"),
    (BCE, (x * torch.nan, x), {}, "input holds nan"),
    (BCE, (x, -x), {}, "target holds -0.5"),
    (BCE, (x, x), {"weight": torch.ones(2)}, r"the shapes do not go together: .*weight \(2,\)"),
    (BCE, (x, x), {"weight": torch.ones(2, 2, 3)}, "weight has shape .* does not fit into that of"),
    (BCE, (x, x), {"weight": learnt}, r"weight asks for a gradient, .*: weight.detach\(\)"),
    (BCE, (x, x), {"weight": 2.0}, "weight is a float"),
    (BCE, (x, x), {"reduction": "batchmean"}, "reduction='batchmean'"),
    (BCE, (x, x.to("meta")), {}, "input is on cpu and target on meta"),
    (BCEL, (x, x[:, :1]), {}, r"input has shape \(2, 3\) and target \(2, 1\)"),
    (BCEL, (x, x.long()), {}, r"target holds torch.int64 numbers, .*: target.float\(\)"),
    (BCEL, (x, x), {"pos_weight": torch.ones(2)}, r"pos_weight \(2,\)"),
    (BCEL, (x, x), {"pos_weight": learnt}, "pos_weight asks for a gradient"),
    (BCEL, (x, x), {"pos_weight": 2.0}, "pos_weight is a float"),
    (BCEL, (x, x), {"pos_weight": learnt > 0}, "pos_weight holds truth values"),
    (BCEL, (x, x), {"weight": learnt + 0j}, "weight holds torch.complex64"),
    (BCEL, (x, x), {"reduction": None}, "reduction=None"),
    (SOFT, (x.long(), x), {}, "input holds torch.int64"),
    (SOFT, (x[0], x), {}, r"target has shape \(2, 3\), which does not fit into that of input"),
    (SOFT, (x, learnt), {}, "target asks for a gradient"),
    (SOFT, (x, 1.0), {}, "target is a float"),
    (MULTI, (x[0, 0], x), {}, "input is a single number, and one a label was expected"),
    (MULTI, (x, x > 0), {}, "target holds torch.bool"),
    (MULTI, (x.long(), x), {}, "input holds torch.int64"),
    (MULTI, (x, torch.ones(4)), {}, "the shapes do not go together"),
    (MULTI, (x, x), {"weight": torch.ones(2)}, "the shapes do not go together"),
    (MULTI, (x, x), {"reduction": "all"}, "reduction='all'"),
]


@pytest.mark.parametrize(("name", "args", "options", "says"), REFUSED)
def test_refuses(name, args, options, says):
    refuses(ours(name), getattr(F, name), args, options, says)


def test_weight_that_learns_is_welcome_without_gradients():
    with torch.no_grad():
        assert lossbook.binary_cross_entropy(x, x, weight=learnt) == F.binary_cross_entropy(x, x)


# Departures: what torch gets wrong


def slope(loss, value, answer, dtype=torch.float32, **options):
    """The loss of one number, and its slope."""
    x = torch.tensor([value], dtype=dtype, requires_grad=True)
    result = loss(x, torch.tensor([answer], dtype=dtype), **options)
    return result.item(), torch.autograd.grad(result, x)[0].item()


def test_soft_margin_does_not_overflow():
    assert slope(F.soft_margin_loss, -89.0, 1.0)[0] == math.inf
    assert slope(lossbook.soft_margin_loss, -89.0, 1.0) == (89.0, -1.0)
    assert slope(lossbook.soft_margin_loss, -1e38, 1.0) == (pytest.approx(1e38), -1.0)
    assert slope(lossbook.soft_margin_loss, -math.inf, 1.0) == (math.inf, -1.0)


def test_a_confident_right_answer_costs_something():
    for x, y in ((-20.0, 0.0), (20.0, 1.0)):
        loss = slope(lossbook.binary_cross_entropy_with_logits, x, y)[0]
        assert loss == pytest.approx(math.exp(-20), rel=1e-6)
    assert slope(F.binary_cross_entropy_with_logits, -20.0, 0.0)[0] == 0


def test_logit_of_minus_infinity_and_an_undecided_answer():
    assert math.isnan(slope(F.binary_cross_entropy_with_logits, -math.inf, 0.5)[0])
    assert slope(lossbook.binary_cross_entropy_with_logits, -math.inf, 0.5) == (math.inf, -0.5)


def test_certain_answer_in_half_precision():
    half = torch.float16  # where torch's 1e-12 is 0
    assert math.isnan(slope(F.binary_cross_entropy, 0.0, 0.0, half)[1])
    assert slope(lossbook.binary_cross_entropy, 0.0, 0.0, half)[1] == 0


def test_softplus_with_a_far_threshold():
    x = torch.tensor([89.0], requires_grad=True)
    slopes = [
        torch.autograd.grad(f(x, 1, 1000), x)[0].item() for f in (F.softplus, lossbook.softplus)
    ]
    assert math.isnan(slopes[0])
    assert slopes[1] == 1


def test_mean_in_half_precision_does_not_overflow():
    x = torch.full((2, 3), 6e4).half()
    for name in (BCEL, SOFT, MULTI):
        assert ours(name)(x, torch.full_like(x, -1.0 if name == SOFT else 0.0)).item() == 6e4


# Identities


def test_identities():
    x, y = reals("n"), probabilities("n")
    bce_logits = lossbook.binary_cross_entropy_with_logits
    for name, left, right, domains in [
        (
            "with logits is without, of the sigmoid",
            lambda x, y: bce_logits(x.clamp(-10, 10), y),
            lambda x, y: lossbook.binary_cross_entropy(lossbook.sigmoid(x.clamp(-10, 10)), y),
            {"x": x, "y": y},
        ),
        (
            "softplus less a product",
            lambda x, y: bce_logits(x, y),
            lambda x, y: (-lossbook.logsigmoid(-x) - x * y).mean(),
            {"x": x, "y": y},
        ),
        (
            "soft margin is BCE of the signs",
            lambda x, s: lossbook.soft_margin_loss(x, s),
            lambda x, s: bce_logits(x, (1 + s) / 2),
            {"x": x, "s": signs("n")},
        ),
        (
            "multilabel is the mean of BCE",
            lambda x, y: lossbook.multilabel_soft_margin_loss(x, y),
            bce_logits,
            {"x": x, "y": y},
        ),
        (
            "softplus is −log σ(−x)",
            lambda x: lossbook.softplus(x.clamp(max=30), threshold=50),
            lambda x: -lossbook.logsigmoid(-x.clamp(max=30)),
            {"x": x},
        ),
    ]:
        ulps = 2**16 if name.startswith("with") else None
        identity(name, left, right, cases=40, ulps=ulps, **domains).require()


# Accuracy


def log_sigma(x):
    return -mpmath.log1p(mpmath.exp(-x)) if x > -1000 else x - mpmath.exp(x)


def exact_bce(p, y):
    def log(p):
        return max(mpmath.log(p), -100) if p else mpmath.mpf(-100)

    return -(y * log(p) + (1 - y) * max(mpmath.log1p(-p), -100))


def exact_logits(x, y):
    return -(y * log_sigma(x) + (1 - y) * log_sigma(-x))


def exact_labels(x, y):
    return sum(map(exact_logits, x, y)) / len(x)


def hard(dtype, count=300):
    """Logits from −1e4 to 1e4, many of them small, all as numbers of a dtype."""
    generator = torch.Generator().manual_seed(0)
    size = torch.linspace(-6, 4, count, dtype=torch.float64)
    sign = torch.randint(2, (count,), generator=generator) * 2 - 1
    answer = torch.rand(count, generator=generator, dtype=torch.float64)
    answer = torch.where(torch.arange(count) % 3 == 0, answer, (answer > 0.5).double())
    return (sign * 10**size).to(dtype), answer.to(dtype)


EXACT = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "logsigmoid": log_sigma,
    "softplus": lambda x: x if x > 20 else -log_sigma(-x),
    BCE: exact_bce,
    BCEL: exact_logits,
    SOFT: lambda x, y: -log_sigma(x * y),
    MULTI: exact_labels,
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_accuracy(name, dtype):
    x, y = hard(dtype)
    if name == BCE:  # probabilities down to the smallest, and as near to 1
        size = torch.linspace(-323 if dtype == torch.float64 else -45, 0, len(x)).double()
        p = 10**size
        x = torch.where(torch.arange(len(x)) % 2 == 0, p, 1 - p).to(dtype)
    if name == SOFT:
        y = torch.where(y > 0.5, 1, -1).to(dtype)
    if name == MULTI:
        x, y = x.reshape(-1, 4), y.reshape(-1, 4)
    if name in LOSSES:
        pair = side_by_side(ours(name), getattr(F, name), EXACT[name], x, y)
    else:
        truth = [EXACT[name](mpmath.mpf(value)) for value in x.tolist()]
        pair = [accuracy(f(x), truth) for f in (ours(name), getattr(F, name))]
    if name == "sigmoid":
        # The same operations as torch's: they part where two exponentials do, by half a unit; and
        # below −87 in float32 by less than the smallest normal number is worth.
        assert pair[0].largest <= pair[1].largest + 0.5, pair
        assert pair[0].median <= 0.5, pair
    else:
        no_worse(*pair, most=2)


def answers(dtype):
    """Ordinary logits, probabilities and answers."""
    generator = torch.Generator().manual_seed(0)
    x = (4 * torch.randn(400, generator=generator, dtype=torch.float64)).to(dtype)
    p, y = torch.rand(2, 400, generator=generator, dtype=torch.float64).to(dtype)
    return x, p, y


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["sigmoid", "logsigmoid", "softplus", BCE])
def test_accuracy_of_ordinary_answers(name, dtype):
    x, p, y = answers(dtype)
    if name == BCE:
        mine, torchs = side_by_side(ours(name), getattr(F, name), EXACT[name], p, y)
    else:
        truth = [EXACT[name](mpmath.mpf(value)) for value in x.tolist()]
        mine, torchs = (accuracy(f(x), truth) for f in (ours(name), getattr(F, name)))
    # Either is a handful of roundings; which of them is the nearer by half a unit is chance.
    assert mine.largest <= torchs.largest + 0.5, (mine, torchs)
    assert mine.median <= torchs.median + 0.05, (mine, torchs)
