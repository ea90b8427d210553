"""Exercises of lesson 09: margin and ranking losses."""

import functools
import itertools

import torch

import lossbook
from lossbook.derive import d, derivation, exp, index, log, positive, real, vector
from lossbook.practice.exercise import BOTH, Mistake
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, labels, logits, positives, vectors

three_times = Question(
    name="three_times",
    title="Three times as sure",
    kind="predict",
    level=1,
    minutes=5,
    answer={"before": 2.5 / 3, "after": 4 / 3},
    hints=[
        "Who should win always stands first here, so the gap of a pair is the difference itself. "
        "What is missing to 1?",
        "Before: nothing, 0.5 and 2 are missing. Afterwards the gaps are 6, 1.5 and −3.",
    ],
    mistakes=[
        Mistake("more than enough earns nothing",
                "A gap beyond the margin costs 0; it can't make up for the other pairs.",
                {"before": 0.5, "after": -0.5}),
        Mistake("a sum, not a mean", "The default reduction is the mean of the three.",
                {"before": 2.5, "after": 4}),
        Mistake("no margin", "The margin is 1: to be ahead is not enough.",
                {"before": 1 / 3, "after": 1}),
        Mistake("everything grows by three",
                "The gaps are three times as large, the margin is not: what is missing changes "
                "otherwise.", {"after": 2.5}),
        Mistake("the order alone", "The order is the same, and the loss looks at the gaps.",
                {"after": 2.5 / 3}),
        Mistake("the mistake is forgotten", "The third pair was wrong, and is more so now.",
                {"after": 0}),
    ],
)  # fmt: skip


def pairs(d, alike, margin):
    return lossbook.hinge_embedding_loss(d, 2 * alike - 1, margin=margin)


hinge_embedding = Function(
    name="hinge_embedding",
    title="Alike near, unlike far",
    level=1,
    minutes=8,
    answer=pairs,
    allow={"relu"},
    cases={
        "d": positives("n", dtype=BOTH),
        "alike": labels("n", classes="2"),
        "margin": choice(1.0, 0.5, 2.0),
    },
    examples=[
        (torch.tensor([0.0, 0.0, 3.0], dtype=torch.float64), torch.tensor([1, 0, 0]), 1.0),
        (torch.tensor([0.0, 0.25]), torch.tensor([0, 1]), 2.0),
    ],
    hints=[
        "Two prices: one for a pair that is alike, another for a pair that is not. Each pair pays "
        "one of them.",
        "An unlike pair costs what its distance misses to the margin, and nothing if it is farther "
        "apart. `torch.where(alike == 1, …, …)` chooses.",
    ],
    mistakes=[
        Mistake("both prices at once",
                "An unlike pair pays for its distance as well. In formulas for the labels 1 and "
                "−1, a 0 takes both branches.",
                lambda d, alike, margin: lossbook.hinge_embedding_loss(d, alike, margin=margin)),
        Mistake("alike and unlike exchanged", "1 stands for alike: such a pair should be near.",
                lambda d, alike, margin: pairs(d, 1 - alike, margin)),
        Mistake("no floor", "An unlike pair beyond the margin costs 0, not less than 0.",
                lambda d, alike, margin: torch.where(alike == 1, d, margin - d).mean()),
        Mistake("a sum, not a mean", "The mean of all pairs is asked for.",
                lambda d, alike, margin: pairs(d, alike, margin) * len(d)),
        Mistake("a margin of its own", "The margin is an argument: it is not always 1.",
                lambda d, alike, margin: pairs(d, alike, 1.0)),
        Mistake("squares", "Torch takes the distances as they are, not their squares.",
                lambda d, alike, margin: torch.where(
                    alike == 1, d, (margin - d).clamp(min=0)).square().mean()),
        Mistake("unlike pairs are free", "An unlike pair nearer than the margin costs something.",
                lambda d, alike, margin: (d * alike).mean()),
    ],
)  # fmt: skip


