"""The losses of classification against torch's, against fifty digits, and against each other."""

import mpmath
import pytest
import torch
import torch.nn.functional as F
from accuracy import accuracy, bare, no_worse, side_by_side
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
from lossbook.losses import reduction
from lossbook.verify import Domain, calls, choice, distributions, identity, labels, logits

FLAT = {"reduction": REDUCTIONS}
SMALL = (0.0, 1.0, -torch.inf, torch.inf, torch.nan, -20.0)
EDGES = (0.0, 1.0, -torch.inf, torch.inf, torch.nan, 1e4, -1e4)
SMOOTHING = choice(0.0, 0.1, 0.5, 1.0)
KL_REDUCTIONS = choice("mean", "batchmean", "sum", "none")


def some_ignored(domain, index=-100):
    """Labels, of which every third or all do not count."""

    def make(case):
        target, which = domain.make(case), case.pick(("third", "none", "all"))
        ignored = torch.arange(target.numel()).reshape(target.shape) % 3 == 1
        if which == "all":
            ignored = torch.ones_like(ignored)
        return target if which == "none" else torch.where(ignored, index, target)

    return Domain(make)


def classes_second(domain):
    """Distributions over dimension 1 in place of the last."""
    return Domain(lambda case: domain.make(case).movedim(-1, 1), domain.kind)


def of_labels(dtype=SINGLE, single="1?", **more):
    options = {**FLAT, **more}
    z = laid_out(numbers("n c:2-4", dtype=dtype))
    y = labels("n", classes="c:2-4")
    w = {"weight": weights("c:2-4", dtype=dtype)}
    return (
        calls(laid_out(numbers("n c", dtype=dtype)), labels("n", classes="c"), **options)
        | calls(z, some_ignored(y), **options)
        | calls(z, some_ignored(y), **w, **options)
        | calls(z, some_ignored(y, 1), ignore_index=1, **w, **options)
        | calls(
            laid_out(numbers("n:0-3 c:2-4 j:0-3 k?", dtype=dtype)),
            some_ignored(labels("n:0-3 j:0-3 k?", classes="c:2-4")),
            **w,
            **options,
        )
        | calls(numbers("c:2-4", dtype=dtype), labels(single, classes="c:2-4"), **w, **options)
        | calls(numbers("n c", dtype=dtype), labels("n", classes="c", dtype=torch.uint8), **options)
        | calls(numbers("n:0-1 c", dtype=dtype), labels("n:0-1", classes="c"), **options)
    )


def at_the_edges(dtype=SINGLE, **more):
    z = edges("n c:2-4", dtype=dtype, among=EDGES)
    return calls(z, some_ignored(labels("n", classes="c:2-4")), **FLAT, **more)


def of_probabilities(dtype=SINGLE, **more):
    options = {**FLAT, **more}
    t = distributions("n c", dtype=dtype)
    return (
        calls(laid_out(numbers("n c", dtype=dtype)), laid_out(t), **options)
        | calls(numbers("n c", dtype=dtype), t, weight=weights("c", dtype=dtype), **options)
        | calls(numbers("c", dtype=dtype), distributions("c", dtype=dtype), **options)
        | calls(
            numbers("n c k", dtype=dtype),
            classes_second(distributions("n k c", dtype=dtype)),
            weight=weights("c", dtype=dtype),
            **options,
        )
    )


def divergences(dtype=SINGLE):
    log_p = laid_out(numbers("n:0-3? c", dtype=dtype))
    options = {"reduction": KL_REDUCTIONS}
    return (
        calls(log_p, distributions("n:0-3? c", zeros=False, dtype=dtype), **options)
        | calls(log_p, numbers("c", dtype=dtype), log_target=True, **options)
        | calls(numbers("", dtype=dtype), numbers("c?", dtype=dtype), log_target=True, **options)
    )


CASES = {
    "nll_loss": of_labels() | at_the_edges(),
    "cross_entropy": of_labels() | of_labels(single="", label_smoothing=SMOOTHING)
    | of_probabilities()
    | of_probabilities(label_smoothing=SMOOTHING),
    "kl_div": divergences(),
}  # fmt: skip


