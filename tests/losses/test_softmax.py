"""Softmax, its logarithm and log-sum-exp against torch's, and against fifty digits."""

import mpmath
import pytest
import torch
import torch.nn.functional as F
from accuracy import accuracy, bare, no_worse
from drawn import (
    DTYPES,
    HALF,
    SINGLE,
    agree,
    catches,
    edges,
    laid_out,
    modules_work,
    numbers,
    refuses,
)

import lossbook
from lossbook.losses import reduction
from lossbook.verify import calls, choice, identity, logits, reals

# Infinities of one sign with a finite number, and so on: rows of two to four.
EDGES = (0.0, 1.0, -torch.inf, -torch.inf, torch.inf, torch.nan, 1e4, -1e4)
ROW = choice(0, -1)
KEEP = choice(False, True)


def cases(dtype=SINGLE, **options):
    return (
        calls(laid_out(logits("n m:0-4", dtype=dtype)), dim=choice(0, 1, -1, -2), **options)
        | calls(laid_out(logits("n m k", dtype=dtype)), dim=choice(0, 1, 2), **options)
        | calls(logits("m", dtype=dtype), dim=ROW, **options)
        | calls(logits("", dtype=dtype), dim=ROW, **options)
        | calls(edges("n m", dtype=dtype, among=EDGES), dim=1, **options)
    )


DIMS = choice((0, 1), [2], (0, 2), (-1, -2, 0), 1)
IMPLICIT = calls(logits("n? m? k? l?"))
CAST = calls(
    laid_out(logits("n m", dtype=(*DTYPES, torch.int64))), dim=1, dtype=choice(*DTYPES, None)
)
HALVES = calls(laid_out(numbers("n m:0-4", dtype=HALF)), dim=choice(0, 1)) | calls(
    edges("n m", dtype=HALF, among=EDGES[:6]), dim=1
)
CASES = {
    "softmax": cases() | IMPLICIT,
    "log_softmax": cases() | IMPLICIT,
    "logsumexp": cases(keepdim=KEEP)
    | calls(laid_out(logits("n m k:0-3", dtype=(*SINGLE, torch.int64))), dim=DIMS, keepdim=KEEP),
}
TORCHS = {"softmax": F.softmax, "log_softmax": F.log_softmax, "logsumexp": torch.logsumexp}


def ours(name):
    return getattr(lossbook, name)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name):
    agree(ours(name), TORCHS[name], CASES[name], count=250)
    # Torch forms its slopes from results that are rounded to half precision.
    agree(ours(name), TORCHS[name], HALVES, count=60, derivatives=1, scale=4)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_converts(name):
    agree(ours(name), TORCHS[name], CAST, count=100, derivatives=0)
    z = torch.randn(2, 3).half().requires_grad_()
    for loss in (ours(name), TORCHS[name]):
        (by_z,) = torch.autograd.grad(loss(z, 1, dtype=torch.float32)[:, 0].sum(), z)
        assert by_z.dtype == torch.float16


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch_in_pieces(name, monkeypatch):
    monkeypatch.setattr(reduction, "PIECE", 2)
    agree(ours(name), TORCHS[name], CASES[name], count=60)


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives(name):
    z = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    for dim in (0, 1):
        assert torch.autograd.gradcheck(lambda z, dim=dim: ours(name)(z, dim), z)
        assert torch.autograd.gradgradcheck(lambda z, dim=dim: ours(name)(z, dim), z)


@pytest.mark.parametrize(
    ("name", "module"), [("softmax", torch.nn.Softmax), ("log_softmax", torch.nn.LogSoftmax)]
)
def test_module_of_torch_works_with_ours(name, module, monkeypatch):
    modules_work(monkeypatch, name, module(1), torch.randn(3, 4))


# Planted faults


def soft(z, dim=None, dtype=None, shift=True):
    z = z if dtype is None else z.to(dtype)
    e = (z - z.detach().amax(dim, keepdim=True) if shift else z).exp()
    return e / e.sum(dim, keepdim=True)


