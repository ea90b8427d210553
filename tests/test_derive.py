"""Derivations: what is right is proved or checked, what is wrong never is."""

import math
import time

import pytest
import sympy
import torch

from lossbook.derive import (
    Derivation,
    at_least,
    at_most,
    conditional,
    d,
    derivation,
    distribution,
    exp,
    index,
    indicator,
    infinity,
    integral,
    joint,
    limit,
    log,
    maximum,
    minimum,
    pi,
    positive,
    positives,
    probability,
    prod,
    prove,
    real,
    reals,
    sign,
    sqrt,
    vector,
)
from lossbook.derive.typeset import latex

# --- Right derivations -----------------------------------------------------------------


@derivation(p=distribution, q=distribution, defines="H(p, q)")
def cross_entropy_splits(p, q, classes):
    """Cross-entropy is entropy plus divergence."""
    yield -sum(p[i] * log(q[i]) for i in classes), "the definition"
    yield -sum(p[i] * log(p[i] * q[i] / p[i]) for i in classes), "multiply and divide by p"
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) + sum(p[i] * log(p[i] / q[i]) for i in classes)),
        "the log of a product",
    )


@derivation(p=distribution)
def entropy_is_at_most_log_k(p, classes, K):
    yield -sum(p[i] * log(p[i]) for i in classes) - log(K), "what is to be at most 0"
    yield sum(p[i] * log(1 / (K * p[i])) for i in classes), "the probabilities sum to 1"
    yield at_most(sum(p[i] * (1 / (K * p[i]) - 1) for i in classes)), "log x ≤ x − 1"
    yield 0, "both sums are 1"


@derivation(p=distribution, q=distribution)
def divergence_is_not_negative(p, q, classes):
    yield sum(p[i] * log(p[i] / q[i]) for i in classes), "the definition"
    yield at_least(sum(p[i] * (1 - q[i] / p[i]) for i in classes)), "log x ≥ 1 − 1/x"
    yield 0, "both sum to 1"


@derivation(z=reals, y=index, j=index)
def gradient_of_cross_entropy(z, y, j, classes):
    yield d(log(sum(exp(z[k]) for k in classes)) - z[y], z[j]), "the derivative"
    yield exp(z[j]) / sum(exp(z[k]) for k in classes) - indicator(j == y), "the chain rule"


@derivation(z=reals, m=real, y=index)
def shifting_the_logits(z, m, y, classes):
    yield log(exp(z[y]) / sum(exp(z[k]) for k in classes)), "log-softmax"
    yield log(exp(z[y] - m) / sum(exp(z[k] - m) for k in classes)), "divide by the exp of m"
    yield z[y] - m - log(sum(exp(z[k] - m) for k in classes)), "the log of a quotient"


@derivation(mu=real, sigma=positive)
def entropy_of_a_gaussian(mu, sigma):
    f = lambda x: exp(-((x - mu) ** 2) / (2 * sigma**2)) / (sqrt(2 * pi) * sigma)  # noqa: E731
    yield -integral(lambda x: f(x) * log(f(x)), -infinity, infinity), "the definition"
    yield 1 / 2 + log(sqrt(2 * pi) * sigma), "the variance is σ²"
    yield 1 / 2 * log(2 * pi * exp(1) * sigma**2), "one logarithm"


@derivation(p=joint)
def chain_rule_of_entropy(p, classes):
    p_x = [sum(p[i, j] for j in classes) for i in classes]
    yield -sum(p[i, j] * log(p[i, j]) for i in classes for j in classes), "the definition"
    yield (
        (
            -sum(p_x[i] * log(p_x[i]) for i in classes)
            - sum(p[i, j] * log(p[i, j] / p_x[i]) for i in classes for j in classes)
        ),
        "p = p_x · p / p_x",
    )


@derivation(p=distribution, w=conditional)
def total_probability(p, w, classes):
    yield sum(sum(p[i] * w[i, j] for i in classes) for j in classes), "all outcomes"
    yield 1, "every row sums to 1"


