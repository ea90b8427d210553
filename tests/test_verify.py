"""The checks of `lossbook.verify`, most of them on functions that are wrong on purpose."""

import functools
import math
import os
import re
import subprocess
import sys
import threading

import hypothesis
import numpy
import pytest
import torch
import torch.nn.functional as F
from hypothesis import strategies

from lossbook import verify
from lossbook.verify import (
    Call,
    calls,
    choice,
    distributions,
    joints,
    labels,
    logits,
    numpy_reference,
    positives,
    probabilities,
    reals,
    signs,
    ulps_apart,
    vectors,
)
from lossbook.verify.report import short

# Fewer cases than by default, where it does not matter: someone waits for the tests.
identity = functools.partial(verify.identity, cases=50)
agrees = functools.partial(verify.agrees, count=50)
gradient = functools.partial(verify.gradient, cases=30)

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def entropy(p):
    return torch.special.entr(p).sum(-1)


def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


def cross_entropy(p, q):
    return -torch.xlogy(p, q).sum(-1)


def values(report):
    return {name: value.tolist() for name, value in report.counterexample.items()}


def drawn(domain, count=60):
    """Return everything that is drawn from a domain."""
    seen = []
    identity("draws", lambda x: seen.append(x) or 0, lambda x: 0, x=domain, cases=count)
    return seen


# Identities


def test_a_true_identity_holds_and_says_what_was_tried():
    report = verify.identity(
        "CE = H + KL",
        cross_entropy,
        lambda p, q: entropy(p) + kl(p, q),
        p=distributions(),
        q=distributions(),
    )
    assert report.require() is report
    assert report.holds
    assert report.cases == 200 == report.kinds.total()
    assert {"interior", "with zeros", "one-hot", "nearly equal", "tiny"} <= set(report.kinds)
    assert 0 < report.worst < 64
    assert report.counterexample is None
    assert report.title == "CE = H + KL"


def test_wrong_only_at_zero():
    report = identity("H", lambda p: -(p * p.log()).sum(), entropy, p=distributions())
    assert not report.holds
    assert values(report) in ({"p": [0, 1]}, {"p": [1, 0]})
    assert report.sides["left"].isnan()
    assert report.wrong["interior"] == 0
    assert report.wrong["with zeros"] > 0


def test_wrong_only_at_zero_of_the_second_argument():
    report = identity(
        "KL", kl, lambda p, q: (p * (p.clamp(min=1e-9).log() - q.clamp(min=1e-9).log())).sum(),
        p=distributions(), q=distributions(), ulps=1e9,
    )  # fmt: skip
    assert values(report)["p"] == [0.5, 0.5]
    assert sorted(values(report)["q"]) == [0, 1]


def test_wrong_only_above_three_classes():
    report = identity("H", lambda p: entropy(p) * (1 + (len(p) > 3)), entropy, p=distributions())
    assert values(report) == {"p": [0.25] * 4}


def test_wrong_only_above_a_hundred():
    report = identity("z", lambda z: z.where(z <= 100, 0), lambda z: z, z=logits())
    z = values(report)["z"]
    assert len(z) == 2
    assert sum(x != 0 for x in z) == 1
    assert max(z) > 100


def test_wrong_everywhere_shows_the_plainest_case():
    report = identity("H", lambda p: -entropy(p), entropy, p=distributions(rows=True))
    assert values(report) == {"p": [[0.5, 0.5]]}


def test_wrong_only_in_the_second_row():
    def wrong(p):
        return entropy(p) * torch.tensor([1.0, 2.0, 1.0])[: len(p)]

    report = identity("H", wrong, entropy, p=distributions(rows=True))
    assert values(report) == {"p": [[0.5, 0.5]] * 2}


