"""Margin losses: nothing to pay once the right answer is ahead by enough."""

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import (
    broadcast,
    check_number,
    check_real,
    check_tensors,
    reduce,
)


def margin_ranking_loss(input1, input2, target, *, margin=0, reduction="mean"):
    """Which of two scores should be the higher: max(0, −y (x₁ − x₂) + margin).

    Source: Herbrich, Graepel & Obermayer, "Large margin rank boundaries for ordinal regression",
    2000.

    Parameters
    ----------
    input1, input2 : Tensor of any shape
        Scores x₁ and x₂; they and the target may broadcast, all of as many dimensions.
    target : Tensor
        y = 1 where x₁ should be the higher, −1 where x₂ should be.
    margin : float, default 0
        By how much, in the unit of the scores.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of the scores.

    Raises
    ------
    LossInputError
        If the tensors differ in their number of dimensions, do not broadcast, or hold truth values.

    Notes
    -----
    The slope by x₁ is −y up to the margin, which is included, and 0 beyond.

    Examples
    --------
    >>> good, bad = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 2.0])
    >>> margin_ranking_loss(good, bad, torch.ones(2), margin=0.5, reduction="none")
    tensor([0.0000, 1.5000])
    """
    named = {"input1": input1, "input2": input2, "target": target}
    check_tensors(**named)
    check_number("margin", margin)
    if len({x.ndim for x in named.values()}) > 1:
        shapes = ", ".join(f"{name} {tuple(x.shape)}" for name, x in named.items())
        raise LossInputError(f"as many dimensions were expected in each, got {shapes}.")
    _check_numbers(**named)
    margin = float(margin)

    def missing(x1, x2, y):
        return -y * (x1 - x2) + margin

    def terms(x1, x2, y):
        return missing(x1, x2, y).clamp(min=0)

    def paid(x1, x2, y):
        gap = missing(x1, x2, y)
        return (gap >= 0).to(gap.dtype)

    def by_input1(x1, x2, y):
        return -y * paid(x1, x2, y)

    def by_input2(x1, x2, y):
        return y * paid(x1, x2, y)

    def by_target(x1, x2, y):
        return (x2 - x1) * paid(x1, x2, y)

    dtype = torch.promote_types(torch.promote_types(input1.dtype, input2.dtype), target.dtype)
    slopes = [by_input1, by_input2, by_target]
    return reduce(terms, slopes, broadcast(**named), reduction, dtype=dtype)


def hinge_embedding_loss(input, target, *, margin=1.0, reduction="mean"):
    """Alike near, unlike far: the distance x where y = 1, max(0, margin − x) where y = −1.

    Source: Hadsell, Chopra & LeCun, "Dimensionality reduction by learning an invariant mapping",
    2006 (there with squares).

    Parameters
    ----------
    input : Tensor of any shape
        Distances x, 0 or more.
    target : Tensor
        y = 1 for alike, −1 for unlike; may broadcast. For any other number both terms count.
    margin : float, default 1
        How far is far enough, in the unit of input.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of input.

    Raises
    ------
    LossInputError
        If input and target do not broadcast, or input holds no real floating-point numbers.

    Notes
    -----
    The slope is 1 for alike; for unlike −1 up to the margin, which is included, and 0 beyond.

    Examples
    --------
    >>> distance, target = torch.tensor([0.5, 0.25, 3.0]), torch.tensor([1, -1, -1])
    >>> hinge_embedding_loss(distance, target, reduction="none")
    tensor([0.5000, 0.7500, 0.0000])
    """
    check_tensors(input=input, target=target)
    _check_numbers(input=input)
    check_number("margin", margin)
    if reduction == "mean" and not input.is_floating_point():
        raise LossInputError("whole numbers have no mean of their dtype: use input.float().")
    margin = float(margin)

    def terms(x, y):
        far = torch.where(y != 1, (margin - x).clamp(min=0), 0)
        return (far + torch.where(y != -1, x, 0)).to(x.dtype)

    def by_input(x, y):
        return (y != -1).to(x.dtype) - ((y != 1) & (margin - x >= 0)).to(x.dtype)

    tensors = broadcast(input=input, target=target.detach())
    return reduce(terms, [by_input, None], tensors, reduction, dtype=input.dtype)


