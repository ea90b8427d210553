"""Exercises of lesson 07: cosine losses."""

import math

import torch

from lossbook.derive import derivation, exp, log, positive, real, sqrt, vector
from lossbook.practice.exercise import BOTH, Mistake, load_digits
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, signs, vectors

braking = Question(
    name="braking",
    title="Two steps",
    level=1,
    minutes=6,
    answer=1.5,
    hints=[
        "At which angle does a step along the slope stand to the vector? So which theorem gives "
        "the new length?",
        "The slope has the length sin θ / |a|. After the first step a is (1, 1).",
    ],
    mistakes=[
        Mistake("it only turns", "A step at a right angle makes the vector longer.", 1),
        Mistake("one step", "This is the length after the first step.", math.sqrt(2)),
        Mistake("twice the same step", "The second slope is shorter: the vector is longer, and the "
                "angle is smaller.", math.sqrt(3)),
        Mistake("lengths that add", "At a right angle the squares of the lengths add.", 2.5),
        Mistake("the squared length", "This is its square.", 2.25),
        Mistake("the length forgotten", "The slope is sin θ divided by the length of a.",
                math.sqrt(2.5)),
    ],
)  # fmt: skip


def length(a):
    return a.square().sum(-1, keepdim=True).sqrt()


def direction(a):
    """The vector divided by its length; zeros stay zeros."""
    return a / torch.where(length(a) == 0, 1, length(a))


def cos(a, b):
    return (direction(a) * direction(b)).sum(-1)


def inner(a, b):
    return (a * b).sum(-1)


cosine = Function(
    name="cosine",
    title="The cosine",
    level=1,
    minutes=8,
    answer=cos,
    cases={"a": vectors("rows? d", dtype=BOTH), "b": vectors("rows? d", dtype=BOTH)},
    examples=[(torch.zeros(2).double(), torch.ones(2).double())],
    hints=[
        "The inner product, divided by both lengths. What about a length of 0?",
        "Where a length is 0, divide by 1 in its place: the inner product is 0 there anyway.",
    ],
    mistakes=[
        Mistake("0 divided by 0", "A vector of zeros has no direction: there your answer is NaN.",
                lambda a, b: inner(a, b) / (length(a) * length(b)).squeeze(-1)),
        Mistake("an epsilon is added", "Beside tiny vectors 1e-8 is not small.",
                lambda a, b: inner(a, b) / ((length(a) * length(b)).squeeze(-1) + 1e-8)),
        Mistake("a small epsilon is added", "Beside tiny vectors 1e-12 is not small.",
                lambda a, b: inner(a, b) / ((length(a) * length(b)).squeeze(-1) + 1e-12)),
        Mistake("the inner product", "It grows with the lengths; the cosine does not.", inner),
        Mistake("divided by the squared lengths",
                "A length is the root of the sum of squares.",
                lambda a, b: cos(a, b) / (length(direction(b)) * length(a) * length(b))
                .where(length(a) * length(b) > 0, torch.ones_like(length(a))).squeeze(-1)),
        Mistake("one length only", "Divide by the length of each of the two.",
                lambda a, b: inner(direction(a), b)),
        Mistake("the other length only", "Divide by the length of each of the two.",
                lambda a, b: inner(a, direction(b))),
        Mistake("the cosine distance", "This is what the cosine misses to 1.",
                lambda a, b: 1 - cos(a, b)),
        Mistake("a sum over everything", "Each row is a vector of its own.",
                lambda a, b: cos(a.flatten(), b.flatten())),
    ],
)  # fmt: skip


def arrows(shape):
    """The domain of vectors that are neither tiny nor zero: their slopes keep their digits."""

    def make(case):
        sizes = case.shape(shape)
        drawn = [case.integer(-20, 20) for _ in range(torch.Size(sizes).numel())]
        a = 1 + torch.tensor(drawn, dtype=torch.float64).reshape(sizes) / 10
        a = torch.where((a.abs() < 0.05).all(-1, keepdim=True), 1.0, a)
        return (case.pick((1, 1, 10)) * a).to(case.dtype(BOTH))

    return Domain(make)


def table(a, b):
    return direction(a) @ direction(b).mT