@derivation(p=probability, c=positive)
def from_the_slope(p, c):
    yield integral(lambda t: -c / t, 1, p), "the slope is −c / t"
    yield -c * log(p), "the integral of 1 / t"


@derivation(z=reals, p=distribution)
def high_temperature(z, p, classes):
    yield limit(lambda T: T * log(sum(p[i] * exp(z[i] / T) for i in classes)), infinity), "hot"
    yield sum(p[i] * z[i] for i in classes), "the mean"


@derivation(x=real)
def logistic(x):
    yield d(log(1 + exp(x)), x), "the slope of softplus"
    yield 1 / (1 + exp(-x)), "divide by the exp of x"
    yield 1 - 1 / (1 + exp(x)), "what is missing to 1"


@derivation(a=positives)
def geometric_mean(a, classes, K):
    yield log(prod(a[i] for i in classes)) / K, "the log of the geometric mean"
    yield sum(log(a[i]) for i in classes) / K, "the log of a product"


@derivation(a=real, b=real)
def square(a, b):
    yield a * b, "a product"
    yield at_most((a**2 + b**2) / 2), "(a − b)² ≥ 0"


@derivation(a=real, b=real)
def larger_and_smaller(a, b):
    yield maximum(a, b) + minimum(a, b), "both"
    yield a + b, "in either order"


@derivation(x=real, delta=positive)
def slope_of_huber(x, delta):
    c = maximum(-delta, minimum(x, delta))
    yield d(c * (x - c / 2), x), "a parabola, and lines beyond"
    yield c, "x, cut off at ±δ"


@derivation(x=real, y=real)
def slope_of_the_distance(x, y):
    yield d(abs(x - y), x), "a corner where x = y"
    yield sign(x - y), "the side"


@derivation(z=positives, x=positive, j=index)
def slope_of_a_hinge(z, x, j, classes):
    # (Where z_i = x + √2 there is none; no draw is there.)
    yield d(sum(maximum(0, z[i] - x - 2 ** (1 / 2)) for i in classes), z[j]), "a corner each"
    yield indicator(z[j] > x + 2 ** (1 / 2)), "nothing below, a line above"


@derivation(a=vector, b=vector)
def unit_vectors(a, b, classes):
    r = sqrt(sum(a[i] ** 2 for i in classes))
    s = sqrt(sum(b[i] ** 2 for i in classes))
    yield sum((a[i] / r - b[i] / s) ** 2 for i in classes) / 2, "half the squared distance"
    yield 1 - sum(a[i] * b[i] for i in classes) / (r * s), "both have length 1"


@derivation(a=reals, b=reals)
def cauchy_and_schwarz(a, b, classes):
    yield (
        (
            sum(a[i] ** 2 for i in classes) * sum(b[i] ** 2 for i in classes)
            - sum(a[i] * b[i] for i in classes) ** 2
        ),
        "what is to be at least 0",
    )
    yield (
        sum((a[i] * b[j] - a[j] * b[i]) ** 2 for i in classes for j in classes) / 2,
        "multiply out",
    )
    yield at_least(0), "squares"


RIGHT = [value for value in list(globals().values()) if isinstance(value, Derivation)]


@pytest.mark.parametrize("right", RIGHT, ids=lambda right: right.__name__)
def test_right_steps_hold_and_are_proved(right):
    assert right.require() is right
    assert {step.verdict for step in right.steps[1:]} == {"proved"}
    assert all(step.counterexample is None for step in right.steps)
    assert all(step.worst <= step.tolerance for step in right.steps)


# --- Wrong derivations: two lines each, the second of which does not follow ------------


@derivation(p=distribution)
def lost_sign(p, classes):
    yield -sum(p[i] * log(p[i]) for i in classes), "entropy"
    yield sum(p[i] * log(p[i]) for i in classes), "a lost sign"


