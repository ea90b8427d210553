"""A softmax in two steps, for vocabularies where few words are frequent and most are rare."""

from typing import NamedTuple

import torch
from torch import Tensor

from lossbook.errors import LossInputError
from lossbook.losses.categorical import cross_entropy
from lossbook.losses.reduction import check_real, check_tensors
from lossbook.losses.softmax import log_softmax


class Adaptive(NamedTuple):
    """The log-probability of each label, and minus their mean."""

    output: Tensor
    loss: Tensor


def adaptive_log_softmax_with_loss(input, target, head_weight, tail_weights, *, head_bias=None):
    """Surprise in two steps, first of the cluster and then of the word in it: −log p_c − log p_w|c.

    What `torch.nn.AdaptiveLogSoftmaxWithLoss` computes; ``module.head.weight`` is the head, and
    ``[(down.weight, up.weight) for down, up in module.tail]`` the tail.

    Source: Grave, Joulin, Cissé, Grangier & Jégou, "Efficient softmax approximation for GPUs",
    2017.

    Parameters
    ----------
    input : Tensor (N, F) or (F)
        Features h.
    target : Tensor of int64, (N) or ()
        Labels, the frequent ones first.
    head_weight : Tensor (S + K, F)
        For logits of the S most frequent labels, and of K clusters of the others.
    tail_weights : list of K pairs of Tensor, (H, F) and (L, H)
        For each cluster what makes its features smaller, and what makes logits of its L labels.
    head_bias : Tensor (S + K), optional

    Returns
    -------
    Adaptive
        `output` (N) or (), the log-probabilities of the labels, and `loss`, minus their mean; in
        nats.

    Raises
    ------
    LossInputError
        If a label is out of range, or a shape does not fit.

    Examples
    --------
    >>> h, head = torch.tensor([[1.0, 2.0]]), torch.zeros(2, 2)  # one frequent label, one cluster
    >>> tail = [(torch.ones(1, 2), torch.zeros(4, 1))]  # of four others
    >>> adaptive_log_softmax_with_loss(h, torch.tensor([3]), head, tail).output.exp()
    tensor([0.1250])
    """
    _check_clusters(input, head_weight, tail_weights, head_bias, target)
    h, label = (input, target) if input.ndim > 1 else (input[None], target[None])
    start = len(head_weight) - len(tail_weights)
    in_cluster, place = h.new_zeros(len(h)), label.clone()
    for k, (down, up) in enumerate(tail_weights, start):
        rows = ((label >= start) & (label < start + len(up))).nonzero()[:, 0]
        if len(rows):
            logits = h[rows] @ down.T @ up.T
            in_cluster[rows] = -cross_entropy(logits, label[rows] - start, reduction="none")
            place[rows] = k
        start += len(up)
    head = h @ head_weight.T if head_bias is None else h @ head_weight.T + head_bias
    output = in_cluster - cross_entropy(head, place, reduction="none")
    loss = -output.mean()
    return Adaptive(output if input.ndim > 1 else output[0], loss)


def adaptive_log_prob(input, head_weight, tail_weights, *, head_bias=None):
    """The log-probabilities of all labels; `adaptive_log_softmax_with_loss` takes one a row.

    Source: as there.

    Parameters
    ----------
    input : Tensor (N, F)
        Features h.
    head_weight, tail_weights, head_bias
        As in `adaptive_log_softmax_with_loss`.

    Returns
    -------
    Tensor (N, labels)
        log p, in nats. The most likely labels are ``adaptive_log_prob(...).argmax(1)``.

    Raises
    ------
    LossInputError
        If a shape does not fit.

    Examples
    --------
    >>> h, head, tail = torch.ones(1, 2), torch.zeros(2, 2), [(torch.ones(1, 2), torch.zeros(2, 1))]
    >>> adaptive_log_prob(h, head, tail).exp()
    tensor([[0.5000, 0.2500, 0.2500]])
    """
    _check_clusters(input, head_weight, tail_weights, head_bias)
    head = input @ head_weight.T if head_bias is None else input @ head_weight.T + head_bias
    head, short = log_softmax(head, 1), len(head_weight) - len(tail_weights)
    parts = [head[:, :short]]
    for k, (down, up) in enumerate(tail_weights, short):
        parts.append(head[:, k, None] + log_softmax(input @ down.T @ up.T, 1))
    return torch.cat(parts, 1)


# Refusals


def _check_clusters(input, head_weight, tail_weights, head_bias, target=None):
    weights = [head_weight, *(x for pair in tail_weights for x in pair)]
    bias = [] if head_bias is None else [head_bias]
    check_tensors(input=input, **{f"weight {i}": x for i, x in enumerate(weights + bias)})
    check_real(input=input)
    short = len(head_weight) - len(tail_weights)
    fits = input.ndim in ((1, 2) if target is not None else (2,)) and short > 0
    fits = fits and head_weight.shape[1:] == input.shape[-1:]
    for down, up in tail_weights:
        fits = fits and down.shape[1:] == input.shape[-1:] and up.shape[1:] == down.shape[:1]
    if not fits:
        shapes = [tuple(x.shape) for x in weights]
        raise LossInputError(
            f"input has shape {tuple(input.shape)} and the weights {shapes}: expected (N, F), and "
            "(S + K, F) for the head, (H, F) and (L, H) for each of K clusters."
        )
    if target is None:
        return
    check_tensors(input=input, target=target)
    labels = short + sum(len(up) for _, up in tail_weights)
    if target.shape != input.shape[:-1]:
        raise LossInputError(
            f"target has shape {tuple(target.shape)} and input {tuple(input.shape)}: expected "
            f"{tuple(input.shape[:-1])}."
        )
    if target.dtype != torch.int64:
        raise LossInputError(f"target holds {target.dtype}, and int64 was expected: .long().")
    bad = (target < 0) | (target >= labels)
    if bad.any():
        raise LossInputError(
            f"target has the label {target[bad][0].item()}: labels go from 0 to {labels - 1}."
        )
