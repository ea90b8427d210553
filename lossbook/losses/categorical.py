"""Losses of classification into one of many: how surprising the label was, in nats."""

import math

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import (
    check_number,
    check_real,
    check_reduction,
    check_tensors,
    reduce,
    widen,
)
from lossbook.losses.softmax import less_the_largest, log_softmax, log_total, proportional


def nll_loss(input, target, *, weight=None, ignore_index=-100, reduction="mean"):
    """Minus the log-probability of the label: −w_y log p_y.

    Source: Fisher, "On the mathematical foundations of theoretical statistics", 1922.

    Parameters
    ----------
    input : Tensor, (C,), (N, C) or (N, C, d1, …, dK)
        Log-probabilities a = log p, as from `log_softmax`.
    target : Tensor of int64 (or uint8), of the shape of input without C
        Labels from 0 to C − 1.
    weight : Tensor, (C,), optional
        A factor for each class; the mean divides by the sum of those of the labels.
    ignore_index : int, default −100
        A label that does not count.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or one for each label with ``reduction="none"``; in nats. The mean of no label
        is NaN.

    Raises
    ------
    LossInputError
        If a label is out of range or of another dtype, or a shape does not fit.

    Examples
    --------
    >>> p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    >>> nll_loss(p.log(), torch.tensor([0, 2]), reduction="none")
    tensor([0.6931, 0.2231])
    """
    log_p, target, weight = batch(input, target, weight, ignore_index)
    label, kept, weight, over = weighted_labels(log_p, target, weight, ignore_index)
    loss = -(log_p.gather(1, label) if log_p.numel() else log_p[:, :0].sum(1, keepdim=True))
    return _summed(loss.squeeze(1), kept, weight, over, reduction, input)


def cross_entropy(
    input, target, *, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    """Surprise at the label under softmax: log Σ exp z − z_y; for a distribution t, −Σ t log p.

    Source: Good, "Rational decisions", 1952; smoothing: Szegedy et al., "Rethinking the Inception
    architecture for computer vision", 2016.

    Parameters
    ----------
    input : Tensor, (C,), (N, C) or (N, C, d1, …, dK)
        Logits z.
    target : Tensor
        Labels y from 0 to C − 1, in int64 (or uint8), of the shape of input without C; or
        probabilities t, of the shape of input.
    weight : Tensor, (C,), optional
        A factor for each class. The mean divides by the sum of those of the labels; for
        probabilities by the number of rows.
    ignore_index : int, default −100
        A label that does not count.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float, default 0
        The part ε of each target that is spread evenly over the classes: t becomes (1 − ε) t + ε/C.

    Returns
    -------
    Tensor
        A number, or one for each row with ``reduction="none"``; in nats. The mean of no row is NaN.

    Raises
    ------
    LossInputError
        If a label is out of range or of another dtype, a shape does not fit, or label_smoothing is
        not between 0 and 1.

    Notes
    -----
    The slope by z is softmax(z) − t.

    Examples
    --------
    >>> cross_entropy(torch.tensor([[2.0, 0.0, -1.0], [0.5, 2.5, 0.0]]), torch.tensor([0, 1]))
    tensor(0.1833)
    """
    check_smoothing(label_smoothing)
    if _same_shape(input, target):
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)

    z, target, weight = batch(input, target, weight, ignore_index)
    label, kept, weight_y, over = weighted_labels(z, target, weight, ignore_index)
    terms, by_z = of_labels(z.shape[1], weight, label_smoothing)
    weight_y = None if label_smoothing else weight_y
    if kept is None:
        loss = reduce(terms, [by_z, None], [z, label], reduction, weight=weight_y, dim=1, over=over)
        return loss.reshape(()) if input.ndim == 1 else loss
    wide = torch.promote_types(z.dtype, torch.float32)
    loss = reduce(terms, [by_z, None], [z, label], "none", dim=1, dtype=wide)
    return _summed(loss, kept, weight_y, over, reduction, input)


def of_labels(classes, weight, smoothing):
    """Terms and slope by logits for labels, of which a part may be spread over the classes.

    The weight of the classes is in them if there is smoothing; if not, it is a factor for each.
    """

    def terms(z, label):
        z = z - z.amax(1, keepdim=True)
        return (log_total(z, 1, label) - z.gather(1, label)).squeeze(1)

    def by_z(z, label):
        # At the label p − 1, which is minus what the others have.
        others = proportional(z, 1).scatter_(1, label, 0)
        return others.scatter_(1, label, -others.sum(1, keepdim=True))

    if not classes:
        return _nothing, _nothing_by_z
    return _smoothed(weight, smoothing) if smoothing else (terms, by_z)


def _nothing(z, *rest):
    """The term of a row without classes; and its slope."""
    return z.sum(1)


def _nothing_by_z(z, *rest):
    return z


def _smoothed(weight, smoothing):
    """The same for labels of which a part is spread over the classes."""

    def shares(z, label):
        w = z.new_ones(z.shape[1:]) if weight is None else widen(weight)
        each, own = smoothing / z.shape[1] * w, (1 - smoothing) * w.expand_as(z).gather(1, label)
        return each, own, own + each.sum(0)

    def terms(z, label):
        z = z - z.amax(1, keepdim=True)
        each, own, both = shares(z, label)
        spread = (each * z).sum(1, keepdim=True)
        return (both * log_total(z, 1, label) - own * z.gather(1, label) - spread).squeeze(1)

    def by_z(z, label):
        each, own, both = shares(z, label)
        return (proportional(z, 1) * both - each).scatter_add(1, label, -own)

    return terms, by_z


