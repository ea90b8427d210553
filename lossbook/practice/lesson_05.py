"""Exercises of lesson 05: negative log-likelihood."""

import functools
import math

import torch

import lossbook
from lossbook.derive import d, derivation, distribution, log, positive, positives, probability
from lossbook.practice.exercise import BOTH, Mistake
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, logits
from lossbook.verify import positives as positive_numbers

by_a_hair = Question(
    name="by_a_hair",
    title="Better by a hair",
    kind="predict",
    level=1,
    minutes=5,
    answer=math.exp(100),
    hints=[
        "Per letter the surprises differ by 0.1 nats. By how much do they differ over the whole "
        "text?",
        "A surprise is −log of a probability. What does a difference of surprises say of the "
        "quotient of the probabilities?",
    ],
    mistakes=[
        Mistake(
            "the quotient of the losses",
            "The losses are logarithms: it is their difference that counts, and the length of "
            "the text.",
            2.1 / 2,
        ),
        Mistake("one letter", "This is the factor for one letter; there are 1000.", math.exp(0.1)),
        Mistake(
            "nats, not a factor",
            "The surprises differ by 100 nats. How many times as probable is that?",
            100,
        ),
        Mistake("bits and nats mixed", "The loss is in nats: a power of e, not of 2.", 2**100),
        Mistake("the other way round", "The better model gives more to the text.", math.exp(-100)),
    ],
)


@derivation(q=probability, k=positive)
def slope_of_waiting(q, k):
    yield d(-log(q * (1 - q) ** k), q), "the surprise at k failures and a success, by q"
    yield -1 / q + k / (1 - q), "the log of a product, and of a power"
    yield ((k + 1) * q - 1) / (q * (1 - q)), "one fraction"


waiting = Proof(
    name="waiting",
    title="Waiting for the first success",
    level=1,
    minutes=8,
    answer=slope_of_waiting,
    given=(0, 2),
    wants={"a line with the two slopes as fractions": r"/\s*\(?q\b"},
    hints=[
        "The log of a product is a sum, and the log of a power is a multiple of a log.",
        "The slope of log q is 1/q, and that of log(1 − q) is −1/(1 − q).",
    ],
    mistakes=[
        Mistake(
            "the inner derivative is missing",
            "The slope of log(1 − q) has a minus sign, for 1 − q falls as q rises.",
            lambda q, k: -1 / q - k / (1 - q),
        ),
        Mistake("a sign", "The surprise is minus the log.", lambda q, k: 1 / q - k / (1 - q)),
        Mistake(
            "the exponent is lost", "The log of a power is k times the log.",
            lambda q, k: -1 / q + 1 / (1 - q),
        ),
        Mistake(
            "k at the wrong place", "The success came once, the failure k times.",
            lambda q, k: -k / q + 1 / (1 - q),
        ),
    ],
)  # fmt: skip


def labels_of(shape, gap, most=None):
    """Labels, some of them `gap`; the first one counts. A shape with names, as in `verify`."""

    def make(case):
        sizes = case.shape(shape)
        last = (most or case.size("classes")) - 1
        drawn = [case.integer(-2, last) for _ in range(math.prod(sizes))]
        drawn = [max(drawn[0], 0)] + [gap if label < 0 else label for label in drawn[1:]]
        return torch.tensor(drawn).reshape(sizes)

    return Domain(make)


def log_probabilities(shape, dtype=BOTH, dim=1):
    """Log-probabilities of moderate size, over one of the dimensions."""

    def make(case):
        sizes = case.shape(shape)
        drawn = [case.integer(-20, 20) / 5 for _ in range(math.prod(sizes))]
        z = torch.tensor(drawn, dtype=torch.float64).reshape(sizes)
        return z.log_softmax(dim).to(case.dtype(dtype))

    return Domain(make)


def picked(log_q, y, weight, count):
    """The weighted surprises at the labels that count, and what `count(weights, counts)` gives."""
    counts = y != -100
    label = torch.where(counts, y, 0)
    surprise = -log_q.gather(1, label[:, None])[:, 0]
    return (weight[label] * surprise * counts).sum() / count(weight[label], counts)


