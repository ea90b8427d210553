"""The margin losses against torch's, against fifty digits, and against each other."""

import math

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
from lossbook.verify import Domain, calls, choice, identity, labels, logits, reals, signs
from lossbook.verify.domains import elements, magnitude

FLAT = {"reduction": REDUCTIONS}
MARGINS = choice(1.0, 0, 0.5, -1, 2.5, math.inf)


def quarters(shape, dtype):
    """Numbers whose differences half precision holds exactly, so that a tie is one there too."""
    return elements(shape, dtype, {"quarters": lambda n: n / 4}, magnitude)


def marks(shape, dtype):
    """Targets ±1, and some that are neither."""
    odd = elements(shape, dtype, {"": lambda n: (1.0, -1.0, 1.0, -1.0, 0.0, 2.0)[n % 6]}, magnitude)
    return Domain(odd.make, lambda y: None if (y.abs() == 1).all() else "other marks")


def rankings(domain, dtype):
    first, second = laid_out(domain("n m:0-3", dtype=dtype)), domain("n m:0-3", dtype=dtype)
    return (
        calls(first, second, marks("n m:0-3", dtype), margin=MARGINS, **FLAT)
        | calls(domain("n 1", dtype=dtype), domain("1 m", dtype=dtype), signs("n m"), **FLAT)
        | calls(*[domain("", dtype=dtype)] * 2, signs(""), margin=MARGINS, **FLAT)
    )


def hinges(domain, dtype):
    first = laid_out(domain("n:0-3? m:0-3", dtype=dtype))
    return calls(first, marks("n? m:0-3", dtype), margin=MARGINS, **FLAT) | calls(
        domain("", dtype=dtype), marks("m?", dtype), margin=MARGINS, **FLAT
    )


def classes(domain, dtype):
    """Scores and a label a row; the weights are of the dtype of the scores."""
    options = {"p": choice(1, 2), "margin": MARGINS, **FLAT}
    cases = calls(laid_out(domain("n m", dtype=dtype)), labels("n", classes="m"), **options)
    for shape, of in (("m", ""), ("m", "1"), ("1 m", "")):
        cases |= calls(domain(shape, dtype=dtype), labels(of, classes="m"), **options)
    for one in dtype:
        row = domain("n m", dtype=one), labels("n", classes="m")
        cases |= calls(*row, weight=weights("m", dtype=one), **options)
    return cases


def right_classes(shape):
    """Labels up to the first −1, and whatever after it."""
    return elements(
        shape,
        torch.int64,
        {
            "few": lambda n: (-1, 0, 1, -1)[n % 4],
            "one class": lambda n: (0, -1)[n % 5 == 0],
            "many": lambda n: (0, 1, 0, 1, 1, -1)[n % 6],
        },
        lambda y: "empty rows" if y.ndim and (y[..., 0] < 0).any() else None,
    )


def sets(domain, dtype):
    return calls(
        laid_out(domain("n m:2-4", dtype=dtype)), right_classes("n m:2-4"), **FLAT
    ) | calls(domain("m:2-4", dtype=dtype), right_classes("m:2-4"), **FLAT)


# Torch computes half precision in half precision, and has no kernel for two of the losses.
KINDS = {
    "margin_ranking_loss": (rankings, True),
    "hinge_embedding_loss": (hinges, True),
    "multi_margin_loss": (classes, False),
    "multilabel_margin_loss": (sets, False),
}
CASES = {
    name: make(numbers, SINGLE) | make(edges, SINGLE) | (make(quarters, HALF) if half else set_)
    for name, (make, half) in KINDS.items()
    for set_ in [make(quarters, SINGLE)]
}


def ours(name):
    return getattr(lossbook, name)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name):
    agree(ours(name), getattr(F, name), CASES[name], count=250)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch_in_pieces(name, monkeypatch):
    monkeypatch.setattr(reduction, "PIECE", 2)
    agree(ours(name), getattr(F, name), CASES[name], count=80)


