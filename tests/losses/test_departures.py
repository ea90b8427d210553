"""Where our losses do otherwise than torch on purpose: the table of the README, measured."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import lossbook

README = Path(__file__).parents[2] / "README.md"
HALF = torch.float16


def slope(function, x):
    x = x.clone().requires_grad_()
    function(x).sum().backward()
    return x.grad


def soft_margin(library):
    return library.soft_margin_loss(torch.tensor([-89.0]), torch.ones(1))


def confident(library):
    return library.cross_entropy(torch.tensor([[20.0, 0.0]]), torch.tensor([0]))


def confident_no(library):
    x = torch.tensor([-20.0])
    return library.binary_cross_entropy_with_logits(x, torch.zeros(1))


def half_mean(library):
    x = torch.full((4,), 250.0, dtype=HALF)
    return library.mse_loss(x, torch.zeros(4, dtype=HALF), weight=torch.full((4,), 2.0, dtype=HALF))


def half_smoothing(library):
    x = torch.arange(50_000, dtype=HALF)[None] / 5000
    return library.cross_entropy(x, torch.tensor([0]), label_smoothing=0.1)


def zero_vector(library):
    x = torch.zeros(1, 3, dtype=HALF)
    return library.cosine_similarity(x, torch.ones(1, 3, dtype=HALF))


def certain_slope(library):
    p = torch.zeros(1, dtype=HALF)
    return slope(lambda p: library.binary_cross_entropy(p, torch.zeros(1, dtype=HALF)), p)


def steep_softplus(library):
    x = torch.tensor([89.0])
    return slope(lambda x: library.softplus(x, 1, 200), x)


def ctc_slope(library):
    logits = torch.zeros(2, 1, 2).log_softmax(2)
    arguments = torch.tensor([[1]]), (2,), (1,)
    return slope(lambda x: library.ctc_loss(x, *arguments, reduction="sum"), logits)[0, 0, 0]


def ctc_blank(library):
    arguments = torch.tensor([[0]]), (2,), (1,)
    logits = torch.zeros(2, 1, 2)
    by_logits = slope(lambda z: library.ctc_loss(z.log_softmax(2), *arguments), logits)
    return by_logits[1, 0, 0]


def steep_margin(library):
    return slope(lambda x: library.soft_margin_loss(x, torch.ones(1)), torch.tensor([-89.0]))


def half_slopes(library):
    logsumexp = (torch if library is F else library).logsumexp
    return slope(lambda z: logsumexp(z, 0), (torch.arange(1000) / 111).to(HALF)).float().sum()


# What is printed in the README: the row's name, and what ours and torch's give.
MEASURED = [
    ("`soft_margin_loss` at −89", soft_margin, "89", "inf"),
    ("`cross_entropy`, right by a gap of 20", confident, "2.06e-09", "0"),
    ("`binary_cross_entropy_with_logits` at −20, a no", confident_no, "2.06e-09", "0"),
    ("weighted `mse_loss` of 250s, float16", half_mean, "6.25e+04", "inf"),
    ("smoothed `cross_entropy`, 50,000 classes, float16", half_smoothing, "18", "inf"),
    ("`cosine_similarity` of a zero vector, float16", zero_vector, "0", "nan"),
    ("slope of `binary_cross_entropy` at p = y = 0, float16", certain_slope, "0", "nan"),
    ("slope of `softplus` at 89, threshold 200", steep_softplus, "1", "nan"),
    ("slope of `ctc_loss` by a log-probability, 2 frames", ctc_slope, "-0.333", "0.167"),
    ("slope of `ctc_loss` by a logit, a string of one blank", ctc_blank, "-0.5", "-0.333"),
    ("slope of `soft_margin_loss` at −89", steep_margin, "-1", "nan"),
    ("the slopes of `logsumexp` in all, 1,000 classes, float16", half_slopes, "1", "0.995"),
]


@pytest.mark.parametrize(
    ("name", "measure", "ours", "torchs"), MEASURED, ids=[name for name, *_ in MEASURED]
)
def test_measured(name, measure, ours, torchs):
    assert f"{measure(lossbook).item():.3g}" == ours
    assert f"{measure(F).item():.3g}" == torchs
    assert f"| {name} | {ours} | {torchs} |" in README.read_text(encoding="utf-8")


def test_an_empty_batch_of_margins_is_no_memory_of_something_else():
    scores, labels = torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)
    for loss in (
        lambda reduction: lossbook.multi_margin_loss(scores, labels, reduction=reduction),
        lambda reduction: lossbook.multilabel_margin_loss(
            scores, torch.zeros(0, 3, dtype=torch.int64), reduction=reduction
        ),
    ):
        assert loss("sum") == 0
        assert math.isnan(loss("mean"))
        assert loss("none").shape == (0,)


def test_what_we_refuse_and_torch_takes():
    logits, label = torch.zeros(1, 2), torch.tensor([0])
    for smoothing in (-0.1, math.nan):
        assert F.cross_entropy(logits, label, label_smoothing=smoothing).isfinite()
        with pytest.raises(lossbook.LossInputError, match="label_smoothing"):
            lossbook.cross_entropy(logits, label, label_smoothing=smoothing)
    with pytest.raises(lossbook.LossInputError, match="labels go from 0 to 1"):
        lossbook.ctc_loss(torch.zeros(2, 1, 2), torch.tensor([[5]]), (2,), (1,))


def test_the_slope_for_a_string_of_one_blank_is_that_of_the_value():
    def loss(z):
        arguments = torch.tensor([[0]]), (2,), (1,)
        return F.ctc_loss(torch.tensor([[[0.0, 0.0]], [[z, 0.0]]]).log_softmax(2), *arguments)

    assert ((loss(0.01) - loss(-0.01)) / 0.02).item() == pytest.approx(-0.5, abs=1e-3)


def ctc(library):
    return lambda x: library.ctc_loss(x, torch.tensor([[1]]), (2,), (1,)), (2, 1, 3)


def multi_margin(library):
    return lambda x: library.multi_margin_loss(x, torch.tensor([1, 0]), p=2), (2, 3)


def multilabel_margin(library):
    labels = torch.tensor([[1, -1, 0], [0, 2, -1]])
    return lambda x: library.multilabel_margin_loss(x, labels), (2, 3)


def linear_with_options(library):
    options = {"options": torch.nn.LinearCrossEntropyOptions()}
    layer = torch.eye(3, dtype=torch.float64)
    label = torch.tensor([1, 0])
    return lambda x: library.linear_cross_entropy(x, layer, label, **options), (2, 3)


@pytest.mark.parametrize("made", [ctc, multi_margin, multilabel_margin, linear_with_options])
def test_second_derivatives_where_torch_has_none(made):
    def second(library):
        torch.manual_seed(0)
        loss, shape = made(library)
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        (first,) = torch.autograd.grad(loss(x), x, create_graph=True)
        return torch.autograd.grad(first.sum(), x)

    with pytest.raises(RuntimeError):
        second(F)
    assert second(lossbook)[0].isfinite().all()
    torch.manual_seed(0)
    loss, shape = made(lossbook)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(loss, x)


def test_complex_numbers_that_torch_takes():
    x, one = torch.tensor([1 + 2j, 3 - 1j]), torch.ones(2)
    for name, *args in (
        ("gaussian_nll_loss", x, x, one),
        ("soft_margin_loss", x, one),
        ("logsumexp", x, 0),
    ):
        assert getattr(F, name, torch.logsumexp)(*args).is_complex()
        with pytest.raises(lossbook.LossInputError, match=r"torch\.complex64"):
            getattr(lossbook, name)(*args)
