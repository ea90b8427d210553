"""Exercises of lesson 02: entropy."""

import math

import torch

import lossbook
from lossbook.derive import at_most, derivation, distribution, log
from lossbook.practice.exercise import BOTH, Mistake, load_digits
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, distributions, joints


def plain(p):
    """Return −Σ p log p as it stands, with NaN where a probability is 0."""
    return -(p * p.log()).sum(-1)


toss = Question(
    name="toss",
    title="Until the first head",
    kind="predict",
    level=1,
    minutes=5,
    answer=2,
    hints=[
        "The number of tosses is 1 with probability 1/2, 2 with probability 1/4, and so on. How "
        "many bits does each of these messages carry?",
        "The message n carries n bits, so the entropy is the sum of n / 2ⁿ. Add its first terms.",
    ],
    mistakes=[
        Mistake("nats, not bits", "This is the right number in nats.", 2 * math.log(2)),
        Mistake(
            "it must be infinite",
            "There are infinitely many messages, but the long ones are so rare that the sum of "
            "their shares is finite.",
            math.inf,
        ),
        Mistake(
            "the first toss alone", "One bit is what the first toss tells; others may follow.", 1
        ),
        Mistake("entropy of one message", "Each message has to be weighted and summed.", 0.5),
    ],
)

entropy = Function(
    name="entropy",
    title="Entropy",
    kind="implement",
    level=1,
    minutes=10,
    answer=lossbook.entropy,
    cases={"p": distributions("rows? classes", dtype=BOTH)},
    hints=[
        "Multiply each information by its probability, and sum over the last dimension only: a "
        "table of several rows has an entropy for each.",
        "What never happens adds nothing; in floating point 0 · log 0 is NaN. Take the logarithm "
        "of something harmless there.",
        "`torch.where(p == 0, 1, p)` is p, with 1 in place of each 0. Its logarithm is 0 there.",
    ],
    mistakes=[
        Mistake(
            "0 log 0 is not 0",
            "Where a probability is 0 your answer is not a number. Such a class adds nothing.",
            plain,
        ),
        Mistake(
            "the mean of the informations",
            "Each information counts with its probability, not each as much as the others.",
            lambda p: -p.log().mean(-1),
        ),
        Mistake(
            "the sum of the informations",
            "Each information has to be weighted by its probability.",
            lambda p: -p.log().sum(-1),
        ),
        Mistake(
            "a sum over everything",
            "Each row is a distribution of its own and has its own entropy: sum over the last "
            "dimension.",
            lambda p: lossbook.entropy(p).sum(),
        ),
    ],
)


def powers_of_two(p):
    return 2 ** lossbook.entropy(p)


perplexity = Function(
    name="perplexity",
    title="A perplexity to mend",
    kind="mend",
    level=2,
    minutes=8,
    answer=lossbook.perplexity,
    cases={"p": distributions("rows? classes", dtype=BOTH)},
    hints=[
        "Try it on the fair coin, and on a coin that always shows head. What should come out?",
        "Two faults: the unit of the logarithm against the base of the power, and what was done so "
        "that log 0 does not disturb.",
    ],
    mistakes=[
        Mistake(
            "bits and nats mixed",
            "The power has base 2 and the logarithm has base e. With nats it is a power of e.",
            powers_of_two,
        ),
        Mistake(
            "entropy, without the power",
            "This is the entropy itself, not yet the number of equally likely classes.",
            lossbook.entropy,
        ),
        Mistake(
            "0 log 0 is not 0",
            "Where a probability is 0 your answer is not a number. Such a class adds nothing.",
            lambda p: plain(p).exp(),
        ),
        Mistake(
            "an epsilon is left",
            "A small number added to the probabilities changes every result a little.",
            lambda p: (-(p * (p + 1e-6).log()).sum(-1)).exp(),
        ),
    ],
)