@derivation(p=distribution, q=distribution)
def swapped_arguments(p, q, classes):
    yield sum(p[i] * log(p[i] / q[i]) for i in classes), "divergence"
    yield sum(q[i] * log(q[i] / p[i]) for i in classes), "the other way round"


@derivation(p=distribution, q=distribution)
def wrong_index(p, q, classes):
    yield sum(p[i] * log(q[i]) for i in classes), "right"
    yield sum(p[i] * log(q[0]) for i in classes), "the index stands still"


@derivation(p=distribution)
def missing_factor(p, classes, K):
    yield sum(p[i] * log(p[i] / (1 / K)) for i in classes), "divergence from uniform"
    yield sum(p[i] * log(p[i]) for i in classes), "log K is missing"


@derivation(p=positives)
def log_of_a_sum_split(p, classes):
    yield log(sum(p[i] for i in classes)), "the log of a sum"
    yield sum(log(p[i]) for i in classes), "is no sum of logs"


@derivation(z=reals, j=index)
def forgotten_chain_rule(z, j, classes):
    yield d(log(sum(exp(z[k]) for k in classes)), z[j]), "the derivative"
    yield 1 / sum(exp(z[k]) for k in classes), "the inner derivative is missing"


@derivation(z=reals, y=index, j=index)
def gradient_of_the_true_class_only(z, y, j, classes):
    yield d(log(sum(exp(z[k]) for k in classes)) - z[y], z[j]), "the derivative"
    yield (exp(z[y]) / sum(exp(z[k]) for k in classes) - 1) * indicator(j == y), "others too"


@derivation(p=distribution, q=distribution)
def bound_the_wrong_way(p, q, classes):
    yield sum(p[i] * log(p[i] / q[i]) for i in classes), "divergence"
    yield at_most(0), "it is at least 0"


@derivation(p=distribution)
def bound_too_tight(p, classes, K):
    yield -sum(p[i] * log(p[i]) for i in classes), "entropy"
    yield at_most(log(K) - 1 / 100), "missed at the uniform distribution only"


@derivation(sigma=positive)
def wrong_constant(sigma):
    f = lambda x: exp(-(x**2) / (2 * sigma**2)) / (sqrt(2 * pi) * sigma)  # noqa: E731
    yield integral(lambda x: x**2 * f(x), -infinity, infinity), "the variance"
    yield sigma, "is σ², not σ"


@derivation(x=real)
def wrong_limit(x):
    yield limit(lambda T: T * (exp(x / T) - 1), infinity), "the limit"
    yield x + x**2 / 2, "a term too many"


@derivation(x=real)
def root_of_a_square(x):
    yield sqrt(x**2), "right for positive x only"
    yield x, "a lost absolute value"


@derivation(x=real, y=real)
def corner_on_one_side(x, y):
    yield maximum(x, y), "the larger"
    yield x, "right where x is the larger"


@derivation(x=real, delta=positive)
def cut_off_on_one_side(x, delta):
    c = maximum(-delta, minimum(x, delta))
    yield d(c * (x - c / 2), x), "cut off on both sides"
    yield minimum(x, delta), "cut off above only"


@derivation(p=distribution)
def true_for_two_classes_only(p, classes):
    yield sum(p[i] ** 2 for i in classes), "as if 1 − p were the other class"
    yield 1 - 2 * p[0] * p[1], "the other products are missing"


@derivation(x=real)
def almost_right(x):
    yield exp(x), "exactly"
    yield exp(x) * (1 + 1 / 1_000_000), "a millionth too much"


@derivation(a=positive)
def not_a_number(a):
    yield a, "fine"
    yield a + log(-a) - log(-a), "no number at all"


WRONG = [v for v in list(globals().values()) if isinstance(v, Derivation) and v not in RIGHT]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_wrong_steps_are_called_wrong(wrong):
    step = wrong.steps[1]
    assert step.verdict == "wrong"
    assert not wrong.holds
    above, line = (step.counterexample[side] for side in ("line above", "this line"))
    signed = (above - line) * (-1 if step.relation == "≥" else 1)
    missed = abs(signed) if step.relation == "=" else signed
    assert missed > step.tolerance or math.isnan(line)
    with pytest.raises(AssertionError, match="wrong"):
        wrong.require()