def test_arguments_of_one_call_share_their_sizes():
    shapes = []

    def left(p, q, y, x):
        shapes.append((p.shape, q.shape, y.shape, x.shape))
        return 0

    identity(
        "sizes", left, lambda p, q, y, x: 0, p=distributions(rows=True), q=logits(rows=True),
        y=labels(rows=True), x=reals("rows 3 n:5-6"),
    )  # fmt: skip
    assert all(p == q and y == p[:1] and x[:2] == (*y, 3) for p, q, y, x in shapes)
    assert {x[2] for *_, x in shapes} == {5, 6}
    assert len({p for p, *_ in shapes}) > 8


def test_optional_and_empty_dimensions():
    shapes = {tuple(x.shape) for x in drawn(reals("rows:0-2? 3"))}
    assert shapes == {(3,), (0, 3), (1, 3), (2, 3)}


def test_arguments_by_name_or_by_position():
    swapped = identity("p", lambda q, p: p, lambda p, q: p, p=reals(), q=signs())
    by_position = identity("p", lambda a, b: a - b, torch.sub, p=reals(), q=signs())
    assert swapped.holds
    assert by_position.holds


def test_numbers_arrays_and_lists_are_results_too():
    def by_loop(p):
        return -sum(x * math.log(x) for x in p.tolist() if x)

    def by_numpy(p):
        p = p.numpy()
        return -numpy.sum(p * numpy.log(p, where=p > 0, out=numpy.zeros_like(p)))

    assert identity("loop", by_loop, entropy, p=distributions()).holds
    assert identity("numpy", by_numpy, entropy, p=distributions()).holds
    assert identity("list", lambda p: p.tolist(), lambda p: p, p=distributions()).holds
    assert identity("pair", lambda p: (p, p), lambda p: [p, p], p=distributions()).holds


def test_other_libraries_as_references():
    import mpmath
    import scipy.stats

    def precise(p):
        return -mpmath.fsum(x * mpmath.log(x) for x in map(mpmath.mpf, p.tolist()) if x)

    assert identity("mpmath", entropy, precise, p=distributions(), cases=50).holds
    scipy_entropy = numpy_reference(scipy.stats.entropy)
    assert identity("scipy", entropy, scipy_entropy, p=distributions(), cases=50).holds


@pytest.mark.parametrize(
    ("result", "what"),
    [(None, "returned None"), ("0.5", "returned '0.5'"), (object, "expected a number")],
)
def test_a_result_that_is_no_number_is_a_failure(result, what):
    report = identity("none", lambda p: result, entropy, p=distributions())
    assert report.what == "raises"
    assert what in str(report)
    assert values(report) == {"p": [0.5, 0.5]}


def test_an_exception_is_a_failure_with_the_smallest_input_that_raises():
    def raises(p):
        if len(p) > 2:
            raise KeyError("three classes")
        return entropy(p)

    report = identity("H", raises, entropy, p=distributions())
    assert report.what == "raises"
    assert isinstance(report.sides["left"], KeyError)
    assert len(values(report)["p"]) == 3
    assert "raises KeyError" in str(report)
    assert "three classes" in str(report)


def test_shapes_must_be_the_same():
    report = identity("sum", lambda p: p.sum(0, keepdim=True), lambda p: p.sum(), p=distributions())
    assert report.what == "shape"
    assert report.sides == {"left": "shape (1,)", "right": "shape ()"}


def test_nan_on_both_sides_shows_nothing():
    def plain(p):
        return -(p * p.log()).sum()

    report = identity("H = H", plain, plain, p=distributions())
    assert not report.holds
    assert "NaN" in report.what
    assert identity("H = H", plain, plain, p=distributions(), nan_equal=True).holds


def test_one_side_can_not_change_what_the_other_sees():
    report = identity("x", lambda x: x.mul_(0), lambda x: x, x=vectors())
    assert values(report) == {"x": [1.0]}


def test_answers_that_change_from_call_to_call_are_called_so():
    count = iter(range(10**6))
    report = identity("x", lambda x: next(count) % 7, lambda x: 1, x=reals())
    assert not report.holds


# Units in the last place