@pytest.mark.parametrize("name", ["margin_ranking_loss", "hinge_embedding_loss"])
def test_dtypes_that_differ(name):
    kinds = (*DTYPES, torch.int64, torch.bool, torch.complex64)
    for how in ("mean", "none"):
        for a in kinds:
            for b in kinds:
                one, mark = torch.tensor([1, 3]).to(a), torch.tensor([1, -1]).to(b)
                call = (one, one, mark) if "ranking" in name else (one, mark)
                try:
                    wanted = getattr(F, name)(*call, margin=1.5, reduction=how)
                except RuntimeError:
                    with pytest.raises(LossInputError):
                        ours(name)(*call, margin=1.5, reduction=how)
                else:
                    result = ours(name)(*call, margin=1.5, reduction=how)
                    torch.testing.assert_close(result, wanted)


def test_second_derivative_of_squares():
    torch.manual_seed(0)
    z = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y, weight = torch.tensor([0, 2, 1, 1]), torch.rand(3, dtype=torch.float64)
    for how in ("mean", "none"):
        assert torch.autograd.gradgradcheck(
            lambda z, how=how: lossbook.multi_margin_loss(z, y, p=2, weight=weight, reduction=how),
            z,
        )
    # By lines only the factor outside has one.
    sets = torch.tensor([[0, 1, -1], [-1, 0, 0], [2, -1, 0], [1, 1, -1]])
    for loss in (
        lambda z: lossbook.multi_margin_loss(z, y) ** 2,
        lambda z: lossbook.multilabel_margin_loss(z, sets) ** 2,
    ):
        assert torch.autograd.gradcheck(loss, z)
        assert torch.autograd.gradgradcheck(loss, z)


X, Y = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
SETS = torch.tensor([[0, 1, -1], [-1, 0, 0], [2, -1, 0], [1, 1, -1]])
MODULES = [
    ("margin_ranking_loss", torch.nn.MarginRankingLoss(0.5), (X, X.flip(0), X.sign())),
    ("hinge_embedding_loss", torch.nn.HingeEmbeddingLoss(0.5), (X, X.flip(0).sign())),
    ("multi_margin_loss", torch.nn.MultiMarginLoss(2, 0.5, torch.rand(3)), (X, Y)),
    ("multilabel_margin_loss", torch.nn.MultiLabelMarginLoss(), (X, SETS)),
]


@pytest.mark.parametrize(("name", "module", "tensors"), MODULES)
def test_module_of_torch_works_with_ours(name, module, tensors, monkeypatch):
    modules_work(monkeypatch, name, module, *tensors)


# Planted faults: the same comparison sees each of them.


def total(terms, reduction, over=None):
    count = terms.numel() if over is None else over
    return {"none": terms, "sum": terms.sum(), "mean": terms.sum() / count}[reduction]


def ranking(sign=1, tie=True, lowest=0, by_target=True, rows=False):
    def loss(input1, input2, target, margin=0, reduction="mean"):
        target = target if by_target else target.detach()
        z = -sign * target * (input1 - input2) + margin
        terms = torch.where(z >= lowest if tie else z > lowest, z, lowest)
        return total(terms, reduction, len(terms) if rows and terms.ndim else None)

    return loss


def hinge(far=lambda x, margin: (margin - x).clamp(min=0), other=True, margin_used=True):
    def loss(input, target, margin=1.0, reduction="mean"):
        unlike = target != 1 if other else target == -1
        alike = target != -1 if other else target == 1
        margin = margin if margin_used else 1.0
        terms = torch.where(unlike, far(input, margin), 0) + torch.where(alike, input, 0)
        return total(terms, reduction)

    return loss


