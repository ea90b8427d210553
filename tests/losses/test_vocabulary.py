"""Losses of many classes against torch's, and against the plain way of writing them."""

import mpmath
import pytest
import torch
import torch.nn.functional as F
from accuracy import bare, side_by_side
from drawn import (
    DTYPES,
    REDUCTIONS,
    SINGLE,
    agree,
    catches,
    modules_work,
    numbers,
    refuses,
    weights,
)

from lossbook import (
    adaptive_log_prob,
    adaptive_log_softmax_with_loss,
    linear_cross_entropy,
    log_softmax,
)
from lossbook.losses import vocabulary
from lossbook.verify import calls, choice, distributions, labels, positives

OPTIONS = {
    "reduction": REDUCTIONS,
    "label_smoothing": choice(0.0, 0.3, 1.0),
    "ignore_index": choice(None, 1, -100),
}


def plain_cases(dtype=SINGLE, **more):
    layer = {"linear_bias": numbers("classes", dtype=dtype), **OPTIONS, **more}
    return (
        calls(
            numbers("n:0-5 features", dtype=dtype),
            numbers("classes features", dtype=dtype),
            labels("n:0-5"),
            **layer,
        )
        | calls(
            numbers("features", dtype=dtype),
            numbers("classes features", dtype=dtype),
            labels(""),
            **OPTIONS,
        )
        | calls(
            numbers("n:0-5 features", dtype=dtype),
            numbers("classes d:1-2 e? features", dtype=dtype),
            labels("n:0-5 d:1-2 e?"),
            weight=positives("classes", dtype=dtype),
            **OPTIONS,
        )
    )


PROBABILITIES = calls(
    numbers("n features", dtype=SINGLE),
    numbers("classes features", dtype=SINGLE),
    distributions("n classes", dtype=SINGLE),
    weight=weights("classes", dtype=SINGLE),
    reduction=REDUCTIONS,
    label_smoothing=choice(0.0, 0.3),
)


@pytest.mark.parametrize("piece", [6, 10**7])
def test_agrees_with_torch(piece, monkeypatch):
    monkeypatch.setattr(vocabulary, "LOGITS", piece)
    agree(linear_cross_entropy, F.linear_cross_entropy, plain_cases() | PROBABILITIES, count=80)


def test_a_layer_without_classes():
    nothing = torch.full((4,), -100)
    assert linear_cross_entropy(x, torch.ones(0, 3), nothing).isnan()
    assert linear_cross_entropy(x, torch.ones(0, 3), nothing, reduction="sum") == 0


def test_options_change_nothing():
    options = torch.nn.LinearCrossEntropyOptions(allow_retain_graph=True)
    cases = calls(
        numbers("n:1-5 features", dtype=SINGLE),
        numbers("classes features", dtype=SINGLE),
        labels("n:1-5"),
        reduction=REDUCTIONS,
        label_smoothing=choice(0.0, 0.3),
        options=options,
    )
    agree(linear_cross_entropy, F.linear_cross_entropy, cases, derivatives=1, count=30)


@pytest.mark.parametrize("dtype", DTYPES[2:], ids=str)
def test_half_precision_is_rounded_once(dtype):
    torch.manual_seed(0)
    h, w = torch.randn(6, 4).to(dtype), torch.randn(5, 4).to(dtype)
    label = torch.randint(5, (6,))
    wanted = F.linear_cross_entropy(h.float(), w.float(), label, reduction="none").to(dtype)
    assert torch.equal(linear_cross_entropy(h, w, label, reduction="none"), wanted)


@pytest.mark.parametrize("bias", [False, True])
def test_module_of_torch_works_with_ours(bias, monkeypatch):
    module = torch.nn.LinearCrossEntropyLoss(3, 5, bias=bias, label_smoothing=0.1)
    label = torch.randint(5, (4,))
    modules_work(monkeypatch, "linear_cross_entropy", module, torch.randn(4, 3), label)