nll = Function(
    name="nll",
    title="NLL with weights and gaps",
    kind="implement",
    level=1,
    minutes=12,
    answer=lambda log_q, y, weight: lossbook.nll_loss(log_q, y, weight=weight),
    cases={
        "log_q": log_probabilities("rows:1-5 classes"),
        "y": labels_of("rows:1-5", -100),
        "weight": positive_numbers("classes", dtype=BOTH),
    },
    hints=[
        "Throw out the rows that do not count before you look anything up.",
        "The mean is a weighted average: a sum of weight times surprise, over a sum of weights.",
        "`keep = y != -100`, then `log_q[keep]` and `y[keep]`. The weights of these labels are "
        "`weight[y[keep]]`.",
    ],
    mistakes=[
        Mistake(
            "divided by the number of labels",
            "The weighted mean divides by the sum of the weights of the labels, not their number.",
            lambda *call: picked(*call, lambda w, counts: counts.sum()),
        ),
        Mistake(
            "divided by all rows",
            "What does not count is not in the denominator either, and what counts is there with "
            "its weight.",
            lambda *call: picked(*call, lambda w, counts: len(counts)),
        ),
        Mistake(
            "divided by all class weights",
            "The denominator has the weight of each label that occurs, as often as it occurs.",
            lambda log_q, y, weight: picked(log_q, y, weight, lambda *_: weight.sum()),
        ),
        Mistake(
            "ignored rows in the denominator",
            "A label of −100 has no class and no weight: it adds nothing to the denominator.",
            lambda *call: picked(*call, lambda w, counts: w.sum()),
        ),
        Mistake(
            "no weights",
            "Each surprise counts with the weight of its label.",
            lambda log_q, y, weight: lossbook.nll_loss(log_q, y),
        ),
        Mistake(
            "the sum",
            "This is the weighted sum; a mean is asked.",
            lambda *call: picked(*call, lambda *_: 1),
        ),
        Mistake(
            "a second logarithm",
            "The input holds log-probabilities already: it is a look-up.",
            lambda log_q, y, weight: lossbook.nll_loss(log_q.log(), y, weight=weight),
        ),
    ],
)


def counted(y, K):
    return torch.bincount(y, minlength=K).double()


def smoothed_shares(y, K, extra):
    return (counted(y, K) + extra) / (len(y) + K * extra)


shares = Function(
    name="shares",
    title="The most likely distribution",
    kind="implement",
    level=1,
    minutes=8,
    answer=smoothed_shares,
    cases={
        "y": labels_of("examples:1-8", 0),
        "K": Domain(lambda case: case.size("classes")),
        "extra": choice(0.0, 1.0, 0.5),
    },
    hints=[
        "Without `extra` the best distribution is the shares. What must the K numbers sum to?",
        "`extra` is added to the count of each of the K classes, so to the total K times.",
    ],
    mistakes=[
        Mistake(
            "the probabilities do not sum to 1",
            "Each class got a little more, and the total has to grow by all of it.",
            lambda y, K, extra: (counted(y, K) + extra) / len(y),
        ),
        Mistake(
            "added once to the total",
            "Every one of the K classes got `extra`.",
            lambda y, K, extra: (counted(y, K) + extra) / (len(y) + extra),
        ),
        Mistake(
            "nothing added",
            "A class that never came has 0 here, also where `extra` is not 0.",
            lambda y, K, extra: counted(y, K) / len(y),
        ),
        Mistake(
            "added to the shares", "`extra` is a number of examples: add it to the counts.",
            lambda y, K, extra: (counted(y, K) / len(y) + extra) / (1 + K * extra),
        ),
        Mistake(
            "counts", "These are the counts; probabilities sum to 1.",
            lambda y, K, extra: counted(y, K) + extra,
        ),
        Mistake(
            "classes that never came are missing",
            "A class that is in no label has a place in the result too: K numbers are asked.",
            lambda y, K, extra: (torch.bincount(y).double() + extra) / (len(y) + K * extra),
        ),
    ],
)  # fmt: skip


