"""Cosines, distances and their losses against torch's, against fifty digits, each other."""

import math

import mpmath
import pytest
import torch
import torch.nn.functional as F
from accuracy import accuracy, no_worse
from drawn import (
    DTYPES,
    HALF,
    REDUCTIONS,
    SINGLE,
    agree,
    catches,
    laid_out,
    modules_work,
    refuses,
)

import lossbook
from lossbook import LossInputError
from lossbook.losses import reduction
from lossbook.verify import calls, choice, identity, vectors
from lossbook.verify.domains import elements, magnitude

FLAT = {"reduction": REDUCTIONS}
FLAGS = choice(False, True)
POWERS = choice(2.0, 1, 3, 0, math.inf, 1.5, 0.5, -math.inf, -1)
EPS = choice(0.25, 0.01)
# Away from the length 0, where torch's second derivatives are NaN or noise.
SHORT = choice(1e-8, 0.5, 3.0)


def plain(shape, *, dtype):
    """Vectors without a component near 0: there slopes and their slopes are tame."""
    flavours = {"plain": lambda n: (n + (n >= 0)) / 10}
    return elements(shape, dtype, flavours, magnitude)


def special(shape, *, dtype):
    """Zeros, infinities and NaN."""
    values = (0.0, 1.0, -2.0, 0.0, math.inf, math.nan, 0.5, 100.0)
    return elements(shape, dtype, {"": lambda n: values[n % len(values)]}, lambda x: "edges")


def cosines(domain, dtype, eps=SHORT):
    cases = calls(domain("d", dtype=dtype), domain("d", dtype=dtype), dim=choice(0, -1), eps=eps)
    for a, b in (("n:0-3 d", "n:0-3 d"), ("n d", "d"), ("n d", "1 d"), ("n d", "n 1")):
        cases |= calls(laid_out(domain(a, dtype=dtype)), domain(b, dtype=dtype), eps=eps)
    three = domain("n m d", dtype=dtype), domain("m d", dtype=dtype)
    return cases | calls(*three, dim=choice(0, 1, 2, -1, -3, 3), eps=eps)


def distances(domain, dtype, p=POWERS, eps=EPS):
    options = {"p": p, "eps": eps, "keepdim": FLAGS}
    cases = calls(domain("d", dtype=dtype), domain("d", dtype=dtype), **options)
    for a, b in (("n:0-3 d", "n:0-3 d"), ("n d", "d"), ("n m d", "m d"), ("n d", "n 1"), ("", "")):
        cases |= calls(laid_out(domain(a, dtype=dtype)), domain(b, dtype=dtype), **options)
    return cases


def marks(shape, dtype):
    return elements(shape, dtype, {"": lambda n: (1.0, -1.0, 1.0, -1.0, 0.0)[n % 5]}, magnitude)


def embeddings(domain, dtype):
    options = {"margin": choice(0, 0.5, -1, -0.25), **FLAT}
    cases = calls(*[domain("d", dtype=dtype)] * 2, marks("", dtype), **options)
    for a, b, y in (("n:0-3 d",) * 2 + ("n:0-3",), ("n d", "1 d", "n"), ("n d", "n d", "1")):
        pair = laid_out(domain(a, dtype=dtype)), domain(b, dtype=dtype)
        cases |= calls(*pair, marks(y, dtype), **options)
    return cases | calls(*[domain("1 d", dtype=dtype)] * 2, marks("n", dtype), **options)


def triplets(domain, dtype, **options):
    options |= {"margin": choice(1.0, 0.5, 4, 100.0), "swap": FLAGS, **FLAT}
    cases = calls(*[domain("d", dtype=dtype)] * 3, **options)
    for a, b, c in (("n:0-3 d",) * 3, ("n d", "1 d", "n d"), ("n d", "n d", "1 d")):
        first = laid_out(domain(a, dtype=dtype))
        cases |= calls(first, domain(b, dtype=dtype), domain(c, dtype=dtype), **options)
    return cases


def city(a, b):
    return (a - b).abs().sum(-1)