# (log(−a) − log(−a) is left out: algebra cancels what only the numbers find to have no value.)
@pytest.mark.parametrize(
    "wrong", [w for w in WRONG if w is not not_a_number], ids=lambda wrong: wrong.__name__
)
def test_the_prover_alone_never_proves_them(wrong, monkeypatch):
    # Without the numbers the algebra stands alone: it must not prove what is false.
    monkeypatch.setattr(type(wrong), "_check", lambda *anything: None)
    alone = type(wrong)(wrong.function, wrong.domains, 10, None)
    relation = "≤" if wrong.__name__.startswith("bound") else "="
    monkeypatch.setattr(type(alone.steps[0]), "relation", relation)
    assert alone.steps[1].verdict == "checked"


def test_counterexamples_are_the_simplest_numbers():
    assert lost_sign.steps[1].counterexample["p"] == [0.5, 0.5]
    assert swapped_arguments.steps[1].counterexample["p"] == [0.5, 0.5]
    assert root_of_a_square.steps[1].counterexample["x"] == [-1]
    assert len(true_for_two_classes_only.steps[1].counterexample["p"]) == 3
    assert wrong_limit.steps[1].counterexample["x"] == [1]


def test_a_wrong_step_does_not_spoil_its_neighbours():
    @derivation(a=positive, b=positive)
    def one_slip(a, b):
        yield log(a * b), "start"
        yield log(a) * log(b), "a slip"
        yield log(b) * log(a), "fine again"

    assert [step.verdict for step in one_slip.steps] == ["given", "wrong", "proved"]
    assert "1 of 2 steps is wrong" in str(one_slip)


# --- The prover ------------------------------------------------------------------------

x, y = sympy.symbols("x y", positive=True)
POINT = {x: 0.7, y: 1.9}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sympy.log(6 * x), sympy.log(2) + sympy.log(3) + sympy.log(x)),
        (sympy.log(x**2 * y / 4), 2 * sympy.log(x) + sympy.log(y) - 2 * sympy.log(2)),
        (sympy.log(x * y + x), sympy.log(x) + sympy.log(1 + y)),
        (sympy.exp(x / 2) ** 2, sympy.exp(x)),
        (sympy.exp(x + 2 * sympy.log(y)), y**2 * sympy.exp(x)),
        (sympy.log(sympy.exp(x) / (1 + sympy.exp(x))), -sympy.log(1 + sympy.exp(-x))),
        (sympy.log(sympy.sqrt(2 * sympy.pi) * x), sympy.log(2 * sympy.pi * x**2) / 2),
        ((x**2 - y**2) / (x - y), x + y),
        (sympy.log(sympy.E * x), 1 + sympy.log(x)),
        (sympy.sqrt(x + y) ** 3, (x + y) * sympy.sqrt(x + y)),
        (1 / (sympy.sqrt(x + y) - 1), (sympy.sqrt(x + y) + 1) / (x + y - 1)),
        (sympy.cbrt(x + sympy.sqrt(x + y)) ** 3 - x, sympy.sqrt(x + y)),
    ],
)
def test_the_prover_knows_school_algebra(left, right):
    assert prove.equal(left, right, {}, POINT)
    assert not prove.equal(left, right + x / 1000, {}, POINT)


def test_the_prover_takes_corners_apart():
    a, b, c = sympy.symbols("a b c", real=True)
    point = {a: 0.3, b: -0.4, c: 1.1}
    largest = sympy.Max(a, b, c)
    for left, right in (
        (largest + sympy.Min(-a, -b, -c), sympy.Integer(0)),
        (sympy.Max(a, b) - sympy.Min(a, b), sympy.Abs(a - b)),
        (largest, sympy.Max(a, sympy.Max(b, c))),
        (sympy.Heaviside(a - b) + sympy.Heaviside(b - a), sympy.Integer(1)),
        (sympy.sign(b - a) * (b - a), sympy.Abs(a - b)),
    ):
        assert prove.equal(left, right, {}, point)
        assert not prove.equal(left, right + sympy.Max(a, 0) / 1000, {}, point)