@pytest.mark.parametrize("dtype", FLOATS)
def test_one_unit_is_the_gap_to_the_next_number(dtype):
    eps = torch.finfo(dtype).eps
    for x in (1.0, 3.0, 1000.0, 0.001):
        a = torch.tensor(x, dtype=dtype)
        b = torch.nextafter(a, torch.tensor(math.inf, dtype=dtype))
        assert ulps_apart(a, b, scale=0) == 1
        assert ulps_apart(a, b) == (1 if x >= 1 else (b - a).item() / eps)


def test_units_at_the_ends():
    smallest = torch.tensor(5e-324, dtype=torch.float64)
    inf, nan = torch.tensor(math.inf), torch.tensor(math.nan)
    assert ulps_apart(smallest, 3 * smallest, scale=0) == 2
    assert ulps_apart(torch.tensor(1.7e308), torch.tensor(1.7e308)) == 0
    assert ulps_apart(inf, inf) == 0
    assert ulps_apart(nan, nan) == 0
    assert ulps_apart(nan, nan, nan_equal=False) == math.inf
    for a, b in ((inf, -inf), (inf, nan), (nan, inf), (inf, torch.tensor(1.0))):
        assert ulps_apart(a, b) == math.inf


def test_scale_forgives_cancellation_and_zero_does_not():
    pair = {"p": distributions(zeros=False), "q": distributions(zeros=False)}
    sides = kl, lambda p, q: cross_entropy(p, q) - entropy(p)
    assert identity("KL = CE - H", *sides, **pair).holds
    assert not identity("KL = CE - H", *sides, **pair, scale=0).holds


def test_tolerance_by_dtype():
    x = reals("n", dtype=FLOATS)

    def off(x, ulps):
        return torch.ones_like(x) + ulps * torch.finfo(x.dtype).eps

    assert identity("4", lambda x: off(x, 4), lambda x: off(x, 0), x=x).holds
    report = identity("5", lambda x: off(x, 5), lambda x: off(x, 0), x=x)
    assert report.counterexample["x"].dtype in (torch.float16, torch.bfloat16)
    tight = identity("1", lambda x: off(x, 4), lambda x: off(x, 0), x=x, ulps={torch.float32: 1})
    assert tight.counterexample["x"].dtype == torch.float32
    assert not identity("2", lambda x: off(x, 4), lambda x: off(x, 0), x=x, ulps=2).holds


# Domains


@pytest.mark.parametrize("dtype", FLOATS)
def test_distributions_sum_to_one(dtype):
    for p in drawn(distributions(rows=True, dtype=dtype)) + drawn(joints(dtype=dtype)):
        assert p.dtype == dtype
        assert (p >= 0).all()
    for p in drawn(distributions(rows=True)):
        assert (p.sum(-1) - 1).abs().max() < 1e-12
    assert all(abs(p.sum() - 1) < 1e-12 for p in drawn(joints()))


def test_what_the_domains_hold():
    assert all((p > 0).all() for p in drawn(distributions(zeros=False)))
    assert any((p < 1e-20).any() for p in drawn(distributions(zeros=False)))
    assert all(x > 0 for x in drawn(positives()))
    assert {x.item() for x in drawn(signs())} == {1.0, -1.0}
    inside = drawn(probabilities(ends=False))
    assert all(0 < p < 1 for p in inside)
    assert {0.0, 1.0} <= {p.item() for p in drawn(probabilities())}
    assert max(z.max().item() for z in drawn(logits())) > 1000
    assert any((x == 0).all() for x in drawn(vectors()))
    assert not any((x == 0).all() for x in drawn(vectors(zero=False)))
    assert {y.dtype for y in drawn(labels("rows"))} == {torch.int64}
    assert set(drawn(choice("mean", "sum"))) == {"mean", "sum"}


def test_a_dtype_is_shared_within_a_call():
    pairs = []
    dtypes = (torch.float32, torch.float64)
    identity(
        "dtypes", lambda a, b: pairs.append((a.dtype, b.dtype)) or 0, lambda a, b: 0,
        a=reals(dtype=dtypes), b=reals(dtype=dtypes),
    )  # fmt: skip
    assert set(pairs) == {(dtype, dtype) for dtype in dtypes}


