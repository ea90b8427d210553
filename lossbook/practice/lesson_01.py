"""Exercises of lesson 01: information content."""

import math

import torch

from lossbook.derive import at_least, derivation, log, probability
from lossbook.information import information as information_of
from lossbook.practice.exercise import BOTH, Mistake, load_digits
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, probabilities

jackpot = Question(
    name="jackpot",
    title="Heads, or the jackpot",
    kind="predict",
    level=1,
    minutes=5,
    within=0.02,
    answer=math.log2(math.comb(49, 6)),
    hints=[
        "How many bits does one head carry? And n of them in a row?",
        "The jackpot has probability 1/13 983 816. How often must 1 be halved to arrive there? "
        "`math.log2` tells.",
    ],
    mistakes=[
        Mistake("probabilities compared", "Every head halves the probability: it is divided by 2 "
                "each time, not by one more.", math.comb(49, 6)),
        Mistake("probabilities compared", "Every head halves the probability: it is divided by 2 "
                "each time, not by one more.", math.comb(49, 6) / 2),
        Mistake("nats, not bits", "This is the information of the jackpot in nats. One head "
                "carries 0.693 nats.", math.log(math.comb(49, 6))),
        Mistake("log base 10", "This counts tenths, not halves.", math.log10(math.comb(49, 6))),
        Mistake("a sign", "Information is never negative.", -math.log2(math.comb(49, 6))),
        Mistake("an ordered draw", "The order in which the six numbers are drawn does not matter: "
                "the probability is 1/13 983 816.", math.log2(math.perm(49, 6))),
    ],
)  # fmt: skip


def in_base(p, base):
    return information_of(p, base=base)


information = Function(
    name="information",
    title="Information in any base",
    level=1,
    minutes=8,
    answer=in_base,
    cases={"p": probabilities("rows? n", dtype=BOTH), "base": choice(2, math.e, 10, 1.5, 256)},
    hints=[
        "In nats it is −log p. How do you come from nats to bits? The same with another base.",
        "Divide by the natural logarithm of the base: `math.log(base)`. At p = 0 torch's logarithm "
        "gives what is wanted by itself.",
    ],
    mistakes=[
        Mistake("always nats", "This is right for base e. The base decides the unit.",
                lambda p, base: -p.log()),
        Mistake("always bits", "This is right for base 2. The base decides the unit.",
                lambda p, base: -p.log2()),
        Mistake("multiplied by the unit",
                "One bit is 0.693 nats, so that a number of nats is a larger number of bits.",
                lambda p, base: -p.log() * math.log(base)),
        Mistake("a positive logarithm", "The logarithm of a probability is not positive, and its "
                "information not negative: the sign.", lambda p, base: p.log() / math.log(base)),
        Mistake("divided by the base", "The unit is the logarithm of the base.",
                lambda p, base: -p.log() / base),
        Mistake("infinity cut off", "What never happens surprises without bound: the information "
                "at p = 0 is infinite.",
                lambda p, base: torch.where(p == 0, 0, in_base(p, base))),
        *[Mistake("a small number is added", "It bounds the surprise, and changes every result.",
                  lambda p, base, small=10.0**-power: -(p + small).log() / math.log(base))
          for power in range(5, 17)],
    ],
)  # fmt: skip


@derivation(p=probability)
def halving_adds_one_bit(p):
    yield -log(p / 2) / log(2), "the information at p / 2, in bits"
    yield -(log(p) - log(2)) / log(2), "the log of a quotient"
    yield -log(p) / log(2) + 1, "one bit more than at p"


halving = Proof(
    name="halving",
    title="Halving adds one bit",
    level=1,
    minutes=8,
    answer=halving_adds_one_bit,
    given=(0, 2),
    wants={"a line with the logarithm of p alone": r"log\(p\)"},
    hints=[
        "What is the logarithm of a quotient?",
        "log(p / 2) is log p − log 2. Mind the minus sign in front, and the brackets.",
    ],
    mistakes=[
        Mistake("the sign of log 2",
                "log(a / b) is log a − log b, and the minus sign in front is for both.",
                lambda p: -(log(p) + log(2)) / log(2)),
        Mistake("the log of a quotient is no quotient",
                "log(a / b) is log a − log b, not log a / log b.",
                lambda p: -log(p) / log(2) / log(2)),
        Mistake("half of the information", "A half of p does not carry half of the information.",
                lambda p: -log(p) / 2 / log(2)),
    ],
)  # fmt: skip


def together(p):
    return -p.log().sum(-1)


