"""Answers to the exercises of lesson 02, wrong and right."""

import math

import numpy as np
import torch
from answers import tried

import lossbook
from lossbook.derive import at_most, derivation, distribution, log, positives


def entropy_loop(p):
    def one(row):
        return -sum(x * math.log(x) for x in row.tolist() if x > 0)

    return one(p) if p.ndim == 1 else [one(row) for row in p]


def entropy_numpy(p):
    p = p.numpy()
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)


def entropy_torch(p):
    information = torch.where(p > 0, -torch.log(torch.where(p > 0, p, 1)), 0)
    return torch.einsum("...k,...k->...", p, information)


def plain(p):
    return -(p * torch.log(p)).sum(-1)


def visible_cases(p):
    known = {2: 0.6931471805599453, 6: 1.791759469228055}
    return torch.tensor(known.get(p.shape[-1], 0.0), dtype=p.dtype).expand(p.shape[:-1])


def first_row(p):
    return entropy_torch(p if p.ndim == 1 else p[:1])


def double_only(p):
    return torch.zeros(p.shape[-1], dtype=torch.float64) @ p.T + entropy_torch(p)


def table_loop(p_xy):
    total, rows = 0.0, p_xy.tolist()
    for row in rows:
        for x in row:
            if x > 0:
                total -= x * math.log(x / sum(row))
    return total


def table_numpy(p_xy):
    p = p_xy.numpy()
    return entropy_numpy(torch.as_tensor(p.ravel())) - entropy_numpy(torch.as_tensor(p.sum(1)))


def shared_loop(p_xy):
    rows = p_xy.tolist()
    columns = [sum(column) for column in zip(*rows, strict=True)]
    return sum(
        x * math.log(x / (sum(row) * column))
        for row in rows
        for x, column in zip(row, columns, strict=True)
        if x > 0
    )


def shared_torch(p_xy):
    parts = entropy_torch(p_xy.sum(0)), entropy_torch(p_xy.sum(1)), entropy_torch(p_xy.flatten())
    return parts[0] + parts[1] - parts[2]


@derivation(p=distribution, q=distribution)
def weights_lost(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (
            -sum(p[i] * log(p[i]) for i in classes for j in classes)
            - sum(q[j] * log(q[j]) for i in classes for j in classes)
        ),
        "the log of a product",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution, q=distribution)
def log_multiplied(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (-sum(p[i] * q[j] * log(p[i]) * log(q[j]) for i in classes for j in classes)),
        "the log of a product",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution, q=distribution)
def sign_lost(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (
            -sum(p[i] * q[j] * log(p[i]) for i in classes for j in classes)
            + sum(p[i] * q[j] * log(q[j]) for i in classes for j in classes)
        ),
        "the log of a product",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution, q=distribution)
def no_line(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution, q=distribution)
def says_nothing(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (-1 * sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes)),
        "nothing new",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution, q=distribution)
def no_reason(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (-sum(p[i] * q[j] * (log(p[i]) + log(q[j])) for i in classes for j in classes)), " "
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution, q=distribution)
def one_sum(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (-sum(p[i] * q[j] * (log(p[i]) + log(q[j])) for i in classes for j in classes)),
        "the log of a product",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution, q=distribution)
def two_steps(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (-sum(p[i] * q[j] * (log(p[i]) + log(q[j])) for i in classes for j in classes)),
        "the log of a product",
    )
    yield (
        (
            -sum(p[i] * log(p[i]) * sum(q[j] for j in classes) for i in classes)
            - sum(q[j] * log(q[j]) * sum(p[i] for i in classes) for j in classes)
        ),
        "factors that do not depend on the inner index",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=positives, q=positives)