# Agreement with a reference

CASES = {
    "input": logits(rows=True, dtype=(torch.float64, torch.float32)),
    "target": labels(rows=True),
    "reduction": choice("mean", "sum", "none", "bad"),
}


def ours(input, target, reduction="mean"):
    loss = -input.log_softmax(-1).gather(-1, target[:, None])[:, 0]
    if reduction not in ("mean", "sum", "none"):
        raise ValueError("reduction")
    return loss if reduction == "none" else getattr(loss, reduction)()


def test_agreement():
    report = agrees(ours, F.cross_entropy, CASES, count=200).require()
    assert report.title == "ours agrees with cross_entropy"
    assert report.kinds["refused"] > 10
    assert report.cases == 200


def wrong_value(input, target, reduction="mean"):
    return -ours(input, target, reduction)


def wrong_gradient(input, target, reduction="mean"):
    loss = ours(input, target, reduction)
    return loss.detach() + 2 * (loss - loss.detach())


def no_gradient(input, target, reduction="mean"):
    return ours(input, target, reduction).detach()


def wrong_dtype(input, target, reduction="mean"):
    return ours(input.double(), target, reduction)


def wrong_shape(input, target, reduction="mean"):
    return ours(input, target, reduction).reshape(-1)


def accepts_what_is_refused(input, target, reduction="mean"):
    return ours(input, target, reduction if reduction != "bad" else "none")


def refuses_with_another_exception(input, target, reduction="mean"):
    if reduction == "bad":
        raise KeyError(reduction)
    return ours(input, target, reduction)


def refuses_what_is_accepted(input, target, reduction="mean"):
    if len(input) > 2:
        raise ValueError("too many")
    return ours(input, target, reduction)


def changes_its_argument(input, target, reduction="mean"):
    loss = ours(input, target, reduction)
    target.zero_()
    return loss


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (wrong_value, "value"),
        (wrong_gradient, "gradient by input"),
        (no_gradient, "gradient by input"),
        (wrong_dtype, "dtype"),
        (wrong_shape, "shape"),
        (accepts_what_is_refused, "raises"),
        (refuses_with_another_exception, "raises"),
        (refuses_what_is_accepted, "raises"),
        (changes_its_argument, "target is changed"),
    ],
)
def test_planted_faults(fault, what):
    report = agrees(fault, F.cross_entropy, CASES)
    assert not report.holds
    assert report.what == what
    assert set(report.sides) == {"ours", "reference"}
    assert report.counterexample["input"].numel() <= 6
    with pytest.raises(AssertionError, match="agrees with cross_entropy"):
        report.require()


def test_the_smallest_disagreements():
    report = agrees(wrong_gradient, F.cross_entropy, CASES)
    assert short(report.counterexample["input"]) == "[[0, 0]]"
    assert report.counterexample["reduction"] == "mean"
    assert report.sides["ours"].tolist() == [[-0.25, 0.25]] or report.sides["ours"].numel() == 2
    dtype = agrees(wrong_dtype, F.cross_entropy, CASES)
    assert dtype.counterexample["input"].dtype == torch.float32
    assert dtype.sides == {"ours": "float64", "reference": "float32"}
    refused = agrees(refuses_what_is_accepted, F.cross_entropy, CASES)
    assert refused.counterexample["input"].tolist() == [[0, 0]] * 3
    accepted = agrees(accepts_what_is_refused, F.cross_entropy, CASES)
    assert accepted.counterexample["reduction"] == "bad"
    assert isinstance(accepted.sides["reference"], ValueError)


