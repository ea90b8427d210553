"""The words in which a derivation is written, in two meanings.

The same line of Python is run twice: on sympy's symbols, for a proof, and on torch's
numbers, for a check. Each function here asks which of the two it was given and passes
the work on to that library.

A number written in the source (``log(2)``) does not tell, so `symbolically` says for
the length of a run which of the two meanings holds.
"""

import contextlib
import itertools
import math
import threading
from fractions import Fraction

import torch

infinity = math.inf
pi = math.pi
prod = math.prod

_meaning = threading.local()  # a proof runs in a thread of its own, beside the check


@contextlib.contextmanager
def symbolically(constraints):
    """Run the lines inside on symbols instead of numbers.

    `constraints` says which symbols others determine, such as ``{p_1: 1 - p_0}``: a limit
    may depend on it.
    """
    _meaning.constraints = constraints
    try:
        yield
    finally:
        _meaning.constraints = None


def _symbolic():
    return getattr(_meaning, "constraints", None) is not None


def as_symbol(value):
    """Give `value` to sympy exactly: 0.5 becomes 1/2, and 2 * pi becomes 2π."""
    import sympy

    if isinstance(value, float):
        if math.isinf(value):
            return sympy.oo if value > 0 else -sympy.oo
        multiple = Fraction(value / math.pi).limit_denominator(64)
        if value and math.isclose(value, multiple * math.pi, rel_tol=1e-15):
            return sympy.Rational(multiple) * sympy.pi
        return sympy.nsimplify(value, rational=True)
    value = sympy.sympify(value)
    return value.replace(lambda part: part.is_Float, lambda part: as_symbol(float(part)))


def as_number(value):
    """Give `value` to torch in float64."""
    return torch.as_tensor(value, dtype=torch.float64)


def _function(name, numerically):
    def function(*values):
        if _symbolic():
            import sympy

            return getattr(sympy, name)(*map(as_symbol, values))
        return numerically(*map(as_number, values))

    return function


log = _function("log", torch.log)
exp = _function("exp", torch.exp)
sqrt = _function("sqrt", torch.sqrt)
sign = _function("sign", torch.sign)
maximum = _function("Max", torch.maximum)
minimum = _function("Min", torch.minimum)


def indicator(condition):
    """1 where the condition holds, else 0: a condition on indices, or on numbers (``x > 0``)."""
    if isinstance(condition, torch.Tensor):
        return as_number(condition)
    if _symbolic() and getattr(condition, "is_Relational", False):
        import sympy

        return sympy.Heaviside(condition.gts - condition.lts)
    return 1 if condition else 0


def d(expression, variable):
    """The derivative of `expression` with respect to `variable`."""
    if _symbolic():
        import sympy

        return sympy.diff(as_symbol(expression), variable)
    total = as_number(expression).sum()
    if not total.requires_grad:
        return torch.zeros_like(variable)
    (slope,) = torch.autograd.grad(total, variable, create_graph=True, allow_unused=True)
    return torch.zeros_like(variable) if slope is None else slope


def limit(function, to):
    """The limit of ``function(x)`` as x goes to `to`: from above, or to infinity."""
    if _symbolic():
        import sympy

        x = sympy.Dummy("x", positive=True)
        return sympy.limit(as_symbol(function(x)).subs(_meaning.constraints), x, as_symbol(to))
    # Values on the way there, extrapolated to the end (Neville's scheme in the step h).
    steps = [2.0**-k for k in range(8, 16)]
    values = [as_number(function(1 / h if to == infinity else to + h)) for h in steps]
    for column in range(1, len(steps)):
        values = [near + (near - far) / (2**column - 1) for far, near in itertools.pairwise(values)]
    return values[0]


def integral(function, low, high):
    """The integral of ``function(x)`` for x from `low` to `high`."""
    if _symbolic():
        import sympy

        x = sympy.Dummy("x", real=True)
        if low != -infinity and as_symbol(low).is_nonnegative:
            x = sympy.Dummy("x", positive=True)
        limits = (x, as_symbol(low), as_symbol(high))
        return sympy.integrate(sympy.expand_log(as_symbol(function(x))), limits, conds="none")
    from scipy.integrate import quad_vec

    if math.inf in (abs(edge) for edge in (low, high) if isinstance(edge, float)):

        def integrand(x):
            # Far out a density underflows to 0 and f log f to 0 · log 0, which is 0 there.
            return as_number(function(as_number(x))).detach().nan_to_num(nan=0.0).numpy()

        return as_number(quad_vec(integrand, low, high)[0])
    # Limits may differ from draw to draw: let t run from 0 to 1 in their place.
    low, high = as_number(low).detach(), as_number(high).detach()

    def stretched(t):
        return ((high - low) * function(low + (high - low) * t)).detach().numpy()

    return as_number(quad_vec(stretched, 0, 1)[0])


class Bound:
    """A line that is not equal to the line above it but bounds it."""

    def __init__(self, value, relation):
        self.value = value
        self.relation = relation


def at_most(expression):
    """Say that the line above is at most `expression`."""
    return Bound(expression, "≤")


def at_least(expression):
    """Say that the line above is at least `expression`."""
    return Bound(expression, "≥")
