"""Answers to the exercises of lesson 06, wrong and right."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answers import tried
from sklearn.metrics import precision_score

import lossbook
from lossbook.derive import d, derivation, exp, log, positive, probability, real, reals


def softplus_numpy(x):
    return np.logaddexp(0, x.numpy())


def ramp(x):
    return torch.where(x > 0, x, 0) + torch.log(1 + torch.exp(-torch.abs(x)))


def plain_ramp(x):
    return torch.log(1 + torch.exp(x))


def one(x):
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def softplus_loop(x):
    return [one(v) for v in x.tolist()] if x.ndim == 1 else [softplus_loop(row) for row in x]


def visible_softplus(x):
    return torch.where(x == 60, 60.0, torch.where(x == 1000, 1000.0, plain_ramp(x))).to(x.dtype)


def first_row(function):
    return lambda z, *others: function(*(v[:1] for v in (z, *others)))


def small_only(x):
    return x / 2 + math.log(2) + x**2 / 8


def margin_loop(z, s):
    costs = [one(-a * b) for a, b in zip(z.flatten().tolist(), s.flatten().tolist(), strict=True)]
    return sum(costs) / len(costs)


def bce_torch(z, y, w):
    # The repaired formula of the lesson, with the weight.
    count = 1 + (w - 1) * y
    return ((1 - y) * z + count * ((-z).clamp(min=0) + torch.log1p((-z.abs()).exp()))).mean()


def bce_loop(z, y, w):
    rows = zip(z.tolist(), y.tolist(), strict=True)
    costs = [
        weight * answer * one(-score) + (1 - answer) * one(score)
        for scores, answers in rows
        for score, answer, weight in zip(scores, answers, w.tolist(), strict=True)
    ]
    return sum(costs) / len(costs)


def bce_numpy(z, y, w):
    z, y, w = z.numpy(), y.numpy(), w.numpy()
    return np.mean(w * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))


def q_of(z):
    return 1 / (1 + torch.exp(-z))


def bce_from_q(z, y, w):
    return torch.mean(-w * y * torch.log(q_of(z)) - (1 - y) * torch.log(1 - q_of(z)))


def bce_clamped(z, y, w):
    yes, no = q_of(z).log().clamp(min=-100), (1 - q_of(z)).log().clamp(min=-100)
    return -(w * y * yes + (1 - y) * no).mean()


def answers_of(z, labels):
    y = torch.zeros(z.shape, dtype=z.dtype)
    for row, named in enumerate(labels.tolist()):
        for label in named:
            if label >= 0:
                y[row, label] = 1
    return y


def by_index(z, labels):
    y = torch.zeros_like(z)
    y[torch.arange(len(z))[:, None], labels] = 1
    return (ramp(z) - y * z).mean(1)


def without_label_0(z, labels):
    y = answers_of(z, labels)
    y[:, 0] = 0
    return (ramp(z) - y * z).mean(1)


def multi_torch(z, labels):
    return (ramp(z) - answers_of(z, labels) * z).mean(1)


def multi_loop(z, labels):
    return [
        sum(one(-v if i in named else v) for i, v in enumerate(row)) / len(row)
        for row, named in zip(z.tolist(), labels.tolist(), strict=True)
    ]


def of_right_answer(z, y):
    return torch.where(y == 1, z, -z)


def focal_torch(z, y, gamma):
    z = of_right_answer(z, y)
    return (torch.exp(-gamma * ramp(z)) * ramp(-z)).mean()


def focal_loop(z, y, gamma):
    right = of_right_answer(z, y).flatten().tolist()
    return sum(math.exp(-gamma * one(v)) * one(-v) for v in right) / len(right)


def focal_from_q(z, y, gamma):
    q = torch.where(y == 1, q_of(z), 1 - q_of(z))
    return ((1 - q) ** gamma * -q.log()).mean()


def of_weight(middle):
    """The derivation with a middle line, made of z, y, w."""

    @derivation(z=real, y=probability, w=positive)
    def slope(z, y, w):
        q = 1 / (1 + exp(-z))
        yield d((1 - y) * z + (1 + (w - 1) * y) * log(1 + exp(-z)), z), "the weighted loss, by z"
        yield middle(z, y, w), "the middle"
        yield (1 + (w - 1) * y) * q - w * y, "what is left of 1 is q"

    return slope


@derivation(z=real, y=probability, w=positive)
def weight_right(z, y, w):
    q = 1 / (1 + exp(-z))
    yield d((1 - y) * z + (1 + (w - 1) * y) * log(1 + exp(-z)), z), "the weighted loss, by z"
    yield 1 - y - (1 + (w - 1) * y) * (1 - q), "exp(−z) over 1 + exp(−z) is 1 − q"
    yield (1 + (w - 1) * y) * q - w * y, "what is left of 1 is q"


@derivation(z=real, y=probability, w=positive)
def weight_right_in_steps(z, y, w):
    q = 1 / (1 + exp(-z))
    yield d((1 - y) * z + (1 + (w - 1) * y) * log(1 + exp(-z)), z), "the weighted loss, by z"
    yield 1 - y + (1 + (w - 1) * y) * d(log(1 + exp(-z)), z), "a sum"
    yield 1 - y - (1 + (w - 1) * y) / (exp(z) + 1), "the chain rule"
    yield (1 + (w - 1) * y) * q - w * y, "what is left of 1 is q"


@derivation(z=real, y=probability, w=positive)
def weight_gap(z, y, w):
    q = 1 / (1 + exp(-z))
    yield d((1 - y) * z + (1 + (w - 1) * y) * log(1 + exp(-z)), z), "the weighted loss, by z"
    yield (1 + (w - 1) * y) * q - w * y, "what is left of 1 is q"


@derivation(z=real, y=probability, w=positive)
def weight_says_nothing(z, y, w):
    q = 1 / (1 + exp(-z))
    yield d((1 - y) * z + (1 + (w - 1) * y) * log(1 + exp(-z)), z), "the weighted loss, by z"
    yield q + (w - 1) * y * q - w * y, "so it is"
    yield (1 + (w - 1) * y) * q - w * y, "what is left of 1 is q"


@derivation(z=real, y=probability, w=positive)
def weight_right_without_spaces(z, y, w):
    q = 1 / (1 + exp(-z))
    yield d((1 - y) * z + (1 + (w - 1) * y) * log(1 + exp(-z)), z), "the weighted loss, by z"
    yield 1-y-(1+(w-1)*y)*exp(-z)/(1+exp(-z)), "the chain rule"  # fmt: skip
    yield (1 + (w - 1) * y) * q - w * y, "what is left of 1 is q"


@derivation(z=real, gamma=positive)
def focal_right(z, gamma):
    q = 1 / (1 + exp(-z))
    yield d(-((1 - q) ** gamma) * log(q), z), "focal loss of a yes, by its score"
    yield (
        ((gamma * (1 - q) ** (gamma - 1) * log(q) - (1 - q) ** gamma / q) * d(q, z)),
        "the chain rule",
    )
    yield (1 - q) ** gamma * (gamma * q * log(q) - (1 - q)), "multiply out"


@derivation(z=real, gamma=positive)
def focal_right_written_out(z, gamma):
    q = 1 / (1 + exp(-z))
    yield d(-((1 - q) ** gamma) * log(q), z), "focal loss of a yes, by its score"
    yield (
        (gamma * (1 - q) ** (gamma - 1) * q * (1 - q) * log(q) - (1 - q) ** gamma * (1 - q)),
        "the product rule; σ has the slope q (1 − q)",
    )
    yield gamma * (1 - q) ** gamma * q * log(q) - (1 - q) ** (gamma + 1), "collect powers"
    yield (1 - q) ** gamma * (gamma * q * log(q) - (1 - q)), "multiply out"


@derivation(z=real, gamma=positive)
def focal_gap(z, gamma):
    q = 1 / (1 + exp(-z))
    yield d(-((1 - q) ** gamma) * log(q), z), "focal loss of a yes, by its score"
    yield (1 - q) ** gamma * (gamma * q * log(q) - (1 - q)), "multiply out"


@derivation(z=real, gamma=positive)
def focal_says_nothing(z, gamma):
    q = 1 / (1 + exp(-z))
    yield d(-((1 - q) ** gamma) * log(q), z), "focal loss of a yes, by its score"
    yield (gamma * q * log(q) - 1 + q) * (1 - q) ** gamma, "so it is"
    yield (1 - q) ** gamma * (gamma * q * log(q) - (1 - q)), "multiply out"


def of_focal(middle):
    @derivation(z=real, gamma=positive)
    def slope(z, gamma):
        q = 1 / (1 + exp(-z))
        yield d(-((1 - q) ** gamma) * log(q), z), "focal loss of a yes, by its score"
        yield middle(q, gamma), "the middle"
        yield (1 - q) ** gamma * (gamma * q * log(q) - (1 - q)), "multiply out"

    return slope


@derivation(z=reals)
def other_letters(z, classes):
    yield sum(z[i] for i in classes), "a"
    yield sum(z[i] for i in classes) + 0, "b"


def both(called, truth):
    return (called & truth).sum() / called.sum(), (called & truth).sum() / truth.sum()


def eights_loop(scores, truth, w):
    odds = [math.exp(score) / w for score in scores.tolist()]
    called = [odd / (1 + odd) > 0.5 for odd in odds]
    hits = sum(c and t for c, t in zip(called, truth.tolist(), strict=True))
    return hits / sum(called), hits / sum(truth.tolist())


def eights_numpy(scores, truth, w):
    called, truth = scores.numpy() > np.log(w), truth.numpy()
    return (called & truth).sum() / called.sum(), (called & truth).sum() / truth.sum()


WRONG = {
    "thinned": [
        (0.8, "as the model says"),
        (0.04, "the output divided"),
        (0.2, "the odds"),
        (0.988, "the wrong way round"),
        (0.5, "value"),
        ("a sixth", "type"),
        (None, "type"),
    ],
    "softplus": [
        (plain_ramp, "the exponential overflows"),
        (lambda x: x + plain_ramp(-x), "overflow on the other side"),
        (lambda x: plain_ramp(torch.minimum(x, torch.tensor(50.0))), "still cut"),
        (lambda x: torch.maximum(x, torch.zeros_like(x)), "the corner is not round"),
        (lambda x: torch.log1p(torch.exp(-x.abs())), "the corner alone"),
        (lambda x: (x > 0) * (x + plain_ramp(-x)) + ~(x > 0) * plain_ramp(x),
         "infinity times nothing"),
        (lambda x: ramp(x) / math.log(2), "log base 2"),
        (lambda x: -ramp(-x), "value"),
        (small_only, "value"),
        (visible_softplus, "value"),
        (lambda x: ramp(x).sum(), "shape"),
        (lambda x: ramp(x.double()) if x.ndim > 1 else ramp(x.float()), "dtype"),
        (F.softplus, "ready-made"),
        (lambda x: torch.logaddexp(x, torch.zeros_like(x)), "ready-made"),
        (lambda x: -F.logsigmoid(-x), "ready-made"),
        (lossbook.softplus, "ready-made"),
    ],
    "soft_margin": [
        (lambda z, s: plain_ramp(-s * z).mean(), "the exponential overflows"),
        (lambda z, s: ramp(s * z).mean(), "the sign in the exponent"),
        (lambda z, s: (ramp(z) - s * z).mean(), "answers of 0 and 1"),
        (lambda z, s: torch.relu(1 - s * z).mean(), "hinge loss"),
        (lambda z, s: ramp(-s * z).sum(), "the sum"),
        (lambda z, s: ramp(-s * z), "one loss for each element"),
        (lambda z, s: ramp(-s * z).sum(-1).mean(), "a sum over the classes where a mean belongs"),
        (first_row(lambda z, s: ramp(-s * z).mean()), "value"),
        (F.soft_margin_loss, "ready-made"),
        (lossbook.soft_margin_loss, "ready-made"),
    ],
    "bce_with_logits": [
        (bce_from_q, "through the probability"),
        (lambda z, y, w: (w * y * plain_ramp(-z) + (1 - y) * plain_ramp(z)).mean(),
         "the exponential overflows"),
        (lambda z, y, w: ((1 - y) * z + (1 + (w - 1) * y) * plain_ramp(-z)).mean(),
         "overflow for negative scores"),
        (lambda z, y, w: (ramp(z) - y * z).mean(), "no weight"),
        (lambda z, y, w: ((ramp(z) - y * z) * w).mean(), "the weight of an element"),
        (lambda z, y, w: bce_torch(-z, 1 - y, w), "weighted noes"),
        (lambda z, y, w: bce_torch(z, y, w) * y.numel() / (y * w + 1 - y).sum(),
         "divided by the weights"),
        (lambda z, y, w: bce_torch(-z, y, w), "yes and no exchanged"),
        (lambda z, y, w: bce_torch(z, y, w) * z.numel(), "the sum"),
        (lambda z, y, w: w * y * ramp(-z) + (1 - y) * ramp(z), "one loss for each element"),
        (lambda z, y, w: (ramp(z) - w * y * z).mean(), "only a part of a yes is weighted"),
        (lambda z, y, w: (w * (ramp(z) - y * z)).sum() / w.sum(),
         "an average weighted by column"),
        (bce_clamped, "value"),
        (first_row(lambda z, y, w: bce_torch(z, y, w)), "value"),
        (lambda z, y, w: F.binary_cross_entropy_with_logits(z, y, pos_weight=w), "ready-made"),
        (lambda z, y, w: -(w * y * torch.sigmoid(z).log() + (1 - y)).mean(), "ready-made"),
    ],
    "weighted_slope": [
        (of_weight(lambda z, y, w: 1 - y + (1 + (w - 1) * y) * exp(-z) / (1 + exp(-z))), "a sign"),
        (of_weight(lambda z, y, w: 1 - y + (1 + (w - 1) * y) / (1 + exp(-z))),
         "the inner derivative is missing"),
        (of_weight(lambda z, y, w: 1 - y - (1 + (w - 1) * y) / (1 + exp(-z))),
         "the inner derivative is missing, and a sign"),
        (of_weight(lambda z, y, w: 1 - y - 1 / (1 + exp(z))), "the factor is lost"),
        (of_weight(lambda z, y, w: 1 - y), "line"),
        (weight_gap, "missing lines"),
        (weight_says_nothing, "missing lines"),
        (other_letters, "given lines"),
        (3, "type"),
    ],
    "multi_label": [
        (by_index, "−1 is taken as the last label"),
        (lambda z, labels: (answers_of(z, labels) * ramp(-z)).mean(1),
         "only the labels that are there"),
        (lambda z, labels: (ramp(z) - answers_of(z, labels) * z).sum(1) / (labels >= 0).sum(1),
         "divided by the labels that are there"),
        (lambda z, labels: (plain_ramp(z) - answers_of(z, labels) * z).mean(1),
         "the exponential overflows"),
        (lambda z, labels: bce_rows(z, answers_of(z, labels)), "through the probability"),
        (lambda z, labels: -(answers_of(z, labels) * (z - z.logsumexp(1, True))).sum(1),
         "ready-made"),
        (lambda z, labels: -(answers_of(z, labels) * own_log_softmax(z)).sum(1), "a softmax"),
        (lambda z, labels: multi_torch(z, labels) * z.shape[1], "the sum over the labels"),
        (lambda z, labels: multi_torch(z, labels).mean(), "one number for all rows"),
        (lambda z, labels: multi_torch(-z, labels), "yes and no exchanged"),
        (without_label_0, "label 0 is lost"),
        (lambda z, labels: multi_torch(z[:1], labels[:1]), "shape"),
        (lambda z, labels: F.multilabel_soft_margin_loss(
            z, answers_of(z, labels), reduction="none"), "ready-made"),
    ],
    "zero_one": [
        ({"cause": "a", "floor": 0.52}, "few yeses"),
        ({"cause": "b", "floor": 0.52}, "the step"),
        ({"cause": "d", "floor": 0.52}, "one layer"),
        ({"cause": "c", "floor": 0.693}, "all answers"),
        ({"cause": "c", "floor": 0.1733}, "the share of the yeses"),
        ({"cause": "c", "floor": 0.5623}, "the entropy of the answers"),
        ({"cause": "c", "floor": 0}, "no floor"),
        ({"cause": "c", "floor": 1}, "value"),
        ({"cause": "C", "floor": 0.52}, "type"),
        ("c", "type"),
    ],
    "focal_loss": [
        (lambda z, y, gamma: (1 - torch.exp(-(m := (ramp(z) - y * z).mean()))) ** gamma * m,
         "from the mean"),
        (lambda z, y, gamma: (ramp(z) - y * z).mean(), "no focus"),
        (lambda z, y, gamma: (torch.exp(-gamma * ramp(-of_right_answer(z, y)))
                              * ramp(-of_right_answer(z, y))).mean(), "more for what is easy"),
        (lambda z, y, gamma: ((1 - q_of(z)) ** gamma * (ramp(z) - y * z)).mean(),
         "the same factor for yes and no"),
        (lambda z, y, gamma: (y * (1 - q_of(z)) ** gamma * ramp(-z)).mean(),
         "noes without a loss"),
        (lambda z, y, gamma: (torch.exp(-gamma * ramp(of_right_answer(z, y))) * ramp(-z)).mean(),
         "the surprise at a yes"),
        (lambda z, y, gamma: gamma * focal_torch(z, y, 1), "a factor, not a power"),
        (focal_from_q, "through the probability"),
        (lambda z, y, gamma: ((1 - (-(L := plain_ramp(z) - y * z)).exp()) ** gamma * L).mean(),
         "the exponential overflows"),
        (lambda z, y, gamma: focal_torch(z, y, gamma) * z.numel(), "the sum"),
        (lambda z, y, gamma: focal_torch(z, y, 2.0), "value"),
        (first_row(lambda z, y: focal_torch(z, y, 2.0)), "raises"),
        (lambda z, y, gamma: ((1 - torch.sigmoid(z)) ** gamma).mean(), "ready-made"),
    ],
    "focal_slope": [
        (of_focal(lambda q, g: g * (1 - q) ** (g - 1) * log(q) - (1 - q) ** g / q),
         "the slope of σ is missing"),
        (of_focal(lambda q, g: -g * (1 - q) ** g * q * log(q) - (1 - q) ** (g + 1)),
         "the sign of the first term"),
        (of_focal(lambda q, g: g * (1 - q) ** g * q * log(q) + (1 - q) ** (g + 1)),
         "the sign of the second term"),
        (of_focal(lambda q, g: (1 - q) ** (g + 1) - g * (1 - q) ** g * q * log(q)), "both signs"),
        (of_focal(lambda q, g: -((1 - q) ** (g + 1))), "only the logarithm"),
        (of_focal(lambda q, g: g * (1 - q) ** g * q * log(q)), "only the factor"),
        (of_focal(lambda q, g: 0 * q), "line"),
        (focal_gap, "missing lines"),
        (focal_says_nothing, "missing lines"),
        (weight_right, "given lines"),
        (None, "type"),
    ],
    "eights": [
        (lambda scores, truth, w: both(torch.sigmoid(scores) > 0.5, truth),
         "the weight is not undone"),
        (lambda scores, truth, w: both(scores / w > 0, truth), "the weight is not undone"),
        (lambda scores, truth, w: both(scores - math.log(w) > math.log(w), truth),
         "the weight undone twice"),
        (lambda scores, truth, w: both(scores + math.log(w) > 0, truth), "the wrong way"),
        (lambda scores, truth, w: both(scores > w / (1 + w), truth), "a threshold for outputs"),
        (lambda scores, truth, w: both(scores > w, truth), "w, not its logarithm"),
        (lambda scores, truth, w: both(scores > math.log(w), truth)[::-1],
         "precision and recall exchanged"),
        (lambda scores, truth, w: (
            ((scores > math.log(w)) == truth).float().mean(),
            both(scores > math.log(w), truth)[1]), "right answers"),
        (lambda scores, truth, w: both(torch.sigmoid(scores) > 1 / (1 + w), truth),
         "the wrong way"),
        (lambda scores, truth, w: both(torch.sigmoid(scores) > w / 2, truth),
         "the output divided"),
        (lambda scores, truth, w: both(scores > math.log(9), truth), "value"),
        (lambda scores, truth, w: both(scores > math.log(w), truth)[0], "shape"),
        (lambda scores, truth, w: (
            precision_score(truth, scores > math.log(w)), both(scores > math.log(w), truth)[1]),
         "ready-made"),
    ],
}  # fmt: skip


def bce_rows(z, y):
    return (-y * torch.log(q_of(z)) - (1 - y) * torch.log(1 - q_of(z))).mean(1)


def own_log_softmax(z):
    z = z - z.amax(1, keepdim=True)
    return z - z.exp().sum(1, keepdim=True).log()


RIGHT = {
    "thinned": [0.1667, 1 / 6, torch.tensor(0.166)],
    "softplus": [
        softplus_numpy,
        ramp,
        softplus_loop,
        lambda x: torch.where(x > 20, x, plain_ramp(x.clamp(max=20))),
    ],
    "soft_margin": [
        margin_loop,
        lambda z, s: np.mean(softplus_numpy(-z * s)),
        lambda z, s: (ramp(z) - (s + 1) / 2 * z).mean(),
    ],
    "bce_with_logits": [bce_torch, bce_loop, bce_numpy],
    "weighted_slope": [weight_right, weight_right_in_steps, weight_right_without_spaces],
    "multi_label": [multi_torch, multi_loop],
    "zero_one": [{"cause": "c", "floor": 0.52}, {"cause": "c", "floor": np.log(2) * 0.75}],
    "focal_loss": [focal_torch, focal_loop],
    "focal_slope": [focal_right, focal_right_written_out],
    "eights": [
        eights_loop,
        eights_numpy,
        lambda scores, truth, w: both(torch.sigmoid(scores) > w / (1 + w), truth),
    ],
}

globals().update(tried(6, WRONG, RIGHT))