def _of_probabilities(input, target, weight, ignore_index, reduction, smoothing):
    """The cross-entropy with a distribution for each row."""

    def mass(t, weight=None):
        t = (1 - smoothing) * t + smoothing / t.shape[1] if smoothing else t
        return t if weight is None else weight * t

    def terms(z, t, *weight):
        z, place = less_the_largest(z, 1)
        t = mass(t, *weight)
        return t.sum(1) * log_total(z, 1, place).squeeze(1) - (t * z).sum(1)

    def by_z(z, t, *weight):
        t = mass(t, *weight)
        return proportional(z, 1) * t.sum(1, keepdim=True) - t

    def by_target(z, t, weight=1):
        return (smoothing - 1) * weight * log_softmax(z, 1)

    def by_weight(z, t, weight):
        return -mass(t) * log_softmax(z, 1)

    z, t, weight = batch(input, target, weight, ignore_index, labels=False)
    if not t.is_floating_point():
        raise LossInputError(
            f"target has the shape of input {tuple(input.shape)} and holds {target.dtype}: "
            "probabilities are target.float(), and labels have a shape without the classes."
        )
    if ignore_index >= 0:
        raise LossInputError(
            f"ignore_index={ignore_index} is for labels, and target holds probabilities: leave it "
            "out, and put 0 into the rows that do not count."
        )
    tensors = [z, t] if weight is None else [z, t, weight.expand_as(z)]
    if not z.shape[1]:
        terms, by_z = _nothing, _nothing_by_z
    slopes = [by_z, by_target, by_weight][: len(tensors)]
    over = z.numel() / z.shape[1] if z.shape[1] else 0
    loss = reduce(terms, slopes, tensors, reduction, dim=1, over=over)
    return loss.reshape(()) if input.ndim == 1 else loss


def batch(input, target, weight, ignore_index, labels=True):
    """Input (N, C, …), and target and weight of a shape that goes with it."""
    check_tensors(input=input, target=target, **({} if weight is None else {"weight": weight}))
    check_real(input=input)
    if not isinstance(ignore_index, int):
        raise LossInputError(f"ignore_index={ignore_index!r}: a whole number was expected.")
    if not input.ndim:
        raise LossInputError("input is a single number; give one for each class, of shape (C,).")
    z, t = input, target
    if input.ndim == 1:
        # A single row; its label may have the shape (1,).
        z, t = input[None], target.reshape(1) if labels and target.numel() == 1 else target[None]
    rows = z.shape[:1] + z.shape[2:]
    if t.shape != (rows if labels else z.shape) or (input.ndim == 1 and labels and target.ndim > 1):
        fits = tuple(rows if input.ndim > 1 else ())
        raise LossInputError(
            f"input has shape {tuple(input.shape)} and target {tuple(target.shape)}: "
            f"the labels for it have shape {fits}."
        )
    if weight is None:
        return z, t, None
    if weight.shape != z.shape[1:2]:
        raise LossInputError(
            f"weight has shape {tuple(weight.shape)}, and input {tuple(input.shape)} has "
            f"{z.shape[1]} classes: give a number for each."
        )
    return z, t, weight.reshape(-1, *[1] * (z.ndim - 2))


def check_smoothing(label_smoothing):
    """Refuse what is no part of the target."""
    check_number("label_smoothing", label_smoothing)
    if not 0 <= label_smoothing <= 1:
        raise LossInputError(
            f"label_smoothing={label_smoothing}: it is a part of the target, between 0 and 1."
        )


def weighted_labels(z, target, weight, ignore_index):
    """Labels to gather by; which of them count (None: all); their weights, and the sum of these."""
    if target.dtype != torch.int64 and (target.dtype != torch.uint8 or z.ndim > 2):
        raise LossInputError(
            f"target holds {target.dtype}, and labels in torch.int64 were expected: target.long()."
        )
    if weight is not None and weight.dtype != z.dtype:
        raise LossInputError(
            f"weight holds {weight.dtype} and input {z.dtype}: weight.to(input.dtype)."
        )
    if weight is not None and weight.requires_grad and torch.is_grad_enabled():
        raise LossInputError("weight has no gradient here: give weight.detach().")
    target, classes = target.long(), z.shape[1]
    kept, over = None, target.numel()
    lowest, highest = (end.item() for end in target.aminmax()) if over else (0, -1)
    if lowest < 0 or highest >= classes or 0 <= ignore_index < classes:
        kept = target != ignore_index
        wrong = kept & ((target < 0) | (target >= classes))
        if wrong.any():
            raise LossInputError(
                f"target holds {target[wrong][0].item()}, and labels of {classes} classes run from "
                f"0 to {classes - 1}; what does not count is {ignore_index} (ignore_index)."
            )
        target, over = torch.where(kept, target, 0), kept.sum()
    label = target.unsqueeze(1)
    if weight is None:
        return label, kept, None, over
    weight = weight.flatten()[target] if classes else weight.new_zeros(target.shape)
    weight = weight if kept is None else torch.where(kept, weight, 0)
    over = widen(weight).sum()
    return label, kept, weight, torch.where(over == 0, math.nan, over)


def _summed(loss, kept, weight, over, reduction, input):
    """The losses of labels, reduced; 0 for those which do not count."""
    check_reduction(reduction)
    loss = widen(loss if kept is None else torch.where(kept, loss, 0))
    loss = loss if weight is None else loss * widen(weight)
    if reduction != "none":
        loss = loss.sum() / over if reduction == "mean" else loss.sum()
    loss = loss.to(input.dtype)
    return loss.reshape(()) if input.ndim == 1 else loss


def _same_shape(input, target):
    """Whether target holds a probability for each class."""
    tensors = isinstance(input, torch.Tensor) and isinstance(target, torch.Tensor)
    return tensors and input.ndim > 0 and input.shape == target.shape