def lse(z, dim, keepdim=False, shift=True):
    m = z.detach().amax(dim, keepdim=True)
    m = torch.where(m.isinf(), 0, m) if shift else 0 * m
    result = (z - m).exp().sum(dim, keepdim=True).log() + m
    return result if keepdim else result.sum(dim)


def log_soft(z, dim=None, dtype=None):
    z = z if dtype is None else z.to(dtype)
    return z - lse(z, dim, True)


FAULTS = {
    "softmax": {
        "no shift": lambda z, dim=None, dtype=None: soft(z, dim, dtype, shift=False),
        "always over the last": lambda z, dim=None, dtype=None: soft(z, -1, dtype),
        "sign": lambda z, dim=None, dtype=None: soft(-z, dim, dtype),
        "not normalised": lambda z, dim=None, dtype=None: (z - z.amax(dim, keepdim=True)).exp(),
        "base 2": lambda z, dim=None, dtype=None: soft(z * 0.6931, dim, dtype),
        "dtype ignored": lambda z, dim=None, dtype=None: soft(z, dim),
        "sum detached": lambda z, dim=None, dtype=None: (
            soft(z, dim, dtype) * soft(z, dim).detach() / soft(z, dim)
        ),
    },
    "log_softmax": {
        "log of softmax": lambda z, dim=None, dtype=None: soft(z, dim, dtype).log(),
        "always over the last": lambda z, dim=None, dtype=None: log_soft(z, -1, dtype),
        "softmax": soft,
        "shift alone": lambda z, dim=None, dtype=None: z - z.amax(dim, keepdim=True),
        "base 2": lambda z, dim=None, dtype=None: log_soft(z, dim, dtype) / 0.6931,
        "slope forgotten": lambda z, dim=None, dtype=None: z - lse(z, dim, True).detach(),
    },
    "logsumexp": {
        "no shift": lambda z, dim, keepdim=False: lse(z, dim, keepdim, shift=False),
        "the largest": lambda z, dim, keepdim=False: z.amax(dim, keepdim),
        "the mean": lambda z, dim, keepdim=False: z.exp().mean(dim, keepdim).log(),
        "keepdim ignored": lambda z, dim, keepdim=False: lse(z, dim),
        "no logarithm": lambda z, dim, keepdim=False: lse(z, dim, keepdim).exp(),
        "one dimension": lambda z, dim, keepdim=False: lse(z, 0, keepdim),
    },
}


FAULTY = {
    "softmax": cases() | CAST,
    "log_softmax": cases() | CAST,
    "logsumexp": CASES["logsumexp"],
}


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n in FAULTS for f in FAULTS[n]])
def test_planted_fault_is_caught(name, fault):
    catches(FAULTS[name][fault], TORCHS[name], FAULTY[name])


def test_the_faults_are_not_in_the_harness():
    plain = calls(logits("n m"), dim=choice(0, 1))
    for name, right in {"softmax": soft, "log_softmax": log_soft, "logsumexp": lse}.items():
        agree(right, TORCHS[name], plain, count=50)


# Refusals

x = torch.ones(2, 3)
REFUSED = [
    ("softmax", (x, 2), {}, r"dim=2 does not fit input, which has shape \(2, 3\)"),
    ("softmax", (x, "a"), {}, "dim='a' does not fit"),
    ("softmax", (x, (0, 1)), {}, r"dim=\(0, 1\) does not fit"),
    ("softmax", (x.long(), 1), {}, "floating-point numbers were expected"),
    ("softmax", (x + 0j, 1), {}, "input holds torch.complex64"),
    ("softmax", (x, 1), {"dtype": torch.int64}, "floating-point numbers were expected"),
    ("softmax", ([1.0], 0), {}, "input is a list"),
    ("log_softmax", (x, -3), {}, "give a whole number from -2 to 1"),
    ("log_softmax", (x.long(), 1), {}, "floating-point numbers were expected"),
    ("log_softmax", (x > 0, 1), {}, "floating-point numbers were expected"),
    ("logsumexp", (x, 2), {}, "dim=2 does not fit"),
    ("logsumexp", (x, None), {}, "dim=None does not fit"),
    ("logsumexp", (x, 1.0), {}, "dim=1.0 does not fit"),
    ("logsumexp", (x, (0, 0)), {}, "name each dimension to sum over once"),
    ("logsumexp", (x, ()), {}, "at least one"),
]


