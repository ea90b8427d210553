"""Losses of numbers."""

import math
from math import inf

import torch

from lossbook.atlas.entry import Curve, Estimate, entry
from lossbook.atlas.formula import distance, formula, number
from lossbook.derive import d, exp, log, maximum, minimum, sign
from lossbook.losses import (
    gaussian_nll_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
)

# Skewed: the median is 3, the mean 5.
SAMPLE = torch.tensor([1, 2, 2, 3, 3, 4, 5, 8, 17], dtype=torch.float64)


def _of_sample(loss, **options):
    """The mean loss of an answer for all of the sample."""
    return lambda c: loss(c.expand(9), SAMPLE, **options)


def _cut_off(at):
    """Where the residuals of the sample, cut off at ±at, sum to 0."""
    low, high = 0.0, 20.0
    for _ in range(60):
        c = (low + high) / 2
        low, high = (c, high) if (SAMPLE - c).clamp(-at, at).sum() > 0 else (low, c)
    return low


def _residual(**options):
    return lambda t: {"input": t, "target": torch.zeros_like(t), **options}


def _variance(v):
    return lambda t: {**_residual()(t), "var": torch.full_like(t, v)}


def _count(k):
    return lambda t: {"input": t, "target": torch.full_like(t, k)}


entry(
    "L1Loss",
    range=(0, inf),
    estimate=Estimate("the median", _of_sample(l1_loss), SAMPLE.median().item()),
    use="Errors with wild values, or where the typical answer is wanted rather than the mean: "
    "prices, waiting times, pixels.",
    curve=Curve("residual", "x − y", -4, 4, {"": _residual()}),
)


@formula(
    "L1Loss", lambda F, x, y: F.l1_loss(x, y),
    x=number, y=number,
)  # fmt: skip
def absolute_error(x, y):
    L = abs(x - y)
    yield d(L, x), "the slope"
    yield sign(x - y), "1 above the target, −1 below"


entry(
    "MSELoss",
    range=(0, inf),
    estimate=Estimate("the mean", _of_sample(mse_loss), SAMPLE.mean().item()),
    use="The mean of the answer is wanted, and errors are about equally large and rarely wild. The "
    "usual start for numbers.",
    curve=Curve("residual", "x − y", -4, 4, {"": _residual()}),
)


@formula(
    "MSELoss", lambda F, x, y: F.mse_loss(x, y),
    x=number, y=number,
)  # fmt: skip
def squared_error(x, y):
    L = (x - y) ** 2
    yield d(L, x), "the slope"
    yield 2 * (x - y), "as large as the error"


entry(
    "SmoothL1Loss",
    range=(0, inf),
    estimate=Estimate(
        "between median and mean: the residuals, cut off at ±β, sum to 0 (here β = 2)",
        _of_sample(smooth_l1_loss, beta=2.0),
        _cut_off(2.0),
    ),
    use="Like L1Loss, with a slope that fades near the target. The far slope is 1 whatever β is: "
    "boxes in object detection.",
    curve=Curve(
        "residual", "x − y", -4, 4,
        {"β = 1": _residual(), "β = 3": _residual(beta=3.0)},
    ),
)  # fmt: skip


@formula(
    "SmoothL1Loss", lambda F, x, y, beta: F.smooth_l1_loss(x, y, beta=beta.item()),
    x=number, y=number, beta=distance,
)  # fmt: skip
def smooth_absolute_error(x, y, beta):
    c = maximum(-beta, minimum(x - y, beta))
    L = c * (x - y - c / 2) / beta
    yield d(L, x), "the slope"
    yield c / beta, "from −1 to 1"


entry(
    "HuberLoss",
    range=(0, inf),
    estimate=Estimate(
        "between median and mean: the residuals, cut off at ±δ, sum to 0 (here δ = 2)",
        _of_sample(huber_loss, delta=2.0),
        _cut_off(2.0),
    ),
    use="Mostly ordinary errors with a few wild ones. Near the target it is half of MSELoss, and "
    "with a large δ everywhere; δ is the size of an ordinary error.",
    curve=Curve(
        "residual", "x − y", -4, 4,
        {"δ = 1": _residual(), "δ = 2": _residual(delta=2.0)},
    ),
)  # fmt: skip


@formula(
    "HuberLoss", lambda F, x, y, delta: F.huber_loss(x, y, delta=delta.item()),
    x=number, y=number, delta=distance,
)  # fmt: skip
def huber(x, y, delta):
    c = maximum(-delta, minimum(x - y, delta))
    L = c * (x - y - c / 2)
    yield d(L, x), "the slope"
    yield c, "the error, cut off at ±δ"


entry(
    "GaussianNLLLoss",
    range=(math.log(1e-6) / 2, inf),  # by eps
    estimate=Estimate(
        "the mean; for the variance its mean squared error (here the variance)",
        lambda c: gaussian_nll_loss(SAMPLE.mean().expand(9), SAMPLE, c.expand(9)),
        SAMPLE.var(correction=0).item(),
        among=(1.0, 100.0),
    ),
    use="The model also says how sure it is: a variance for each prediction, which must be "
    "positive.",
    curve=Curve(
        "residual", "x − y", -4, 4,
        {"v = 1": _variance(1.0), "v = ¼": _variance(0.25), "v = 4": _variance(4.0)},
    ),
)  # fmt: skip


@formula(
    "GaussianNLLLoss", lambda F, x, y, v: F.gaussian_nll_loss(x, y, v),
    x=number, y=number, v=distance,
)  # fmt: skip
def gaussian_by_mean(x, y, v):
    L = log(v) / 2 + (x - y) ** 2 / (2 * v)
    yield d(L, x), "the slope"
    yield (x - y) / v, "the error, less where the variance is large"


@formula(
    "GaussianNLLLoss", lambda F, x, y, v: F.gaussian_nll_loss(x, y, v),
    x=number, y=number, v=distance,
)  # fmt: skip
def gaussian_by_variance(x, y, v):
    L = log(v) / 2 + (x - y) ** 2 / (2 * v)
    yield d(L, v), "the slope"
    yield (v - (x - y) ** 2) / (2 * v**2), "0 where the variance is the squared error"


entry(
    "PoissonNLLLoss",
    range=(-inf, inf),
    estimate=Estimate(
        "the logarithm of the mean",
        lambda c: poisson_nll_loss(c.expand(9), SAMPLE),
        math.log(SAMPLE.mean()),
    ),
    use="Counts: how many calls, clicks or photons. The model gives the logarithm of the rate.",
    curve=Curve(
        "logarithm", "z = log λ", -3, 2.5,
        {"k = 0": _count(0.0), "k = 1": _count(1.0), "k = 4": _count(4.0)},
    ),
)  # fmt: skip


@formula(
    "PoissonNLLLoss", lambda F, z, k: F.poisson_nll_loss(z, k),
    z=number, k=distance,
)  # fmt: skip
def poisson(z, k):
    L = exp(z) - k * z
    yield d(L, z), "the slope"
    yield exp(z) - k, "the rate less the count"
