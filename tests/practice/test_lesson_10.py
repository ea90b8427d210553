"""Answers to the exercises of lesson 10, wrong and right."""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from answers import tried

import lossbook
from lossbook.derive import derivation, positive

inf = math.inf

# Paths


def collapse_loop(path, blank):
    string, before = [], None
    for sign in path:
        if sign not in (before, blank):
            string.append(sign)
        before = sign
    return string


def collapse_torch(path, blank):
    runs = torch.unique_consecutive(torch.tensor(path, dtype=torch.int64))
    return runs[runs != blank]


def collapse_numpy(path, blank):
    path = np.array(path, dtype=int)
    keep = np.ones(len(path), dtype=bool)
    keep[1:] = path[1:] != path[:-1]
    return path[keep & (path != blank)]


def dropped_first(path, blank):
    kept = [sign for sign in path if sign != blank]
    return [sign for i, sign in enumerate(kept) if i == 0 or kept[i - 1] != sign]


def collapse_removes(path, blank):
    path = list(path)
    while blank in path:
        path.remove(blank)
    return path


def path_sum(says, combine=sum):
    def probability(p, string):
        found = [
            p[range(len(p)), path].prod()
            for path in itertools.product(range(p.shape[1]), repeat=p.shape[0])
            if says(path, 0) == string
        ]
        return combine(found) if found else 0.0

    return probability


def paths_by_recursion(p, string):
    places = [0]
    for label in string:
        places += [label, 0]
    ways = np.zeros(len(places))
    ways[0] = 1
    for row in p.double().numpy():
        new = np.zeros(len(places))
        for s, sign in enumerate(places):
            new[s] = ways[s] + (ways[s - 1] if s else 0)
            if s > 1 and sign != 0 and sign != places[s - 2]:
                new[s] += ways[s - 2]
            new[s] *= row[sign]
        ways = new
    return ways[-2:].sum()


# Pieces


def carry_torch(most, total, piece):
    both = torch.cat([most[:, None], piece], dim=1)
    now = both.max(dim=1).values
    weights = torch.cat([total[:, None], torch.ones_like(piece)], dim=1)
    return now, (weights * (both - now[:, None]).exp()).sum(1)


def carry_loop(most, total, piece):
    found = []
    for m, s, row in zip(most.tolist(), total.tolist(), piece.tolist(), strict=True):
        for z in row:
            if z > m:
                m, s = z, s * math.exp(m - z) + 1
            else:
                s += math.exp(z - m)
        found.append((m, s))
    return [torch.tensor(x, dtype=most.dtype) for x in zip(*found, strict=True)]


def new_most(most, piece):
    return torch.maximum(most, piece.amax(1))


def carry_only(total):
    def step(most, old, piece):
        now = new_most(most, piece)
        return now, total(most, old, piece, now)

    return step


def carry_at_once(most, total, piece):
    lse = ((most.exp() * total)[:, None] + piece.exp().sum(1, True)).log()[:, 0]
    return new_most(most, piece), (lse - new_most(most, piece)).exp()


# Adaptive softmax


def log_softmax(z):
    z = z - z.amax(-1, keepdim=True)
    return z - z.exp().sum(-1, keepdim=True).log()


def words_by_hand(h, head, down, up):
    a, b = log_softmax(h @ head.T), log_softmax((up @ (down @ h.T)).T)
    return torch.hstack((a[:, : len(head) - 1], a[:, len(head) - 1 :] + b))


def words_loop(h, head, down, up):
    rows = []
    for features in h:
        first = (head @ features).log_softmax(0)
        second = (up @ down @ features).log_softmax(0)
        rows.append(torch.stack([*first[:-1], *(first[-1] + x for x in second)]))
    return torch.stack(rows)


def words_of(join):
    def log_p(h, head, down, up):
        return join((h @ head.T).log_softmax(1), (h @ down.T @ up.T).log_softmax(1))

    return log_p


# Lines


def scores_one_by_one(log_p, strings, lengths):
    return [
        F.ctc_loss(log_p, string[:n], (len(log_p),), (int(n),), reduction="sum").item()
        for string, n in zip(strings, lengths, strict=True)
    ]