OWN = {"distance_function": choice(None, city)}
POWER = {"p": choice(2, 1, 3, 1.5), "eps": EPS}
CASES = {
    "cosine_similarity": cosines(plain, SINGLE) | cosines(special, SINGLE, choice(0.5)),
    "pairwise_distance": distances(plain, SINGLE)
    | distances(plain, SINGLE, choice(2, 1), choice(1e-6))
    | distances(special, SINGLE, choice(2, 1)),
    "cosine_embedding_loss": embeddings(plain, SINGLE) | embeddings(special, SINGLE),
    "triplet_margin_loss": triplets(plain, SINGLE, **POWER) | triplets(plain, SINGLE),
    "triplet_margin_with_distance_loss": triplets(plain, SINGLE, **OWN),
}
# Torch computes half precision in half precision: held to what that can give.
COARSE = {torch.bfloat16: 32, torch.float16: 32}
ROUGH = {
    "cosine_similarity": cosines(plain, HALF, choice(0.5)),
    "pairwise_distance": distances(plain, HALF, choice(2, 1)),
    "cosine_embedding_loss": embeddings(plain, HALF),
    "triplet_margin_loss": triplets(plain, HALF),
    "triplet_margin_with_distance_loss": triplets(plain, HALF),
}


def ours(name):
    return getattr(lossbook, name)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name):
    agree(ours(name), getattr(F, name), CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch_in_pieces(name, monkeypatch):
    monkeypatch.setattr(reduction, "PIECE", 2)
    agree(ours(name), getattr(F, name), CASES[name], count=30)


@pytest.mark.parametrize("name", ROUGH)
def test_agrees_in_half_precision(name):
    agree(ours(name), getattr(F, name), ROUGH[name], derivatives=0, ulps=COARSE, count=30)


def vectors_of(name, kinds):
    """Two or three vectors, and a mark, of several dtypes."""
    count = 3 if "triplet" in name else 2
    values = torch.tensor([[[1, 2], [3, 0]], [[2, -1], [3, 1]], [[0, 2], [1, 1]]])
    tensors = [values[i].to(kinds[min(i, 1)]) for i in range(count)]
    return [*tensors, torch.tensor([1, -1])] if "embedding" in name else tensors


@pytest.mark.parametrize("name", CASES)
def test_dtypes_that_differ(name):
    kinds = (*DTYPES, torch.int64, torch.bool, torch.complex64)
    for a in kinds:
        for b in kinds:
            call = vectors_of(name, (a, b))
            try:
                wanted = getattr(F, name)(*call)
            except RuntimeError:
                with pytest.raises(LossInputError):
                    ours(name)(*call)
            else:
                assert ours(name)(*call).dtype == wanted.dtype, (a, b)
                torch.testing.assert_close(ours(name)(*call), wanted, atol=0.02, rtol=0.02)


X = torch.randn(3, 4, 5)
MODULES = [
    ("cosine_similarity", torch.nn.CosineSimilarity(0, 1e-3), X[:2]),
    ("pairwise_distance", torch.nn.PairwiseDistance(3, 0.1, True), X[:2]),
    ("cosine_embedding_loss", torch.nn.CosineEmbeddingLoss(0.2), [*X[:2], X[0, :, 0].sign()]),
    ("triplet_margin_loss", torch.nn.TripletMarginLoss(0.5, 1, swap=True), X),
    (
        "triplet_margin_with_distance_loss",
        torch.nn.TripletMarginWithDistanceLoss(distance_function=city, swap=True),
        X,
    ),
]


@pytest.mark.parametrize(("name", "module", "tensors"), MODULES)
def test_module_of_torch_works_with_ours(name, module, tensors, monkeypatch):
    modules_work(monkeypatch, name, module, *tensors)


def test_second_derivatives_by_differences():
    torch.manual_seed(0)
    a, b, c = (x.double().requires_grad_() for x in torch.randn(3, 3, 2))
    y = torch.tensor([1, -1, -1])
    for loss in (
        lambda a, b, c: lossbook.cosine_similarity(a, b),
        lambda a, b, c: lossbook.pairwise_distance(a, b),
        lambda a, b, c: lossbook.pairwise_distance(a, b, p=3),
        lambda a, b, c: lossbook.cosine_embedding_loss(a, b, y, margin=-0.9),
        lambda a, b, c: lossbook.triplet_margin_loss(a, b, c, margin=5),
    ):
        assert torch.autograd.gradcheck(loss, (a, b, c))
        assert torch.autograd.gradgradcheck(loss, (a, b, c))


# Planted faults: the same comparison sees each of them.


def total(terms, reduction, over=None):
    count = terms.numel() if over is None else over
    return {"none": terms, "sum": terms.sum(), "mean": terms.sum() / count}[reduction]


def cosine(after=False, clamp="hidden", top=lambda x: x, square=False, dim_used=True):
    def similarity(x1, x2, dim=1, eps=1e-8):
        x1, x2 = (x1, x2) if after else torch.broadcast_tensors(x1, x2)
        dim = dim if dim_used else -1

        def unit(x):
            n = (x * x).sum(dim, keepdim=True)
            n = torch.where(n == 0, 0, torch.where(n == 0, 1, n).sqrt())
            if clamp == "hidden":
                return x / (n + (n.clamp(min=eps) - n).detach())
            return x / (n + eps if clamp == "added" else n.clamp(min=eps))

        result = (unit(x1) * unit(x2)).sum(dim)
        return top(result * result if square else result)

    return similarity


def far(add=True, root=True, axis=-1, absolute=False, power=True):
    def distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
        d = x1 - x2
        d = (d.abs() + eps if absolute else d + eps) if add else d
        if not root:
            return (d.abs() ** p).sum(axis, keepdim=keepdim)
        return torch.linalg.vector_norm(
            d, p if power else 2.0, axis, keepdim=keepdim and d.ndim > 0
        )

    return distance


def embedding(margin_on=-1, floor=True, zero_costs=False, eps=9.999999960041972e-13, rows=False):
    def loss(input1, input2, target, margin=0, reduction="mean"):
        def unit(x):
            return x / ((x * x).sum(-1, keepdim=True) + eps).sqrt()

        cos = (unit(input1) * unit(input2)).sum(-1)
        near = cos - (margin if margin_on == -1 else 0)
        alike = 1 - cos - (margin if margin_on == 1 else 0)
        near = near.clamp(min=0) if floor else near
        unlike = target != 1 if zero_costs else target == -1
        terms = torch.where(target == 1, alike, 0) + torch.where(unlike, near, 0)
        return total(terms, reduction, (target == 1).sum() if rows else None)

    return loss


def triplet(square=False, swap_used=True, other=False, floor=True, exchange=False, own=True):
    def loss(a, p, n, margin=1.0, swap=False, reduction="mean", distance_function=None, **options):
        power = {"p": options.pop("p", 2.0), **options}

        def d(x, y):
            if distance_function is not None and own:
                return distance_function(x, y)
            value = F.pairwise_distance(x, y, **power)
            return value**2 if square else value

        near, apart = d(a, p), d(a, n)
        if swap and swap_used:
            apart = torch.minimum(apart, d(a, p) if other else d(p, n))
        gap = margin + (apart - near if exchange else near - apart)
        return total(gap.clamp(min=0) if floor else gap, reduction)

    return loss


FAULTS = {
    "cosine_similarity": {
        "eps added": cosine(clamp="added"),
        "slope of the clamp": cosine(clamp="seen"),
        "sign": cosine(top=lambda x: -x),
        "squared": cosine(square=True),
        "lengths before the broadcast": cosine(after=True),
        "dim left out": cosine(dim_used=False),
        "angle": cosine(top=lambda x: x.acos()),
    },
    "pairwise_distance": {
        "no eps": far(add=False),
        "no root": far(root=False),
        "p left out": far(power=False),
        "eps outside the difference": far(absolute=True),
        "exchanged": lambda x1, x2, **o: far()(x2, x1, **o),
        "keepdim left out": lambda x1, x2, keepdim=False, **o: far()(x1, x2, **o),
    },
    "cosine_embedding_loss": {
        "margin on the alike": embedding(margin_on=1),
        "no floor": embedding(floor=False),
        "a mark of 0 counts as unlike": embedding(zero_costs=True),
        "larger eps": embedding(eps=1e-3),
        "mean over the alike": embedding(rows=True),
        "signs exchanged": lambda a, b, y, **o: embedding()(a, b, -y, **o),
    },
    "triplet_margin_loss": {
        "squared": triplet(square=True),
        "swap left out": triplet(swap_used=False),
        "swap with the wrong pair": triplet(other=True),
        "no floor": triplet(floor=False),
        "exchanged": triplet(exchange=True),
    },
    "triplet_margin_with_distance_loss": {
        "own distance left out": triplet(own=False),
        "swap left out": triplet(swap_used=False),
        "swap with the wrong pair": triplet(other=True),
        "no floor": triplet(floor=False),
        "exchanged": triplet(exchange=True),
    },
}


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n in FAULTS for f in FAULTS[n]])
def test_planted_fault_is_caught(name, fault):
    catches(FAULTS[name][fault], getattr(F, name), CASES[name])


