"""Exercises of lesson 08: regression losses."""

import functools
import math

import torch

import lossbook
from lossbook.derive import at_least, d, derivation, log, positive, positives, real, reals
from lossbook.practice.exercise import BOTH, Mistake
from lossbook.practice.function import Function
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import Domain, choice, labels, logits
from lossbook.verify import reals as drawn_reals

constants = Question(
    name="constants",
    title="One answer for every hour",
    kind="predict",
    level=1,
    minutes=6,
    answer={"squared": 4, "absolute": 2, "poisson": math.log(4), "variance": 16.4},
    hints=[
        "The squared error leads to one summary of the five counts, the absolute error to another. "
        "Which of them does the Poisson loss lead to?",
        "The Poisson loss of torch expects the logarithm of the rate, if it is told nothing else. "
        "And the best variance is the mean of the squared residuals.",
    ],
    mistakes=[
        Mistake("the median", "The squared error leads to another summary than the absolute one.",
                {"squared": 2}),
        Mistake("the mean", "The absolute error does not ask how far away the 12 is.",
                {"absolute": 4}),
        Mistake("the rate", "This is the rate itself. What does the network hand over?",
                {"poisson": 4}),
        Mistake("the median", "The Poisson loss leads to the same summary as the squares.",
                {"poisson": math.log(2)}),
        Mistake("the mean of the logarithms",
                "The logarithm of the mean is not the mean of the logarithms.",
                {"poisson": math.log(144) / 5}),
        Mistake("divided by four",
                "This divides by K − 1. The loss is a mean over all five hours, and so is what it "
                "leads to.", {"variance": 20.5}),
        Mistake("the deviation", "This is the standard deviation.", {"variance": 16.4**0.5}),
        Mistake("a Poisson variance",
                "Poisson noise would have this variance. The Gaussian loss looks at the residuals.",
                {"variance": 4}),
        Mistake("around the median",
                "The residuals are those of the mean that the network says.", {"variance": 20.4}),
    ],
)  # fmt: skip


def smooth_l1_terms(x, y, beta):
    return lossbook.smooth_l1_loss(x, y, beta=beta, reduction="none")


def in_two_pieces(near, far, at=lambda beta: beta):
    """A wrong smooth L1: what it is within the threshold, and beyond."""

    def terms(x, y, beta):
        r = (x - y).abs()
        return torch.where(r < at(beta), near(r, beta), far(r, beta))

    return terms


NUMBERS = drawn_reals("rows? n", dtype=BOTH)
ENDS = torch.tensor([1.0, 3.0, -3.0, 0.5, 0.0], dtype=torch.float64), torch.zeros(5).double()

smooth_l1 = Function(
    name="smooth_l1",
    title="Smooth L1, down to a threshold of 0",
    level=1,
    minutes=10,
    answer=smooth_l1_terms,
    cases={"x": NUMBERS, "y": NUMBERS, "beta": choice(1.0, 0.5, 4.0, 100.0, 0.0)},
    examples=[(*ENDS, 1.0), (*ENDS, 0.0)],
    differentiable=True,
    hints=[
        "First the residual. Its size says in which of the two pieces it is.",
        "A branch of `torch.where` that is not picked still spoils the slope if it is infinite. "
        "What would be divided by 0?",
        "Cut the residual at the threshold, as the lesson does, or return L1 before anything is "
        "divided.",
    ],
    mistakes=[
        Mistake("Huber", "This is the Huber loss, which is β times as large.",
                lambda x, y, beta: lossbook.huber_loss(x, y, delta=beta, reduction="none")
                if beta else 0 * x),
        Mistake("the pieces do not meet",
                "At the threshold the two pieces must have the same height; yours jumps.",
                in_two_pieces(lambda r, beta: r**2 / (2 * beta), lambda r, beta: r)),
        Mistake("the pieces do not meet",
                "At the threshold the two pieces must have the same height; yours jumps.",
                in_two_pieces(lambda r, beta: r**2 / (2 * beta), lambda r, beta: r - 0.5)),
        Mistake("no half", "The slope must be 1 where the parabola ends: a ½ is missing.",
                in_two_pieces(lambda r, beta: r**2 / beta, lambda r, beta: r - beta / 2)),
        Mistake("the threshold stays 1", "Below β, not below 1, the loss is a parabola.",
                in_two_pieces(lambda r, beta: r**2 / (2 * beta), lambda r, beta: r - beta / 2,
                              lambda beta: 1.0)),
        Mistake("β is left out", "This is right for β = 1 alone.",
                lambda x, y, beta: smooth_l1_terms(x, y, 1.0)),
        Mistake("no absolute value", "Beyond the threshold the *size* of the residual counts.",
                lambda x, y, beta: torch.where(
                    (x - y).abs() < beta, (x - y)**2 / (2 * beta), x - y - beta / 2)),
        Mistake("no absolute value",
                "A residual far below 0 is beyond the threshold as well: compare its size.",
                lambda x, y, beta: torch.where(
                    x - y < beta, (x - y)**2 / (2 * beta), x - y - beta / 2)),
        Mistake("reduced", "One loss for each entry is asked, without a mean.",
                lambda x, y, beta: smooth_l1_terms(x, y, beta).mean()),
    ],
)  # fmt: skip


