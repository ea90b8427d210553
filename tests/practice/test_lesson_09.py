"""Answers to the exercises of lesson 09, wrong and right."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answers import tried

import lossbook
from lossbook.derive import d, derivation, exp, index, log, positive, real, vector


def pairs_loop(d, alike, margin):
    prices = [
        x if same else max(0.0, margin - x)
        for x, same in zip(d.tolist(), alike.tolist(), strict=True)
    ]
    return sum(prices) / len(prices)


def pairs_numpy(d, alike, margin):
    d, alike = d.numpy(), alike.numpy()
    return np.mean(alike * d + (1 - alike) * np.maximum(0, margin - d))


def pairs_torch(d, alike, margin):
    return torch.where(alike.bool(), d, F.relu(margin - d)).mean()


def pairs_visible(d, alike, margin):
    known = {1: 1.0, 2: 0.875, 3: 2 / 3}
    return torch.tensor(known.get(len(d), 0.0), dtype=d.dtype)


def classes_loop(z, y, margin, p):
    total = 0.0
    for row, right in zip(z.tolist(), y.tolist(), strict=True):
        for i, score in enumerate(row):
            if i != right:
                total += max(0.0, margin - row[right] + score) ** p / len(row)
    return total / len(z)


def classes_numpy(z, y, margin, p):
    z, y = z.numpy(), y.numpy()
    rows = np.arange(len(z))
    missing = np.maximum(0, margin - z[rows, y][:, None] + z) ** p
    missing[rows, y] = 0
    return missing.sum(1).mean() / z.shape[1]


def classes_torch(z, y, margin, p):
    rival = 1 - F.one_hot(y, z.shape[1])
    right = z[torch.arange(len(z)), y, None]
    return (rival * F.relu(margin + z - right) ** p).mean()


def soft_classes(z, y, margin, p):
    raised = (z + margin).scatter(1, y[:, None], z.gather(1, y[:, None]))
    return -raised.log_softmax(1).gather(1, y[:, None]).mean()


def first_row(z, y, margin, p):
    return classes_torch(z[:1], y[:1], margin, p)


def no_large_scores(z, y, margin, p):
    return classes_torch(z.clamp(-100, 100), y, margin, p)


def several_loop(z, target):
    total = 0.0
    for scores, row in zip(z.tolist(), target.tolist(), strict=True):
        right = []
        for label in row:
            if label < 0:
                break
            right.append(label)
        for y in right:
            for i, score in enumerate(scores):
                if i not in right:
                    total += max(0.0, 1 - scores[y] + score) / len(scores)
    return total / len(z)


def several_numpy(z, target):
    z, target = z.numpy(), target.numpy()
    losses = []
    for scores, row in zip(z, target, strict=True):
        on = np.logical_and.accumulate(row >= 0)
        wrong = np.setdiff1d(np.arange(len(row)), row[on])
        losses.append(np.maximum(0, 1 - np.subtract.outer(scores[row[on]], scores[wrong])).sum())
    return np.mean(losses) / z.shape[1]


def several_torch(z, target):
    on = (target >= 0).cumprod(1)
    right = torch.zeros(z.shape).scatter_add(1, target.clamp(min=0), on.float()) > 0
    hinges = F.relu(1 - z[:, :, None] + z[:, None, :])
    return (hinges * (right[:, :, None] & ~right[:, None, :])).sum() / z.numel()


def several_filtered(z, target):
    """Everything that is not negative, also behind the end mark."""
    cleaned = [[i for i in row if i >= 0] for row in target.tolist()]
    total = 0.0
    for scores, row in zip(z, cleaned, strict=True):
        for y in row:
            total = total + sum(F.relu(1 - scores[y] + scores[i])
                                for i in range(len(scores)) if i not in row)  # fmt: skip
    return torch.as_tensor(total / z.numel(), dtype=z.dtype)


def several_until(z, target, mean):
    """Right up to its last line: what is it divided by?"""
    losses = []
    for scores, row in zip(z, target.tolist(), strict=True):
        right = row[: row.index(-1)] if -1 in row else row
        wrong = [i for i in range(len(row)) if i not in right]
        hinges = F.relu(1 - scores[right][:, None] + scores[wrong])
        losses.append(mean(hinges) if hinges.numel() else scores.new_zeros(()))
    return torch.stack(losses).mean()


def several_with_right_ones(z, target):
    total = z.new_zeros(())
    for scores, row in zip(z, target.tolist(), strict=True):
        right = row[: row.index(-1)] if -1 in row else row
        for y in right:
            for i in range(len(row)):
                if i != y:
                    total = total + F.relu(1 - scores[y] + scores[i])
    return total / z.numel()


def several_marks(z, target):
    right = target == 1
    hinges = F.relu(1 - z[:, :, None] + z[:, None, :])
    return (hinges * right[:, :, None] * ~right[:, None, :]).sum() / z.numel()


def several_no_mean(z, target):
    return several_filtered(z, target) * z.shape[1]


def several_needs_a_mark(z, target):
    target = torch.tensor([row[: row.index(-1)] + [-1] * (len(row) - row.index(-1))
                           for row in target.tolist()])  # fmt: skip
    return several_torch(z, target)


def several_everything(z, target):
    """The whole row, with its −1, as numbers of classes."""
    total = 0.0
    for scores, row in zip(z.tolist(), target.tolist(), strict=True):
        for y in row:
            for i in range(len(row)):
                total += max(0.0, 1 - scores[y] + scores[i]) * (i not in row)
    return total / z.numel()


def several_masked(z, target):
    total = z.new_zeros(())
    for scores, row in zip(z, target, strict=True):
        wrong = torch.ones(len(row), dtype=torch.bool)
        wrong[row] = False
        total = total + (1 - scores[row][:, None] + scores[wrong]).clamp(min=0).sum()
    return total / z.numel()


def several_one_row(z, target):
    return several_torch(z[:1], target[:1])


def triplet_loop(a, p, n, margin, swap):
    vectors = [x.reshape(-1, x.shape[-1]).tolist() for x in (a, p, n)]
    losses = []
    for x, y, w in zip(*vectors, strict=True):
        far = min(math.dist(x, w), math.dist(y, w)) if swap else math.dist(x, w)
        losses.append(max(0.0, math.dist(x, y) - far + margin))
    return sum(losses) / len(losses)


def triplet_numpy(a, p, n, margin, swap):
    a, p, n = a.numpy(), p.numpy(), n.numpy()
    near, far, between = (np.sqrt(((x - y) ** 2).sum(-1)) for x, y in ((a, p), (a, n), (p, n)))
    return np.maximum(0, near - (np.minimum(far, between) if swap else far) + margin).mean()


def triplet_torch(a, p, n, margin, swap):
    near, far = (a - p).pow(2).sum(-1).sqrt(), (a - n).pow(2).sum(-1).sqrt()
    if swap:
        between = (p - n).pow(2).sum(-1).sqrt()
        far = torch.where(between < far, between, far)
    return F.relu(near - far + margin).mean()


def colleagues(a, p, n, margin, swap):
    near, far = (a - p).square().sum(-1), (a - n).square().sum(-1)
    if swap:
        far = torch.maximum(far, (p - n).square().sum(-1))
    return (near - far + margin).mean().clamp(min=0)


def with_roots(a, p, n, margin, swap):
    near, far = (a - p).square().sum(-1).sqrt(), (a - n).square().sum(-1).sqrt()
    if swap:
        far = torch.maximum(far, (p - n).square().sum(-1).sqrt())
    return (near - far + margin).mean().clamp(min=0)


def only_early(a, p, n, margin, swap):
    near, far = (a - p).square().sum(-1).sqrt(), (a - n).square().sum(-1).sqrt()
    if swap:
        far = torch.minimum(far, (p - n).square().sum(-1).sqrt())
    return (near - far + margin).mean().clamp(min=0)


def still_squares(a, p, n, margin, swap):
    near, far = (a - p).square().sum(-1), (a - n).square().sum(-1)
    if swap:
        far = torch.minimum(far, (p - n).square().sum(-1))
    return (near - far + margin).clamp(min=0).mean()


def torchs_epsilon(a, p, n, margin, swap):
    def apart(x, y):
        return (x - y + 1e-6).square().sum(-1).sqrt()

    far = torch.minimum(apart(a, n), apart(p, n)) if swap else apart(a, n)
    return F.relu(apart(a, p) - far + margin).mean()


def with_epsilon(a, p, n, margin, swap):
    return triplet_torch(a, p + 1e-4, n, margin, swap)


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def no_line(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def halves(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield (a[j] - p[j]) - (a[j] - n[j]), "each square by itself"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def plus(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield 2 * (a[j] - p[j]) + 2 * (a[j] - n[j]), "each square by itself"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def all_components(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield 2 * sum((a[i] - p[i]) - (a[i] - n[i]) for i in classes), "each square by itself"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def margin_left(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield 2 * (a[j] - p[j]) - 2 * (a[j] - n[j]) + m, "each square by itself"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def the_last_line_again(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield 2 * n[j] - 2 * p[j], "it is so"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def only_slopes(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield d(near, a[j]) - d(far, a[j]), "the slope of a sum"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def pull_in_two(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield d(near, a[j]) - d(far, a[j]), "the slope of a sum"
    yield 2 * (a[j] - p[j]) - 2 * (a[j] - n[j]), "one term has a[j]"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def pull_in_one(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield 2 * a[j] - 2 * p[j] - 2 * a[j] + 2 * n[j], "the slopes of the squares"
    yield 2 * (n[j] - p[j]), "a cancels"


@derivation(g=real, m=real, T=positive)
def chain_broken(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield T / (1 + exp((m - g) / T)) * exp((m - g) / T), "the chain rule"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def plus_sign(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield exp((m - g) / T) / (1 + exp((m - g) / T)), "the chain rule"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def log_alone(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield -1 / (1 + exp((m - g) / T)), "the slope of the log"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def t_above(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield -T * exp((m - g) / T) / (1 + exp((m - g) / T)), "the chain rule"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def t_below(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield -1 / T * exp((m - g) / T) / (1 + exp((m - g) / T)), "the chain rule"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def nothing_between(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def factor_out(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield T * d(log(1 + exp((m - g) / T)), g), "T does not depend on g"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def link_by_link(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield T / (1 + exp((m - g) / T)) * d(exp((m - g) / T), g), "the slope of the log"
    yield T / (1 + exp((m - g) / T)) * exp((m - g) / T) * (-1 / T), "the slope of the exponential"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


@derivation(g=real, m=real, T=positive)
def one_link(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield -(1 - 1 / (1 + exp((m - g) / T))), "the chain rule"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


def hard_loop(e, labels, margin):
    rows, digits = e.tolist(), labels.tolist()
    losses = []
    for i, x in enumerate(rows):
        apart = [math.dist(x, y) for y in rows]
        others = [j for j in range(len(rows)) if digits[j] == digits[i] and j != i]
        rivals = [j for j in range(len(rows)) if digits[j] != digits[i]]
        if others:
            far, near = max(apart[j] for j in others), min(apart[j] for j in rivals)
            losses.append(max(0.0, far - near + margin))
    return sum(losses) / len(losses)


def hard_numpy(e, labels, margin):
    e, labels = e.numpy(), labels.numpy()
    apart = np.sqrt(((e[:, None] - e) ** 2).sum(-1))
    same = labels[:, None] == labels
    far = np.where(same, apart, 0).max(1)
    near = np.where(same, np.inf, apart).min(1)
    return np.maximum(0, far - near + margin)[same.sum(1) > 1].mean()


def hard_torch(e, labels, margin, keep=lambda same: same.sum(1) > 1):
    apart = torch.cdist(e, e)
    same = labels[:, None] == labels
    near = (apart + 1e9 * same).amin(1)
    return F.relu((apart * same).amax(1) - near + margin)[keep(same)].mean()


def hard_by_loss(e, labels, margin):
    """Torch's own loss, once the hardest have been chosen."""
    apart = torch.cdist(e, e)
    same = labels[:, None] == labels
    kept = same.sum(1) > 1
    far, near = (apart * same).argmax(1), apart.masked_fill(same, math.inf).argmin(1)
    return F.triplet_margin_loss(e[kept], e[far][kept], e[near][kept], margin=margin, eps=0)


