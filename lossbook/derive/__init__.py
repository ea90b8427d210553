"""Derivations that typeset, prove and check themselves.

A derivation is a Python function that yields its lines, each with its reason:

>>> from lossbook.derive import derivation, distribution, log
>>> @derivation(p=distribution, q=distribution)
... def cross_entropy_splits(p, q, classes):
...     yield -sum(p[i] * log(q[i]) for i in classes), "the definition"
...     yield (
...         -sum(p[i] * log(p[i]) for i in classes) + sum(p[i] * log(p[i] / q[i]) for i in classes)
...     ), "log q = log p − log (p / q)"
>>> [step.verdict for step in cross_entropy_splits.steps]
['given', 'proved']

In a notebook the object shows itself as an aligned derivation: the mathematics is made
from the syntax tree of the lines (`typeset`), every step is tried on random numbers, and
sympy looks for a proof (`prove`) for 2, 3 and 4 classes.
"""

from lossbook.derive.derivation import Derivation, Step, derivation
from lossbook.derive.domains import (
    conditional,
    distribution,
    index,
    joint,
    positive,
    positives,
    probability,
    real,
    reals,
    vector,
)
from lossbook.derive.mathematics import (
    at_least,
    at_most,
    d,
    exp,
    indicator,
    infinity,
    integral,
    limit,
    log,
    maximum,
    minimum,
    pi,
    prod,
    sign,
    sqrt,
)

__all__ = [
    "Derivation",
    "Step",
    "at_least",
    "at_most",
    "conditional",
    "d",
    "derivation",
    "distribution",
    "exp",
    "index",
    "indicator",
    "infinity",
    "integral",
    "joint",
    "limit",
    "log",
    "maximum",
    "minimum",
    "pi",
    "positive",
    "positives",
    "probability",
    "prod",
    "real",
    "reals",
    "sign",
    "sqrt",
    "vector",
]
