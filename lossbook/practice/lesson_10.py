"""Exercises of lesson 10: sequences and large vocabularies."""

import functools
import itertools
import math

import torch
from torch.nn.functional import ctc_loss

import lossbook
from lossbook.derive import derivation, positive
from lossbook.practice.exercise import BOTH, Mistake
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, logits

EVEN = 7 * math.log(5) - math.log(11)

hello = Question(
    name="hello",
    title="Hello",
    kind="predict",
    level=1,
    minutes=6,
    answer={"frames": 6, "paths": 11, "loss": EVEN},
    hints=[
        "Where must there be a blank between two letters?",
        "The lesson has a formula for the number of paths. Here S = 5, R = 1 and T = 7.",
        "All paths have the same probability here: a fifth for each frame.",
    ],
    mistakes=[
        Mistake("one frame for each letter", "Without a blank between them, two l become one.",
                {"frames": 5}),
        Mistake("the places", "This is the number of places, 2S + 1. Most blanks may be left out.",
                {"frames": 11}),
        Mistake("the second l is free", "Two l without a blank between them are one l.",
                {"paths": math.comb(12, 10)}),
        Mistake("too few", "Each of the six runs may be the one of two frames; and what else?",
                {"paths": 6}),
        Mistake("one path", "This is the surprise at a single path. Several of them say it.",
                {"loss": 7 * math.log(5)}),
        Mistake("the logarithms of the paths", "More paths make the string likelier, not less.",
                {"loss": 7 * math.log(5) + math.log(11)}),
        Mistake("four signs", "The blank is a sign as well: there are five.",
                {"loss": 7 * math.log(4) - math.log(11)}),
        Mistake("bits, not nats", "This is the right number in bits.",
                {"loss": EVEN / math.log(2)}),
        Mistake("for a letter", "This is divided by the five letters, as torch's mean does.",
                {"loss": EVEN / 5}),
    ],
)  # fmt: skip


def said_by(path, blank=0):
    return [label for label, _ in itertools.groupby(path) if label != blank]


def without(path, blank):
    return [label for label in path if label != blank]


def merged(path):
    return [label for label, _ in itertools.groupby(path)]


def some_path(case):
    return tuple(case.integer(0, 3) for _ in range(case.integer(0, 9)))


collapse = Function(
    name="collapse",
    title="What a path says",
    kind="mend",
    level=1,
    minutes=6,
    answer=said_by,
    cases={"path": Domain(some_path), "blank": Domain(lambda case: case.integer(0, 3))},
    examples=[((1, 1, 0, 1), 0), ((), 0)],
    hints=[
        "What keeps two equal letters apart? It must still be there when neighbours are compared.",
        "Keep a sign if it differs from the one before it *in the path*, and is not the blank.",
    ],
    mistakes=[
        Mistake("dropped first", "Dropped first, the blank can't keep two equal letters apart.",
                lambda path, blank: merged(without(path, blank))),
        Mistake("nothing is merged", "Neighbours that are the same are one letter.",
                without),
        Mistake("blanks are left", "After the merging the blanks have to go.",
                lambda path, blank: merged(path)),
        Mistake("the blank is 0", "The second argument says which sign is the blank.",
                lambda path, blank: said_by(path, 0)),
        Mistake("each letter once", "A letter may come again later; only neighbours are merged.",
                lambda path, blank: list(dict.fromkeys(without(path, blank)))),
        Mistake("each letter once", "A letter may come again later; only neighbours are merged.",
                lambda path, blank: sorted(set(path) - {blank})),
    ],
)  # fmt: skip