surprise_of_all = Function(
    name="surprise_of_all",
    title="All of them at once",
    level=1,
    minutes=8,
    answer=together,
    cases={"p": probabilities("rows? n:1-6", dtype=BOTH)},
    examples=[(torch.full((100,), 0.1),), (torch.full((400,), 0.1, dtype=torch.float64),)],
    hints=[
        "The events are independent: what is multiplied, and what is added?",
        "The product of many probabilities is rounded to 0. Take the logarithm of each first, then "
        "the sum over the last dimension.",
    ],
    mistakes=[
        Mistake("the product underflows",
                "The product of many small numbers is rounded to 0, and what it was is lost. It "
                "need not be formed.", lambda p: -p.prod(-1).log()),
        Mistake("the mean", "This is the surprise for each event; their sum is asked.",
                lambda p: -p.log().mean(-1)),
        Mistake("the logarithm of a sum", "Probabilities of independent events are multiplied, not "
                "added.", lambda p: -p.sum(-1).log()),
        Mistake("surprise at an average", "First the logarithm of each, then the sum.",
                lambda p: -p.mean(-1).log() * p.shape[-1]),
        Mistake("a sum over everything", "Each row has a surprise of its own: sum over the last "
                "dimension.", lambda p: together(p).sum()),
        Mistake("a sum over the rows", "Python's `sum`, like `sum(0)`, adds the rows of a table. "
                "The events of a row belong together: the last dimension.",
                lambda p: -p.log().sum(0)),
        Mistake("not added up", "This is the surprise at each event. What about all together?",
                lambda p: -p.log()),
    ],
)  # fmt: skip


def no_failure(m):
    return -torch.log1p(-m).sum(-1)


nothing_failed = Function(
    name="nothing_failed",
    title="A quiet night, to be mended",
    kind="mend",
    level=2,
    minutes=10,
    answer=no_failure,
    cases={"m": probabilities("rows? n:1-6", dtype=BOTH)},
    examples=[(torch.full((100_000,), 1e-8),), (torch.full((400,), 0.9, dtype=torch.float64),)],
    hints=[
        "Look at 1 − m for m = 1e-8 in float32. And what does a product of many numbers become?",
        "The lesson has a function for −log(1 − m) that starts from m itself. Add up what it "
        "gives, over the last dimension.",
    ],
    mistakes=[
        Mistake("1 − m has lost m",
                "In float32, 1 − 0.00000001 is rounded to 1. Nothing done afterwards brings it "
                "back.", lambda m: -(1 - m).log().sum(-1)),
        Mistake("1 − m has lost m",
                "In float32, 1 − 0.00000001 is rounded to 1. And the product underflows where "
                "failures are frequent.", lambda m: -(1 - m).prod(-1).log()),
        Mistake("everything failed", "This is the surprise at the failure of all machines.",
                together),
        Mistake("a sign too many", "`log1p(x)` is log(1 + x): what is x?",
                lambda m: -torch.log1p(m).sum(-1)),
        Mistake("a sum over everything", "Each row is a night of its own.",
                lambda m: no_failure(m).sum()),
        Mistake("an approximation", "−log(1 − m) is about m only where m is small.",
                lambda m: m.sum(-1)),
    ],
)  # fmt: skip


def counts(case):
    """Draw numbers of messages: powers of two, their neighbours, and any."""
    size = case.integer(1, 3)
    near = [2 ** case.integer(0, 40) + case.integer(-1, 1) for _ in range(size)]
    return torch.tensor([max(1, n) for n in near])


def needed(n):
    return torch.tensor([(int(each) - 1).bit_length() for each in n])


def rounded(function):
    """Return a wrong length, by a formula in float64."""
    return lambda n: function(n.double())


