"""Answers to the exercises of lesson 07, wrong and right."""

import math

import numpy as np
import scipy.spatial.distance
import torch
import torch.nn.functional as F
from answers import tried

import lossbook
from lossbook.derive import derivation, exp, log, positive, real, sqrt, vector


def dot(a, b):
    return torch.einsum("...d,...d->...", a, b)


def cos_torch(a, b):
    return dot(a, b) / (a.norm(dim=-1).clamp(min=1e-15) * b.norm(dim=-1).clamp(min=1e-15))


def cos_plain(a, b):
    return dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())


def cos_loop(a, b):
    if a.ndim > 1:
        return [cos_loop(x, y) for x, y in zip(a, b, strict=True)]
    a, b = a.tolist(), b.tolist()
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def cos_numpy(a, b):
    a, b = a.numpy(), b.numpy()
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return (a * b).sum(-1) / np.where(lengths > 0, lengths, 1)


def visible_cosine(a, b):
    return torch.full(a.shape[:-1], 0.96, dtype=a.dtype)


def table_torch(a, b):
    return (a @ b.T) / (a.norm(dim=1)[:, None] * b.norm(dim=1))


def table_loop(a, b):
    return [[cos_loop(x, y) for y in b] for x in a]


def loss_of(unlike, alike=lambda c, m: 1 - c):
    def loss(a, b, y, margin):
        c = cos_torch(a, b)
        return ((y == 1) * alike(c, margin) + (y == -1) * unlike(c, margin)).mean()

    return loss


pairs_torch = loss_of(lambda c, m: torch.relu(c - m))


def pairs_loop(a, b, y, margin):
    costs = [
        1 - c if sign == 1 else max(0, c - margin)
        for c, sign in zip(cos_loop(a, b), y.tolist(), strict=True)
    ]
    return sum(costs) / len(costs)


def mean_of_each(a, b, y, margin):
    c = cos_torch(a, b)
    costs = [(1 - c)[y == 1], (c - margin).clamp(min=0)[y == -1]]
    return sum(cost.mean() for cost in costs if len(cost))


def softened(a, b, y, margin):
    c = dot(a, b) / ((dot(a, a) + 1e-12) * (dot(b, b) + 1e-12)).sqrt()
    return torch.where(y == 1, 1 - c, torch.relu(c - margin)).mean()


def column(x):
    return x.unsqueeze(-1)


def r(a):
    return a.norm(dim=-1, keepdim=True)


def slope_torch(a, b):
    return b / (r(a) * r(b)) - column(cos_torch(a, b)) * a / column(dot(a, a))


def slope_numpy(a, b):
    a, b = a.numpy(), b.numpy()
    lengths = [np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b)]
    u, v = a / lengths[0], b / lengths[1]
    return (v - (u * v).sum(-1, keepdims=True) * u) / lengths[0]


def slope_by_autograd(a, b):
    a = a.clone().requires_grad_()
    cos_torch(a, b).sum().backward()
    return a.grad


def slope_by_differences(a, b):
    steps = 1e-6 * torch.eye(a.shape[-1], dtype=a.dtype)
    moved = [(cos_torch(a + step, b) - cos_torch(a - step, b)) / 2e-6 for step in steps]
    return torch.stack(moved, -1)


def nce_torch(q, k, T):
    z = table_torch(q, k) / T
    return (torch.logsumexp(z, 1) - z.diag()).mean()


def nce_loop(q, k, T):
    total = 0.0
    for i, row in enumerate(table_loop(q, k)):
        total += math.log(sum(math.exp((z - max(row)) / T) for z in row)) - (row[i] - max(row)) / T
    return total / len(q)


def nce_with(z_of, dim=1):
    return lambda q, k, T: -torch.log_softmax(z_of(q, k, T), dim).diag().mean()


def nce_plain(q, k, T):
    powers = torch.exp(table_torch(q, k) / T)
    return -torch.log(powers.diag() / powers.sum(1)).mean()


def nce_apart(q, k, T):
    z = table_torch(q, k) / T
    return (z.exp().sum(1).log() - z.diag()).mean()


def nce_others(q, k, T):
    z = table_torch(q, k) / T
    others = [torch.cat([row[:i], row[i + 1 :]]).logsumexp(0) for i, row in enumerate(z)]
    return (torch.stack(others) - z.diag()).mean()