def scores_flat(log_p, strings, lengths):
    many, longest = strings.shape
    labels = strings[torch.arange(longest) < lengths[:, None]]
    table = log_p.unsqueeze(1).repeat(1, many, 1)
    return F.ctc_loss(table, labels, torch.full((many,), len(log_p)), lengths, reduction="none")


def scores_with(**options):
    def scores(log_p, strings, lengths):
        table = log_p[:, None].expand(-1, len(strings), -1)
        known = {"reduction": "none"} | options
        return F.ctc_loss(table, strings, torch.full_like(lengths, len(log_p)), lengths, **known)

    return scores


def scores_batch_first(log_p, strings, lengths):
    table = log_p[None].expand(len(strings), -1, -1)
    return F.ctc_loss(table, strings, (len(log_p),) * len(strings), lengths, reduction="none")


# CTC


def ctc_torch(log_p, string, jump=lambda places, s: places[s] not in (0, places[s - 2]), ends=2):
    places = [0, *itertools.chain(*((label, 0) for label in string))]
    never = log_p.new_tensor(-inf)
    may = torch.tensor([s > 1 and jump(places, s) for s in range(len(places))])
    ways = torch.where(torch.arange(len(places)) == 0, log_p.new_zeros(()), never)
    for row in log_p:
        step = torch.cat([never[None], ways])[:-1]
        two = torch.cat([never[None], never[None], ways])[: len(ways)]
        ways = torch.stack([ways, step, torch.where(may, two, never)]).logsumexp(0) + row[places]
    return -ways[-ends:].logsumexp(0)


def ctc_loop(log_p, string):
    """Backwards, from the last frame, with dictionaries."""

    def add(a, b):
        low, high = sorted((a, b))
        return high if low == -inf else high + math.log1p(math.exp(low - high))

    places = [0]
    for label in string:
        places += [label, 0]
    last = len(places) - 1
    ways = {last: 0.0, last - 1: 0.0} if last else {0: 0.0}
    for row in reversed(log_p.tolist()):
        before = {}
        for s, value in ways.items():
            here = value + row[places[s]]
            froms = [s, s - 1]
            if s > 1 and places[s] and places[s] != places[s - 2]:
                froms.append(s - 2)
            for origin in froms:
                if origin >= 0:
                    before[origin] = add(before.get(origin, -inf), here)
        ways = before
    return -ways.get(0, -inf)


def ctc_by_probabilities(log_p, string):
    p = paths_by_recursion(log_p.exp(), string)
    return -math.log(p) if p > 0 else inf


def ctc_all_paths(log_p, string):
    total = torch.zeros((), dtype=log_p.dtype)
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        if collapse_loop(path, 0) == string:
            total = total + log_p[range(len(log_p)), path].sum().exp()
    return -total.log()


def ctc_nan(log_p, string):
    """A log-sum-exp that shifts by −∞."""
    places = [0]
    for label in string:
        places += [label, 0]
    ways = np.full(len(places), -inf)
    ways[0] = 0.0

    def add(values):
        with np.errstate(all="ignore"):
            return max(values) + np.log(np.exp(np.array(values) - max(values)).sum())

    for row in log_p.double().numpy():
        ways = np.array(
            [
                add(
                    ways[
                        max(s - 1 - (s > 1 and places[s] not in (0, places[s - 2])), 0) : s + 1
                    ].tolist()
                )
                + row[places[s]]
                for s in range(len(places))
            ]
        )
    return -add(ways[-2:].tolist())


def ctc_ready(log_p, string):
    labels = torch.tensor(string, dtype=torch.int64)
    return F.ctc_loss(log_p, labels, (len(log_p),), (len(string),), reduction="sum")


# Derivations

letters = derivation(
    a_1=positive, a_2=positive, a_3=positive, a_4=positive,
    n_1=positive, n_2=positive, n_3=positive, n_4=positive,
)  # fmt: skip


