"""Exercises of lesson 04: cross-entropy."""

import functools
import math

import torch

import lossbook
from lossbook.derive import (
    d,
    derivation,
    distribution,
    exp,
    index,
    log,
    positive,
    probability,
    reals,
)
from lossbook.practice.exercise import BOTH, Mistake
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, distributions, labels, logits

fresh_network = Question(
    name="fresh_network",
    title="A network that knows nothing",
    kind="predict",
    level=1,
    minutes=5,
    answer={"labels": math.log(2), "one_hot": 1.8 * math.log(2)},
    hints=[
        "Every picture has the same loss. How large is it, before the weights?",
        "The sum of the weighted losses is the same in both cases. What is it divided by: the sum "
        "of the weights of the labels, or the number of rows?",
    ],
    mistakes=[
        Mistake(
            "divided by the number of rows",
            "With labels the mean divides by the sum of the weights of the labels that occur.",
            {"labels": 1.8 * math.log(2)},
        ),
        Mistake(
            "divided by the sum of the weights",
            "With probabilities as targets torch divides by the number of rows.",
            {"one_hot": math.log(2)},
        ),
        Mistake("bits, not nats", "Torch answers in nats.", {"labels": 1, "one_hot": 1.8}),
        Mistake(
            "the sum",
            "This is what `reduction=\"sum\"` gives: nothing has been divided yet.",
            {"labels": 180 * math.log(2), "one_hot": 180 * math.log(2)},
        ),
    ],
)  # fmt: skip


def without_shift(z):
    return z.exp() / z.exp().sum(-1, keepdim=True)


def one_shift_for_all(z):
    return without_shift(z - z.max())


FORBIDDEN = torch.tensor([[3.0, -math.inf, 1.0], [-math.inf, -math.inf, 0.0]])

softmax = Function(
    name="softmax",
    title="A softmax to mend",
    kind="mend",
    level=1,
    minutes=8,
    answer=lambda z: lossbook.softmax(z, dim=-1),
    cases={"z": logits("rows? classes", dtype=BOTH)},
    examples=[(FORBIDDEN.double(),)],
    hints=[
        "Two faults: what was done so that nothing overflows, and over what the sum is taken.",
        "A number that is added to all logits of a row changes nothing. Which one makes the "
        "largest exponential 1?",
        "`z.amax(dim=-1, keepdim=True)` is the largest logit of each row.",
    ],
    mistakes=[
        Mistake(
            "no shift",
            "The exponential of a large logit overflows, and infinity over infinity is NaN.",
            without_shift,
        ),
        Mistake(
            "one shift for the whole table",
            "A row that lies far below the largest logit of the table becomes 0 / 0. Each row "
            "needs a shift of its own.",
            one_shift_for_all,
        ),
        Mistake(
            "a sum over everything",
            "Each row is a distribution of its own and must sum to 1.",
            lambda z: (z - z.max()).exp() / (z - z.max()).exp().sum(),
        ),
        Mistake(
            "the logits are still cut",
            "Cut off at 80, two large logits become equal, whatever their difference was.",
            lambda z: without_shift(z.clamp(max=80)),
        ),
    ],
)


def log_of_softmax(z):
    return lossbook.softmax(z, dim=-1).log()


log_softmax = Function(
    name="log_softmax",
    title="Log-softmax",
    level=1,
    minutes=8,
    answer=lambda z: lossbook.log_softmax(z, dim=-1),
    cases={"z": logits("rows? classes", dtype=BOTH)},
    hints=[
        "Take the logarithm on paper: what is log of a quotient, and log of an exponential?",
        "log qᵢ = zᵢ − lse(z). Both parts may be computed after the shift by the largest logit.",
    ],
    mistakes=[
        Mistake(
            "through the probability",
            "A small probability is rounded to 0, and its logarithm is −∞. Take the logarithm on "
            "paper instead.",
            log_of_softmax,
        ),
        Mistake(
            "no shift",
            "The exponential of a large logit overflows in the sum.",
            lambda z: z - z.exp().sum(-1, keepdim=True).log(),
        ),
        Mistake(
            "no shift",
            "The exponential of a large logit overflows, and infinity over infinity is NaN.",
            lambda z: without_shift(z).log(),
        ),
        Mistake(
            "only the largest is taken off",
            "lse(z) lies above the largest logit: the others add something to it.",
            lambda z: z - z.amax(-1, keepdim=True),
        ),
        Mistake(
            "the shift is added back",
            "The logits are shifted, so their log-sum-exp has to be the shifted one too.",
            lambda z: lossbook.log_softmax(z, dim=-1) - z.amax(-1, keepdim=True),
        ),
        Mistake(
            "one shift for the whole table",
            "In a row far below the largest logit of the table every exponential is 0, and so is "
            "their sum. Each row needs a shift of its own.",
            lambda z: z - z.max() - (z - z.max()).exp().sum(-1, keepdim=True).log(),
        ),
    ],
)


