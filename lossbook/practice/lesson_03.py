"""Exercises of lesson 03: KL divergence."""

import math

import torch
from torch.nn.functional import kl_div

import lossbook
from lossbook.derive import at_most, derivation, distribution, log
from lossbook.information import cross_entropy
from lossbook.practice.exercise import BOTH, Mistake, load_digits
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, distributions, logits

NOT_ZERO = "Where a probability is 0 your answer is not a number. What never comes costs nothing."


def kl(p, q):
    """Return the divergence of rows, without asking whether they sum to 1."""
    return torch.where(p == 0, 0, p * (p.log() - q.log())).sum(-1)


two_directions = Question(
    name="two_directions",
    title="There and back",
    kind="predict",
    level=1,
    minutes=5,
    answer={"there": 1, "back": math.inf},
    hints=[
        "The distribution that stands first decides how often each class comes.",
        "There: two classes come, each half of the time, and each gets a word that is one bit too "
        "long. Back: half of the time the third class comes. Which word has the other code for it?",
    ],
    mistakes=[
        Mistake("a zero makes it infinite",
                "Only the second distribution makes the price infinite. A class of which the first "
                "says that it never comes costs nothing.", {"there": math.inf}),
        Mistake("nats, not bits", "This is the right number in nats.", {"there": math.log(2)}),
        Mistake("the sign", "Turned over: it is the logarithm of p / q.", {"there": -1}),
        Mistake("one class of two", "Two classes come, and both cost something.", {"there": 0.5}),
        Mistake("the same both ways", "The divergence is not symmetric.", {"back": 1}),
        Mistake("a class left out",
                "The third class comes half of the time: it can't be left out.", {"back": -0.5}),
        Mistake("a class left out", "The third class costs more than nothing.", {"back": 0}),
    ],
)  # fmt: skip


def by_quotient(p, q):
    """Return the formula that the lesson repairs last: the quotient may overflow."""
    return (p * (torch.where(p > 0, p, 1) / torch.where(p > 0, q, 1)).log()).sum(-1)


def smoothed(epsilon):
    return lambda p, q: (p * ((p + epsilon) / (q + epsilon)).log()).sum(-1)


FAR = torch.tensor([0.5, 0.5]), torch.tensor([1.0, 1e-40])  # 0.5 / 1e-40 overflows in float32

kl_divergence = Function(
    name="kl_divergence",
    title="KL divergence",
    level=1,
    minutes=12,
    answer=lossbook.kl_divergence,
    cases={
        "p": distributions("rows? classes", dtype=BOTH),
        "q": distributions("rows? classes", dtype=BOTH),
    },
    examples=[FAR, FAR[::-1]],
    hints=[
        "An average over what p brings: each difference of logarithms, times its probability. Sum "
        "over the last dimension.",
        "Where p is 0, put something harmless in place of both p and q before the logarithm; the "
        "factor p makes it 0. Where q is 0 and p is not, infinity comes by itself.",
        "`torch.where(p > 0, q, 1)` is q, with 1 where p is 0. And log p − log q can be computed "
        "where p / q can't.",
    ],
    mistakes=[
        Mistake("0 log 0 is not 0", NOT_ZERO, lambda p, q: (p * (p / q).log()).sum(-1)),
        Mistake("0 log 0 is not 0", NOT_ZERO, lambda p, q: (p * (p.log() - q.log())).sum(-1)),
        Mistake("the quotient overflows",
                "The quotient is too large a number for float32, though its logarithm is not. "
                "Nothing else is wrong.", by_quotient),
        Mistake("the quotient overflows",
                "The quotient q / p is too large a number for float32, though its logarithm is "
                "not. Nothing else is wrong.",
                lambda p, q: torch.where(p > 0, -p * (q / p).log(), 0).sum(-1)),
        Mistake("the other direction",
                "This is KL(q‖p): the classes are brought by q. Here p brings them.",
                lambda p, q: kl(q, p)),
        Mistake("infinity swept away",
                "Where q rules out a class that p brings, no code has a word for it: the price is "
                "infinite. Your answer leaves the class out.",
                lambda p, q: torch.where((p > 0) & (q > 0), p * (p.log() - q.log()), 0).sum(-1)),
        Mistake("cross-entropy",
                "This is the whole price, H(p, q). What the right code would cost has to be taken "
                "off.", cross_entropy),
        Mistake("two entropies",
                "This is H(q) − H(p). The wrong code is used on what p brings.",
                lambda p, q: lossbook.entropy(q) - lossbook.entropy(p)),
        Mistake("absolute values",
                "Single terms may be negative, and have to be: only their sum is not.",
                lambda p, q: torch.where(p == 0, 0, p * (p.log() - q.log()).abs()).sum(-1)),
        Mistake("a sum over the rows",
                "Python's `sum`, like `sum(0)`, adds the rows of a table. Each row is a pair of "
                "distributions: sum over the last dimension.",
                lambda p, q: (p * (p / q).log()).sum(0)),
        Mistake("a sum over everything",
                "Each row is a pair of distributions with a divergence of its own: sum over the "
                "last dimension.", lambda p, q: kl(p, q).sum()),
        *[Mistake("an epsilon is left",
                  "A small number added to the probabilities changes every result, and makes an "
                  "infinite price finite: then the small number decides how large it is.",
                  smoothed(10.0**-power)) for power in range(5, 17)],
    ],
)  # fmt: skip


