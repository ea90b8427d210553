"""Exercises of lesson 06: binary cross-entropy."""

import functools
import math

import torch

import lossbook
from lossbook.derive import d, derivation, exp, log, positive, probability, real
from lossbook.practice.exercise import BOTH, Mistake
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, logits, positives, probabilities, signs

thinned = Question(
    name="thinned",
    title="Noes thrown away",
    level=1,
    minutes=5,
    answer=1 / 6,
    hints=[
        "To throw away noes is to change how much a yes counts beside a no. By which factor?",
        "Go over to the odds: an output of 0.8 is 4 to 1. What were the odds before the noes were "
        "thrown away?",
    ],
    mistakes=[
        Mistake("as the model says", "It says what is true of the thinned records alone.", 0.8),
        Mistake("the output divided", "Not the probability is divided by 20, but the odds.", 0.04),
        Mistake("the odds", "These are the odds; a probability is asked.", 0.2),
        Mistake("the wrong way round",
                "In the thinned records a yes is more frequent than in truth.", 80 / 81),
    ],
)  # fmt: skip


def soft_ramp(x):
    return x.clamp(min=0) + (-x.abs()).exp().log1p()


def as_it_stands(x):
    return (1 + x.exp()).log()


softplus = Function(
    name="softplus",
    title="A softplus to mend",
    kind="mend",
    level=1,
    minutes=8,
    answer=soft_ramp,
    cases={"x": logits("rows? classes", dtype=BOTH)},
    examples=[(torch.tensor([1000.0, 0.0, -1000.0], dtype=torch.float64),)],
    hints=[
        "For x above 0 take eˣ out of the sum before it is computed. What does the logarithm make "
        "of it?",
        "x + log(1 + e⁻ˣ) above 0, and log(1 + eˣ) below. Both are in one formula, with max(x, 0) "
        "and |x|.",
    ],
    mistakes=[
        Mistake("the exponential overflows",
                "The exponential of a large number is infinite, and its logarithm too.",
                as_it_stands),
        Mistake("overflow on the other side",
                "This is right for large x; for very negative x the exponential of −x is infinite.",
                lambda x: x + as_it_stands(-x)),
        Mistake("still cut",
                "Cut off, the ramp ends: softplus of 1000 is 1000.",
                lambda x: as_it_stands(x.clamp(max=50))),
        Mistake("the corner is not round",
                "This is max(x, 0), without what softplus lies above it.",
                lambda x: x.clamp(min=0)),
        Mistake("the corner alone",
                "This is what softplus lies above max(x, 0); the ramp itself is missing.",
                lambda x: soft_ramp(-x.abs())),
        Mistake("infinity times nothing",
                "`where` computes both sides; multiplied by 0, an infinity is NaN.",
                lambda x: (x > 0) * (x + as_it_stands(-x)) + (x <= 0) * as_it_stands(x)),
    ],
)  # fmt: skip

soft_margin = Function(
    name="soft_margin",
    title="Soft margin",
    level=1,
    minutes=6,
    answer=lambda z, s: soft_ramp(-s * z).mean(),
    cases={"z": logits("rows? classes", dtype=BOTH), "s": signs("rows? classes", dtype=BOTH)},
    hints=[
        "log(1 + e^(…)) is the function of the exercise before. Of what?",
        "softplus of −s z, for each element; then the mean over all of them.",
    ],
    mistakes=[
        Mistake("the exponential overflows", "A sure mistake costs about |z|, not infinity.",
                lambda z, s: as_it_stands(-s * z).mean()),
        Mistake("the sign in the exponent", "A score with the right sign should cost little.",
                lambda z, s: soft_ramp(s * z).mean()),
        Mistake("answers of 0 and 1",
                "softplus(z) − y z wants answers of 0 and 1; here they are signs.",
                lambda z, s: (soft_ramp(z) - s * z).mean()),
        Mistake("hinge loss", "This has a sharp corner; the soft margin is log(1 + e^(−s z)).",
                lambda z, s: (1 - s * z).clamp(min=0).mean()),
        Mistake("the sum", "This is the sum over all elements; their mean is asked.",
                lambda z, s: soft_ramp(-s * z).sum()),
        Mistake("one loss for each element", "One number is asked: the mean.",
                lambda z, s: soft_ramp(-s * z)),
    ],
)  # fmt: skip