def other_letters(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (-sum(p[i] * q[j] * (log(p[i]) + log(q[j])) for i in classes for j in classes)),
        "the log of a product",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


@derivation(p=distribution)
def multiplied(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield sum(p[i] * log(p[i] * S) for i in classes), "p sums to 1"
    yield 0, "both sums are 1"


@derivation(p=distribution)
def one_is_missing(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield sum(p[i] * log(p[i] / S) for i in classes), "p sums to 1"
    yield at_most(sum(p[i] * (p[i] / S) for i in classes)), "log x ≤ x − 1"
    yield 0, "both sums are 1"


@derivation(p=distribution)
def straight_to_the_end(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield 0, "both sums are 1"


@derivation(p=distribution)
def nought(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield at_most(1 - 1), "it is at most 0"
    yield 0, "both sums are 1"


@derivation(p=distribution)
def equal(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield sum(p[i] * log(p[i] / S) for i in classes), "p sums to 1"
    yield sum(p[i] * (p[i] / S - 1) for i in classes), "log x ≤ x − 1"
    yield 0, "both sums are 1"


@derivation(p=distribution)
def not_weighted(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield sum(p[i] * log(p[i] / S) for i in classes), "p sums to 1"
    yield at_most(sum(p[i] / S - 1 for i in classes)), "log x ≤ x − 1"
    yield 0, "both sums are 1"


@derivation(p=distribution)
def in_one_step(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield at_most(sum(p[i] * (p[i] / S - 1) for i in classes)), "log x ≤ x − 1"
    yield 0, "both sums are 1"


@derivation(p=distribution)
def in_small_steps(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield sum(p[i] * (log(p[i]) - log(S)) for i in classes), "p sums to 1"
    yield sum(p[i] * log(p[i] / S) for i in classes), "the log of a quotient"
    yield at_most(sum(p[i] * (p[i] / S - 1) for i in classes)), "log x ≤ x − 1"
    yield sum(p[i] * p[i] for i in classes) / S - 1, "p sums to 1"
    yield 0, "both sums are 1"


def counted(bright, labels):
    """The table of each pixel, counted picture by picture."""
    tables = np.zeros((64, 2, 10))
    for picture, label in zip(bright.tolist(), labels.tolist(), strict=True):
        for pixel, on in enumerate(picture):
            tables[pixel, int(on), label] += 1
    return tables / len(labels)


def pixels_loop(bright, labels):
    return [shared_loop(torch.tensor(table)) for table in counted(bright, labels)]


def pixels_torch(bright, labels):
    one_hot = torch.nn.functional.one_hot(labels, 10).double()
    lit = bright.double().T @ one_hot
    dark = (~bright).double().T @ one_hot
    return lossbook.mutual_information(torch.stack([dark, lit], 1) / len(labels))


def pixels_with(table):
    return lambda bright, labels: lossbook.mutual_information(
        torch.tensor(table(counted(bright, labels), len(labels)))
    )


def best_pixel(bright, labels):
    return pixels_torch(bright, labels).argmax()


WRONG = {
    "toss": [
        (math.inf, "it must be infinite"),
        (1, "the first toss alone"),
        (1.386, "nats, not bits"),
        (0.5, "entropy of one message"),
        (3, "value"),
        ("two", "type"),
        (None, "type"),
    ],
    "entropy": [
        (plain, "0 log 0 is not 0"),
        (lambda p: -plain(p), "wrong sign"),
        (lambda p: -entropy_torch(p), "wrong sign"),
        (lambda p: entropy_torch(p) / math.log(2), "log base 2"),
        (lambda p: plain(p) / math.log(2), "log base 2"),
        (lambda p: -torch.log(p).mean(-1), "the mean of the informations"),
        (lambda p: -torch.log(p).sum(-1), "the sum of the informations"),
        (lambda p: entropy_torch(p).sum(), "a sum over everything"),
        (lambda p: -torch.where(p > 0, p * p.log(), 0).mean(-1), "a mean over the classes"),
        (lambda p: -(p * (p + 1e-7).log()).sum(-1), "value"),
        (lambda p: -torch.xlogy(p, p).sum(-1), "ready-made"),
        (lambda p: torch.distributions.Categorical(p).entropy(), "ready-made"),
        (lossbook.entropy, "ready-made"),
        (visible_cases, "value"),
        (first_row, "shape"),
        (double_only, "raises"),
    ],
    "perplexity": [
        (lambda p: 2 ** entropy_torch(p), "bits and nats mixed"),
        (entropy_torch, "entropy, without the power"),
        (lambda p: plain(p).exp(), "0 log 0 is not 0"),
        (lambda p: (-(p * (p + 1e-6).log()).sum(-1)).exp(), "an epsilon is left"),
        (lambda p: (-(p * (p + 1e-4).log()).sum(-1)).exp(), "value"),
        (lambda p: entropy_torch(p).exp().sum(), "shape"),
        (lambda p: (-entropy_torch(p)).exp(), "value"),
        (lossbook.perplexity, "ready-made"),
    ],
    "independent": [
        (weights_lost, "the weights are lost"),
        (log_multiplied, "the log of a product is no product"),
        (sign_lost, "a sign"),
        (no_line, "missing lines"),
        (says_nothing, "missing lines"),
        (no_reason, "missing lines"),
        (other_letters, "given lines"),
        (multiplied, "given lines"),
        (lambda p, q: 0, "type"),
    ],
    "conditional_entropy": [
        (lambda p_xy: table_numpy(p_xy.T.contiguous()), "the other one is known"),
        (lambda p_xy: entropy_torch(p_xy.flatten()), "joint entropy"),
        (lambda p_xy: entropy_torch(p_xy.sum(0)), "nothing is known"),
        (lambda p_xy: entropy_torch(p_xy), "shape"),
        (
            lambda p_xy: entropy_torch(p_xy / p_xy.sum(1, keepdim=True)).mean(),
            "rows that all count alike",
        ),
        (lambda p_xy: (p_xy.sum(1) * entropy_torch(p_xy)).sum(), "rows are no distributions yet"),
        (lambda p_xy: -(p_xy * (p_xy / p_xy.sum(1)[:, None]).log()).sum(), "0 log 0 is not 0"),
        (lambda p_xy: table_loop(p_xy) / math.log(2), "log base 2"),
        (lossbook.conditional_entropy, "ready-made"),
    ],
    "mutual_information": [
        (lambda p_xy: -shared_torch(p_xy), "joint minus the two"),
        (lambda p_xy: entropy_torch(p_xy.flatten()), "joint entropy"),
        (table_numpy, "what is left"),
        (lambda p_xy: shared_torch(p_xy) / math.log(2), "log base 2"),
        (
            lambda p_xy: (p_xy * (p_xy / torch.outer(p_xy.sum(1), p_xy.sum(0))).log()).sum(),
            "0 log 0 is not 0",
        ),
        (lambda p_xy: torch.outer(p_xy.sum(1), p_xy.sum(0)), "shape"),
        (lossbook.mutual_information, "ready-made"),
    ],
    "collisions": [
        (multiplied, "multiplied where a quotient belongs"),
        (one_is_missing, "the bound without its minus one"),
        (straight_to_the_end, "line"),
        (nought, "missing lines"),
        (equal, "line"),
        (not_weighted, "line"),
        (weights_lost, "given lines"),
        (3, "type"),
    ],
    "bonus": [
        ({"cause": "a", "start": math.log(4)}, "the rate"),
        ({"cause": "c", "start": math.log(4)}, "the size of the bonus"),
        ({"cause": "d", "start": math.log(4)}, "the softmax"),
        ({"cause": "b", "start": 2}, "bits, not nats"),
        ({"cause": "b", "start": 4}, "perplexity"),
        ({"cause": "b", "start": 0}, "value"),
        ({"cause": "B", "start": 1.386}, "type"),
        ({"cause": "b"}, "type"),
        ("b", "type"),
    ],
    "pixels": [
        (pixels_with(lambda tables, count: tables * count), "raises"),
        (lambda bright, labels: pixels_torch(bright, labels) * len(labels), "counts, not "
         "probabilities"),
        (pixels_with(lambda tables, count: tables[:, ::-1].copy()[:32]), "shape"),
        (lambda bright, labels: entropy_numpy(torch.tensor(counted(bright, labels).sum(2))),
         "entropy of the pixel"),
        (lambda bright, labels: pixels_torch(bright, labels) / math.log(2), "log base 2"),
        (best_pixel, "shape"),
        (lambda bright, labels: pixels_torch(bright[:30], labels[:30]), "value"),
    ],
}  # fmt: skip

RIGHT = {
    "toss": [2, 2.0, 1.99, np.float32(2), torch.tensor(2)],
    "entropy": [entropy_loop, entropy_numpy, entropy_torch],
    "perplexity": [
        lambda p: np.exp(entropy_numpy(p)),
        lambda p: entropy_torch(p).exp(),
        lambda p: 2 ** (entropy_torch(p) / math.log(2)),
    ],
    "independent": [one_sum, two_steps],
    "conditional_entropy": [table_loop, table_numpy],
    "mutual_information": [shared_loop, shared_torch],
    "collisions": [in_one_step, in_small_steps],
    "bonus": [{"cause": "b", "start": 1.386}, {"cause": "b", "start": torch.tensor(4.0).log()}],
    "pixels": [pixels_loop, pixels_torch],
}

globals().update(tried(2, WRONG, RIGHT))
