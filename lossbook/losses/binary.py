"""Losses of yes or no: how likely the answer was held that came."""

import torch

from lossbook.errors import LossInputError
from lossbook.losses.logistic import check_floating, logsigmoid, ramp, rounding, sigma
from lossbook.losses.reduction import broadcast, check_reduction, check_tensors, reduce


def binary_cross_entropy(input, target, weight=None, *, reduction="mean"):
    """How surprising a yes (y = 1) or a no is to p: −(y log p + (1 − y) log(1 − p)).

    Source: Cox, "The regression analysis of binary sequences", 1958.

    Parameters
    ----------
    input : Tensor of any shape
        Probabilities p of a yes, from 0 to 1.
    target : Tensor, of the shape and dtype of input
        The answers y: 0 or 1, or anything between.
    weight : Tensor, optional
        A factor for each term; broadcasts to input. The mean divides by the count all the same.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in nats, from 0 to 100.

    Raises
    ------
    LossInputError
        If something is not between 0 and 1, or shapes or dtypes differ.

    Notes
    -----
    A logarithm below −100 counts as −100. The slope is (p − y) / (p (1 − p)), where the divisor is
    1e-12 at least. Logits lose nothing: see `binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> p = torch.tensor([0.9, 0.5, 0.0])
    >>> binary_cross_entropy(p, torch.tensor([1.0, 1.0, 1.0]), reduction="none")
    tensor([  0.1054,   0.6931, 100.0000])
    """

    def terms(p, y):
        yes, no = p.log().clamp(min=-100), (-p).log1p().clamp(min=-100)
        return -(y * yes + (1 - y) * no)

    def by_input(p, y):
        return _Slope.apply(p, y)

    def by_target(p, y):
        return (-p).log1p() - p.log()

    weight = _answers(input, target, weight=weight)
    if input.dtype != target.dtype:
        raise LossInputError(
            f"input holds {input.dtype} numbers and target {target.dtype}: target.to(input.dtype)."
        )
    _check_probabilities("input", input, "for logits use binary_cross_entropy_with_logits")
    _check_probabilities("target", target, "0 is a no and 1 a yes")
    slopes, dtype = [by_input, by_target], input.dtype
    return reduce(terms, slopes, [input, target], reduction, weight=weight, dtype=dtype)


def binary_cross_entropy_with_logits(
    input, target, weight=None, *, reduction="mean", pos_weight=None
):
    """How surprising a yes (y = 1) or a no is to σ(x): −(w y log σ(x) + (1 − y) log σ(−x)).

    Source: Cox, "The regression analysis of binary sequences", 1958.

    Parameters
    ----------
    input : Tensor of any shape
        Logits x: any numbers, which a sigmoid would make probabilities.
    target : Tensor, of the shape of input
        The answers y: 0 or 1, or anything between.
    weight : Tensor, optional
        A factor for each term; broadcasts to input. The mean divides by the count all the same.
    reduction : {"mean", "sum", "none"}
    pos_weight : Tensor, optional
        How much more a yes counts, w; broadcasts to input, so that a row of them is one a class.

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in nats, and in the dtype of target.

    Raises
    ------
    LossInputError
        If the shapes differ, target holds no floating-point numbers, or a weight asks for a
        gradient.

    Notes
    -----
    The slope is σ(x) − y. It is as steep for a certain and wrong answer as can be.

    Examples
    --------
    >>> x, y = torch.tensor([2.0, -1.0, 1000.0]), torch.tensor([1.0, 0.0, 0.0])
    >>> binary_cross_entropy_with_logits(x, y, reduction="none")
    tensor([1.2693e-01, 3.1326e-01, 1.0000e+03])
    """

    # How much a yes and a no count together: w y + (1 − y).
    def both(y, w):
        return 1 + (w - 1) * y

    def terms(x, y, w=None):
        if w is None:
            return _surprise(rounding(x), x, y, y)
        return _surprise(both(y, w) * rounding(x), x, y, w * y)

    def by_input(x, y, w=None):
        return sigma(x) - y if w is None else both(y, w) * sigma(x) - w * y

    def by_target(x, y, w=None):
        return -x if w is None else (1 - w) * logsigmoid(x) - x

    weight = _answers(input, target, weight=weight)
    tensors, slopes = [input, target], [by_input, by_target]
    if pos_weight is not None:
        tensors.append(_answers(input, target, pos_weight=pos_weight))
        slopes.append(None)
        if pos_weight.dtype == torch.bool:
            raise LossInputError("pos_weight holds truth values; give numbers: pos_weight.float().")
    return reduce(terms, slopes, tensors, reduction, weight=weight, dtype=target.dtype)


def soft_margin_loss(input, target, *, reduction="mean"):
    """How surprising the sign y = ±1 is to σ(x): log(1 + e^−yx).

    Source: Hastie, Tibshirani & Friedman, "The elements of statistical learning", 2009,
    section 10.6.

    Parameters
    ----------
    input : Tensor of any shape
        Logits x.
    target : Tensor
        The answers y: 1 or −1; broadcasts to input.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in nats, and in the dtype of input.

    Raises
    ------
    LossInputError
        If target does not broadcast to input, or asks for a gradient.

    Notes
    -----
    The slope is −y σ(−yx). Far on the wrong side the loss is −yx, and finite.

    Examples
    --------
    >>> x, y = torch.tensor([2.0, -1.0, -1000.0]), torch.tensor([1.0, -1.0, 1.0])
    >>> soft_margin_loss(x, y, reduction="none")
    tensor([1.2693e-01, 3.1326e-01, 1.0000e+03])
    """

    def terms(x, y):
        return ramp(-(x * y))

    def by_input(x, y):
        return -y * sigma(-(x * y))

    check_floating(input=input)
    target = _fixed("target", target, input)
    if target.dtype == torch.bool:
        target = target.to(input.dtype)
    return reduce(terms, [by_input, None], [input, target], reduction, dtype=input.dtype)