def weighted(z, y, w):
    return w * y * soft_ramp(-z) + (1 - y) * soft_ramp(z)


bce_with_logits = Function(
    name="bce_with_logits",
    title="Binary cross-entropy from scores",
    level=2,
    minutes=12,
    answer=lambda z, y, w: weighted(z, y, w).mean(),
    cases={
        "z": logits("rows labels", dtype=BOTH),
        "y": probabilities("rows labels", dtype=BOTH),
        "w": positives("labels", dtype=BOTH),
    },
    hints=[
        "Take the logarithms on paper: −log σ(z) is a softplus, and −log(1 − σ(z)) is another.",
        "−log σ(z) = softplus(−z), −log(1 − σ(z)) = softplus(z). A yes counts w times.",
        "w y softplus(−z) + (1 − y) softplus(z), and the mean over all N · C of them. `w * y` "
        "broadcasts along the rows.",
    ],
    mistakes=[
        Mistake("through the probability",
                "A probability that is rounded to 0 or 1 has no logarithm on one of the sides: "
                "begin with the score.",
                lambda z, y, w: -(w * y * (q := 1 / (1 + (-z).exp())).log()
                                  + (1 - y) * (1 - q).log()).mean()),
        Mistake("the exponential overflows",
                "The exponential of a large number is infinite, and the loss is finite.",
                lambda z, y, w: (w * y * as_it_stands(-z) + (1 - y) * as_it_stands(z)).mean()),
        Mistake("overflow for negative scores",
                "For very negative scores the exponential of −z is infinite.",
                lambda z, y, w: ((1 - y) * z + (1 + (w - 1) * y) * as_it_stands(-z)).mean()),
        Mistake("no weight", "This is right for w = 1 alone: a yes counts w times.",
                lambda z, y, w: weighted(z, y, 1).mean()),
        Mistake("the weight of an element",
                "w counts the yeses only; this is torch's `weight`, which counts the noes too.",
                lambda z, y, w: (w * weighted(z, y, 1)).mean()),
        Mistake("weighted noes", "w counts the yeses, not the noes.",
                lambda z, y, w: (y * soft_ramp(-z) + w * (1 - y) * soft_ramp(z)).mean()),
        Mistake("only a part of a yes is weighted",
                "In softplus(z) − y z the surprise at a yes is in both terms. Write it as two "
                "surprises first, then weigh.",
                lambda z, y, w: (soft_ramp(z) - w * y * z).mean()),
        Mistake("an average weighted by column",
                "w counts the yeses only, and the mean divides by the number of elements.",
                lambda z, y, w: (w * weighted(z, y, 1)).sum() / w.sum()),
        Mistake("divided by the weights",
                "The mean divides by the number of elements, whatever they weigh.",
                lambda z, y, w: weighted(z, y, w).sum() / (1 + (w - 1) * y).sum()),
        Mistake("yes and no exchanged", "σ(z) is the probability of a yes, y = 1.",
                lambda z, y, w: (w * y * soft_ramp(z) + (1 - y) * soft_ramp(-z)).mean()),
        Mistake("the sum", "This is the sum over all elements; their mean is asked.",
                lambda z, y, w: weighted(z, y, w).sum()),
        Mistake("one loss for each element", "One number is asked: the mean.", weighted),
    ],
)  # fmt: skip


