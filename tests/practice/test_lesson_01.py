"""Answers to the exercises of lesson 01, wrong and right."""

import math

import numpy as np
import torch
from answers import tried

from lossbook.derive import at_least, at_most, derivation, log, positive, probability
from lossbook.information import information

inf = math.inf


def each(function):
    """Apply a function of Python's floats to each number, rows as lists."""

    def on_rows(p, *others):
        if p.ndim == 0:
            return function(p.item(), *others)
        return [on_rows(row, *others) for row in p]

    return on_rows


def rows(function):
    """Apply a function of a list of Python's floats to each row."""
    return lambda p: function(p.tolist()) if p.ndim == 1 else [function(r) for r in p.tolist()]


information_loop = each(lambda x, base: -math.log(x, base) if x > 0 else inf)


def information_numpy(p, base):
    with np.errstate(divide="ignore"):
        return -np.log(p.numpy()) / np.log(base)


def information_torch(p, base):
    return p.log2() / -math.log2(base)


def all_numpy(p):
    with np.errstate(divide="ignore"):
        return -np.log(p.numpy()).sum(-1)


def all_torch(p):
    return torch.log(1 / p).sum(dim=-1)


def quiet_torch(m):
    return -torch.log1p(-m).sum(-1)


quiet_loop = rows(lambda m: -sum(math.log1p(-x) if x < 1 else -inf for x in m))


def some_loop(m):
    def one(m):
        s = sum(math.log1p(-x) if x < 1 else -inf for x in m)
        chance = -math.expm1(s)
        return -math.log(chance) if chance > 0 else inf

    return rows(one)(m)


def some_numpy(m):
    with np.errstate(divide="ignore"):
        return -np.log(-np.expm1(np.log1p(-m.numpy()).sum(-1)))


def some_by_steps(m):
    """At least one = the first, or not the first and at least one of the others."""
    chance = torch.zeros(m.shape[:-1], dtype=m.dtype)
    for i in range(m.shape[-1]):
        chance = chance + (1 - chance) * m[..., i]
    return -chance.log()


def length_by_doubling(n):
    def one(n):
        k = 0
        while 2**k < n:
            k += 1
        return k

    return [one(x) for x in n.tolist()]


def length_numpy(n):
    return np.ceil(np.log2(n.numpy()))


def length_bits(n):
    return torch.tensor([(x - 1).bit_length() for x in n.tolist()])


def shares(seen):
    return ((seen > 8).double().sum(0) + 1) / (len(seen) + 2)


def odd_torch(new, seen):
    q, x = shares(seen), (new > 8).double()
    return -(x @ q.log2() + (1 - x) @ (1 - q).log2())


def odd_loop(new, seen):
    q = shares(seen).tolist()
    return [
        sum(-math.log2(a if x > 8 else 1 - a) for x, a in zip(row, q, strict=True))
        for row in new.tolist()
    ]


def odd_float32(new, seen):
    q = ((seen > 8).sum(0) + 1) / (len(seen) + 2)
    return -torch.log2(torch.where(new > 8, q, 1 - q)).sum(1)


