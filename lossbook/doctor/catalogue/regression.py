"""Regression: thresholds, variances and rates."""

import math

import torch
from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.catalogue.general import labels_first
from lossbook.doctor.origin import LAYERS, origin
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import entries, readable, share

RATES = 8  # the fewest numbers that can look like rates, where they do not follow the targets
POSITIVE = {"Exp", "Softplus"}
RANGES = {"Sigmoid": (0, 1), "Softmax": (0, 1), "Tanh": (-1, 1), "Relu": (0, math.inf)}
RANGES |= {"Softplus": (0, math.inf), "Exp": (0, math.inf)}
CLEARLY = 1.0  # by how many nats an entry one reading of the input must be the better one


@rule(
    "threshold-not-positive",
    "huber_loss smooth_l1_loss",
    mistake="a threshold below 0",
    why="below the threshold the loss is quadratic, above it linear: a size, so greater than 0",
    instead="F.huber_loss(input, target, delta=1.0)",
    lesson=8,
    kind="refusal",
)
def threshold_not_positive(call: Call):
    name = "delta" if call.loss == "huber_loss" else "beta"
    value = call.get(name)
    if not isinstance(value, int | float) or value > 0 or (name == "beta" and value == 0):
        return None
    return f"{name} = {value}"


@rule(
    "variance-zero",
    "gaussian_nll_loss",
    mistake="a variance of 0",
    why="½(log σ² + r²/σ²) has the slope −r²/(2σ⁴): torch replaces variances below eps by eps, "
    "and the gradient passes as if it had not",
    instead="F.gaussian_nll_loss(mean, target, F.softplus(raw) + 1e-3)",
    lesson=8,
)
def variance_zero(call: Call):
    if not isinstance(call.var, Tensor) or not call.var.numel():
        return None
    variance = entries(call.var)
    small = variance < call.eps
    if not small.any():
        return None
    return f"{share(small)} variances are below eps = {call.eps:g}; the least is {variance.min():g}"


@rule(
    "deviation-as-variance",
    "gaussian_nll_loss",
    mistake="σ where σ² belongs",
    why="the loss is ½(log σ² + r²/σ²): with σ in the place of σ² it is least where σ = r², not "
    "where σ = |r|",
    instead="F.gaussian_nll_loss(mean, target, sigma ** 2)",
    lesson=8,
    asks=True,
)
def deviation_as_variance(call: Call):
    made = origin(call, "var")
    if made[:1] == ("Sqrt",):
        return "the variance comes out of a square root, as a standard deviation does"
    if made[:1] and made[0] in LAYERS:
        return "the variance comes straight from a layer: nothing keeps it above 0"
    return None


@rule(
    "variance-negative",
    "gaussian_nll_loss",
    mistake="log-variances, or another argument, where variances belong",
    why="the third argument is σ², which is positive; the order is (mean, target, variance)",
    instead="F.gaussian_nll_loss(mean, target, log_variance.exp())",
    lesson=8,
    kind="refusal",
)
def variance_negative(call: Call):
    var, target = call.get("var"), call.get("target")
    if isinstance(var, int | float) and not isinstance(var, bool) and var < 0:
        return f"the variance is {var}"
    if not readable(var) or not var.numel():
        return None
    variance = entries(var)
    negative = variance < 0
    if not negative.any():
        return None
    noticed = f"{share(negative)} variances are negative, the least {variance.min():g}"
    if readable(target) and target.numel() > 1 and (entries(target) > 0).all():
        return f"{noticed}, and every target is positive: the last two may have changed places"
    return f"{noticed}: a network gives log-variances, if nothing makes its output positive"


@rule(
    "variance-number",
    "gaussian_nll_loss",
    mistake="a whole number as variance",
    why="the variance is a tensor or a float",
    instead="F.gaussian_nll_loss(mean, target, 1.0)",
    lesson=8,
    kind="refusal",
)
def variance_number(call: Call):
    var = call.get("var")
    return f"the variance is the integer {var}" if isinstance(var, int) else None


@rule(
    "variance-order",
    "gaussian_nll_loss",
    mistake="(mean, variance, target) where (mean, target, variance) belongs",
    why="the third argument is the variance: ½(log v + (x − y)²/v) is not symmetric in y and v",
    instead="F.gaussian_nll_loss(mean, target, variance)",
    lesson=8,
    asks=True,
    calls=2,
)
def variance_order(call: Call):
    learnt = {"input", "target"} <= call.learns and "var" not in call.learns
    if not learnt or not isinstance(call.var, Tensor) or not (entries(call.target) > 0).all():
        return None
    variance = entries(call.var)
    if len(variance) < 2 or (variance == variance[0]).all():  # a fixed one, not targets
        return None
    return (
        "the target requires a gradient and is positive everywhere, as a variance is, "
        "and the variance requires none, as a target does"
    )


