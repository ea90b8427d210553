"""The losses of regression against torch's, against fifty digits, and against each other."""

import math

import mpmath
import pytest
import torch
import torch.nn.functional as F
from accuracy import no_worse, side_by_side
from drawn import (
    DTYPES,
    HALF,
    REDUCTIONS,
    SINGLE,
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
from lossbook.verify import calls, choice, identity, positives, reals

FLAGS = choice(False, True)
FLAT = {"reduction": REDUCTIONS}


def pairs(dtype=DTYPES, **options):
    return (
        calls(
            laid_out(numbers("n:0-3? m:0-3", dtype=dtype)),
            laid_out(numbers("n? m:0-3", dtype=dtype)),
            **FLAT,
            **options,
        )
        | calls(numbers("", dtype=dtype), numbers("m?", dtype=dtype), **FLAT, **options)
        | calls(edges("m", dtype=dtype), edges("m", dtype=dtype), **FLAT, **options)
    )


def weighted(dtype):
    shapes = numbers("n m", dtype=dtype), numbers("n? m", dtype=dtype)
    return calls(*shapes, **FLAT, weight=weights("n m", dtype=dtype))


def gaussian(dtype, var):
    shapes = numbers("n m", dtype=dtype), numbers("n? m", dtype=dtype)
    return calls(*shapes, var, full=FLAGS, eps=choice(1e-6, 0.1), **FLAT)


# In half precision torch works in half precision, and 1/v² overflows: only ours is held to more.
VARIANCES = edges("m", dtype=SINGLE, among=(0.0, 1.0, 2.0, math.inf, math.nan))
CASES = {
    "l1_loss": pairs() | weighted(SINGLE),
    "mse_loss": pairs() | weighted(SINGLE),
    "smooth_l1_loss": pairs(beta=choice(1.0, 0.0, 0.5, 3)),
    "huber_loss": pairs(delta=choice(1.0, 0.5, 3)) | weighted(SINGLE),
    "gaussian_nll_loss": gaussian(SINGLE, weights("n m", dtype=SINGLE))
    | gaussian(SINGLE, weights("n", dtype=SINGLE))
    | gaussian(SINGLE, weights("n 1", dtype=SINGLE))
    | gaussian(SINGLE, choice(0.0, 0.5, 2.0))
    | calls(edges("m", dtype=SINGLE), edges("m", dtype=SINGLE), VARIANCES, **FLAT),
    # With `full`, torch's gradient by a target of 0 or below is NaN.
    "poisson_nll_loss": pairs(SINGLE, log_input=choice(True, False))
    | calls(
        numbers("n? m:0-3", dtype=SINGLE),
        positives("m:0-3", dtype=SINGLE),
        log_input=choice(True, False),
        full=True,
        **FLAT,
    ),
}


def ours(name):
    return getattr(lossbook, name)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name):
    agree(ours(name), getattr(F, name), CASES[name], count=200)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch_in_pieces(name, monkeypatch):
    monkeypatch.setattr(reduction, "PIECE", 2)
    agree(ours(name), getattr(F, name), CASES[name], count=60)


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "huber_loss"])
def test_weighted_in_half_precision(name):
    agree(ours(name), getattr(F, name), weighted(HALF), derivatives=1, count=50)


def test_dtypes_that_differ():
    for name in CASES:
        for a in (*DTYPES, torch.int64):
            for b in (*DTYPES, torch.int64):
                call = [torch.ones(2).to(a), torch.ones(2).to(b)]
                call += [torch.ones(2)] if name == "gaussian_nll_loss" else []
                try:
                    wanted = getattr(F, name)(*call).dtype
                except RuntimeError:
                    with pytest.raises(LossInputError):
                        ours(name)(*call)
                else:
                    assert ours(name)(*call).dtype == wanted, (name, a, b)


def test_absolute_error_of_whole_and_complex_numbers():
    whole = torch.tensor([1, -3]), torch.tensor([4, 4])
    assert lossbook.l1_loss(*whole, reduction="sum").item() == 10
    z = torch.tensor([3 + 4j, 0j], requires_grad=True)
    agree(lossbook.l1_loss, F.l1_loss, {"input": choice(z.detach()), "target": choice(z * 0)})