def slopes(x, y, delta):
    return (x - y).clamp(-delta, delta) / x.numel()


huber_gradient = Function(
    name="huber_gradient",
    title="Huber's slopes by hand",
    level=1,
    minutes=8,
    answer=slopes,
    cases={"x": NUMBERS, "y": NUMBERS, "delta": choice(1.0, 0.5, 4.0, 100.0)},
    examples=[(*ENDS, 2.0)],
    forbid={"backward", "grad"},
    hints=[
        "The pull of one residual: in proportion near 0, and never more than what?",
        "`clamp` cuts at both ends. Then think of the mean: how far does one entry move it?",
    ],
    mistakes=[
        Mistake("not divided", "These are the slopes of the sum; a mean is moved less.",
                lambda x, y, delta: slopes(x, y, delta) * x.numel()),
        Mistake("divided by the rows only", "The mean runs over all entries, not over the rows.",
                lambda x, y, delta: slopes(x, y, delta) * x[0].numel()),
        Mistake("smooth L1's slopes",
                "These are the slopes of smooth L1. Far out, Huber pulls with δ, not with 1.",
                lambda x, y, delta: slopes(x, y, delta) / delta),
        Mistake("far out it pulls with 1",
                "The slope may not jump at the threshold: beyond, it is the slope of the line.",
                lambda x, y, delta: torch.where(
                    (x - y).abs() <= delta, x - y, (x - y).sign()) / x.numel()),
        Mistake("far out it always pulls up",
                "A residual far below 0 pulls the other way: the size has the slope ±1.",
                lambda x, y, delta: torch.where(
                    (x - y).abs() <= delta, x - y, delta) / x.numel()),
        Mistake("no half in the loss", "The parabola is ½ r²; its slope is r.",
                lambda x, y, delta: torch.where(
                    (x - y).abs() <= delta, 2 * (x - y), delta * (x - y).sign()) / x.numel()),
        Mistake("not cut", "Beyond the threshold the pull does not grow any more.",
                lambda x, y, delta: (x - y) / x.numel()),
        Mistake("the loss itself", "This is the loss; its slopes by x are asked.",
                lambda x, y, delta: lossbook.huber_loss(x, y, delta=delta)),
    ],
)  # fmt: skip


@derivation(lambda_=positive, k=positive)
def the_best_rate(lambda_, k):
    yield lambda_ - k * log(lambda_), "the Poisson loss of the rate λ"
    yield k - k * log(k) + k * (lambda_ / k - 1 - log(lambda_ / k)), "log λ = log k + log (λ / k)"
    yield at_least(k - k * log(k)), "log x ≤ x − 1, at x = λ / k"


