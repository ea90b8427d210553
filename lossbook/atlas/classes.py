"""Losses of one class among many."""

import math
from math import inf

import torch
from torch.func import functional_call

from lossbook.atlas.entry import Curve, Estimate, entry
from lossbook.atlas.formula import formula, margin, number, numbers
from lossbook.derive import d, distribution, exp, index, indicator, log, maximum, probability
from lossbook.losses import (
    adaptive_log_softmax_with_loss,
    cross_entropy,
    kl_div,
    linear_cross_entropy,
    multi_margin_loss,
    nll_loss,
)

# Of two classes the one occurs with this share, and the other with the rest.
SHARE = 0.8
SURE = "the shares of the classes (here the gap of two: the logarithm of their ratio)"
BOTH = torch.tensor([0, 1])


def _two(t):
    """Scores of two classes, the first of which is ahead by t."""
    return torch.stack([t, torch.zeros_like(t)], -1)


def _zeros(t, *more):
    return torch.zeros(len(t), *more, dtype=torch.int64)


def _shared(losses):
    """The mean of the losses of the two classes, by their shares."""
    return SHARE * losses[0] + (1 - SHARE) * losses[1]


def _of_scores(loss, **options):
    """The mean loss of a gap between two classes."""
    return lambda c: _shared(loss(_two(c.expand(2)), BOTH, reduction="none", **options))


def _ahead(**options):
    return lambda t: {"input": _two(t), "target": _zeros(t), **options}


def _among_ten(t):
    return {"input": torch.cat([t[:, None], t.new_zeros(len(t), 9)], 1), "target": _zeros(t)}


def _layer(t):
    """A layer of one feature and two classes, with the gap t."""
    weight = torch.tensor([[1.0], [0.0]], dtype=t.dtype)
    return {"input": t[:, None], "linear_weight": weight, "target": _zeros(t)}


def _clusters(label):
    """A frequent class, and a cluster of four; the first is ahead of the cluster by t."""

    def arguments(t):
        head = torch.tensor([[0.5], [-0.5]], dtype=t.dtype)
        tail = [(torch.ones(1, 1, dtype=t.dtype), torch.zeros(4, 1, dtype=t.dtype))]
        gap = t if label == 0 else -t
        target = _zeros(t) + label
        return {
            "input": gap[:, None], "target": target, "head_weight": head, "tail_weights": tail,
        }  # fmt: skip

    return arguments


def _in_two_steps(c):
    head = torch.tensor([[1.0], [0.0], [-20.0]], dtype=torch.float64)
    tail = [(torch.ones(1, 1, dtype=c.dtype), torch.zeros(1, 1, dtype=c.dtype))]
    return _shared(-adaptive_log_softmax_with_loss(c.expand(2, 1), BOTH, head, tail).output)


entry(
    "CrossEntropyLoss",
    range=(0, inf),
    estimate=Estimate(SURE, _of_scores(cross_entropy), math.log(SHARE / (1 - SHARE))),
    use="One right class of many, and a model that ends in logits: the usual choice. Also for "
    "targets that are distributions, and with smoothing.",
    curve=Curve(
        "gap", "z_y − z_i", -6, 6,
        {"2 classes": _ahead(), "10 classes": _among_ten,
         "2 classes, ε = 0.1": _ahead(label_smoothing=0.1)},
    ),
)  # fmt: skip


@formula(
    "CrossEntropyLoss", lambda F, z, y: F.cross_entropy(torch.stack(z), torch.tensor(y)),
    "for a label", z=numbers, y=index, j=index,
)  # fmt: skip
def cross_entropy_of_a_label(z, y, j, classes):
    L = log(sum(exp(z[i]) for i in classes)) - z[y]
    yield d(L, z[j]), "the slope"
    yield exp(z[j]) / sum(exp(z[i]) for i in classes) - indicator(j == y), "softmax less the truth"


@formula(
    "CrossEntropyLoss", lambda F, z, t: F.cross_entropy(torch.stack(z), torch.stack(t)),
    "for a distribution", z=numbers, t=distribution, j=index,
)  # fmt: skip
def cross_entropy_of_a_distribution(z, t, j, classes):
    p = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    L = -sum(t[i] * log(p[i]) for i in classes)
    yield d(L, z[j]), "the slope"
    yield p[j] - t[j], "softmax less the truth"


entry(
    "NLLLoss",
    range=(0, inf),
    estimate=Estimate(
        SURE + ", after a log-softmax",
        lambda c: _shared(nll_loss(_two(c.expand(2)).log_softmax(-1), BOTH, reduction="none")),
        math.log(SHARE / (1 - SHARE)),
    ),
    use="The model ends in log-probabilities already, as from a log-softmax or a sum of "
    "logarithms. With logits, CrossEntropyLoss does both steps.",
    curve=Curve("logarithm", "log p_y", -6, 0, {"": _ahead()}),
)


@formula(
    "NLLLoss", lambda F, a, y: F.nll_loss(torch.stack(a), torch.tensor(y)),
    a=numbers, y=index, j=index,
)  # fmt: skip
def negative_log_likelihood(a, y, j):
    L = -a[y]
    yield d(L, a[j]), "the slope"
    yield -indicator(j == y), "the other classes get none: their push comes from the softmax"


entry(
    "LinearCrossEntropyLoss",
    range=(0, inf),
    estimate=Estimate(
        SURE,
        lambda c: _shared(
            linear_cross_entropy(
                c.expand(2, 1), torch.tensor([[1.0], [0.0]], dtype=c.dtype), BOTH, reduction="none"
            )
        ),
        math.log(SHARE / (1 - SHARE)),
    ),
    use="So many classes that the logits of a batch would fill the memory: the vocabulary of a "
    "language model. The result is that of CrossEntropyLoss after the layer.",
    curve=Curve("gap", "z_y − z_i", -6, 6, {"2 classes": _layer}),
)