def smoothed(p, smoothing):
    return (1 - smoothing) * p + smoothing / p.shape[1]


def average_surprise(z, p):
    return -(p * lossbook.log_softmax(z, dim=1)).sum(1).mean()


def of_targets(z, p, smoothing):
    return average_surprise(z, smoothed(p, smoothing))


cross_entropy = Function(
    name="cross_entropy",
    title="Cross-entropy, soft and smoothed",
    level=2,
    minutes=12,
    answer=of_targets,
    cases={
        "z": logits("rows classes", dtype=BOTH),
        "p": distributions("rows classes", dtype=BOTH),
        "smoothing": choice(0.0, 0.1, 0.5, 1.0),
    },
    hints=[
        "Mix the target first; what is left is a plain cross-entropy with probabilities.",
        "The mixture has 1 − smoothing of p, and smoothing / K for each of the K classes.",
        "Sum the target times the log-softmax over the classes, turn the sign, and take the mean "
        "over the rows.",
    ],
    mistakes=[
        Mistake(
            "no smoothing",
            "This is right for a smoothing of 0 alone: a part of the target has to be spread.",
            lambda z, p, smoothing: average_surprise(z, p),
        ),
        Mistake(
            "spread over the other classes",
            "The part that is taken away is spread over all K classes, the right one included.",
            lambda z, p, smoothing: average_surprise(
                z, (1 - smoothing) * p + smoothing * (1 - p) / (p.shape[1] - 1)
            ),
        ),
        Mistake(
            "added, and not taken away",
            "What is spread has to be taken away from p first: the target must sum to 1.",
            lambda z, p, smoothing: average_surprise(z, p + smoothing / p.shape[1]),
        ),
        Mistake(
            "nothing is spread",
            "What is taken away from p has to be given to the classes: the target must sum to 1.",
            lambda z, p, smoothing: average_surprise(z, (1 - smoothing) * p),
        ),
        Mistake(
            "one loss for each row",
            "One number is asked, the mean over the rows.",
            lambda z, p, smoothing: -(
                smoothed(p, smoothing) * lossbook.log_softmax(z, dim=1)
            ).sum(1),
        ),
        Mistake(
            "only the largest class",
            "All classes are summed, each with its own probability.",
            lambda z, p, smoothing: lossbook.cross_entropy(
                z, p.argmax(1), label_smoothing=smoothing
            ),
        ),
        Mistake(
            "through the probability",
            "A probability that is rounded to 0 has no logarithm: start from the log-softmax.",
            lambda z, p, smoothing: -(
                (smoothed(p, smoothing) * log_of_softmax(z)).sum(1).mean()
            ),
        ),
    ],
)  # fmt: skip


@derivation(z=reals, p=distribution, j=index, epsilon=probability)
def slope_of_smoothing(z, p, j, epsilon, classes, K):
    q = [exp(z[i]) / sum(exp(z[k]) for k in classes) for i in classes]
    lse = log(sum(exp(z[i]) for i in classes))
    yield (
        d(
            (1 - epsilon) * (lse - sum(p[i] * z[i] for i in classes))
            + epsilon * (lse - sum(z[i] for i in classes) / K),
            z[j],
        )
    ), "two cross-entropies: with p, and with 1/K"  # fmt: skip
    yield (1 - epsilon) * (q[j] - p[j]) + epsilon * (q[j] - 1 / K), "softmax − target, twice"
    yield q[j] - ((1 - epsilon) * p[j] + epsilon / K), "the mixed target"


def parts(q_part, label, even):
    """Mistakes in the slope of the smoothed loss, by the factors of its parts."""

    def line(z, p, j, epsilon, classes, K):
        q = exp(z[j]) / sum(exp(z[k]) for k in classes)
        return q_part(q, epsilon) + label(epsilon) * p[j] + even(epsilon, K)

    return line


