"""The loss of strings without alignment."""

import math
from math import inf

import torch

from lossbook.atlas.entry import Curve, Estimate, entry
from lossbook.atlas.formula import formula
from lossbook.derive import d, exp, index, log, reals
from lossbook.losses import ctc_loss


def _two_frames(t):
    """The string "1" in two frames; in each the label is ahead of the blank by t."""
    scores = torch.stack([torch.zeros_like(t), t], -1).log_softmax(-1)
    lengths = torch.full((len(t),), 1)
    return {
        "log_probs": scores.expand(2, len(t), 2), "targets": lengths[:, None],
        "input_lengths": lengths + 1, "target_lengths": lengths,
    }  # fmt: skip


def _says_something(c):
    """In two frames a model can say the string "1" or nothing; 0.8 of the strings are "1"."""
    once = _two_frames(c[None])
    never = once | {"target_lengths": torch.tensor([0])}
    return 0.8 * ctc_loss(**once, reduction="sum") + 0.2 * ctc_loss(**never, reduction="sum")


entry(
    "CTCLoss",
    range=(0, inf),
    estimate=Estimate(
        "the shares of the strings (here in two frames, as the logit of a label)",
        _says_something,
        math.log(1 / math.sqrt(0.2) - 1),  # a blank has √0.2, so that two of them have 0.2
    ),
    use="A string for each sequence of frames, and nobody knows which frame says which label: "
    "speech, handwriting. The labels come in the order of the frames, at most one "
    "a frame, and with a frame between two that are equal.",
    curve=Curve(
        "gap", "logit of the label − logit of the blank, in each of two frames", -6, 6,
        {"one label, two frames": _two_frames},
    ),
)  # fmt: skip


def _three_paths(F, s):
    """Two frames have three paths for the string "1": 11, 10 and 01. These are their scores."""
    first = torch.stack([s[2] - s[0], s[0] * 0])
    second = torch.stack([s[1], s[0]])
    frames = torch.stack([first, second])
    return F.ctc_loss(frames, torch.tensor([1]), (2,), (1,), reduction="sum")


@formula(
    "CTCLoss", _three_paths,
    "the i are the paths that say the string, s_i the sum of the log-probabilities on path i",
    sizes=(3,), s=reals, j=index,
)  # fmt: skip
def over_all_paths(s, j, classes):
    L = -log(sum(exp(s[i]) for i in classes))
    yield d(L, s[j]), "the slope"
    yield -exp(s[j]) / sum(exp(s[i]) for i in classes), "how likely path j is, given the string"
