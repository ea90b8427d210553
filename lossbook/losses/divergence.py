"""The divergence of two distributions as a loss: what it costs to believe one of them, in nats."""

import warnings

from lossbook.errors import LossInputError
from lossbook.losses.reduction import broadcast, check_real, check_tensors, reduce


def kl_div(input, target, *, reduction="mean", log_target=False):
    """What it costs to believe q where p is true, class by class: p (log p − log q).

    Source: Kullback & Leibler, "On information and sufficiency", 1951.

    Parameters
    ----------
    input : Tensor of any shape
        Logarithms a = log q of what the model believes, as from `log_softmax`.
    target : Tensor
        The truth p; may broadcast with input.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean", the sum over the length of input, is the divergence per row. "mean" divides by
        the classes too, and warns.
    log_target : bool, default False
        Whether target holds log p.

    Returns
    -------
    Tensor
        A number, or the terms with ``reduction="none"``; in nats. A term can be negative; their
        sum over a distribution is not.

    Raises
    ------
    LossInputError
        If one of them holds no floating-point numbers, or their shapes do not broadcast.

    Notes
    -----
    The slope by log q is −p.

    Examples
    --------
    >>> import torch
    >>> p, q = torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[0.5, 0.3, 0.2]])
    >>> kl_div(q.log(), p, reduction="batchmean")
    tensor(0.0851)
    """

    def terms(log_q, p):
        if log_target:
            return p.exp() * (p - log_q)
        # 0 log 0 is 0: a finite number in place of −∞, below the logarithm of any other p.
        return p * (p.log().clamp(min=-1e4) - log_q)

    def by_input(log_q, p):
        return -p.exp() if log_target else -p

    def by_target(log_q, p):
        return p.exp() * (p - log_q + 1) if log_target else p.log() + p / p - log_q

    check_tensors(input=input, target=target)
    check_real(input=input)
    check_real(target=target)
    if reduction not in ("none", "mean", "batchmean", "sum"):
        raise LossInputError(f'reduction={reduction!r}: use "none", "mean", "batchmean" or "sum".')
    if reduction == "mean":
        warnings.warn(
            'reduction="mean" divides by the number of classes too; the divergence per row is '
            'reduction="batchmean".',
            stacklevel=2,
        )
    over = None
    if reduction == "batchmean":
        reduction, over = ("mean", len(input)) if input.ndim else ("sum", None)
    tensors = broadcast(input=input, target=target)
    return reduce(terms, [by_input, by_target], tensors, reduction, over=over)