def multi_margin_loss(input, target, *, p=1, margin=1.0, weight=None, reduction="mean"):
    """The right class ahead of each other one: Σ max(0, margin − z_y + z_i)ᵖ / C over i ≠ y.

    Source: Weston & Watkins, "Support vector machines for multi-class pattern recognition", 1999.

    Parameters
    ----------
    input : Tensor (N, C) or (C,)
        Scores z of the C classes.
    target : Tensor (N,) or (), int64
        The right class y of each row, from 0 to C − 1.
    p : {1, 2}
        Whether what is missing counts as it is, or squared.
    margin : float, default 1
        How far ahead is enough, in the unit of the scores.
    weight : Tensor (C,), of the dtype of input, optional
        A factor for each right class; the mean divides by N all the same.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the N terms with ``reduction="none"``; in the unit of the scores (p = 2:
        squared). A comparison with NaN costs nothing, as in torch.

    Raises
    ------
    LossInputError
        If a label is out of range, p is neither 1 nor 2, or a shape or dtype does not fit.

    Notes
    -----
    For p = 1 the slope is 1 / C by each z_i that is too near (not by one that is at the margin),
    and by z_y minus their sum. No rows: the sum is 0, and the mean is NaN.

    Examples
    --------
    >>> multi_margin_loss(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([3]))
    tensor(0.3250)
    """
    check_tensors(input=input, target=target, **({} if weight is None else {"weight": weight}))
    check_number("margin", margin)
    if p not in (1, 2):
        raise LossInputError(f"p={p!r}: use 1 (as it is) or 2 (squared).")
    scores = _rows("input", input)
    check_real(input=input)
    count, classes = scores.shape
    if target.ndim > 1 or target.numel() != count or (target.ndim == 0 and count != 1):
        raise LossInputError(
            f"target has shape {tuple(target.shape)} and input {tuple(input.shape)}: "
            f"give a label for each row, of shape ({count},)."
        )
    _check_labels(target, 0, classes)
    margin, label = float(margin), target.reshape(-1, 1)
    if weight is not None:
        _check_weight(weight, input, classes)
        weight = weight[label[:, 0]]

    def missing(z, label):
        return at_least_nothing(margin - z.gather(1, label) + z).scatter_(1, label, 0)

    def terms(z, label):
        gaps = missing(z, label)
        return (gaps if p == 1 else gaps * gaps).mean(1)

    def by_input(z, label):
        gaps = missing(z, label)
        slope = (gaps.sign() if p == 1 else 2 * gaps) / classes
        return slope.scatter_(1, label, -slope.sum(1, keepdim=True))

    tensors, form = [scores, label], {"dim": 1, "over": count, "dtype": input.dtype}
    loss = reduce(terms, [by_input, None], tensors, reduction, weight=weight, **form)
    return loss.reshape(target.shape) if reduction == "none" else loss