def of_sum(middle):
    @derivation(a=vector, b=vector)
    def halves(a, b, classes):
        r = sqrt(sum(a[i] ** 2 for i in classes))
        s = sqrt(sum(b[i] ** 2 for i in classes))
        yield 1 / 2 * sum((a[i] / r + b[i] / s) ** 2 for i in classes), "half the squared sum"
        yield (
            middle(
                sum(a[i] ** 2 for i in classes) / r**2,
                sum(b[i] ** 2 for i in classes) / s**2,
                sum(a[i] * b[i] for i in classes) / (r * s),
            ),
            "multiply out",
        )
        yield 1 + sum(a[i] * b[i] for i in classes) / (r * s), "a unit vector has length 1"

    return halves


@derivation(a=vector, b=vector)
def sum_right(a, b, classes):
    r = sqrt(sum(a[i] ** 2 for i in classes))
    s = sqrt(sum(b[i] ** 2 for i in classes))
    yield 1 / 2 * sum((a[i] / r + b[i] / s) ** 2 for i in classes), "half the squared sum"
    yield (
        1 / 2 * sum(a[i] ** 2 / r**2 + b[i] ** 2 / s**2 + 2 * a[i] * b[i] / (r * s)
                    for i in classes),
        "a binomial",
    )  # fmt: skip
    yield 1 + sum(a[i] * b[i] for i in classes) / (r * s), "a unit vector has length 1"


@derivation(a=vector, b=vector)
def sum_right_in_steps(a, b, classes):
    r = sqrt(sum(a[i] ** 2 for i in classes))
    s = sqrt(sum(b[i] ** 2 for i in classes))
    yield 1 / 2 * sum((a[i] / r + b[i] / s) ** 2 for i in classes), "half the squared sum"
    yield (
        1 / 2 * sum(a[i] * a[i] for i in classes) / r**2
        + 1 / 2 * sum(b[i] * b[i] for i in classes) / s**2
        + sum(a[i] * b[i] / (r * s) for i in classes),
        "three sums",
    )  # fmt: skip
    yield 1 / 2 + 1 / 2 + sum(a[i] * b[i] for i in classes) / (r * s), "squared lengths"
    yield 1 + sum(a[i] * b[i] for i in classes) / (r * s), "a unit vector has length 1"


@derivation(a=vector, b=vector)
def sum_gap(a, b, classes):
    r = sqrt(sum(a[i] ** 2 for i in classes))
    s = sqrt(sum(b[i] ** 2 for i in classes))
    yield 1 / 2 * sum((a[i] / r + b[i] / s) ** 2 for i in classes), "half the squared sum"
    yield 1 + sum(a[i] * b[i] for i in classes) / (r * s), "a unit vector has length 1"


@derivation(a=vector, b=vector)
def sum_says_nothing(a, b, classes):
    r = sqrt(sum(a[i] ** 2 for i in classes))
    s = sqrt(sum(b[i] ** 2 for i in classes))
    yield 1 / 2 * sum((a[i] / r + b[i] / s) ** 2 for i in classes), "half the squared sum"
    yield sum(a[i] * b[i] for i in classes) / (r * s) + 1, "so it is"
    yield 1 + sum(a[i] * b[i] for i in classes) / (r * s), "a unit vector has length 1"


def of_two(*middle):
    @derivation(z=real, x=real, T=positive)
    def two(z, x, T):
        yield -log(exp(z / T) / (exp(z / T) + exp(x / T))), "InfoNCE"
        yield middle[0](z, x, T), "the middle"
        yield log(1 + exp(-(z - x) / T)), "the log of a quotient"

    return two


@derivation(z=real, x=real, T=positive)
def two_right(z, x, T):
    yield -log(exp(z / T) / (exp(z / T) + exp(x / T))), "InfoNCE"
    yield log((exp(z / T) + exp(x / T)) / exp(z / T)), "minus a log"
    yield log(1 + exp(x / T) / exp(z / T)), "one fraction each"
    yield log(1 + exp(-(z - x) / T)), "the log of a quotient"


@derivation(z=real, x=real, T=positive)
def two_right_by_logs(z, x, T):
    yield -log(exp(z / T) / (exp(z / T) + exp(x / T))), "InfoNCE"
    yield log(exp(z / T) + exp(x / T)) - z / T, "the log of a quotient"
    yield log(1 + exp(-(z - x) / T)), "take out exp(z / T)"


@derivation(z=real, x=real, T=positive)
def two_gap(z, x, T):
    yield -log(exp(z / T) / (exp(z / T) + exp(x / T))), "InfoNCE"
    yield log(1 + exp(-(z - x) / T)), "the log of a quotient"