@derivation(z=real, y=probability, w=positive)
def slope_of_weighted_loss(z, y, w):
    q = 1 / (1 + exp(-z))
    yield d((1 - y) * z + (1 + (w - 1) * y) * log(1 + exp(-z)), z), "the weighted loss, by z"
    yield (1 - y) - (1 + (w - 1) * y) * exp(-z) / (1 + exp(-z)), "the chain rule"
    yield (1 + (w - 1) * y) * q - w * y, "what is left of 1 is q"


def slope_with(part):
    """A wrong slope: 1 − y, and a part made of the count of an example, and of 1 − q."""
    return lambda z, y, w: 1 - y + part(1 + (w - 1) * y, exp(-z) / (1 + exp(-z)))


weighted_slope = Proof(
    name="weighted_slope",
    title="The slope of a weighted loss",
    level=1,
    minutes=8,
    answer=slope_of_weighted_loss,
    given=(0, 2),
    wants={"a line with the slope of the logarithm": r"exp\(-z\) / |/ \(1 \+ exp|/ \(exp|1 - q"},
    hints=[
        "The first term is a line. In the second one only log(1 + exp(−z)) depends on z.",
        "The slope of log x is 1/x, times the slope of x = 1 + exp(−z), which is −exp(−z).",
    ],
    mistakes=[
        Mistake("a sign", "exp(−z) falls as z grows: its slope is −exp(−z).",
                slope_with(lambda count, no: count * no)),
        Mistake("the inner derivative is missing",
                "1/(1 + exp(−z)) has to be multiplied by the slope of what the logarithm is of.",
                slope_with(lambda count, no: count * (1 - no))),
        Mistake("the inner derivative is missing, and a sign",
                "1/(1 + exp(−z)) has to be multiplied by the slope of what the logarithm is of.",
                slope_with(lambda count, no: -count * (1 - no))),
        Mistake("the factor is lost", "How often an example counts stays as a factor.",
                slope_with(lambda count, no: -no)),
    ],
)  # fmt: skip


def multi_hot(z, labels):
    """1 where a label is named; −1 names none."""
    return (labels[:, :, None] == torch.arange(z.shape[1])).any(1).to(z.dtype)


def of_labels(z, labels):
    return weighted(z, multi_hot(z, labels), 1)


def taken_as_the_last(z, labels):
    return multi_hot(z, labels % z.shape[1])


def named_labels(case):
    """Draw which of the labels each row has; the numbers come first, and −1 fills the rows."""
    rows, classes = case.shape("rows classes")
    has = [[i for i in range(classes) if case.integer(0, 1)] for _ in range(rows)]
    return torch.tensor([row + [-1] * (classes - len(row)) for row in has])


multi_label = Function(
    name="multi_label",
    title="Many labels at once",
    level=2,
    minutes=12,
    answer=lambda z, labels: of_labels(z, labels).mean(1),
    cases={"z": logits("rows classes", dtype=BOTH), "labels": Domain(named_labels)},
    examples=[(torch.zeros(2, 3).double(), torch.tensor([[-1, -1, -1], [0, 1, 2]]))],
    hints=[
        "Make a table of answers first, 0 or 1 for each label of each picture. Beware of −1: as an "
        "index it is the last one.",
        "With that table y the loss of an element is y softplus(−z) + (1 − y) softplus(z). Every "
        "label has one, named or not.",
        "`(labels[:, :, None] == torch.arange(C)).any(1)` is the table, and −1 equals none.",
    ],
    mistakes=[
        Mistake("−1 is taken as the last label", "−1 fills a row; as an index it names the last.",
                lambda z, labels: weighted(z, taken_as_the_last(z, labels), 1).mean(1)),
        Mistake("label 0 is lost", "0 is a label like the others; only −1 is none.",
                lambda z, labels: of_labels(z, labels.where(labels > 0, -1)).mean(1)),
        Mistake("only the labels that are there",
                "A label that is not named is a no, and has a loss too.",
                lambda z, labels: (multi_hot(z, labels) * of_labels(z, labels)).mean(1)),
        Mistake("divided by the labels that are there",
                "The mean is taken over all C labels.",
                lambda z, labels: of_labels(z, labels).sum(1) / multi_hot(z, labels).sum(1)),
        Mistake("the exponential overflows", "The exponential of a large score is infinite.",
                lambda z, labels: (as_it_stands(z) - multi_hot(z, labels) * z).mean(1)),
        Mistake("through the probability",
                "A probability that is rounded to 0 or 1 has no logarithm on one of the sides.",
                lambda z, labels: -((y := multi_hot(z, labels))
                                    * (q := 1 / (1 + (-z).exp())).log()
                                    + (1 - y) * (1 - q).log()).mean(1)),
        Mistake("a softmax", "The labels do not exclude each other: each has its own sigmoid.",
                lambda z, labels: -(multi_hot(z, labels) * z.log_softmax(1)).sum(1)),
        Mistake("the sum over the labels", "The mean over the C labels is asked.",
                lambda z, labels: of_labels(z, labels).sum(1)),
        Mistake("one number for all rows", "Each row has a loss of its own.",
                lambda z, labels: of_labels(z, labels).mean()),
        Mistake("yes and no exchanged", "σ(z) is the probability that the label is there.",
                lambda z, labels: of_labels(-z, labels).mean(1)),
    ],
)  # fmt: skip

