"""Triplet losses: nearer to the like than to the unlike."""

import torch

from lossbook.errors import LossInputError
from lossbook.losses.reduction import broadcast, check_number, check_tensors, reduce
from lossbook.losses.similarity import common_dtype, distance


def triplet_margin_loss(
    anchor, positive, negative, *, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"
):
    """Nearer to the like than to the unlike: max(0, d(a, p) − d(a, n) + margin).

    Source: Schroff, Kalenichenko & Philbin, "FaceNet: a unified embedding for face recognition and
    clustering", 2015 (there squared); Balntas, Riba, Ponsa & Mikolajczyk, "Learning local feature
    descriptors with triplets and shallow convolutional neural networks", 2016, for swap.

    Parameters
    ----------
    anchor, positive, negative : Tensor (..., D)
        Vectors a, one that is like it, and one that is unlike; they may broadcast, all of as many
        dimensions.
    margin : float, default 1
        By how much, in the unit of the vectors; above 0.
    p, eps : float, default 2 and 1e-6
        Those of `pairwise_distance`.
    swap : bool, default False
        Whether d(p, n) counts in place of d(a, n) where it is the smaller.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of the vectors.

    Raises
    ------
    LossInputError
        If the vectors differ in their number of dimensions or do not broadcast, or margin is not
        positive.

    Notes
    -----
    The slope is that of d(a, p) less that of d(a, n), and 0 beyond the margin. Where all vectors
    are one, the loss is the margin.

    Examples
    --------
    >>> a, p, n = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.5, 0.0]]).split(1)
    >>> triplet_margin_loss(a, p, n)
    tensor(0.5000)
    """

    def apart(x1, x2):
        return distance(x1, x2, p, eps, wide)

    dtype, wide = _check_triplet(anchor, positive, negative, margin)
    return _triplet(apart, anchor, positive, negative, margin, swap, reduction, dtype)


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """`triplet_margin_loss` with a distance of one's own: max(0, d(a, p) − d(a, n) + margin).

    Source: Schroff, Kalenichenko & Philbin, "FaceNet: a unified embedding for face recognition and
    clustering", 2015.

    Parameters
    ----------
    anchor, positive, negative : Tensor
        What the distance takes, all of as many dimensions.
    distance_function : callable, optional
        Gives for two tensors their distances. Default: `pairwise_distance`.
    margin : float, default 1
        By how much, in the unit of the distance; above 0.
    swap : bool, default False
        Whether d(p, n) counts in place of d(a, n) where it is the smaller.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in the unit of the distance.

    Raises
    ------
    LossInputError
        If the tensors differ in their number of dimensions, margin is not positive, or
        distance_function can't be called.

    Examples
    --------
    >>> a, p, n = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.5, 0.0]]).split(1)
    >>> def largest(x, y):
    ...     return (x - y).abs().amax(-1)
    >>> triplet_margin_with_distance_loss(a, p, n, distance_function=largest, margin=2.0)
    tensor(1.5000)
    """
    _check_triplet(anchor, positive, negative, margin)
    if distance_function is None:
        return triplet_margin_loss(
            anchor, positive, negative, margin=margin, swap=swap, reduction=reduction
        )
    if not callable(distance_function):
        raise LossInputError(
            f"distance_function={distance_function!r:.40}: a function of two tensors was expected."
        )
    return _triplet(distance_function, anchor, positive, negative, margin, swap, reduction, None)


def _triplet(distance, anchor, positive, negative, margin, swap, reduction, dtype):
    """The loss of the distances."""
    margin = float(margin)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))

    def terms(near, far):
        return (margin + near - far).clamp(min=0)

    def by_near(near, far):
        return (margin + near - far >= 0).to(near.dtype)

    slopes = [by_near, lambda near, far: -by_near(near, far)]
    return reduce(terms, slopes, broadcast(near=near, far=far), reduction, dtype=dtype)


def _check_triplet(anchor, positive, negative, margin):
    """Refuse what makes no triplet; the dtype of the loss, and that of the distances."""
    named = {"anchor": anchor, "positive": positive, "negative": negative}
    check_tensors(**named)
    check_number("margin", margin)
    if margin <= 0:
        raise LossInputError(f"margin={margin}: it must be above 0.")
    if len({x.ndim for x in named.values()}) > 1:
        shapes = ", ".join(f"{name} {tuple(x.shape)}" for name, x in named.items())
        raise LossInputError(f"as many dimensions were expected in each, got {shapes}.")
    pairs = common_dtype(anchor, positive), common_dtype(anchor, negative)
    dtype = torch.promote_types(*pairs)
    return None if dtype.is_complex else dtype, torch.promote_types(dtype, torch.float32)