smoothed_slope = Proof(
    name="smoothed_slope",
    title="The slope of a smoothed loss",
    level=1,
    minutes=10,
    answer=slope_of_smoothing,
    given=(0, 2),
    wants={"a line with the slopes of the two parts": r"q\[j\].*q\[j\]|exp.*exp|d\(.*d\(|d\(lse"},
    hints=[
        "The loss has two parts, each a cross-entropy: one with the target p, one with the uniform "
        "distribution. What is the slope of a cross-entropy?",
        "Each part has the slope softmax − target. The target of the first is p[j], that of the "
        "second 1/K.",
    ],
    mistakes=[
        Mistake(
            "a sign",
            "The slope of a cross-entropy is softmax − target, not target − softmax.",
            parts(lambda q, e: -q, lambda e: 1 - e, lambda e, K: e / K),
        ),
        Mistake(
            "one softmax is missing",
            "Each of the two cross-entropies has the softmax in its slope.",
            parts(lambda q, e: (1 - e) * q, lambda e: e - 1, lambda e, K: -e / K),
        ),
        Mistake(
            "a factor is missing",
            "The factor 1 − ε stands before the whole slope of the first part.",
            parts(lambda q, e: q + e * q, lambda e: -1, lambda e, K: -e / K),
        ),
        Mistake(
            "the uniform target is 1/K",
            "The target of the second part gives 1/K to each class, not 1.",
            parts(lambda q, e: q, lambda e: e - 1, lambda e, K: -e),
        ),
    ],
)


def one_hot(z, y):
    return (y[:, None] == torch.arange(z.shape[1])).to(z.dtype)


def slopes(z, target):
    return (lossbook.softmax(z, dim=1) - target) / len(z)


def slopes_by_hand(z, y, smoothing):
    return slopes(z, smoothed(one_hot(z, y), smoothing))


gradient_by_hand = Function(
    name="gradient_by_hand",
    title="The gradient by hand",
    level=2,
    minutes=12,
    answer=slopes_by_hand,
    cases={
        "z": logits("rows classes", dtype=BOTH),
        "y": labels("rows"),
        "smoothing": choice(0.0, 0.1, 0.5),
    },
    forbid={"backward", "grad"},
    hints=[
        "For one row it is softmax − target. What is the target of a smoothed label?",
        "The loss is a mean of N rows: each of them moves it only by 1/N.",
        "Start from the softmax less smoothing / K; then take 1 − smoothing off at the label of "
        "each row, and divide by N.",
    ],
    mistakes=[
        Mistake(
            "target minus softmax",
            "These are the pulls, downhill. The gradient points uphill.",
            lambda z, y, smoothing: -slopes_by_hand(z, y, smoothing),
        ),
        Mistake(
            "no smoothing",
            "This is right for a smoothing of 0 alone: the target is not the bare label.",
            lambda z, y, smoothing: slopes(z, one_hot(z, y)),
        ),
        Mistake(
            "nothing is spread",
            "What is taken away from the label has to be given to the classes: the target must "
            "sum to 1.",
            lambda z, y, smoothing: slopes(z, (1 - smoothing) * one_hot(z, y)),
        ),
        Mistake(
            "no smoothing and no mean",
            "The target is not the bare label, and a row moves the mean by a part of 1/N only.",
            lambda z, y, smoothing: slopes(z, one_hot(z, y)) * len(z),
        ),
        Mistake(
            "only at the label",
            "The other logits have slopes too: the softmax is made of all of them.",
            lambda z, y, smoothing: slopes_by_hand(z, y, smoothing) * one_hot(z, y),
        ),
        Mistake(
            "spread over the other classes",
            "The part that is taken away is spread over all K classes, the right one included.",
            lambda z, y, smoothing: slopes(
                z,
                (1 - smoothing) * one_hot(z, y)
                + smoothing * (1 - one_hot(z, y)) / (z.shape[1] - 1),
            ),
        ),
        Mistake(
            "no shift",
            "The softmax overflows at large logits.",
            lambda z, y, smoothing: (
                without_shift(z) - smoothed(one_hot(z, y), smoothing)
            ) / len(z),
        ),
    ],
)  # fmt: skip


def divergence(student, teacher, T, heat=None):
    log_q = lossbook.log_softmax(student / (heat or T), dim=1)
    log_p = lossbook.log_softmax(teacher / T, dim=1)
    return (log_p.exp() * (log_p - log_q)).sum(1).mean()