def many_classes(z, y, margin, p):
    return lossbook.multi_margin_loss(z, y, margin=margin, p=p)


def missing(z, y, margin):
    """What each class misses to the margin, the right one included; negative beyond it."""
    return margin - z.gather(1, y[:, None]) + z


multi_margin = Function(
    name="multi_margin",
    title="Ahead of every rival",
    level=2,
    minutes=12,
    answer=many_classes,
    allow={"relu"},
    cases={
        "z": logits("rows classes", dtype=BOTH),
        "y": labels("rows"),
        "margin": choice(1.0, 0.5),
        "p": choice(1, 2),
    },
    hints=[
        "`z.gather(1, y[:, None])` is the column of the right scores. What does each other class "
        "miss to the margin below it?",
        "The right class is no rival of its own: set its entry to 0 after the floor.",
        "`missing.scatter(1, y[:, None], 0)` does that. The mean over everything is that over the "
        "rows of the sums divided by C.",
    ],
    mistakes=[
        Mistake("its own rival",
                "The right class is compared with itself, which costs the margin in every row.",
                lambda z, y, margin, p: (missing(z, y, margin).clamp(min=0) ** p).mean()),
        Mistake("rows in place of classes",
                "In a batch `z[y]` takes whole rows. From each row one score is wanted: `gather`.",
                lambda z, y, margin, p: ((margin - z[y] + z).clamp(min=0) ** p).mean()),
        Mistake("rows in place of classes",
                "In a batch `z[y]` takes whole rows. From each row one score is wanted: `gather`.",
                lambda z, y, margin, p: (margin - z[y] + z).clamp(min=0).mean()),
        Mistake("the worst rival alone",
                "This is the loss of Crammer and Singer. Torch's sums over all rivals, divided "
                "by C.",
                lambda z, y, margin, p: (
                    missing(z, y, margin).clamp(min=0).scatter(1, y[:, None], 0) ** p
                ).amax(1).mean()),
        Mistake("over the rivals", "The sum is divided by C, the right class counted too.",
                lambda z, y, margin, p: (
                    many_classes(z, y, margin, p) * z.shape[1] / (z.shape[1] - 1))),
        Mistake("the gap turned over", "The gap is the right score minus the other one.",
                lambda z, y, margin, p: many_classes(-z, y, margin, p)),
        Mistake("the power before the floor",
                "A gap beyond the margin costs nothing, and its square is not 0: the floor first.",
                lambda z, y, margin, p: (
                    missing(z, y, margin) ** p).clamp(min=0).scatter(1, y[:, None], 0).mean()),
        Mistake("no exponent", "With p = 2 what is missing is squared.",
                lambda z, y, margin, p: many_classes(z, y, margin, 1)),
        Mistake("the exponent last", "Each shortfall is squared by itself, before the mean.",
                lambda z, y, margin, p: many_classes(z, y, margin, 1) ** p),
        Mistake("a margin of its own", "The margin is an argument: it is not always 1.",
                lambda z, y, margin, p: many_classes(z, y, 1.0, p)),
    ],
)  # fmt: skip


@derivation(a=vector, p=vector, n=vector, j=index, m=positive)
def pull_of_the_squares(a, p, n, j, m, classes):
    near = sum((a[i] - p[i]) ** 2 for i in classes)
    far = sum((a[i] - n[i]) ** 2 for i in classes)
    yield d(near - far + m, a[j]), "the slope by one component of a"
    yield 2 * (a[j] - p[j]) - 2 * (a[j] - n[j]), "each square by itself"
    yield 2 * (n[j] - p[j]), "a cancels"