poisson_least = Proof(
    name="poisson_least",
    title="The best rate is the count",
    level=2,
    minutes=10,
    answer=the_best_rate,
    given=(0, 2),
    wants={
        "a line with what the loss is above its least, in terms of λ / k": (
            r"lambda_\s*/\s*k|k\s*/\s*lambda_|log\(lambda_\)\s*-\s*log\(k\)"
            r"|log\(k\)\s*-\s*log\(lambda_\)"
        ),
    },
    hints=[
        "What is left, if you take the last line off the first?",
        "The lesson splits the Gaussian loss in the same way: the least, plus something that is "
        "never negative. The something has x − 1 − log x in it, with x = λ / k.",
        "k times x is λ. So k must stand before the bracket x − 1 − log x.",
    ],
    mistakes=[
        Mistake("the factor k", "The bracket x − 1 − log x has to be multiplied by k.",
                lambda lambda_, k: k - k * log(k) + (lambda_ / k - 1 - log(lambda_ / k))),
        Mistake("turned over", "With x = k / λ the rate would not come back: x is λ / k.",
                lambda lambda_, k: k - k * log(k) + k * (k / lambda_ - 1 - log(k / lambda_))),
        Mistake("a sign", "log λ has a minus in the loss, and so has log (λ / k).",
                lambda lambda_, k: k - k * log(k) + k * (lambda_ / k - 1 + log(lambda_ / k))),
        Mistake("without its minus one", "Put in x = 1: what is left over the least must be 0.",
                lambda lambda_, k: k - k * log(k) + k * (lambda_ / k - log(lambda_ / k))),
    ],
)  # fmt: skip


def poisson_terms(z, k):
    return z.exp() - k * z


def not_too_high(shape):
    drawn = logits(shape, dtype=BOTH)
    return Domain(lambda case: drawn.make(case).clamp(max=20), drawn.kind)


poisson_column = Function(
    name="poisson_column",
    title="A column and a row",
    kind="mend",
    level=2,
    minutes=10,
    answer=lambda z, k: poisson_terms(z[:, 0], k).mean(),
    cases={
        "z": not_too_high("rows 1"),
        "k": labels("rows", classes="count:1-60", dtype=BOTH),
    },
    examples=[(torch.tensor([[0.0], [1.0]]), torch.tensor([0.0, 3.0]))],
    differentiable=True,
    hints=[
        "Two faults. How many terms does the mean run over?",
        "And what is the logarithm of a rate that was made by `exp`? It was there before.",
    ],
    mistakes=[
        Mistake("all pairs", "A column and a row make a table of all pairs of hours: N² terms.",
                lambda z, k: poisson_terms(z, k).mean()),
        Mistake("all pairs, through the rate",
                "A column and a row make a table of all pairs of hours. And where the rate is "
                "rounded to 0, it has no logarithm.",
                lambda z, k: (z.exp() - k * (z.exp() + 1e-8).log()).mean()),
        Mistake("through the rate", "Where the rate is rounded to 0, it has no logarithm.",
                lambda z, k: (z[:, 0].exp() - k * z[:, 0].exp().log()).mean()),
        Mistake("an epsilon is left",
                "Where the rate is smaller than the epsilon, the epsilon decides the loss.",
                lambda z, k: (z[:, 0].exp() - k * (z[:, 0].exp() + 1e-8).log()).mean()),
        Mistake("logs as rates", "z is the logarithm of the rate already.",
                lambda z, k: (z[:, 0] - k * z[:, 0].log()).mean()),
        Mistake("a loss for each hour", "One number is asked, the mean over the hours.",
                lambda z, k: poisson_terms(z[:, 0], k)),
        Mistake("the squared error", "This is another loss: the Poisson loss is e^z − k z.",
                lambda z, k: ((z[:, 0].exp() - k) ** 2).mean()),
        Mistake("log k! is added", "The constant log k! is left out here, as in torch.",
                lambda z, k: (poisson_terms(z[:, 0], k) + torch.lgamma(k + 1)).mean()),
    ],
)  # fmt: skip


