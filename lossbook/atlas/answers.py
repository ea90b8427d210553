"""Losses of yes or no."""

import math
from math import inf

import torch

from lossbook.atlas.entry import Curve, Estimate, entry
from lossbook.atlas.formula import answer, answers, distance, formula, marks, number, numbers, side
from lossbook.derive import d, exp, index, indicator, log, maximum, probability
from lossbook.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)

# Of ten answers three are yes.
YES = torch.tensor([1.0] * 3 + [0.0] * 7, dtype=torch.float64)
ODDS = "the share of yes (here as a logit)"


def _of_answers(loss):
    """The mean loss of one belief for all ten."""
    return lambda c: loss(c.expand(10), YES)


def _belief(y):
    return lambda t: {"input": t, "target": torch.full_like(t, y)}


def _yes(**options):
    return lambda t: {**_belief(1.0)(t), **options}


def _heavy(t):
    return {**_belief(1.0)(t), "pos_weight": torch.full_like(t, 3.0)}


def _label(t):
    """One label, a yes."""
    return {"input": t[:, None], "target": torch.ones(len(t), 1, dtype=t.dtype)}


def _one_right(t):
    """Two labels, of which the first is right, and ahead by t."""
    target = torch.tensor([[0, -1]]).expand(len(t), 2)
    return {"input": torch.stack([t, torch.zeros_like(t)], -1), "target": target}


def _one_of_two(c):
    """In three of ten rows the first label is right, in seven the second."""
    rows = torch.stack([c, torch.zeros_like(c)]).expand(10, 2)
    return multilabel_margin_loss(rows, torch.tensor([[0, -1]] * 3 + [[1, -1]] * 7))


entry(
    "BCELoss",
    range=(0, 100),
    estimate=Estimate(
        "the share of yes", _of_answers(binary_cross_entropy), 0.3, among=(0.001, 0.999)
    ),
    use="A yes or a no, and a model that ends in probabilities. If there are logits, "
    "BCEWithLogitsLoss keeps more digits.",
    curve=Curve(
        "probability", "p, of a yes", 0.01, 0.99, {"y = 1": _belief(1.0), "y = 0": _belief(0.0)}
    ),
)


@formula(
    "BCELoss", lambda F, p, y: F.binary_cross_entropy(p, y.detach()),
    p=probability, y=answer,
)  # fmt: skip
def binary(p, y):
    L = -(y * log(p) + (1 - y) * log(1 - p))
    yield d(L, p), "the slope"
    yield (p - y) / (p * (1 - p)), "steep where p is sure"


entry(
    "BCEWithLogitsLoss",
    range=(0, inf),
    estimate=Estimate(ODDS, _of_answers(binary_cross_entropy_with_logits), math.log(0.3 / 0.7)),
    use="A yes or a no, or several that do not exclude each other, from logits: the usual choice. "
    "`pos_weight` makes a rare yes count more.",
    curve=Curve(
        "gap", "x where the answer is yes", -6, 6, {"y = 1": _yes(), "y = 1, pos_weight 3": _heavy}
    ),
)


@formula(
    "BCEWithLogitsLoss",
    lambda F, x, y, w: F.binary_cross_entropy_with_logits(x, y.detach(), pos_weight=w.detach()),
    "`pos_weight` w, 1 if not given", x=number, y=answer, w=distance,
)  # fmt: skip
def binary_with_logits(x, y, w):
    sigma = lambda x: 1 / (1 + exp(-x))  # noqa: E731
    L = -(w * y * log(sigma(x)) + (1 - y) * log(sigma(-x)))
    yield d(L, x), "the slope"
    yield (1 - y) * sigma(x) - w * y * sigma(-x), "with w = 1 it is σ(x) − y"


entry(
    "SoftMarginLoss",
    range=(0, inf),
    estimate=Estimate(
        ODDS, lambda c: soft_margin_loss(c.expand(10), 2 * YES - 1), math.log(0.3 / 0.7)
    ),
    use="As BCEWithLogitsLoss, with answers written as 1 and −1.",
    curve=Curve("gap", "y x", -6, 6, {"": _yes()}),
)


@formula(
    "SoftMarginLoss", lambda F, x, y: F.soft_margin_loss(x, y.detach()),
    x=number, y=side,
)  # fmt: skip
def soft_margin(x, y):
    L = log(1 + exp(-y * x))
    yield d(L, x), "the slope"
    yield -y / (1 + exp(y * x)), "fades once the side is right"


entry(
    "MultiLabelSoftMarginLoss",
    range=(0, inf),
    estimate=Estimate(
        "for each label the share of yes (here as a logit)",
        lambda c: multilabel_soft_margin_loss(c.expand(10, 1), YES[:, None]),
        math.log(0.3 / 0.7),
    ),
    use="Several labels, each a yes or a no: the mean of BCEWithLogitsLoss over the labels of a "
    "row. There is no pos_weight.",
    curve=Curve("gap", "x where the answer is yes", -6, 6, {"one label": _label}),
)


@formula(
    "MultiLabelSoftMarginLoss",
    lambda F, x, y: F.multilabel_soft_margin_loss(torch.stack(x), torch.stack(y)),
    "K labels", x=numbers, y=answers, j=index,
)  # fmt: skip
def multilabel_soft_margin(x, y, j, classes, K):
    sigma = lambda x: 1 / (1 + exp(-x))  # noqa: E731
    L = -sum(
        y[i] * log(sigma(x[i])) + (1 - y[i]) * log(sigma(-x[i])) for i in classes
    ) / K  # fmt: skip
    yield d(L, x[j]), "the slope"
    yield (sigma(x[j]) - y[j]) / K, "each label by itself"


def _right_ones(t):
    """The labels that are marked, and then −1."""
    labels = [i for i, mark in enumerate(t) if mark == 1]
    return torch.tensor(labels + [-1] * (len(t) - len(labels)))


entry(
    "MultiLabelMarginLoss",
    range=(0, inf),
    estimate=Estimate(
        "the label that is more often right, ahead by 1 (no probability)", _one_of_two, -1.0
    ),
    use="Several right labels, of which only the order against the wrong ones counts. The target "
    "lists their indices.",
    curve=Curve("gap", "z_y − z_i", -6, 6, {"2 labels, 1 right": _one_right}),
)


@formula(
    "MultiLabelMarginLoss",
    lambda F, z, t: F.multilabel_margin_loss(torch.stack(z), _right_ones(t)),
    "t = 1 for the right labels, and 0 for the others", z=numbers, t=marks, j=index,
)  # fmt: skip
def multilabel_margin(z, t, j, classes, K):
    L = sum(t[k] * (1 - t[i]) * maximum(0, 1 - z[k] + z[i]) for k in classes for i in classes) / K
    yield d(L, z[j]), "the slope"
    yield (
        (
            sum(t[k] * (1 - t[j]) * indicator(1 - z[k] + z[j] > 0) for k in classes)
            - sum(t[j] * (1 - t[i]) * indicator(1 - z[j] + z[i] > 0) for i in classes)
        )
        / K,
        "wrong ones too near are pushed down, right ones up",
    )