anchor_pull = Proof(
    name="anchor_pull",
    title="What pulls at an anchor",
    level=1,
    minutes=8,
    answer=pull_of_the_squares,
    given=(0, 2),
    wants={"a line with a[j] and without d(…)": r"^(?!.*\bd\().*a\[j\]"},
    hints=[
        "In each sum a single term contains the component a[j].",
        "The slope of (a[j] − p[j])² by a[j] is 2 (a[j] − p[j]). The margin has none.",
    ],
    mistakes=[
        Mistake("half of a square", "The slope of a square is twice what is squared.",
                lambda a, p, n, j: (a[j] - p[j]) - (a[j] - n[j])),
        Mistake("a sign", "The distance of the negative stands with a minus.",
                lambda a, p, n, j: 2 * (a[j] - p[j]) + 2 * (a[j] - n[j])),
        Mistake("the sums are left",
                "Only the term with i = j depends on a[j]; the slopes of the others are 0.",
                lambda a, p, n, classes: (
                    sum(2 * (a[i] - p[i]) for i in classes)
                    - sum(2 * (a[i] - n[i]) for i in classes))),
        Mistake("the margin is left", "The margin does not depend on a: its slope is 0.",
                lambda a, p, n, j, m: 2 * (a[j] - p[j]) - 2 * (a[j] - n[j]) + m),
        Mistake("the distances are squared",
                "These are directions, the slopes of the distances. Here stand their squares.",
                lambda a, p, n, j, classes: (
                    (a[j] - p[j]) / sum((a[i] - p[i]) ** 2 for i in classes) ** 0.5
                    - (a[j] - n[j]) / sum((a[i] - n[i]) ** 2 for i in classes) ** 0.5)),
    ],
)  # fmt: skip


def some_right_ones(case):
    """For each row some right classes, in any order; then −1; then numbers that nobody reads."""
    count, classes = case.size("rows"), case.size("classes")
    rows = []
    for _ in range(count):
        others = list(range(classes))
        count_right = case.pick(range(classes + 1))
        row = [others.pop(case.integer(0, len(others) - 1)) for _ in range(count_right)]
        row += [-1] * (len(row) < classes)
        rows.append(row + [case.integer(-1, classes - 1) for _ in range(classes - len(row))])
    return torch.tensor(rows)


def many_right(z, target):
    return lossbook.multilabel_margin_loss(z, target)


def over_pairs(right, known=None, divide="classes"):
    """A multi-label margin with a mistake: `right` of a row, and those `known` not to be wrong."""

    def loss(z, target):
        total = []
        for scores, row in zip(z.tolist(), target.tolist(), strict=True):
            ys, spared = right(row), (known or right)(row)
            others = [i for i in range(len(row)) if i not in spared]
            hinges = [max(0.0, 1 - scores[y] + scores[i])
                      for y in ys for i in others if i != y]  # fmt: skip
            by = {
                "classes": len(row),
                "pairs": max(1, len(hinges)),
                "right": max(1, len(ys)),
                "nothing": 1,
            }
            total.append(sum(hinges) / by[divide])
        return torch.tensor(sum(total) / len(z), dtype=z.dtype)

    return loss


def up_to_the_end(row):
    return row[: row.index(-1)] if -1 in row else row