@derivation(p=distribution, q=distribution)
def the_right_code_is_best(p, q, classes):
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - -sum(p[i] * log(q[i]) for i in classes)),
        "H(p) − H(p, q)",
    )
    yield sum(p[i] * log(q[i] / p[i]) for i in classes), "the log of a quotient"
    yield at_most(sum(p[i] * (q[i] / p[i] - 1) for i in classes)), "log x ≤ x − 1"
    yield 0, "p and q both sum to 1"


gibbs = Proof(
    name="gibbs",
    title="The right code is the best",
    level=1,
    minutes=10,
    answer=the_right_code_is_best,
    given=(0, 3),
    wants={
        "a line with x − 1 in place of log x": r"/\s*p\[\w+\]\s*-\s*1|q\[\w+\]\s*-\s*p\[\w+\]"
        r"|sum\(q\[\w+\] for",
    },
    hints=[
        "First make one sum of the two, with one logarithm in it.",
        "The lesson has one inequality for everything: log x ≤ x − 1. What is x here?",
        "`yield sum(p[i] * log(q[i] / p[i]) for i in classes), \"the log of a quotient\"`; in the "
        "next line, the bound, x − 1 stands where the logarithm stood, within `at_most(…)`.",
    ],
    mistakes=[
        Mistake("turned over", "Mind the signs: log q stands with a plus, log p with a minus.",
                lambda p, q, classes: sum(p[i] * log(p[i] / q[i]) for i in classes)),
        Mistake("without its minus one", "log x is at most x − 1: the 1 is missing.",
                lambda p, q, classes: sum(p[i] * (q[i] / p[i]) for i in classes)),
        Mistake("the weights are lost", "Each term keeps its weight p[i], also under the bound.",
                lambda p, q, classes: sum(q[i] / p[i] - 1 for i in classes)),
        Mistake("the weights are lost", "Each term keeps its weight p[i].",
                lambda p, q, classes: sum(log(q[i] / p[i]) for i in classes)),
    ],
)  # fmt: skip


def halves(p, q, measure, middle):
    return (measure(p, middle) + measure(q, middle)) / 2