all_cosines = Function(
    name="all_cosines",
    title="All with all",
    level=1,
    minutes=8,
    answer=table,
    cases={"a": arrows("rows d"), "b": arrows("others d")},
    hints=[
        "Divide each vector by its length first. What is left is an inner product of each row "
        "with each row.",
        "A matrix product does them all: (N, D) times (D, M).",
    ],
    mistakes=[
        Mistake("inner products", "The lengths are still in it.", lambda a, b: a @ b.mT),
        Mistake("one length for the whole table", "Each vector is divided by its own length.",
                lambda a, b: a @ b.mT / (a.norm() * b.norm())),
        Mistake("columns divided", "A vector is a row: its length is a sum along the last "
                "dimension.", lambda a, b: direction(a.mT).mT @ direction(b.mT)),
        Mistake("the table lies on its side", "Row i belongs to vector i of a.",
                lambda a, b: table(b, a)),
        Mistake("only one divided", "Both tables have to be divided by their lengths.",
                lambda a, b: direction(a) @ b.mT),
        Mistake("only the other divided", "Both tables have to be divided by their lengths.",
                lambda a, b: a @ direction(b).mT),
        Mistake("row with row", "Each vector of a meets each of b, not only that of its own row.",
                lambda a, b: cos(a, b)),
    ],
)  # fmt: skip


@derivation(a=vector, b=vector)
def sum_of_directions(a, b, classes):
    r = sqrt(sum(a[i] ** 2 for i in classes))
    s = sqrt(sum(b[i] ** 2 for i in classes))
    yield 1 / 2 * sum((a[i] / r + b[i] / s) ** 2 for i in classes), "half the squared sum"
    yield (
        sum(a[i] ** 2 for i in classes) / (2 * r**2)
        + sum(b[i] ** 2 for i in classes) / (2 * s**2)
        + sum(a[i] * b[i] for i in classes) / (r * s)
    ), "multiply out"  # fmt: skip
    yield 1 + sum(a[i] * b[i] for i in classes) / (r * s), "a unit vector has length 1"


def squares(own, both, rooted=False):
    """A wrong line: so much of the squared lengths, and so much of the inner product."""

    def line(a, b, classes):
        r = sqrt(sum(a[i] ** 2 for i in classes))
        s = sqrt(sum(b[i] ** 2 for i in classes))
        product = sum(a[i] * b[i] for i in classes)
        return own * (r + s if rooted else 1) + both * product / (r * s)

    return line


half_sum = Proof(
    name="half_sum",
    title="The sum of two directions",
    level=1,
    minutes=8,
    answer=sum_of_directions,
    given=(0, 2),
    wants={"a line with the squares multiplied out": r"a\[\w+\] ?\*\* ?2|a\[(\w+)\] \* a\[\1\]"},
    hints=[
        "A square of a sum has three parts: two squares, and twice the product.",
        "½ (x + y)² is ½ x² + ½ y² + x y, with x = a[i] / r and y = b[i] / s. Sum each part.",
    ],
    mistakes=[
        Mistake("twice the product", "Half of twice the product is the product.", squares(1, 2)),
        Mistake("the half is lost", "The ½ stands before all three parts.", squares(2, 2)),
        Mistake("the half of the squares is lost", "Each square keeps its ½.", squares(2, 1)),
        Mistake("half of the product", "The product comes twice, and half of that is once.",
                squares(1, 1 / 2)),
        Mistake("no product", "(x + y)² has three parts.", squares(1, 0)),
        Mistake("a sign", "This is the distance of the directions, not their sum.",
                squares(1, -1)),
        Mistake("lengths not squared", "The sum of squares, divided by the squared length, is 1.",
                squares(1 / 2, 1, rooted=True)),
    ],
)  # fmt: skip


def pair_losses(a, b, y, margin, unlike=lambda c, m: (c - m).clamp(min=0), alike=None):
    c = cos(a, b)
    return torch.where(y == 1, 1 - c if alike is None else alike(c, margin), unlike(c, margin))


def mean_of(**parts):
    return lambda a, b, y, margin: pair_losses(a, b, y, margin, **parts).mean()


