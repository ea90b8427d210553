"""Measures on joint tables of two quantities; `lossbook.information` has them too."""

import math

import torch

from lossbook.errors import LossInputError
from lossbook.simplex import broadcast, distribution, in_base, over, relative, table, times_log


def joint(p_x, p_y_given_x):
    """Joint table of x, and of y given x: p(x, y) = p(x) p(y|x).

    Source: Cover & Thomas 2006, section 2.2.

    Parameters
    ----------
    p_x : Tensor (..., X)
        Distributions of x.
    p_y_given_x : Tensor (..., X, Y)
        For each x a row, the distribution of y. Batch dimensions may broadcast.

    Returns
    -------
    Tensor (..., X, Y)
        Sums to 1 over its last two dimensions.

    Raises
    ------
    LossInputError
        If p_x or a row of p_y_given_x is no distribution, or there is not one row for each x.

    Examples
    --------
    >>> joint(torch.tensor([0.5, 0.5]), torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    tensor([[0.5000, 0.0000],
            [0.2500, 0.2500]])
    """
    rows = distribution("p_y_given_x", p_y_given_x, -1)
    column = distribution("p_x", p_x, -1)[..., None]
    if rows.ndim < 2 or rows.shape[-2] != column.shape[-2]:
        raise LossInputError(
            f"p_x has shape {tuple(p_x.shape)} and p_y_given_x {tuple(p_y_given_x.shape)}: "
            "give p_x the shape (..., X) and p_y_given_x (..., X, Y), one row for each x."
        )
    column, rows = broadcast("p_x[..., None]", column, "p_y_given_x", rows)
    return (column * rows).to(torch.promote_types(p_x.dtype, p_y_given_x.dtype))


def conditional_entropy(p_xy, *, dim=(-2, -1), base=math.e):
    """Entropy of y that is left when x is known: H(Y|X) = −Σ p(x, y) log p(y|x).

    Source: Cover & Thomas 2006, section 2.2.

    Parameters
    ----------
    p_xy : Tensor (..., X, Y)
        Joint tables.
    dim : tuple of two int, default (-2, -1)
        The dimension of x, which is known, and that of y. `dim=(-1, -2)` gives H(X|Y).
    base : float, default e (nats; 2 for bits)

    Returns
    -------
    Tensor (...)
        From 0 (x settles y) to H(Y) (x tells nothing about y).

    Raises
    ------
    LossInputError
        If p_xy is no joint table along `dim`.

    Examples
    --------
    >>> conditional_entropy(torch.tensor([[0.5, 0.0], [0.25, 0.25]]), base=2)
    tensor(0.5000)
    """
    wide = table("p_xy", p_xy, dim)
    p_x = wide.sum(-1, keepdim=True)
    p_y_given_x = torch.where(p_x == 0, 1, wide / torch.where(p_x == 0, 1, p_x))
    return in_base(-times_log(wide, p_y_given_x).sum((-2, -1)), base, p_xy.dtype)


def mutual_information(p_xy, *, dim=(-2, -1), base=math.e):
    """What x tells about y, and y about x: I(X; Y) = Σ p(x, y) log(p(x, y) / (p(x) p(y))).

    Source: Shannon 1948, section 12; Cover & Thomas 2006, section 2.3.

    Parameters
    ----------
    p_xy : Tensor (..., X, Y)
        Joint tables.
    dim : tuple of two int, default (-2, -1)
        The dimensions of x and of y; their order does not matter.
    base : float, default e (nats; 2 for bits)

    Returns
    -------
    Tensor (...)
        H(X) + H(Y) − H(X, Y): 0 where x and y are independent.

    Raises
    ------
    LossInputError
        If p_xy is no joint table along `dim`.

    Examples
    --------
    >>> mutual_information(torch.tensor([[0.5, 0.0], [0.0, 0.5]]), base=2)
    tensor(1.)
    """
    wide = table("p_xy", p_xy, dim)
    p_x, p_y = wide.sum(-1, keepdim=True), wide.sum(-2, keepdim=True)
    # Σ p(x) KL(p(y|x) ‖ p(y)), for the product p(x) p(y) of small numbers would be 0.
    never = (p_x == 0).expand_as(wide)
    p_y_given_x = torch.where(never, p_y, over(wide, torch.where(never, 1, p_x)))
    nats = (p_x * relative(p_y_given_x, p_y.expand_as(wide))).sum((-2, -1))
    return in_base(nats, base, p_xy.dtype)