@derivation(p=probability)
def halving_bracket(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield (-log(p) - log(2)) / log(2), "the log of a quotient"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_quotient(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -(log(p) / log(2)) / log(2), "the log of a quotient"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_sum(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -(log(p) + log(2)) / log(2), "the log of a quotient"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_half(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -log(p) / log(2) / 2, "half"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_none(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_says_nothing(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -1 * log(p / 2) / log(2), "a minus"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_no_reason(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -(log(p) - log(2)) / log(2), ""
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=positive)
def halving_of_numbers(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -(log(p) - log(2)) / log(2), "the log of a quotient"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_split(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -log(p) / log(2) + log(2) / log(2), "the log of a quotient, divided by log 2"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability)
def halving_by_product(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -(log(p) + log(1 / 2)) / log(2), "the log of a product"
    yield (log(2) - log(p)) / log(2), "log ½ = −log 2"
    yield -log(p) / log(2) + 1, "one bit more than at p"


@derivation(p=probability, q=probability)
def averages_four(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield 1 / 2 * log((p + q) ** 2 / (p * q)), "one logarithm"
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_other_four(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield 1 / 2 * log(1 + (p - q) ** 2 / (p * q)), "one logarithm"
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_half(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield log((p + q) ** 2 / (4 * p * q)), "one logarithm"
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_turned(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield log(4 * p * q / (p + q) ** 2) / 2, "one logarithm"
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_no_square(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield 1 / 2 * log((p + q) ** 2 / (4 * p * q)), "one logarithm"
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_none(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_turned_relation(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield at_most(1 / 2 * log(1 + (p - q) ** 2 / (4 * p * q))), "one logarithm"
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_in_one(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield log(1 + (q - p)**2 / (4 * p * q)) / 2, "one logarithm"  # fmt: skip
    yield at_least(0), "the log of a number of 1 or more"


@derivation(p=probability, q=probability)
def averages_in_steps(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield -1 / 2 * log(p * q) + 1 / 2 * log(((p + q) / 2) ** 2), "the log of a product, of a power"
    yield 1 / 2 * log((p + q) ** 2 / (4 * p * q)), "the log of a quotient"
    yield 1 / 2 * log((4 * p * q + (p - q) ** 2) / (4 * p * q)), "(p + q)² = 4pq + (p − q)²"
    yield at_least(0), "the log of a number of 1 or more"


WRONG = {
    "jackpot": [
        (13_983_816, "probabilities compared"),
        (6_991_908, "probabilities compared"),
        (16.45, "nats, not bits"),
        (7.15, "log base 10"),
        (-23.74, "a sign"),
        (33.23, "an ordered draw"),
        (25, "value"),
        (49, "value"),
        ("24", "type"),
    ],
    "information": [
        (lambda p, base: -p.log(), "always nats"),
        (lambda p, base: -p.log2(), "always bits"),
        (lambda p, base: -p.log() * math.log(base), "multiplied by the unit"),
        (lambda p, base: p.log() / math.log(base), "a positive logarithm"),
        (lambda p, base: -p.log() / base, "divided by the base"),
        (lambda p, base: information_torch(p, base).nan_to_num(posinf=0), "infinity cut off"),
        (lambda p, base: -(p + 1e-7).log() / math.log(base), "a small number is added"),
        (lambda p, base: -(p.clamp(min=1e-7)).log() / math.log(base), "value"),
        (lambda p, base: information(p, base=base), "ready-made"),
        (lambda p, base: -torch.distributions.Bernoulli(p).log_prob(torch.ones_like(p))
         / math.log(base), "ready-made"),
        (lambda p, base: {0.5: 1.0, 1.0: 0.0}.get(p.flatten()[0].item(), 0.3), "shape"),
        (lambda p, base: -math.log(p) / math.log(base), "shape"),
        (lambda p, base: information_torch(p, base).float(), "dtype"),
    ],
    "halving": [
        (halving_bracket, "the sign of log 2"),
        (halving_quotient, "the log of a quotient is no quotient"),
        (halving_sum, "the sign of log 2"),
        (halving_half, "half of the information"),
        (halving_none, "missing lines"),
        (halving_says_nothing, "missing lines"),
        (halving_no_reason, "missing lines"),
        (halving_of_numbers, "given lines"),
        (averages_none, "given lines"),
        (1, "type"),
    ],
    "surprise_of_all": [
        (lambda p: -p.prod(-1).log(), "the product underflows"),
        (lambda p: -torch.log(torch.prod(p, dim=-1)), "the product underflows"),
        (lambda p: -p.log().mean(-1), "the mean"),
        (lambda p: -p.sum(-1).log(), "the logarithm of a sum"),
        (lambda p: -p.log().sum(), "a sum over everything"),
        (lambda p: -torch.log(p), "not added up"),
        (lambda p: sum(-torch.log(p)), "a sum over the rows"),
        (lambda p: p.log().sum(-1), "wrong sign"),
        (lambda p: -p.log2().sum(-1), "log base 2"),
        (lambda p: -p.double().prod(-1).log().to(p.dtype), "value"),
        (lambda p: -(p + 1e-9).log().sum(-1), "value"),
        (lambda p: information(p).sum(-1), "ready-made"),
        (rows(lambda p: -math.log(math.prod(p))), "raises"),
    ],
    "nothing_failed": [
        (lambda m: -(1 - m).log().sum(-1), "1 − m has lost m"),
        (lambda m: -(1 - m).prod(-1).log(), "1 − m has lost m"),
        (lambda m: -(1 - m).prod().log(), "shape"),
        (lambda m: -m.log().sum(-1), "everything failed"),
        (lambda m: -torch.log1p(m).sum(-1), "a sign too many"),
        (lambda m: torch.log1p(-m).sum(-1), "wrong sign"),
        (lambda m: -torch.log1p(-m).sum(), "a sum over everything"),
        (lambda m: m.sum(-1), "an approximation"),
        (lambda m: -torch.log1p(-m), "shape"),
    ],
    "word_length": [
        (lambda n: n.double().log2().floor(), "rounded down"),
        (lambda n: n.double().log2().int(), "rounded down"),
        (lambda n: n.double().log2().round(), "rounded to the nearest"),
        (lambda n: n.double().log2(), "not rounded"),
        (lambda n: n.double().log().ceil(), "natural logarithm"),
        (lambda n: [x.bit_length() for x in n.tolist()], "one too many"),
        (lambda n: n.log2().ceil(), "float32 is too coarse"),
        (lambda n: [math.ceil(math.log(x) / math.log(2)) for x in n.tolist()],
         "the quotient is not exact"),
        (lambda n: n / 2, "value"),
        (lambda n: {1: 0, 2: 1, 3: 2, 4: 2, 5: 3}.get(n[0].item(), 0), "shape"),
    ],
    "capped": [
        ({"cause": "a", "most": 9.21}, "the rate"),
        ({"cause": "c", "most": 9.21}, "underflow"),
        ({"cause": "d", "most": 9.21}, "the mean"),
        ({"cause": "b", "most": 13.29}, "bits, not nats"),
        ({"cause": "b", "most": inf}, "infinity"),
        ({"cause": "b", "most": 24}, "the true surprise"),
        ({"cause": "b", "most": 10_000}, "the slope"),
        ({"cause": "b", "most": 4}, "log base 10"),
        ({"cause": "e", "most": 9.21}, "type"),
        ({"cause": "b", "least": 9.21}, "type"),
    ],
    "at_least_one": [
        (lambda m: -(1 - (1 - m).prod(-1)).log(), "subtracted from 1"),
        (lambda m: -(1 - torch.exp(torch.log1p(-m).sum(-1))).log(),
         "subtracted from 1"),
        (lambda m: -torch.log(torch.expm1(torch.log1p(-m).sum(-1))), "the sign of expm1"),
        (lambda m: -m.sum(-1).log(), "probabilities added"),
        (quiet_torch, "nothing failed"),
        (lambda m: -m.log().sum(-1), "everything failed"),
        (lambda m: 1 - quiet_torch(m), "1 less the surprise"),
        (lambda m: some_numpy(m).sum(), "a sum over everything"),
        (lambda m: torch.tensor(some_numpy(m)) / math.log(2), "log base 2"),
        (lambda m: -(1 - (1 - m.double()).prod(-1)).log().to(m.dtype), "value"),
        (lambda m: -torch.log1p(-(1 - m).prod(-1)), "subtracted from 1"),
    ],
    "averages": [
        (averages_four, "a forgotten 4"),
        (averages_other_four, "a forgotten 4"),
        (averages_half, "the half is lost"),
        (averages_turned, "turned over"),
        (averages_no_square, "missing lines"),
        (averages_none, "missing lines"),
        (averages_turned_relation, "missing lines"),
        (halving_split, "given lines"),
    ],
    "odd_digits": [
        (lambda new, seen: odd_torch(new, seen) * math.log(2), "nats, not bits"),
        (lambda new, seen: -((new > 8).double() @ shares(seen).log2()), "bright pixels only"),
        (lambda new, seen: odd_torch(16.5 - new, seen), "bright and dark changed"),
        (lambda new, seen: -torch.where(new > 8, (seen > 8).double().mean(0),
                                        (seen <= 8).double().mean(0)).log2().sum(1),
         "plain shares"),
        (lambda new, seen: -torch.where(
            new > 8, q := ((seen > 8).sum(0) + 1) / (len(seen) + 1), 1 - q).log2().sum(1),
         "1 more, of as many"),
        (lambda new, seen: -torch.where(
            new >= 8, q := ((seen >= 8).sum(0) + 1) / (len(seen) + 2), 1 - q).log2().sum(1),
         "bright from 8 on"),
        (lambda new, seen: odd_torch(new, seen) / 64, "the mean pixel"),
        (lambda new, seen: odd_torch(new, seen).sum(), "a sum over everything"),
        (lambda new, seen: odd_torch(seen, new), "arguments swapped"),
        (lambda new, seen: odd_torch(new, seen[:30]), "value"),
    ],
}  # fmt: skip

RIGHT = {
    "jackpot": [24, 23.74, math.log2(13_983_816), np.int64(24)],
    "information": [information_loop, information_numpy, information_torch],
    "halving": [halving_split, halving_by_product],
    "surprise_of_all": [
        rows(lambda p: sum(-math.log(x) if x > 0 else inf for x in p)),
        all_numpy,
        all_torch,
    ],
    "nothing_failed": [quiet_torch, quiet_loop, lambda m: -np.log1p(-m.numpy()).sum(-1)],
    "word_length": [length_by_doubling, length_numpy, length_bits],
    "capped": [{"cause": "b", "most": 9.21}, {"cause": "b", "most": -np.log(1e-4)}],
    "at_least_one": [some_loop, some_numpy, some_by_steps],
    "averages": [averages_in_one, averages_in_steps],
    "odd_digits": [odd_torch, odd_loop, odd_float32],
}

globals().update(tried(1, WRONG, RIGHT))