cosine_embedding = Function(
    name="cosine_embedding",
    title="A loss of pairs to mend",
    kind="mend",
    level=2,
    minutes=10,
    answer=mean_of(),
    cases={
        "a": vectors("rows d", dtype=BOTH),
        "b": vectors("rows d", dtype=BOTH),
        "y": signs("rows", dtype=BOTH),
        "margin": choice(0.0, 0.5, -0.25),
    },
    hints=[
        "What should a pair cost that is unlike, and is so already?",
        "An unlike pair costs what its cosine exceeds the margin by, and never less than 0.",
    ],
    mistakes=[
        Mistake("0 divided by 0", "A vector of zeros has no direction: there your answer is NaN.",
                lambda a, b, y, margin: torch.where(
                    y == 1,
                    1 - (c := inner(a, b) / (length(a) * length(b)).squeeze(-1)),
                    (c - margin).clamp(min=0)).mean()),
        Mistake("below 0", "A pair that is unlike enough costs nothing, not less than nothing.",
                mean_of(unlike=lambda c, m: c - m)),
        Mistake("unlike, not opposite", "An unlike pair need not be opposite: it is left in peace "
                "below the margin.", mean_of(unlike=lambda c, m: 1 + c)),
        Mistake("the margin is not used", "Unlike pairs cost nothing up to the margin.",
                mean_of(unlike=lambda c, m: c.clamp(min=0))),
        Mistake("cut before the margin", "Take the margin off first, then cut at 0.",
                mean_of(unlike=lambda c, m: c.clamp(min=0) - m)),
        Mistake("the margin the wrong way", "The margin is taken off the cosine, not added.",
                mean_of(unlike=lambda c, m: (c + m).clamp(min=0))),
        Mistake("a margin of a distance",
                "A hinge on 1 − c measures from the other end: the margin is a cosine here.",
                mean_of(unlike=lambda c, m: (m - (1 - c)).clamp(min=0))),
        Mistake("a margin for alike pairs", "Alike pairs cost all that is missing to 1.",
                mean_of(alike=lambda c, m: (1 - c - m).clamp(min=0))),
        Mistake("the labels exchanged", "1 says alike, −1 says unlike.",
                lambda a, b, y, margin: pair_losses(a, b, -y, margin).mean()),
        Mistake("a mean over each kind", "All pairs count alike: one mean over all of them.",
                lambda a, b, y, margin: sum(
                    (pair_losses(a, b, y, margin) * (y == k)).sum() / (y == k).sum().clamp(min=1)
                    for k in (1, -1))),
        Mistake("one loss for each pair", "One number is asked: the mean.", pair_losses),
    ],
)  # fmt: skip


def slope(a, b, c=cos):
    return (direction(b) - c(a, b)[..., None] * direction(a)) / length(a)


cosine_slope = Function(
    name="cosine_slope",
    title="The slope of the cosine, by hand",
    level=2,
    minutes=12,
    answer=slope,
    cases={"a": arrows("rows? d"), "b": arrows("rows? d")},
    forbid={"backward", "grad"},
    hints=[
        "From the direction of b take away that part which lies along a.",
        "(v − c u) / |a|, with both directions and their cosine. Which shapes do c and |a| need, "
        "for a table of vectors?",
    ],
    mistakes=[
        Mistake("not divided by the length", "A vector twice as long turns half as fast.",
                lambda a, b: slope(a, b) * length(a)),
        Mistake("divided by the other length", "It is a that moves: divide by the length of a.",
                lambda a, b: slope(a, b) * length(a) / length(b)),
        Mistake("divided by the squared length", "Once by |a| is enough for directions.",
                lambda a, b: slope(a, b) / length(a)),
        Mistake("nothing is taken away", "A part of b lies along a, and turns nothing.",
                lambda a, b: direction(b) / length(a)),
        Mistake("a itself, not its direction", "The part along a is c times the direction of a.",
                lambda a, b: (direction(b) - cos(a, b)[..., None] * a) / length(a)),
        Mistake("b itself, not its direction", "The slope does not depend on the length of b.",
                lambda a, b: (b - cos(a, b)[..., None] * direction(a)) / length(a)),
        Mistake("the inner product, not the cosine",
                "The part of v along u is their cosine times u.",
                lambda a, b: slope(a, b, inner)),
        Mistake("the slope by b", "This is how the cosine changes with b; asked is a.",
                lambda a, b: slope(b, a)),
        Mistake("a plus sign", "The part along a is taken away.",
                lambda a, b: slope(a, b, lambda a, b: -cos(a, b))),
    ],
)  # fmt: skip


@derivation(z=real, x=real, T=positive)
def two_candidates_are_yes_or_no(z, x, T):
    yield -log(exp(z / T) / (exp(z / T) + exp(x / T))), "InfoNCE: z is right, x is wrong"
    yield -log(1 / (1 + exp((x - z) / T))), "divide by exp(z / T), above and below"
    yield log(1 + exp(-(z - x) / T)), "the log of a quotient"