SMALL = {
    "l1_loss": (torch.nn.L1Loss, 2),
    "mse_loss": (torch.nn.MSELoss, 2),
    "smooth_l1_loss": (torch.nn.SmoothL1Loss, 2),
    "huber_loss": (torch.nn.HuberLoss, 2),
    "gaussian_nll_loss": (torch.nn.GaussianNLLLoss, 3),
    "poisson_nll_loss": (torch.nn.PoissonNLLLoss, 2),
}


@pytest.mark.parametrize("name", SMALL)
def test_module_of_torch_works_with_ours(name, monkeypatch):
    module, count = SMALL[name]
    modules_work(monkeypatch, name, module(), *(torch.rand(3, 2) for _ in range(count)))


# Planted faults: the same comparison sees each of them.


def wrong(terms, over="weight"):
    """A loss with the plain formula `terms`, to be wrong in one thing."""

    def loss(*tensors, reduction="mean", weight=None, **options):
        result = terms(*tensors, **options) * (1 if weight is None else weight)
        count = result.numel() if weight is None or over != "weight" else weight.sum()
        if over == "rows":
            count = result.shape[0] if result.ndim else 1
        return {"none": result, "sum": result.sum(), "mean": result.sum() / count}[reduction]

    return loss


def huber(x, y, delta=1.0):
    r = (x - y).abs()
    return torch.where(r <= delta, r * r / 2, delta * (r - delta / 2))


def smooth(x, y, beta=1.0):
    return huber(x, y, beta) / beta if beta else (x - y).abs()


def normal(x, y, v, full=False, eps=1e-6):
    # (clamp without its slope, as torch has it)
    v = v if isinstance(v, torch.Tensor) else torch.full_like(x, v)
    v = v[..., None] if v.ndim < x.ndim else v
    v = v + (v.clamp(min=eps) - v).detach()
    return 0.5 * (v.log() + (x - y) ** 2 / v) + full * 0.5 * math.log(2 * math.pi)


def stirling(k):
    return torch.where(k > 1, k * k.log() - k + 0.5 * (2 * math.pi * k).log(), 0)


def poisson(z, k, log_input=True, full=False, eps=1e-8):
    return (z.exp() - k * z if log_input else z - k * (z + eps).log()) + (
        stirling(k) if full else 0
    )