def test_an_except_clause_for_the_reference_must_catch_ours():
    class Both(ValueError, IndexError):
        pass

    def refuses(kind):
        def function(x):
            raise kind("no")

        return function

    domain = {"x": reals()}
    assert agrees(refuses(Both), refuses(IndexError), domain).holds
    assert not agrees(refuses(IndexError), refuses(Both), domain).holds
    assert agrees(refuses(RuntimeError), refuses(NotImplementedError), domain).holds
    assert not agrees(refuses(ValueError), refuses(NotImplementedError), domain).holds


def test_only_a_wrong_gradient_at_a_tie():
    report = agrees(
        lambda input, target: torch.where(input > target, input - target, target - input).mean(),
        F.l1_loss,
        {"input": reals("n"), "target": reals("n")},
    )
    assert report.what == "gradient by input"
    assert values(report) == {"input": [0], "target": [0]}


def test_gradients_by_every_argument_that_the_reference_differentiates():
    # Torch differentiates this loss by its target, but not by its weight.
    tensors = {
        "input": torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64),
        "target": probabilities("3"),
        "weight": positives("3"),
    }

    def bce(input, target, weight, frozen=False):
        target = target.detach() if frozen else target
        loss = -target * input.log().clamp(min=-100) - (1 - target) * (-input).log1p().clamp(-100)
        return (weight.detach() * loss).mean()

    assert agrees(bce, F.binary_cross_entropy, tensors, ulps=1e3).holds
    frozen = agrees(
        lambda **given: bce(**given, frozen=True), F.binary_cross_entropy, tensors, ulps=1e3
    )
    assert frozen.what == "gradient by target"


def test_a_gradient_that_sums_to_zero_is_looked_at():
    report = agrees(
        lambda x: x.softmax(-1).detach(), lambda x: x.softmax(-1), {"x": logits(rows=True)}
    )
    assert report.what == "gradient by x"
    assert values(report) == {"x": [[0, 0]]}


def test_second_gradients():
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0].detach()

    domain = {"x": reals("n")}
    assert agrees(Square.apply, lambda x: x**2, domain).holds
    report = agrees(Square.apply, lambda x: x**2, domain, derivatives=2)
    assert report.what == "second gradient by x"
    assert agrees(lambda x: x * x, lambda x: x**2, domain, derivatives=2).holds


def test_warnings_can_be_compared():
    cases = {"input": reals("n 1"), "target": reals("n")}

    def quiet(input, target):
        return (input - target).square().mean()

    assert agrees(quiet, F.mse_loss, cases).holds
    report = agrees(quiet, F.mse_loss, cases, warnings=True)
    assert report.what == "warnings"
    assert report.sides == {"ours": "none", "reference": "UserWarning"}


def test_strategies_of_calls():
    x = logits("rows? classes", dtype=FLOATS)
    cases = (
        calls(x, labels("rows?"), reduction=choice("mean", "sum", "none"))
        | calls(x, distributions("rows? classes", dtype=FLOATS), label_smoothing=0.1)
        | calls(x, labels("rows?"), label_smoothing=strategies.sampled_from([0.0, 0.5, 2.0]))
        | strategies.just(Call((torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))))
        | strategies.just(((torch.zeros(3), torch.tensor(7)), {}))
        | strategies.just({"input": torch.zeros(2, 3).T, "target": torch.tensor([0, 1, 1])})
    )
    report = agrees(F.cross_entropy, F.cross_entropy, cases, count=300)
    assert report.holds
    assert report.kinds["refused"]
    smoothed = agrees(
        lambda *args, label_smoothing=0.0, **kw: F.cross_entropy(*args, **kw),
        F.cross_entropy,
        cases,
    )
    assert not smoothed.holds
    assert smoothed.counterexample["label_smoothing"] > 0
    assert "label_smoothing = " in str(smoothed)


def test_strides_are_kept():
    seen = set()

    def look(x):
        seen.add((x.stride(), x.is_contiguous()))
        return x.sum()

    tensors = [torch.zeros(2, 3).T, torch.zeros(1).expand(4), torch.zeros(6)[::2]]
    cases = strategies.sampled_from(tensors).map(lambda x: {"x": x})
    assert agrees(look, lambda x: x.sum(), cases).holds
    assert {stride for stride, _ in seen} == {(1, 3), (0,), (2,)}