def multi(own=False, tie=False, divide=True, weighted=True, square=True, over_weights=False):
    def loss(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
        z, y = input.reshape(-1, input.shape[-1]), target.reshape(-1)
        gap = margin - z.gather(1, y[:, None]) + z
        if not own:
            gap = torch.where(y[:, None] == torch.arange(z.shape[1]), -1, gap)
        cost = torch.where(gap >= 0 if tie else gap > 0, gap, 0)
        cost = cost**2 if p == 2 and square else cost
        factor = torch.ones_like(z[0])[y] if weight is None or not weighted else weight[y]
        terms = (cost.sum(1) * factor / (z.shape[1] if divide else 1)).reshape(target.shape)
        return total(terms, reduction, factor.sum() if over_weights else None)

    return loss


def multilabel(stop=True, twice=True, divide=True, right=False, first=True, tie=False):
    def loss(input, target, reduction="mean"):
        z, y = input.reshape(-1, input.shape[-1]), target.reshape(-1, input.shape[-1])
        on = (y < 0).cumsum(1) == 0 if stop else y >= 0
        terms = []
        for row, label, use in zip(z, y, on, strict=True):
            rights = label[use].tolist() if twice else sorted(set(label[use].tolist()))
            wrongs = [i for i in range(len(row)) if right or i not in rights]
            gaps = [1 - row[a] + row[i] for a in rights[: None if first else 1] for i in wrongs]
            gap = torch.stack([*gaps, row[0] * 0]) if gaps else row[:1] * 0
            gap = torch.where(gap >= 0 if tie else gap > 0, gap, 0)
            terms.append(gap.sum() / (len(row) if divide else 1))
        return total(torch.stack(terms).reshape(input.shape[:-1]), reduction)

    return loss


FAULTS = {
    "margin_ranking_loss": {
        "sign": ranking(sign=-1),
        "slope 0 at the margin": ranking(tie=False),
        "no floor": ranking(lowest=-math.inf),
        "no gradient by target": ranking(by_target=False),
        "mean over rows": ranking(rows=True),
        "margin left out": lambda a, b, y, margin=0, **o: ranking()(a, b, y, **o),
    },
    "hinge_embedding_loss": {
        "no floor": hinge(lambda x, m: m - x),
        "squared": hinge(lambda x, m: (m - x).clamp(min=0) ** 2),
        "slope 0 at the margin": hinge(lambda x, m: torch.where(x < m, m - x, 0)),
        "other marks cost nothing": hinge(other=False),
        "margin left out": hinge(margin_used=False),
        "signs exchanged": lambda x, y, **o: hinge()(x, -y, **o),
    },
    "multi_margin_loss": {
        "own class counted": multi(own=True),
        "slope 1 at the margin": multi(tie=True),
        "not over the classes": multi(divide=False),
        "weight left out": multi(weighted=False),
        "p left out": multi(square=False),
        "mean over the weights": multi(over_weights=True),
    },
    "multilabel_margin_loss": {
        "no end at −1": multilabel(stop=False),
        "a label twice is once": multilabel(twice=False),
        "not over the classes": multilabel(divide=False),
        "right ones against each other": multilabel(right=True),
        "first label alone": multilabel(first=False),
        "slope 1 at the margin": multilabel(tie=True),
    },
}


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n in FAULTS for f in FAULTS[n]])
def test_planted_fault_is_caught(name, fault):
    catches(FAULTS[name][fault], getattr(F, name), CASES[name], count=250)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("margin_ranking_loss", ranking()),
        ("hinge_embedding_loss", hinge()),
        ("multi_margin_loss", multi()),
        ("multilabel_margin_loss", multilabel()),
    ],
)
def test_faults_are_all_that_is_wrong(name, plain):
    make, _ = KINDS[name]
    agree(plain, getattr(F, name), make(quarters, SINGLE), count=40, derivatives=1)


# Refusals