js_divergence = Function(
    name="js_divergence",
    title="Meeting in the middle",
    level=2,
    minutes=10,
    answer=lossbook.js_divergence,
    cases={
        "p": distributions("rows? classes", dtype=BOTH),
        "q": distributions("rows? classes", dtype=BOTH),
    },
    examples=[(torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.0, 1.0]))],
    hints=[
        "Which distribution is compared with which? The middle m is what is believed, in both.",
        "Half of KL(p‖m) and half of KL(q‖m), with m = (p + q) / 2; your `kl_divergence` takes "
        "care of the zeros.",
    ],
    mistakes=[
        Mistake("the parts swapped",
                "This is ½ KL(m‖p) + ½ KL(m‖q), which is infinite where p and q share no class. "
                "The middle is what is believed; it stands second.",
                lambda p, q: halves(p, q, lambda x, m: kl(m, x), (p + q) / 2)),
        Mistake("without the middle",
                "This is the mean of the two directions. It is symmetric, but still infinite where "
                "one of them is: compare with the middle.", lambda p, q: (kl(p, q) + kl(q, p)) / 2),
        Mistake("the middle of the logarithms",
                "The middle is (p + q) / 2, a distribution. What comes from the mean of the "
                "logarithms does not sum to 1.", lambda p, q: halves(p, q, kl, (p * q).sqrt())),
        Mistake("the square root",
                "This is the root of the divergence, which is a distance. The divergence itself is "
                "asked.", lambda p, q: lossbook.js_divergence(p, q).sqrt()),
        Mistake("one half of it", "q has a part in it too: the mean of two divergences.",
                lambda p, q: kl(p, (p + q) / 2)),
        Mistake("0 log 0 is not 0", NOT_ZERO,
                lambda p, q: halves(p, q, lambda x, m: (x * (x / m).log()).sum(-1), (p + q) / 2)),
        Mistake("a sum over everything", "Each row has a divergence of its own.",
                lambda p, q: lossbook.js_divergence(p, q).sum()),
    ],
)  # fmt: skip


def log_probabilities(shape):
    """The domain of what a log_softmax gives."""
    drawn = logits(shape, dtype=BOTH)
    return Domain(lambda case: drawn.make(case).log_softmax(-1), drawn.kind)


def reduced(terms, reduction, rows=None):
    if reduction == "none":
        return terms
    divide_by = {"sum": 1, "mean": terms.numel(), "batchmean": rows or len(terms)}
    return terms.sum() / divide_by[reduction]


def loss_of_terms(terms):
    """Return the loss made of wrong terms, with the right reductions."""
    return lambda log_q, p, reduction: reduced(terms(log_q, p), reduction)


def right_terms(log_q, p):
    return torch.where(p == 0, 0, p * (p.log() - log_q))


kl_div_loss = Function(
    name="kl_div_loss",
    title="KLDivLoss, by hand",
    level=2,
    minutes=15,
    answer=loss_of_terms(right_terms),
    cases={
        "log_q": log_probabilities("rows classes"),
        "p": distributions("rows classes", dtype=BOTH),
        "reduction": choice("batchmean", "mean", "sum", "none"),
    },
    differentiable=True,
    hints=[
        "The first argument is a logarithm already, the second is not. Begin with the table of "
        "terms, and care for the zeros of p.",
        "Each term is p (log p − log q), 0 where p is 0. Then all terms, their sum, or the sum "
        "divided by something: what does \"mean\" divide by, and what \"batchmean\"?",
    ],
    mistakes=[
        Mistake("0 log 0 is not 0", NOT_ZERO,
                loss_of_terms(lambda log_q, p: p * (p.log() - log_q))),
        Mistake("the sign", "p (log p − log q): yours has it the other way round.",
                loss_of_terms(lambda log_q, p: -right_terms(log_q, p))),
        Mistake("cross-entropy", "The term p log p is missing: this is the cross-entropy.",
                loss_of_terms(lambda log_q, p: -p * log_q)),
        Mistake("the logarithm of a logarithm", "`log_q` is in log space already.",
                loss_of_terms(lambda log_q, p: right_terms(log_q.log(), p))),
        Mistake("the model brings the classes",
                "The classes come with the probabilities p; here each counts with that of the "
                "model.", loss_of_terms(lambda log_q, p: log_q.exp() * (log_q - p.log()))),
        Mistake("mean over the rows",
                "`mean` divides by the number of all elements, as torch does, however odd that is.",
                lambda log_q, p, reduction: reduced(
                    right_terms(log_q, p), "batchmean" if reduction == "mean" else reduction)),
        Mistake("batchmean over everything",
                "`batchmean` divides by the number of rows only, not by that of the classes.",
                lambda log_q, p, reduction: reduced(
                    right_terms(log_q, p), "mean" if reduction == "batchmean" else reduction)),
        Mistake("batchmean by the classes",
                "`batchmean` divides by the length of the first dimension.",
                lambda log_q, p, reduction: reduced(
                    right_terms(log_q, p), reduction, rows=p.shape[1])),
        Mistake("always batchmean", "The third argument says how to reduce.",
                lambda log_q, p, _: reduced(right_terms(log_q, p), "batchmean")),
        Mistake("none sums the rows", "`none` leaves all terms as they are, a table.",
                lambda log_q, p, reduction: reduced(right_terms(log_q, p), reduction)
                if reduction != "none" else right_terms(log_q, p).sum(-1)),
    ],
)  # fmt: skip