multilabel_margin = Function(
    name="multilabel_margin",
    title="Several right classes, and the end mark",
    level=2,
    minutes=15,
    answer=many_right,
    allow={"relu"},
    cases={"z": logits("rows classes", dtype=BOTH), "target": Domain(some_right_ones)},
    examples=[
        (torch.tensor([[0.1, 0.2, 0.4, 0.8]], dtype=torch.float64), torch.tensor([[3, 0, -1, 1]])),
        (torch.tensor([[0.5, 0.0]]), torch.tensor([[-1, 0]])),
        (torch.tensor([[0.5, 0.0]]), torch.tensor([[1, 0]])),
    ],
    hints=[
        "Row by row is fine. First find the right classes of a row: what stands before the first "
        "−1.",
        "`target >= 0` is not enough, for behind the −1 may stand anything. A `cumprod` of it "
        "stays 0 from the first −1 on; in a loop, `break` does.",
        "Every right class against every wrong one, 1 − z_y + z_i where that is positive; the sum "
        "over C. Then the mean over the rows, in which a row without a right class has 0.",
    ],
    mistakes=[
        Mistake("what stands behind the −1 is read",
                "The first −1 ends the list: numbers that follow it are no right classes.",
                over_pairs(lambda row: [i for i in row if i >= 0], divide=divide))
        for divide in ("classes", "pairs", "nothing")
    ] + [
        Mistake("the −1 is read as a class",
                "The end mark counts backwards as an index: it is not the last class.",
                wrong)
        for wrong in (over_pairs(list), over_pairs(lambda row: [i % len(row) for i in row]))
    ] + [
        Mistake("right ones against right ones",
                "Right classes are not compared with each other, only with wrong ones.",
                over_pairs(up_to_the_end, known=lambda row: [])),
        Mistake("a mean over the pairs", "The sum is divided by C, the number of classes.",
                over_pairs(up_to_the_end, divide="pairs")),
        Mistake("over the right classes", "The sum is divided by C, the number of classes.",
                over_pairs(up_to_the_end, divide="right")),
        Mistake("marks, not a list",
                "The target does not have a mark for each class: it lists the numbers of classes.",
                over_pairs(lambda row: [i for i, mark in enumerate(row) if mark == 1])),
        Mistake("the first right class alone", "Each of the right classes has to be ahead.",
                over_pairs(lambda row: up_to_the_end(row)[:1], known=up_to_the_end)),
        Mistake("the gap turned over", "The gap is the right score minus the wrong one.",
                lambda z, target: many_right(-z, target)),
    ],
)  # fmt: skip


def euclid(x, y):
    return (x - y).square().sum(-1).sqrt()


def triplets(a, p, n, margin, swap, power=1, nearer=torch.minimum, early=False):
    """The triplet loss without ε, or with faults: a power, the wrong of two, an early mean."""
    near, far = euclid(a, p) ** power, euclid(a, n) ** power
    if swap:
        far = nearer(far, euclid(p, n) ** power)
    shortfall = near - far + margin
    return shortfall.mean().clamp(min=0) if early else shortfall.clamp(min=0).mean()


SWAPS = "With swap the nearer of the two negatives' distances counts, that which costs more."
FAULTS = [  # of the colleague, alone and together: the first that is left is named
    ("squares", "Torch takes the distances themselves, with their root.", {"power": 2}),
    ("the wrong one of two", SWAPS, {"nearer": torch.maximum}),
    ("the mean comes too early",
     "An easy triplet pays nothing, and pays nothing for others: the floor first, then the mean.",
     {"early": True}),
]  # fmt: skip

triplet = Function(
    name="triplet",
    title="A triplet loss to mend",
    kind="mend",
    level=2,
    minutes=12,
    answer=triplets,
    allow={"relu"},
    cases={
        "a": vectors("rows? d", dtype=BOTH),
        "p": vectors("rows? d", dtype=BOTH),
        "n": vectors("rows? d", dtype=BOTH),
        "margin": choice(1.0, 0.2),
        "swap": choice(False, True),
    },
    hints=[
        "Compute the first triplet by hand: 5 − 1 + 1. Which distances does the colleague take?",
        "Three faults. In a batch an easy triplet pays nothing; where does the floor stand? And "
        "which of two distances makes the loss larger?",
        "The root of each sum of squares, `torch.minimum` for the swap, and `.clamp(min=0)` before "
        "`.mean()`.",
    ],
    mistakes=[
        Mistake(some[0][0], some[0][1],
                functools.partial(triplets, **{k: v for each in some for k, v in each[2].items()}))
        for size in (1, 2, 3) for some in itertools.combinations(FAULTS, size)
    ] + [
        Mistake("no swap", SWAPS,
                lambda a, p, n, margin, swap: triplets(a, p, n, margin, False)),
        Mistake("always swapped", "Only with swap does the distance from p to n count.",
                lambda a, p, n, margin, swap: triplets(a, p, n, margin, True)),
        Mistake("swapped without a look", SWAPS + " Here the other one always counts.",
                functools.partial(triplets, nearer=lambda far, between: between)),
        Mistake("near and far exchanged", "The positive should be nearer than the negative.",
                lambda a, p, n, margin, swap: triplets(a, n, p, margin, swap)),
        Mistake("an ε is added",
                "Torch adds 0.000001 to each difference. Here the distance is asked without it.",
                lambda a, p, n, margin, swap: lossbook.triplet_margin_loss(
                    a, p, n, margin=margin, swap=swap)),
        Mistake("the margin with the other sign",
                "The margin is asked on top of the lead: it makes the loss larger.",
                lambda a, p, n, margin, swap: triplets(a, p, n, -margin, swap)),
    ],
)  # fmt: skip