zero_one = Question(
    name="zero_one",
    title="It says yes to everything",
    kind="explain",
    level=2,
    minutes=8,
    answer={"cause": "c", "floor": 3 / 4 * math.log(2)},
    choices="abcd",
    hints=[
        "Put one no into the formula of the loss. How does it change with the score?",
        "In the end the yeses cost next to nothing. Three quarters of the answers are noes: what "
        "does each of them cost?",
    ],
    mistakes=[
        Mistake("few yeses",
                "Then it would rather say no to everything. Which answers pull at the scores?",
                {"cause": "a"}),
        Mistake("the step", "The loss falls at every step and then rests: nothing overshoots.",
                {"cause": "b"}),
        Mistake("one layer", "The two groups lie apart; a line between them is all it needs.",
                {"cause": "d"}),
        Mistake("all answers", "The yeses cost next to nothing in the end.",
                {"floor": math.log(2)}),
        Mistake("the share of the yeses", "Which of the two groups can't be made cheaper?",
                {"floor": math.log(2) / 4}),
        Mistake("the entropy of the answers",
                "This is the least loss of a model that can't tell the groups apart.",
                {"floor": math.log(4) - 3 / 4 * math.log(3)}),
        Mistake("no floor", "A part of the loss does not depend on the scores.", {"floor": 0}),
    ],
)  # fmt: skip


def zeros_and_ones(case):
    return (signs("rows? classes", dtype=BOTH).make(case) + 1) / 2


def focused(z, y, gamma, factor=None):
    s = 2 * y - 1
    surprise, missing = soft_ramp(-s * z), lossbook.sigmoid(-s * z)
    return (missing if factor is None else factor(z, y)) ** gamma * surprise


def from_the_mean(z, y, gamma):
    mean = weighted(z, y, 1).mean()
    return (1 - (-mean).exp()) ** gamma * mean


def focal_of_probability(z, y, gamma):
    q = 1 / (1 + (-z).exp())
    return -(y * (1 - q) ** gamma * q.log() + (1 - y) * q**gamma * (1 - q).log()).mean()