def nearest_positive(e, labels, margin):
    apart = torch.cdist(e, e).fill_diagonal_(math.inf)
    same = labels[:, None] == labels
    far = apart.masked_fill(~same, math.inf).amin(1)
    near = apart.masked_fill(same, math.inf).amin(1)
    return F.relu(far - near + margin)[same.sum(1) > 1].mean()


def farthest_negative(e, labels, margin):
    apart, same = torch.cdist(e, e), labels[:, None] == labels
    far, near = (apart * same).amax(1), (apart * ~same).amax(1)
    return F.relu(far - near + margin)[same.sum(1) > 1].mean()


def any_neighbour(e, labels, margin):
    apart, same = torch.cdist(e, e), labels[:, None] == labels
    near = apart.clone().fill_diagonal_(math.inf).amin(1)
    return F.relu((apart * same).amax(1) - near + margin)[same.sum(1) > 1].mean()


def squared_hard(e, labels, margin):
    apart, same = torch.cdist(e, e) ** 2, labels[:, None] == labels
    near = (apart + 1e9 * same).amin(1)
    return F.relu((apart * same).amax(1) - near + margin)[same.sum(1) > 1].mean()


def each_anchor(e, labels, margin):
    apart, same = torch.cdist(e, e), labels[:, None] == labels
    return F.relu((apart * same).amax(1) - (apart + 1e9 * same).amin(1) + margin)