@derivation(z=real, x=real, T=positive)
def two_says_nothing(z, x, T):
    yield -log(exp(z / T) / (exp(z / T) + exp(x / T))), "InfoNCE"
    yield log(1 + exp((x - z) / T)), "so it is"
    yield log(1 + exp(-(z - x) / T)), "the log of a quotient"


def ranked(scores, labels, k, first=1):
    order = scores.argsort(dim=1, descending=True)[:, first : k + first]
    return (labels[order] == labels[:, None]).sum(1)


def retrieval_sorted(x, labels, k):
    return ranked(table_torch(x, x).fill_diagonal_(2), labels, k)


def retrieval_loop(x, labels, k):
    counts = []
    for i, row in enumerate((table_torch(x, x)).tolist()):
        others = sorted((j for j in range(len(x)) if j != i), key=lambda j: -row[j])
        counts.append(sum(int(labels[j] == labels[i]) for j in others[:k]))
    return counts


def retrieval_numpy(x, labels, k):
    x, labels = x.numpy(), labels.numpy()
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    likeness = u @ u.T - 3 * np.eye(len(x))
    return (labels[np.argsort(-likeness, axis=1)[:, :k]] == labels[:, None]).sum(1)


def inner_of_all(x):
    return (x @ x.T).fill_diagonal_(-1)