x = torch.ones(2, 3)
y = torch.tensor([0, 2])
ends = torch.tensor([[0, -1, 1], [2, 1, -1]])
REFUSED = [
    ("margin_ranking_loss", (x, x, x[0]), {}, r"as many dimensions .* target \(3,\)"),
    ("margin_ranking_loss", (x, x[:, :2], x), {}, "the shapes do not go together"),
    ("margin_ranking_loss", (x, x, x > 0), {}, "target holds torch.bool"),
    ("margin_ranking_loss", (x + 0j, x, x), {}, "input1 holds torch.complex64"),
    ("margin_ranking_loss", (x, x, x), {"margin": "1"}, "margin='1': a number was expected"),
    ("margin_ranking_loss", (x, x, x), {"reduction": "avg"}, "reduction='avg'"),
    ("margin_ranking_loss", (x, x, 1.0), {}, "target is a float"),
    ("hinge_embedding_loss", (x, torch.ones(4)), {}, "the shapes do not go together"),
    ("hinge_embedding_loss", (x > 0, x), {}, "input holds torch.bool"),
    ("hinge_embedding_loss", (x.long(), x), {}, "whole numbers have no mean"),
    ("hinge_embedding_loss", (x, x), {"margin": None}, "margin=None"),
    ("hinge_embedding_loss", (x, x), {"reduction": "batchmean"}, "reduction='batchmean'"),
    ("multi_margin_loss", (x, y + 1), {}, "the label 3, and labels from 0 to 2"),
    ("multi_margin_loss", (x, y - 1), {}, "the label -1, and labels from 0 to 2"),
    ("multi_margin_loss", (x, y.int()), {}, r"torch.int32 .* target.long\(\)"),
    ("multi_margin_loss", (x, y[:1]), {}, r"target has shape \(1,\) and input \(2, 3\)"),
    ("multi_margin_loss", (x, y[0]), {}, r"target has shape \(\)"),
    ("multi_margin_loss", (x, y[:, None]), {}, r"target has shape \(2, 1\)"),
    ("multi_margin_loss", (x[None], y), {}, r"\(1, 2, 3\): \(N, C\) or \(C,\) was expected"),
    ("multi_margin_loss", (x[:, :0], y), {}, "with a class or more"),
    ("multi_margin_loss", (x.long(), y), {}, "floating-point numbers were expected"),
    ("multi_margin_loss", (x, y), {"p": 3}, r"p=3: use 1 \(as it is\) or 2 \(squared\)"),
    ("multi_margin_loss", (x, y), {"p": "1"}, "p='1'"),
    ("multi_margin_loss", (x, y), {"margin": "1"}, "margin='1'"),
    ("multi_margin_loss", (x, y), {"weight": torch.ones(2)}, r"weight has shape \(2,\)"),
    ("multi_margin_loss", (x, y), {"weight": torch.ones(3).double()}, "dtype torch.float64"),
    ("multi_margin_loss", (x, y), {"weight": torch.ones(3, 1)}, "a factor for each class"),
    ("multi_margin_loss", (x, y), {"weight": [1, 1, 1]}, "weight is a list"),
    (
        "multi_margin_loss",
        (x, y),
        {"weight": torch.ones(3, requires_grad=True)},
        r"give weight.detach\(\)",
    ),
    ("multilabel_margin_loss", (x, ends - 1), {}, "the label -2, and labels from -1 to 2"),
    ("multilabel_margin_loss", (x, ends + 1), {}, "the label 3"),
    ("multilabel_margin_loss", (x, ends[0]), {}, r"target has shape \(3,\) and input \(2, 3\)"),
    ("multilabel_margin_loss", (x, ends.float()), {}, "labels were expected"),
    ("multilabel_margin_loss", (x[None], ends[None]), {}, "was expected"),
    ("multilabel_margin_loss", (x, ends), {"reduction": 0}, "reduction=0"),
]


@pytest.mark.parametrize(("name", "args", "options", "says"), REFUSED)
def test_refuses(name, args, options, says):
    refuses(ours(name), getattr(F, name), args, options, says)


def test_one_score_is_a_row_of_one_class():
    for shape in ((), (1,)):
        for of in ((), (1,)):
            for name in ("multi_margin_loss", "multilabel_margin_loss"):
                call = torch.zeros(shape), torch.zeros(of, dtype=torch.int64)
                wanted = getattr(F, name)(*call, reduction="none")
                torch.testing.assert_close(ours(name)(*call, reduction="none"), wanted)


# Departures