CONSTANT = math.log(2 * math.pi)


def gaussian(s, mu, y, constant=CONSTANT):
    return ((s + (mu - y) ** 2 * (-s).exp() + constant) / 2).mean()


def not_too_low(shape):
    drawn = logits(shape, dtype=BOTH)
    return Domain(lambda case: drawn.make(case).clamp(min=-40), drawn.kind)


gaussian_nll = Function(
    name="gaussian_nll",
    title="How sure? From the log-variance",
    level=2,
    minutes=10,
    answer=gaussian,
    cases={
        "s": not_too_low("n"),
        "mu": drawn_reals("n", dtype=BOTH),
        "y": drawn_reals("n", dtype=BOTH),
    },
    examples=[(torch.tensor([0.0, 1000.0]), torch.ones(2), torch.zeros(2))],
    differentiable=True,
    hints=[
        "Minus the logarithm of the density has three terms: one of the variance, one of the "
        "residual, and a constant. Each has a ½.",
        "log v is s itself. And dividing by v is multiplying by what?",
    ],
    mistakes=[
        Mistake("no constant", "This leaves out the constant ½ log 2π of the density.",
                lambda s, mu, y: gaussian(s, mu, y, 0)),
        Mistake("the constant is not halved", "The ½ belongs to log 2π as well: it is a root.",
                lambda s, mu, y: gaussian(s, mu, y, 2 * math.log(2 * math.pi))),
        Mistake("through the variance",
                "The variance of a large s is infinite for the computer. Its logarithm is known.",
                lambda s, mu, y: (s.exp().log() + (mu - y) ** 2 / s.exp()
                                  + math.log(2 * math.pi)).mean() / 2),
        Mistake("through the variance",
                "The variance of a large s is infinite for the computer. Its logarithm is known.",
                lambda s, mu, y: (2 * math.pi * s.exp()).log().mean() / 2
                + ((mu - y) ** 2 / (2 * s.exp())).mean()),
        Mistake("s as the log of σ", "s is the logarithm of the variance, not of its root.",
                lambda s, mu, y: gaussian(2 * s, mu, y)),
        Mistake("divided by σ", "The squared residual is divided by the variance, not by its root.",
                lambda s, mu, y: gaussian(s, (mu - y) * (s / 4).exp(), 0)),
        Mistake("multiplied by the variance",
                "Where the model is unsure, a residual costs less, not more.",
                lambda s, mu, y: gaussian(s, (mu - y) * s.exp(), 0)),
        Mistake("the logarithm of s", "s is a logarithm already: log v is s.",
                lambda s, mu, y: gaussian(s, mu, y) + (s.log() - s).mean() / 2),
        Mistake("2π, not its logarithm", "The density has a root of 2π: its logarithm is ½ log 2π.",
                lambda s, mu, y: gaussian(s, mu, y, 2 * math.pi)),
        Mistake("log v is missing",
                "Without the term of the variance itself, an infinite variance would be best.",
                lambda s, mu, y: gaussian(s, mu, y) - s.mean() / 2),
        Mistake("s as the variance", "s is the logarithm of the variance, not the variance.",
                lambda s, mu, y: (s.log() + (mu - y) ** 2 / s
                                  + math.log(2 * math.pi)).mean() / 2),
        Mistake("a sum where a mean belongs", "The mean over the entries is asked.",
                lambda s, mu, y: gaussian(s, mu, y) * len(s)),
    ],
)  # fmt: skip


@derivation(mu=real, y=reals, v=positives)
def readings_that_know_their_noise(mu, y, v, classes):
    yield (
        d(sum(1 / 2 * (log(v[i]) + (mu - y[i]) ** 2 / v[i]) for i in classes), mu)
    ), "the slope of all Gaussian losses"  # fmt: skip
    yield sum((mu - y[i]) / v[i] for i in classes), "term by term"
    yield (
        (
            sum(1 / v[i] for i in classes)
            * (mu - sum(y[i] / v[i] for i in classes) / sum(1 / v[i] for i in classes))
        ),
        "0 where μ is this mean",
    )