FAULTS = {
    "l1_loss": {
        "sign": wrong(lambda x, y: y - x),
        "square": wrong(lambda x, y: (x - y) ** 2),
        "mean over rows": wrong(lambda x, y: (x - y).abs(), over="rows"),
        "weighted mean over the count": wrong(lambda x, y: (x - y).abs(), over="count"),
        "slope 1 at a tie": wrong(lambda x, y: torch.where(x >= y, x - y, y - x)),
        "no gradient by target": wrong(lambda x, y: (x - y.detach()).abs()),
    },
    "mse_loss": {
        "no square": wrong(lambda x, y: (x - y).abs()),
        "half": wrong(lambda x, y: (x - y) ** 2 / 2),
        "mean over rows": wrong(lambda x, y: (x - y) ** 2, over="rows"),
        "weighted mean over the count": wrong(lambda x, y: (x - y) ** 2, over="count"),
        "no gradient by target": wrong(lambda x, y: (x - y.detach()) ** 2),
        "no second gradient": wrong(lambda x, y: (x - y) * (x - y).detach() * 2),
    },
    "smooth_l1_loss": {
        "huber": wrong(lambda x, y, beta=1.0: huber(x, y, beta or 1.0)),
        "beta ignored": wrong(lambda x, y, beta=1.0: smooth(x, y)),
        "no half": wrong(lambda x, y, beta=1.0: 2 * smooth(x, y, beta)),
        "jump at beta": wrong(lambda x, y, beta=1.0: smooth(x, y, beta) + ((x - y).abs() > beta)),
        "beta 0 is squared": wrong(lambda x, y, beta=1.0: smooth(x, y, beta or 1.0)),
        "mean over rows": wrong(smooth, over="rows"),
    },
    "huber_loss": {
        "smooth": wrong(lambda x, y, delta=1.0: huber(x, y, delta) / delta),
        "delta ignored": wrong(lambda x, y, delta=1.0: huber(x, y)),
        "weighted mean over the weights": wrong(huber),
        "no half": wrong(lambda x, y, delta=1.0: 2 * huber(x, y, delta), over="count"),
        "quadratic everywhere": wrong(lambda x, y, delta=1.0: (x - y) ** 2 / 2, over="count"),
        "weight ignored": lambda x, y, weight=None, **options: lossbook.huber_loss(x, y, **options),
    },
    "gaussian_nll_loss": {
        "deviation for variance": wrong(lambda x, y, v, **o: normal(x, y, v * v, **o)),
        "log of the deviation": wrong(lambda x, y, v, **o: 2 * normal(x, y, v, **o)),
        "constant left out": wrong(lambda x, y, v, full=False, **o: normal(x, y, v, **o)),
        "eps added": wrong(lambda x, y, v, full=False, eps=1e-6: normal(x, y, v + eps, full)),
        "slope of the clamp": wrong(
            lambda x, y, v, full=False, eps=1e-6: normal(
                x, y, torch.as_tensor(v).clamp(min=eps).expand_as(x), full
            )
        ),
        "mean over rows": wrong(normal, over="rows"),
    },
    "poisson_nll_loss": {
        "rate for its logarithm": wrong(lambda z, k, log_input=True, **o: poisson(z, k, True, **o)),
        "sign": wrong(lambda z, k, **o: -poisson(z, k, **o)),
        "no Stirling": wrong(lambda z, k, full=False, **o: poisson(z, k, **o)),
        "Stirling below 1": wrong(
            lambda z, k, full=False, **o: (
                poisson(z, k, **o) + full * (k * k.log() - k + 0.5 * (2 * math.pi * k).log())
            )
        ),
        "eps left out": wrong(lambda z, k, **o: poisson(z, k, eps=0, **o)),
        "mean over rows": wrong(poisson, over="rows"),
    },
}


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n in FAULTS for f in FAULTS[n]])
def test_planted_fault_is_caught(name, fault):
    catches(FAULTS[name][fault], getattr(F, name), CASES[name])


# Refusals

x = torch.ones(2, 3)
REFUSED = [
    ("l1_loss", (x, torch.ones(4)), {}, r"input \(2, 3\) and target \(4,\)"),
    ("l1_loss", (x, x), {"weight": torch.ones(3)}, r"weight has shape \(3,\) and input \(2, 3\)"),
    ("l1_loss", (x.long(), x.long()), {}, "whole numbers have no mean"),
    ("l1_loss", (x, x > 0), {}, "truth values have no difference"),
    ("mse_loss", (x, x), {"reduction": "average"}, r"reduction='average': use \"none\""),
    ("mse_loss", (x, x), {"reduction": None}, "reduction=None"),
    ("mse_loss", (x, 1.0), {}, "target is a float, and a tensor was expected"),
    ("mse_loss", (x.long(), x.long()), {}, "floating-point numbers were expected, got input"),
    ("mse_loss", (x + 0j, x), {}, "input holds torch.complex64"),
    ("mse_loss", (x, x.to("meta")), {}, "input is on cpu and target on meta"),
    ("smooth_l1_loss", (x, x), {"beta": -1.0}, "beta=-1.0: it is where the parabola ends"),
    ("smooth_l1_loss", (x, x), {"beta": "1"}, "beta='1': a number was expected"),
    ("huber_loss", (x, x), {"delta": 0.0}, "delta=0.0: .* must be positive"),
    ("huber_loss", (x.long(), x), {}, "floating-point numbers were expected"),
    ("huber_loss", (x, x), {"weight": torch.ones(3)}, "weight has shape"),
    ("gaussian_nll_loss", (x, x, -x), {}, "var is -1 somewhere"),
    ("gaussian_nll_loss", (x, x, -1.0), {}, "var is -1 somewhere"),
    ("gaussian_nll_loss", (x, x, torch.ones(3)), {}, r"var has shape \(3,\) and input \(2, 3\)"),
    ("gaussian_nll_loss", (x, x, torch.ones(1, 1)), {}, r"var has shape \(1, 1\)"),
    ("gaussian_nll_loss", (x, x, x), {"reduction": "all"}, "reduction='all'"),
    ("poisson_nll_loss", (x, x), {"reduction": "all"}, "reduction='all'"),
    ("poisson_nll_loss", (x, torch.ones(4)), {}, "the shapes do not go together"),
]