def multilabel_soft_margin_loss(input, target, weight=None, *, reduction="mean"):
    """The mean over C labels of a yes or no each: −Σ (y log σ(x) + (1 − y) log σ(−x)) / C.

    Source: Boutell et al., "Learning multi-label scene classification", 2004 (a classifier for each
    label).

    Parameters
    ----------
    input : Tensor (..., C)
        Logits x, one a label.
    target : Tensor (..., C)
        The answers y: 0 or 1, or anything between. May broadcast.
    weight : Tensor, optional
        A factor for each label; the mean divides by C all the same. May broadcast.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or one a row, (...), with ``reduction="none"``; in nats.

    Raises
    ------
    LossInputError
        If the shapes do not go together, or input has no dimension for the labels.

    Notes
    -----
    The slope is (σ(x) − y) / C.

    Examples
    --------
    >>> x, y = torch.tensor([[2.0, -1.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> multilabel_soft_margin_loss(x, y, reduction="none")
    tensor([0.2201, 0.6931])
    """

    def terms(x, y, w=None):
        surprise = _surprise(rounding(x), x, y, y)
        return surprise if w is None else w * surprise

    def by_input(x, y, w=None):
        return sigma(x) - y if w is None else w * (sigma(x) - y)

    def by_target(x, y, w=None):
        return -x if w is None else w * -x

    def by_weight(x, y, w):
        return -(y * logsigmoid(x) + (1 - y) * logsigmoid(-x))

    given = {"input": input, "target": target, **({} if weight is None else {"weight": weight})}
    check_reduction(reduction)
    check_tensors(**given)
    check_floating(input=input)
    if input.ndim == 0:
        raise LossInputError("input is a single number, and one a label was expected: (..., C).")
    for name, x in given.items():
        if x.is_complex() or (x is target and x.dtype == torch.bool):
            raise LossInputError(f"{name} holds {x.dtype} values: {name}.to(input.dtype).")
    labels, count = input.ndim - 1, input.shape[-1]
    dtype = input.dtype
    for x in given.values():
        dtype = torch.promote_types(dtype, x.dtype)
    wide = torch.promote_types(dtype, torch.float32)
    slopes = [by_input, by_target, by_weight][: len(given)]
    loss = reduce(terms, slopes, broadcast(**given), "none", dtype=wide).sum(labels) / count
    if reduction != "none":
        loss = loss.mean() if reduction == "mean" else loss.sum()
    return loss.to(dtype)


class _Slope(torch.autograd.Function):
    """(p − y) / (p (1 − p)), where the divisor is 1e-12 at least, for its own slope as well."""

    @staticmethod
    def forward(ctx, p, y):
        ctx.save_for_backward(p, y)
        return (p - y) / (p * (1 - p)).clamp(min=1e-12)

    @staticmethod
    def backward(ctx, gradient):
        p, y = ctx.saved_tensors
        divisor = (p * (1 - p)).clamp(min=1e-12)
        return gradient * ((p - y) ** 2 + y * (1 - y)) / divisor / divisor, -gradient / divisor


def _surprise(rounding, x, y, yes):
    """−(yes log σ(x) + (1 − y) log σ(−x)), of positive terms, so that none cancels another."""
    return rounding + (1 - y) * x.clamp(min=0) - yes * x.clamp(max=0)


def _answers(input, target, **weight):
    """Check input and target, which must be alike, and the weight, which is given back expanded."""
    check_floating(input=input, target=target)
    if input.shape != target.shape:
        raise LossInputError(
            f"input has shape {tuple(input.shape)} and target {tuple(target.shape)}: "
            "give an answer for each element, as with input.squeeze(-1) for (N, 1) and (N,)."
        )
    ((name, weight),) = weight.items()
    return None if weight is None else _fixed(name, weight, input)


def _fixed(name, x, input):
    """Expand to the shape of input a tensor by which there is no gradient."""
    check_tensors(input=input, **{name: x})
    if x.is_complex():
        raise LossInputError(f"{name} holds {x.dtype} numbers, and real ones were expected.")
    if x.requires_grad and torch.is_grad_enabled():
        raise LossInputError(f"{name} asks for a gradient, and has none here: {name}.detach().")
    both = broadcast(input=input, **{name: x})
    if both[0].shape != input.shape:
        raise LossInputError(
            f"{name} has shape {tuple(x.shape)}, which does not fit into that of input, "
            f"{tuple(input.shape)}: give one for each element, or for each of a dimension."
        )
    return both[1]


def _check_probabilities(name, p, mend):
    """Refuse what is not from 0 to 1, NaN included."""
    lowest, highest = (end.item() for end in p.aminmax()) if p.numel() else (0, 1)
    if not (lowest >= 0 and highest <= 1):
        index = tuple((~((p >= 0) & (p <= 1))).nonzero()[0].tolist())
        raise LossInputError(
            f"{name} holds {p[index].item():.4g}, and numbers from 0 to 1 were expected; {mend}."
        )