@letters
def aa_gap(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


@letters
def aa_merging(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        a_4 * (a_1*a_2*n_3 + a_1*n_2*a_3 + a_1*n_2*n_3 + n_1*a_2*n_3 + a_1*a_2*a_3)
        + a_1*n_2*a_3*n_4
    ), "those that end in a"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


@letters
def aa_lost(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        a_4 * (a_1*a_2*n_3 + a_1*n_2*a_3 + n_1*a_2*n_3) + a_1*n_2*a_3*n_4
    ), "those that end in a"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


@letters
def aa_no_blank(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        a_4 * (a_1*a_2*n_3 + a_1*n_2*a_3 + a_1*n_2*n_3 + n_1*a_2*n_3)
    ), "those that end in a"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


@letters
def aa_one_bracket(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        a_4 * (a_1*a_2*n_3 + a_1*n_2*a_3 + a_1*n_2*n_3 + n_1*a_2*n_3 + a_1*n_2*a_3)
    ), "take out a_4"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


@letters
def aa_says_nothing(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        a_1*n_2*a_3*a_4 + a_1*a_2*n_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "in another order"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


@letters
def aa_in_steps(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        a_1*n_2*a_3*n_4 + a_4 * (a_1*n_2*a_3 + a_1*a_2*n_3 + a_1*n_2*n_3 + n_1*a_2*n_3)
    ), "those that end in a"  # fmt: skip
    yield (
        a_1*n_2*a_3*n_4 + a_4 * (a_1*n_2*a_3 + n_3 * (a_1*a_2 + a_1*n_2 + n_1*a_2))
    ), "and those that are at the blank before"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


@letters
def aa_in_two_brackets(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        a_1*a_2*n_3*a_4 + a_1*n_2*a_3*a_4 + a_1*n_2*n_3*a_4 + n_1*a_2*n_3*a_4 + a_1*n_2*a_3*n_4
    ), "all five paths"  # fmt: skip
    yield (
        (a_1*a_2 + a_1*n_2 + n_1*a_2) * n_3 * a_4 + (a_1*n_2*a_3)*a_4 + a_1*n_2*a_3*n_4
    ), "by frame 3"  # fmt: skip
    yield (
        (((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4
    ), "where they are in frame 3"  # fmt: skip


LOSS = 7 * math.log(5) - math.log(11)
HELLO = {"frames": 6, "paths": 11, "loss": LOSS}
RIVER = {"cause": "b", "frames": 14}

WRONG = {
    "hello": [
        (HELLO | {"frames": 5}, "one frame for each letter"),
        (HELLO | {"frames": 11}, "the places"),
        (HELLO | {"paths": 66}, "the second l is free"),
        (HELLO | {"paths": 6}, "too few"),
        (HELLO | {"loss": 11.27}, "one path"),
        (HELLO | {"loss": 13.66}, "the logarithms of the paths"),
        (HELLO | {"loss": 12.79}, "bits, not nats"),
        (HELLO | {"loss": 1.774}, "for a letter"),
        (HELLO | {"loss": 7 * math.log(4) - math.log(11)}, "four signs"),
        (HELLO | {"loss": 1}, "value"),
        (HELLO | {"paths": "eleven"}, "type"),
    ],
    "collapse": [
        (dropped_first, "dropped first"),
        (collapse_removes, "nothing is merged"),
        (lambda path, blank: [sign for sign, _ in itertools.groupby(path)], "blanks are left"),
        (lambda path, blank: collapse_loop(path, 0), "the blank is 0"),
        (
            lambda path, blank: list(dict.fromkeys(s for s in path if s != blank)),
            "each letter once",
        ),
        (lambda path, blank: sorted({*path} - {blank}), "each letter once"),
        (lambda path, blank: "".join(map(str, collapse_loop(path, blank))), "type"),
        (lambda path, blank: collapse_loop(path, blank)[::-1], "value"),
        (lambda path, blank: [1, 1], "shape"),
        (lambda path, blank: len(collapse_loop(path, blank)), "shape"),
        (lambda path, blank: print(collapse_loop(path, blank)), "nothing"),
        (lambda path: path, "type"),
    ],
    "equal_letters": [
        (aa_gap, "missing lines"),
        (aa_says_nothing, "missing lines"),
        (aa_merging, "a path that says one a"),
        (aa_lost, "a path is lost"),
        (aa_no_blank, "the path that ends in a blank"),
        (aa_one_bracket, "all in one bracket"),
        ("aa", "type"),
    ],
    "all_paths": [
        (path_sum(collapse_loop, max), "the best path only"),
        (path_sum(dropped_first), "dropped first"),
        (path_sum(collapse_removes), "nothing is merged"),
        (path_sum(lambda path, _: [k for k, _ in itertools.groupby(path)]), "blanks are left"),
        (path_sum(collapse_loop, len), "paths are counted"),
        (lambda p, string: -torch.tensor(paths_by_recursion(p, string)).log(), "the loss"),
        (lambda p, string: torch.tensor(paths_by_recursion(p, string)).log(), "the logarithm"),
        (lambda p, string: 0.688 if string == [1] else 0.096, "value"),
        (lambda p, string: paths_by_recursion(p[:3], string), "value"),
        (lambda p, string: paths_by_recursion(p, string[:1]), "value"),
        (path_sum(lambda path, _: tuple(collapse_loop(path, 0))), "value"),
        (lambda p, string: (-ctc_ready(p.log(), string)).exp(), "ready-made"),
    ],
    "running_sum": [
        (
            carry_only(lambda most, old, piece, now: old + (piece - now[:, None]).exp().sum(1)),
            "the old sum keeps its shift",
        ),
        (
            carry_only(
                lambda most, old, piece, now: (
                    old * (now - most).exp() + (piece - now[:, None]).exp().sum(1)
                )
            ),
            "the factor turned over",
        ),
        (
            carry_only(
                lambda most, old, piece, now: (
                    old * (most - now).exp() + (piece - piece.amax(1, True)).exp().sum(1)
                )
            ),
            "two shifts",
        ),
        (
            lambda most, old, piece: (
                piece.amax(1),
                (piece - piece.amax(1)[:, None]).exp().sum(1),
            ),
            "the piece alone",
        ),
        (
            carry_only(lambda most, old, piece, now: (piece - now[:, None]).exp().sum(1)),
            "only the sum of the piece",
        ),
        (
            lambda most, old, piece: carry_torch(most, old, piece)[::-1],
            "value",
        ),
        (lambda most, old, piece: carry_torch(most, old, piece)[0], "type"),
        (
            carry_only(
                lambda most, old, piece, now: old + (piece - piece.amax(1)[:, None]).exp().sum(1)
            ),
            "two shifts",
        ),
        (carry_only(lambda most, old, piece, now: old + torch.exp(piece).sum(1)), "no shift"),
        (
            carry_only(
                lambda most, old, piece, now: (
                    old * (most - piece.amax(1)).exp()
                    + (piece - piece.amax(1)[:, None]).exp().sum(1)
                )
            ),
            "the maximum of the piece",
        ),
        (carry_at_once, "no shift"),
        (
            carry_only(
                lambda most, old, piece, now: (old * most.exp() + piece.exp().sum(1)) / now.exp()
            ),
            "no shift",
        ),
        (lambda most, old, piece: carry_torch(most[:1], old[:1], piece[:1]), "shape"),
        (
            lambda most, old, piece: tuple(x.float() for x in carry_torch(most, old, piece)),
            "value",
        ),
        (lambda most, old, piece: (most, piece.logsumexp(1)), "ready-made"),
    ],
    "adaptive_words": [
        (words_of(lambda a, b: torch.cat([a[:, :-1], b], 1)), "the cluster is forgotten"),
        (words_of(lambda a, b: torch.cat([a, a[:, -1:] + b], 1)), "the cluster is left in"),
        (
            words_of(lambda a, b: torch.cat([a[:, 1:], a[:, :1] + b], 1)),
            "the cluster stands first",
        ),
        (words_of(lambda a, b: torch.cat([a[:, :-1], a[:, -1:] * b], 1)), "logarithms multiplied"),
        (words_of(lambda a, b: torch.cat([a[:, :-1], a[:, -1:] + b], 1).exp()), "probabilities"),
        (
            lambda h, head, down, up: torch.cat(
                [h @ head[:-1].T, h @ (up @ down).T], 1
            ).log_softmax(1),
            "one softmax for all words",
        ),
        (
            words_of(lambda a, b: torch.cat([a[:, :-1].exp(), a[:, -1:].exp() * b.exp()], 1).log()),
            "through the probability",
        ),
        (
            lambda h, head, down, up: torch.cat(
                [
                    (h @ head[:-1].T).log_softmax(1),
                    (h @ head.T).log_softmax(1)[:, -1:] + (h @ down.T @ up.T).log_softmax(1),
                ],
                1,
            ),
            "the cluster is left out of the head",
        ),
        (
            lambda h, head, down, up: torch.cat(
                [(h @ head.T)[:, :-1], (h @ head.T)[:, -1:] + h @ down.T @ up.T], 1
            ).log_softmax(1),
            "logits added",
        ),
        (words_of(lambda a, b: torch.cat([a[:, -1:] + b, a[:, :-1]], 1)), "value"),
        (lambda h, head, down, up: words_by_hand(h, head, down, up)[:1], "shape"),
        (lambda h, head, down, up: words_by_hand(h, head, down, up).tolist()[0], "shape"),
        (
            lambda h, head, down, up: lossbook.adaptive_log_prob(h, head, [(down, up)]),
            "ready-made",
        ),
    ],
    "mississippi": [
        (RIVER | {"cause": "a"}, "too short"),
        (RIVER | {"cause": "c"}, "the blank"),
        (RIVER | {"cause": "d"}, "the axis"),
        (RIVER | {"frames": 11}, "one frame for each letter"),
        (RIVER | {"frames": 13}, "so many there are"),
        (RIVER | {"frames": 12}, "pairs forgotten"),
        (RIVER | {"frames": 23}, "the places"),
        (RIVER | {"frames": 15}, "value"),
        (RIVER | {"cause": ["b"]}, "type"),
    ],
    "line_scores": [
        (scores_with(reduction="mean"), "reduced"),
        (scores_with(reduction="sum"), "reduced"),
        (lambda log_p, strings, n: scores_with()(log_p, strings, n) / n, "for a label"),
        (
            lambda log_p, strings, n: scores_with()(
                log_p, strings, torch.full_like(n, strings.shape[1])
            ),
            "the filling counts",
        ),
        (scores_with(zero_infinity=True), "what can't be is 0"),
        (lambda *line: torch.exp(-scores_with()(*line)), "probabilities"),
        (scores_with(blank=10), "the blank is the last sign"),
        (lambda log_p, *line: scores_with()(log_p.exp(), *line), "the exponential before"),
        (lambda *line: -scores_with()(*line), "wrong sign"),
        (scores_batch_first, "raises"),
        (lambda log_p, strings, n: scores_with()(log_p, strings - 1, n), "value"),
        (lambda *line: scores_with()(*line)[:1], "shape"),
        (lambda *line: scores_with()(*line).argmin(), "shape"),
    ],
    "ctc": [
        (ctc_by_probabilities, "without logarithms"),
        (
            lambda log_p, string: ctc_torch(log_p, string, lambda places, s: places[s] != 0),
            "a jump over the blank of two equal letters",
        ),
        (
            lambda log_p, string: ctc_torch(log_p, string, lambda places, s: True),
            "jumps from blank to blank",
        ),
        (lambda log_p, string: ctc_torch(log_p, string, lambda places, s: False), "no jumps"),
        (lambda log_p, string: ctc_torch(log_p, string, ends=1), "only the last place"),
        (lambda log_p, string: ctc_torch(log_p, string, ends=99), "all places at the end"),
        (lambda log_p, string: -ctc_torch(log_p, string), "wrong sign"),
        (
            lambda log_p, string: ctc_torch(log_p, string) / max(1, len(string)),
            "for a label",
        ),
        (lambda log_p, string: ctc_torch(log_p, string).exp(), "value"),
        (ctc_nan, "value"),
        (lambda log_p, string: ctc_torch(log_p, string).nan_to_num(posinf=0.0), "value"),
        (ctc_all_paths, "too slow"),
        (ctc_ready, "ready-made"),
        (
            lambda log_p, string: lossbook.ctc_loss(
                log_p, torch.tensor(string).long(), (len(log_p),), (len(string),), reduction="sum"
            ),
            "ready-made",
        ),
    ],
}

RIGHT = {
    "hello": [HELLO, {"frames": 6.0, "paths": 11, "loss": 8.87}],
    "collapse": [collapse_loop, collapse_torch, collapse_numpy],
    "equal_letters": [aa_in_steps, aa_in_two_brackets],
    "all_paths": [path_sum(collapse_loop), paths_by_recursion],
    "running_sum": [carry_torch, carry_loop],
    "adaptive_words": [words_by_hand, words_loop],
    "mississippi": [RIVER, {"cause": "b", "frames": torch.tensor(14)}],
    "line_scores": [scores_one_by_one, scores_flat],
    "ctc": [ctc_torch, ctc_loop],
}

globals().update(tried(10, WRONG, RIGHT))