def _linear(F, h, w, y):
    return F.linear_cross_entropy(h[None], torch.stack(w)[:, None], torch.tensor(y))


@formula(
    "LinearCrossEntropyLoss", _linear,
    "one feature h", h=number, w=numbers, y=index,
)  # fmt: skip
def linear_by_feature(h, w, y, classes):
    p = [exp(h * w[i]) / sum(exp(h * w[k]) for k in classes) for i in classes]
    L = -log(p[y])
    yield d(L, h), "the slope"
    yield sum(p[i] * w[i] for i in classes) - w[y], "the expected weight less that of the label"


@formula(
    "LinearCrossEntropyLoss", _linear,
    "one feature h", h=number, w=numbers, y=index, j=index,
)  # fmt: skip
def linear_by_weight(h, w, y, j, classes):
    p = [exp(h * w[i]) / sum(exp(h * w[k]) for k in classes) for i in classes]
    L = -log(p[y])
    yield d(L, w[j]), "the slope"
    yield (p[j] - indicator(j == y)) * h, "softmax less the truth, times the feature"


entry(
    "AdaptiveLogSoftmaxWithLoss",
    range=(0, inf),
    estimate=Estimate(SURE, _in_two_steps, math.log(SHARE / (1 - SHARE))),
    use="Very many classes, a few of them frequent: the rare ones share clusters with smaller "
    "layers, which saves time and weights. Labels count from the most frequent on.",
    curve=Curve(
        "gap", "z_c − z_i, of the cluster or frequent class that is right", -6, 6,
        {"frequent class": _clusters(0), "class in a cluster of 4": _clusters(1)},
    ),
)  # fmt: skip


def _adaptive(F, z, t, y):
    """With these logits: K − 1 frequent classes, and a cluster of K. In torch it is a module."""
    K, one = len(z), torch.ones(1, 1, dtype=z[0].dtype)
    head, up = torch.stack(z)[:, None], torch.stack(t)[:, None]
    label = torch.tensor([K - 1 + y])
    if hasattr(F, "adaptive_log_softmax_with_loss"):
        return F.adaptive_log_softmax_with_loss(one, label, head, [(one, up)]).loss
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(1, 2 * K - 1, [K - 1], div_value=1.0)
    weights = {"head.weight": head, "tail.0.0.weight": one, "tail.0.1.weight": up}
    return functional_call(module, weights, (one, label)).loss


@formula(
    "AdaptiveLogSoftmaxWithLoss", _adaptive,
    "class y of a cluster, the last of K entries of the head; z its logits, t those of the cluster",
    z=numbers, t=numbers, y=index, j=index,
)  # fmt: skip
def adaptive_by_head(z, t, y, j, classes, K):
    L = log(sum(exp(z[i]) for i in classes)) - z[K - 1] + (
        log(sum(exp(t[i]) for i in classes)) - t[y]
    )  # fmt: skip
    yield d(L, z[j]), "the slope"
    yield exp(z[j]) / sum(exp(z[i]) for i in classes) - indicator(j == K - 1), "as of two losses"


entry(
    "MultiMarginLoss",
    range=(0, inf),
    estimate=Estimate(
        "of two classes the more frequent one, ahead by the margin (no probability)",
        _of_scores(multi_margin_loss),
        1.0,
    ),
    use="Only the order of the scores counts, and examples that are right by the margin should "
    "leave the model alone. No probabilities come out.",
    curve=Curve(
        "gap", "z_y − z_i", -6, 6,
        {"p = 1": _ahead(), "p = 2": _ahead(p=2)},
    ),
)  # fmt: skip


@formula(
    "MultiMarginLoss",
    lambda F, z, y, m: F.multi_margin_loss(torch.stack(z), torch.tensor(y), margin=m.item()),
    "p = 1", z=numbers, y=index, j=index, m=margin,
)  # fmt: skip
def multi_margin(z, y, j, m, classes, K):
    L = sum(maximum(0, m - z[y] + z[i]) for i in classes if i != y) / K
    yield d(L, z[j]), "the slope"
    yield (
        (
            indicator(j != y) * indicator(m - z[y] + z[j] > 0)
            - indicator(j == y) * sum(indicator(m - z[y] + z[i] > 0) for i in classes if i != y)
        )
        / K,
        "each class too near is pushed down, and the right one up",
    )


entry(
    "KLDivLoss",
    range=(-1 / math.e, inf),
    estimate=Estimate(
        SURE + ", after a log-softmax",
        lambda c: kl_div(
            _two(c).log_softmax(-1), c.new_tensor([SHARE, 1 - SHARE]), reduction="sum"
        ),
        math.log(SHARE / (1 - SHARE)),
    ),
    use="The target is a distribution: of another model (distillation), of several judges. The "
    "model ends in log-probabilities. `batchmean` sums over the classes, and averages the rows.",
    curve=Curve(
        "logarithm", "log q", -6, 0,
        {"p = 1": lambda t: {"input": t, "target": torch.ones_like(t)},
         "p = ½": lambda t: {"input": t, "target": torch.full_like(t, 0.5)}},
    ),
)  # fmt: skip


@formula(
    "KLDivLoss", lambda F, a, p: F.kl_div(a, p, reduction="sum"),
    "of one class", a=number, p=probability,
)  # fmt: skip
def divergence(a, p):
    L = p * (log(p) - a)
    yield d(L, a), "the slope"
    yield -p, "the truth"