def multilabel_margin_loss(input, target, *, reduction="mean"):
    """Each right class ahead of each wrong one: Σ max(0, 1 − z_y + z_i) / C, y right, i wrong.

    Source: Crammer & Singer, "A family of additive online algorithms for category ranking", 2003.

    Parameters
    ----------
    input : Tensor (N, C) or (C,)
        Scores z of the C classes.
    target : Tensor of the shape of input, int64
        In each row the right classes, from 0 to C − 1, and then −1; what follows does not count.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the N terms with ``reduction="none"``; in the unit of the scores. A comparison
        with NaN costs nothing, as in torch.

    Raises
    ------
    LossInputError
        If target has not the shape of input, or a label is out of range.

    Notes
    -----
    The slope by z_i grows by 1 / C for each right class that is less than 1 ahead of it, and that
    by z_y falls by as much. No rows: the sum is 0, and the mean is NaN.

    Examples
    --------
    >>> scores, right = torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.tensor([3, 0, -1, 1])
    >>> multilabel_margin_loss(scores, right)
    tensor(0.8500)
    """
    check_tensors(input=input, target=target)
    scores = _rows("input", input)
    check_real(input=input)
    if target.shape != input.shape and not (
        input.numel() == 1 and max(input.ndim, target.ndim) < 2
    ):
        raise LossInputError(
            f"target has shape {tuple(target.shape)} and input {tuple(input.shape)}: "
            "make them equal, with −1 after the labels of a row."
        )
    count, classes = scores.shape
    _check_labels(target, -1, classes)

    def missing(z, labels, start):
        lines = start[:, :, 0] - z.gather(1, labels)
        wrong = z.scatter(1, labels, -torch.inf)
        return at_least_nothing(lines[:, :, None] + wrong[:, None])

    def terms(*tensors):
        return missing(*tensors).sum((1, 2), dtype=torch.float64) / classes

    def by_input(z, labels, start):
        near = missing(z, labels, start).sign()
        return near.sum(1).scatter_add(1, labels, -near.sum(2)) / classes

    labels, start = _before_the_end(target.reshape(scores.shape))
    # Each label has a line with all classes, (N, labels, C), by which the pieces are measured.
    tensors = [scores, labels, start[:, :, None].expand(-1, -1, classes)]
    slopes, kind = [by_input, None, None], input.dtype
    loss = reduce(terms, slopes, tensors, reduction, dim=1, over=count, dtype=kind)
    return loss.reshape(input.shape[:-1]) if reduction == "none" else loss


def at_least_nothing(gaps):
    """What is missing, 0 where nothing is; and where it is NaN."""
    return torch.fmax(gaps, gaps.new_zeros(()))


def _before_the_end(target):
    """The labels of each row and 1 for each; after the first −1, some label of it again and −∞."""
    on = (target < 0).cumsum(1) == 0
    most = on.any(0).sum().item()
    target, on = target[:, :most], on[:, :most]
    labels = torch.where(on, target, target[:, :1].clamp(min=0))
    return labels, torch.where(on, 1.0, -torch.inf)


def _check_numbers(**tensors):
    """Refuse truth values and complex numbers."""
    for name, x in tensors.items():
        if x.dtype == torch.bool or x.is_complex():
            raise LossInputError(f"{name} holds {x.dtype} values, and real numbers were expected.")


def _rows(name, x):
    """Scores as (N, C), for one row too."""
    if x.ndim > 2 or x.shape[-1:] == (0,):
        raise LossInputError(
            f"{name} has shape {tuple(x.shape)}: (N, C) or (C,) was expected, with a class or more."
        )
    return x if x.ndim == 2 else x.reshape(1, -1)


def _check_labels(target, lowest, classes):
    """Refuse labels outside lowest, …, classes − 1."""
    if target.dtype != torch.int64:
        raise LossInputError(
            f"target holds {target.dtype} numbers, and labels were expected: target.long()."
        )
    for label in target.aminmax() if target.numel() else ():
        if not lowest <= label.item() < classes:
            raise LossInputError(
                f"target holds the label {label}, and labels from {lowest} to {classes - 1} "
                f"were expected, for {classes} classes."
            )


def _check_weight(weight, input, classes):
    """Refuse class weights of another shape or dtype, and those that wait for a gradient."""
    if weight.shape != (classes,) or weight.dtype != input.dtype:
        raise LossInputError(
            f"weight has shape {tuple(weight.shape)} and dtype {weight.dtype}: "
            f"({classes},) and {input.dtype} were expected, a factor for each class."
        )
    if weight.requires_grad and torch.is_grad_enabled():
        raise LossInputError("weight has no gradient here: give weight.detach().")