def letters(log_q, y):
    """The surprises of all letters, 0 for what does not count, and which of them count."""
    surprise = -log_q.gather(2, y.clamp(min=0)[:, :, None])[:, :, 0]
    return surprise * (y >= 0), y >= 0


def of_a_text(log_q, y):
    surprise, counts = letters(log_q, y)
    return (surprise.sum() / counts.sum()).exp()


def words(surprise, counts):
    """The mean surprise of each row that has something in it."""
    some = counts.any(1)
    return surprise.sum(1)[some] / counts.sum(1)[some]


text_perplexity = Function(
    name="text_perplexity",
    title="A flattering perplexity",
    kind="mend",
    level=2,
    minutes=12,
    answer=of_a_text,
    cases={
        "log_q": log_probabilities("rows length:1-4 classes", dim=-1),
        "y": labels_of("rows length:1-4", -100),
    },
    allow={"nll_loss"},
    hints=[
        "The example prints what it should be. Compute it by hand: which four numbers count, and "
        "which are nothing but padding?",
        "Three faults: how the classes come to axis 1, what the mean divides by, and the base of "
        "the power.",
        "`transpose(1, 2)` moves the classes. `F.nll_loss` with its own mean leaves −100 out.",
    ],
    mistakes=[
        Mistake(
            "padding in the mean",
            "What is padding has a surprise of 0 and must not be counted.",
            lambda log_q, y: letters(log_q, y)[0].mean().exp(),
        ),
        Mistake(
            "bits and nats mixed",
            "The surprises are in nats, so the power has base e.",
            lambda log_q, y: 2 ** of_a_text(log_q, y).log(),
        ),
        Mistake(
            "reshape in place of transpose",
            "`reshape` gives the right shape and puts the numbers into the wrong places.",
            lambda log_q, y: lossbook.nll_loss(
                log_q.reshape(log_q.shape[0], log_q.shape[2], log_q.shape[1]), y
            ).exp(),
        ),
        Mistake(
            "the loss, not its exponential",
            "This is the average surprise; the perplexity is e to the power of it.",
            lambda log_q, y: of_a_text(log_q, y).log(),
        ),
        Mistake(
            "the mean of the rows' means",
            "A letter of a short row counts more here. Add sums, add counts, divide once.",
            lambda log_q, y: words(*letters(log_q, y)).mean().exp(),
        ),
        Mistake(
            "the mean of the rows' perplexities",
            "First the average over all letters, then the exponential.",
            lambda log_q, y: words(*letters(log_q, y)).exp().mean(),
        ),
    ],
)


def padded_losses(case):
    rows, longest = sizes = case.shape("rows length:1-5")
    drawn = [case.integer(0, longest) for _ in range(rows)]
    case.lengths = torch.tensor([max(drawn[0], 1), *drawn[1:]])
    filler = case.pick((0.0, 1.0, math.nan, math.inf))
    numbers = [case.integer(0, 80) / 8 for _ in range(math.prod(sizes))]
    losses = torch.tensor(numbers, dtype=torch.float64).reshape(sizes).to(case.dtype(BOTH))
    return torch.where(valid(losses, case.lengths), losses, filler)


def valid(losses, lengths):
    return torch.arange(losses.shape[1]) < lengths[:, None]


def over_tokens(losses, lengths):
    return losses[valid(losses, lengths)].sum() / lengths.sum()


def inside(losses, lengths):
    return torch.where(valid(losses, lengths), losses, 0)