word_length = Function(
    name="word_length",
    title="Words of noughts and ones",
    level=2,
    minutes=12,
    answer=needed,
    cases={"n": Domain(counts)},
    examples=[(torch.tensor([1, 2, 3, 4, 5, 64, 65]),), (torch.tensor([2**29, 2**29 + 1, 2**40]),)],
    hints=[
        "With k digits there are 2ᵏ words. For which k are they enough?",
        "It is log₂ n, rounded up. With `math.log(n) / math.log(2)` the result for 2²⁹ is a little "
        "above 29: which logarithm is exact there? And in which precision does torch take that of "
        "an integer tensor?",
        "No logarithm is needed at all: double 1 until it is at least n, and count.",
    ],
    mistakes=[
        Mistake("rounded down", "Words of this length are too few.",
                rounded(lambda n: n.log2().floor())),
        Mistake("rounded to the nearest", "Where log₂ n was rounded down, the words are too few.",
                rounded(lambda n: n.log2().round())),
        Mistake("not rounded", "A word has a whole number of digits.",
                rounded(lambda n: n.log2())),
        Mistake("natural logarithm", "Each digit halves what is possible: the logarithm to base 2.",
                rounded(lambda n: n.log().ceil())),
        Mistake("one too many", "With k digits there are exactly 2ᵏ words: for a power of two the "
                "length is k.", rounded(lambda n: n.log2().floor() + 1)),
        Mistake("the quotient is not exact",
                "log n / log 2 is not exact: for some powers of two it is a little above the "
                "whole number, and is rounded up to the next.",
                lambda n: torch.tensor([math.ceil(math.log(x) / math.log(2)) for x in n.tolist()])),
        Mistake("the quotient is not exact",
                "log n / log 2 is not exact: for some powers of two it is a little above the "
                "whole number, and is rounded up to the next.",
                rounded(lambda n: (n.log() / math.log(2)).ceil())),
        Mistake("float32 is too coarse",
                "Torch takes the logarithm of whole numbers in float32. That is too coarse to tell "
                "a large power of two from the number after it.", lambda n: n.log2().ceil()),
    ],
)  # fmt: skip

capped = Question(
    name="capped",
    title="The worst mistake is not mended",
    kind="explain",
    level=2,
    minutes=10,
    answer={"cause": "b", "most": -math.log(1e-4)},
    choices="abcd",
    hints=[
        "The loss reports a surprise at the second picture. Compare it with −log p.",
        "What is the largest number that this loss can give for one picture, at p = 0? And if a "
        "curve can't rise any further, what is its slope there?",
    ],
    mistakes=[
        Mistake("the rate", "The first picture learns well with the same steps.", {"cause": "a"}),
        Mistake("underflow", "10⁻¹¹ is no problem for float64: it goes down to 10⁻³⁰⁸.",
                {"cause": "c"}),
        Mistake("the mean", "A sum would double all slopes. Twice nearly nothing is nearly "
                "nothing.", {"cause": "d"}),
        Mistake("bits, not nats", "This is the number in bits.", {"most": -math.log2(1e-4)}),
        Mistake("log base 10", "This is the number with logarithms to base 10.", {"most": 4}),
        Mistake("infinity", "At p = 0 the logarithm is that of 0.0001.", {"most": math.inf}),
        Mistake("the true surprise", "This is about −log p at the start. What can the loss show at "
                "most?", {"most": 24}),
        Mistake("the slope", "This is the steepest slope by p. The largest value is asked.",
                {"most": 1e4}),
    ],
)  # fmt: skip


def some_failure(m):
    return -(-torch.expm1(torch.log1p(-m).sum(-1))).log()


at_least_one = Function(
    name="at_least_one",
    title="At least one",
    level=3,
    minutes=15,
    answer=some_failure,
    cases={"m": probabilities("rows? n:1-6", dtype=BOTH)},
    examples=[
        (torch.tensor([1e-10, 1e-10]),),
        (torch.tensor([1e-20, 3e-20], dtype=torch.float64),),
        (torch.zeros(2),),
    ],
    hints=[
        "First the probability that nothing fails: exercise 5 has its logarithm, without loss.",
        "With s = Σ log(1 − m), which is exact, the probability of at least one failure is 1 − eˢ. "
        "`torch.expm1(s)` is eˢ − 1, computed without subtracting from 1.",
    ],
    mistakes=[
        Mistake("subtracted from 1",
                "Where failures are rare, a number close to 1 is subtracted from 1 somewhere, and "
                "the small difference is lost. Keep the small numbers.",
                lambda m: -(1 - (1 - m).prod(-1)).log()),
        Mistake("the sign of expm1", "eˢ − 1 is negative here, and a negative number has no "
                "logarithm: what is 1 − eˢ?",
                lambda m: -torch.expm1(torch.log1p(-m).sum(-1)).log()),
        Mistake("probabilities added",
                "Two failures in one night are counted twice: this is right only where failures "
                "are rare.", lambda m: -m.sum(-1).log()),
        Mistake("nothing failed", "This is the surprise at a quiet night: the opposite event.",
                no_failure),
        Mistake("everything failed", "This is the surprise at the failure of all.", together),
        Mistake("1 less the surprise", "The probabilities of opposite events sum to 1, not their "
                "surprises.", lambda m: 1 - no_failure(m)),
        Mistake("a sum over everything", "Each row is a night of its own.",
                lambda m: some_failure(m).sum()),
    ],
)  # fmt: skip