@derivation(
    a_1=positive, a_2=positive, a_3=positive, a_4=positive,
    n_1=positive, n_2=positive, n_3=positive, n_4=positive,
)  # fmt: skip
def aa_in_four_frames(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
    yield (
        (
            a_1 * a_2 * n_3 * a_4
            + a_1 * n_2 * a_3 * a_4
            + a_1 * n_2 * n_3 * a_4
            + n_1 * a_2 * n_3 * a_4
            + a_1 * n_2 * a_3 * n_4
        ),
        "all five paths",
    )
    yield (
        (
            (a_1 * a_2 * n_3 + a_1 * n_2 * a_3 + a_1 * n_2 * n_3 + n_1 * a_2 * n_3) * a_4
            + a_1 * n_2 * a_3 * n_4
        ),
        "four of them end in a",
    )
    yield (
        ((((a_1 + n_1) * a_2 + a_1 * n_2) * n_3 + a_1 * n_2 * a_3) * a_4 + a_1 * n_2 * a_3 * n_4),
        "where they are in frame 3: at the blank between, or at the second a",
    )


def five_paths(last=1, merging=0, blank=1):
    """A wrong line: paths left out, or one that says "a" only."""

    def line(a_1, a_2, a_3, a_4, n_1, n_2, n_3, n_4):
        before = a_1 * a_2 * n_3 + a_1 * n_2 * a_3 + last * a_1 * n_2 * n_3 + n_1 * a_2 * n_3
        return (before + merging * a_1 * a_2 * a_3) * a_4 + blank * a_1 * n_2 * a_3 * n_4

    return line


equal_letters = Proof(
    name="equal_letters",
    title="Two equal letters",
    level=1,
    minutes=8,
    answer=aa_in_four_frames,
    given=(0, 2),
    wants={"a line where a_4 stands before or behind a bracket": r"\)\s*\*\s*a_4|a_4\s*\*\s*\("},
    hints=[
        "In frame 4 a path says a, or it says nothing. Which of the five are which?",
        "Four of the products have the factor a_4 in common. Write it once, behind a bracket.",
    ],
    mistakes=[
        Mistake("a path that says one a", "aaaa says \"a\": there is no blank in it.",
                five_paths(merging=1)),
        Mistake("a path is lost", "a--a says \"aa\" as well: four products have the factor a_4.",
                five_paths(last=0)),
        Mistake("the path that ends in a blank", "a-a- ends in a blank, and it counts.",
                five_paths(blank=0)),
        Mistake("all in one bracket",
                "Not all five have the factor a_4: the last one ends in the blank, n_4.",
                lambda a_1, a_2, a_3, a_4, n_1, n_2, n_3: a_4 * (
                    a_1 * a_2 * n_3 + 2 * a_1 * n_2 * a_3 + a_1 * n_2 * n_3 + n_1 * a_2 * n_3)),
    ],
)  # fmt: skip


def some_string(case):
    """Labels from 1 on; the blank is 0."""
    last = case.size("signs:2-4") - 1
    return [case.integer(1, last) for _ in range(case.integer(0, 3))]


def frames(shape, make):
    """A table with a distribution in each row, made from logits between −3 and 3."""

    def draw(case):
        sizes = case.shape(shape)
        drawn = [case.integer(-30, 30) / 10 for _ in range(math.prod(sizes))]
        z = torch.tensor(drawn, dtype=torch.float64).reshape(sizes)
        return make(z, case).to(case.dtype(BOTH))

    return Domain(draw)


def with_zeros(z, case):
    p = z.softmax(1)
    if case.integer(0, 2) == 2:  # as sure as can be
        p = (p == p.amax(1, keepdim=True)).double()
        p = p / p.sum(1, keepdim=True)
    return p


def over_paths(says, total=lambda terms: sum(terms, 0.0)):
    """Add up the products of the paths of which `says(path)` is the string."""

    def probability(p, string):
        rows = p.tolist()
        terms = [
            math.prod(row[sign] for row, sign in zip(rows, path, strict=True))
            for path in itertools.product(range(p.shape[1]), repeat=len(rows))
            if says(path) == string
        ]
        return torch.tensor(total(terms), dtype=p.dtype)

    return probability


def best_only(terms):
    return max(terms, default=0.0)


all_paths = Function(
    name="all_paths",
    title="All paths, one by one",
    level=2,
    minutes=10,
    answer=over_paths(said_by),
    cases={
        "p": frames("frames:1-4 signs:2-4", with_zeros),
        "string": Domain(some_string),
    },
    examples=[(torch.tensor([[0.6, 0.4]] * 3), string) for string in ([1], [1, 1], [], [1, 1, 1])],
    hints=[
        "`itertools.product(range(C), repeat=T)` gives all paths. Which of them count?",
        "A path has the product of its probabilities, one from each row. Your `collapse` says "
        "whether it says the string.",
    ],
    mistakes=[
        Mistake("the best path only", "A string has the *sum* over all its paths.",
                over_paths(said_by, best_only)),
        Mistake("dropped first", "Merge neighbours first, and then drop the blanks.",
                over_paths(lambda path: merged(without(path, 0)))),
        Mistake("nothing is merged", "Neighbours that are the same are one letter.",
                over_paths(lambda path: without(path, 0))),
        Mistake("blanks are left", "Blanks are dropped before a path is compared with the string.",
                over_paths(merged)),
        Mistake("the loss", "This is minus the logarithm of what is asked.",
                lambda p, string: -over_paths(said_by)(p, string).log()),
        Mistake("the logarithm", "This is the logarithm of what is asked.",
                lambda p, string: over_paths(said_by)(p, string).log()),
        Mistake("paths are counted", "Each path has a probability; they are not equally likely.",
                lambda p, string: over_paths(said_by, len)(p, string)),
        Mistake("sums along a path", "Along a path the probabilities are multiplied.",
                lambda p, string: torch.stack([p.new_zeros(()), *[
                    p[range(len(p)), path].sum()
                    for path in itertools.product(range(p.shape[1]), repeat=len(p))
                    if said_by(path) == string]]).sum()),
    ],
)  # fmt: skip


def carried_on(most, total, piece):
    now = torch.maximum(most, piece.amax(1))
    return now, total * (most - now).exp() + (piece - now[:, None]).exp().sum(1)


def drawn_pieces(case):
    """What is known before a piece, and the piece; at the start that is nothing."""
    rows, words = case.size("rows"), case.size("words:1-4")
    before = case.integer(0, 3)
    drawn = logits(f"{rows} {before + words}", dtype=BOTH).make(case)
    case.piece = drawn[:, before:]
    if before == 0:
        case.total = drawn.new_zeros(rows)
        return drawn.new_full((rows,), -math.inf)
    most = drawn[:, :before].amax(1)
    case.total = (drawn[:, :before] - most[:, None]).exp().sum(1)
    return most


def with_sum(total):
    """A wrong step: the maximum is right, the sum is not."""

    def step(most, old, piece):
        now = torch.maximum(most, piece.amax(1))
        return now, total(most, old, piece, now)

    return step


running_sum = Function(
    name="running_sum",
    title="The logits come in pieces",
    level=2,
    minutes=12,
    answer=carried_on,
    cases={
        "most": Domain(drawn_pieces),
        "total": Domain(lambda case: case.total),
        "piece": Domain(lambda case: case.piece),
    },
    hints=[
        "The new maximum is the larger of the old one and that of the piece, row by row.",
        "The old sum was shifted by the old maximum. By which factor does another shift change it?",
        "e^(z − new) = e^(z − old) · e^(old − new), for every z that has gone by.",
    ],
    mistakes=[
        Mistake("the old sum keeps its shift",
                "The old sum was shifted by the old maximum, and has to be brought to the new one.",
                with_sum(lambda most, old, piece, now: old
                         + (piece - now[:, None]).exp().sum(1))),
        Mistake("the factor turned over",
                "Where the maximum grows, the old terms become smaller, not larger.",
                with_sum(lambda most, old, piece, now: old * (now - most).exp()
                         + (piece - now[:, None]).exp().sum(1))),
        Mistake("two shifts", "The terms of the piece are shifted by the new maximum as well.",
                with_sum(lambda most, old, piece, now: old * (most - now).exp()
                         + (piece - piece.amax(1, keepdim=True)).exp().sum(1))),
        Mistake("two shifts", "Both sums must be shifted by the same maximum, the new one.",
                with_sum(lambda most, old, piece, now: old
                         + (piece - piece.amax(1, keepdim=True)).exp().sum(1))),
        Mistake("no shift", "The terms of the piece are not shifted by the maximum at all.",
                with_sum(lambda most, old, piece, now: old + piece.exp().sum(1))),
        Mistake("the maximum of the piece",
                "The shift is the larger of the old maximum and that of the piece.",
                with_sum(lambda most, old, piece, now: old * (most - piece.amax(1)).exp()
                         + (piece - piece.amax(1, keepdim=True)).exp().sum(1))),
        Mistake("no shift", "Without a shift the exponentials overflow.",
                with_sum(lambda most, old, piece, now: old * most.exp() / now.exp()
                         + piece.exp().sum(1) / now.exp())),
        Mistake("the piece alone", "What came before the piece is lost.",
                lambda most, total, piece: (
                    piece.amax(1), (piece - piece.amax(1, keepdim=True)).exp().sum(1))),
        Mistake("only the sum of the piece", "What came before the piece is lost from the sum.",
                with_sum(lambda most, old, piece, now: (piece - now[:, None]).exp().sum(1))),
        Mistake("one maximum for all", "Each row has a maximum of its own.",
                lambda most, total, piece: (
                    torch.maximum(most, piece.max()),
                    total * (most - torch.maximum(most, piece.max())).exp()
                    + (piece - torch.maximum(most, piece.max())[:, None]).exp().sum(1))),
    ],
)  # fmt: skip


def whole(shape, factor=1):
    """Small whole numbers, so that all logits are exact, in whatever order they are summed."""

    def draw(case):
        sizes = case.shape(shape)
        large = factor if case.integer(0, 3) == 3 else 1
        drawn = [large * case.integer(-3, 3) for _ in range(math.prod(sizes))]
        return torch.tensor(drawn, dtype=torch.float64).reshape(sizes).to(case.dtype(BOTH))

    return Domain(draw)


def adaptive_parts(h, head, down, up):
    return (h @ head.T).log_softmax(1), (h @ down.T @ up.T).log_softmax(1)


def in_two_steps(h, head, down, up):
    first, second = adaptive_parts(h, head, down, up)
    return torch.cat([first[:, :-1], first[:, -1:] + second], 1)


def of_parts(join):
    return lambda *arguments: join(*adaptive_parts(*arguments))


adaptive_words = Function(
    name="adaptive_words",
    title="All words, in two steps",
    level=2,
    minutes=10,
    answer=in_two_steps,
    cases={
        "h": whole("rows features", 20),
        "head": whole("first:2-4 features"),
        "down": whole("few:1-2 features"),
        "up": whole("words:1-4 few:1-2"),
    },
    allow={"log_softmax"},
    hints=[
        "Two log-softmaxes: one over the head, one over the words of the cluster.",
        "The last column of the first is the logarithm of the probability of the cluster. It is "
        "no word.",
        "`torch.cat([…, …], 1)`: the frequent words as they are; for each word of the cluster the "
        "sum of two logarithms.",
    ],
    mistakes=[
        Mistake("the cluster is forgotten",
                "This is the probability of a word *within* its cluster: all together they are 2.",
                of_parts(lambda a, b: torch.cat([a[:, :-1], b], 1))),
        Mistake("the cluster is left in", "The last logit of the head is no word.",
                of_parts(lambda a, b: torch.cat([a, a[:, -1:] + b], 1))),
        Mistake("the cluster stands first", "The cluster has the last logit of the head.",
                of_parts(lambda a, b: torch.cat([a[:, 1:], a[:, :1] + b], 1))),
        Mistake("the wrong step", "Which logit of the head belongs to the cluster?",
                of_parts(lambda a, b: torch.cat([a[:, :-1], a[:, :1] + b], 1))),
        Mistake("logarithms multiplied", "Probabilities are multiplied, their logarithms added.",
                of_parts(lambda a, b: torch.cat([a[:, :-1], a[:, -1:] * b], 1))),
        Mistake("probabilities", "These are the probabilities; their logarithms are asked.",
                of_parts(lambda a, b: torch.cat([a[:, :-1].exp(), (a[:, -1:] + b).exp()], 1))),
        Mistake("one softmax for all words", "Two steps take two softmaxes.",
                lambda h, head, down, up: torch.cat(
                    [h @ head[:-1].T, h @ down.T @ up.T], 1).log_softmax(1)),
        Mistake("the cluster is left out of the head",
                "The cluster has its share in the softmax of the head; drop its column afterwards.",
                lambda h, head, down, up: torch.cat(
                    [(h @ head[:-1].T).log_softmax(1),
                     in_two_steps(h, head, down, up)[:, len(head) - 1:]], 1)),
        Mistake("logits added", "Two steps take two softmaxes: logits can't be added.",
                lambda h, head, down, up: torch.cat(
                    [h @ head[:-1].T, h @ head[-1:].T + h @ down.T @ up.T], 1).log_softmax(1)),
        Mistake("through the probability",
                "A probability that is rounded to 0 has no logarithm: stay with logarithms.",
                of_parts(lambda a, b: torch.cat(
                    [a[:, :-1].exp(), a[:, -1:].exp() * b.exp()], 1).log())),
    ],
)  # fmt: skip

mississippi = Question(
    name="mississippi",
    title="A loss of 0, and a word that can't be read",
    kind="explain",
    level=2,
    minutes=8,
    answer={"cause": "b", "frames": 14},
    choices="abcd",
    within=0.001,
    hints=[
        "What does the last argument of the loss do? Take it away and look.",
        "How many frames does each of the words need? Count the letters, and look for neighbours "
        "that are the same.",
    ],
    mistakes=[
        Mistake("too short", "Its logits have not moved at all: what is the slope there?",
                {"cause": "a"}),
        Mistake("the blank", "The blank is sign 0, and no word has it among its letters.",
                {"cause": "c"}),
        Mistake("the axis",
                "The signs of a frame stand in the last dimension, so it is the right one.",
                {"cause": "d"}),
        Mistake("one frame for each letter",
                "So many letters it has. Then 13 frames would be enough.", {"frames": 11}),
        Mistake("so many there are", "So many frames it had.", {"frames": 13}),
        Mistake("pairs forgotten", "So it would be read in 13 frames. Count the pairs again.",
                {"frames": 12}),
        Mistake("the places", "This is the number of places, 2S + 1. Most blanks may be left out.",
                {"frames": 23}),
    ],
)  # fmt: skip


@functools.cache
def pictures():
    """All pictures of digits, their digits, and how far each is from a mean and from white."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels, digit = torch.tensor(found.data / 16), torch.tensor(found.target)
    means = torch.stack([pixels[:1000][digit[:1000] == k].mean(0) for k in range(10)])
    centres = torch.cat([torch.zeros(1, 64, dtype=torch.float64), means])
    white = torch.zeros(1, 64, dtype=torch.float64)
    z = -((torch.cat([white, pixels])[:, None] - centres) ** 2).sum(2)
    return z.log_softmax(1), digit


def some_line(case):
    """Pictures beside each other, with white ones here and there: row 0 is a white one."""
    rows = []
    for _ in range(case.integer(1, 4)):
        rows += [1001 + case.integer(0, 700)] * case.integer(1, 2) + [0] * case.integer(0, 1)
    case.line = rows
    return pictures()[0][rows]


def candidates(case):
    digit = pictures()[1]
    true = said_by([int(digit[row - 1]) + 1 if row else 0 for row in case.line])
    drawn = [[case.integer(1, 10) for _ in range(case.integer(1, 5))] for _ in range(2)]
    case.strings = [true, *drawn, [*true, true[-1]]][: case.integer(1, 4)]
    longest = max(map(len, case.strings))
    return torch.tensor([string + [0] * (longest - len(string)) for string in case.strings])


def scores(log_p, strings, lengths, loss=ctc_loss, **options):
    many = len(strings)
    table = log_p[:, None].expand(-1, many, -1)
    frames = torch.full((many,), len(log_p))
    return loss(table, strings, frames, lengths, **{"reduction": "none"} | options)


line_scores = Function(
    name="line_scores",
    title="Which string stands there?",
    kind="use",
    level=2,
    minutes=12,
    answer=lambda *line: scores(*line, loss=lossbook.ctc_loss),
    cases={
        "log_p": Domain(some_line),
        "strings": Domain(candidates),
        "lengths": Domain(lambda case: torch.tensor([len(each) for each in case.strings])),
    },
    allow={"torch", "ctc_loss"},
    hints=[
        "`F.ctc_loss` wants a table (T, M, C): the same frames once for each candidate.",
        "`log_p[:, None].expand(-1, M, -1)` repeats the frames. Each candidate has all T frames.",
        "`reduction=\"none\"` leaves a loss for each. The lengths of frames and strings are both "
        "tensors, or both lists.",
    ],
    mistakes=[
        Mistake("reduced", "One loss for each candidate is asked.",
                lambda *line: scores(*line, reduction="mean")),
        Mistake("reduced", "One loss for each candidate is asked.",
                lambda *line: scores(*line, reduction="sum")),
        Mistake("for a label", "The loss of the string is asked, not divided by its length.",
                lambda *line: scores(*line) / line[2]),
        Mistake("the filling counts", "Each candidate has its own length; what is behind it is "
                "filling.",
                lambda log_p, strings, lengths: scores(
                    log_p, strings, torch.full_like(lengths, strings.shape[1]))),
        Mistake("what can't be is 0",
                "A string that has no path in these frames is not certain, but impossible.",
                lambda *line: scores(*line, zero_infinity=True)),
        Mistake("probabilities", "These are the probabilities of the strings.",
                lambda *line: (-scores(*line)).exp()),
        Mistake("the blank is the last sign", "Here the blank is sign 0.",
                lambda *line: scores(*line, blank=10)),
        Mistake("the exponential before", "The loss expects log-probabilities.",
                lambda log_p, *line: scores(log_p.exp(), *line)),
    ],
)  # fmt: skip


def places_of(string, jumps=True):
    """The signs at the places of a string, and where a path may jump."""
    places = [0]
    for label in string:
        places += [label, 0]
    over = [s > 1 and places[s] != 0 and places[s] != places[s - 2] for s in range(len(places))]
    return places, over if jumps is True else [s > 1 and jumps(places, s) for s in range(len(over))]


def by_logs(log_p, string, jumps=True, ends=2, start=0, add=None):
    """The loss of one string; the options make the mistakes."""
    places, over = places_of(string, jumps)
    add = add or log_sum
    ways = [start] + [-math.inf] * (len(places) - 1)
    for row in log_p.double().tolist():
        ways = [
            add([ways[s], *ways[max(s - 1, 0) : s], *([ways[s - 2]] if over[s] else [])])
            + row[places[s]]
            for s in range(len(places))
        ]
    return -torch.tensor(add(ways[-ends:]), dtype=log_p.dtype)


def log_sum(terms):
    most = max(terms)
    if most == -math.inf:
        return most
    return most + math.log(sum(math.exp(term - most) for term in terms))


def without_logs(log_p, string):
    """The recursion on probabilities, which become 0."""
    places, over = places_of(string)
    ways = log_p.new_tensor([1.0] + [0.0] * (len(places) - 1))
    jump = torch.tensor(over)
    for p in log_p.exp():
        step, two = (torch.cat([ways.new_zeros(by), ways])[: len(ways)] for by in (1, 2))
        ways = (ways + step + two * jump) * p[places]
    return -ways[-2:].sum().log()


def drawn_frames(case):
    drawn = logits("frames:1-6 signs:2-4", dtype=BOTH).make(case)
    return drawn.log_softmax(1)


LONG = torch.zeros(100, 5).log_softmax(1)

ctc = Function(
    name="ctc",
    title="CTC, in logarithms",
    level=3,
    minutes=20,
    answer=by_logs,
    cases={"log_p": Domain(drawn_frames), "string": Domain(some_string)},
    examples=[(LONG, [1, 2, 2, 3, 4, 1]), (LONG.double(), [1, 2, 2, 3]), (LONG[:2], [1, 1])],
    allow={"logsumexp", "logaddexp"},
    hints=[
        "Write down the places: blank, letter, blank, …, blank. For each keep the logarithm of all "
        "ways to be there; before the first frame it is 0 at place 0 and −∞ elsewhere.",
        "In each frame a place takes the log-sum-exp of up to three places of the frame before, "
        "and adds the log-probability of its own sign.",
        "The jump from s − 2 is allowed where the place has a letter other than that at s − 2. In "
        "the end, the last two places; an empty string has one place only.",
    ],
    mistakes=[
        Mistake("without logarithms",
                "In many frames the probabilities become too small for the computer, and their sum "
                "0. Add logarithms instead.", without_logs),
        Mistake("without logarithms",
                "In many frames the probabilities become too small for the computer, and their sum "
                "0. Add logarithms instead.",
                lambda log_p, string: without_logs(log_p.exp().double().log(), string)),
        Mistake("without logarithms",
                "In many frames the probabilities become too small for the computer, and their sum "
                "0. Add logarithms instead.",
                lambda log_p, string: without_logs(log_p.double(), string)),
        Mistake("a jump over the blank of two equal letters",
                "Without a blank between them, two equal letters are one: there is no jump.",
                lambda log_p, string: by_logs(log_p, string, lambda places, s: places[s] != 0)),
        Mistake("jumps from blank to blank", "A jump leads to a letter; a letter can't be skipped.",
                lambda log_p, string: by_logs(log_p, string, lambda places, s: True)),
        Mistake("jumps from blank to blank", "A jump leads to a letter; a letter can't be skipped.",
                lambda log_p, string: by_logs(
                    log_p, string, lambda places, s: places[s] == 0 or places[s] != places[s - 2])),
        Mistake("no jumps", "A path may go straight from a letter to the next, if they differ.",
                lambda log_p, string: by_logs(log_p, string, lambda places, s: False)),
        Mistake("only the last place",
                "A path may end in the last letter as well as in the blank behind it.",
                lambda log_p, string: by_logs(log_p, string, ends=1)),
        Mistake("all places at the end", "A path must have come to the end of the string.",
                lambda log_p, string: by_logs(log_p, string, ends=10**3)),
        Mistake("the best path only", "A string has the sum over all its paths.",
                lambda log_p, string: by_logs(log_p, string, add=max)),
        Mistake("for a label", "The loss is not divided by the length of the string here.",
                lambda log_p, string: by_logs(log_p, string) / max(len(string), 1)),
    ],
)  # fmt: skip

EXERCISES = [
    hello,
    collapse,
    equal_letters,
    all_paths,
    running_sum,
    adaptive_words,
    mississippi,
    line_scores,
    ctc,
]
