"""Losses of very many classes, where the logits of a batch would fill the memory."""

import warnings

import torch

from lossbook.errors import LossInputError
from lossbook.losses.categorical import (
    batch,
    check_smoothing,
    cross_entropy,
    of_labels,
    weighted_labels,
)
from lossbook.losses.reduction import check_real, check_reduction, check_tensors, pieces, widen

# So many logits are there at a time.
LOGITS = 12 * 10**6


def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean",
    ignore_index=None, label_smoothing=0.0, options=None,
):  # fmt: skip
    """Cross-entropy of the logits that a linear layer makes: CE(h Wᵀ + b, y), a few rows at a time.

    Source: Wijmans et al., "Cut your losses in large-vocabulary language models", 2025.

    Parameters
    ----------
    input : Tensor (N, F) or (F)
        Features h.
    linear_weight : Tensor (C, F) or (C, d1, …, dK, F)
        The weights W of the layer; with d1, …, dK each row of input has that many predictions.
    target : Tensor of int64 (or uint8), (N, d1, …, dK) or ()
        Labels from 0 to C − 1; or probabilities, (N, C, d1, …, dK) or (C).
    linear_bias : Tensor (C, d1, …, dK), optional
        The bias b of the layer.
    weight, reduction, label_smoothing
        As in `cross_entropy`.
    ignore_index : int, optional
        A label that does not count: −100, if left out.
    options : torch.nn.LinearCrossEntropyOptions, optional
        How torch goes about it, which changes nothing in the result. Here the logits are made in
        pieces with or without them; with probabilities all at once, for these need as much memory.

    Returns
    -------
    Tensor
        A number, or one for each label with ``reduction="none"``; in nats.

    Raises
    ------
    LossInputError
        If a shape or dtype does not fit, or for what `cross_entropy` refuses.

    Notes
    -----
    With δ the slope by the logits, that by h is δ W, by W δᵀ h, and by b the sum of the rows of δ.

    Examples
    --------
    >>> h, w = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> linear_cross_entropy(h, w, torch.tensor([0, 1]))
    tensor(0.0725)
    """
    check_reduction(reduction)
    _check_layer(input, linear_weight, target, linear_bias)
    if options is not None and type(options).__name__ != "LinearCrossEntropyOptions":
        raise LossInputError(
            f"options={options!r:.40}: torch.nn.LinearCrossEntropyOptions(...) was expected."
        )
    places = linear_weight.shape[1:-1]
    shape = (*input.shape[:-1], len(linear_weight), *places)
    w = linear_weight.reshape(-1, linear_weight.shape[-1])
    b = linear_weight.new_zeros(1) if linear_bias is None else linear_bias.reshape(-1)
    if target.shape == shape:
        if ignore_index is not None:
            raise LossInputError(
                f"ignore_index={ignore_index} is for labels, and target holds probabilities: leave "
                "it out."
            )
        logits = (input @ w.T + b).reshape(shape)
        return cross_entropy(
            logits, target, weight=weight, reduction=reduction, label_smoothing=label_smoothing
        )
    if target.shape != input.shape[:-1] + places:
        raise LossInputError(
            f"target has shape {tuple(target.shape)}: expected {(*input.shape[:-1], *places)} for "
            f"labels, and {shape} for probabilities."
        )
    check_smoothing(label_smoothing)
    ignore_index = -100 if ignore_index is None else ignore_index
    # Of the shape of the logits, but no memory.
    z = b.new_empty(1).expand(shape)
    z, label, weight = batch(z, target, weight, ignore_index)
    label, kept, own, over = weighted_labels(z, label, weight, ignore_index)
    if options is not None and (places or label_smoothing or target.dtype != torch.int64):
        warnings.warn(
            "options are for whole labels of one prediction a row, without smoothing: "
            "torch would make all logits at once here; lossbook makes them in pieces all the same.",
            stacklevel=2,
        )

    if own is None or label_smoothing:
        own = b.new_ones(z.shape[:1] + places)
    own = widen(own)
    over = {"none": None, "sum": 1, "mean": over}[reduction]
    h = input if input.ndim > 1 else input[None]
    rule = (*of_labels(z.shape[1], weight, label_smoothing), z.shape[1:], kept)
    result = _Linear.apply(rule, over, h, w, b, label, own).to(input.dtype)
    return result[0] if input.ndim == 1 and reduction == "none" else result