@pytest.mark.parametrize(("name", "args", "options", "says"), REFUSED)
def test_refuses(name, args, options, says):
    refuses(ours(name), TORCHS[name], args, options, says)


def test_warning_names_the_caller():
    with pytest.warns(UserWarning, match="softmax without dim: 1 is taken") as caught:
        lossbook.softmax(x)
    assert caught[0].filename == __file__


# Identities


def test_identities():
    z = logits("rows classes")
    for name, left, right in [
        ("sums to 1", lambda z: ours("softmax")(z, 1).sum(1), lambda z: torch.ones(len(z))),
        (
            "a shift changes nothing",
            lambda z: lossbook.softmax(z + 0.5, 1),
            lambda z: lossbook.softmax(z, 1),
        ),
        (
            "its logarithm",
            lambda z: lossbook.log_softmax(z, 1).exp(),
            lambda z: lossbook.softmax(z, 1),
        ),
        (
            "log p = z − lse z",
            lambda z: lossbook.log_softmax(z, 1) + lossbook.logsumexp(z, 1, True),
            lambda z: z,
        ),
    ]:
        identity(name, left, right, z=z, cases=50, ulps=2**14).require()
    identity(
        "two classes: a sigmoid",
        lambda z: lossbook.softmax(torch.stack([z, 0 * z]), 0)[0],
        lambda z: z.sigmoid(),
        z=reals("n"),
        cases=50,
        ulps=2**14,
    ).require()


# Accuracy


def exact(name, row):
    row = bare(row)
    largest = max(row)
    exponentials = [mpmath.exp(z - largest) for z in row]
    others = mpmath.fsum(sorted(exponentials)[:-1])
    if name == "softmax":
        return [e / (1 + others) for e in exponentials]
    log_total = mpmath.log1p(others)
    return [largest + log_total] if name == "logsumexp" else [z - largest - log_total for z in row]


def hard_rows(dtype):
    """Ordinary logits, large, nearly equal, and very confident ones."""
    z = torch.randn(4, 20, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    large, near, confident = 1e4 * z[1].clamp(-1, 1), 1 + 1e-4 * z[2], z[3]
    confident[:, 3] += 20
    return torch.cat([3 * z[0], large, near, confident]).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", TORCHS)
def test_accuracy(name, dtype):
    z = hard_rows(dtype)
    truth = [value for row in z.tolist() for value in exact(name, row)]
    both = [accuracy(loss(z, dim=1), truth) for loss in (ours(name), TORCHS[name])]
    most = 2 if name == "logsumexp" or dtype in HALF else {"softmax": 70, "log_softmax": 40}[name]
    no_worse(*both, most=most)


def test_accuracy_with_50_000_classes():
    z = torch.randn(50_000, generator=torch.Generator().manual_seed(0))
    with mpmath.workdps(25):
        total = mpmath.fsum(map(mpmath.exp, z.tolist()))
        few = list(map(mpmath.mpf, z[::100].tolist()))
        truth = {
            "softmax": [mpmath.exp(value) / total for value in few],
            "log_softmax": [value - mpmath.log(total) for value in few],
            "logsumexp": [mpmath.log(total)],
        }
    for name in TORCHS:
        results = [loss(z, dim=0) for loss in (ours(name), TORCHS[name])]
        results = [x[::100] if x.ndim else x for x in results]
        no_worse(*(accuracy(result, truth[name]) for result in results), most=8)


def test_confident_answers_keep_their_digits():
    z = torch.tensor([0.0, 20.0])
    assert F.log_softmax(z, 0)[1] == 0
    assert lossbook.log_softmax(z, 0)[1].item() == pytest.approx(-2.0611536e-09, rel=1e-6)
