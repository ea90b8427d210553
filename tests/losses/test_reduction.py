"""What all losses share, tried on a loss of rows: half the squared length of each."""

import pytest
import torch

from lossbook import LossInputError
from lossbook.losses import reduction
from lossbook.losses.reduction import check_number, reduce

LABELS = torch.tensor([0, 2, 1, 1, 0])


def loss(x, *, reduction="mean", weight=None, over=5):
    """Half the squared length of a row, and its entry under a label."""

    def terms(x, labels):
        return 0.5 * (x * x).sum(1) - x.gather(1, labels[:, None])[:, 0]

    def by_x(x, labels):
        return x - (labels[:, None] == torch.arange(3)).to(x.dtype)

    return reduce(terms, [by_x, None], [x, LABELS], reduction, weight=weight, dim=1, over=over)


def plain(x, *, reduction="mean", weight=None):
    terms = 0.5 * (x * x).sum(1) - x[torch.arange(5), LABELS]
    terms = terms if weight is None else terms * weight
    return {"none": terms, "sum": terms.sum(), "mean": terms.mean()}[reduction]


@pytest.mark.parametrize("piece", [1, 6, 1000])
@pytest.mark.parametrize("how", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_loss_of_rows(piece, how, weighted, monkeypatch):
    monkeypatch.setattr(reduction, "PIECE", piece)
    torch.manual_seed(0)
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    inputs = [x, torch.rand(5, dtype=torch.float64, requires_grad=True)] if weighted else [x]

    def named(function):
        return lambda x, weight=None: function(x, weight=weight, reduction=how)

    ours, wanted = named(loss)(*inputs), named(plain)(*inputs)
    torch.testing.assert_close(ours, wanted)
    outer = torch.rand_like(ours)
    for a, b in zip(
        torch.autograd.grad(ours, inputs, outer),
        torch.autograd.grad(wanted, inputs, outer),
        strict=True,
    ):
        torch.testing.assert_close(a, b)
    assert torch.autograd.gradgradcheck(named(loss), inputs)


def test_half_precision_is_computed_in_single():
    x = torch.full((5, 3), 200.0).half().requires_grad_()
    assert loss(x, reduction="sum").isinf()  # 3e5 is beyond float16
    assert loss(x).isfinite()
    assert loss(x).dtype == torch.float16
    loss(x).backward()
    assert x.grad.dtype == torch.float16


def test_a_divisor_that_is_a_tensor():
    over = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    x = torch.ones(5, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(loss(x, over=over), plain(x))
    assert torch.autograd.gradcheck(lambda x, over: loss(x, over=over), (x, over))


def test_numbers():
    check_number("margin", torch.tensor(1.0))
    for value in ("1", None, torch.ones(2), [1.0]):
        with pytest.raises(LossInputError, match=r"margin=.*: a number was expected"):
            check_number("margin", value)