@pytest.mark.parametrize("name", ["multi_margin_loss", "multilabel_margin_loss"])
def test_no_rows(name):
    z = torch.zeros(0, 4, requires_grad=True)
    y = torch.zeros((0, 4) if "label" in name else 0, dtype=torch.int64)
    assert ours(name)(z, y, reduction="none").shape == (0,)
    assert ours(name)(z, y, reduction="sum").item() == 0
    assert ours(name)(z, y).isnan()
    ours(name)(z, y).backward()
    assert z.grad.shape == (0, 4)


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_where_torch_has_none(dtype):
    z, weight = torch.randn(6, 4).to(dtype).requires_grad_(), torch.rand(4).to(dtype)
    y = torch.tensor([0, 1, 2, 3, 0, 1])
    for loss, call in (
        (lossbook.multi_margin_loss, {"target": y, "weight": weight}),
        (lossbook.multilabel_margin_loss, {"target": SETS.new_tensor([[3, 0, -1, 1]] * 6)}),
    ):
        wide = {n: x.float() if x.is_floating_point() else x for n, x in call.items()}
        result, wanted = loss(z, **call), loss(z.float(), **wide)
        assert result.dtype == dtype
        assert result == wanted.to(dtype)
        assert torch.autograd.grad(result, z)[0].dtype == dtype


# Identities


def test_identities():
    pair = {"a": reals("n"), "b": reals("n"), "margin": choice(0.0, 0.5, 2.0)}
    identity(
        "Far apart is ranked above 0",
        lambda a, margin: lossbook.hinge_embedding_loss(a, -torch.ones_like(a), margin=margin),
        lambda a, margin: lossbook.margin_ranking_loss(
            a, torch.zeros_like(a), torch.ones_like(a), margin=margin
        ),
        cases=50,
        a=pair["a"],
        margin=pair["margin"],
    ).require()
    identity(
        "Two scores exchanged are a target of the other sign",
        lambda a, b, margin: lossbook.margin_ranking_loss(a, b, a.sign(), margin=margin),
        lambda a, b, margin: lossbook.margin_ranking_loss(b, a, -a.sign(), margin=margin),
        cases=50,
        **pair,
    ).require()
    identity(
        "One right class: multilabel is multi-class",
        lambda z, y: lossbook.multilabel_margin_loss(
            z, torch.where(torch.arange(z.shape[1]) == 0, y[:, None], -1)
        ),
        lambda z, y: lossbook.multi_margin_loss(z, y),
        cases=50,
        z=logits("rows classes"),
        y=labels("rows"),
    ).require()


# Accuracy


def exact_multi(z, y):
    return sum(max(0, 1 - z[y] + z[i]) ** 2 for i in range(len(z)) if i != y) / len(z)


def exact_multilabel(z, y):
    right = y[: y.index(-1)] if -1 in y else y
    wrong = [i for i in range(len(z)) if i not in right]
    return sum(max(0, 1 - z[a] + z[i]) for a in right for i in wrong) / len(z)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_accuracy_of_pairs(dtype):
    generator = torch.Generator().manual_seed(0)
    a, b, c = 3 * torch.randn(3, 400, generator=generator, dtype=torch.float64)
    a, b, sign = a.to(dtype), b.to(dtype), c.sign().to(dtype)
    for name, exact, tensors in (
        ("margin_ranking_loss", lambda a, b, y: max(0, -y * (a - b)), (a, b, sign)),
        ("hinge_embedding_loss", lambda x, y: x if y == 1 else max(0, 1 - x), (a, sign)),
    ):
        no_worse(*side_by_side(ours(name), getattr(F, name), exact, *tensors), most=2)


@pytest.mark.parametrize("dtype", SINGLE, ids=str)
@pytest.mark.parametrize("scale", [1, 1e4])
def test_accuracy_of_classes(dtype, scale):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(60, 200, generator=generator, dtype=torch.float64).mul(scale).to(dtype)
    y = torch.randint(200, (60,), generator=generator)
    few = torch.where(torch.arange(200) < 3, torch.arange(200) + y[:, None] % 190, -1)
    result = side_by_side(lossbook.multi_margin_loss, F.multi_margin_loss, exact_multi, z, y, p=2)
    no_worse(*result, most=60)
    result = side_by_side(
        lossbook.multilabel_margin_loss, F.multilabel_margin_loss, exact_multilabel, z, few
    )
    no_worse(*result, most=60)