focal_loss = Function(
    name="focal_loss",
    title="Focal loss",
    level=2,
    minutes=12,
    answer=lambda z, y, gamma: focused(z, y, gamma).mean(),
    cases={
        "z": logits("rows? classes", dtype=BOTH),
        "y": Domain(zeros_and_ones),
        "gamma": choice(0.0, 1.0, 2.0, 5.0),
    },
    hints=[
        "Begin with the surprise L at the answer that came: one number for each element.",
        "L is −log of the probability of the right answer. What is that probability, from L?",
        "(1 − e⁻ᴸ)^γ · L for each element, and the mean at the end.",
    ],
    mistakes=[
        Mistake("from the mean", "Each answer has a factor of its own; the mean comes last.",
                from_the_mean),
        Mistake("no focus", "This is the plain loss: the factor is missing.",
                lambda z, y, gamma: weighted(z, y, 1).mean()),
        Mistake("more for what is easy",
                "The factor is 1 less the probability of the right answer.",
                lambda z, y, gamma: focused(
                    z, y, gamma, lambda z, y: lossbook.sigmoid((2 * y - 1) * z)).mean()),
        Mistake("the same factor for yes and no",
                "1 − σ(z) is right for a yes. For a no the right answer had another probability.",
                lambda z, y, gamma: focused(
                    z, y, gamma, lambda z, y: lossbook.sigmoid(-z)).mean()),
        Mistake("noes without a loss", "A no has a loss too, with the probability 1 − σ(z).",
                lambda z, y, gamma: (y * focused(z, y, gamma)).mean()),
        Mistake("the surprise at a yes", "The surprise at a no is −log(1 − σ(z)).",
                lambda z, y, gamma: (
                    lossbook.sigmoid((1 - 2 * y) * z) ** gamma * soft_ramp(-z)).mean()),
        Mistake("a factor, not a power", "γ is an exponent.",
                lambda z, y, gamma: gamma * focused(z, y, 1).mean()),
        Mistake("through the probability",
                "A probability that is rounded to 0 has no logarithm: begin with the score.",
                focal_of_probability),
        Mistake("the exponential overflows", "The exponential of a large score is infinite.",
                lambda z, y, gamma: (
                    (L := as_it_stands(z) - y * z) * (1 - (-L).exp()) ** gamma).mean()),
        Mistake("the sum", "This is the sum over all elements; their mean is asked.",
                lambda z, y, gamma: focused(z, y, gamma).sum()),
        Mistake("one loss for each element", "One number is asked: the mean.", focused),
    ],
)  # fmt: skip


@derivation(z=real, gamma=positive)
def slope_of_focal_loss(z, gamma):
    q = 1 / (1 + exp(-z))
    yield d(-((1 - q) ** gamma) * log(q), z), "focal loss of a yes, by its score"
    yield (
        ((gamma * (1 - q) ** (gamma - 1) * log(q) - (1 - q) ** gamma / q) * q * (1 - q)),
        "the slope by q, times that of σ",
    )
    yield (1 - q) ** gamma * (gamma * q * log(q) - (1 - q)), "multiply out"


def focal_line(focus, surprise, chain=True):
    """A wrong slope, made of its two terms with other factors."""

    def line(z, gamma):
        q = 1 / (1 + exp(-z))
        of_factor, of_log = gamma * (1 - q) ** (gamma - 1) * log(q), (1 - q) ** gamma / q
        return (focus * of_factor + surprise * of_log) * (q * (1 - q) if chain else 1)

    return line


focal_slope = Proof(
    name="focal_slope",
    title="How focal loss pulls",
    level=3,
    minutes=12,
    answer=slope_of_focal_loss,
    given=(0, 2),
    wants={
        "a line with the slope by q": r"\(gamma - 1\)|d\((log\()?q\)?, z\)|gamma \+ 1|1 \+ gamma"
    },
    hints=[
        "The score acts through q: the slope by q, times the slope of q by z. The lesson has both.",
        "By q it is a product of two factors, and its slope has two terms. The slope of q = σ(z) "
        "is q (1 − q).",
    ],
    mistakes=[
        Mistake("the slope of σ is missing", "This is the slope by q; q has one by z.",
                focal_line(1, -1, chain=False)),
        Mistake("the sign of the first term", "1 − q falls as q grows: a sign from within.",
                focal_line(-1, -1)),
        Mistake("the sign of the second term", "More probability means less surprise.",
                focal_line(1, 1)),
        Mistake("both signs", "The loss of a yes falls with its score: the slope is negative.",
                focal_line(-1, 1)),
        Mistake("only the logarithm", "The factor (1 − q)^γ changes with q as well.",
                focal_line(0, -1)),
        Mistake("only the factor", "The logarithm changes with q as well.", focal_line(1, 0)),
    ],
)  # fmt: skip