def ours(name):
    return getattr(lossbook, name)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name):
    agree(ours(name), getattr(F, name), CASES[name], count=250)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch_in_pieces(name, monkeypatch):
    monkeypatch.setattr(reduction, "PIECE", 2)
    agree(ours(name), getattr(F, name), CASES[name], count=80)


def test_infinite_and_nan_logits():
    agree(lossbook.cross_entropy, F.cross_entropy, at_the_edges(), derivatives=1)
    smoothed = at_the_edges(label_smoothing=choice(0.1, 0.5))
    agree(lossbook.cross_entropy, F.cross_entropy, smoothed, derivatives=1)
    z = edges("n c", dtype=SINGLE, among=EDGES)
    soft = calls(z, distributions("n c", dtype=SINGLE), **FLAT)
    agree(lossbook.cross_entropy, F.cross_entropy, soft, derivatives=1)


def test_infinite_and_nan_divergences():
    x = edges("n", dtype=SINGLE)
    p = edges("n", dtype=SINGLE, among=(0.0, 1.0, torch.nan, 0.5, -1.0, 1e-30))
    cases = calls(x, p, reduction=KL_REDUCTIONS)
    cases |= calls(
        x, edges("n", dtype=SINGLE, among=SMALL), reduction=KL_REDUCTIONS, log_target=True
    )
    agree(lossbook.kl_div, F.kl_div, cases, derivatives=1)
    zeros = calls(numbers("n c"), distributions("n c"), reduction="none")
    agree(lossbook.kl_div, F.kl_div, zeros, derivatives=1)


def test_warning_of_the_mean():
    with pytest.warns(UserWarning, match="divides by the number of classes too") as caught:
        lossbook.kl_div(t.log(), t)
    assert caught[0].filename == __file__


HALVES = {
    "nll_loss": of_labels(HALF),
    "cross_entropy": of_labels(HALF) | of_probabilities(HALF),
    "kl_div": divergences(HALF),
}


@pytest.mark.parametrize("name", HALVES)
def test_half_precision(name):
    agree(ours(name), getattr(F, name), HALVES[name], derivatives=1, count=100, scale=16)


def test_dtypes_that_differ():
    for a in (*DTYPES, torch.int64):
        for b in (*DTYPES, torch.int64):
            for c in (*DTYPES, torch.int64):
                z, t, w = torch.ones(2, 2).to(a), torch.ones(2, 2).to(b), torch.ones(2).to(c)
                for name, args, options in [
                    ("cross_entropy", (z, t), {"weight": w}),
                    ("cross_entropy", (z, t[0] - 1), {"weight": w}),
                    ("nll_loss", (z, t[0] - 1), {"weight": w}),
                    ("kl_div", (z, t), {"reduction": "sum"}),
                ]:
                    try:
                        wanted = getattr(F, name)(*args, **options).dtype
                    except RuntimeError:
                        with pytest.raises(lossbook.LossInputError):
                            ours(name)(*args, **options)
                    else:
                        assert ours(name)(*args, **options).dtype == wanted, (name, a, b, c)


@pytest.mark.parametrize(
    ("name", "module", "target"),
    [
        ("nll_loss", torch.nn.NLLLoss(torch.tensor([1.0, 2, 3])), torch.tensor([0, -100])),
        ("cross_entropy", torch.nn.CrossEntropyLoss(label_smoothing=0.1), torch.tensor([0, 2])),
        ("kl_div", torch.nn.KLDivLoss(reduction="batchmean"), torch.full((2, 3), 1 / 3)),
    ],
)
def test_module_of_torch_works_with_ours(name, module, target, monkeypatch):
    modules_work(monkeypatch, name, module, torch.randn(2, 3), target)


def test_no_classes():
    for z, y in [(torch.ones(2, 0), [-100, -100]), (torch.ones(0, 0), []), (torch.ones(0, 3), [])]:
        for name in ("nll_loss", "cross_entropy"):
            assert ours(name)(z, torch.tensor(y).long()).isnan()
            assert ours(name)(z, torch.tensor(y).long(), reduction="sum") == 0
        assert lossbook.cross_entropy(z, z).isnan()
        assert lossbook.cross_entropy(z, z, reduction="sum") == 0