distillation = Function(
    name="distillation",
    title="Distillation",
    level=2,
    minutes=12,
    answer=lambda student, teacher, T: T**2 * divergence(student, teacher, T),
    cases={
        "student": logits("rows classes", dtype=BOTH),
        "teacher": logits("rows classes", dtype=BOTH),
        "T": choice(1.0, 2.0, 4.0),
    },
    differentiable=True,
    hints=[
        "Divide both rows of logits by T before anything else.",
        "KL is the average, under the teacher, of log p − log q. Your log-softmax gives both "
        "logarithms; the exponential of the first is p.",
        "Sum over the classes, take the mean over the rows, and multiply by T².",
    ],
    mistakes=[
        Mistake(
            "no T²",
            "Without the factor the slopes shrink like 1/T² in the heat.",
            divergence,
        ),
        Mistake(
            "T, not T²",
            "One 1/T comes from the inner derivative, the other hides in q − p: two factors T.",
            lambda student, teacher, T: T * divergence(student, teacher, T),
        ),
        Mistake(
            "a cold student",
            "Both are heated: a student that equals its teacher must have a loss of 0.",
            lambda student, teacher, T: T**2 * divergence(student, teacher, T, heat=1),
        ),
        Mistake(
            "cross-entropy, not KL",
            "The slopes are the same, but a perfect student would not have the loss 0: take the "
            "teacher's entropy off.",
            lambda student, teacher, T: T**2 * average_surprise(
                student / T, lossbook.softmax(teacher / T, dim=1)
            ),
        ),
        Mistake(
            "through the probability",
            "A probability that is rounded to 0 has no logarithm: take it from the log-softmax.",
            lambda student, teacher, T: T**2 * (
                lossbook.softmax(teacher / T, dim=1)
                * (log_of_softmax(teacher / T) - log_of_softmax(student / T))
            ).sum(1).mean(),
        ),
        Mistake(
            "log 0 of the teacher",
            "A probability of the teacher that is rounded to 0 has no logarithm: take it from the "
            "log-softmax.",
            lambda student, teacher, T: T**2 * (
                lossbook.softmax(teacher / T, dim=1)
                * (log_of_softmax(teacher / T) - lossbook.log_softmax(student / T, dim=1))
            ).sum(1).mean(),
        ),
    ],
)  # fmt: skip


@derivation(s=positive, z=reals, p=distribution)
def slope_by_sharpness(s, z, p, classes):
    q = [exp(s * z[i]) / sum(exp(s * z[k]) for k in classes) for i in classes]
    yield (
        (d(log(sum(exp(s * z[i]) for i in classes)) - s * sum(p[i] * z[i] for i in classes), s)),
        "the loss of the logits s z, by s",
    )
    yield (
        sum(z[i] * exp(s * z[i]) for i in classes) / sum(exp(s * z[i]) for i in classes)
        - sum(p[i] * z[i] for i in classes)
    ), "the chain rule"  # fmt: skip
    yield sum(q[i] * z[i] for i in classes) - sum(p[i] * z[i] for i in classes), "the softmax"


def sharpened(weights):
    """Mistakes in the slope by the sharpness, by what stands before the exponentials."""

    def line(s, z, p, classes):
        total = sum(exp(s * z[i]) for i in classes)
        mean = sum(weights(s, z[i]) * exp(s * z[i]) for i in classes) / total
        return mean - sum(p[i] * z[i] for i in classes)

    return line


sharpness = Proof(
    name="sharpness",
    title="How sharp should a model be?",
    level=2,
    minutes=12,
    answer=slope_by_sharpness,
    given=(0, 2),
    wants={"a line with the slope written out": r"^(?!.*\bd\().*exp\("},
    hints=[
        "Two terms. The second is a straight line in s.",
        "The slope of log f is f′ / f. Here f is the sum of the exponentials, and s stands in each "
        "of them beside a logit.",
    ],
    mistakes=[
        Mistake(
            "the inner derivative is missing",
            "By s, the exponential of s z[i] has the inner derivative z[i].",
            sharpened(lambda s, logit: 1),
        ),
        Mistake(
            "the derivative by the logit",
            "The inner derivative by s is z[i]; the one by z[i] would be s.",
            sharpened(lambda s, logit: s),
        ),
        Mistake(
            "not divided",
            "The slope of a logarithm is one over what stands in it: divide by the sum.",
            lambda s, z, p, classes: (
                sum(z[i] * exp(s * z[i]) for i in classes) - sum(p[i] * z[i] for i in classes)
            ),
        ),
        Mistake(
            "s is left in the second term",
            "s times a constant has the constant as its slope.",
            lambda s, z, p, classes: (
                sum(z[i] * exp(s * z[i]) for i in classes) / sum(exp(s * z[i]) for i in classes)
                - s * sum(p[i] * z[i] for i in classes)
            ),
        ),
    ],
)