def test_the_prover_uses_constraints():
    assert not prove.equal(x + y, sympy.Integer(1), {}, POINT)
    assert prove.equal(x + y, sympy.Integer(1), {y: 1 - x}, {x: 0.7, y: 0.3})


def test_what_takes_too_long_is_checked_not_proved():
    @derivation(p=joint, seconds=0)
    def hasty(p, classes):
        yield sum(p[i, j] for i in classes for j in classes), "all"
        yield 1, "a distribution"

    assert hasty.holds
    assert hasty.steps[1].verdict == "checked"


def test_the_time_limit_stops_the_work():
    def endless():
        while True:
            pass

    start = time.monotonic()
    assert prove.within(0.2, endless, "given up") == "given up"
    assert time.monotonic() - start < 5


# --- Mathematics -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("python", "mathematics"),
    [
        ("-sum(p[i] * log(q[i]) for i in classes)", r"-\sum_{i} p_{i} \log q_{i}"),
        ("log(p * q)", r"\log (p q)"),
        ("log(p[i] / q[i])", r"\log \frac{p_{i}}{q_{i}}"),
        ("log(p[i]) * p[i]", r"\log(p_{i})\, p_{i}"),
        ("x * log(a) * y", r"x \log(a)\, y"),
        ("(a + b) * (c - d)", "(a + b) (c - d)"),
        ("a - (b - c)", "a - (b - c)"),
        ("a - b + c", "a - b + c"),
        ("a + -b", "a + (-b)"),
        ("2 * 3 * x", r"2 \cdot 3 x"),
        ("-c * log(p)", r"-c \log p"),
        ("-(x - mu)**2 / 2", r"-\frac{(x - \mu)^{2}}{2}"),
        ("exp(-(x - mu)**2 / (2 * sigma**2))", r"e^{-(x - \mu)^{2} / (2 \sigma^{2})}"),
        ("2 * pi * exp(1)", r"2 \pi e"),
        ("exp(sum(z[i] for i in classes))", r"\exp\left(\sum_{i} z_{i}\right)"),
        ("sum(a[i] + b[i] for i in classes)", r"\sum_{i} (a_{i} + b_{i})"),
        ("sum(a[i] for i in classes) * x", r"\left(\sum_{i} a_{i}\right) x"),
        ("sum(a[i] for i in classes) + x", r"\sum_{i} a_{i} + x"),
        ("x * sum(a[i] for i in classes)", r"x \sum_{i} a_{i}"),
        ("sum(x[i] for i in classes if i != y)", r"\sum_{i \ne y} x_{i}"),
        ("sum(p[i, j] for i in classes for j in classes)", r"\sum_{i, j} p_{ij}"),
        ("p_x[i]", "p_{x, i}"),
        ("p_hat[i] + mu_hat", r"\hat{p}_{i} + \hat{\mu}"),
        ("d(z[i], z[j])", r"\frac{\partial z_{i}}{\partial z_{j}}"),
        ("d(a + b, x)", r"\frac{d}{d x} (a + b)"),
        ("limit(lambda T: x / T, infinity)", r"\lim_{T \to \infty} \frac{x}{T}"),
        ("limit(lambda h: h * log(h), 0)", r"\lim_{h \to 0^{+}} h \log h"),
        ("integral(lambda t: 1 / t, 1, p)", r"\int_{1}^{p} \frac{1}{t} \, dt"),
        ("log(x) ** 2", r"\log^{2} x"),
        ("2 ** (1 / 2)", "2^{1 / 2}"),
        ("indicator(i == y) - q[i]", r"\mathbf{1}_{i = y} - q_{i}"),
        ("abs(x - y)", r"\left|x - y\right|"),
        ("sign(x - y)", r"\mathrm{sign}(x - y)"),
        ("indicator(x - y > 0)", r"\mathbf{1}_{x - y > 0}"),
        ("maximum(0, 1 - z)", r"\max(0, 1 - z)"),
        ("sqrt(2 * pi)", r"\sqrt{2 \pi}"),
    ],
)
def test_typeset_as_a_textbook_would(python, mathematics):
    assert latex(python) == mathematics