two_candidates = Proof(
    name="two_candidates",
    title="Two candidates",
    level=2,
    minutes=8,
    answer=two_candidates_are_yes_or_no,
    given=(0, 2),
    wants={"a line with one exponential left, or the log of the quotient":
           r"log\(1 / |log\(\(exp|/ exp\(z / T\)|log\(exp\(z / T\) \+ |- z / T|z / T [-+]|\*\* -1"},
    hints=[
        "What happens if you divide above and below by exp(z / T)? Or: what is the log of a "
        "quotient?",
        "exp(x / T) / exp(z / T) is exp((x − z) / T), and what stood above becomes 1.",
    ],
    mistakes=[
        Mistake("the difference the wrong way round",
                "exp(x / T) divided by exp(z / T) is exp((x − z) / T).",
                lambda z, x, T: log(1 + exp((z - x) / T))),
        Mistake("the temperature is lost", "Both scores are divided by T.",
                lambda z, x, T: log(1 + exp(x - z))),
        Mistake("a sign", "Minus the log of 1/x is log x.",
                lambda z, x, T: -log(1 + exp((x - z) / T))),
        Mistake("the 1 is lost", "The right candidate is in the sum too.",
                lambda z, x, T: (x - z) / T),
        Mistake("the log of a sum is no sum", "log(a + b) is not log a + log b.",
                lambda z, x, T: x / T),
    ],
)  # fmt: skip


def candidates(table, T, dim=1):
    """Minus the log-softmax of the table, along its diagonal."""
    return -(table / T).log_softmax(dim).diagonal()


def without_shift(q, k, T):
    powers = (table(q, k) / T).exp()
    return -(powers.diagonal() / powers.sum(1)).log().mean()


def wrong_ones_only(q, k, T):
    z = table(q, k) / T
    others = z.masked_fill(torch.eye(len(z)).bool(), -math.inf)
    return (others.logsumexp(1) - z.diagonal()).mean()


def temperature(case):
    # In float32 the rounding of a cosine, divided by 0.001, would be seen.
    cold = case.dtype(BOTH) == torch.float64
    return case.pick((1.0, 0.1, 0.001) if cold else (1.0, 0.1, 0.5))


info_nce = Function(
    name="info_nce",
    title="InfoNCE",
    level=2,
    minutes=12,
    answer=lambda q, k, T: candidates(table(q, k), T).mean(),
    cases={
        "queries": arrows("n:2-4 d"), "keys": arrows("n:2-4 d"), "T": Domain(temperature),
    },
    allow={"log_softmax", "logsumexp"},
    hints=[
        "Your table of cosines has a row for each query. Divide it by T: what are the entries of "
        "a row, to a softmax?",
        "The right candidate of row i stands in column i: the diagonal of the table.",
        "Minus the log-softmax along dimension 1, its diagonal, and the mean.",
    ],
    mistakes=[
        Mistake("each key chooses", "Each query has all keys as its candidates: a softmax along "
                "the rows of the table.",
                lambda q, k, T: candidates(table(q, k), T, dim=0).mean()),
        Mistake("both ways", "Only the queries choose; this is the mean of both directions.",
                lambda q, k, T: (candidates(table(q, k), T).mean()
                                 + candidates(table(q, k), T, dim=0).mean()) / 2),
        Mistake("all candidates are right", "Only key i belongs to query i: the diagonal counts.",
                lambda q, k, T: -(table(q, k) / T).log_softmax(1).mean()),
        Mistake("inner products", "Cosines are asked: the lengths have to go.",
                lambda q, k, T: candidates(q @ k.mT, T).mean()),
        Mistake("no temperature", "The cosines are divided by T.",
                lambda q, k, T: candidates(table(q, k), 1).mean()),
        Mistake("times the temperature", "A small T makes the differences larger, not smaller.",
                lambda q, k, T: candidates(table(q, k), 1 / T).mean()),
        Mistake("only the wrong candidates below", "The sum has the right candidate in it too.",
                wrong_ones_only),
        Mistake("the exponential overflows", "Where it is cold, the exponential of cosine / T is "
                "infinite. Shift it, or begin with a log-softmax.", without_shift),
        Mistake("the sum", "The mean over the queries is asked.",
                lambda q, k, T: candidates(table(q, k), T).sum()),
        Mistake("one loss for each query", "One number is asked: the mean.",
                lambda q, k, T: candidates(table(q, k), T)),
    ],
)  # fmt: skip