token_mean = Function(
    name="token_mean",
    title="The mean over what is there",
    kind="implement",
    level=2,
    minutes=10,
    answer=over_tokens,
    cases={"losses": Domain(padded_losses), "lengths": Domain(lambda case: case.lengths)},
    hints=[
        "Which places are there? The position in the row must be smaller than the length.",
        "`torch.arange(L) < lengths[:, None]` is a table of True and False. Choose with it; do not "
        "multiply with it.",
        "Add the losses that are chosen, and divide by the number of them, once.",
    ],
    mistakes=[
        Mistake(
            "multiplied by a mask",
            "0 times NaN is NaN, and 0 times infinity too: choose with an index, or with "
            "`torch.where`.",
            lambda losses, lengths: (losses * valid(losses, lengths)).sum() / lengths.sum(),
        ),
        Mistake(
            "padding in the denominator",
            "The places after the end of a sequence do not count: divide by the number of tokens.",
            lambda losses, lengths: inside(losses, lengths).mean(),
        ),
        Mistake(
            "padding in the sum",
            "What stands after the end of a sequence is no loss, whatever it is.",
            lambda losses, lengths: losses.sum() / lengths.sum(),
        ),
        Mistake(
            "the mean of the sequences' means",
            "A token of a short sequence counts more here. Add sums, add counts, divide once.",
            lambda losses, lengths: (
                inside(losses, lengths).sum(1)[lengths > 0] / lengths[lengths > 0]
            ).mean(),
        ),
        Mistake(
            "per sequence, not per token",
            "This divides by the number of sequences; a long one then counts more.",
            lambda losses, lengths: inside(losses, lengths).sum() / len(lengths),
        ),
        Mistake(
            "one token too many",
            "A sequence of length 2 has tokens at the positions 0 and 1.",
            lambda losses, lengths: torch.where(
                valid(losses, lengths + 1), losses, 0
            ).sum() / lengths.sum(),
        ),
    ],
)  # fmt: skip


def pixels(z, y, dim=1):
    """The surprise at each labelled pixel, 0 for the others, and which are labelled."""
    labelled = y != 255
    log_q = lossbook.log_softmax(z, dim=dim)
    surprise = -log_q.gather(1, torch.where(labelled, y, 0)[:, None])[:, 0]
    return torch.where(labelled, surprise, 0).sum((1, 2)), labelled.sum((1, 2))


def by_picture(z, y):
    total, count = pixels(z, y)
    return total / count.clamp(min=1)


picture_nll = Function(
    name="picture_nll",
    title="One loss for each picture",
    kind="implement",
    level=2,
    minutes=12,
    answer=by_picture,
    cases={
        "z": logits("pictures:1-3 classes height:1-3 width:1-3", dtype=BOTH),
        "y": labels_of("pictures:1-3 height:1-3 width:1-3", 255),
    },
    examples=[(torch.zeros(2, 3, 1, 2).double(), torch.tensor([[[255, 255]], [[1, 255]]]))],
    allow={"log_softmax", "logsumexp"},
    hints=[
        "The classes are on axis 1. Look up with `gather(1, …)`, for which the labels need an "
        "axis of length 1 there; 255 cannot be looked up, so put a class in its place.",
        "With the surprise 0 at unlabelled pixels, sum over height and width, and divide by the "
        "number of labelled pixels of each picture.",
        "`count.clamp(min=1)` makes 0/0 a 0.",
    ],
    mistakes=[
        Mistake(
            "nothing to average",
            "A picture without a labelled pixel is 0/0 here; it should be 0.",
            lambda z, y: pixels(z, y)[0] / pixels(z, y)[1],
        ),
        Mistake(
            "all pixels in the denominator",
            "Pixels that are not labelled do not count, also in the denominator.",
            lambda z, y: pixels(z, y)[0] / y[0].numel(),
        ),
        Mistake(
            "the sum",
            "This is the sum over the labelled pixels of each picture; their mean is asked.",
            lambda z, y: pixels(z, y)[0],
        ),
        Mistake(
            "one number for all pictures",
            "Each picture has its own mean: sum over height and width only.",
            lambda z, y: pixels(z, y)[0].sum() / pixels(z, y)[1].sum(),
        ),
        Mistake(
            "softmax over another axis",
            "The pixels of a row compete with each other here. The classes are on axis 1.",
            lambda z, y: pixels(z, y, dim=-1)[0] / pixels(z, y)[1].clamp(min=1),
        ),
        Mistake(
            "no softmax",
            "These are logits: they become log-probabilities by a log-softmax first.",
            lambda z, y: torch.where(
                y != 255, -z.gather(1, torch.where(y == 255, 0, y)[:, None])[:, 0], 0
            ).sum((1, 2)) / pixels(z, y)[1].clamp(min=1),
        ),
    ],
)  # fmt: skip