def test_what_has_no_form_in_mathematics_is_refused():
    with pytest.raises(ValueError, match="no form in mathematics"):
        latex("p @ q")


# --- How it shows itself ---------------------------------------------------------------


def test_text_has_each_line_reason_and_verdict():
    assert str(cross_entropy_splits).splitlines() == [
        "cross_entropy_splits",
        "    -sum(p[i] * log(q[i]) for i in classes)"
        "                                                   the definition",
        "  = -sum(p[i] * log(p[i] * q[i] / p[i]) for i in classes)"
        "                                     multiply and divide by p   ✓ proved",
        "  = -sum(p[i] * log(p[i]) for i in classes)"
        " + sum(p[i] * log(p[i] / q[i]) for i in classes)   the log of a product   ✓ proved",
        "Each step proved by algebra for K = 2, 3 and 4 classes, and tried on random numbers.",
    ]


@pytest.mark.parametrize("shown", [cross_entropy_splits, swapped_arguments, entropy_of_a_gaussian])
def test_the_table_is_plain_html(shown):
    table = shown._repr_html_()
    assert "<script" not in table
    assert "<style" not in table
    assert table.count("<tr>") >= len(shown.steps) + 1
    assert all(step.latex in table for step in shown.steps)


def test_a_wrong_step_shows_its_counterexample():
    for shown in (str(swapped_arguments), swapped_arguments._repr_html_()):
        assert "✗ wrong" in shown
        assert "p = (1/2, 1/2), q = (1/3, 2/3)" in shown


def test_reasons_are_escaped():
    @derivation(a=positive, b=positive)
    def reasons(a, b):
        yield a + b, "<b>bold</b> & a < b"
        yield b + a, "swap"

    assert "&lt;b&gt;bold&lt;/b&gt; &amp; a &lt; b" in reasons._repr_html_()


# --- Misuse ----------------------------------------------------------------------------


def test_one_line_is_no_derivation():
    with pytest.raises(ValueError, match="has 1 line; a derivation needs at least two"):

        @derivation(a=real)
        def alone(a):
            yield a, "that is all"


def test_a_function_without_source_is_refused():
    scope = {}
    exec("def hidden(a):\n    yield a, 'one'\n    yield a, 'two'", scope)
    with pytest.raises(ValueError, match="hidden has no source"):
        derivation(a=real)(scope["hidden"])


@pytest.mark.parametrize("domains", [{}, {"a": real, "b": real}])
def test_letters_and_arguments_must_match(domains):
    def function(a):
        yield a, "one"
        yield a, "two"

    with pytest.raises(TypeError, match="give each letter its domain"):
        derivation(**domains)(function)


def test_what_a_derivation_defines_is_python():
    def function(a):
        yield a, "one"
        yield a, "two"

    with pytest.raises(ValueError, match=r'defines="H\(Y; X\)" is not written as Python'):
        derivation(a=real, defines="H(Y; X)")(function)


def test_a_loop_is_no_line():
    with pytest.raises(ValueError, match="is no line of a derivation"):

        @derivation(a=real)
        def looping(a):
            for _ in range(2):
                yield a, "again"


def test_a_derivation_without_a_value_is_refused():
    @derivation(a=positive)
    def nowhere(a):
        yield log(-a), "no real number"
        yield log(-a), "nor this"

    with pytest.raises(ValueError, match="infinite or not a number on all drawn numbers"):
        nowhere.steps  # noqa: B018


def test_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    str(divergence_is_not_negative)
    assert torch.equal(torch.rand(1), expected)