@derivation(g=real, m=real, T=positive)
def pull_of_the_soft_price(g, m, T):
    yield d(T * log(1 + exp((m - g) / T)), g), "how the soft price changes with the gap"
    yield -exp((m - g) / T) / (1 + exp((m - g) / T)), "the chain rule"
    yield -1 / (1 + exp((g - m) / T)), "divide by exp((m − g) / T)"


soft_slope = Proof(
    name="soft_slope",
    title="A pull that fades",
    level=2,
    minutes=12,
    answer=pull_of_the_soft_price,
    given=(0, 2),
    wants={"a line with exp((m - g) / T) and without d(…)": r"^(?!.*\bd\().*exp\("},
    hints=[
        "Three functions, one within the other: the logarithm, the exponential, the quotient.",
        "The slope of log u is 1 / u, times that of u. And u = 1 + exp((m − g) / T).",
        "By g the exponent has the slope −1 / T, which meets the factor T in front.",
    ],
    mistakes=[
        Mistake("the exponent's own slope",
                "The exponent (m − g) / T has a slope too: the chain goes on.",
                lambda g, m, T: T * exp((m - g) / T) / (1 + exp((m - g) / T))),
        Mistake("a sign", "The gap stands in the exponent with a minus.",
                lambda g, m, T: exp((m - g) / T) / (1 + exp((m - g) / T))),
        Mistake("the logarithm's own slope alone",
                "The slope of log u is 1 / u times the slope of u: the exponential stays above.",
                lambda g, m, T: -1 / (1 + exp((m - g) / T))),
        Mistake("a T is left", "The factor T in front and the 1 / T of the exponent cancel.",
                lambda g, m, T: -exp((m - g) / T) / (T * (1 + exp((m - g) / T)))),
        Mistake("a T is left", "The exponent gives a 1 / T, which meets the factor in front.",
                lambda g, m, T: -T * exp((m - g) / T) / (1 + exp((m - g) / T))),
    ],
)  # fmt: skip


out_of_reach = Question(
    name="out_of_reach",
    title="Well apart, and far from nothing",
    kind="explain",
    level=2,
    minutes=8,
    answer={"cause": "c", "floor": 1},
    choices="abcd",
    hints=[
        "Where are the embeddings after `F.normalize`? How far apart can two of them be?",
        "The best triplet that there is: the positive where the anchor is, the negative opposite.",
    ],
    mistakes=[
        Mistake("the steps", "The loss has stood still for many steps, and so has the map.",
                {"cause": "a"}),
        Mistake("a collapse",
                "In one point the loss would be the margin, and no negative would be farther than "
                "its positive. Look at the last column.", {"cause": "b"}),
        Mistake("the negatives",
                "Random negatives, and nearly all of them are farther away than the positives.",
                {"cause": "d"}),
        Mistake("the loss of a collapse", "This is the loss with all in one point: it can fall.",
                {"floor": 3}),
        Mistake("the lead as large as one likes",
                "That needs a lead of 3. How far apart are two vectors of length 1 at most?",
                {"floor": 0}),
        Mistake("a right angle", "Vectors of length 1 can be farther apart than at a right angle.",
                {"floor": 3 - 2**0.5}),
        Mistake("a radius", "They lie on a circle of radius 1: how far is it across?",
                {"floor": 2}),
        Mistake("squares", "Opposite vectors are 2 apart; 4 is the square.", {"floor": -1}),
    ],
)  # fmt: skip


