"""Answers to the exercises of lesson 08, wrong and right."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answers import tried

import lossbook
from lossbook.derive import at_least, d, derivation, log, positive, positives, real, reals
from lossbook.practice.lesson_08 import rods

# Smooth L1 and Huber


def smooth_torch(x, y, beta):
    r = (x - y).abs()
    safe = beta or 1.0
    return torch.where(r < beta, r**2 / (2 * safe), r - beta / 2)


def smooth_loop(x, y, beta):
    def one(r):
        return r**2 / (2 * beta) if abs(r) < beta else r * r.sign() - beta / 2

    return torch.stack([one(r) for r in (x - y).flatten()]).reshape(x.shape)


def smooth_where(x, y, beta):
    r = (x - y).abs()
    return torch.where(r < beta, r**2 / (2 * beta), r - beta / 2)


def smooth_known(x, y, beta):
    value = [0.5, 2.5, 2.5, 0.125, 0.0] if beta else [1.0, 3.0, 3.0, 0.5, 0.0]
    return x * torch.tensor(value, dtype=x.dtype)[: x.shape[-1]]


def pull_loop(x, y, delta):
    def one(a, b):
        return max(-delta, min(delta, a - b)) / x.numel()

    flat = [one(a, b) for a, b in zip(x.flatten().tolist(), y.flatten().tolist(), strict=True)]
    return np.array(flat).reshape(x.shape)


def pull_numpy(x, y, delta):
    r = x.numpy() - y.numpy()
    return np.where(abs(r) <= delta, r, delta * np.sign(r)) / r.size


def pull_torch(x, y, delta):
    r = x - y
    return torch.where(r.abs() <= delta, r, delta * r.sign()) / r.nelement()


def pull_by_autograd(x, y, delta):
    x = x.clone().requires_grad_()
    r = (x - y).abs()
    loss = torch.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).mean()
    return torch.autograd.grad(loss, x)[0]


# Poisson and Gaussian


def poisson_loop(z, k):
    return sum(z[i, 0].exp() - k[i] * z[i, 0] for i in range(len(k))) / len(k)


def poisson_column(z, k):
    return (z.exp() - k[:, None] * z).mean()


def poisson_flat(z, k):
    return (torch.exp(z.flatten()) - z.view(-1) * k).sum() / k.shape[0]


def gauss_loop(s, mu, y):
    total = 0
    for a, m, b in zip(s, mu, y, strict=True):
        total = total + 0.5 * math.log(2 * math.pi) + a / 2 + 0.5 * (m - b) ** 2 * (-a).exp()
    return total / len(s)


def gauss_torch(s, mu, y):
    return (s.mean() + ((y - mu) ** 2 / s.exp()).mean() + math.log(2 * math.pi)) / 2


def gauss_root(s, mu, y):
    widths = (mu - y) * torch.exp(-s / 2)
    return (s / 2 + widths**2 / 2 + math.log(math.sqrt(2 * math.pi))).mean()


def gauss_density(s, mu, y):
    v = s.exp()
    return -((-((mu - y) ** 2) / (2 * v)).exp() / (2 * math.pi * v).sqrt()).log().mean()


# Derivations


@derivation(lambda_=positive, k=positive)
def rate_factor(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield k - k * log(k) + (lambda_ / k - 1 - log(lambda_ / k)), "split"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(lambda_=positive, k=positive)
def rate_turned(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield k - k * log(k) + k * (k / lambda_ - 1 - log(k / lambda_)), "split"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(lambda_=positive, k=positive)
def rate_sign(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield k - k * log(k) + k * (lambda_ / k - 1 + log(lambda_ / k)), "split"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(lambda_=positive, k=positive)
def rate_no_one(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield k - k * log(k) + k * (lambda_ / k - log(lambda_ / k)), "split"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(lambda_=positive, k=positive)
def rate_says_nothing(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield lambda_ + k * log(1 / lambda_), "the log of a quotient"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(lambda_=positive, k=positive)
def rate_gap(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(lambda_=positive, k=positive)
def rate_multiplied_out(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield lambda_ - k * log(k) - k * (log(lambda_) - log(k)), "k log k, taken off and added"
    yield k - k * log(k) + (lambda_ - k - k * (log(lambda_) - log(k))), "and k"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(lambda_=positive, k=positive)
def rate_in_one_bracket(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield k * (lambda_/k - 1 - log(lambda_/k)) + k * (1 - log(k)), "split"  # fmt: skip
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


@derivation(mu=real, y=reals, v=positives)
def weighted_two(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum(2 * (mu - y[i]) / v[i] for i in classes), "term by term"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_half(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum((mu - y[i]) / (2 * v[i]) for i in classes), "term by term"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_sign(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum((y[i] - mu) / v[i] for i in classes), "term by term"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_lost(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum(mu - y[i] for i in classes), "term by term"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_log(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum(1 / 2 / v[i] + (mu - y[i]) / v[i] for i in classes), "term by term"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_gap(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_hidden(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield d(sum(1 / 2 * (mu - y[i]) ** 2 / v[i] for i in classes), mu), "without the logs"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_right(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum(1 / 2 * 2 * (mu - y[j]) / v[j] for j in classes), "the chain rule"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


@derivation(mu=real, y=reals, v=positives)
def weighted_in_steps(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum(d(1 / 2 * (mu - y[i]) ** 2 / v[i], mu) for i in classes), "term by term"
    yield mu * sum(1 / v[i] for i in classes) - sum(y[i] / v[i] for i in classes), "two sums"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


# Tumours


def widths_loop(r, group, new_r, new_group):
    v = {}
    for g in range(4):
        own = [x * x for x, its in zip(r.tolist(), group.tolist(), strict=True) if its == g]
        v[g] = sum(own) / len(own)
    pairs = list(zip(new_r.tolist(), new_group.tolist(), strict=True))
    return sum(0.5 * (math.log(2 * math.pi * v[g]) + x * x / v[g]) for x, g in pairs) / len(pairs)


def widths_numpy(r, group, new_r, new_group):
    r, group, new_r, new_group = (x.numpy() for x in (r, group, new_r, new_group))
    v = np.bincount(group, weights=r**2) / np.bincount(group)
    v = v[new_group]
    return (np.log(2 * np.pi * v) / 2 + new_r**2 / (2 * v)).mean()


def widths_torch(r, group, new_r, new_group):
    masks = F.one_hot(group, 4).to(r.dtype)
    v = (masks.T @ r**2 / masks.sum(0))[new_group]
    return F.gaussian_nll_loss(torch.zeros_like(new_r), new_r, v, full=True)


def with_widths(variance):
    def loss(r, group, new_r, new_group):
        v = torch.stack([variance(r[group == g]) for g in range(4)])[new_group]
        return F.gaussian_nll_loss(new_r, torch.zeros_like(new_r), v, full=True)

    return loss


HOURS = {"squared": 4, "absolute": 2, "poisson": math.log(4), "variance": 16.4}
SPREAD = {"cause": "c", "millimetres": 100 * rods() ** 2}

WRONG = {
    "constants": [
        (HOURS | {"squared": 2}, "the median"),
        (HOURS | {"absolute": 4}, "the mean"),
        (HOURS | {"poisson": 4}, "the rate"),
        (HOURS | {"poisson": 0.693}, "the median"),
        (HOURS | {"poisson": 0.994}, "the mean of the logarithms"),
        (HOURS | {"variance": 20.5}, "divided by four"),
        (HOURS | {"variance": 4.05}, "the deviation"),
        (HOURS | {"variance": 4}, "a Poisson variance"),
        (HOURS | {"variance": 10}, "value"),
        (HOURS | {"absolute": "2"}, "type"),
        ([4, 2, 1.386, 16.4], "type"),
    ],
    "smooth_l1": [
        (
            lambda x, y, beta: torch.where(
                (x - y).abs() < beta, (x - y) ** 2 / 2, beta * ((x - y).abs() - beta / 2)
            ),
            "Huber",
        ),
        (smooth_where, "gradient"),
        (lambda x, y, beta: smooth_torch(x, y, 1.0), "β is left out"),
        (
            lambda x, y, beta: torch.where(
                (x - y).abs() < beta, (x - y) ** 2 / (2 * (beta or 1)), (x - y).abs() - 0.5
            ),
            "the pieces do not meet",
        ),
        (
            lambda x, y, beta: torch.where(
                (x - y).abs() < beta, (x - y) ** 2 / (beta or 1), (x - y).abs() - beta / 2
            ),
            "no half",
        ),
        (
            lambda x, y, beta: torch.where(
                x - y < beta, (x - y) ** 2 / (2 * beta), x - y - beta / 2
            ),
            "no absolute value",
        ),
        (lambda x, y, beta: smooth_torch(x, y, beta).mean(), "reduced"),
        (lambda x, y, beta: smooth_torch(x, y, beta).detach(), "gradient"),
        (lambda x, y, beta: smooth_torch(x, y, beta).tolist(), "gradient"),
        (smooth_known, "gradient"),
        (lambda x, y, beta: smooth_torch(x[:1], y[:1], beta), "shape"),
        (lambda x, y, beta: F.smooth_l1_loss(x, y, beta=beta, reduction="none"), "ready-made"),
        (lambda x, y, beta: F.huber_loss(x, y, delta=beta, reduction="none") / beta, "ready-made"),
        (
            lambda x, y, beta: lossbook.smooth_l1_loss(x, y, beta=beta, reduction="none"),
            "ready-made",
        ),
    ],
    "huber_gradient": [
        (lambda x, y, delta: (x - y).clamp(-delta, delta), "not divided"),
        (lambda x, y, delta: (x - y).clamp(-delta, delta) / len(x), "divided by the rows only"),
        (lambda x, y, delta: (y - x).clamp(-delta, delta) / x.numel(), "wrong sign"),
        (lambda x, y, delta: ((x - y) / delta).clamp(-1, 1) / x.numel(), "smooth L1's slopes"),
        (
            lambda x, y, delta: (
                torch.where((x - y).abs() < delta, x - y, torch.sign(x - y)) / x.numel()
            ),
            "far out it pulls with 1",
        ),
        (
            lambda x, y, delta: (
                torch.where((x - y).abs() <= delta, x - y, torch.full_like(x, delta)) / x.numel()
            ),
            "far out it always pulls up",
        ),
        (lambda x, y, delta: (x - y) / x.numel(), "not cut"),
        (lambda x, y, delta: (x - y).clamp(max=delta) / x.numel(), "value"),
        (lambda x, y, delta: (x - y).clamp(-1, 1) / x.numel(), "value"),
        (
            lambda x, y, delta: (
                torch.where((x - y).abs() <= delta, 2 * (x - y), delta * (x - y).sign()) / x.numel()
            ),
            "no half in the loss",
        ),
        (lambda x, y, delta: pull_torch(x, y, delta).mean(), "shape"),
        (pull_by_autograd, "ready-made"),
        (lambda x, y, delta: pull_torch(x, y, delta).float(), "dtype"),
    ],
    "poisson_least": [
        (rate_factor, "the factor k"),
        (rate_turned, "turned over"),
        (rate_sign, "a sign"),
        (rate_no_one, "without its minus one"),
        (rate_says_nothing, "missing lines"),
        (rate_gap, "missing lines"),
        (weighted_gap, "given lines"),
        (math.log(4), "type"),
    ],
    "poisson_column": [
        (lambda z, k: (z.exp() - k * z).mean(), "all pairs"),
        (
            lambda z, k: (z.exp() - k * (z.exp() + 1e-8).log()).mean(),
            "all pairs, through the rate",
        ),
        (
            lambda z, k: (z.exp() - k[:, None] * z.exp().log()).mean(),
            "through the rate",
        ),
        (
            lambda z, k: (z.exp() - k[:, None] * (z.exp() + 1e-8).log()).mean(),
            "an epsilon is left",
        ),
        (lambda z, k: (z - k[:, None] * z.log()).mean(), "logs as rates"),
        (lambda z, k: z.squeeze(1).exp() - k * z.squeeze(1), "a loss for each hour"),
        (lambda z, k: poisson_flat(z, k) * len(k), "a sum where a mean belongs"),
        (lambda z, k: -poisson_flat(z, k), "wrong sign"),
        (lambda z, k: poisson_flat(z, k) + torch.lgamma(k + 1).mean(), "log k! is added"),
        (lambda z, k: poisson_flat(z[:1], k[:1]), "gradient"),
        (lambda z, k: poisson_flat(z, k).item(), "gradient"),
        (lambda z, k: (z.squeeze().exp() - k * z.squeeze().clamp(min=-80)).mean(), "value"),
        (lambda z, k: F.poisson_nll_loss(z[:, 0], k), "ready-made"),
    ],
    "gaussian_nll": [
        (lambda s, mu, y: 0.5 * (s + (mu - y) ** 2 / s.exp()).mean(), "no constant"),
        (
            lambda s, mu, y: (
                0.5 * (s.exp().log() + (mu - y) ** 2 / s.exp()).mean() + 0.5 * math.log(2 * math.pi)
            ),
            "through the variance",
        ),
        (
            lambda s, mu, y: (
                0.5 * (2 * math.pi * s.exp()).log() + (mu - y) ** 2 / (2 * s.exp())
            ).mean(),
            "through the variance",
        ),
        (lambda s, mu, y: gauss_torch(2 * s, mu, y), "s as the log of σ"),
        (
            lambda s, mu, y: gauss_torch(s, mu, y) + math.log(2 * math.pi) / 2,
            "the constant is not halved",
        ),
        (lambda s, mu, y: gauss_torch(s, mu, y) * len(s), "a sum where a mean belongs"),
        (lambda s, mu, y: gauss_torch(s, mu, y) * 2, "twice"),
        (lambda s, mu, y: -gauss_torch(s, mu, y), "wrong sign"),
        (lambda s, mu, y: gauss_torch(s, mu, y) - s.mean() / 2, "log v is missing"),
        (
            lambda s, mu, y: (s.log() + (mu - y) ** 2 / s + math.log(2 * math.pi)).mean() / 2,
            "s as the variance",
        ),
        (
            lambda s, mu, y: (s.log() + (mu - y) ** 2 / s.exp() + math.log(2 * math.pi)).mean() / 2,
            "the logarithm of s",
        ),
        (
            lambda s, mu, y: (s + (mu - y) ** 2 * (-s).exp() + 2 * math.pi).mean() / 2,
            "2π, not its logarithm",
        ),
        (gauss_density, "value"),
        (lambda s, mu, y: gauss_torch(s.clamp(max=80), mu, y), "value"),
        (lambda s, mu, y: gauss_torch(s.detach(), mu, y), "gradient"),
        (lambda s, mu, y: gauss_torch(s[:1], mu[:1], y[:1]), "gradient"),
        (lambda s, mu, y: F.gaussian_nll_loss(mu, y, s.exp(), full=True), "ready-made"),
        (
            lambda s, mu, y: -torch.distributions.Normal(mu, (s / 2).exp()).log_prob(y).mean(),
            "ready-made",
        ),
    ],
    "precision_mean": [
        (weighted_two, "the two is left"),
        (weighted_half, "the half is left"),
        (weighted_sign, "a sign"),
        (weighted_lost, "the variance is lost"),
        (weighted_log, "log v has no slope"),
        (weighted_gap, "missing lines"),
        (weighted_hidden, "missing lines"),
        (rate_gap, "given lines"),
    ],
    "which_spread": [
        (SPREAD | {"cause": "a"}, "too short"),
        (SPREAD | {"cause": "b"}, "wild readings"),
        (SPREAD | {"cause": "d"}, "the constant"),
        (SPREAD | {"millimetres": 10 * 8.91}, "a spread grows by ten"),
        (SPREAD | {"millimetres": 10 * 2.984}, "what it should be"),
        (SPREAD | {"millimetres": 8.91}, "in centimetres"),
        (SPREAD | {"millimetres": 8910}, "value"),
        (SPREAD | {"cause": "C"}, "type"),
    ],
    "widths": [
        (
            lambda r, group, new_r, new_group: F.gaussian_nll_loss(
                new_r, 0 * new_r, (r**2).mean().expand_as(new_r), full=True
            ),
            "one width for all",
        ),
        (
            lambda r, group, new_r, new_group: (
                widths_torch(r, group, new_r, new_group) - 0.5 * math.log(2 * math.pi)
            ),
            "no constant",
        ),
        (
            lambda r, group, new_r, new_group: widths_torch(new_r, new_group, new_r, new_group),
            "the new tumours judge themselves",
        ),
        (with_widths(torch.var), "around the mean of the group"),
        (with_widths(lambda r: r.var(correction=0)), "around the mean of the group"),
        (
            lambda *rows: with_widths(torch.var)(*rows) - math.log(math.sqrt(2 * math.pi)),
            "around the mean of the group",
        ),
        (with_widths(lambda r: (r**2).mean().sqrt()), "a deviation for a variance"),
        (with_widths(lambda r: r.abs().mean()), "value"),
        (with_widths(lambda r: (r**2).sum()), "value"),
        (
            lambda r, group, new_r, new_group: (
                sum(
                    widths_torch(r, group, new_r[new_group == g], new_group[new_group == g])
                    for g in range(4)
                )
                / 4
            ),
            "the groups count alike",
        ),
        (lambda *rows: widths_torch(*rows) * len(rows[2]), "value"),
        (lambda *rows: widths_torch(*rows).float(), "dtype"),
        (lambda r, group, new_r, new_group: 0.4242, "value"),
    ],
}

RIGHT = {
    "constants": [HOURS, {"squared": 4.0, "absolute": 2, "poisson": 1.386, "variance": 82 / 5}],
    "smooth_l1": [smooth_torch, smooth_loop],
    "huber_gradient": [pull_loop, pull_numpy, pull_torch],
    "poisson_least": [rate_multiplied_out, rate_in_one_bracket],
    "poisson_column": [poisson_loop, poisson_column, poisson_flat],
    "gaussian_nll": [gauss_loop, gauss_root],
    "precision_mean": [weighted_right, weighted_in_steps],
    "which_spread": [SPREAD, {"cause": "c", "millimetres": torch.tensor(891.0)}],
    "widths": [widths_loop, widths_numpy, widths_torch],
}

globals().update(tried(8, WRONG, RIGHT))