def soft_labels(z, p):
    return kl_div(z.log_softmax(-1), p, reduction="batchmean")


soft_label_loss = Function(
    name="soft_label_loss",
    title="A loss to mend",
    kind="mend",
    level=2,
    minutes=10,
    answer=soft_labels,
    cases={
        "z": logits("rows classes", dtype=BOTH),
        "p": distributions("rows classes", dtype=BOTH),
    },
    differentiable=True,
    allow={"torch"},
    hints=[
        "Four faults. Which space does `kl_div` want its first argument in? Over which dimension "
        "does a softmax over classes run?",
        "What is the mean of the terms divided by? And is there anything left to make positive, "
        "once the rest is right?",
    ],
    mistakes=[
        Mistake("probabilities, not their logarithms",
                "The first argument of `kl_div` is in log space.",
                lambda z, p: kl_div(z.softmax(-1), p, reduction="batchmean")),
        Mistake("a softmax over the batch",
                "A softmax over dimension 0 makes the columns sum to 1: the classes stand in the "
                "rows.", lambda z, p: kl_div(z.log_softmax(0), p, reduction="batchmean")),
        Mistake("a softmax over the batch",
                "A softmax over dimension 0 makes the columns sum to 1: the classes stand in the "
                "rows. And the mean over all elements is no divergence.",
                lambda z, p: kl_div(z.log_softmax(0), p, reduction="none").mean()),
        Mistake("divided by the classes too",
                "The mean over all elements is the divergence divided by the number of classes.",
                lambda z, p: soft_labels(z, p) / p.shape[1]),
        Mistake("not divided", "The sum over all rows; the mean over the rows is asked.",
                lambda z, p: soft_labels(z, p) * len(p)),
        Mistake("the logarithm of a softmax",
                "A softmax rounds small probabilities to 0, and their logarithm is lost. There is "
                "a function that never leaves the logarithms.",
                lambda z, p: kl_div(z.softmax(-1).log(), p, reduction="batchmean")),
        Mistake("logits, not log-probabilities",
                "Logits are not normalised: their exponentials do not sum to 1.",
                lambda z, p: kl_div(z, p, reduction="batchmean")),
        Mistake("the two the wrong way round",
                "This is the divergence in the other direction: the model belongs in the first "
                "place of `kl_div`.",
                lambda z, p: kl_div(p.log(), z.softmax(-1), reduction="batchmean")),
        Mistake("cross-entropy",
                "This has the same slope, but it is H(p, q): the entropy of p is still in it.",
                lambda z, p: -(p * z.log_softmax(-1)).sum() / len(p)),
    ],
)  # fmt: skip