@pytest.mark.parametrize(("name", "args", "options", "says"), REFUSED)
def test_refuses(name, args, options, says):
    refuses(ours(name), getattr(F, name), args, options, says)


# Departures: what torch gets wrong


def test_mean_in_half_precision_does_not_overflow():
    x, zero = torch.full((2, 3), 250.0).half(), torch.zeros(2, 3).half()
    weight = torch.full((2, 3), 6e4).half()
    assert F.mse_loss(x, zero, weight=weight).isnan()
    assert lossbook.mse_loss(x, zero, weight=weight).item() == 62496  # the nearest to 62500
    assert lossbook.l1_loss(x, zero, weight=weight).item() == 250


def test_slope_by_a_count_of_zero():
    count = torch.tensor([0.0, 0.5, 4.0], requires_grad=True)
    lossbook.poisson_nll_loss(torch.zeros(3), count, full=True, reduction="sum").backward()
    assert torch.allclose(count.grad, torch.tensor([0, 0, math.log(4) + 1 / 8]))


def test_variance_of_zero_in_half_precision():
    x, v = torch.zeros(1).half(), torch.zeros(1, requires_grad=True, dtype=torch.float16)
    lossbook.gaussian_nll_loss(x, x, v).backward()
    assert v.grad.item() == math.inf  # 1 / 2e-6 is beyond float16


# Identities


def test_identities():
    pair = {"x": reals("n"), "y": reals("n")}
    delta = choice(1.0, 0.5, 3.0)
    identity(
        "Huber is δ times smooth L1",
        lambda x, y, d: lossbook.huber_loss(x, y, delta=d),
        lambda x, y, d: d * lossbook.smooth_l1_loss(x, y, beta=d),
        cases=50,
        d=delta,
        **pair,
    ).require()
    identity(
        "Gaussian of variance 1 is half the squared error",
        lambda x, y: lossbook.gaussian_nll_loss(x, y, torch.ones_like(x)),
        lambda x, y: lossbook.mse_loss(x, y) / 2,
        cases=50,
        **pair,
    ).require()


# Accuracy


def exact_huber(delta):
    half = mpmath.mpf(delta) / 2
    return lambda x, y: (x - y) ** 2 / 2 if abs(x - y) <= delta else delta * (abs(x - y) - half)


EXACT = {
    "l1_loss": (lambda x, y: abs(x - y), {}),
    "mse_loss": (lambda x, y: (x - y) ** 2, {}),
    "smooth_l1_loss": (lambda x, y: 2 * exact_huber(0.5)(x, y), {"beta": 0.5}),
    "huber_loss": (exact_huber(2.5), {"delta": 2.5}),
    "gaussian_nll_loss": (lambda x, y, v: (mpmath.log(v) + (x - y) ** 2 / v) / 2, {}),
    "poisson_nll_loss": (lambda z, k: mpmath.exp(z) - k * z, {}),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_accuracy(name, dtype):
    generator = torch.Generator().manual_seed(0)
    x, noise, v = torch.randn(3, 500, generator=generator, dtype=torch.float64)
    tensors = [3 * x, 3 * x + noise]
    if name == "gaussian_nll_loss":
        tensors.append(v.abs() + 0.01)
    if name == "poisson_nll_loss":
        tensors[1] = tensors[1].abs().round()
    exact, options = EXACT[name]
    tensors = [tensor.to(dtype) for tensor in tensors]
    # Where two large terms cancel, rounding either of them costs more than a few units.
    most = 1000 if "nll" in name and dtype in SINGLE else 2
    no_worse(*side_by_side(ours(name), getattr(F, name), exact, *tensors, **options), most=most)
