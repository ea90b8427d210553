"""The losses of regression against torch's."""

import pytest
import torch
import torch.nn.functional as F
from drawn import HALF, REDUCTIONS, SINGLE, agree, catches, edges, laid_out, numbers, weights

from lossbook.losses import l1_loss, mse_loss
from lossbook.verify import calls

PAIRS = (
    calls(laid_out(numbers("n:0-3? m:0-3")), laid_out(numbers("n? m:0-3")), reduction=REDUCTIONS)
    | calls(numbers(""), numbers("m?"), reduction=REDUCTIONS)
    | calls(edges("m"), edges("m"), reduction=REDUCTIONS)
)


def weighted(dtype):
    shapes = numbers("n m", dtype=dtype), numbers("n? m", dtype=dtype)
    return calls(*shapes, reduction=REDUCTIONS, weight=weights("n m", dtype=dtype))


WEIGHTED = weighted(SINGLE)
CASES = {"l1_loss": PAIRS | WEIGHTED, "mse_loss": PAIRS | WEIGHTED}
OURS = {"l1_loss": l1_loss, "mse_loss": mse_loss}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name):
    agree(OURS[name], getattr(F, name), CASES[name])


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss"])
def test_weighted_in_half_precision(name):
    agree(OURS[name], getattr(F, name), weighted(HALF), derivatives=1, count=50)


def wrong(terms, by="weight"):
    """A loss with the plain formula `terms`, to be wrong in one thing."""

    def loss(input, target, *, reduction="mean", weight=None, **options):
        result = terms(input, target, **options) * (1 if weight is None else weight)
        over = result.numel() if weight is None or by == "count" else weight.sum()
        if by == "rows":
            over = max(1, result.shape[0]) if result.ndim else 1
        total = {"none": result, "sum": result.sum(), "mean": result.sum() / over}
        return total[reduction]

    return loss


FAULTS = {
    "l1_loss": {
        "sign": wrong(lambda x, y: y - x),
        "square": wrong(lambda x, y: (x - y) ** 2),
        "mean over rows": wrong(lambda x, y: (x - y).abs(), by="rows"),
        "weighted mean over the count": wrong(lambda x, y: (x - y).abs(), by="count"),
        "slope 1 at a tie": wrong(lambda x, y: torch.where(x >= y, x - y, y - x)),
        "no gradient by target": wrong(lambda x, y: (x - y.detach()).abs()),
    },
    "mse_loss": {
        "no square": wrong(lambda x, y: (x - y).abs()),
        "half": wrong(lambda x, y: (x - y) ** 2 / 2),
        "mean over rows": wrong(lambda x, y: (x - y) ** 2, by="rows"),
        "weighted mean over the count": wrong(lambda x, y: (x - y) ** 2, by="count"),
        "no gradient by target": wrong(lambda x, y: (x - y.detach()) ** 2),
        "no second gradient": wrong(lambda x, y: (x - y) * (x - y).detach() * 2),
    },
}


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n in FAULTS for f in FAULTS[n]])
def test_planted_fault_is_caught(name, fault):
    catches(FAULTS[name][fault], getattr(F, name), CASES[name])