@derivation(p=distribution, q=distribution)
def independent_quantities_add(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield (
        (
            -sum(p[i] * q[j] * log(p[i]) for i in classes for j in classes)
            - sum(p[i] * q[j] * log(q[j]) for i in classes for j in classes)
        ),
        "the log of a product",
    )
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


independent = Proof(
    name="independent",
    title="Independent quantities add",
    level=1,
    minutes=10,
    answer=independent_quantities_add,
    given=(0, 2),
    wants={"a line with the logarithm of p[i] alone": r"log\(p\[\w+\]\)"},
    hints=[
        "What is the logarithm of a product?",
        "Two double sums: in the first stands log p[i], in the second log q[j], and in both p[i] "
        "q[j] in front.",
    ],
    mistakes=[
        Mistake(
            "the weights are lost",
            "Both logarithms keep the whole weight p[i] q[j]; and each stands in a double sum.",
            lambda p, q, classes: (
                -sum(p[i] * log(p[i]) for i in classes for j in classes)
                - sum(q[j] * log(q[j]) for i in classes for j in classes)
            ),
        ),
        Mistake(
            "the log of a product is no product",
            "log(a b) is log a + log b, not log a · log b.",
            lambda p, q, classes: (
                -sum(p[i] * q[j] * log(p[i]) * log(q[j]) for i in classes for j in classes)
            ),
        ),
        Mistake(
            "a sign",
            "The minus sign stands before both sums.",
            lambda p, q, classes: (
                -sum(p[i] * q[j] * log(p[i]) for i in classes for j in classes)
                + sum(p[i] * q[j] * log(q[j]) for i in classes for j in classes)
            ),
        ),
    ],
)


@derivation(p=distribution)
def collisions_bound_the_entropy(p, classes):
    S = sum(p[j] * p[j] for j in classes)
    yield sum(p[i] * log(p[i]) for i in classes) - log(S), "log S, and −H(p)"
    yield sum(p[i] * log(p[i] / S) for i in classes), "p sums to 1"
    yield at_most(sum(p[i] * (p[i] / S - 1) for i in classes)), "log x ≤ x − 1, with x = p / S"
    yield 0, "both sums are 1"


collisions = Proof(
    name="collisions",
    title="Entropy and collisions",
    level=3,
    minutes=15,
    answer=collisions_bound_the_entropy,
    given=(0, 3),
    wants={"a line with p[i] / S": r"p\[\w+\] / S"},
    hints=[
        "Bring log S into the sum: since p sums to 1, log S = Σ p[i] log S.",
        "Then there is one logarithm, log(p[i] / S). The lesson has one inequality for everything.",
        "`yield at_most(sum(p[i] * (p[i] / S - 1) for i in classes)), \"log x ≤ x − 1\"`, and the "
        "line before it has the logarithm itself.",
    ],
    mistakes=[
        Mistake(
            "multiplied where a quotient belongs",
            "log a − log b is the log of a quotient.",
            lambda p, classes: sum(
                p[i] * log(p[i] * sum(p[j] * p[j] for j in classes)) for i in classes
            ),
        ),
        Mistake(
            "the bound without its minus one",
            "log x is at most x − 1: the 1 is missing.",
            lambda p, classes: sum(
                p[i] * (p[i] / sum(p[j] * p[j] for j in classes)) for i in classes
            ),
        ),
    ],
)  # fmt: skip


def conditional(p_xy):
    return lossbook.conditional_entropy(p_xy)


conditional_entropy = Function(
    name="conditional_entropy",
    title="What is left when x is known",
    kind="implement",
    level=2,
    minutes=12,
    answer=conditional,
    cases={"p_xy": joints("x y", dtype=BOTH)},
    examples=[(torch.tensor([[0.5, 0.0], [0.25, 0.25]], dtype=torch.float64),)],
    hints=[
        "x is known: each row of the table is a case, which comes with the probability p(x) of its "
        "row.",
        "Within a row the probabilities of y are p(x, y) / p(x). A row that never comes has "
        "p(x) = 0: it must not be divided by.",
        "By the chain rule of the lesson it is H(X, Y) − H(X): both are entropies, of the whole "
        "table and of the row sums.",
    ],
    mistakes=[
        Mistake(
            "the other one is known",
            "This is H(X|Y). Here x is known: the rows of the table.",
            lambda p_xy: lossbook.conditional_entropy(p_xy.T),
        ),
        Mistake(
            "joint entropy",
            "This is H(X, Y), of both together. What x tells has to be taken off.",
            lambda p_xy: lossbook.entropy(p_xy.flatten()),
        ),
        Mistake(
            "nothing is known",
            "This is H(Y), before x is known.",
            lambda p_xy: lossbook.entropy(p_xy.sum(-2)),
        ),
        Mistake(
            "rows that all count alike",
            "Each row counts with its own probability p(x).",
            lambda p_xy: lossbook.entropy(p_xy / p_xy.sum(-1, keepdim=True)).mean(),
        ),
        Mistake(
            "rows are no distributions yet",
            "Within a row, divide by the sum of the row: the probabilities of y must sum to 1.",
            lambda p_xy: (p_xy.sum(-1) * -torch.xlogy(p_xy, p_xy).sum(-1)).sum(),
        ),
        Mistake(
            "0 log 0 is not 0",
            "Where a probability is 0 your answer is not a number. Such an entry adds nothing.",
            lambda p_xy: -(p_xy * (p_xy / p_xy.sum(-1, keepdim=True)).log()).sum(),
        ),
    ],
)


def shared(p_xy):
    return lossbook.mutual_information(p_xy)


mutual_information = Function(
    name="mutual_information",
    title="What they share",
    kind="implement",
    level=2,
    minutes=12,
    answer=shared,
    cases={"p_xy": joints("x y", dtype=BOTH)},
    examples=[(torch.tensor([[0.5, 0.0], [0.0, 0.5]], dtype=torch.float64),)],
    hints=[
        "How much less uncertain is y when x is known? You have built both entropies.",
        "H(Y) − H(Y|X), or H(X) + H(Y) − H(X, Y). The sums of the rows are the distribution of x, "
        "those of the columns that of y.",
    ],
    mistakes=[
        Mistake(
            "joint minus the two",
            "The sign: what both have in common was counted twice in H(X) + H(Y).",
            lambda p_xy: -lossbook.mutual_information(p_xy),
        ),
        Mistake(
            "joint entropy",
            "This is H(X, Y), all that there is; only a part of it is shared.",
            lambda p_xy: lossbook.entropy(p_xy.flatten()),
        ),
        Mistake(
            "what is left",
            "This is H(Y|X), what y keeps for itself.",
            lambda p_xy: lossbook.conditional_entropy(p_xy),
        ),
        Mistake(
            "not weighted",
            "Each logarithm counts with its probability p(x, y), not with p(x) p(y).",
            lambda p_xy: (
                (x := p_xy.sum(-1, keepdim=True) * p_xy.sum(-2, keepdim=True))
                * (p_xy / x).log()
            ).sum(),
        ),
        Mistake(
            "0 log 0 is not 0",
            "Where a probability is 0 your answer is not a number. Such an entry adds nothing.",
            lambda p_xy: (
                p_xy * (p_xy / (p_xy.sum(-1, keepdim=True) * p_xy.sum(-2, keepdim=True))).log()
            ).sum(),
        ),
    ],
)  # fmt: skip

bonus = Question(
    name="bonus",
    title="A bonus that works against you",
    kind="explain",
    level=2,
    minutes=8,
    answer={"cause": "b", "start": math.log(4)},
    choices="abcd",
    hints=[
        "What does a step of training do to a term that is added to the loss?",
        "Before the first step all four logits are 0: four equally likely actions.",
    ],
    mistakes=[
        Mistake(
            "the rate",
            "A smaller step makes it slower, but goes to the same end: look at the direction.",
            {"cause": "a"},
        ),
        Mistake(
            "the size of the bonus",
            "A larger factor makes the entropy fall faster still. Which way does it push?",
            {"cause": "c"},
        ),
        Mistake(
            "the softmax",
            "The probabilities are right: they sum to 1 at every step.",
            {"cause": "d"},
        ),
        Mistake("bits, not nats", "This is in bits; the run prints nats.", {"start": 2}),
        Mistake(
            "perplexity", "This is the number of equally likely actions; its entropy is asked.",
            {"start": 4},
        ),
    ],
)  # fmt: skip


def bright_pixels(case):
    """Draw sixty of the handwritten digits: which of their pixels are bright."""
    case.first = case.integer(0, 1700)
    return torch.tensor(load_digits().data[case.first : case.first + 60] > 8)


def their_labels(case):
    return torch.tensor(load_digits().target[case.first : case.first + 60])


def told_by_each_pixel(bright, labels):
    tables = torch.stack(
        [
            torch.stack([(bright == on)[labels == digit].sum(0) for digit in range(10)], -1)
            for on in (False, True)
        ],
        -2,
    )
    return lossbook.mutual_information(tables.double() / len(labels))


def told_by_bright_pixels(bright, labels):
    joint = torch.stack([bright[labels == digit].sum(0) for digit in range(10)], -1) / len(labels)
    counts = torch.stack([(labels == digit).sum() for digit in range(10)]) / len(labels)
    apart = joint.sum(-1, keepdim=True) * counts
    return torch.where(joint > 0, joint * (joint / apart).log(), 0).sum(-1).double()


pixels = Function(
    name="pixels",
    title="The pixel that tells most",
    kind="use",
    level=3,
    minutes=15,
    answer=told_by_each_pixel,
    cases={"bright": Domain(bright_pixels), "labels": Domain(their_labels)},
    allow={"lossbook"},
    hints=[
        "One pixel and the label are two quantities. Count how often each pair of them comes: a "
        "table with 2 rows and 10 columns for each pixel.",
        "The table, divided by the number of pictures, is a joint distribution: "
        "`mutual_information` takes it.",
        "`(bright[labels == 3]).sum(0)` counts, for each pixel, the threes in which it is bright. "
        "The dark ones are what is left of all threes.",
    ],
    mistakes=[
        Mistake(
            "counts, not probabilities",
            "The entries of a joint table sum to 1: divide by the number of pictures.",
            lambda bright, labels: told_by_each_pixel(bright, labels) * len(labels),
        ),
        Mistake(
            "entropy of the pixel",
            "This is how uncertain the pixel is. How much of it does the label settle?",
            lambda bright, labels: lossbook.entropy(
                torch.stack([bright.double().mean(0), 1 - bright.double().mean(0)], -1)
            ),
        ),
        Mistake(
            "bright pixels only",
            "A dark pixel tells something too: the table needs both rows.",
            told_by_bright_pixels,
        ),
    ],
)

EXERCISES = [
    toss,
    entropy,
    perplexity,
    independent,
    conditional_entropy,
    mutual_information,
    collisions,
    bonus,
    pixels,
]