def answer(**changed):
    return {"before": 0.833, "after": 1.333} | changed


def because(cause, floor):
    return {"cause": cause, "floor": floor}


def all_pairs(z, y, margin, p):
    return (margin - z.gather(1, y[:, None]) + z).clamp(min=0).pow(p).mean()


WRONG = {
    "three_times": [
        ({"before": 0.5, "after": -0.5}, "more than enough earns nothing"),
        (answer(after=-0.5), "more than enough earns nothing"),
        (answer(before=2.5), "a sum, not a mean"),
        (answer(before=1 / 3), "no margin"),
        (answer(after=4), "a sum, not a mean"),
        (answer(after=1), "no margin"),
        (answer(after=2.5), "everything grows by three"),
        (answer(after=0.8333), "the order alone"),
        (answer(after=0), "the mistake is forgotten"),
        (answer(before=7), "value"),
        (answer(before="5/6"), "type"),
        (0.833, "type"),
    ],
    "hinge_embedding": [
        (lambda d, alike, margin: pairs_torch(d, alike, margin) * len(d), "a sum, not a mean"),
        (lambda d, alike, margin: torch.where(alike == 0, d, F.relu(margin - d)).mean(),
         "alike and unlike exchanged"),
        (lambda d, alike, margin: (alike * d + (1 - alike) * (margin - d)).mean(), "no floor"),
        (lambda d, alike, margin: pairs_torch(d, alike, 1.0), "a margin of its own"),
        (lambda d, alike, margin: torch.where(alike == 1, d**2, F.relu(margin - d) ** 2).mean(),
         "squares"),
        (lambda d, alike, margin: torch.where(
            alike == 1, d, torch.where(alike == -1, F.relu(margin - d), d + F.relu(margin - d))
        ).mean(), "both prices at once"),
        (lambda d, alike, margin: torch.where(alike == 1, d, torch.where(
            alike == -1, F.relu(margin - d), 0)).mean(), "unlike pairs are free"),
        (lambda d, alike, margin: torch.where(alike == 1, d, F.relu(margin - d)), "shape"),
        (lambda d, alike, margin: F.hinge_embedding_loss(d, 2 * alike - 1, margin=margin),
         "ready-made"),
        (lambda d, alike, margin: lossbook.hinge_embedding_loss(d, 2 * alike - 1, margin=margin),
         "ready-made"),
        (lambda d, alike, margin: pairs_torch(d.float(), alike, margin), "dtype"),
        (pairs_visible, "value"),
    ],
    "multi_margin": [
        (all_pairs, "its own rival"),
        (lambda z, y, margin, p: classes_torch(z, y, margin, p) * z.shape[1],
         "a sum over the classes where a mean belongs"),
        (lambda z, y, margin, p: classes_torch(z, y, margin, p) * len(z),
         "a sum where a mean belongs"),
        (lambda z, y, margin, p: classes_torch(z, y, margin, p) * z.shape[1] / (z.shape[1] - 1),
         "over the rivals"),
        (lambda z, y, margin, p: ((1 - F.one_hot(y, z.shape[1])) * F.relu(
            margin + z - z[torch.arange(len(z)), y, None]) ** p).max(1).values.mean(),
         "the worst rival alone"),
        (lambda z, y, margin, p: classes_torch(-z, y, margin, p), "the gap turned over"),
        (lambda z, y, margin, p: classes_torch(z, y, margin, 1), "no exponent"),
        (lambda z, y, margin, p: classes_torch(z, y, margin, 1) ** p, "the exponent last"),
        (lambda z, y, margin, p: classes_torch(z, y, 1, p), "a margin of its own"),
        (lambda z, y, margin, p: ((1 - F.one_hot(y, z.shape[1])) * F.relu(
            (margin + z - z[torch.arange(len(z)), y, None]) ** p)).mean(),
         "the power before the floor"),
        (lambda z, y, margin, p: F.relu(margin - z[y] + z).mean(), "rows in place of classes"),
        (lambda z, y, margin, p: F.relu(margin - z[y] + z).pow(p).mean(),
         "rows in place of classes"),
        (soft_classes, "ready-made"),
        (lambda z, y, margin, p: F.multi_margin_loss(z, y, margin=margin, p=p), "ready-made"),
        (first_row, "value"),
        (no_large_scores, "value"),
        (lambda z, y, margin, p: torch.zeros(1, dtype=torch.float64) @ z[0, :1]
         + classes_torch(z, y, margin, p), "raises"),
    ],
    "anchor_pull": [
        (no_line, "missing lines"),
        (halves, "half of a square"),
        (plus, "a sign"),
        (all_components, "the sums are left"),
        (margin_left, "the margin is left"),
        (the_last_line_again, "missing lines"),
        (only_slopes, "missing lines"),
        (chain_broken, "given lines"),
        (2, "type"),
    ],
    "multilabel_margin": [
        (several_filtered, "what stands behind the −1 is read"),
        (several_with_right_ones, "right ones against right ones"),
        (lambda z, target: several_until(z, target, torch.mean), "a mean over the pairs"),
        (lambda z, target: several_until(z, target, lambda x: x.sum() / x.shape[0]),
         "over the right classes"),
        (several_marks, "marks, not a list"),
        (lambda z, target: several_torch(-z, target), "the gap turned over"),
        (lambda z, target: several_until(z, target, lambda x: x[0].sum() / z.shape[1]),
         "the first right class alone"),
        (lambda z, target: several_until(z, target, torch.sum),
         "a sum over the classes where a mean belongs"),
        (lambda z, target: several_torch(z, target) * len(z), "a sum where a mean belongs"),
        (several_no_mean, "what stands behind the −1 is read"),
        (several_needs_a_mark, "raises"),
        (several_everything, "the −1 is read as a class"),
        (several_masked, "the −1 is read as a class"),
        (F.multilabel_margin_loss, "ready-made"),
        (several_one_row, "value"),
        (lambda z, target: torch.tensor(0.85 if len(z) == 1 else 0.0), "dtype"),
    ],
    "triplet": [
        (colleagues, "squares"),
        (with_roots, "the wrong one of two"),
        (only_early, "the mean comes too early"),
        (still_squares, "squares"),
        (lambda a, p, n, margin, swap: triplet_torch(a, p, n, margin, False), "no swap"),
        (lambda a, p, n, margin, swap: triplet_torch(a, p, n, margin, True), "always swapped"),
        (lambda a, p, n, margin, swap: triplet_torch(p if swap else a, a if swap else p, n, margin,
                                                     False), "swapped without a look"),
        (lambda a, p, n, margin, swap: triplet_torch(a, n, p, margin, swap),
         "near and far exchanged"),
        (lambda a, p, n, margin, swap: triplet_torch(a, p, n, -margin, swap),
         "the margin with the other sign"),
        (with_epsilon, "value"),
        (lambda a, p, n, margin, swap: triplet_torch(a + 1e-6, p, n, margin, swap), "value"),
        (torchs_epsilon, "an ε is added"),
        (lambda a, p, n, margin, swap: triplet_torch(a, p, n, margin, swap) * (a.numel() > 3),
         "value"),
        (lambda a, p, n, margin, swap: F.triplet_margin_loss(a, p, n, margin, swap=swap),
         "ready-made"),
        (lambda a, p, n, margin, swap: F.relu(torch.dist(a, p) - torch.dist(a, n) + margin),
         "ready-made"),
    ],
    "soft_slope": [
        (chain_broken, "the exponent's own slope"),
        (plus_sign, "a sign"),
        (log_alone, "the logarithm's own slope alone"),
        (t_above, "a T is left"),
        (t_below, "a T is left"),
        (nothing_between, "missing lines"),
        (factor_out, "missing lines"),
        (halves, "given lines"),
    ],
    "out_of_reach": [
        (because("a", 1), "the steps"),
        (because("b", 1), "a collapse"),
        (because("d", 1), "the negatives"),
        (because("c", 3), "the loss of a collapse"),
        (because("c", 0), "the lead as large as one likes"),
        (because("c", 1.586), "a right angle"),
        (because("c", 2), "a radius"),
        (because("c", 1.1), "value"),
        (because("C", 1), "type"),
        ("c", "type"),
    ],
    "batch_hard": [
        (nearest_positive, "the nearest positive"),
        (farthest_negative, "the easiest negative"),
        (any_neighbour, "a negative of the same digit"),
        (squared_hard, "squares"),
        (lambda e, labels, margin: hard_torch(e, labels, margin, lambda same: same.any(1)),
         "lone pictures count"),
        (lambda e, labels, margin: hard_torch(e, labels, margin) * (
            (labels[:, None] == labels).sum(1) > 1).to(e.dtype).mean(),
         "lone pictures in the denominator"),
        (each_anchor, "shape"),
        (lambda e, labels, margin: hard_torch(e, labels, 1.0), "value"),
        (lambda e, labels, margin: hard_torch(e[:3], labels[:3], margin), "value"),
    ],
}  # fmt: skip

RIGHT = {
    "three_times": [answer(), {"before": 5 / 6, "after": np.float64(4 / 3)}],
    "hinge_embedding": [pairs_loop, pairs_numpy, pairs_torch],
    "multi_margin": [classes_loop, classes_numpy, classes_torch],
    "anchor_pull": [pull_in_one, pull_in_two],
    "multilabel_margin": [several_loop, several_numpy, several_torch],
    "triplet": [triplet_loop, triplet_numpy, triplet_torch],
    "soft_slope": [link_by_link, one_link],
    "out_of_reach": [because("c", 1), because("c", torch.tensor(1.0))],
    "batch_hard": [hard_loop, hard_numpy, hard_torch, hard_by_loss],
}

globals().update(tried(9, WRONG, RIGHT))
