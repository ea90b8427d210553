"""The loss of sequences without alignment: all ways of saying the same string, added up."""

import math

import torch
from torch import Tensor

from lossbook.errors import LossInputError
from lossbook.losses.reduction import check_reduction, check_tensors


# Torch's module gives the options by position, and so they may stand there.
def ctc_loss(
    log_probs, targets, input_lengths, target_lengths,
    blank=0, reduction="mean", zero_infinity=False,
):  # fmt: skip
    """How unlikely a string is when each frame says a label or a blank: −log Σ_paths Π_t p_t(path).

    A path is one label a frame; it says the string that is left when repeats are merged and then
    blanks dropped: "aa-ab" says "aab", with - as the blank.

    Source: Graves, Fernández, Gomez & Schmidhuber, "Connectionist temporal classification", 2006.

    Parameters
    ----------
    log_probs : Tensor (T, N, C) or (T, C)
        For each of T frames the logarithms of the probabilities of C labels (blank included), as
        made by `log_softmax`; of N strings, or of one. float32 or float64.
    targets : Tensor (N, S) or (sum of target_lengths)
        The strings as labels: in rows, what is beyond their lengths ignored, or one after another.
    input_lengths, target_lengths : Tensor (N) of whole numbers, or tuple
        How many frames and labels belong to each string; for one string () or (1).
    blank : int, default 0
        The label that stands for nothing.
    reduction : {"mean", "sum", "none"}
        The mean divides each loss by the length of its string (by 1 if that is 0), and then by N.
    zero_infinity : bool, default False
        Whether a string that can't be said in its frames counts 0, without slope.

    Returns
    -------
    Tensor
        A number, or with ``reduction="none"`` a tensor (N), or () for one string; in nats.
        Infinite where the frames are too few: a string takes one for each label, and one more
        between two labels that are the same.

    Raises
    ------
    LossInputError
        If a label or the blank is not one of the C, a length does not fit, there is not one for
        each string, or log_probs is empty or not of float32 or float64.

    Notes
    -----
    The slope by log_probs is −1 times the probability, given the string, that a path says the label
    in that frame. Torch returns this plus p, which is what a log-softmax before it adds, and so it
    is the same by the logits.

    Examples
    --------
    >>> log_probs = torch.tensor([[0.5, 0.5], [0.5, 0.5]]).log()
    >>> ctc_loss(log_probs, torch.tensor([1]), (2,), (1,)).exp()  # 11, 10 and 01, of 4 paths
    tensor(1.3333)
    """
    check_reduction(reduction)
    check_tensors(log_probs=log_probs, targets=targets)
    if not isinstance(zero_infinity, bool):
        raise LossInputError(f"zero_infinity={zero_infinity!r:.40}: expected True or False.")
    single = log_probs.ndim == 2
    frames = log_probs[:, None] if single else log_probs
    _check_frames(log_probs, frames, blank)
    device = log_probs.device
    count = _lengths("input_lengths", input_lengths, frames.shape[1], device)
    long = _lengths("target_lengths", target_lengths, frames.shape[1], device)
    if count.max() > len(frames):
        raise LossInputError(
            f"input_lengths has {count.max().item()}, and log_probs has {len(frames)} frames: "
            "a length is at most that."
        )
    strings = _in_rows(targets, long, blank)
    for label in strings.aminmax() if strings.numel() else ():
        if not 0 <= label.item() < frames.shape[2]:
            raise LossInputError(
                f"targets has the label {label}, and log_probs has {frames.shape[2]} classes: "
                f"labels go from 0 to {frames.shape[2] - 1}."
            )

    # A path goes through places: blank, label, blank, label, …, blank.
    places = torch.full((len(strings), 2 * strings.shape[1] + 1), blank, device=device)
    places[:, 1::2] = strings
    said = frames.gather(2, places.expand(len(frames), -1, -1))
    loss = _Paths.apply(zero_infinity, said, places, count, long)
    if reduction == "mean":
        loss = (loss / long.clamp(min=1).to(loss.dtype)).mean()
    if reduction == "sum":
        loss = loss.sum()
    return loss[0] if single and reduction == "none" else loss


class _Paths(torch.autograd.Function):
    """−log of the probability of all paths; its slope, how surely they pass each place."""

    @staticmethod
    def forward(ctx, rule, *string):
        loss, passing = _forward_backward(rule, *string)
        ctx.rule = rule
        ctx.save_for_backward(passing, *string)
        return loss

    @staticmethod
    def backward(ctx, gradient):
        passing, *string = ctx.saved_tensors
        if torch.is_grad_enabled():  # for a second derivative
            _, passing = _forward_backward(ctx.rule, *string)
        return None, -gradient[:, None] * passing, None, None, None