@derivation(p=distribution, q=distribution)
def from_entropies(p, q, classes):
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
            - 1 / 2 * sum(q[i] * log(m[i]) for i in classes)
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


js_entropies = Proof(
    name="js_entropies",
    title="A difference of entropies",
    level=2,
    minutes=12,
    answer=from_entropies,
    given=(0, 2),
    wants={"a line with log(m[i]), weighted by p and q": r"^(?!.*m\[\w+\] ?\* ?log\(m).*log\(m\["},
    hints=[
        "In the last line no m stands before a logarithm. Which of the terms has to change?",
        "Write the first sum as two: m[i] is (p[i] + q[i]) / 2, and log(m[i]) stays as it is.",
        "−Σ m log m is −½ Σ p log m − ½ Σ q log m.",
    ],
    mistakes=[
        Mistake("the half is lost", "m is half of p and half of q: both sums keep their ½.",
                lambda p, q, classes: sum(
                    -(p[i] + q[i]) * log((p[i] + q[i]) / 2)
                    + 1 / 2 * (p[i] * log(p[i]) + q[i] * log(q[i])) for i in classes)),
        Mistake("a sign", "The minus sign stands before both parts of −Σ m log m.",
                lambda p, q, classes: sum(
                    1 / 2 * (q[i] - p[i]) * log((p[i] + q[i]) / 2)
                    + 1 / 2 * (p[i] * log(p[i]) + q[i] * log(q[i])) for i in classes)),
        Mistake("the log of a sum is no sum",
                "log m is the logarithm of the middle, not the middle of the logarithms.",
                lambda p, q, classes: sum(
                    1 / 4 * (p[i] - q[i]) * (log(p[i]) - log(q[i])) for i in classes)),
    ],
)  # fmt: skip

one_peak = Question(
    name="one_peak",
    title="The late buses are gone",
    kind="explain",
    level=2,
    minutes=10,
    answer={"cause": "c", "mean": -1.6},
    choices="abcd",
    hints=[
        "On paper, which divergence is `kl_div(a, b, log_target=True)`? And what does it do to a "
        "model that cannot fit?",
        "With the right direction, the best bell has the mean and the variance of the truth. The "
        "mean of the truth is that of two bells, weighted.",
    ],
    mistakes=[
        Mistake("the steps", "The mean stands still after 100 steps: it has arrived.",
                {"cause": "a"}),
        Mistake("the start",
                "From the other side it would settle on the other peak alone, and still not cover "
                "both.", {"cause": "b"}),
        Mistake("the flag", "Both arguments are logarithms, so `log_target=True` is right.",
                {"cause": "d"}),
        Mistake("one peak alone", "This is where the wrong loss has put it.", {"mean": -4}),
        Mistake("not weighted", "There are more early buses than late ones.", {"mean": 0}),
        Mistake("the sign", "Early is negative here, and most buses are early.", {"mean": 1.6}),
    ],
)  # fmt: skip


def reverse(z, log_p):
    log_q = z.log_softmax(-1)
    return (log_q.exp() * (log_q - log_p)).sum(-1)