def test_a_second_backward_is_right():
    h, w = torch.randn(4, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    loss = linear_cross_entropy(h, w, torch.tensor([0, 4, 2, 2]))
    first = torch.autograd.grad(loss, (h, w), retain_graph=True)
    twice = torch.autograd.grad(loss, (h, w), torch.tensor(2.0))
    for a, b in zip(first, twice, strict=True):
        torch.testing.assert_close(2 * a, b)


@pytest.mark.parametrize("size", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_accuracy(dtype, size):
    # Features that pick a column of the layer: no rounding but that of the loss.
    generator = torch.Generator().manual_seed(0)
    w = (size * torch.randn(50, 60, generator=generator, dtype=torch.float64)).to(dtype)
    label = torch.randint(50, (60,), generator=generator)
    columns = [bare(column) for column in w.T.tolist()]

    def exact(h, label):
        z = columns[h.index(1)]
        return mpmath.log(sum(map(mpmath.exp, z))) - z[label]

    def shaped(loss):
        return lambda h, label, **options: loss(h, w, label, **options)

    functions = shaped(linear_cross_entropy), shaped(F.linear_cross_entropy)
    ours, torchs = side_by_side(*functions, exact, torch.eye(60, dtype=dtype), label)
    # Of ordinary answers either is off by about a unit; confident ones are where torch has none.
    assert ours.largest <= 1.5, (ours, torchs)
    assert ours.median <= max(torchs.median, 0.5), (ours, torchs)
    if size == 30:
        assert ours.largest <= max(torchs.largest, 1.0), (ours, torchs)


# Planted faults


def wrong(fault):
    def loss(input, linear_weight, target, *, linear_bias=None, ignore_index=None, **options):
        if fault == "bias dropped":
            linear_bias = None
        if fault == "bias twice" and linear_bias is not None:
            linear_bias = 2 * linear_bias
        if fault == "label ignored all the same":
            ignore_index = -100
        if fault == "no smoothing":
            options["label_smoothing"] = 0.0
        if fault == "weight dropped":
            options["weight"] = None
        if fault == "sum for mean" and options["reduction"] == "mean":
            options["reduction"] = "sum"
        if fault == "no slope by the layer":
            linear_weight = linear_weight.detach()
        options |= {"linear_bias": linear_bias, "ignore_index": ignore_index}
        result = F.linear_cross_entropy(input, linear_weight, target, **options)
        return -result if fault == "sign" else result

    return loss


@pytest.mark.parametrize(
    "fault",
    [
        *("bias dropped", "bias twice", "label ignored all the same", "no smoothing", "sign"),
        *("weight dropped", "sum for mean", "no slope by the layer"),
    ],
)
def test_planted_fault_is_caught(fault):
    catches(wrong(fault), F.linear_cross_entropy, plain_cases(), derivatives=1)


# Refusals

x, w, y = torch.ones(4, 3), torch.ones(5, 3), torch.tensor([0, 1, 4, 2])
REFUSED = [
    ((x, w, y), {"reduction": "all"}, "reduction='all'"),
    ((x, w, y + 3), {}, "target holds 7, and labels of 5 classes"),
    ((x, w, y - 3), {"weight": torch.ones(5)}, "target holds -3, and labels of 5 classes"),
    ((x, w, y.int()), {}, "target holds torch.int32"),
    ((x, w, y[:2]), {}, r"target has shape \(2,\): expected \(4,\)"),
    ((x, w[:, :2], y), {}, r"input has shape \(4, 3\) and linear_weight \(5, 2\)"),
    ((x[None], w, y[None]), {}, r"input has shape \(1, 4, 3\)"),
    ((x, w[0], y), {}, r"linear_weight \(3,\)"),
    ((x[0], w[:, None], y[:1]), {}, r"input has shape \(3,\)"),
    ((x, w.double(), y), {}, "input holds torch.float32 and linear_weight torch.float64"),
    ((x.long(), w.long(), y), {}, "floating-point numbers were expected"),
    ((x, w, y), {"linear_bias": torch.ones(2)}, r"linear_bias has shape \(2,\): expected \(5,\)"),
    ((x, w, y), {"weight": torch.ones(2)}, r"weight has shape \(2,\)"),
    ((x, w, y), {"weight": torch.ones(5).double()}, "weight holds torch.float64"),
    ((x, w, y), {"label_smoothing": 1.5}, "label_smoothing=1.5"),
    ((x, w, y), {"ignore_index": "none"}, "ignore_index='none'"),
    ((x, w, y), {"options": {}}, r"options=\{\}: torch"),
    ((x, w, y), {"weight": torch.ones(5, requires_grad=True)}, "weight has no gradient here"),
    ((x, w, torch.ones(4, 5)), {"ignore_index": 1}, "ignore_index=1 is for labels"),
]


@pytest.mark.parametrize(("args", "options", "says"), REFUSED)
def test_refuses(args, options, says):
    refuses(linear_cross_entropy, F.linear_cross_entropy, args, options, says)


# The adaptive softmax


def modules(bias, dtype=torch.float64):
    torch.manual_seed(0)
    return torch.nn.AdaptiveLogSoftmaxWithLoss(
        8, 12, [3, 7], div_value=2, head_bias=bias, dtype=dtype
    )


def parts(module):
    tail = [(down.weight, up.weight) for down, up in module.tail]
    return (module.head.weight, tail), {"head_bias": module.head.bias}


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("label", [[0, 2, 3, 6, 7, 11], [0, 1, 2, 0, 1, 2], [11] * 6, 8])
@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_adaptive_agrees_with_torch(bias, label, dtype):
    module, label = modules(bias, dtype), torch.tensor(label)
    h = torch.randn(*label.shape, 8, dtype=dtype, requires_grad=True)
    args, options = parts(module)
    ours, torchs = adaptive_log_softmax_with_loss(h, label, *args, **options), module(h, label)
    leaves = [h, *module.parameters()]
    for a, b in zip(ours, torchs, strict=True):
        torch.testing.assert_close(a, b)
        slopes = [
            torch.autograd.grad(r.sum(), leaves, allow_unused=True, retain_graph=True)
            for r in (a, b)
        ]
        for c, d in zip(*slopes, strict=True):
            assert (c is None) == (d is None)
            if c is not None:
                torch.testing.assert_close(c, d)


ADAPTIVE_FAULTS = {
    "clusters left out": lambda out, h, label, head, tail, bias: adaptive_log_softmax_with_loss(
        h, label.clamp(max=2), head, tail, head_bias=bias
    ),
    "bias dropped": lambda out, h, label, head, tail, bias: adaptive_log_softmax_with_loss(
        h, label, head, tail
    ),
    "next word": lambda out, h, label, head, tail, bias: adaptive_log_softmax_with_loss(
        h, (label + 1).clamp(max=11), head, tail, head_bias=bias
    ),
    "sign": lambda out, *rest: type(out)(out.output, -out.loss),
    "sum for mean": lambda out, *rest: type(out)(out.output, -out.output.sum()),
    "output is the loss": lambda out, *rest: type(out)(-out.output, out.loss),
}


@pytest.mark.parametrize("fault", [None, *ADAPTIVE_FAULTS])
def test_adaptive_planted_fault_is_caught(fault):
    module = modules(True)
    (head, tail), bias = parts(module)[0], module.head.bias
    cases = calls(numbers("n:1-5 8", dtype=torch.float64), labels("n:1-5", classes="words:12-12"))

    def ours(h, label):
        out = adaptive_log_softmax_with_loss(h, label, head, tail, head_bias=bias)
        return out if fault is None else ADAPTIVE_FAULTS[fault](out, h, label, head, tail, bias)

    (catches if fault else agree)(ours, module, cases, count=60, derivatives=1)


def test_adaptive_log_prob():
    module = modules(True)
    h = torch.randn(20, 8, dtype=torch.float64)
    args, options = parts(module)
    log_prob = adaptive_log_prob(h, *args, **options)
    torch.testing.assert_close(log_prob, module.log_prob(h))
    torch.testing.assert_close(log_prob.exp().sum(1), torch.ones(20, dtype=torch.float64))
    assert torch.equal(log_prob.argmax(1), module.predict(h))
    every = torch.arange(12).expand(20, 12).reshape(-1)
    one = adaptive_log_softmax_with_loss(h.repeat_interleave(12, 0), every, *args, **options)
    torch.testing.assert_close(one.output.reshape(20, 12), log_prob)


def test_adaptive_second_derivatives():
    module = modules(True)
    args, options = parts(module)
    h = torch.randn(3, 8, dtype=torch.float64, requires_grad=True)
    label = torch.tensor([1, 5, 9])
    assert torch.autograd.gradgradcheck(
        lambda h: adaptive_log_softmax_with_loss(h, label, *args, **options).loss, h
    )


def test_module_of_torch_works_with_our_log_softmax(monkeypatch):
    module, h = modules(True), torch.randn(3, 8, dtype=torch.float64)
    wanted = module(h, torch.tensor([1, 5, 9]))
    monkeypatch.setattr(F, "log_softmax", log_softmax)
    torch.testing.assert_close(module(h, torch.tensor([1, 5, 9])), wanted)


@pytest.mark.parametrize(
    ("h", "label", "says"),
    [
        (torch.ones(3, 8), torch.tensor([1, 5, 12]), "the label 12: labels go from 0 to 11"),
        (torch.ones(3, 8), torch.tensor([1, -5, 1]), "the label -5"),
        (torch.ones(3, 8), torch.tensor([1, 5]), r"target has shape \(2,\)"),
        (torch.ones(3, 7), torch.tensor([1, 5, 2]), r"input has shape \(3, 7\)"),
        (torch.ones(1, 3, 8), torch.tensor([[1, 5, 2]]), r"input has shape \(1, 3, 8\)"),
        (torch.ones(3, 8).long(), torch.tensor([1, 5, 2]), "floating-point numbers were expected"),
    ],
)
def test_adaptive_refuses(h, label, says):
    module = modules(False, torch.float32)
    args, options = parts(module)

    def ours(h, label):
        return adaptive_log_softmax_with_loss(h, label, *args, **options)

    refuses(ours, module, (h, label), {}, says)