bounded = Question(
    name="bounded",
    title="A loss that stops falling",
    kind="explain",
    level=2,
    minutes=10,
    answer={"cause": "b", "floor": math.log(1 + 3 * math.exp(-2))},
    choices="abcd",
    within=0.003,
    hints=[
        "All answers are right, and the loss does not go to 0. What would make it smaller still?",
        "Only differences of logits count. How large can the gap between the right logit and the "
        "others become in this network?",
        "The gap is at most 2. The loss of a label is lse(z) − z_y, with four classes.",
    ],
    mistakes=[
        Mistake(
            "the rate",
            "With more or longer steps it would come nearer to its floor, and not below it.",
            {"cause": "a"},
        ),
        Mistake("the labels", "Labels have the entropy 0: they set no floor.", {"cause": "c"}),
        Mistake(
            "two softmaxes",
            "There is one softmax, in the loss. But a floor has the same reason there: what goes "
            "in is bounded.",
            {"cause": "d"},
        ),
        Mistake(
            "a gap of 1", "The tangent reaches down to −1, not to 0.",
            {"floor": math.log(1 + 3 / math.e)},
        ),
        Mistake(
            "ten classes", "This is for ten classes; here there are four.",
            {"floor": math.log(1 + 9 * math.exp(-2))},
        ),
        Mistake("no floor", "That would need logits without a bound.", {"floor": 0}),
    ],
)  # fmt: skip


@functools.cache
def sure_of_itself():
    """Logits and labels of pictures; the classifier was trained on 100 others, for too long."""
    from sklearn import datasets

    digits = datasets.load_digits()
    pictures, digit = torch.tensor(digits.data / 16), torch.tensor(digits.target)
    weights = torch.zeros(64, 10, dtype=torch.float64)
    for _ in range(100):
        slope = slopes(pictures[:100] @ weights, torch.eye(10)[digit[:100]])
        weights -= 20 * pictures[:100].T @ slope
    return pictures[100:] @ weights, digit[100:]


def some_logits(case):
    case.first, case.count = case.integer(0, 1600), case.integer(1, 40)
    return sure_of_itself()[0][case.first : case.first + case.count]


def their_labels(case):
    return sure_of_itself()[1][case.first : case.first + case.count]


def some_temperatures(case):
    drawn = [0.25 * case.integer(1, 40) for _ in range(case.integer(1, 4))]
    return torch.tensor(drawn, dtype=torch.float64)


def by_temperature(z, y, temperatures):
    return torch.stack([lossbook.cross_entropy(z / T, y) for T in temperatures])


temperature = Function(
    name="temperature",
    title="The temperature that fits",
    kind="use",
    level=3,
    minutes=12,
    answer=by_temperature,
    cases={
        "z": Domain(some_logits),
        "y": Domain(their_labels),
        "temperatures": Domain(some_temperatures),
    },
    allow={"torch", "cross_entropy", "log_softmax", "logsumexp", "nll_loss"},
    hints=[
        "For one temperature it is the loss of the logits divided by it.",
        "`torch.stack([… for T in temperatures])` makes one tensor of the losses.",
    ],
    mistakes=[
        Mistake(
            "multiplied by T",
            "A high temperature makes the logits smaller: divide.",
            lambda z, y, temperatures: by_temperature(z, y, 1 / temperatures),
        ),
        Mistake(
            "times T²",
            "T² belongs to training in the heat, where it mends the size of the slopes. Here the "
            "value of the loss is asked.",
            lambda z, y, temperatures: temperatures**2 * by_temperature(z, y, temperatures),
        ),
        Mistake(
            "softmax before the loss",
            "The loss takes a softmax itself: give it logits.",
            lambda z, y, temperatures: torch.stack(
                [lossbook.cross_entropy((z / T).softmax(1), y) for T in temperatures]
            ),
        ),
    ],
)  # fmt: skip

EXERCISES = [
    fresh_network,
    softmax,
    log_softmax,
    smoothed_slope,
    cross_entropy,
    gradient_by_hand,
    distillation,
    sharpness,
    bounded,
    temperature,
]