precision_mean = Proof(
    name="precision_mean",
    title="Readings that know their noise",
    level=2,
    minutes=10,
    answer=readings_that_know_their_noise,
    given=(0, 2),
    wants={"a line with the slope written out, without d(…)": r"^(?!.*\bd\().*v\["},
    hints=[
        "The derivative of a sum is the sum of the derivatives. In each term only the residual "
        "depends on μ.",
        "Within each term the 2 of the square meets the ½. The lesson has the slope of one reading "
        "by its prediction.",
    ],
    mistakes=[
        Mistake("the two is left", "The square brings a 2, which the ½ takes away.",
                lambda mu, y, v, classes: 2 * sum((mu - y[i]) / v[i] for i in classes)),
        Mistake("the half is left", "The ½ is used up by the 2 of the square.",
                lambda mu, y, v, classes: sum((mu - y[i]) / v[i] for i in classes) / 2),
        Mistake("a sign", "The slope by μ: the residual is μ − y, and μ stands there with a plus.",
                lambda mu, y, v, classes: sum((y[i] - mu) / v[i] for i in classes)),
        Mistake("the variance is lost", "Each residual stays divided by its own variance.",
                lambda mu, y, v, classes: sum(mu - y[i] for i in classes)),
        Mistake("log v has no slope", "log v does not depend on μ: by μ it has the slope 0.",
                lambda mu, y, v, classes: sum(
                    1 / (2 * v[i]) + (mu - y[i]) / v[i] for i in classes)),
        Mistake("the slope of the log", "log v does not depend on μ: by μ it has the slope 0.",
                lambda mu, y, v, classes: sum(1 / v[i] + (mu - y[i]) / v[i] for i in classes)),
    ],
)  # fmt: skip


@functools.cache
def rods():
    """The measured spread of the rods of the exercise, in cm."""
    lengths = 20 + 3 * torch.randn(200, generator=torch.manual_seed(0), dtype=torch.float64)
    return lengths.std(correction=0).item()


which_spread = Question(
    name="which_spread",
    title="A spread that is too wide",
    kind="explain",
    level=2,
    minutes=10,
    answer=lambda: {"cause": "c", "millimetres": 100 * rods() ** 2},
    choices="abcd",
    within=0.005,
    hints=[
        "What is the third argument of `F.gaussian_nll_loss`?",
        "Where is the loss least, if its third argument v is free? So what does the model's number "
        "become, and in which unit is that?",
    ],
    mistakes=[
        Mistake("too short", "The last two lines agree: the training has come to rest.",
                {"cause": "a"}),
        Mistake("wild readings",
                "A wild reading would raise the measured spread just as well.", {"cause": "b"}),
        Mistake("the constant", "A constant has no slope: it moves no minimum.", {"cause": "d"}),
        Mistake("a spread grows by ten",
                "So would a spread. What the model has learned is something else.",
                {"millimetres": 10 * rods() ** 2}),
        Mistake("what it should be", "This is the spread itself. The model is still wrong.",
                {"millimetres": 10 * rods()}),
        Mistake("in centimetres", "This is what it says for lengths in cm.",
                {"millimetres": rods() ** 2}),
    ],
)  # fmt: skip


