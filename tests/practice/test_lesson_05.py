"""Answers to the exercises of lesson 05, wrong and right."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answers import tried

import lossbook
from lossbook.derive import d, derivation, distribution, log, positive, positives, probability


def nll_loop(log_q, y, weight):
    total = over = 0.0
    for row, label in zip(log_q.tolist(), y.tolist(), strict=True):
        if label >= 0:
            total -= weight[label].item() * row[label]
            over += weight[label].item()
    return total / over


def nll_numpy(log_q, y, weight):
    keep = (y != -100).numpy()
    label = y.numpy()[keep]
    return np.average(-log_q.numpy()[keep, label], weights=weight.numpy()[label])


def nll_torch(log_q, y, weight):
    table = (y[:, None] == torch.arange(log_q.shape[1])) * weight
    return -(table * log_q).sum() / table.sum()


def nll_over(count):
    """The weighted sum over something else."""

    def answer(log_q, y, weight):
        table = (y[:, None] == torch.arange(log_q.shape[1])) * weight
        return -(table * log_q).sum() / count(y, weight)

    return answer


def shares_loop(y, K, extra):
    return [(y.tolist().count(k) + extra) / (len(y) + K * extra) for k in range(K)]


def shares_torch(y, K, extra):
    counts = F.one_hot(y, K).sum(0).double() + extra
    return counts / counts.sum()


def text_loop(log_q, y):
    total, count = 0.0, 0
    for rows, labels in zip(log_q.tolist(), y.tolist(), strict=True):
        for row, label in zip(rows, labels, strict=True):
            if label != -100:
                total, count = total - row[label], count + 1
    return math.exp(total / count)


def text_numpy(log_q, y):
    rows, labels = log_q.numpy().reshape(-1, log_q.shape[2]), y.numpy().ravel()
    keep = labels != -100
    return np.exp(-rows[keep, labels[keep]].mean())


def text_torch(log_q, y):
    log_q, y = log_q.flatten(0, 1), y.flatten()
    return F.nll_loss(log_q[y != -100], y[y != -100]).exp()


def surprises(log_q, y):
    return F.nll_loss(log_q.transpose(1, 2), y, reduction="none")


def means_of_rows(log_q, y):
    some = (y != -100).any(1)
    return (surprises(log_q, y).sum(1) / (y != -100).sum(1))[some]


def token_loop(losses, lengths):
    tokens = [
        x
        for row, length in zip(losses.tolist(), lengths.tolist(), strict=True)
        for x in row[:length]
    ]
    return sum(tokens) / len(tokens)


def token_numpy(losses, lengths):
    there = np.arange(losses.shape[1])[None] < lengths.numpy()[:, None]
    return losses.numpy()[there].mean()


def token_torch(losses, lengths):
    there = torch.arange(losses.shape[1]) < lengths[:, None]
    return losses.masked_fill(~there, 0).sum() / there.sum()


def first_means(losses, lengths):
    rows = zip(losses, lengths.tolist(), strict=True)
    return torch.stack([row[:length].mean() for row, length in rows if length]).mean()


def picture_loop(z, y):
    results = []
    for scores, labels in zip(z.double(), y, strict=True):
        found = []
        for h in range(labels.shape[0]):
            for w in range(labels.shape[1]):
                if (label := labels[h, w].item()) != 255:
                    row = scores[:, h, w].tolist()
                    top = max(row)
                    total = top + math.log(sum(math.exp(x - top) for x in row))
                    found.append(total - row[label])
        results.append(sum(found) / max(1, len(found)))
    return results


def picture_torch(z, y):
    log_q = z - z.logsumexp(1, keepdim=True)
    one_hot = (y[:, None] == torch.arange(z.shape[1])[:, None, None]).to(z.dtype)
    return -(log_q * one_hot).sum((1, 2, 3)) / one_hot.sum((1, 2, 3)).clamp(min=1)


def picture_sum(z, y, axis=1):
    safe = torch.where(y == 255, 0, y)
    surprise = -z.log_softmax(axis).gather(1, safe[:, None]).squeeze(1)
    return torch.where(y == 255, 0, surprise).sum((1, 2))


def labelled(y):
    return (y != 255).sum((1, 2))


def of_waiting(function):
    return derivation(q=probability, k=positive)(function)


@of_waiting
def waiting_gap(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


@of_waiting
def waiting_hidden(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield d(-log(q) - k * log(1 - q), q), "the log of a product"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


@of_waiting
def waiting_inner(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield -1 / q - k / (1 - q), "two slopes"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


@of_waiting
def waiting_sign(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield 1 / q - k / (1 - q), "two slopes"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


@of_waiting
def waiting_exponent(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield 1 / (1 - q) - 1 / q, "two slopes"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


@of_waiting
def waiting_place(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield 1 / (1 - q) - k / q, "two slopes"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


@of_waiting
def waiting_small_steps(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield d(-log(q) - k * log(1 - q), q), "the log of a product"
    yield -(1/q) + k*(1/(1 - q)), "two slopes"  # fmt: skip
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


@of_waiting
def waiting_other(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise"
    yield k / (1 - q) - 1 / q, "two slopes"
    yield (k * q - (1 - q)) / (q * (1 - q)), "a common denominator"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


def of_weights(function):
    return derivation(n=positives, w=positives, q=distribution)(function)


@of_weights
def tilted_gap(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


@of_weights
def tilted_same(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield (
        -sum(n[i] * w[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "nothing new"  # fmt: skip
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


@of_weights
def tilted_no_weights(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield -sum(n[i] / sum(n[k] for k in classes) * log(q[i]) for i in classes), "shares"
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


@of_weights
def tilted_sum(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield -sum(w[i] * n[i] * log(q[i]) for i in classes), "a sum"
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


@of_weights
def tilted_swapped(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield -sum(q[i] * log(r[i]) for i in classes), "a cross-entropy"
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


@of_weights
def tilted_sign(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield sum(r[i] * log(q[i]) for i in classes), "a cross-entropy"
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


@of_weights
def tilted_one_line(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield -sum(log(q[j]) * r[j] for j in classes), "a cross-entropy"
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


@of_weights
def tilted_from_behind(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean"  # fmt: skip
    yield sum(r[i]*(-log(q[i])) for i in classes), "the weighted shares"  # fmt: skip
    yield sum(-r[i] * log(r[i]) + r[i] * log(r[i] / q[i]) for i in classes), "log q"
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums"  # fmt: skip


def models(bright, labels, extra=1):
    lit = F.one_hot(labels, 10).double().T @ bright.double()
    return (lit + extra) / (labels.bincount(minlength=10)[:, None] + 2 * extra)


def digits_torch(bright, labels, new):
    q, new = models(bright, labels), new.double()
    return -(new @ q.log().T + (1 - new) @ (1 - q).log().T)


def digits_numpy(bright, labels, new):
    bright, labels, new = bright.numpy(), labels.numpy(), new.numpy()
    table = np.zeros((len(new), 10))
    for digit in range(10):
        own = bright[labels == digit]
        q = (1 + own.sum(axis=0)) / (2 + len(own))
        table[:, digit] = -np.log(np.where(new, q, 1 - q)).sum(axis=1)
    return table


def digits_with(**options):
    def answer(bright, labels, new):
        q = models(bright, labels, **options)
        return -torch.where(new[:, None], q, 1 - q).log().sum(2)

    return answer


def one_more(bright, labels, new):
    columns = []
    for digit in range(10):
        own = bright[labels == digit].double()
        q = (own.sum(0) + 1) / (len(own) + 1)
        columns.append(-torch.where(new, q, 1 - q).log().sum(1))
    return torch.stack(columns, 1)


FLOOR = 1.5 * math.log(2)

WRONG = {
    "by_a_hair": [
        (1.05, "the quotient of the losses"),
        (math.exp(0.1), "one letter"),
        (100, "nats, not a factor"),
        (2**100, "bits and nats mixed"),
        (math.exp(-100), "the other way round"),
        (1e43, "value"),
        ("e^100", "type"),
        (None, "type"),
    ],
    "waiting": [
        (waiting_gap, "missing lines"),
        (waiting_hidden, "missing lines"),
        (waiting_inner, "the inner derivative is missing"),
        (waiting_sign, "a sign"),
        (waiting_exponent, "the exponent is lost"),
        (waiting_place, "k at the wrong place"),
        (tilted_gap, "given lines"),
    ],
    "nll": [
        (nll_over(lambda y, weight: (y != -100).sum()), "divided by the number of labels"),
        (nll_over(lambda y, weight: len(y)), "divided by all rows"),
        (nll_over(lambda y, weight: weight.sum()), "divided by all class weights"),
        (nll_over(lambda y, weight: weight[y.clamp(min=0)].sum()),
         "ignored rows in the denominator"),
        (nll_over(lambda y, weight: 1), "the sum"),
        (lambda log_q, y, weight: nll_torch(log_q, y, torch.ones_like(weight)), "no weights"),
        (lambda log_q, y, weight: -nll_torch(log_q, y, weight), "wrong sign"),
        (lambda log_q, y, weight: nll_torch(log_q.exp(), y, weight), "value"),
        (lambda log_q, y, weight: nll_torch(log_q.log(), y, weight), "a second logarithm"),
        (lambda log_q, y, weight: nll_torch(log_q[:1], y[:1], weight), "value"),
        (lambda log_q, y, weight: -(weight[y] * log_q[torch.arange(len(y)), y]).sum()
         / weight[y].sum(), "raises"),
        (lambda log_q, y, weight: F.nll_loss(log_q, y, weight=weight), "ready-made"),
        (lambda log_q, y, weight: lossbook.nll_loss(log_q, y, weight=weight), "ready-made"),
    ],
    "shares": [
        (lambda y, K, extra: (F.one_hot(y, K).sum(0).double() + extra) / len(y),
         "the probabilities do not sum to 1"),
        (lambda y, K, extra: (F.one_hot(y, K).sum(0).double() + extra) / (len(y) + extra),
         "added once to the total"),
        (lambda y, K, extra: shares_torch(y, K, 0), "nothing added"),
        (lambda y, K, extra: (shares_torch(y, K, 0) + extra) / (1 + K * extra),
         "added to the shares"),
        (lambda y, K, extra: F.one_hot(y, K).sum(0).double() + extra, "counts"),
        (lambda y, K, extra: (y.bincount().double() + extra) / (len(y) + K * extra),
         "classes that never came are missing"),
        (lambda y, K, extra: torch.full((K,), 1 / K).double(), "value"),
        (lambda y, K, extra: shares_torch(y, K, extra).float(), "dtype"),
    ],
    "text_perplexity": [
        (lambda log_q, y: surprises(log_q, y).mean().exp(), "padding in the mean"),
        (lambda log_q, y: 2 ** F.nll_loss(log_q.transpose(1, 2), y), "bits and nats mixed"),
        (lambda log_q, y: F.nll_loss(log_q.reshape(len(y), -1, y.shape[1]), y).exp(),
         "reshape in place of transpose"),
        (lambda log_q, y: F.nll_loss(log_q.transpose(1, 2), y),
         "the loss, not its exponential"),
        (lambda log_q, y: means_of_rows(log_q, y).mean().exp(), "the mean of the rows' means"),
        (lambda log_q, y: means_of_rows(log_q, y).exp().mean(),
         "the mean of the rows' perplexities"),
        (lambda log_q, y: means_of_rows(log_q, y).exp(), "shape"),
        (lambda log_q, y: 2 ** surprises(log_q, y).mean(), "value"),
        (lambda log_q, y: F.nll_loss(log_q, y).exp(), "raises"),
        (lambda log_q, y: torch.tensor(2.0, dtype=log_q.dtype), "value"),
        (lambda log_q, y: F.cross_entropy(log_q.transpose(1, 2), y).exp(), "ready-made"),
    ],
    "token_mean": [
        (lambda losses, lengths: (
            losses * (torch.arange(losses.shape[1]) < lengths[:, None])
        ).sum() / lengths.sum(), "multiplied by a mask"),
        (lambda losses, lengths: torch.where(
            torch.arange(losses.shape[1]) < lengths[:, None], losses, 0
        ).mean(), "padding in the denominator"),
        (lambda losses, lengths: losses.sum() / lengths.sum(), "padding in the sum"),
        (first_means, "the mean of the sequences' means"),
        (lambda losses, lengths: token_torch(losses, lengths) * lengths.sum() / len(lengths),
         "per sequence, not per token"),
        (lambda losses, lengths: losses[
            torch.arange(losses.shape[1]) <= lengths[:, None]
        ].sum() / lengths.sum(), "one token too many"),
        (lambda losses, lengths: losses.nanmean(), "value"),
        (lambda losses, lengths: losses.mean(), "value"),
        (lambda losses, lengths: losses[:1, : lengths[0]].mean(), "value"),
        (lambda losses, lengths: losses.masked_fill_(
            torch.arange(losses.shape[1]) >= lengths[:, None], 0
        ).sum() / lengths.sum(), "changed input"),
    ],
    "picture_nll": [
        (lambda z, y: picture_sum(z, y) / labelled(y), "nothing to average"),
        (lambda z, y: picture_sum(z, y) / (y.shape[1] * y.shape[2]),
         "all pixels in the denominator"),
        (picture_sum, "the sum"),
        (lambda z, y: picture_sum(z, y).sum() / labelled(y).sum(),
         "one number for all pictures"),
        (lambda z, y: picture_sum(z, y, -1) / labelled(y).clamp(min=1),
         "softmax over another axis"),
        (lambda z, y: -picture_torch(z, y), "wrong sign"),
        (lambda z, y: torch.log(z.exp() / z.exp().sum(1, True)).sum((1, 2, 3)), "value"),
        (lambda z, y: F.nll_loss(z.log_softmax(1), y, ignore_index=255), "ready-made"),
        (lambda z, y: -z.log_softmax(1).gather(1, y[:, None]).mean((1, 2, 3)), "raises"),
        (lambda z, y: picture_torch(z[:1], y[:1]), "shape"),
    ],
    "blanks": [
        ({"cause": "a", "floor": FLOOR}, "the rate"),
        ({"cause": "b", "floor": FLOOR}, "the axis"),
        ({"cause": "d", "floor": FLOOR}, "the sum"),
        ({"cause": "c", "floor": 1.5}, "bits, not nats"),
        ({"cause": "c", "floor": 0.678}, "the floor of the wrong data"),
        ({"cause": "c", "floor": 1.0986}, "equal shares"),
        ({"cause": "c", "floor": 0.0}, "no floor"),
        ({"cause": "padding", "floor": FLOOR}, "type"),
    ],
    "tilted": [
        (tilted_gap, "missing lines"),
        (tilted_same, "missing lines"),
        (tilted_no_weights, "the weights are lost"),
        (tilted_sum, "still a sum"),
        (tilted_swapped, "the sides of the cross-entropy swapped"),
        (tilted_sign, "a sign"),
        (waiting_gap, "given lines"),
    ],
    "digits_by_counting": [
        (digits_with(extra=0), "nothing was added"),
        (lambda bright, labels, new: -(
            new.double() @ models(bright, labels, 0).log().T
            + (1 - new.double()) @ (1 - models(bright, labels, 0)).log().T
        ), "nothing was added"),
        (one_more, "only one picture in the denominator"),
        (lambda bright, labels, new: -(new.double() @ models(bright, labels).log().T),
         "bright pixels only"),
        (lambda bright, labels, new: digits_torch(bright, labels, new) / 64,
         "the mean over the pixels"),
        (lambda bright, labels, new: digits_torch(bright, labels, new).T,
         "digits and pictures swapped"),
        (lambda bright, labels, new: digits_torch(bright, labels, new).argmin(1),
         "the digit, not the surprises"),
        (lambda bright, labels, new: -digits_torch(bright, labels, new), "wrong sign"),
        (lambda bright, labels, new: digits_torch(bright, labels, new) / math.log(2),
         "log base 2"),
        (lambda bright, labels, new: digits_torch(bright, labels, new).float(), "dtype"),
    ],
}  # fmt: skip

RIGHT = {
    "by_a_hair": [math.exp(100), 2.69e43, torch.tensor(100.0, dtype=torch.float64).exp()],
    "waiting": [waiting_small_steps, waiting_other],
    "nll": [nll_loop, nll_numpy, nll_torch],
    "shares": [shares_loop, shares_torch],
    "text_perplexity": [text_loop, text_numpy, text_torch],
    "token_mean": [token_loop, token_numpy, token_torch],
    "picture_nll": [picture_loop, picture_torch],
    "blanks": [{"cause": "c", "floor": 1.04}, {"cause": "c", "floor": torch.tensor(FLOOR)}],
    "tilted": [tilted_one_line, tilted_from_behind],
    "digits_by_counting": [digits_torch, digits_numpy],
}

globals().update(tried(5, WRONG, RIGHT))
