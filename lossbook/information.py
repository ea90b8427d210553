"""Measures on distributions: how much a message tells, and how far two beliefs are apart.

A distribution is a floating-point tensor that sums to 1 along `dim`, which is one dimension or a
tuple of them (`entropy(p_xy, dim=(-2, -1))` is the entropy of a joint table). All other dimensions
are a batch. What is no distribution is refused with a `LossInputError`; nothing is normalised in
silence. A row may miss 1 by the rounding of its own dtype, and by no more.

Results are in nats (`base=math.e`); `base=2` gives bits. 0 · log 0 is 0, and an infinite divergence
is infinity. Half precision is computed in float32 and given back in its own dtype.

Gradients are those of the formulas with every entry free, and at a probability of 0 the one-sided
ones: the slope of the entropy is infinite there. A class that has probability 0 in both p and q
plays no part, and its slope is 0 (a subgradient, as torch has it for `abs` and `relu` at 0).
"""

import math

import torch

from lossbook.simplex import (
    distribution,
    in_base,
    pair,
    probabilities,
    refuse_where,
    relative,
    times_log,
    tolerance,
)
from lossbook.tables import conditional_entropy, joint, mutual_information

__all__ = [
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "information",
    "joint",
    "js_divergence",
    "kl_divergence",
    "mutual_information",
    "perplexity",
]


def information(p, *, base=math.e):
    """Information content (surprise) of an event of probability p: −log p.

    Source: Shannon, "A mathematical theory of communication", 1948.

    Parameters
    ----------
    p : Tensor of any shape, entries in [0, 1]
        Probabilities, each by itself; they need not sum to 1.
    base : float, default e (nats; 2 for bits)

    Returns
    -------
    Tensor of the shape and dtype of p
        Infinity where p is 0.

    Raises
    ------
    LossInputError
        If p is no floating-point tensor, is empty, or has an entry outside [0, 1].

    Examples
    --------
    >>> information(torch.tensor([1.0, 0.5, 0.125, 0.0]), base=2)
    tensor([0., 1., 3., inf])
    """
    wide = probabilities("p", p)
    refuse_where(wide > 1 + tolerance(p, 1), "p", p, "a probability is at most 1")
    return in_base(-wide.log(), base, p.dtype)


def entropy(p, *, dim=-1, base=math.e):
    """Expected information of a draw from p: H(p) = −Σ p log p.

    Source: Shannon 1948, section 6.

    Parameters
    ----------
    p : Tensor (..., K)
        Distributions over K classes along `dim`.
    dim : int or tuple of int, default -1 (the classes)
    base : float, default e (nats; 2 for bits)

    Returns
    -------
    Tensor (...)
        From 0 (one class is certain) to log K (all are alike).

    Raises
    ------
    LossInputError
        If p is no distribution along `dim`.

    Notes
    -----
    The gradient is −log p − 1, infinite where p is 0. A softmax that has rounded a class to 0
    multiplies it by that 0, which is NaN: there, work from `log_softmax`.

    Examples
    --------
    >>> entropy(torch.tensor([0.5, 0.25, 0.25, 0.0]), base=2)
    tensor(1.5000)
    """
    wide = distribution("p", p, dim)
    return in_base(-times_log(wide, wide).sum(-1), base, p.dtype)


def cross_entropy(p, q, *, dim=-1, base=math.e):
    """Expected information when p draws and q is believed: H(p, q) = −Σ p log q.

    This one takes two distributions; the loss of the same name takes logits and a target.

    Source: Cover & Thomas, "Elements of information theory", 2006, section 5.4

    Parameters
    ----------
    p, q : Tensor (..., K)
        Distributions over the same K classes; their batch dimensions may broadcast.
    dim : int or tuple of int, default -1 (the classes)
    base : float, default e (nats; 2 for bits)

    Returns
    -------
    Tensor (...)
        H(p) + KL(p‖q); infinite where q gives 0 to a class that p has.

    Raises
    ------
    LossInputError
        If p or q is no distribution along `dim`, or their shapes do not go together.

    Examples
    --------
    >>> cross_entropy(torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75]), base=2)
    tensor(1.2075)
    """
    wide_p, wide_q, dtype = pair(p, q, dim)
    absent = (wide_p == 0) & (wide_q == 0)
    nats = -times_log(wide_p, torch.where(absent, 1, wide_q)).sum(-1)
    return in_base(nats, base, dtype)


def kl_divergence(p, q, *, dim=-1, base=math.e):
    """What believing q costs when p draws: KL(p‖q) = Σ p log(p / q).

    Source: Kullback & Leibler, "On information and sufficiency", 1951.

    Parameters
    ----------
    p, q : Tensor (..., K)
        Distributions over the same K classes; their batch dimensions may broadcast.
    dim : int or tuple of int, default -1 (the classes)
    base : float, default e (nats; 2 for bits)

    Returns
    -------
    Tensor (...)
        0 where p = q, never negative; infinite where q gives 0 to a class that p has.

    Raises
    ------
    LossInputError
        If p or q is no distribution along `dim`, or their shapes do not go together.

    Examples
    --------
    >>> kl_divergence(torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75]), base=2)
    tensor(0.2075)
    >>> kl_divergence(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    tensor(inf)
    """
    wide_p, wide_q, dtype = pair(p, q, dim)
    return in_base(relative(wide_p, wide_q).sum(-1), base, dtype)


def js_divergence(p, q, *, dim=-1, base=math.e):
    """Jensen-Shannon divergence: JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m) with m = (p + q) / 2.

    Source: Lin, "Divergence measures based on the Shannon entropy", 1991.

    Parameters
    ----------
    p, q : Tensor (..., K)
        Distributions over the same K classes; their batch dimensions may broadcast.
    dim : int or tuple of int, default -1 (the classes)
    base : float, default e (nats; 2 for bits)

    Returns
    -------
    Tensor (...)
        From 0 (p = q) to log 2 (no class in common). Its square root is a metric.

    Raises
    ------
    LossInputError
        If p or q is no distribution along `dim`, or their shapes do not go together.

    Examples
    --------
    >>> js_divergence(torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.0, 1.0]), base=2)
    tensor(1.)
    """
    p, q, dtype = pair(p, q, dim)
    # All doubled, for half of the smallest number would be 0: p log(p / m) = ½ 2p log(2p / 2m).
    twice_m = p + q
    nats = (relative(2 * p, twice_m) + relative(2 * q, twice_m)).sum(-1) / 4
    return in_base(nats, base, dtype)


def perplexity(p, *, dim=-1):
    """How many equally likely classes would surprise as much as p: exp H(p), H in nats.

    The same number in every base (2 to the power of H in bits), so there is no `base`.

    Source: Jelinek, Mercer, Bahl & Baker, "Perplexity: a measure of the difficulty of speech
    recognition tasks", 1977.

    Parameters
    ----------
    p : Tensor (..., K)
        Distributions over K classes along `dim`.
    dim : int or tuple of int, default -1 (the classes)

    Returns
    -------
    Tensor (...)
        From 1 (one class is certain) to K (all are alike). A number of classes, without a unit.

    Raises
    ------
    LossInputError
        If p is no distribution along `dim`.

    Examples
    --------
    >>> perplexity(torch.tensor([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]]))
    tensor([4., 1.])
    """
    wide = distribution("p", p, dim)
    return (-times_log(wide, wide).sum(-1)).exp().to(p.dtype)
