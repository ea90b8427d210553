"""What wrong answers have in common, whatever the exercise."""

import math

import torch
from torch import Tensor

from lossbook.practice.compare import agree, dtype_of, parts
from lossbook.practice.exercise import Mistake
from lossbook.verify.checks import copy_of
from lossbook.verify.compare import as_tensors


def rows(arguments):
    """How many rows a call has; 1 without a batch."""
    return next((x.shape[0] for x in arguments if isinstance(x, Tensor) and x.ndim > 1), 1)


def classes(arguments):
    return next((x.shape[-1] for x in arguments if isinstance(x, Tensor) and x.ndim), 1)


# The right number times what? By name: why it is wrong, and the factor for a call.
FACTORS = {
    "wrong sign": ("the right number, with the other sign", lambda call: -1),
    "log base 2": (
        "the right number in bits: `log` is the natural logarithm here",
        lambda call: 1 / math.log(2),
    ),
    "log base 10": (
        "the right number with logarithms to base 10: `log` is the natural logarithm here",
        lambda call: 1 / math.log(10),
    ),
    "a sum where a mean belongs": ("the right number times the number of rows", rows),
    "a mean where a sum belongs": (
        "the right number divided by the number of rows", lambda call: 1 / rows(call),
    ),
    "a sum over the classes where a mean belongs": (
        "the right number times the number of classes", classes,
    ),
    "a mean over the classes": (
        "the right number divided by the number of classes", lambda call: 1 / classes(call),
    ),
    "twice": ("twice the right number", lambda call: 2),
    "half": ("half of the right number", lambda call: 1 / 2),
}  # fmt: skip


def general(answer):
    """Mistakes that are made with any formula, as pairs of mistake and wrong function."""
    known = []
    for name, (says, factor) in FACTORS.items():

        def scaled(*arguments, factor=factor):
            return [factor(arguments) * value for value in as_tensors(answer(*arguments))]

        known.append((Mistake(name, f"This is {says}.", scaled), scaled))

    def swapped(first, second, *others):
        return answer(second, first, *others)

    says = "This is the right number for the first two arguments in the other order."
    return [*known, (Mistake("arguments swapped", says, swapped), swapped)]


def gives(function, arguments, result):
    """Whether a function gives this result; what is not finite agrees with what is not finite."""
    try:
        ours = parts(result)
        theirs = parts(function(*map(copy_of, arguments)))
        pairs = list(zip(ours, theirs, strict=True))
        if any(a.shape != b.shape for a, b in pairs):
            return False
        finite = [(a.isfinite(), b.isfinite()) for a, b in pairs]
        return all(torch.equal(*each) for each in finite) and all(
            agree(a[good], b[good], arguments)
            for (a, b), (good, _) in zip(pairs, finite, strict=True)
        )
    except Exception:
        return False


def is_finite(result):
    try:
        return all(value.isfinite().all() for value in as_tensors(result))
    except TypeError:
        return False


def large(arguments):
    floating = (x for x in arguments if isinstance(x, Tensor) and x.is_floating_point())
    return any(x.numel() and x.abs().max() > 80 for x in floating)


def zeros(arguments):
    floating = (x for x in arguments if isinstance(x, Tensor) and x.is_floating_point())
    return any((x == 0).any() for x in floating)


# What all the calls that fail may have in common.
PATTERNS = {
    "only calls with float32 numbers fail": lambda call: dtype_of(call) == torch.float32,
    "only calls with several rows fail": lambda call: rows(call) > 1,
    "only calls with large numbers fail: does something overflow?": large,
    "only calls with a zero among the numbers fail": zeros,
}


def find(seen):
    """The sentence that tells the failing calls from the others, "" if none does."""
    failing = [each.arguments for each in seen if each.what]
    passing = [each.arguments for each in seen if not each.what]
    for sentence, holds in PATTERNS.items():
        others = sum(not holds(arguments) for arguments in passing)
        if min(others, len(failing)) >= 3 and all(map(holds, failing)):
            return sentence
    if all(each.what in ("", "gradient") for each in seen):
        return ""  # the values are right, to whatever digit
    close = [(each.ran.result, each.right) for each in seen if each.what]
    doubles = all(dtype_of(arguments) == torch.float64 for arguments in failing)
    if doubles and all(nearly(*pair, within=1e-6) for pair in close):
        return "right to the digits of float32: is something on the way computed in float32?"
    if all(nearly(*pair) for pair in close):
        return "close, and not equal: is a small number (an epsilon) added somewhere?"
    return ""


def nearly(result, right, within=1e-3):
    """Whether a result is right to some digits."""
    try:
        pairs = zip(as_tensors(result), as_tensors(right), strict=True)
        return all(
            not a.is_complex()
            and a.shape == b.shape
            and torch.allclose(a.double(), b.double(), rtol=within, atol=within)
            for a, b in pairs
        )
    except (TypeError, ValueError, RuntimeError):
        return False