@derivation(p=probability, q=probability)
def average_of_surprises(p, q):
    yield -(log(p) + log(q)) / 2 + log((p + q) / 2), "average surprise, less that at the average"
    yield 1 / 2 * log((p + q) ** 2 / (4 * p * q)), "one logarithm"
    yield 1 / 2 * log(1 + (p - q) ** 2 / (4 * p * q)), "(p + q)² = 4pq + (p − q)²"
    yield at_least(0), "the log of a number of 1 or more"


averages = Proof(
    name="averages",
    title="Average first, or logarithm first",
    level=3,
    minutes=15,
    answer=average_of_surprises,
    given=(0, 3),
    wants={
        "a line with the square of p − q": r"\((p - q|q - p)\) ?\*\* ?2",
    },
    hints=[
        "Bring everything into one logarithm: a half of a logarithm is that of a square root, so "
        "that ½ log((p + q)² / …) is a good form.",
        "½ log((p + q)² / (4pq)). Why is the fraction at least 1? Compare (p + q)² with (p − q)².",
        "(p + q)² = 4pq + (p − q)²: the fraction is 1 and something that is not negative.",
    ],
    mistakes=[
        Mistake("a forgotten 4", "(p + q) / 2 is squared: the 2 as well.",
                lambda p, q: 1 / 2 * log((p + q) ** 2 / (p * q))),
        Mistake("a forgotten 4", "(p + q)² is (p − q)² and 4pq; divided by 4pq.",
                lambda p, q: 1 / 2 * log(1 + (p - q) ** 2 / (p * q))),
        Mistake("the half is lost", "½ stands before the logarithm of the square.",
                lambda p, q: log((p + q) ** 2 / (4 * p * q))),
        Mistake("the half is lost", "½ stands before the logarithm of the square.",
                lambda p, q: log(1 + (p - q) ** 2 / (4 * p * q))),
        Mistake("turned over", "log p and log q have a minus sign: they belong below.",
                lambda p, q: 1 / 2 * log(4 * p * q / (p + q) ** 2)),
    ],
)  # fmt: skip


def pictures(how_many, first):
    """The domain of some of the handwritten digits."""

    def make(case):
        start = case.integer(0, 800) + first
        return torch.tensor(load_digits().data[start : start + how_many], dtype=torch.float32)

    return Domain(make)


def share(seen):
    return ((seen > 8).sum(0).double() + 1) / (len(seen) + 2)


def in_bits(bright, share):
    return -torch.where(bright, share, 1 - share).log2().sum(-1)


def odd_pictures(new, seen):
    return in_bits(new > 8, share(seen))


odd_digits = Function(
    name="odd_digits",
    title="The oddest digit",
    kind="use",
    level=3,
    minutes=15,
    answer=odd_pictures,
    cases={"new": pictures(5, first=900), "seen": pictures(60, first=0)},
    hints=[
        "How often is each pixel bright in `seen`? That gives 64 probabilities, each between 0 and "
        "1, and a pixel that is dark has the probability of the opposite.",
        "`torch.where(new > 8, share, 1 - share)` is the probability of what each pixel shows. The "
        "pixels are independent here: their surprises add.",
    ],
    mistakes=[
        Mistake("nats, not bits", "The surprise is asked in bits.",
                lambda new, seen: odd_pictures(new, seen) * math.log(2)),
        Mistake("bright pixels only", "A dark pixel is a surprise too, where most are bright.",
                lambda new, seen: -torch.where(new > 8, share(seen).log2(), 0).sum(-1)),
        Mistake("bright and dark changed",
                "A bright pixel has the share of the bright ones, a dark one the rest.",
                lambda new, seen: in_bits(new <= 8, share(seen))),
        Mistake("plain shares",
                "A pixel that was never bright would be impossible: infinite surprise. Each count "
                "gets 1 more, and the number of pictures 2.",
                lambda new, seen: in_bits(new > 8, (seen > 8).double().mean(0))),
        Mistake("1 more, of as many",
                "Bright and dark both get 1 more, so that there are N + 2 in all.",
                lambda new, seen: in_bits(
                    new > 8, ((seen > 8).sum(0).double() + 1) / (len(seen) + 1))),
        Mistake("bright from 8 on", "A pixel is bright if it is above 8: at 8 it is dark.",
                lambda new, seen: odd_pictures(new + 0.5, seen + 0.5)),
        Mistake("the mean pixel", "This is the surprise for each pixel; their sum is asked.",
                lambda new, seen: odd_pictures(new, seen) / 64),
        Mistake("a sum over everything", "Each new picture has a surprise of its own.",
                lambda new, seen: odd_pictures(new, seen).sum()),
    ],
)  # fmt: skip

EXERCISES = [
    jackpot, information, halving, surprise_of_all, nothing_failed,
    word_length, capped, at_least_one, averages, odd_digits,
]  # fmt: skip