@derivation(n=positives, w=positives, q=distribution)
def weights_tilt_the_data(n, w, q, classes):
    r = [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]
    yield (
        -sum(w[i] * n[i] * log(q[i]) for i in classes) / sum(w[i] * n[i] for i in classes)
    ), "the weighted mean of the surprises"  # fmt: skip
    yield -sum(r[i] * log(q[i]) for i in classes), "the weighted shares are r"
    yield -sum(r[i] * (log(r[i]) - log(r[i] / q[i])) for i in classes), "log q = log r − log (r/q)"
    yield (
        -sum(r[i] * log(r[i]) for i in classes) + sum(r[i] * log(r[i] / q[i]) for i in classes)
    ), "two sums: H(r) + KL(r‖q)"  # fmt: skip


def shares_of(n, w, classes):
    return [w[i] * n[i] / sum(w[k] * n[k] for k in classes) for i in classes]


tilted = Proof(
    name="tilted",
    title="What weights do to the data",
    level=3,
    minutes=15,
    answer=weights_tilt_the_data,
    given=(0, 3),
    wants={"a line with log(q[i]) and r[i] in one sum": r"r\[(\w+)\]\s*\*.*log\(q\[\1\]\)|"
           r"log\(q\[(\w+)\]\)\s*\*\s*r\[\2\]|r\[(\w+)\]\s*\*\s*\(?log\(r"},
    hints=[
        "Bring the denominator into the sum. What stands before log q[i] then?",
        "With r it is a cross-entropy. How did the lesson split a cross-entropy in two?",
    ],
    mistakes=[
        Mistake(
            "the weights are lost",
            "The shares of the data alone are not r: each count comes with its weight.",
            lambda n, w, q, classes: -sum(
                n[i] * log(q[i]) for i in classes
            ) / sum(n[i] for i in classes),
        ),
        Mistake(
            "still a sum",
            "The weighted sum has to be divided by the sum of the weights, which r contains.",
            lambda n, w, q, classes: -sum(w[i] * n[i] * log(q[i]) for i in classes),
        ),
        Mistake(
            "the sides of the cross-entropy swapped",
            "r draws, and q is believed: the logarithm is that of q.",
            lambda n, w, q, classes: -sum(
                q[i] * log(r) for i, r in zip(classes, shares_of(n, w, classes), strict=True)
            ),
        ),
        Mistake(
            "a sign",
            "A cross-entropy is minus the sum of the logarithms.",
            lambda n, w, q, classes: sum(
                r * log(q[i]) for i, r in zip(classes, shares_of(n, w, classes), strict=True)
            ),
        ),
    ],
)  # fmt: skip

blanks = Question(
    name="blanks",
    title="A model of blanks",
    kind="explain",
    level=2,
    minutes=10,
    answer={"cause": "c", "floor": 1.5 * math.log(2)},
    choices="abcd",
    hints=[
        "What does class 0 stand for, and how often is it a label?",
        "Without an input, the best model is the shares of what counts, and the least loss is "
        "their entropy. Which shares should they be?",
        "Of twelve letters six are an a, three a b and three a c.",
    ],
    mistakes=[
        Mistake("the rate", "The loss has come to its floor: it stands still.", {"cause": "a"}),
        Mistake(
            "the axis", "There is one row of four logits, and its probabilities sum to 1.",
            {"cause": "b"},
        ),
        Mistake(
            "the sum", "A sum has its least value at the same place as the mean.", {"cause": "d"}
        ),
        Mistake("bits, not nats", "This is in bits; the run prints nats.", {"floor": 1.5}),
        Mistake(
            "the floor of the wrong data",
            "This is the entropy of all labels, with the padding among them.",
            {"floor": -(52 * math.log(52 / 64) + 6 * math.log(6 / 64)
                        + 6 * math.log(3 / 64)) / 64},
        ),
        Mistake(
            "equal shares", "The three letters are not equally frequent.", {"floor": math.log(3)}
        ),
        Mistake("no floor", "No model without an input can know the letters.", {"floor": 0}),
    ],
)  # fmt: skip