@rule(
    "targets-out-of-reach",
    "l1_loss mse_loss smooth_l1_loss huber_loss gaussian_nll_loss",
    mistake="a last layer that can't reach the targets",
    why="a sigmoid ends at 0 and 1, tanh at ±1, relu at 0: targets beyond cost something for ever, "
    "and push the layer to where its derivative is 0",
    instead="prediction = linear(features)  # no activation after it, or scale the targets",
    lesson=8,
    asks=True,
    calls=2,
)
def targets_out_of_reach(call: Call):
    made = origin(call, "input")[:1]
    if not made or made[0] not in RANGES or not call.target.is_floating_point():
        return None
    low, high = RANGES[made[0]]
    target = entries(call.target)
    beyond = (target < low - 0.1) | (target > high + 0.1)
    if len(target) < 4 or beyond.float().mean() < 0.1:
        return None
    return (
        f"the input comes out of {made[0].lower()}, in [{low}, {high}], and {share(beyond)} "
        f"targets lie beyond (from {target.min():.3g} to {target.max():.3g})"
    )


def poisson(rate: Tensor, log_rate: Tensor, target: Tensor) -> float:
    """Return the mean of rate − target · log rate."""
    return float((rate - target * log_rate).mean())


@rule(
    "rates-as-logs",
    "poisson_nll_loss",
    mistake="rates where their logarithms belong",
    why="with log_input=True, the default, the loss is eˣ − k·x: x is log λ",
    instead="F.poisson_nll_loss(log_rate, target)\n"
    "F.poisson_nll_loss(rate, target, log_input=False)",
    lesson=8,
    asks=True,
    calls=3,
)
def rates_as_logs(call: Call):
    if not call.log_input or call.input.shape != call.target.shape:
        return None
    made = origin(call, "input")[:1]
    if made and made[0] in POSITIVE:
        return f"the input comes out of {made[0].lower()}, as a rate does"
    if made and made[0] in LAYERS:
        return None
    rate, target = entries(call.input), entries(call.target).to(call.input.dtype)
    if not ((rate > 0) & (target >= 0)).all():
        return None
    if len(rate) < 3 or (
        len(rate) < RATES and not torch.stack([rate, target]).corrcoef()[0, 1] > 0.9
    ):
        return None
    ratio = float(rate.sum() / target.sum())
    gain = poisson(rate.exp(), rate, target) - poisson(rate, rate.log(), target)
    if not 0.5 <= ratio <= 2 or not gain > CLEARLY or target.float().mean() < 1.5:
        return None
    return (
        f"every input is positive, and the mean input, {rate.mean():.3g}, is near the mean "
        f"target, {target.float().mean():.3g}; exp(input) has the mean {rate.exp().mean():.3g}"
    )


@rule(
    "rates-as-logs",
    "poisson_nll_loss",
    mistake="rates so large that exp of them overflows",
    why="with log_input=True the loss is eˣ − k·x: in float32 eˣ is infinite from x = 88.7 on",
    instead="F.poisson_nll_loss(rate, target, log_input=False)",
    lesson=8,
)
def rates_overflow(call: Call):
    rate = entries(call.input)
    if not call.log_input or call.output.isfinite().all() or not rate.isfinite().all():
        return None
    if rate.max() < 88:  # another reason, or half precision, of which another rule speaks
        return None
    return f"the largest input is {rate.max():.4g}, and exp of it infinite in {call.input.dtype}"


@rule(
    "rates-negative",
    "poisson_nll_loss",
    mistake="logarithms of rates where rates belong",
    why="with log_input=False the loss is λ − k·log(λ + eps), which needs λ ≥ 0",
    instead="F.poisson_nll_loss(log_rate, target)  # log_input=True is the default",
    lesson=8,
)
def rates_negative(call: Call):
    if call.log_input:
        return None
    rate = entries(call.input)
    negative = rate < 0
    if not negative.any():
        if rate.numel() and LAYERS.intersection(origin(call, "input")[:1]):
            return "log_input=False, and the input comes straight from a layer that can go below 0"
        return None
    return f"log_input=False, and {share(negative)} inputs are negative, the least {rate.min():g}"


@rule(
    "counts-negative",
    "poisson_nll_loss",
    mistake="targets that are no counts",
    why="a Poisson variable counts: for k < 0 the loss eˣ − k·x has no minimum",
    instead="F.poisson_nll_loss(log_rate, counts)  # counts = 0, 1, 2, …",
    lesson=8,
)
def counts_negative(call: Call):
    target = entries(call.target)
    negative = target < 0
    if not negative.any() or labels_first(call):
        return None
    return f"{share(negative)} targets are negative, the least {torch.min(target):g}"