def _forward_backward(zero_infinity, said, places, count, long):
    """The loss of each string (N), and the probability that it passes a place in a frame."""
    time = torch.arange(len(said), device=said.device)[:, None]
    place = torch.arange(places.shape[1], device=said.device)
    string = torch.arange(len(count), device=said.device)[:, None]
    # Frames and places in reverse order; what lies beyond the lengths stays beyond them.
    to_time = ((count - 1 - time) % len(said))[:, :, None]
    to_place = (2 * long[:, None] - place) % len(place)

    def reverse(x):
        return x[to_time, string, to_place]

    # What leads on from a place is, in reverse order, what leads to it.
    places = torch.cat([places, places.gather(1, to_place)])
    behind, ahead = _arrive(torch.cat([said, reverse(said)], 1), places).split(len(count), 1)
    # Before the first frame all paths are at place 0; after the last one, at one of two.
    start = torch.where(place == 0, 0, torch.full_like(said[:1], -math.inf))
    after = torch.cat([start, behind + said])[count, string[:, 0]]
    last = (place == 2 * long[:, None]) | (place == 2 * long[:, None] - 1)
    loss = -_log_sum(torch.where(last, after, -math.inf), 1)
    if zero_infinity:
        loss = torch.where(loss == math.inf, 0, loss)
    inside = (time < count)[:, :, None] & (place <= 2 * long[:, None])
    through = behind + said + reverse(ahead) + loss[:, None]
    return loss, torch.where(inside, through, -math.inf).exp()


def _arrive(said, places):
    """For each frame and place, log of the probability of all ways to come there before it speaks.

    From one frame to the next a path stays, takes one step, or jumps over a blank, but not over the
    one that keeps two equal labels apart.
    """
    place = torch.arange(places.shape[1], device=places.device)
    before = place - torch.arange(3, device=places.device)[:, None]  # to stay, step, jump
    barred = (before < 0).expand(len(places), -1, -1).clone()
    before = before.clamp(min=0)
    barred[:, 2] |= places[:, before[2]] == places
    toll = torch.where(barred, -math.inf, said.new_zeros(()))
    here = torch.where(place == 0, 0, torch.full_like(said[0], -math.inf))
    arrivals = []
    for frame in said.unbind():
        arrivals.append(_log_sum(here[:, before] + toll, 1))
        here = arrivals[-1] + frame
    return torch.stack(arrivals)


def _log_sum(x, dim):
    """log Σ exp(x), and −∞, with slope 0, where there is nothing but −∞."""
    most = x.detach().amax(dim, keepdim=True)
    shift = most.clamp(min=torch.finfo(x.dtype).min)
    return most.squeeze(dim) + (x - shift).exp().sum(dim).clamp(min=1).log()


# Refusals


def _check_frames(log_probs, frames, blank):
    if frames.ndim != 3 or frames.numel() == 0:
        raise LossInputError(
            f"log_probs has shape {tuple(log_probs.shape)}: "
            "expected (T, N, C) or (T, C), not empty."
        )
    if frames.dtype not in (torch.float32, torch.float64):
        raise LossInputError(
            f"log_probs holds {frames.dtype} numbers: expected float32 or float64, "
            "log_probs.float()."
        )
    if not isinstance(blank, int) or isinstance(blank, bool) or not 0 <= blank < frames.shape[2]:
        raise LossInputError(
            f"blank={blank!r:.40}: expected one of the {frames.shape[2]} classes, "
            f"0 to {frames.shape[2] - 1}."
        )


def _lengths(name, lengths, count, device):
    """The lengths as a tensor of whole numbers, one for each string."""
    if isinstance(lengths, tuple | list) and all(isinstance(x, int) for x in lengths):
        lengths = torch.tensor(lengths, dtype=torch.int64)
    if not isinstance(lengths, Tensor):
        raise LossInputError(f"{name}={lengths!r:.40}: expected a tensor or a tuple of int.")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise LossInputError(f"{name} holds {lengths.dtype}: lengths are whole numbers, .long().")
    if lengths.numel() != count:
        raise LossInputError(
            f"{name} has {lengths.numel()} lengths for {count} strings: give one for each."
        )
    if (lengths < 0).any():
        raise LossInputError(f"{name} has {lengths.min().item()}: a length is 0 or more.")
    return lengths.to(device=device, dtype=torch.int64).flatten()


def _in_rows(targets, long, blank):
    """The strings (N, S), of int64, blank beyond their lengths."""
    count, most = len(long), int(long.max())
    inside = torch.arange(most, device=long.device) < long[:, None]
    shape = tuple(targets.shape)
    if targets.is_complex() or targets.ndim not in (1, 2):
        raise LossInputError(
            f"targets has shape {shape} and holds {targets.dtype}: expected labels (N, S), "
            "or all of them in one row."
        )
    if targets.ndim == 2:
        if shape[0] != count or shape[1] < most:
            raise LossInputError(
                f"targets has shape {shape}: expected a row for each of {count} strings, and "
                f"{most} columns at the least (the largest of target_lengths)."
            )
        return torch.where(inside, targets[:, :most].to(torch.int64), blank)
    if shape[0] != long.sum():
        raise LossInputError(
            f"targets has {shape[0]} labels and target_lengths add up to {int(long.sum())}: "
            "strings one after another have as many labels as their lengths say."
        )
    rows = torch.full_like(inside, blank, dtype=torch.int64)
    rows[inside] = targets.to(torch.int64)
    return rows