@functools.cache
def tumours():
    """Residuals of a line through all tumours, and their groups by what the line sees."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    names = list(found.feature_names)
    mean, worst = (
        torch.tensor(found.data[:, names.index(f"{which} compactness")])
        for which in ("mean", "worst")
    )
    mean, worst = ((x - x.mean()) / x.std(correction=0) for x in (mean, worst))
    return (mean * worst).mean() * mean - worst, torch.bucketize(mean, mean.quantile(QUARTERS))


QUARTERS = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)


def some_rows(case):
    """Some tumours to learn the widths from, two of each group at least, and some others."""
    members = [(tumours()[1] == g).nonzero()[:, 0] for g in range(4)]
    step, first, other = case.integer(1, 12), case.integer(0, 40), case.integer(1, 12)
    case.known = torch.cat([rows[first : first + 26 : step] for rows in members])
    case.fresh = torch.cat([rows[70 + first + g :: other + 3] for g, rows in enumerate(members)])
    return tumours()[0][case.known]


def by_group(r, group, new_r, new_group):
    v = torch.stack([(r[group == g] ** 2).mean() for g in range(4)])[new_group]
    return ((2 * math.pi * v).log() + new_r**2 / v).mean() / 2


def with_variances(variance):
    """A wrong loss, with other variances of the new tumours."""

    def loss(*rows):
        v = variance(*rows)
        return ((2 * math.pi * v).log() + rows[2] ** 2 / v).mean() / 2

    return loss


widths = Function(
    name="widths",
    title="Four widths or one",
    kind="use",
    level=3,
    minutes=15,
    answer=by_group,
    cases={
        "r": Domain(some_rows),
        "group": Domain(lambda case: tumours()[1][case.known]),
        "new_r": Domain(lambda case: tumours()[0][case.fresh]),
        "new_group": Domain(lambda case: tumours()[1][case.fresh]),
    },
    allow={"torch", "gaussian_nll_loss"},
    hints=[
        "First four variances: for each group the number to which the Gaussian loss leads.",
        "`r[group == g]` are the residuals of the group g. And with a tensor of four variances, "
        "`variances[new_group]` gives each new tumour its own.",
        "`F.gaussian_nll_loss(new_r, torch.zeros_like(new_r), …, full=True)` is the loss, with its "
        "constant.",
    ],
    mistakes=[
        Mistake("one width for all", "Each group has a width of its own.",
                with_variances(lambda r, *_: (r**2).mean().expand(len(_[1])))),
        Mistake("no constant", "The constant ½ log 2π belongs to it: `full=True`.",
                lambda *rows: by_group(*rows) - math.log(2 * math.pi) / 2),
        Mistake("the new tumours judge themselves",
                "The widths were found on the tumours on which they are judged.",
                with_variances(lambda r, group, new_r, new_group: torch.stack(
                    [(new_r[new_group == g] ** 2).mean() for g in range(4)])[new_group])),
        Mistake("around the mean of the group",
                "`var` measures from the mean of the group. A residual is measured from what was "
                "said, so it is the mean of the squares.",
                with_variances(lambda r, group, new_r, new_group: torch.stack(
                    [r[group == g].var() for g in range(4)])[new_group])),
        Mistake("around the mean of the group",
                "`var` measures from the mean of the group. A residual is measured from what was "
                "said, so it is the mean of the squares.",
                with_variances(lambda r, group, new_r, new_group: torch.stack(
                    [r[group == g].var(correction=0) for g in range(4)])[new_group])),
        Mistake("around the mean of the group",
                "`var` measures from the mean of the group, and a residual from what was said. And "
                "the constant ½ log 2π is missing: `full=True`.",
                lambda *rows: with_variances(lambda r, group, new_r, new_group: torch.stack(
                    [r[group == g].var() for g in range(4)])[new_group])(*rows) - CONSTANT / 2),
        Mistake("a deviation for a variance", "The third argument of the loss is σ², not σ.",
                with_variances(lambda r, group, new_r, new_group: torch.stack(
                    [(r[group == g] ** 2).mean().sqrt() for g in range(4)])[new_group])),
        Mistake("the groups count alike", "The mean is over the new tumours, not over the groups.",
                lambda r, group, new_r, new_group: torch.stack(
                    [by_group(r, group, new_r[new_group == g], new_group[new_group == g])
                     for g in range(4)]).mean()),
    ],
)  # fmt: skip

EXERCISES = [
    constants,
    smooth_l1,
    huber_gradient,
    poisson_least,
    poisson_column,
    gaussian_nll,
    precision_mean,
    which_spread,
    widths,
]