@pytest.mark.parametrize(
    ("name", "right", "cases"),
    [
        ("cosine_similarity", cosine(), cosines(plain, SINGLE)),
        ("pairwise_distance", far(), distances(plain, SINGLE, choice(2.0, 1.0))),
        ("cosine_embedding_loss", embedding(), embeddings(plain, SINGLE)),
        ("triplet_margin_loss", triplet(), triplets(plain, SINGLE)),
        ("triplet_margin_with_distance_loss", triplet(), triplets(plain, SINGLE, **OWN)),
    ],
)
def test_faults_are_all_that_is_wrong(name, right, cases):
    # (a dimension that is none, which a fault need not refuse, apart)
    def loss(*args, **options):
        try:
            return right(*args, **options)
        except IndexError as error:
            raise LossInputError(str(error)) from None

    agree(loss, getattr(F, name), cases, count=40, derivatives=1)


# Refusals

x, y = torch.ones(2, 3), torch.ones(2)
WITH = "triplet_margin_with_distance_loss"
REFUSED = [
    ("cosine_similarity", (x, torch.ones(4)), {}, "the shapes do not go together"),
    ("cosine_similarity", (x[0], x[0]), {}, r"dim=1: the common shape is \(3,\)"),
    ("cosine_similarity", (x, x), {"dim": "1"}, "dim='1'"),
    ("cosine_similarity", (x, x), {"eps": -1.0}, "eps=-1.0: it is a length"),
    ("cosine_similarity", (x, x), {"eps": math.nan}, "eps=nan"),
    ("cosine_similarity", (x, x), {"eps": "1"}, "eps='1': a number"),
    ("cosine_similarity", (x.long(), x.long()), {}, "floating-point numbers were expected"),
    ("cosine_similarity", (x + 0j, x), {}, "x1 holds torch.complex64"),
    ("cosine_similarity", (x, [1.0]), {}, "x2 is a list"),
    ("pairwise_distance", (x, torch.ones(4)), {}, "the shapes do not go together"),
    ("pairwise_distance", (x, x > 0), {}, "x2 holds truth values"),
    ("pairwise_distance", (x, x), {"p": "2"}, "p='2': a number was expected"),
    ("pairwise_distance", (x, x), {"eps": None}, "eps=None"),
    ("pairwise_distance", (x[:, :0], x[:, :0]), {"p": math.inf}, "has no largest difference"),
    ("cosine_embedding_loss", (x, x, x), {}, r"\(N, D\), \(N, D\) and \(N,\) were expected"),
    ("cosine_embedding_loss", (x, x, y[0]), {}, "were expected"),
    ("cosine_embedding_loss", (x, x[0], y), {}, "were expected"),
    ("cosine_embedding_loss", (x, x, torch.ones(3)), {}, "the shapes do not go together"),
    ("cosine_embedding_loss", (x, x[:, :2], y), {}, "the shapes do not go together"),
    ("cosine_embedding_loss", (x + 0j, x, y), {}, "holds torch.complex64"),
    ("cosine_embedding_loss", (x, x, y), {"margin": "0"}, "margin='0'"),
    ("cosine_embedding_loss", (x, x, y), {"reduction": "all"}, "reduction='all'"),
    ("triplet_margin_loss", (x, x, x), {"margin": 0}, "margin=0: it must be above 0"),
    ("triplet_margin_loss", (x, x, x), {"margin": "1"}, "margin='1'"),
    ("triplet_margin_loss", (x, x, x), {"p": None}, "p=None: a number"),
    ("triplet_margin_loss", (x, x, x), {"reduction": "all"}, "reduction='all'"),
    ("triplet_margin_loss", (x, x, x[0]), {}, r"as many dimensions .* negative \(3,\)"),
    ("triplet_margin_loss", (x, x, torch.ones(2, 4)), {}, "the shapes do not go together"),
    ("triplet_margin_loss", (x, x, x > 0), {}, "truth values"),
    (WITH, (x, x, x), {"margin": -1}, "margin=-1"),
    (WITH, (x, x, x[0]), {}, "as many dimensions"),
    (WITH, (x, x, x), {"distance_function": 2}, "a function of two tensors was expected"),
    (WITH, (x, x, x), {"reduction": "all"}, "reduction='all'"),
]