def test_a_reference_without_gradient():
    reference = numpy_reference(lambda x: numpy.exp(x))
    report = agrees(lambda x: x.exp(), reference, {"x": probabilities("n")})
    assert report.holds
    assert "no gradient" in report.notes[0]


def test_several_results():
    def pair(x, scale=1):
        return x.sum(), x * scale

    assert agrees(pair, pair, {"x": reals("n")}).holds
    report = agrees(lambda x: pair(x, 2), pair, {"x": reals("n")})
    assert report.what in ("value", "gradient by x")


# Derivatives by hand


def softmax_minus_one_hot(z, y):
    return z.softmax(-1) - F.one_hot(y, len(z))


def test_a_right_derivative():
    report = gradient(F.cross_entropy, softmax_minus_one_hot, z=logits(), y=labels())
    assert report.require().cases == 30
    assert report.title == "the derivative of cross_entropy"


@pytest.mark.parametrize(
    ("domain", "function", "derivative"),
    [
        (positives(), torch.log, lambda x: 1 / x),
        (reals("n"), lambda x: x.relu(), lambda x: (x > 0).double()),
        (reals("n m"), lambda x: x.sigmoid(), lambda x: x.sigmoid() * x.neg().sigmoid()),
        (reals(), lambda x: x.abs(), lambda x: x.sign()),
        (distributions(), lambda p: (p**2).sum(), lambda p: 2 * p),
        (
            logits(),
            lambda z: z.softmax(-1),
            lambda z: z.softmax(-1).diag() - z.softmax(-1).outer(z.softmax(-1)),
        ),
    ],
)
def test_right_derivatives_of_every_shape(domain, function, derivative):
    assert gradient(function, derivative, x=domain).holds


def test_derivatives_wrong_by_a_factor_or_at_one_class():
    domains = {"z": logits(), "y": labels()}
    doubled = gradient(F.cross_entropy, lambda z, y: 2 * softmax_minus_one_hot(z, y), **domains)
    assert values(doubled) == {"z": [0, 0], "y": 0}
    assert doubled.sides["by hand"].tolist() == [-1, 1]
    assert doubled.sides["autograd"].tolist() == [-0.5, 0.5]

    def wrong_in_the_third(z, y):
        right = softmax_minus_one_hot(z, y)
        return right + 1e-8 * (torch.arange(len(z)) == 2)

    third = gradient(F.cross_entropy, wrong_in_the_third, **domains)
    assert values(third) == {"z": [0, 0, 0], "y": 0}


def test_finite_differences_find_what_autograd_hides():
    def detached(x):
        return x * x.detach()

    report = gradient(detached, lambda x: x, x=reals())
    assert report.what == "finite differences"
    assert report.sides["autograd"] == report.sides["by hand"] != 0


def test_finite_differences_alone_for_functions_without_autograd():
    report = gradient(lambda x: math.sin(x), lambda x: x.cos(), x=reals())
    assert report.holds
    assert "finite differences alone" in report.notes[0]
    assert not gradient(lambda x: math.sin(x), lambda x: x.sin(), x=reals()).holds


def test_gradient_by_another_argument():
    domains = {"p": distributions(zeros=False), "q": distributions(zeros=False)}
    assert gradient(cross_entropy, lambda p, q: -p / q, wrt="q", **domains).holds
    assert not gradient(cross_entropy, lambda p, q: -p / q, **domains).holds


def test_gradient_of_a_wrong_shape_or_with_an_exception():
    report = gradient(lambda x: x.sum(), lambda x: x.sum(), x=reals("n"))
    assert report.what == "shape"
    report = gradient(lambda x: x.sum(), lambda x: 1 / 0, x=reals("n"))
    assert report.what == "raises"
    assert "ZeroDivisionError" in str(report)


# Reports