@functools.cache
def load_digits():
    from sklearn import datasets

    digits = datasets.load_digits()
    return torch.tensor(digits.data > 8), torch.tensor(digits.target)


def known_pictures(case):
    case.first = case.integer(0, 1600)
    return load_digits()[0][case.first : case.first + 80]


def known_labels(case):
    return load_digits()[1][case.first : case.first + 80]


def new_pictures(case):
    start = case.integer(0, 1700)
    return load_digits()[0][start : start + case.integer(1, 5)]


def by_counting(bright, labels, new, extra=1, dark=1, total=None, both=2, products=False):
    """The surprises; the last arguments make mistakes."""
    lit = torch.stack([bright[labels == digit].double().sum(0) for digit in range(10)])
    count = labels.bincount(minlength=10)[:, None]
    q = (lit + extra) / ((total or count) + both * extra)
    if products:  # where a probability is 0, this is NaN: 0 · log 0
        return -(new.double() @ q.log().T + (~new).double() @ (1 - q).log().T)
    return -torch.where(new[:, None], q.log(), dark * (1 - q).log()).sum(-1)


digits_by_counting = Function(
    name="digits_by_counting",
    title="Digits without training",
    kind="use",
    level=3,
    minutes=18,
    answer=by_counting,
    cases={
        "bright": Domain(known_pictures),
        "labels": Domain(known_labels),
        "new": Domain(new_pictures),
    },
    hints=[
        "Take one digit. Among its pictures, how often is each pixel bright? With one picture "
        "added that is bright and one that is dark, this is q, 64 numbers.",
        "The surprise at a bright pixel is −log q, at a dark one −log(1 − q). The pixels are "
        "taken as independent, so their surprises add.",
        "For all new pictures at once: `new @ q.log() + (1 - new) @ (1 - q).log()`, with `new` as "
        "floating-point numbers, for each digit, and a minus.",
    ],
    mistakes=[
        Mistake(
            "nothing was added",
            "A pixel that was never bright among the known pictures of a digit has q = 0, and the "
            "first bright one is an infinite surprise.",
            lambda *call: by_counting(*call, extra=0),
        ),
        Mistake(
            "nothing was added",
            "A pixel that was never bright among the known pictures of a digit has q = 0, and 0 · "
            "log 0 is not a number.",
            lambda *call: by_counting(*call, extra=0, products=True),
        ),
        Mistake(
            "only one picture in the denominator",
            "Two pictures were added, so each digit has two more; a pixel that was always bright "
            "has q = 1 here.",
            lambda *call: by_counting(*call, both=1),
        ),
        Mistake(
            "only one picture in the denominator",
            "Two pictures were added, so each digit has two more; a pixel that was always bright "
            "has q = 1 here, and 0 · log 0 is not a number.",
            lambda *call: by_counting(*call, both=1, products=True),
        ),
        Mistake(
            "bright pixels only",
            "A dark pixel is a surprise too, of −log(1 − q).",
            lambda *call: by_counting(*call, dark=0),
        ),
        Mistake(
            "divided by all pictures",
            "The shares of a digit are those among its own pictures.",
            lambda *call: by_counting(*call, total=len(call[1])),
        ),
        Mistake(
            "the mean over the pixels",
            "The surprises of independent pixels add: it is the surprise at the whole picture.",
            lambda *call: by_counting(*call) / 64,
        ),
        Mistake(
            "digits and pictures swapped",
            "Each new picture has a row, each digit a column.",
            lambda *call: by_counting(*call).T,
        ),
        Mistake(
            "the digit, not the surprises",
            "This is the least surprising digit; the ten surprises are asked.",
            lambda *call: by_counting(*call).argmin(1),
        ),
    ],
)

EXERCISES = [
    by_a_hair,
    waiting,
    nll,
    shares,
    text_perplexity,
    token_mean,
    picture_nll,
    blanks,
    tilted,
    digits_by_counting,
]