# Planted faults


def wrong(of_labels, of_probabilities=None, *, over="weight", smooth=True, ignore=True, kept=True):
    """Cross-entropy or log-likelihood in plain operations, to be wrong in one thing."""

    def loss(z, y, *, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        single = z.ndim == 1
        if single:
            z, y = z[None], y.reshape(1, -1) if y.is_floating_point() else y.reshape(1)
        w = torch.ones(z.shape[1], dtype=z.dtype) if weight is None else weight
        each = w.reshape(-1, *[1] * (z.ndim - 2))
        if y.is_floating_point():
            t = y * (1 - label_smoothing) + label_smoothing / z.shape[1] if smooth else y
            result = -(each * t * (of_probabilities or of_labels)(z)).sum(1)
            total = z.numel() / z.shape[1]
        else:
            counts = y != ignore_index if ignore else y >= 0
            y = y.long().where(counts, 0)
            log_p = of_labels(z)
            wy = w[y] * counts
            result = -wy * log_p.gather(1, y[:, None])[:, 0].where(counts, 0)
            if label_smoothing and smooth:
                flat = -(each * log_p).sum(1).where(counts, 0) / z.shape[1]
                result = (1 - label_smoothing) * result + label_smoothing * flat
            total = {"weight": wy.sum(), "count": counts.sum(), "all": y.numel()}[over]
        result = result[0] if single and reduction == "none" else result
        mean = result.sum() / total
        return {"none": result, "sum": result.sum(), "mean": mean}[reduction]

    return loss


def log_soft(z):
    m = z.detach().amax(1, keepdim=True)
    return z - m - (z - m).exp().sum(1, keepdim=True).log()


def divergence(term, batch=lambda x: len(x) if x.ndim else 1):
    def loss(x, p, *, reduction="mean", log_target=False):
        result = term(x, p, log_target)
        total = result.sum()
        means = {"mean": result.mean(), "batchmean": total / batch(x)}
        return {"none": result, "sum": total, **means}[reduction]

    return loss


def kl(x, p, log_target):
    return p.exp() * (p - x) if log_target else p * (p.log() - x)


FAULTS = {
    "nll_loss": {
        "sign": wrong(lambda z: -z),
        "log taken again": wrong(lambda z: z.exp().log() - 1),
        "mean over the count": wrong(lambda z: z, over="count"),
        "mean over all rows": wrong(lambda z: z, over="all"),
        "weight dropped": lambda *args, weight=None, **o: lossbook.nll_loss(*args, **o),
        "ignored is class 0": lambda z, y, **o: lossbook.nll_loss(z, y.clamp(min=0), **o),
        "label off by one": wrong(lambda z: z.roll(1, 1)),
    },
    "cross_entropy": {
        "softmax twice": wrong(lambda z: log_soft(log_soft(z).exp())),
        "no softmax": wrong(lambda z: z),
        "over the rows": wrong(lambda z: log_soft(z.transpose(0, 1)).transpose(0, 1)),
        "log base 2": wrong(lambda z: log_soft(z) / 0.6931),
        "mean over the count": wrong(log_soft, over="count"),
        "smoothing dropped": wrong(log_soft, smooth=False),
        "weight dropped": lambda *args, weight=None, **o: lossbook.cross_entropy(*args, **o),
        "slope of the log-sum-exp lost": wrong(lambda z: z + (log_soft(z) - z).detach()),
        "probabilities without a logarithm": wrong(log_soft, lambda z: log_soft(z).exp()),
        "ignored is class 0": lambda z, y, **o: lossbook.cross_entropy(
            z, y if y.is_floating_point() else y.clamp(min=0), **o
        ),
    },
    "kl_div": {
        "the other way round": divergence(
            lambda x, p, log: x.exp() * (x - (p if log else p.log()))
        ),
        "entropy left out": divergence(lambda x, p, log: -(p.exp() if log else p) * x),
        "log_target ignored": divergence(lambda x, p, log: kl(x, p, False)),
        "batchmean is mean": divergence(kl, batch=lambda x: x.numel()),
        "no gradient by target": divergence(lambda x, p, log: kl(x, p.detach(), log)),
        "sign": divergence(lambda x, p, log: -kl(x, p, log)),
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n in FAULTS for f in FAULTS[n]])
def test_planted_fault_is_caught(name, fault):
    catches(FAULTS[name][fault], getattr(F, name), CASES[name])


def test_the_faults_are_not_in_the_harness():
    plain = calls(numbers("n c"), labels("n", classes="c"), weight=weights("c"), **FLAT)
    plain |= of_probabilities(label_smoothing=SMOOTHING)
    agree(wrong(log_soft), F.cross_entropy, plain, count=60, derivatives=0, scale=100)
    agree(divergence(kl), F.kl_div, divergences(), count=60, warnings=False)


# Refusals

z, y, t = torch.ones(2, 3), torch.tensor([0, 2]), torch.full((2, 3), 1 / 3)
BOTH = [
    ((z, torch.tensor([0, 3])), {}, "target holds 3, and labels of 3 classes run from 0 to 2"),
    ((z, torch.tensor([0, -1])), {}, "target holds -1"),
    ((z, y.int()), {}, r"target holds torch.int32, .* target.long\(\)"),
    ((z, y.float()), {}, "target holds torch.float32"),
    ((z, y > 0), {}, "target holds torch.bool"),
    ((z[..., None], y[:, None].byte()), {}, "target holds torch.uint8"),
    ((z, y[:1]), {}, r"target \(1,\): the labels for it have shape \(2,\)"),
    ((z, y[:, None]), {}, r"the labels for it have shape \(2,\)"),
    ((z, torch.tensor(0)), {}, r"target \(\): the labels"),
    ((torch.ones(2, 3, 4), torch.zeros(2, 3).long()), {}, r"have shape \(2, 4\)"),
    ((torch.ones(3), torch.tensor([0, 1])), {}, r"have shape \(\)"),
    ((torch.tensor(1.0), torch.tensor(0)), {}, "input is a single number"),
    ((z.long(), y), {}, "floating-point numbers were expected"),
    ((z + 0j, y), {}, "input holds torch.complex64"),
    ((z, y), {"weight": torch.ones(2)}, "3 classes: give a number for each"),
    ((z, y), {"weight": torch.ones(1, 3)}, r"weight has shape \(1, 3\)"),
    ((z, y), {"weight": torch.ones(3, requires_grad=True)}, "weight has no gradient here"),
    ((z, y), {"weight": torch.ones(3).double()}, "weight holds torch.float64 and input"),
    ((z, y), {"ignore_index": "a"}, "ignore_index='a': a whole number"),
    ((z, y), {"reduction": "batchmean"}, "reduction='batchmean': use"),
    (([1.0], y), {}, "input is a list"),
    ((z, y.to("meta")), {}, "input is on cpu and target on meta"),
]
REFUSED = [(name, *rest) for name in ("nll_loss", "cross_entropy") for rest in BOTH] + [
    ("cross_entropy", (z, t.long()), {}, "probabilities are target.float"),
    ("cross_entropy", (z, t), {"ignore_index": "a"}, "a whole number was expected"),
    ("cross_entropy", (z, t), {"ignore_index": 1}, "ignore_index=1 is for labels"),
    ("cross_entropy", (z, t), {"weight": torch.ones(2)}, "give a number for each"),
    ("cross_entropy", (z, y), {"label_smoothing": 1.1}, "label_smoothing=1.1: it is a part"),
    ("cross_entropy", (z, y), {"label_smoothing": "a"}, "label_smoothing='a': a number"),
    ("nll_loss", (z, t), {}, "the labels for it have shape"),
    ("kl_div", (z, t), {"reduction": "average"}, "reduction='average': use"),
    ("kl_div", (z, y.view(2, 1)), {}, "floating-point numbers were expected, got target"),
    ("kl_div", (z.long(), t), {}, "floating-point numbers were expected, got input"),
    ("kl_div", (z, t + 0j), {}, "target holds torch.complex64"),
    ("kl_div", (z, torch.ones(4)), {"reduction": "sum"}, "the shapes do not go together"),
    ("kl_div", (z, 1.0), {}, "target is a float"),
]


@pytest.mark.parametrize(("name", "args", "options", "says"), REFUSED)
def test_refuses(name, args, options, says):
    refuses(ours(name), getattr(F, name), args, options, says)


@pytest.mark.parametrize("smoothing", [-0.1, float("nan")])
def test_smoothing_that_torch_ignores_is_refused(smoothing):
    with pytest.raises(lossbook.LossInputError, match="between 0 and 1"):
        lossbook.cross_entropy(z, y, label_smoothing=smoothing)


# Departures: what torch gets wrong


def test_smoothing_in_half_precision_does_not_overflow():
    wide = torch.zeros(1, 50_000).half()
    wide[0, 0] = 20
    assert F.cross_entropy(wide, y[:1], label_smoothing=0.1).isinf()
    assert lossbook.cross_entropy(wide, y[:1], label_smoothing=0.1).isfinite()


def test_confident_answers_keep_their_digits():
    confident = torch.tensor([[0.0, 20.0]], requires_grad=True)
    loss = lossbook.cross_entropy(confident, torch.tensor([1]))
    assert F.cross_entropy(confident, torch.tensor([1])) == 0
    assert loss.item() == pytest.approx(2.0611536e-09, rel=1e-6)
    (slope,) = torch.autograd.grad(loss, confident)
    torch.testing.assert_close(
        slope, torch.tensor([[2.0611536e-09, -2.0611536e-09]]), atol=0, rtol=1e-6
    )


# Identities


def test_identities():
    rows = {"z": logits("rows classes"), "y": labels("rows"), "cases": 50, "ulps": 2**14}
    identity(
        "cross-entropy is the log-likelihood of log-softmax",
        lambda z, y: lossbook.cross_entropy(z, y),
        lambda z, y: lossbook.nll_loss(lossbook.log_softmax(z, 1), y),
        **rows,
    ).require()
    identity(
        "cross-entropy is lse(z) − z_y",
        lambda z, y: lossbook.cross_entropy(z, y, reduction="none"),
        lambda z, y: lossbook.logsumexp(z, 1) - z[torch.arange(len(z)), y],
        **rows,
    ).require()
    two = {"z": logits("rows classes"), "p": distributions("rows classes"), "cases": 50}
    identity(
        "cross-entropy is entropy plus divergence",
        lambda z, p: lossbook.cross_entropy(z, p),
        lambda z, p: (
            lossbook.entropy(p).mean()
            + lossbook.kl_div(lossbook.log_softmax(z, 1), p, reduction="batchmean")
        ),
        ulps=2**14,
        **two,
    ).require()


# Accuracy


def exact_cross_entropy(row, label):
    others = mpmath.fsum(mpmath.exp(z - row[label]) for i, z in enumerate(row) if i != label)
    return mpmath.log1p(others)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_accuracy_of_cross_entropy(dtype):
    z = torch.randn(4, 100, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    confident = z[3].clone()
    confident[:, 0] += 20
    z = torch.cat([3 * z[0], 1e4 * z[1].clamp(-1, 1), 1 + 1e-4 * z[2], confident]).to(dtype)
    label = torch.arange(400) % 8 * (torch.arange(400) < 300)
    no_worse(
        *side_by_side(lossbook.cross_entropy, F.cross_entropy, exact_cross_entropy, z, label),
        most=20 if dtype in SINGLE else 1,
    )


def test_accuracy_with_50_000_classes():
    z = torch.randn(1, 50_000, generator=torch.Generator().manual_seed(0))
    with mpmath.workdps(25):
        truth = [exact_cross_entropy(*bare(z.tolist()), 7)]
    label = torch.tensor([7])
    both = [accuracy(f(z, label), truth) for f in (lossbook.cross_entropy, F.cross_entropy)]
    no_worse(*both, most=1)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_accuracy_of_divergence(dtype):
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(300, generator=generator, dtype=torch.float64).to(dtype)
    log_q = (p.double().log() + torch.randn(300, generator=generator) * 0.01).to(dtype)
    both = side_by_side(
        lossbook.kl_div, F.kl_div, lambda x, p: p * (mpmath.log(p) - x) if p else 0 * x, log_q, p
    )
    assert both[0].median <= both[1].median
    assert both[0].largest <= max(both[1].largest, 1), both
