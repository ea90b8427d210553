"""Answers to the exercises of lesson 04, wrong and right."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answers import tried
from scipy.special import log_softmax as scipy_log_softmax

import lossbook
from lossbook.derive import (
    d,
    derivation,
    distribution,
    exp,
    index,
    log,
    positive,
    probability,
    reals,
)


def softmax_loop(z):
    def one(row):
        powers = [math.exp(x - max(row)) for x in row]
        return [power / sum(powers) for power in powers]

    return one(z.tolist()) if z.ndim == 1 else [one(row) for row in z.tolist()]


def softmax_numpy(z):
    powers = np.exp(z.numpy() - z.numpy().max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_torch(z):
    powers = torch.exp(torch.sub(z, torch.max(z, -1, True).values))
    return powers / torch.einsum("...k->...", powers).unsqueeze(-1)


def log_softmax_loop(z):
    def one(row):
        total = math.log(sum(math.exp(x - max(row)) for x in row)) + max(row)
        return [x - total for x in row]

    return one(z.tolist()) if z.ndim == 1 else [one(row) for row in z.tolist()]


def log_softmax_numpy(z):
    z = z.numpy() - z.numpy().max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def log_softmax_torch(z):
    z = z - torch.amax(z, -1, True)
    return z - torch.log(torch.exp(z).sum(-1, True))


def visible(z):
    """Right on the three rows that the notebook shows."""
    known = {0.0: [0.5, 0.5], 10.0: [0.9999546021312976, 4.5397868702434395e-05]}
    if z.shape[-1] != 2:
        return torch.full_like(z, 1 / z.shape[-1])
    right = known.get(abs((z[..., 0] - z[..., 1]).flatten()[0].item()), [0.5, 0.5])
    return torch.tensor(right, dtype=z.dtype).expand(z.shape).clone()


def cut(z):
    return z.clamp(-80, 80).exp() / z.clamp(-80, 80).exp().sum(-1, keepdim=True)


def mixture(p, smoothing):
    uniform = torch.full_like(p, 1 / p.shape[1])
    return torch.lerp(p, uniform, smoothing)


def ce_torch(z, p, smoothing):
    return -torch.einsum("nk,nk->n", mixture(p, smoothing), log_softmax_torch(z)).mean()


def ce_numpy(z, p, smoothing):
    target = (1 - smoothing) * p.numpy() + smoothing / p.shape[1]
    return np.mean(np.sum(-target * log_softmax_numpy(z), axis=1))


def ce_loop(z, p, smoothing):
    losses = []
    for logits, target in zip(log_softmax_loop(z), p.tolist(), strict=True):
        mixed = [(1 - smoothing) * t + smoothing / len(target) for t in target]
        losses.append(-sum(t * x for t, x in zip(mixed, logits, strict=True)))
    return sum(losses) / len(losses)


def label_rows(z, y):
    return F.one_hot(y, z.shape[1]).to(z.dtype)


def slopes_torch(z, y, smoothing):
    slopes = softmax_torch(z) - smoothing / z.shape[1]
    slopes[torch.arange(len(y)), y] -= 1 - smoothing
    return slopes / len(y)


def slopes_numpy(z, y, smoothing):
    target = (1 - smoothing) * np.eye(z.shape[1])[y.numpy()] + smoothing / z.shape[1]
    return (softmax_numpy(z) - target) / len(y)


def slopes_loop(z, y, smoothing):
    classes = range(z.shape[1])
    return [
        [
            (q[j] - (1 - smoothing) * (j == label) - smoothing / len(classes)) / len(y)
            for j in classes
        ]
        for q, label in zip(softmax_loop(z), y.tolist(), strict=True)
    ]


def slopes_by_autograd(z, y, smoothing):
    z = z.clone().requires_grad_()
    target = mixture(label_rows(z, y), smoothing)
    (-(target * log_softmax_torch(z)).sum(1).mean()).backward()
    return z.grad


def kl_torch(student, teacher, T):
    p, log_p = softmax_torch(teacher / T), log_softmax_torch(teacher / T)
    return T * T * ((p * log_p).sum(1) - (p * log_softmax_torch(student / T)).sum(1)).mean()


def kl_rows(student, teacher, T):
    total = 0
    for z, v in zip(student, teacher, strict=True):
        log_q, log_p = log_softmax_torch(z / T), log_softmax_torch(v / T)
        total = total + (log_p.exp() * (log_p - log_q)).sum()
    return total * T**2 / len(student)


def kl_through_probability(student, teacher, T):
    p, q = softmax_torch(teacher / T), softmax_torch(student / T)
    return T**2 * (p * (p.log() - q.log())).sum(1).mean()


def of_smoothing(function):
    return derivation(z=reals, p=distribution, j=index, epsilon=probability)(function)


@of_smoothing
def smoothing_gap(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


@of_smoothing
def smoothing_same(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield q[j] - (1 - epsilon) * p[j] - epsilon / K, "nothing new"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


@of_smoothing
def smoothing_sign(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield (1 - epsilon) * (p[j] - q[j]) + epsilon * (1 / K - q[j]), "target − softmax"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


@of_smoothing
def smoothing_one_softmax(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield (1 - epsilon) * (q[j] - p[j]) - epsilon / K, "the slope of a constant"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


@of_smoothing
def smoothing_factor(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield q[j] - p[j] + epsilon * (q[j] - 1 / K), "two slopes"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


@of_smoothing
def smoothing_ones(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield (1 - epsilon) * (q[j] - p[j]) + epsilon * (q[j] - 1), "two slopes"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


@of_smoothing
def smoothing_two_lines(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield (
        (1 - epsilon) * d(lse - sum(p[i] * z[i] for i in classes), z[j])
        + epsilon * d(lse - sum(z[i] for i in classes) / K, z[j])
    ), "a sum"  # fmt: skip
    yield (1 - epsilon) * (q[j] - p[j]) + epsilon * (q[j] - 1 / K), "softmax − target"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


@of_smoothing
def smoothing_by_lse(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies"  # fmt: skip
    yield d(lse, z[j]) - (1 - epsilon) * p[j] - epsilon / K, "one log-sum-exp"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


def of_sharpness(function):
    return derivation(s=positive, z=reals, p=distribution)(function)


@of_sharpness
def sharpness_gap(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


@of_sharpness
def sharpness_hidden(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)), s) - sum(p[i] * z[i] for i in classes)
    ), "the line"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


@of_sharpness
def sharpness_no_inner(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield (
        sum(exp(s * z[i]) for i in classes) / sum(exp(s * z[i]) for i in classes)
        - sum(p[i] * z[i] for i in classes)
    ), "the slope of a log"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


@of_sharpness
def sharpness_by_logit(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield (
        sum(exp(s * z[i]) * s for i in classes) / sum(exp(s * z[i]) for i in classes)
        - sum(p[i] * z[i] for i in classes)
    ), "the slope of a log"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


@of_sharpness
def sharpness_not_divided(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield sum(z[i] * (exp(s * z[i]) - p[i]) for i in classes), "the slope"
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


@of_sharpness
def sharpness_s_left(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield (
        sum(z[i] * exp(s * z[i]) for i in classes) / sum(exp(s * z[i]) for i in classes)
        - s * sum(p[i] * z[i] for i in classes)
    ), "the chain rule"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


@of_sharpness
def sharpness_other_order(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield (
        sum(exp(s*z[k])*z[k] for k in classes) / sum(exp(s*z[k]) for k in classes)
        - sum(p[k]*z[k] for k in classes)
    ), "the chain rule"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


@of_sharpness
def sharpness_in_steps(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)
    ), "the loss"  # fmt: skip
    yield (
        d(log(sum(exp(s * z[i]) for i in classes)), s) - sum(p[i] * z[i] for i in classes)
    ), "the line"  # fmt: skip
    yield (
        1 / sum(exp(s * z[i]) for i in classes) * sum(z[i] * exp(s * z[i]) for i in classes)
        - sum(p[i] * z[i] for i in classes)
    ), "the slope of a log"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


def losses_numpy(z, y, temperatures):
    rows = np.arange(len(y))
    return [
        -scipy_log_softmax(z.numpy() / T, axis=1)[rows, y.numpy()].mean()
        for T in temperatures.tolist()
    ]


def losses_torch(z, y, temperatures):
    heated = log_softmax_torch(z[None] / temperatures[:, None, None])
    return -heated[:, torch.arange(len(y)), y].mean(1)


SURE = {"labels": math.log(2), "one_hot": 1.8 * math.log(2)}
FLOOR = math.log(1 + 3 * math.exp(-2))

WRONG = {
    "fresh_network": [
        (SURE | {"labels": 1.248}, "divided by the number of rows"),
        (SURE | {"one_hot": 0.693}, "divided by the sum of the weights"),
        (SURE | {"labels": 1}, "bits, not nats"),
        (SURE | {"labels": 124.8}, "the sum"),
        (SURE | {"one_hot": 124.8}, "the sum"),
        (SURE | {"one_hot": 0.0693}, "value"),
        (SURE | {"labels": "log 2"}, "type"),
        (0.693, "type"),
    ],
    "softmax": [
        (lambda z: torch.exp(z) / torch.exp(z).sum(-1, keepdim=True), "no shift"),
        (
            lambda z: (z - z.max()).exp() / (z - z.max()).exp().sum(-1, True),
            "one shift for the whole table",
        ),
        (lambda z: (z - z.max()).exp() / (z - z.max()).exp().sum(), "a sum over everything"),
        (lambda z: (z - z.amax(0)).exp() / (z - z.amax(0)).exp().sum(0), "value"),
        (lambda z: z.clamp(max=80).exp() / z.clamp(max=80).exp().sum(-1, True),
         "the logits are still cut"),
        (cut, "the logits are still cut"),
        (visible, "value"),
        (lambda z: torch.softmax(z, -1), "ready-made"),
        (lambda z: torch.nn.Softmax(dim=-1)(z), "ready-made"),
        (lambda z: (z - z.logsumexp(-1, keepdim=True)).exp(), "ready-made"),
        (lambda z: softmax_torch(z.double()).float(), "dtype"),
        (lambda z: softmax_torch(z[:1]), "shape"),
        (lambda z: print(softmax_torch(z)), "nothing"),
    ],
    "log_softmax": [
        (lambda z: softmax_torch(z).log(), "through the probability"),
        (lambda z: torch.log(torch.exp(z) / torch.exp(z).sum(-1, True)), "no shift"),
        (lambda z: z - torch.log(torch.exp(z).sum(-1, True)), "no shift"),
        (lambda z: z - torch.amax(z, -1, True), "only the largest is taken off"),
        (lambda z: -log_softmax_torch(z), "wrong sign"),
        (lambda z: z - z.amax(-1, True) - (z - z.amax(-1, True)).exp().sum(-1, True).log()
         - z.amax(-1, True), "the shift is added back"),
        (lambda z: z - z.max() - (z - z.max()).exp().sum(-1, True).log(),
         "one shift for the whole table"),
        (lambda z: log_softmax_torch(z) / math.log(2), "log base 2"),
        (lambda z: (softmax_torch(z) + 1e-12).log(), "value"),
        (lambda z: F.log_softmax(z, dim=-1), "ready-made"),
        (lossbook.log_softmax, "ready-made"),
    ],
    "smoothed_slope": [
        (smoothing_gap, "missing lines"),
        (smoothing_same, "missing lines"),
        (smoothing_sign, "a sign"),
        (smoothing_one_softmax, "one softmax is missing"),
        (smoothing_factor, "a factor is missing"),
        (smoothing_ones, "the uniform target is 1/K"),
        (lambda z: z, "type"),
    ],
    "cross_entropy": [
        (lambda z, p, smoothing: ce_torch(z, p, 0.0), "no smoothing"),
        (lambda z, p, smoothing: -(mixture(p, smoothing) * log_softmax_torch(z)).mean(),
         "a mean over the classes"),
        (lambda z, p, smoothing: ce_torch(z, p, smoothing) * len(z),
         "a sum where a mean belongs"),
        (lambda z, p, smoothing: -ce_torch(z, p, smoothing), "wrong sign"),
        (
            lambda z, p, smoothing: -(
                (p * (1 - smoothing) + (1 - p) * smoothing / (z.shape[1] - 1))
                * log_softmax_torch(z)
            ).sum(1).mean(),
            "spread over the other classes",
        ),
        (lambda z, p, smoothing: -((p + smoothing / z.shape[1]) * log_softmax_torch(z))
         .sum(1).mean(), "added, and not taken away"),
        (lambda z, p, smoothing: ce_torch(z, label_rows(z, p.argmax(1)), smoothing),
         "only the largest class"),
        (lambda z, p, smoothing: -(mixture(p, smoothing) * softmax_torch(z).log())
         .sum(1).mean(), "through the probability"),
        (lambda z, p, smoothing: ce_torch(softmax_torch(z), p, smoothing), "value"),
        (lambda z, p, smoothing: -(mixture(p, smoothing) * log_softmax_torch(z)).sum(1),
         "one loss for each row"),
        (lambda z, p, smoothing: (1 - smoothing) * ce_torch(z, p, 0.0), "nothing is spread"),
        (lambda z, p, smoothing: ce_torch(z[:1], p[:1], smoothing), "value"),
        (lambda z, p, smoothing: F.cross_entropy(z, p, label_smoothing=smoothing),
         "ready-made"),
    ],
    "gradient_by_hand": [
        (lambda z, y, smoothing: slopes_torch(z, y, smoothing) * len(z),
         "a sum where a mean belongs"),
        (lambda z, y, smoothing: -slopes_torch(z, y, smoothing), "target minus softmax"),
        (lambda z, y, smoothing: slopes_torch(z, y, 0.0), "no smoothing"),
        (lambda z, y, smoothing: slopes_torch(z, y, smoothing) * label_rows(z, y),
         "only at the label"),
        (
            lambda z, y, smoothing: (
                softmax_torch(z)
                - (1 - smoothing) * label_rows(z, y)
                - smoothing / (z.shape[1] - 1) * (1 - label_rows(z, y))
            ) / len(z),
            "spread over the other classes",
        ),
        (
            lambda z, y, smoothing: (
                z.exp() / z.exp().sum(1, True) - mixture(label_rows(z, y), smoothing)
            ) / len(z),
            "no shift",
        ),
        (lambda z, y, smoothing: (softmax_torch(z) - (1 - smoothing) * label_rows(z, y)) / len(z),
         "nothing is spread"),
        (lambda z, y, smoothing: softmax_torch(z) - label_rows(z, y), "no smoothing and no mean"),
        (lambda z, y, smoothing: softmax_torch(z) / len(z), "value"),
        (lambda z, y, smoothing: slopes_torch(z, y, smoothing).mean(0), "shape"),
        (lambda z, y, smoothing: (softmax_torch(z) - (1 - smoothing)
                                  * (torch.arange(z.shape[1]) == y[:, None])
                                  - smoothing / z.shape[1]) / len(z), "value"),
        (slopes_by_autograd, "ready-made"),
    ],
    "distillation": [
        (lambda z, v, T: kl_torch(z, v, T) / T**2, "no T²"),
        (lambda z, v, T: kl_torch(z, v, T) / T, "T, not T²"),
        (lambda z, v, T: kl_torch(z * T, v, T), "a cold student"),
        (lambda z, v, T: T**2 * ce_torch(z / T, softmax_torch(v / T), 0.0),
         "cross-entropy, not KL"),
        (kl_through_probability, "through the probability"),
        (lambda z, v, T: T**2 * (softmax_torch(v / T)
                                 * (softmax_torch(v / T).log() - log_softmax_torch(z / T)))
         .sum(1).mean(), "log 0 of the teacher"),
        (lambda z, v, T: kl_torch(v, z, T), "arguments swapped"),
        (lambda z, v, T: kl_torch(z, v, T) / z.shape[1], "a mean over the classes"),
        (lambda z, v, T: kl_torch(z, v, T).item(), "gradient"),
        (lambda z, v, T: kl_torch(z.detach(), v, T), "gradient"),
        (lambda z, v, T: T**2 * F.kl_div(log_softmax_torch(z / T), log_softmax_torch(v / T),
                                         reduction="batchmean", log_target=True), "ready-made"),
    ],
    "sharpness": [
        (sharpness_gap, "missing lines"),
        (sharpness_hidden, "missing lines"),
        (sharpness_no_inner, "the inner derivative is missing"),
        (sharpness_by_logit, "the derivative by the logit"),
        (sharpness_not_divided, "not divided"),
        (sharpness_s_left, "s is left in the second term"),
        (smoothing_two_lines, "given lines"),
    ],
    "bounded": [
        ({"cause": "a", "floor": FLOOR}, "the rate"),
        ({"cause": "c", "floor": FLOOR}, "the labels"),
        ({"cause": "d", "floor": FLOOR}, "two softmaxes"),
        ({"cause": "b", "floor": 0.744}, "a gap of 1"),
        ({"cause": "b", "floor": 0.7966}, "ten classes"),
        ({"cause": "b", "floor": 0}, "no floor"),
        ({"cause": "b", "floor": 0.35}, "value"),
        ({"cause": "tanh", "floor": FLOOR}, "type"),
    ],
    "temperature": [
        (lambda z, y, temperatures: losses_torch(z, y, 1 / temperatures), "multiplied by T"),
        (lambda z, y, temperatures: losses_torch(z, y, temperatures) * temperatures**2,
         "times T²"),
        (lambda z, y, temperatures: torch.stack(
            [F.cross_entropy((z / T).softmax(1), y) for T in temperatures]),
         "softmax before the loss"),
        (lambda z, y, temperatures: losses_torch(z, y, temperatures) * len(y),
         "a sum where a mean belongs"),
        (lambda z, y, temperatures: F.cross_entropy(z / temperatures[0], y), "shape"),
        (lambda z, y, temperatures: temperatures[losses_torch(z, y, temperatures).argmin()],
         "shape"),
        (lambda z, y, temperatures: losses_torch(z, y, temperatures[:1]), "shape"),
        (lambda z, y, temperatures: F.cross_entropy(z / temperatures, y), "shape"),
    ],
}  # fmt: skip

RIGHT = {
    "fresh_network": [SURE, {"labels": 0.693, "one_hot": torch.tensor(1.248)}],
    "softmax": [softmax_loop, softmax_numpy, softmax_torch],
    "log_softmax": [log_softmax_loop, log_softmax_numpy, log_softmax_torch],
    "smoothed_slope": [smoothing_two_lines, smoothing_by_lse],
    "cross_entropy": [ce_loop, ce_numpy, ce_torch],
    "gradient_by_hand": [slopes_loop, slopes_numpy, slopes_torch],
    "distillation": [kl_torch, kl_rows],
    "sharpness": [sharpness_other_order, sharpness_in_steps],
    "bounded": [
        {"cause": "b", "floor": 0.341},
        {"cause": "b", "floor": torch.tensor(1 + 3 * math.e**-2).log()},
    ],
    "temperature": [losses_numpy, losses_torch],
}

globals().update(tried(4, WRONG, RIGHT))
