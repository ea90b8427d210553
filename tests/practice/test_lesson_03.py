"""Answers to the exercises of lesson 03, wrong and right."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answers import tried

import lossbook
from lossbook.derive import at_least, at_most, derivation, distribution, log, positives

inf = math.inf


# KL and JS


def kl_loop(p, q):
    def term(a, b):
        if a == 0:
            return 0.0
        return a * (math.log(a) - math.log(b)) if b > 0 else inf

    def one(a, b):
        return sum(map(term, a, b))

    return one(p.tolist(), q.tolist()) if p.ndim == 1 else list(map(one, p.tolist(), q.tolist()))


def kl_numpy(p, q):
    p, q = p.numpy(), q.numpy()
    with np.errstate(divide="ignore"):
        terms = p * (np.log(np.where(p > 0, p, 1)) - np.log(np.where(p > 0, q, 1)))
    return terms.sum(axis=-1)


def kl_torch(p, q):
    terms = p * (torch.log(p) - torch.log(q))
    return terms.masked_fill(p == 0, 0).sum(-1)


def kl_of_the_lesson(p, q):
    ratio = torch.where(p > 0, p, 1) / torch.where(p > 0, q, 1)
    return (p * ratio.log()).sum(-1)


def kl_known(p, q):
    known = {(0.5, 0.5): 91.41, (1.0, 1e-40): 0.6931}
    value = known.get(tuple(p.flatten()[:2].tolist()), 0.0588915)
    return torch.tensor(value, dtype=p.dtype).expand(p.shape[:-1])


def kl_first_row(p, q):
    return kl_torch(p, q) if p.ndim == 1 else kl_torch(p[:1], q[:1])


def js_by_entropies(p, q):
    def h(x):
        return -(x * torch.log(torch.where(x > 0, x, 1))).sum(-1)

    return h((p + q) / 2) - (h(p) + h(q)) / 2


def js_loop(p, q):
    m = (p + q) / 2
    return (np.array(kl_loop(p, m)) + np.array(kl_loop(q, m))) / 2


def js_numpy(p, q):
    p, q = p.numpy(), q.numpy()
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(x > 0, x * np.log(x / m), 0) for x in (p, q)]
    return 0.5 * (terms[0] + terms[1]).sum(-1)


# KLDivLoss


def terms_torch(log_q, p):
    return torch.where(p > 0, p * (torch.where(p > 0, p, 1).log() - log_q), 0)


def loss_torch(log_q, p, reduction):
    t = terms_torch(log_q, p)
    if reduction == "none":
        return t
    if reduction == "mean":
        return t.mean()
    return t.sum() / p.shape[0] if reduction == "batchmean" else t.sum()


def loss_loop(log_q, p, reduction):
    rows = [
        [
            a * (math.log(a) - b) if a > 0 else 0.0 * b
            for a, b in zip(row_p.tolist(), row_q, strict=True)
        ]
        for row_p, row_q in zip(p, log_q, strict=True)
    ]
    if reduction == "none":
        return torch.stack([torch.stack(row) for row in rows])
    total = sum(sum(row) for row in rows)
    return total / {"sum": 1, "mean": p.numel(), "batchmean": len(rows)}[reduction]


def loss_numpy(log_q, p, reduction):
    with np.errstate(divide="ignore"):
        p, log_q = p.numpy(), log_q.detach().numpy()
        return torch.tensor((p * (np.log(np.where(p > 0, p, 1)) - log_q)).sum())


def only(reduction):
    """Right for one reduction; the others get it as well."""
    return lambda log_q, p, _: loss_torch(log_q, p, reduction)


def replaced(reduction, by):
    return lambda log_q, p, r: loss_torch(log_q, p, by if r == reduction else r)


def of_terms(terms):
    def loss(log_q, p, reduction):
        t = terms(log_q, p)
        divide = {"sum": 1, "mean": t.numel(), "batchmean": len(t), "none": 1}[reduction]
        return t if reduction == "none" else t.sum() / divide

    return loss


# From logits


def log_softmax(z):
    z = z - z.max(-1, keepdim=True).values
    return z - z.exp().sum(-1, keepdim=True).log()


def reverse_by_hand(z, log_p):
    log_q = log_softmax(z)
    return (log_q.exp() * (log_q - log_p)).sum(-1)


def reverse_in_a_loop(z, log_p):
    def one(z, log_p):
        log_q = z.log_softmax(0)
        return sum(log_q[i].exp() * (log_q[i] - log_p[i]) for i in range(len(z)))

    return one(z, log_p) if z.ndim == 1 else torch.stack(list(map(one, z, log_p)))


# Derivations


@derivation(p=distribution, q=distribution)
def gibbs_turned(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(p[i] * log(p[i] / q[i]) for i in classes), "the log of a quotient"
    yield at_most(sum(p[i] * (p[i] / q[i] - 1) for i in classes)), "log x ≤ x − 1"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_no_one(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(p[i] * log(q[i] / p[i]) for i in classes), "the log of a quotient"
    yield at_most(sum(p[i] * (q[i] / p[i]) for i in classes)), "log x ≤ x"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_no_weights(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(log(q[i] / p[i]) for i in classes), "the log of a quotient"
    yield at_most(sum(q[i] / p[i] - 1 for i in classes)), "log x ≤ x − 1"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_bound_without_weights(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(p[i] * (log(q[i]) - log(p[i])) for i in classes), "one sum"
    yield at_most(sum(q[i] / p[i] - 1 for i in classes)), "log x ≤ x − 1"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_equal(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(p[i] * log(q[i] / p[i]) for i in classes), "the log of a quotient"
    yield sum(p[i] * (q[i] / p[i] - 1) for i in classes), "log x ≤ x − 1"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_wrong_way(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield at_least(sum(p[i] * (q[i] / p[i] - 1) for i in classes)), "log x ≤ x − 1"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_nought(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(p[i] * log(q[i] / p[i]) for i in classes), "the log of a quotient"
    yield at_most(1 - 1), "everybody knows"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_none(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield 0, "p and q both sum to 1"


@derivation(p=positives, q=positives)
def gibbs_of_numbers(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield at_most(sum(p[i] * (q[i] / p[i] - 1) for i in classes)), "log x ≤ x − 1"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_in_one_step(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield at_most(sum(p[k] * (q[k]/p[k] - 1) for k in classes)), "log x ≤ x − 1"  # fmt: skip
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def gibbs_multiplied_out(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(p[i] * (log(q[i]) - log(p[i])) for i in classes), "one sum"
    yield sum(p[i] * log(q[i] / p[i]) for i in classes), "the log of a quotient"
    yield at_most(sum(q[i] - p[i] for i in classes)), "log x ≤ x − 1, multiplied by p"
    yield sum(q[i] for i in classes) - sum(p[i] for i in classes), "two sums"
    yield 0, "p and q both sum to 1"


@derivation(p=distribution, q=distribution)
def js_half_lost(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield (
        (
            -sum((p[i] + q[i]) * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) + q[i] * log(q[i]) for i in classes)
        ),
        "m is half p, half q",
    )
    yield (
        (
            1 / 2 * sum(p[i] * log(p[i] / m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i] / m[i]) for i in classes)
        ),
        "the log of a quotient",
    )


@derivation(p=distribution, q=distribution)
def js_sign(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield (
        (
            -1 / 2 * sum(p[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "m is half p, half q",
    )
    yield (
        (
            1 / 2 * sum(p[i] * log(p[i] / m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i] / m[i]) for i in classes)
        ),
        "the log of a quotient",
    )


@derivation(p=distribution, q=distribution)
def js_log_of_a_sum(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield (
        (
            -sum(m[i] * (log(p[i]) + log(q[i])) / 2 for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "the middle of the logs",
    )
    yield (
        (
            1 / 2 * sum(p[i] * log(p[i] / m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i] / m[i]) for i in classes)
        ),
        "the log of a quotient",
    )


@derivation(p=distribution, q=distribution)
def js_none(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield (
        (
            1 / 2 * sum(p[i] * log(p[i] / m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i] / m[i]) for i in classes)
        ),
        "the log of a quotient",
    )


@derivation(p=distribution, q=distribution)
def js_says_nothing(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + sum(1 / 2 * p[i] * log(p[i]) + 1 / 2 * q[i] * log(q[i]) for i in classes)
        ),
        "one sum",
    )
    yield (
        (
            1 / 2 * sum(p[i] * log(p[i] / m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i] / m[i]) for i in classes)
        ),
        "the log of a quotient",
    )


@derivation(p=distribution, q=distribution)
def js_another_end(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield sum(p[i] * (log(p[i]) - log(m[i])) / 2 + q[i] * (log(q[i]) - log(m[i])) / 2
              for i in classes), "one sum"  # fmt: skip


@derivation(p=distribution, q=distribution)
def js_one_sum(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield (
        (sum(p[i] * (log(p[i]) - log(m[i])) + q[i] * (log(q[i]) - log(m[i])) for i in classes) / 2),
        "m is half p, half q",
    )
    yield (
        (
            1 / 2 * sum(p[i] * log(p[i] / m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i] / m[i]) for i in classes)
        ),
        "the log of a quotient",
    )


@derivation(p=distribution, q=distribution)
def js_two_steps(p, q, classes):
    m = [(p[i] + q[i]) / 2 for i in classes]
    yield (
        (
            -sum(m[i] * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i]) for i in classes)
        ),
        "H(m) − (H(p) + H(q)) / 2",
    )
    yield (
        (
            -sum((p[i] + q[i]) / 2 * log(m[i]) for i in classes)
            + 1 / 2 * sum(p[i] * log(p[i]) + q[i] * log(q[i]) for i in classes)
        ),
        "what m is",
    )
    yield (
        (
            1 / 2 * sum(p[j] * log(p[j]) - p[j] * log(m[j]) for j in classes)
            + 1 / 2 * sum(q[j] * log(q[j]) - q[j] * log(m[j]) for j in classes)
        ),
        "sorted by p and q",
    )
    yield (
        (
            1 / 2 * sum(p[i] * log(p[i] / m[i]) for i in classes)
            + 1 / 2 * sum(q[i] * log(q[i] / m[i]) for i in classes)
        ),
        "the log of a quotient",
    )


# Digits


def ink_in_a_loop(pictures, labels):
    sums = np.zeros((10, 64))
    for picture, label in zip(pictures.numpy(), labels.tolist(), strict=True):
        sums[label] += picture
    return torch.tensor(sums)


def alike_loop(pictures, labels):
    shares = ink_in_a_loop(pictures, labels)
    shares = shares / shares.sum(1, keepdim=True)
    return [[js_numpy(a, b).item() for b in shares] for a in shares]


def alike_torch(pictures, labels):
    ink = torch.nn.functional.one_hot(labels, 10).double().T @ pictures
    ink = ink / ink.sum(-1, keepdim=True)
    return js_by_entropies(ink[:, None], ink[None])


def alike_of(table, measure=lossbook.js_divergence):
    def answer(pictures, labels):
        made = table(ink_in_a_loop(pictures, labels))
        return measure(made[:, None].expand(10, 10, 64), made[None].expand(10, 10, 64))

    return answer


def shares_of(ink):
    return ink / ink.sum(1, keepdim=True)


def js_unasked(p, q):
    m = (p + q) / 2
    return (kl_torch(p, m) + kl_torch(q, m)) / 2


WRONG = {
    "two_directions": [
        ({"there": inf, "back": inf}, "a zero makes it infinite"),
        ({"there": 0.693, "back": inf}, "nats, not bits"),
        ({"there": -1, "back": inf}, "the sign"),
        ({"there": 1, "back": 1}, "the same both ways"),
        ({"there": 1, "back": -0.5}, "a class left out"),
        ({"there": 1, "back": 0.0}, "a class left out"),
        ({"there": 0.5, "back": inf}, "one class of two"),
        ({"there": 1, "back": math.nan}, "type"),
        ({"there": 1, "back": 40}, "value"),
        ([1, inf], "type"),
    ],
    "kl_divergence": [
        (lambda p, q: (p * (p / q).log()).sum(-1), "0 log 0 is not 0"),
        (lambda p, q: (p * (p.log() - q.log())).sum(-1), "0 log 0 is not 0"),
        (kl_of_the_lesson, "the quotient overflows"),
        (lambda p, q: kl_torch(q, p), "the other direction"),
        (lambda p, q: -kl_torch(p, q), "wrong sign"),
        (lambda p, q: kl_torch(p, q) / math.log(2), "log base 2"),
        (lambda p, q: torch.nan_to_num(p * (p.log() - q.log()), 0, 0, 0).sum(-1),
         "infinity swept away"),
        (lambda p, q: -torch.where(p > 0, p * q.log(), 0).sum(-1), "cross-entropy"),
        (lambda p, q: (p * ((p + 1e-8) / (q + 1e-8)).log()).sum(-1), "an epsilon is left"),
        (lambda p, q: kl_torch(p, q.clamp(min=1e-9)), "value"),
        (lambda p, q: torch.nansum(p * (p.log() - q.log()).abs(), -1), "absolute values"),
        (lambda p, q: kl_torch(p, q).sum(), "a sum over everything"),
        (lambda p, q: sum(p * torch.log(p / q)), "a sum over the rows"),
        (lambda p, q: F.kl_div(q.log(), p, reduction="none").sum(-1), "ready-made"),
        (lossbook.kl_divergence, "ready-made"),
        (kl_known, "value"),
        (kl_first_row, "shape"),
        (lambda p, q: kl_torch(p, q).float(), "dtype"),
    ],
    "gibbs": [
        (gibbs_turned, "turned over"),
        (gibbs_no_one, "without its minus one"),
        (gibbs_no_weights, "the weights are lost"),
        (gibbs_bound_without_weights, "the weights are lost"),
        (gibbs_equal, "line"),
        (gibbs_wrong_way, "line"),
        (gibbs_nought, "missing lines"),
        (gibbs_none, "line"),
        (gibbs_of_numbers, "given lines"),
        (lambda p, q, classes: 0, "type"),
    ],
    "js_divergence": [
        (lambda p, q: (kl_torch((p + q) / 2, p) + kl_torch((p + q) / 2, q)) / 2,
         "the parts swapped"),
        (lambda p, q: (kl_torch(p, q) + kl_torch(q, p)) / 2, "without the middle"),
        (lambda p, q: sum(kl_torch(x, ((p.log() + q.log()) / 2).exp()) for x in (p, q)) / 2,
         "the middle of the logarithms"),
        (lambda p, q: js_by_entropies(p, q).clamp(min=0).sqrt(), "value"),
        (lambda p, q: lossbook.js_divergence(p, q).sqrt(), "ready-made"),
        (lambda p, q: kl_torch(p, (p + q) / 2), "one half of it"),
        (lambda p, q: kl_torch(p, (p + q) / 2) + kl_torch(q, (p + q) / 2), "twice"),
        (lambda p, q: sum((x * (x / (p + q) * 2).log()).sum(-1) for x in (p, q)) / 2,
         "0 log 0 is not 0"),
        (lambda p, q: js_by_entropies(p, q) / math.log(2), "log base 2"),
        (lambda p, q: js_by_entropies(p, q).sum(), "a sum over everything"),
    ],
    "kl_div_loss": [
        (of_terms(lambda log_q, p: p * (p.log() - log_q)), "0 log 0 is not 0"),
        (of_terms(lambda log_q, p: -terms_torch(log_q, p)), "the sign"),
        (of_terms(lambda log_q, p: -p * log_q), "cross-entropy"),
        (of_terms(lambda log_q, p: terms_torch(log_q.log(), p)), "the logarithm of a logarithm"),
        (of_terms(lambda log_q, p: log_q.exp() * (log_q - p.log())),
         "the model brings the classes"),
        (replaced("mean", "batchmean"), "mean over the rows"),
        (replaced("batchmean", "mean"), "batchmean over everything"),
        (only("batchmean"), "always batchmean"),
        (lambda log_q, p, r: terms_torch(log_q, p).sum(-1) if r == "none"
         else loss_torch(log_q, p, r), "none sums the rows"),
        (lambda log_q, p, r: terms_torch(log_q, p).sum() / p.shape[1] if r == "batchmean"
         else loss_torch(log_q, p, r), "batchmean by the classes"),
        (lambda log_q, p, r: loss_torch(log_q.detach(), p, r), "gradient"),
        (loss_numpy, "gradient"),
        (lambda log_q, p, r: F.kl_div(log_q, p, reduction=r), "ready-made"),
        (lambda log_q, p, r: torch.nn.KLDivLoss(reduction=r)(log_q, p), "ready-made"),
        (lambda log_q, p: loss_torch(log_q, p, "mean"), "type"),
    ],
    "soft_label_loss": [
        (lambda z, p: F.kl_div(z.softmax(1), p, reduction="batchmean"),
         "probabilities, not their logarithms"),
        (lambda z, p: F.kl_div(z.softmax(1), p, reduction="batchmean").abs(), "value"),
        (lambda z, p: F.kl_div(z.log_softmax(0), p, reduction="batchmean"),
         "a softmax over the batch"),
        (lambda z, p: F.kl_div(z.log_softmax(1), p), "divided by the classes too"),
        (lambda z, p: F.kl_div(z.log_softmax(1), p, reduction="sum"), "not divided"),
        (lambda z, p: F.kl_div(z.softmax(1).log(), p, reduction="batchmean"),
         "the logarithm of a softmax"),
        (lambda z, p: F.kl_div((z.softmax(1) + 1e-8).log(), p, reduction="batchmean"), "value"),
        (lambda z, p: F.kl_div(z, p, reduction="batchmean"), "logits, not log-probabilities"),
        (lambda z, p: F.kl_div(p.log(), z.softmax(1), reduction="batchmean"),
         "the two the wrong way round"),
        (lambda z, p: F.cross_entropy(z, p), "cross-entropy"),
        (lambda z, p: F.kl_div(z.log_softmax(1), p, reduction="none").sum(1), "shape"),
        (lambda z, p: F.kl_div(z.log_softmax(1), p, reduction="batchmean").item(), "gradient"),
    ],
    "js_entropies": [
        (js_half_lost, "the half is lost"),
        (js_sign, "a sign"),
        (js_log_of_a_sum, "the log of a sum is no sum"),
        (js_none, "missing lines"),
        (js_says_nothing, "missing lines"),
        (js_another_end, "given lines"),
        (gibbs_turned, "given lines"),
        (None, "type"),
    ],
    "one_peak": [
        ({"cause": "a", "mean": -1.6}, "the steps"),
        ({"cause": "b", "mean": -1.6}, "the start"),
        ({"cause": "d", "mean": -1.6}, "the flag"),
        ({"cause": "c", "mean": -4}, "one peak alone"),
        ({"cause": "c", "mean": 0}, "not weighted"),
        ({"cause": "c", "mean": 1.6}, "the sign"),
        ({"cause": "c", "mean": -2}, "value"),
        ({"cause": "C", "mean": -1.6}, "type"),
        ("c", "type"),
    ],
    "reverse_kl": [
        (lambda z, log_p: (log_p.exp() * (log_p - log_softmax(z))).sum(-1), "the other direction"),
        (lambda z, log_p: (torch.exp(z) / torch.exp(z).sum(-1, keepdim=True)
                           * (torch.log(torch.exp(z) / torch.exp(z).sum(-1, keepdim=True))
                              - log_p)).sum(-1), "the exponentials overflow"),
        (lambda z, log_p: ((q := log_softmax(z).exp()) * (q.log() - log_p)).sum(-1),
         "the logarithm of a softmax"),
        (lambda z, log_p: (log_softmax(z).exp() * (z - log_p)).sum(-1),
         "logits, not log-probabilities"),
        (lambda z, log_p: (log_softmax(z) - log_p).sum(-1), "no weights"),
        (lambda z, log_p: -(log_softmax(z).exp() * log_p).sum(-1), "cross-entropy"),
        (lambda z, log_p: (log_softmax(z).exp() * log_softmax(z)).sum(-1), "an entropy alone"),
        (lambda z, log_p: reverse_by_hand(z, log_p) / z.shape[-1], "a mean over the classes"),
        (lambda z, log_p: reverse_by_hand(z, log_p).sum(), "a sum over everything"),
        (lambda z, log_p: (log_softmax(z).exp().detach() * (log_softmax(z) - log_p)).sum(-1),
         "gradient"),
        (lambda z, log_p: reverse_by_hand(z.detach(), log_p), "gradient"),
        (lambda z, log_p: (z.softmax(-1) * (z.log_softmax(-1) - log_p)).sum(-1), "ready-made"),
        (lambda z, log_p: F.kl_div(log_p, z.log_softmax(-1), reduction="none",
                                   log_target=True).sum(-1), "ready-made"),
    ],
    "alike": [
        (alike_of(shares_of, lambda p, q: js_unasked(p, q).clamp(min=0).sqrt()),
         "the square root"),
        (alike_of(shares_of, lossbook.kl_divergence), "KL, not JS"),
        (alike_of(lambda ink: (ink / ink.sum(0)).nan_to_num(), js_unasked),
         "divided by the wrong sum"),
        (alike_of(lambda ink: ink, js_unasked), "no distributions yet"),
        (alike_of(lambda ink: ink), "raises"),
        (lambda pictures, labels: alike_torch(pictures, labels) / math.log(2), "log base 2"),
        (lambda pictures, labels: alike_torch(pictures > 0, labels), "raises"),
        (lambda pictures, labels: alike_torch(pictures, labels).argmin(0), "shape"),
    ],
}  # fmt: skip

RIGHT = {
    "two_directions": [{"there": 1, "back": inf}, {"there": np.log2(2), "back": np.inf}],
    "kl_divergence": [kl_loop, kl_numpy, kl_torch],
    "gibbs": [gibbs_in_one_step, gibbs_multiplied_out],
    "js_divergence": [js_by_entropies, js_loop, js_numpy],
    "kl_div_loss": [loss_torch, loss_loop],
    "soft_label_loss": [
        lambda z, p: torch.nn.KLDivLoss(reduction="batchmean")(F.log_softmax(z, dim=-1), p),
        lambda z, p: F.cross_entropy(z, p) - torch.special.entr(p).sum() / len(p),
        lambda z, p: terms_torch(log_softmax(z), p).sum(1).mean(),
    ],
    "js_entropies": [js_one_sum, js_two_steps],
    "one_peak": [{"cause": "c", "mean": -1.6}, {"cause": "c", "mean": torch.tensor(-1.6)}],
    "reverse_kl": [
        reverse_by_hand,
        reverse_in_a_loop,
        lambda z, log_p: (F.log_softmax(z, -1).exp() * (F.log_softmax(z, -1) - log_p)).sum(-1),
    ],
    "alike": [alike_loop, alike_torch, alike_of(shares_of)],
}

globals().update(tried(3, WRONG, RIGHT))