class _Linear(torch.autograd.Function):
    """The losses of the rows, or their sum divided by `over`; the slopes of a sum at once."""

    @staticmethod
    def forward(ctx, rule, over, h, w, b, label, own):
        ctx.rule, ctx.over = rule, over
        needed, outer = ctx.needs_input_grad[2:5], None
        if over is not None and any(needed):
            outer = own / over
            if isinstance(over, torch.Tensor):  # which is 0 or NaN where nothing counts
                outer = torch.where(over.abs() > 0, outer, 0)
        losses, slopes = _walk(rule, outer, needed, h, w, b, label)
        ctx.save_for_backward(h, w, b, label, own, *slopes)
        kept = rule[-1]
        losses = own * (losses if kept is None else torch.where(kept, losses, 0))
        return losses if over is None else losses.sum() / over

    @staticmethod
    def backward(ctx, gradient):
        *tensors, own, by_h, by_w, by_b = ctx.saved_tensors
        slopes, over = [by_h, by_w, by_b], ctx.over
        if over is None or torch.is_grad_enabled():
            outer = own * (gradient if over is None else gradient / over)
            _, slopes = _walk(ctx.rule, outer, ctx.needs_input_grad[2:5], *tensors)
        elif gradient != 1:
            slopes = [
                None if slope is None else gradient.to(slope.dtype) * slope for slope in slopes
            ]
        return None, None, *slopes, None, None


def _walk(rule, outer, needed, h, w, b, label):
    """The losses of all rows; with `outer`, the slopes of Σ outer · loss by h, w and b."""
    terms, by_z, row, kept = rule
    if outer is not None and kept is not None:
        outer = torch.where(kept, outer, 0)
    rows = max(1, LOGITS // max(1, len(w)))
    graph = torch.is_grad_enabled()  # for a second derivative
    wide, bias = widen(w), widen(b)
    by_w = torch.zeros_like(wide) if needed[1] else None
    by_b = torch.zeros_like(bias) if needed[2] else None
    losses, by_h = [], []
    outers = label.split(rows) if outer is None else outer.split(rows)
    for x, y, factor in zip(h.split(rows), label.split(rows), outers, strict=True):
        x = widen(x)
        logits = torch.addmm(bias, x, wide.T)
        z = logits.reshape(len(x), *row)
        cut = [(y, factor, z)] if graph else pieces([y, factor, z])
        losses += [terms(z, y) for y, _, z in cut]
        if outer is None:
            continue
        if graph:
            delta = (by_z(z, y) * factor.unsqueeze(1)).flatten(1)
        else:
            for y, factor, z in cut:
                torch.mul(by_z(z, y), factor.unsqueeze(1), out=z)
            delta = logits  # of which the slopes have taken the place
        if needed[0]:
            by_h.append(delta @ wide)
        if needed[1]:
            by_w = by_w + delta.T @ x if graph else by_w.addmm_(delta.T, x)
        if needed[2]:
            by_b = by_b + delta.sum(0)
        del logits, delta, z, cut  # before there are new ones
    by_h = torch.cat(by_h) if by_h else None
    slopes = zip((by_h, by_w, by_b), (h, w, b), strict=True)
    return torch.cat(losses), [None if s is None else s.to(x.dtype) for s, x in slopes]


# Refusals


def _check_layer(input, linear_weight, target, linear_bias):
    tensors = {"input": input, "linear_weight": linear_weight, "target": target}
    if linear_bias is not None:
        tensors["linear_bias"] = linear_bias
    check_tensors(**tensors)
    check_real(input=input)
    h, w = tuple(input.shape), tuple(linear_weight.shape)
    if len(h) not in (1, 2) or len(w) < 2 or h[-1] != w[-1] or (len(h) == 1 and len(w) > 2):
        raise LossInputError(
            f"input has shape {h} and linear_weight {w}: expected (N, F) and (C, F), with the same "
            "features F; or (N, F) and (C, d1, …, dK, F)."
        )
    for name, x in tensors.items():
        if name != "target" and x.dtype != input.dtype:
            raise LossInputError(
                f"input holds {input.dtype} and {name} {x.dtype}: make them the same."
            )
    if linear_bias is not None and tuple(linear_bias.shape) != w[:-1]:
        raise LossInputError(
            f"linear_bias has shape {tuple(linear_bias.shape)}: expected {w[:-1]}, that of "
            "linear_weight without the features."
        )