WRONG = {
    "braking": [
        (1, "it only turns"),
        (1.41421, "one step"),
        (1.732, "twice the same step"),
        (2.5, "lengths that add"),
        (2.25, "the squared length"),
        (1.5811, "the length forgotten"),
        (2, "value"),
        ("long", "type"),
    ],
    "cosine": [
        (cos_plain, "0 divided by 0"),
        (dot, "the inner product"),
        (lambda a, b: dot(a, b) / (dot(a, a) * dot(b, b)), "divided by the squared lengths"),
        (lambda a, b: torch.where((n := dot(a, a) * dot(b, b)) == 0, 0, dot(a, b) / n),
         "divided by the squared lengths"),
        (lambda a, b: dot(a, b) / a.norm(dim=-1).clamp(min=1e-30), "one length only"),
        (lambda a, b: dot(a, b) / b.norm(dim=-1).clamp(min=1e-30), "the other length only"),
        (lambda a, b: 1 - cos_torch(a, b), "the cosine distance"),
        (lambda a, b: torch.acos(cos_torch(a, b).clamp(-1, 1)), "value"),
        (lambda a, b: cos_torch(a.reshape(-1), b.reshape(-1)), "a sum over everything"),
        (lambda a, b: dot(a, b) / (a.norm(dim=-1) * b.norm(dim=-1) + 1e-8),
         "an epsilon is added"),
        (lambda a, b: dot(a, b) / (a.norm(dim=-1) * b.norm(dim=-1) + 1e-12),
         "a small epsilon is added"),
        (lambda a, b: cos_torch(a, b).abs(), "value"),
        (lambda a, b: cos_torch(a[:1], b[:1]), "value"),
        (visible_cosine, "value"),
        (lambda a, b: cos_torch(a.float(), b.float()), "dtype"),
        (lambda a, b: F.cosine_similarity(a, b, dim=-1), "ready-made"),
        (lambda a, b: dot(F.normalize(a, dim=-1), F.normalize(b, dim=-1)), "ready-made"),
        (lambda a, b: lossbook.cosine_similarity(a, b, dim=-1), "ready-made"),
    ],
    "all_cosines": [
        (lambda a, b: a @ b.T, "inner products"),
        (lambda a, b: (a / a.norm(dim=0)) @ (b / b.norm(dim=0)).T, "columns divided"),
        (lambda a, b: table_torch(b, a), "the table lies on its side"),
        (lambda a, b: (a / r(a)) @ b.T, "only one divided"),
        (lambda a, b: a @ (b / r(b)).T, "only the other divided"),
        (lambda a, b: a @ b.T / a.norm() / b.norm(), "one length for the whole table"),
        (lambda a, b: 1 - table_torch(a, b), "value"),
        (lambda a, b: cos_torch(a[:1], b), "shape"),
        (lambda a, b: table_torch(a, b)[:1], "shape"),
        (lambda a, b: F.cosine_similarity(a[:, None], b, dim=-1), "ready-made"),
        (lambda a, b: 1 - scipy.spatial.distance.cdist(a, b, "cosine"), "ready-made"),
    ],
    "half_sum": [
        (of_sum(lambda x, y, p: x / 2 + y / 2 + 2 * p), "twice the product"),
        (of_sum(lambda x, y, p: x + y + 2 * p), "the half is lost"),
        (of_sum(lambda x, y, p: x + y + p), "the half of the squares is lost"),
        (of_sum(lambda x, y, p: (x + y + p) / 2), "half of the product"),
        (of_sum(lambda x, y, p: (x + y) / 2), "no product"),
        (of_sum(lambda x, y, p: (x + y) / 2 - p), "a sign"),
        (sum_gap, "missing lines"),
        (sum_says_nothing, "missing lines"),
        (two_gap, "given lines"),
        (lambda a, b: 0, "type"),
    ],
    "cosine_embedding": [
        (loss_of(lambda c, m: c - m), "below 0"),
        (loss_of(lambda c, m: 1 + c), "unlike, not opposite"),
        (loss_of(lambda c, m: torch.relu(c)), "the margin is not used"),
        (loss_of(lambda c, m: torch.relu(c) - m), "cut before the margin"),
        (loss_of(lambda c, m: torch.relu(m + c)), "the margin the wrong way"),
        (loss_of(lambda c, m: torch.relu(m - 1 + c)), "a margin of a distance"),
        (loss_of(lambda c, m: torch.relu(c - m), lambda c, m: torch.relu(1 - c - m)),
         "a margin for alike pairs"),
        (lambda a, b, y, margin: pairs_torch(a, b, -y, margin), "the labels exchanged"),
        (mean_of_each, "a mean over each kind"),
        (lambda a, b, y, margin: torch.where(
            y == 1, 1 - (c := cos_torch(a, b)), torch.relu(c - margin)), "one loss for each pair"),
        (lambda a, b, y, margin: pairs_torch(a, b, y, margin) * len(y),
         "a sum where a mean belongs"),
        (lambda a, b, y, margin: torch.where(
            y == 1, 1 - (c := cos_plain(a, b)), torch.relu(c - margin)).mean(), "0 divided by 0"),
        (softened, "value"),
        (lambda a, b, y, margin: pairs_torch(a, b, y, 0.5), "value"),
        (lambda a, b, y, margin: F.cosine_embedding_loss(a, b, y, margin), "ready-made"),
    ],
    "cosine_slope": [
        (lambda a, b: b / r(b) - column(cos_torch(a, b)) * a / r(a), "not divided by the length"),
        (lambda a, b: slope_torch(a, b) * r(a) / r(b), "divided by the other length"),
        (lambda a, b: slope_torch(a, b) / r(a), "divided by the squared length"),
        (lambda a, b: b / (r(a) * r(b)), "nothing is taken away"),
        (lambda a, b: (b / r(b) - column(cos_torch(a, b)) * a) / r(a),
         "a itself, not its direction"),
        (lambda a, b: (b - column(cos_torch(a, b)) * a / r(a)) / r(a),
         "b itself, not its direction"),
        (lambda a, b: (b / r(b) - column(dot(a, b)) * a / r(a)) / r(a),
         "the inner product, not the cosine"),
        (lambda a, b: slope_torch(b, a), "the slope by b"),
        (lambda a, b: (b / r(b) + column(cos_torch(a, b)) * a / r(a)) / r(a), "a plus sign"),
        (lambda a, b: -slope_torch(a, b), "wrong sign"),
        (lambda a, b: slope_torch(a, b).sum(-1), "shape"),
        (lambda a, b: (b / b.norm() - cos_torch(a, b) * a / a.norm()) / a.norm()
         if a.ndim == 1 else torch.zeros_like(a), "value"),
        (slope_by_differences, "value"),
        (slope_by_autograd, "ready-made"),
    ],
    "two_candidates": [
        (of_two(lambda z, x, T: log(1 + exp((z - x) / T))),
         "the difference the wrong way round"),
        (of_two(lambda z, x, T: log(1 + exp(x - z))), "the temperature is lost"),
        (of_two(lambda z, x, T: log(1 / (1 + exp((x - z) / T)))), "a sign"),
        (of_two(lambda z, x, T: -log(exp(z / T) / exp(x / T))), "the 1 is lost"),
        (of_two(lambda z, x, T: log(exp(z / T)) + log(exp(x / T)) - z / T),
         "the log of a sum is no sum"),
        (two_gap, "missing lines"),
        (two_says_nothing, "missing lines"),
        (sum_gap, "given lines"),
        (7, "type"),
    ],
    "info_nce": [
        (nce_with(lambda q, k, T: table_torch(q, k) / T, dim=0), "each key chooses"),
        (lambda q, k, T: (nce_torch(q, k, T) + nce_torch(k, q, T)) / 2, "both ways"),
        (nce_with(lambda q, k, T: q @ k.T / T), "inner products"),
        (nce_with(lambda q, k, T: table_torch(q, k)), "no temperature"),
        (nce_with(lambda q, k, T: table_torch(q, k) * T), "times the temperature"),
        (lambda q, k, T: -torch.log_softmax(table_torch(q, k) / T, 1).mean(),
         "all candidates are right"),
        (nce_others, "only the wrong candidates below"),
        (nce_plain, "the exponential overflows"),
        (nce_apart, "the exponential overflows"),
        (lambda q, k, T: nce_torch(q, k, T) * len(q), "the sum"),
        (lambda q, k, T: -torch.log_softmax(table_torch(q, k) / T, 1).diag(),
         "one loss for each query"),
        (lambda q, k, T: -nce_torch(q, k, T), "wrong sign"),
        (lambda q, k, T: nce_torch(q, k, T) / math.log(2), "log base 2"),
        (lambda q, k, T: nce_torch(q[:2], k[:2], T), "value"),
        (lambda q, k, T: F.cross_entropy(table_torch(q, k) / T, torch.arange(len(q))),
         "ready-made"),
    ],
    "margin_floor": [
        ({"cause": "a", "ten": 0.889}, "the steps"),
        ({"cause": "c", "ten": 0.889}, "the lengths"),
        ({"cause": "d", "ten": 0.889}, "too few dimensions"),
        ({"cause": "b", "ten": 0.667}, "that of four classes"),
        ({"cause": "b", "ten": -0.111}, "the cosine, not the loss"),
        ({"cause": "b", "ten": 0.111}, "how far below a right angle"),
        ({"cause": "b", "ten": 0.9}, "K in place of K − 1"),
        ({"cause": "b", "ten": 1}, "right angles"),
        ({"cause": "b", "ten": 0}, "no floor"),
        ({"cause": "e", "ten": 0.889}, "type"),
        ({"ten": 0.889}, "type"),
    ],
    "retrieval": [
        (lambda x, labels, k: ranked(table_torch(x, x).fill_diagonal_(2), labels, k, 0),
         "it finds itself"),
        (lambda x, labels, k: ranked(inner_of_all(x), labels, k, 0), "inner products"),
        (lambda x, labels, k: ranked(x @ x.T, labels, k, 0), "inner products, and itself"),
        (lambda x, labels, k: ranked(
            -(x[:, None] - x).norm(dim=2).fill_diagonal_(1e9), labels, k, 0), "the distance"),
        (lambda x, labels, k: ranked(-table_torch(x, x), labels, k, 0), "the least alike"),
        (lambda x, labels, k: retrieval_sorted(x, labels, k).double() / k,
         "a share, not a count"),
        (lambda x, labels, k: retrieval_sorted(x, labels, k) / k, "a share in place of a count"),
        (lambda x, labels, k: k - retrieval_sorted(x, labels, k), "the wrong ones"),
        (lambda x, labels, k: retrieval_sorted(x, labels, k).double().mean(),
         "the mean over the queries"),
        (lambda x, labels, k: retrieval_sorted(x, labels, 5), "value"),
        (lambda x, labels, k: ranked(
            F.cosine_similarity(x[:, None], x, dim=2), labels, k), "ready-made"),
        (lambda x, labels, k: ranked(-torch.cdist(x, x), labels, k), "ready-made"),
    ],
}  # fmt: skip

RIGHT = {
    "braking": [1.5, 3 / 2, torch.tensor(1.5)],
    "cosine": [
        cos_torch,
        cos_loop,
        cos_numpy,
        lambda a, b: dot(a / r(a).clamp(min=1e-8), b / r(b).clamp(min=1e-8)),
    ],
    "all_cosines": [table_torch, table_loop, lambda a, b: cos_torch(a[:, None], b)],
    "half_sum": [sum_right, sum_right_in_steps],
    "cosine_embedding": [pairs_torch, pairs_loop],
    "cosine_slope": [slope_torch, slope_numpy],
    "two_candidates": [two_right, two_right_by_logs],
    "info_nce": [nce_torch, nce_loop, nce_with(lambda q, k, T: table_torch(q, k) / T)],
    "margin_floor": [{"cause": "b", "ten": 8 / 9}, {"cause": "b", "ten": np.float64(0.8889)}],
    "retrieval": [retrieval_sorted, retrieval_loop, retrieval_numpy],
}

globals().update(tried(7, WRONG, RIGHT))