FAILING = {"left": lambda p: -(p * p.log()).sum(), "right": entropy, "p": distributions()}


def test_text_of_a_report():
    text = str(identity("H = H", entropy, entropy, p=distributions()))
    assert text.splitlines()[0] == "H = H"
    assert "✓ holds on 50 cases" in text
    assert "interior" in text
    assert "under 8 units in the last place (64 allowed)" in text


def test_text_of_a_failing_report():
    text = str(identity("naive", **FAILING))
    assert re.search(r"✗ fails on \d+ of 50 cases", text)
    assert re.search(r"with zeros (\d+) \(\1 wrong\)", text)
    assert "p = [1, 0]" in text
    assert re.search(r"left +nan\n +right +0$", text)


def test_html_of_a_report():
    report = identity("a < b & <script>", **FAILING)
    page = report._repr_html_()
    assert "<script" not in page
    assert "<style" not in page
    assert "color" not in page
    assert "a &lt; b &amp;" in page
    assert page.count("<tr>") == page.count("</tr>") == len(report.rows())
    assert "p = [1, 0]" in page


def test_digits_enough_to_tell_the_sides_apart():
    text = str(identity("x", lambda x: 1 + 1e-8, lambda x: 1.0, x=reals()))
    assert "1.00000001" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64) / 3, "[1/3, 2/3, 0]"),
        (torch.tensor([1.0, 2.0]) / 3, "[1/3, 2/3] (float32)"),
        (torch.tensor(3), "3"),
        (torch.tensor(1e-30, dtype=torch.float64), "1e-30"),
        (torch.tensor(-math.inf), "-inf (float32)"),
        (torch.zeros(50, 2, dtype=torch.int64), "[0, 0, 0, 0, 0, 0, 0, 0, …] (shape (50, 2))"),
        (torch.zeros(0, 3), "empty, float32 shape (0, 3)"),
        ("mean", "'mean'"),
        (ValueError("two\nlines"), "raises ValueError: two lines"),
    ],
)
def test_values_are_printed_short(value, text):
    assert short(value) == text


def test_expected_failures(monkeypatch):
    report = identity("naive", **FAILING, expect="fails")
    assert report.require() is report
    assert not report.holds
    assert "as expected" in str(report)
    unexpected = identity("true", entropy, entropy, p=distributions(), expect="fails")
    with pytest.raises(AssertionError, match="expected to fail"):
        unexpected.require()
    monkeypatch.setenv("LOSSBOOK_STRICT", "1")
    identity("naive", **FAILING, expect="fails")
    identity("true", entropy, entropy, p=distributions())
    with pytest.raises(AssertionError, match="naive"):
        identity("naive", **FAILING)
    with pytest.raises(AssertionError, match="expected to fail"):
        identity("true", entropy, entropy, p=distributions(), expect="fails")


