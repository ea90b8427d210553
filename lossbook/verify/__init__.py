"""Claims about functions, tried on many drawn inputs.

- `identity`: two functions agree on everything drawn.
- `agrees`: value, gradient, dtype, shape and refusals are those of a reference.
- `gradient`: a derivative by hand against autograd and finite differences.

Each returns a `Report` that shows itself, and that holds the smallest counterexample when the
claim is false. What is drawn is said by domains: `distributions()`, `logits()`, `labels()`, ...
The draws are always the same, so a report never changes from run to run.

>>> from lossbook.verify import identity, distributions
>>> def entropy(p):
...     return -(p * p.log()).sum()
>>> report = identity("entropy is positive", entropy, lambda p: entropy(p).abs(), p=distributions())
>>> report.holds, report.counterexample["p"].tolist()
(False, [1.0, 0.0])
"""

from lossbook.verify.agreement import agrees
from lossbook.verify.cases import Call, Domain, calls
from lossbook.verify.checks import identity
from lossbook.verify.compare import numpy_reference, ulps_apart
from lossbook.verify.derivatives import gradient
from lossbook.verify.domains import (
    choice,
    distributions,
    joints,
    labels,
    logits,
    positives,
    probabilities,
    reals,
    signs,
    vectors,
)
from lossbook.verify.report import Report

__all__ = [
    "Call",
    "Domain",
    "Report",
    "agrees",
    "calls",
    "choice",
    "distributions",
    "gradient",
    "identity",
    "joints",
    "labels",
    "logits",
    "numpy_reference",
    "positives",
    "probabilities",
    "reals",
    "signs",
    "ulps_apart",
    "vectors",
]
