"""The measures against the mathematics (mpmath), scipy, torch, and against each other."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from lossbook.errors import LossInputError
from lossbook.information import (
    conditional_entropy,
    cross_entropy,
    entropy,
    information,
    joint,
    js_divergence,
    kl_divergence,
    mutual_information,
    perplexity,
)

mpmath.mp.dps = 50
INF = math.inf
few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],
)


def f64(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


WEIGHTS = st.one_of(
    st.sampled_from([0.0, 1.0, 5e-324, 1e-310, 1e-200, 1e-17, 1e-8]), st.floats(0.001, 1)
)


@st.composite
def tensors(draw, *shape):
    """Float64 tensors of `shape` that sum to 1 over the last dimension, zeros and one-hots too."""
    count = math.prod(shape)
    drawn = torch.tensor(draw(st.lists(WEIGHTS, min_size=count, max_size=count))).reshape(shape)
    weights = drawn.to(torch.float64)
    certain = torch.zeros_like(weights)
    certain[..., draw(st.integers(0, shape[-1] - 1))] = 1
    total = weights.sum(-1, keepdim=True)
    return torch.where(total > 1e-3, weights / torch.where(total > 0, total, 1), certain)


def pairs():
    return st.integers(1, 5).flatmap(lambda k: st.tuples(tensors(k), tensors(k)))


def tables():
    return st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(
        lambda shape: tensors(math.prod(shape)).map(lambda p: p.reshape(shape))
    )


# The formulas in fifty digits. A divergence is that of the distributions for which the rounded
# numbers stand; a sum of −p log q is taken as it comes.


def numbers(p):
    return [mpmath.mpf(x) for x in p.flatten().tolist()]


def exact(p):
    return [x / mpmath.fsum(numbers(p)) for x in numbers(p)]


def exact_cross_entropy(p, q, exact=numbers):
    terms = [(a, b) for a, b in zip(exact(p), exact(q), strict=True) if a > 0]
    return (
        mpmath.inf if any(b == 0 for _, b in terms) else -sum(a * mpmath.log(b) for a, b in terms)
    )


def exact_entropy(p):
    return exact_cross_entropy(p, p)


def exact_kl(p, q):
    return exact_cross_entropy(p, q, exact) - exact_cross_entropy(p, p, exact)


def exact_js(p, q):
    pairs = [(a, b, (a + b) / 2) for a, b in zip(exact(p), exact(q), strict=True)]
    return sum(x * mpmath.log(x / m) / 2 for a, b, m in pairs for x in (a, b) if x > 0)


def exact_mutual_information(p_xy):
    cells = mpmath.matrix(p_xy.shape[0], p_xy.shape[1])
    for i, x in enumerate(exact(p_xy)):
        cells[divmod(i, p_xy.shape[1])] = x
    rows = [sum(cells[i, :]) for i in range(cells.rows)]
    columns = [sum(cells[:, j]) for j in range(cells.cols)]
    return sum(
        cells[i, j] * mpmath.log(cells[i, j] / (rows[i] * columns[j]))
        for i in range(cells.rows)
        for j in range(cells.cols)
        if cells[i, j] > 0
    )


def close(got, want, rel=1e-12, tiny=1e-28):
    """`tiny`: a sum that misses 1 by 1e-16 is felt in its square."""
    got = got.item() if isinstance(got, torch.Tensor) else got
    assert not math.isnan(got)
    if math.isinf(want):
        assert got == want
    else:
        assert abs(got - want) <= rel * abs(want) + tiny, f"{got} for {mpmath.nstr(want, 17)}"


# Value. Each check takes the function, so that wrong ones can be put in its place (at the end).


def check_information(information):
    p = f64(1, 0.5, 1 / 6, 1e-300, 5e-324, 0)
    for got, x in zip(information(p), p.tolist(), strict=True):
        close(got, -mpmath.log(x) if x else INF)
    close(information(f64(0.125), base=2), 3)
    assert math.copysign(1, information(f64(1.0)).item()) == 1


def check_entropy(entropy):
    @few
    @given(st.integers(1, 6).flatmap(tensors))
    def check(p):
        close(entropy(p), exact_entropy(p))

    check()
    assert entropy(f64(0.25, 0.25, 0.5, 0), base=2).item() == 1.5
    batch = torch.stack([f64(1, 0, 0), f64(0.5, 0.5, 0)], dim=-1)  # (classes, batch)
    torch.testing.assert_close(entropy(batch, dim=0), f64(0, math.log(2)))
    (slope,) = gradient(entropy, f64(0.0, 0.25, 0.75))
    assert slope == pytest.approx([INF, math.log(4) - 1, math.log(4 / 3) - 1], rel=1e-14)


def check_cross_entropy(cross_entropy):
    @few
    @given(pairs())
    def check(pq):
        close(cross_entropy(*pq), exact_cross_entropy(*pq))

    check()
    close(cross_entropy(f64(0.5, 0.5), f64(0.25, 0.75), base=2), (2 + math.log2(4 / 3)) / 2)


def check_kl(kl_divergence):
    @few
    @given(pairs())
    def check(pq):
        close(kl_divergence(*pq), exact_kl(*pq))
        assert kl_divergence(*pq) >= 0

    check()
    assert kl_divergence(f64(0.5, 0.5), f64(1, 0)) == INF
    close(kl_divergence(f64(1, 0), f64(0.5, 0.5), base=2), 1)


def check_js(js_divergence):
    @few
    @given(pairs())
    def check(pq):
        close(js_divergence(*pq), exact_js(*pq))

    check()
    close(js_divergence(f64(1, 0), f64(0, 1), base=2), 1)


def check_mutual_information(mutual_information):
    @few
    @given(tables())
    def check(p_xy):
        close(mutual_information(p_xy), exact_mutual_information(p_xy), tiny=1e-15)

    check()
    close(mutual_information(torch.eye(4, dtype=torch.float64) / 4, base=2), 2)


def check_conditional_entropy(conditional_entropy):
    @few
    @given(tables())
    def check(p_xy):
        want = exact_entropy(p_xy) - exact_entropy(p_xy.sum(-1))
        close(conditional_entropy(p_xy), want, tiny=1e-15)
        known_y = exact_entropy(p_xy) - exact_entropy(p_xy.sum(-2))
        close(conditional_entropy(p_xy, dim=(-1, -2)), known_y, tiny=1e-15)

    check()


def check_perplexity(perplexity):
    close(perplexity(torch.full((8,), 0.125, dtype=torch.float64)), 8)
    close(perplexity(f64(0.5, 0.25, 0.25, 0)), 2**1.5)


CHECKS = {
    information: check_information,
    entropy: check_entropy,
    cross_entropy: check_cross_entropy,
    kl_divergence: check_kl,
    js_divergence: check_js,
    mutual_information: check_mutual_information,
    conditional_entropy: check_conditional_entropy,
    perplexity: check_perplexity,
}


@pytest.mark.parametrize("function", CHECKS, ids=lambda f: f.__name__)
def test_value(function):
    CHECKS[function](function)


def test_against_scipy_and_torch():
    generator = torch.Generator().manual_seed(0)
    for classes in (2, 3, 10, 1000):
        p, q = torch.randn(2, 50, classes, generator=generator, dtype=torch.float64).softmax(-1)
        # The references take a difference of numbers near 1, so they have its rounding.
        exactly = {"rtol": 1e-12, "atol": 1e-15}
        P, Q = p.numpy(), q.numpy()
        pairs = [
            (entropy(p), scipy.stats.entropy(P, axis=-1)),
            (entropy(p, base=2), scipy.stats.entropy(P, base=2, axis=-1)),
            (entropy(p.T, dim=0), scipy.special.entr(P).sum(-1)),
            (kl_divergence(p, q), scipy.stats.entropy(P, Q, axis=-1)),
            (kl_divergence(p, q, base=10), scipy.special.rel_entr(P, Q).sum(-1) / np.log(10)),
            (js_divergence(p, q), jensenshannon(P, Q, axis=-1) ** 2),
            (js_divergence(p, q, base=2), jensenshannon(P, Q, axis=-1, base=2) ** 2),
        ]
        for got, want in pairs:
            np.testing.assert_allclose(got.numpy(), want, **exactly)
        drawn, believed = torch.distributions.Categorical(p), torch.distributions.Categorical(q)
        divergence = torch.distributions.kl_divergence(drawn, believed)
        torch.testing.assert_close(kl_divergence(p, q), divergence, **exactly)
        torch.testing.assert_close(entropy(p), drawn.entropy(), **exactly)


@pytest.mark.parametrize("step", [1e-1, 1e-3, 1e-5, 1e-7])
def test_nearly_equal_distributions_keep_their_digits(step):
    generator = torch.Generator().manual_seed(1)
    z, d = torch.randn(2, 7, generator=generator, dtype=torch.float64)
    p, q = z.softmax(0), (z + step * d).softmax(0)
    close(kl_divergence(p, q), exact_kl(p, q), tiny=0)
    close(js_divergence(p, q), exact_js(p, q), tiny=0)
    assert kl_divergence(p, p) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_smaller_dtypes_are_right_to_their_rounding(dtype):
    p, q = (torch.tensor([w, 1 - w, 0], dtype=dtype) for w in (0.25, 0.375))
    wide_p, wide_q = p.double(), q.double()
    table = (p[:2, None] * p[:2]).to(dtype)
    cases = [(f, (p,)) for f in (information, entropy, perplexity)]
    cases += [(f, (p, q)) for f in (cross_entropy, kl_divergence, js_divergence)]
    cases += [(f, (table,)) for f in (conditional_entropy,)]
    cases += [(joint, (p[:2], torch.stack([p, q])))]
    for function, arguments in cases:
        got = function(*arguments)
        want = function(*(a.double() for a in arguments))
        assert got.dtype == dtype
        assert torch.allclose(got.double(), want, rtol=4 * torch.finfo(dtype).eps, atol=0)
    assert kl_divergence(p, wide_q).dtype == torch.float64
    assert kl_divergence(wide_p, wide_q) > 0


def test_small_probabilities_of_float32_do_not_vanish():
    small = 2.0**-110
    p = torch.tensor([[1.0, 0.0], [0.0, small]])
    close(mutual_information(p), exact_mutual_information(p), rel=1e-6, tiny=0)
    close(js_divergence(torch.tensor([1.0, 2.0**-149]), torch.tensor([1.0, 0])), 0, tiny=1e-44)


# Shapes.


def test_dim_batch_and_broadcast():
    p = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    for dim in (0, 1, -1, (1, 3), (-1, -2, 0)):
        table = p / p.sum(dim, keepdim=True)
        want = -(table * table.log()).sum(dim)
        torch.testing.assert_close(entropy(table, dim=dim), want)
        torch.testing.assert_close(cross_entropy(table, table, dim=dim), want)
    rows = p / p.sum(-1, keepdim=True)
    torch.testing.assert_close(kl_divergence(rows[0, 0, 0], rows)[0, 0, 0].item(), 0.0)
    assert js_divergence(rows[:1], rows[:, :1]).shape == (2, 3, 4)
    table = p / p.sum((0, 2), keepdim=True)
    assert mutual_information(table, dim=(0, 2)).shape == (3, 5)
    assert joint(rows[0, 0, :, :4] / rows[0, 0, :, :4].sum(-1, keepdim=True), rows[0, 0]).shape == (
        4,
        4,
        5,
    )
    assert information(p / 10).shape == p.shape
    assert entropy(f64(1)).item() == 0
    assert entropy(torch.tensor(1.0)).item() == 0


# Identities.


@few
@given(pairs())
def test_cross_entropy_is_entropy_and_divergence(pq):
    p, q = pq
    torch.testing.assert_close(cross_entropy(p, q), entropy(p) + kl_divergence(p, q))
    assert perplexity(p) <= len(p) * (1 + 1e-12)


@few
@given(pairs())
def test_divergences_are_bounded_by_total_variation(pq):
    p, q = pq
    variation, divergence = (p - q).abs().sum() / 2, kl_divergence(p, q)
    assert divergence >= 2 * variation**2 * (1 - 1e-12)
    assert variation <= (-torch.expm1(-divergence)).sqrt() * (1 + 1e-12)
    assert js_divergence(p, q) <= variation * math.log(2) * (1 + 1e-12) + 1e-300
    torch.testing.assert_close(js_divergence(p, q), js_divergence(q, p), rtol=1e-12, atol=0)


@few
@given(pairs())
def test_js_is_the_information_of_a_sample_about_its_source(pq):
    p, q = pq
    spread = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    torch.testing.assert_close(js_divergence(p, q), spread, rtol=1e-12, atol=1e-14)
    source = joint(f64(0.5, 0.5), torch.stack([p, q]))
    torch.testing.assert_close(js_divergence(p, q), mutual_information(source))


@few
@given(tensors(3), tensors(3), tensors(3, 4), tensors(3, 4))
def test_chain_rules(p_x, q_x, rows, other_rows):
    p_xy, q_xy = joint(p_x, rows), joint(q_x, other_rows)
    torch.testing.assert_close(p_xy.sum(-1), p_x)
    known = entropy(p_x) + conditional_entropy(p_xy)
    torch.testing.assert_close(entropy(p_xy, dim=(-2, -1)), known)
    told = entropy(p_x) + entropy(p_xy.sum(-2)) - entropy(p_xy, dim=(-2, -1))
    torch.testing.assert_close(mutual_information(p_xy), told, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(
        mutual_information(p_xy.T), mutual_information(p_xy), atol=1e-15, rtol=1e-9
    )
    if (q_xy > 0).all():
        inner = (p_x * kl_divergence(rows, other_rows)).sum()
        whole = kl_divergence(p_xy, q_xy, dim=(-2, -1))
        torch.testing.assert_close(whole, kl_divergence(p_x, q_x) + inner)


@few
@given(tensors(3), tensors(3), tensors(3, 4))
def test_processing_takes_information_away(p, q, channel):
    for measure in (kl_divergence, js_divergence):
        assert measure(p @ channel, q @ channel) <= measure(p, q) * (1 + 1e-12) + 1e-28


# Gradients.


def gradient(function, *arguments):
    arguments = [a.clone().requires_grad_() for a in arguments]
    return [g.tolist() for g in torch.autograd.grad(function(*arguments), arguments)]


P, Q = f64(0.0, 0.25, 0.75, 0.0), f64(0.5, 0.25, 0.25, 0.0)
L2, L3, L4 = math.log(2), math.log(3), math.log(4)


@pytest.mark.parametrize(
    ("function", "arguments", "slopes"),
    [
        (information, [f64(0.25)[0]], [-4]),
        (entropy, [P], [[INF, L4 - 1, L4 - L3 - 1, INF]]),
        (cross_entropy, [P, Q], [[L2, L4, L4, 0], [0, -1, -3, 0]]),
        (cross_entropy, [Q, P], [[INF, L4, L4 - L3, 0], [-INF, -1, -1 / 3, 0]]),
        (kl_divergence, [P, Q], [[-INF, 1, 1 + L3, 0], [0, -1, -3, 0]]),
        (kl_divergence, [Q, P], [[INF, 1, 1 - L3, 0], [-INF, -1, -1 / 3, 0]]),
        (js_divergence, [P, Q], [[-INF, 0, (L3 - L2) / 2, 0], [L2 / 2, 0, -L2 / 2, 0]]),
        (
            conditional_entropy,
            [torch.stack([P, Q, 0 * P]) / 2],
            [[[INF, L4, L4 - L3, INF], [L2, L4, L4, INF], [0, 0, 0, 0]]],
        ),
        (
            mutual_information,
            [torch.stack([P[:3], Q[:3], 0 * P[:3]]) / 2],
            [[[-INF, -1, L3 - L2 - 1], [L2 - 1, -1, -L2 - 1], [-1, -1, -1]]],
        ),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_slopes_at_zeros(function, arguments, slopes):
    for got, want in zip(gradient(function, *arguments), slopes, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-15)


def test_a_row_that_is_not_used_has_no_slope():
    rows = torch.stack([P, P.flip(0), f64(0.25, 0.25, 0.25, 0.25)]).requires_grad_()
    for function in (entropy, perplexity, lambda p: js_divergence(p, Q)):
        (slope,) = torch.autograd.grad(function(rows)[2], rows)
        assert (slope[:2] == 0).all()


@pytest.mark.parametrize("function", [entropy, perplexity, conditional_entropy, mutual_information])
def test_first_and_second_derivatives_of_one(function):
    z = torch.linspace(-1, 2, 6, dtype=torch.float64).cos().requires_grad_()
    table = (2, 3) if function in (conditional_entropy, mutual_information) else (6,)
    of_logits = lambda z: function(z.exp().div(z.exp().sum()).reshape(table))  # noqa: E731
    assert torch.autograd.gradcheck(of_logits, z)
    assert torch.autograd.gradgradcheck(of_logits, z)


@pytest.mark.parametrize("function", [cross_entropy, kl_divergence, js_divergence])
def test_first_and_second_derivatives_of_two(function):
    z = torch.linspace(-1, 2, 5, dtype=torch.float64).cos().requires_grad_()
    other = (3 * z).sin().detach().requires_grad_()
    of_logits = lambda a, b: function(a.softmax(0), b.softmax(0))  # noqa: E731
    assert torch.autograd.gradcheck(of_logits, (z, other))
    assert torch.autograd.gradgradcheck(of_logits, (z, other))


def test_second_derivatives_at_zeros():
    hessian = torch.autograd.functional.hessian
    assert (
        hessian(entropy, P).tolist()
        == torch.diag(f64(-INF, -4, -4 / 3, -INF)).nan_to_num(0, neginf=-INF).tolist()
    )
    curvature = hessian(lambda q: kl_divergence(P, q), Q)
    torch.testing.assert_close(curvature, torch.diag(f64(0, 4, 12, 0)))


# Refusals.

HALVES = f64(0.5, 0.5)
MEND = "divide counts by their sum: p / p.sum(dim=-1, keepdim=True)."
REFUSED = [
    (
        lambda: entropy([0.5, 0.5]),
        "p is a list, and a tensor was expected: write torch.tensor(...).",
    ),
    (lambda: information(0.5), "p is a float, and a tensor was expected: write torch.tensor(...)."),
    (
        lambda: entropy(torch.tensor([1, 0])),
        "p holds torch.int64 numbers, and floating-point probabilities were expected. "
        "Divide counts by their sum: p / p.sum(dim=-1, keepdim=True).",
    ),
    (
        lambda: entropy(torch.ones(3, 0)),
        "p is empty, of shape (3, 0); give it one class at the least.",
    ),
    (lambda: information(f64()), "p is empty, of shape (0,); give it one class at the least."),
    (
        lambda: kl_divergence(HALVES, f64(1.5, -0.5)),
        "q[1] is -0.5; a probability is 0 or more (for logits use q.softmax(dim=-1)).",
    ),
    (
        lambda: entropy(torch.stack([HALVES, f64(1, math.nan)])),
        "p[1, 1] is nan; a probability is 0 or more (for logits use p.softmax(dim=-1)).",
    ),
    (lambda: information(torch.tensor(1.5)), "p is 1.5; a probability is at most 1."),
    (
        lambda: entropy(f64(0.5, 0.4)),
        "p sums to 0.9 along dim=-1; a distribution sums to 1.\n"
        f"To mend it, for logits use p.softmax(dim=-1); {MEND}",
    ),
    (
        lambda: entropy(torch.tensor([[[0.5, 0.5]], [[0.7, 0.3]], [[0.5, 0.4]]])),
        "row (2, 0) of p sums to 0.9 along dim=-1; a distribution sums to 1.\n"
        f"To mend it, for logits use p.softmax(dim=-1); {MEND}",
    ),
    (
        lambda: mutual_information(torch.eye(3)),
        "p_xy sums to 3 along dim=(-2, -1); a distribution sums to 1.\n"
        "To mend it, divide counts by their sum: p_xy / p_xy.sum(dim=(-2, -1), keepdim=True).",
    ),
    (
        lambda: perplexity(f64(math.inf, 1)),
        "p sums to inf along dim=-1; a distribution sums to 1.\n"
        f"To mend it, for logits use p.softmax(dim=-1); {MEND}",
    ),
    (
        lambda: entropy(HALVES, dim=1),
        "dim=1 does not fit p, which has shape (2,): "
        "give the dimension of the classes (-1 is the last).",
    ),
    (
        lambda: conditional_entropy(torch.eye(2) / 2, dim=-1),
        "dim=-1: give two dimensions, that of x and that of y: (-2, -1).",
    ),
    (
        lambda: kl_divergence(HALVES, f64(1)),
        "p has shape (2,) and q (1,), with different classes along dim=-1: "
        "both need a probability for each class.",
    ),
    (
        lambda: js_divergence(HALVES.expand(3, 2), HALVES.expand(4, 2)),
        "the batch dimensions of p and q do not go together: with the classes last the shapes are "
        "(3, 2) and (4, 2); make them equal, or 1.",
    ),
    (
        lambda: joint(HALVES, torch.eye(3)),
        "p_x has shape (2,) and p_y_given_x (3, 3): give p_x the shape (..., X) and p_y_given_x "
        "(..., X, Y), one row for each x.",
    ),
    *(
        (
            lambda base=base: entropy(HALVES, base=base),
            f"base={base!r} gives no unit: use a number above 1, "
            "such as math.e (nats) or 2 (bits).",
        )
        for base in (1, 0, -2, 0.5, INF, math.nan, "e", True)
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m[:40] for _, m in REFUSED])
def test_refusal(call, message):
    with pytest.raises(LossInputError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("classes", [1, 2, 10, 1000, 50_000])
def test_rounding_is_accepted_and_more_is_not(dtype, classes):
    z = 5 * torch.randn(4, classes, generator=torch.Generator().manual_seed(0))
    p = z.to(dtype).softmax(-1)
    entropy(p)
    entropy(torch.full((classes,), 1 / classes, dtype=dtype))
    eps = torch.finfo(dtype).eps
    p[2, 0] += 3 * (eps**0.75 + classes**0.5 * min(eps, 1.2e-7))
    with pytest.raises(LossInputError, match="row 2 of p sums to 1"):
        entropy(p)


# Wrong functions, to see that the checks above can fail.


def naive_entropy(p, *, dim=-1, base=math.e):
    return -(p * p.log()).sum(dim) / math.log(base)


def masked_entropy(p, *, dim=-1, base=math.e):
    return -torch.where(p > 0, p * p.log(), 0).sum(dim) / math.log(base)


def clamped_entropy(p, *, dim=-1, base=math.e):
    return -(p * (p + 1e-12).log()).sum(dim) / math.log(base)


def plain_kl(p, q, *, base=math.e):
    return torch.where(p > 0, p * (p / q).log(), 0).sum(-1) / math.log(base)


FAULTS = {
    "no minus sign": (check_information, lambda p, *, base=math.e: p.log() / math.log(base)),
    "minus zero": (check_information, lambda p, *, base=math.e: -p.log() / math.log(base)),
    "base forgotten": (check_entropy, lambda p, *, dim=-1, base=2: entropy(p, dim=dim)),
    "bits for nats": (check_entropy, lambda p, *, dim=-1, base=2: entropy(p, dim=dim, base=base)),
    "dim forgotten": (check_entropy, lambda p, *, dim=-1, base=math.e: entropy(p, base=base)),
    "NaN at zeros": (check_entropy, naive_entropy),
    "NaN slope at zeros": (check_entropy, masked_entropy),
    "hidden epsilon": (check_entropy, clamped_entropy),
    "q swapped": (check_cross_entropy, lambda p, q, **unit: cross_entropy(q, p, **unit)),
    "divergence alone": (check_cross_entropy, kl_divergence),
    "divergence swapped": (check_kl, lambda p, q, **unit: kl_divergence(q, p, **unit)),
    "cancelling divergence": (check_kl, plain_kl),
    "root of js": (check_js, lambda p, q, **unit: js_divergence(p, q, **unit).sqrt()),
    "js without halves": (check_js, lambda p, q, **unit: 2 * js_divergence(p, q, **unit)),
    "x of y": (
        check_conditional_entropy,
        lambda p_xy, dim=(-2, -1): conditional_entropy(p_xy, dim=dim[::-1]),
    ),
    "joint for conditional": (
        check_conditional_entropy,
        lambda p_xy, dim=(-2, -1): entropy(p_xy, dim=dim),
    ),
    "conditional for mutual": (check_mutual_information, conditional_entropy),
    "two to the nats": (check_perplexity, lambda p: 2 ** entropy(p)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(fault):
    check, wrong = FAULTS[fault]
    with pytest.raises((AssertionError, LossInputError)):
        check(wrong)