@pytest.mark.parametrize(("name", "args", "options", "says"), REFUSED)
def test_refuses(name, args, options, says):
    refuses(ours(name), getattr(F, name), args, options, says)


# Departures: what torch gets wrong


def test_a_vector_of_zeros_in_half_precision():
    zero, one = torch.zeros(1, 2).half(), torch.ones(1, 2).half()
    assert F.cosine_similarity(zero, one).isnan()  # its eps is 0 there
    assert lossbook.cosine_similarity(zero, one).item() == 0


def test_long_vectors_in_half_precision():
    x = torch.full((1, 4), 300.0).half()
    assert F.cosine_embedding_loss(x, -x, torch.ones(1)).isnan()  # 90000 is beyond float16
    assert lossbook.cosine_embedding_loss(x, -x, torch.ones(1)).item() == 2
    near = x + 0.25
    assert lossbook.pairwise_distance(x, near).item() == 0.5


# Identities


def test_identities():
    pair = {"a": vectors("n d", zero=False), "b": vectors("n d", zero=False)}

    def unit(x):
        return x / x.norm(dim=-1, keepdim=True)

    identity(
        "For vectors of length 1, |a − b|² is 2 − 2 cos",
        lambda a, b: lossbook.pairwise_distance(unit(a), unit(b), eps=0) ** 2,
        lambda a, b: 2 - 2 * lossbook.cosine_similarity(unit(a), unit(b)),
        cases=50,
        **pair,
    ).require()
    identity(
        "Triplets are rankings of distances",
        lambda a, b: lossbook.triplet_margin_loss(a, b, a * b),
        lambda a, b: lossbook.margin_ranking_loss(
            lossbook.pairwise_distance(a, a * b),
            lossbook.pairwise_distance(a, b),
            torch.ones(len(a), dtype=a.dtype),
            margin=1,
        ),
        cases=50,
        **pair,
    ).require()