# Misuse


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: identity("x", entropy, entropy), ValueError, "at least one domain"),
        (lambda: agrees(abs, abs, {}), ValueError, "at least one domain"),
        (lambda: agrees(abs, abs, [1]), TypeError, "dict of domains"),
        (
            lambda: identity("x", lambda p, q: 0, lambda p, r: 0, p=reals(), q=reals()),
            TypeError,
            r"right takes \(p, r\), but the domains are p, q",
        ),
        (
            lambda: identity("x", lambda a: 0, lambda a: 0, p=reals(), q=reals()),
            TypeError,
            r"left takes \(a\)",
        ),
        (lambda: identity(entropy, entropy, "x", p=reals()), TypeError, "title comes first"),
        (lambda: identity("x", 3, entropy, p=reals()), TypeError, "left must be a function"),
        (
            lambda: identity("x", entropy, entropy, p=reals(), scale=positives()),
            TypeError,
            "scale must be a number",
        ),
        (lambda: identity("x", abs, abs, p=reals(), expect="fail"), ValueError, "expect is"),
        (lambda: identity("x", abs, abs, p=reals("a-b")), ValueError, "a dimension is a name"),
        (lambda: gradient(abs, abs, wrt="q", p=reals()), ValueError, "none of the domains"),
        (lambda: gradient(abs, abs, p=labels()), ValueError, "float64"),
        (lambda: agrees(abs, abs, strategies.integers()), TypeError, "draws Call"),
    ],
)
def test_misuse(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Where it runs

SCRIPT = """
import torch
from lossbook.verify import *
F = torch.nn.functional
H = lambda p: torch.special.entr(p).sum(-1)
pair = dict(p=distributions(), q=distributions())
CE = lambda p, q: -torch.xlogy(p, q).sum(-1)
KL = lambda p, q: (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)
print(identity("CE = H + KL", CE, lambda p, q: H(p) + KL(p, q), cases=60, **pair))
print(identity("naive", lambda p: -(p * p.log()).sum(), H, p=distributions(), cases=60))
cases = dict(input=logits(rows=True), target=labels(rows=True))
print(agrees(F.cross_entropy, F.cross_entropy, cases, count=30))
print(agrees(F.multi_margin_loss, F.cross_entropy, cases, count=30))
print(gradient(F.cross_entropy, lambda z, y: z.softmax(-1), z=logits(), y=labels(), cases=20))
"""


def test_two_processes_print_the_same_and_leave_no_file(tmp_path):
    # One of them loads a module of the reader's own, full of numbers that hypothesis would draw.
    (tmp_path / "mine.py").write_text("NUMBERS = [3, 7, 42, 99, 0.123]\nTEXT = 'text'\n")
    root = os.path.dirname(os.path.dirname(verify.__path__[0]))
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", first + SCRIPT],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}", "PYTHONHASHSEED": ""}
            | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for first in ("", "import mine\n")
    ]
    outputs, errors = zip(*(process.communicate() for process in processes), strict=True)
    assert [process.returncode for process in processes] == [0, 0], errors
    assert outputs[0] == outputs[1]
    assert os.listdir(tmp_path) == ["mine.py"]


def test_the_import_is_cheap():
    code = "import sys, torch; before = {*sys.modules}; import lossbook.verify; "
    code += "new = {name.partition('.')[0] for name in {*sys.modules} - before}; "
    code += "print(new - {*sys.stdlib_module_names})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "{'lossbook'}", run.stdout + run.stderr


@hypothesis.settings(max_examples=2, deadline=None, database=None)
@hypothesis.given(strategies.integers(2, 4))
def test_within_a_test_of_hypothesis(factor):
    report = identity("H", lambda p: factor * entropy(p), entropy, p=distributions())
    assert values(report) == {"p": [0.5, 0.5]}


def test_a_check_within_a_check():
    def inner(x):
        return identity("x", lambda x: x, lambda x: x + 1, x=reals(), cases=3).holds

    assert identity("outer", inner, lambda x: False, x=reals(), cases=3).holds


def test_from_a_thread_and_without_grad():
    reports = []

    def run():
        with torch.no_grad():
            reports.append(agrees(wrong_gradient, F.cross_entropy, CASES))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert reports[0].what == "gradient by input"


def test_random_state_is_left_alone():
    import random

    random.seed(1)
    numpy.random.seed(1)
    torch.manual_seed(1)
    expected = random.random(), numpy.random.rand(), torch.rand(1)
    random.seed(1)
    numpy.random.seed(1)
    torch.manual_seed(1)
    identity("x", lambda x: x, lambda x: x, x=reals())
    assert (random.random(), numpy.random.rand(), torch.rand(1)) == expected


def test_first_stops_at_the_first_case_that_fails():
    cases = {"x": reals("n"), "y": reals("n")}
    loss = torch.nn.functional.l1_loss
    quick = agrees(lambda x, y: -loss(x, y), loss, cases, first=True)
    assert not quick.holds
    assert quick.counterexample is not None
    assert quick.cases < 50
    assert agrees(loss, loss, cases, first=True).cases == 50