@functools.cache
def weighted_scores(w):
    """Scores of all digits, is it an 8, of a layer that was trained on the first 600."""
    from sklearn import datasets

    digits = datasets.load_digits()
    x = torch.cat([torch.tensor(digits.data / 16), torch.ones(1797, 1).double()], 1)
    is_8 = torch.tensor(digits.target == 8)
    layer, y = torch.zeros(65).double(), is_8[:600].double()
    for _ in range(200):
        q = lossbook.sigmoid(x[:600] @ layer)
        layer -= 2 / w * x[:600].T @ ((1 + (w - 1) * y) * q - w * y) / 600
    return x @ layer, is_8


def some_scores(case):
    case.w, case.first = case.pick((3.0, 5.0, 9.0)), case.integer(600, 1497)
    return weighted_scores(case.w)[0][case.first : case.first + 300].float()  # as counts divide


def their_truth(case):
    return weighted_scores(case.w)[1][case.first : case.first + 300]


def when(called):
    """Return what gives precision and recall when `called(scores, w)` are called an 8."""

    def both(scores, truth, w):
        said = called(scores, w)
        hits = (said & truth).sum().to(scores.dtype)
        return hits / said.sum(), hits / truth.sum()

    return both


undone = when(lambda scores, w: scores > math.log(w))

eights = Function(
    name="eights",
    title="Eights, with the weight undone",
    kind="use",
    level=3,
    minutes=12,
    answer=undone,
    cases={
        "scores": Domain(some_scores),
        "truth": Domain(their_truth),
        "w": Domain(lambda case: case.w),
    },
    allow={"sigmoid"},
    hints=[
        "What has the weight done to the scores? Undo it, and call by the sign of what is left.",
        "It has added log w. So a picture is called an 8 where its score is above log w.",
        "Hits are the pictures that were called and are 8s. Divided by how many were called, they "
        "are the precision; divided by how many 8s there are, the recall.",
    ],
    mistakes=[
        Mistake("the weight is not undone",
                "An output of ½ does not mean a true probability of ½ after training with w.",
                when(lambda scores, w: scores > 0)),
        Mistake("the weight undone twice",
                "The threshold lies at one place, in scores or in outputs.",
                when(lambda scores, w: scores > 2 * math.log(w))),
        Mistake("the wrong way", "The weight has raised the scores; take something off.",
                when(lambda scores, w: scores > -math.log(w))),
        Mistake("a threshold for outputs",
                "w / (1 + w) is a threshold for the outputs σ(z); these are scores.",
                when(lambda scores, w: scores > w / (1 + w))),
        Mistake("w, not its logarithm", "The weight multiplies the odds. What does it do to "
                "their logarithm, the score?", when(lambda scores, w: scores > w)),
        Mistake("the output divided", "The weight multiplies the odds, not the output.",
                when(lambda scores, w: lossbook.sigmoid(scores) / w > 1 / 2)),
        Mistake("precision and recall exchanged",
                "The precision divides by how many were called, the recall by how many are there.",
                lambda scores, truth, w: undone(scores, truth, w)[::-1]),
        Mistake("right answers", "The share of right answers is neither of the two.",
                lambda scores, truth, w: (
                    ((scores > math.log(w)) == truth).double().mean(), undone(scores, truth, w)[1]
                )),
    ],
)  # fmt: skip

EXERCISES = [
    thinned, softplus, soft_margin, weighted_slope, bce_with_logits,
    multi_label, zero_one, focal_loss, focal_slope, eights,
]  # fmt: skip