# Accuracy: random vectors, nearly parallel ones, and tiny ones


def drawn(kind, dtype):
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 100, 20, generator=generator, dtype=torch.float64)
    b = {"random": b, "parallel": a + 1e-3 * b, "tiny": 1e-9 * b, "long": 1e3 * b}[kind]
    a = 1e-9 * a if kind == "tiny" else a
    return a.to(dtype), b.to(dtype)


def exactly(formula, *tensors):
    rows = zip(*(x.tolist() for x in tensors), strict=True)
    return [formula(*[[mpmath.mpf(v) for v in row] for row in lines]) for lines in rows]


def dot(a, b):
    return mpmath.fsum(x * y for x, y in zip(a, b, strict=True))


def exact_cosine(a, b):
    eps = mpmath.mpf(1e-8)
    return dot(a, b) / max(mpmath.sqrt(dot(a, a)), eps) / max(mpmath.sqrt(dot(b, b)), eps)


def exact_distance(a, b):
    return mpmath.sqrt(sum((x - y + mpmath.mpf(1e-6)) ** 2 for x, y in zip(a, b, strict=True)))


def exact_apart(a, b):
    eps = mpmath.mpf(9.999999960041972e-13)
    return 1 - dot(a, b) / mpmath.sqrt((dot(a, a) + eps) * (dot(b, b) + eps))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", ["random", "parallel", "tiny", "long"])
def test_accuracy(kind, dtype):
    a, b = drawn(kind, dtype)
    ones = torch.ones(len(a), dtype=dtype)
    for name, exact, more, options in (
        ("cosine_similarity", exact_cosine, (), {}),
        ("pairwise_distance", exact_distance, (), {}),
        ("cosine_embedding_loss", exact_apart, (ones,), {"reduction": "none"}),
    ):
        truth = exactly(exact, a, b)
        one, other = (
            accuracy(f(a, b, *more, **options), truth) for f in (ours(name), getattr(F, name))
        )
        # Two units are rounding; of the rest, a twentieth of torch's median is chance. Where the
        # products of a cosine cancel, it is chance in whose one worst row the rounding weighs more.
        cosine = name == "cosine_similarity"
        cancels = cosine and kind != "parallel"
        other.largest = max((4 if cancels else 1) * other.largest, 2)
        other.median = (1.25 if cancels else 1.05) * other.median
        no_worse(one, other, most=1 if cosine and not cancels else 10**4)


def exact_triplet(a, p, n):
    return max(mpmath.mpf(0), 1 + exact_distance(a, p) - exact_distance(a, n))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", ["random", "parallel", "tiny", "long"])
@pytest.mark.parametrize("name", ["triplet_margin_loss", "triplet_margin_with_distance_loss"])
def test_accuracy_of_triplets(name, kind, dtype):
    a, p = drawn(kind, dtype)
    n = a.flip(0)
    truth = exactly(exact_triplet, a, p, n)
    one, other = (
        accuracy(f(a, p, n, reduction="none"), truth) for f in (ours(name), getattr(F, name))
    )
    # Where two distances cancel, it is chance whose rounding weighs more.
    other.largest, other.median = max(4 * other.largest, 2), 1.25 * other.median
    no_worse(one, other, most=math.inf)