reverse_kl = Function(
    name="reverse_kl",
    title="The other direction, from logits",
    level=3,
    minutes=12,
    answer=reverse,
    cases={"z": logits("rows? classes", dtype=BOTH), "log_p": log_probabilities("rows? classes")},
    differentiable=True,
    allow={"log_softmax"},
    hints=[
        "Now the model brings the classes: each term is weighted by q.",
        "Stay with logarithms until the last moment: log q from `log_softmax`, and q itself is its "
        "exponential. Then 0 never meets an infinity.",
    ],
    mistakes=[
        Mistake("the other direction", "This is KL(p‖q). Here the model q brings the classes.",
                lambda z, log_p: (log_p.exp() * (log_p - z.log_softmax(-1))).sum(-1)),
        Mistake("the logarithm of a softmax",
                "With large logits a softmax rounds to 0, and 0 log 0 is not a number. Begin with "
                "the logarithm.",
                lambda z, log_p: ((q := z.softmax(-1)) * (q.log() - log_p)).sum(-1)),
        Mistake("the exponentials overflow",
                "The exponential of a large logit is infinite, and infinity through infinity is "
                "not a number. Begin with the logarithm.",
                lambda z, log_p: (
                    (q := z.exp() / z.exp().sum(-1, keepdim=True)) * (q.log() - log_p)).sum(-1)),
        Mistake("logits, not log-probabilities",
                "z is not log q yet: what a softmax divides by is missing.",
                lambda z, log_p: (z.softmax(-1) * (z - log_p)).sum(-1)),
        Mistake("no weights", "Each difference of logarithms counts with its probability.",
                lambda z, log_p: (z.log_softmax(-1) - log_p).sum(-1)),
        Mistake("cross-entropy", "What q itself is surprised by is missing: Σ q log q.",
                lambda z, log_p: -(z.softmax(-1) * log_p).sum(-1)),
        Mistake("an entropy alone", "The target p is missing from this.",
                lambda z, log_p: (z.softmax(-1) * z.log_softmax(-1)).sum(-1)),
        Mistake("a sum over everything", "Each row has a divergence of its own.",
                lambda z, log_p: reverse(z, log_p).sum()),
    ],
)  # fmt: skip


def some_pictures(case):
    """Draw ninety of the handwritten digits, in which each of the ten is found."""
    case.first = case.integer(0, 1700)
    return torch.tensor(load_digits().data[case.first : case.first + 90])


def their_labels(case):
    return torch.tensor(load_digits().target[case.first : case.first + 90])


def ink(pictures, labels):
    return torch.stack([pictures[labels == digit].sum(0) for digit in range(10)])


def among_all(measure, table):
    return measure(table[:, None].expand(10, 10, 64), table[None].expand(10, 10, 64))


def where_ink_differs(pictures, labels):
    shares = ink(pictures, labels)
    return among_all(lossbook.js_divergence, shares / shares.sum(1, keepdim=True))


alike = Function(
    name="alike",
    title="Digits that look alike",
    kind="use",
    level=3,
    minutes=15,
    answer=where_ink_differs,
    cases={"pictures": Domain(some_pictures), "labels": Domain(their_labels)},
    allow={"lossbook"},
    hints=[
        "For each digit, add up its pictures: 64 sums. Divided by their total they are a "
        "distribution, over the pixels.",
        "`torch.stack` makes a table of ten rows. Two loops over the digits, or a table of shape "
        "(10, 1, 64) against one of shape (1, 10, 64).",
    ],
    mistakes=[
        Mistake("the square root", "This is the root; the divergence itself is asked.",
                lambda pictures, labels: where_ink_differs(pictures, labels).sqrt()),
        Mistake("KL, not JS",
                "This is the KL divergence, which is infinite where a pixel never has ink.",
                lambda pictures, labels: among_all(
                    kl, (x := ink(pictures, labels)) / x.sum(1, keepdim=True))),
        Mistake("divided by the wrong sum",
                "Over the 64 pixels of a digit the shares sum to 1; here they do over the digits, "
                "or not at all.",
                lambda pictures, labels: among_all(
                    lambda p, q: halves(p, q, kl, (p + q) / 2),
                    (x := ink(pictures, labels)) / x.sum(0).clamp(min=1e-300))),
        Mistake("no distributions yet", "The sums of the ink have to be divided by their total.",
                lambda pictures, labels: among_all(
                    lambda p, q: halves(p, q, kl, (p + q) / 2), ink(pictures, labels))),
    ],
)  # fmt: skip

EXERCISES = [
    two_directions, kl_divergence, gibbs, js_divergence, kl_div_loss,
    soft_label_loss, js_entropies, one_peak, reverse_kl, alike,
]  # fmt: skip