@functools.cache
def load_digits():
    from sklearn import datasets

    digits = datasets.load_digits()
    return torch.tensor(digits.data / 16), torch.tensor(digits.target)


def some_digits(case):
    """Draw handwritten digits: two of one kind, one of another, and some more."""
    start, digits = case.integer(0, 1500), load_digits()[1]
    same = (digits == digits[start]).nonzero().flatten().tolist()
    other = (digits != digits[start]).nonzero().flatten().tolist()
    case.rows = [start, min(i for i in same if i > start), min(i for i in other if i > start)]
    case.rows += range(start + 100, start + 100 + case.integer(0, 9))
    return load_digits()[0][case.rows].to(case.dtype(BOTH))


def their_labels(case):
    return load_digits()[1][case.rows]


def hardest_of_all(e, labels, margin, far="hardest", near="hardest", lone="left out", power=1):
    """The loss over the hardest triplet of each anchor, or with one of the mistakes."""
    apart = euclid(e[:, None], e[None]) ** power
    like, same = labels[:, None] == labels, torch.eye(len(e), dtype=torch.bool)
    friends = like if lone == "own" else like & ~same
    farthest = apart.masked_fill(~friends, -torch.inf).amax(1)
    if far == "nearest":
        farthest = apart.masked_fill(~friends, torch.inf).amin(1)
    if far == "mean":
        farthest = (apart * friends).sum(1) / friends.sum(1)
    nearest = apart.masked_fill(same if near == "any" else like, torch.inf).amin(1)
    if near == "farthest":
        nearest = apart.masked_fill(like, -torch.inf).amax(1)
    hinges = (farthest - nearest + margin).clamp(min=0)
    kept = hinges[friends.any(1)]
    return kept.sum() / len(e) if lone == "zero" else kept.mean()


batch_hard = Function(
    name="batch_hard",
    title="The hardest of a batch",
    kind="use",
    level=3,
    minutes=18,
    answer=hardest_of_all,
    cases={
        "e": Domain(some_digits), "labels": Domain(their_labels), "margin": choice(1.0, 0.2, 4.0)
    },
    allow={"torch"},
    hints=[
        "All distances first: a table with a row and a column for each picture. And a second "
        "table, True where two pictures show the same digit.",
        "For the farthest positive put −∞ where no positive stands, and take the largest of each "
        "row; for the nearest negative +∞, and the smallest.",
        "A picture is not its own positive: take the diagonal out. The rows in which nothing is "
        "left then are those of the lone pictures; keep the others before the mean.",
    ],
    mistakes=[
        Mistake("lone pictures count",
                "A picture without another of its digit is left out. Yours counts it, as its own "
                "positive at distance 0.", functools.partial(hardest_of_all, lone="own")),
        Mistake("lone pictures in the denominator",
                "A picture without a positive pays nothing, and does not count in the mean either.",
                functools.partial(hardest_of_all, lone="zero")),
        Mistake("the nearest positive", "The hardest positive is the one that is farthest away.",
                functools.partial(hardest_of_all, far="nearest")),
        Mistake("the mean positive", "One positive counts for each anchor: the farthest.",
                functools.partial(hardest_of_all, far="mean")),
        Mistake("the easiest negative", "The hardest negative is the nearest one.",
                functools.partial(hardest_of_all, near="farthest")),
        Mistake("a negative of the same digit",
                "The nearest other picture may show the same digit: that is no negative.",
                functools.partial(hardest_of_all, near="any")),
        Mistake("squares", "The distances themselves are asked for, not their squares.",
                functools.partial(hardest_of_all, power=2)),
    ],
)  # fmt: skip

EXERCISES = [
    three_times, hinge_embedding, multi_margin, anchor_pull, multilabel_margin, triplet,
    soft_slope, out_of_reach, batch_hard,
]  # fmt: skip