margin_floor = Question(
    name="margin_floor",
    title="A loss that never reaches 0",
    kind="explain",
    level=2,
    minutes=10,
    answer={"cause": "b", "ten": 8 / 9},
    choices="abcd",
    hints=[
        "With this margin, when does a pair cost nothing? Can all pairs be like that at once?",
        "The squared length of the sum of K unit vectors is not negative. What does that say about "
        "their average cosine?",
    ],
    mistakes=[
        Mistake("the steps", "It has arrived: 200 steps more change nothing.", {"cause": "a"}),
        Mistake("the lengths", "They grow a little, and the slopes shrink with them; but the loss "
                "rests at a value that has a reason.", {"cause": "c"}),
        Mistake("too few dimensions", "In a thousand dimensions it would be the same.",
                {"cause": "d"}),
        Mistake("that of four classes", "This is where the run has stopped, with four.",
                {"ten": 2 / 3}),
        Mistake("the cosine, not the loss", "A pair costs its cosine, less the margin.",
                {"ten": -1 / 9}),
        Mistake("how far below a right angle", "A pair costs its cosine, less the margin.",
                {"ten": 1 / 9}),
        Mistake("K in place of K − 1", "Each vector has K − 1 others.", {"ten": 0.9}),
        Mistake("right angles", "They can do better than right angles on average.", {"ten": 1}),
        Mistake("no floor", "Three vectors can't all be opposite to each other.", {"ten": 0}),
    ],
)  # fmt: skip


def some_pictures(case):
    """Draw sixty of the handwritten digits, each printed with another amount of ink."""
    case.first = case.integer(0, 1700)
    ink = 0.4 + 0.6 * (torch.arange(60).double() * math.sqrt(5) % 1)
    return ink[:, None] * torch.tensor(load_digits().data[case.first : case.first + 60])


def their_labels(case):
    return torch.tensor(load_digits().target[case.first : case.first + 60])


def found(likeness, itself=False):
    """Return what counts, for each query, those with its label among the k most alike."""

    def count(x, labels, k):
        scores = likeness(x)
        if not itself:
            scores = scores.masked_fill(torch.eye(len(x)).bool(), -math.inf)
        return (labels[scores.topk(k).indices] == labels[:, None]).sum(1)

    return count


def near(x):
    return -(x[:, None] - x).square().sum(-1)


retrieved = found(lambda x: table(x, x))

retrieval = Function(
    name="retrieval",
    title="Found among the first k",
    kind="use",
    level=3,
    minutes=15,
    answer=retrieved,
    cases={
        "x": Domain(some_pictures), "labels": Domain(their_labels), "k": choice(1, 5, 10),
    },
    hints=[
        "You have a function that gives the cosines of all with all. A picture must not find "
        "itself: what could stand on the diagonal?",
        "`cosines.fill_diagonal_(-2)`, and then `topk(k, dim=1).indices` are the pictures found.",
        "`labels[found] == labels[:, None]` says of each whether it has the label of the query.",
    ],
    mistakes=[
        Mistake("it finds itself", "The query is not in its own list: its cosine with itself is 1.",
                found(lambda x: table(x, x), itself=True)),
        Mistake("inner products", "Bright pictures win with inner products: divide by the lengths.",
                found(lambda x: x @ x.mT)),
        Mistake("inner products, and itself", "Bright pictures win with inner products: divide by "
                "the lengths.", found(lambda x: x @ x.mT, itself=True)),
        Mistake("the distance", "These are the nearest by distance, not by cosine.", found(near)),
        Mistake("the least alike", "The largest cosines come first.",
                found(lambda x: -table(x, x))),
        Mistake("a share, not a count", "How many of the k is asked, not which part.",
                lambda x, labels, k: retrieved(x, labels, k).double() / k),
        Mistake("a share in place of a count", "How many of the k is asked, not which part.",
                lambda x, labels, k: retrieved(x, labels, k).float() / k),
        Mistake("the wrong ones", "These have another label than the query.",
                lambda x, labels, k: k - retrieved(x, labels, k)),
        Mistake("the mean over the queries", "Each query has a number of its own.",
                lambda x, labels, k: retrieved(x, labels, k).double().mean()),
    ],
)  # fmt: skip

EXERCISES = [
    braking, cosine, all_cosines, half_sum, cosine_embedding,
    cosine_slope, two_candidates, info_nce, margin_floor, retrieval,
]  # fmt: skip
