"""A derivation: lines of Python that typeset, prove and check themselves."""

import functools
import inspect
import itertools
import time
from dataclasses import dataclass

import numpy as np
import torch

from lossbook.derive import prove, show, source
from lossbook.derive.domains import Index, Numbers
from lossbook.derive.mathematics import Bound, as_number, as_symbol, symbolically

SIZES = (2, 3, 4)  # numbers of classes that every step is tried for
DRAWS = 200
SIMPLE = 300


def derivation(*, seconds=10.0, defines=None, **domains):
    """Make a derivation from a generator function that yields its lines.

    Parameters
    ----------
    seconds : float
        Time that sympy may take for all proofs. What it has not decided by then is
        called checked, not proved.
    defines : str, optional
        The name of what the first line spells out, as Python: ``"H(p, q)"``.
    **domains
        What each letter stands for: `distribution`, `reals`, `positive`, `index`, …
        Two more letters need no domain: ``classes`` is the range of the classes and
        ``K`` their number.

    Returns
    -------
    Derivation

    Raises
    ------
    TypeError
        If the letters and the function's arguments do not match.
    ValueError
        If the function has no source, fewer than two lines, or anything but lines
        ``yield expression, "reason"``, names for parts (``m = …``) and gaps (``...``, lines
        that are still to be written); or if `defines` is not Python.

    Examples
    --------
    >>> from lossbook.derive import derivation, positive, log
    >>> @derivation(x=positive)
    ... def halving(x):
    ...     yield log(x / 2), "the question"
    ...     yield log(x) - log(2), "the log of a quotient"
    >>> halving.steps[1].verdict
    'proved'
    """

    def decorate(function):
        return Derivation(function, domains, seconds, defines)

    return decorate


@dataclass
class Step:
    """One line of a derivation and how it follows from the line above.

    Attributes
    ----------
    source, latex, relation, reason : str
        The line as Python and as mathematics, its relation to the line above
        (``"="``, ``"≤"``, ``"≥"``), and why.
    verdict : str
        ``"proved"`` (by algebra, for each number of classes tried), ``"checked"`` (on
        all drawn numbers), ``"wrong"``, or ``"given"`` for the first line.
    worst : float
        The largest difference from the line above on the drawn numbers, relative to
        the larger of 1 and the two values; for a bound, by how much it is missed.
    counterexample : dict or None
        For a wrong step the simplest numbers found that break it, by letter, and the
        two values under ``"line above"`` and ``"this line"``.
    """

    source: str
    latex: str
    reason: str
    tolerance: float
    relation: str = "="
    verdict: str = "given"
    worst: float = 0.0
    counterexample: dict | None = None


class Derivation:
    """Lines of mathematics, each with its reason and its verdict. See `derivation`."""

    def __init__(self, function, domains, seconds, defines):
        self.function, self.domains = function, domains
        self.seconds, self.defines = seconds, defines and source.name(defines)
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        arguments = set(inspect.signature(function).parameters)
        unknown = sorted(arguments - set(domains) - {"classes", "K"})
        if unknown or set(domains) - arguments:
            raise TypeError(
                f"{self.__name__} takes {', '.join(sorted(arguments)) or 'no letters'}, but "
                f"domains are given for {', '.join(sorted(domains)) or 'none'}; give each letter "
                "its domain, as in @derivation(p=distribution); classes and K need none."
            )
        self.parts, self._written, self.gaps = source.read(function)
        many = {"classes", "K"} & arguments or any(
            not isinstance(domain, Numbers) or domain.vector for domain in domains.values()
        )
        self.sizes = SIZES if many else (1,)

    @functools.cached_property
    def steps(self):
        """The lines as a list of `Step`, tried when they are first asked for."""
        steps = [Step(*line) for line in self._written]
        for size in self.sizes:
            self._check(steps, size)
        for step in steps[1:]:
            if step.verdict != "wrong":
                step.verdict = "proved"  # unless a proof fails to be found
        deadline = time.monotonic() + self.seconds
        for size, indices in self._cases():
            self._prove(steps, size, indices, deadline)
        return steps

    @property
    def holds(self):
        """True if no step is wrong."""
        return all(step.verdict != "wrong" for step in self.steps)

    def require(self):
        """Return the derivation if it holds; else raise AssertionError with the broken steps."""
        if not self.holds:
            raise AssertionError(str(self))
        return self

    def _cases(self):
        """Every number of classes with every choice of the indices."""
        names = [name for name, domain in self.domains.items() if isinstance(domain, Index)]
        for size in self.sizes:
            for chosen in itertools.product(range(size), repeat=len(names)):
                yield size, dict(zip(names, chosen, strict=True))

    def _lines(self, size, values, number=int):
        available = {**values, "classes": range(size), "K": number(size)}
        arguments = inspect.signature(self.function).parameters
        return [line for line, _ in self.function(**{name: available[name] for name in arguments})]

    def _check(self, steps, size):
        """Run the lines on numbers, the simple ones first, and compare neighbours."""
        letters = {n: d for n, d in self.domains.items() if not isinstance(d, Index)}
        simple = itertools.product(*(enumerate(d.simple(size)) for d in letters.values()))
        simple = sorted(itertools.islice(simple, 20_000), key=lambda c: sum(r for r, _ in c))
        generator = np.random.default_rng(size)
        rows = {}
        for position, (name, domain) in enumerate(letters.items()):
            chosen = [choice[position][1] for choice in simple[:SIMPLE]]
            rows[name] = np.vstack([np.array(chosen, float), domain.draw(generator, size, DRAWS)])
        for _, indices in (case for case in self._cases() if case[0] == size):
            values = {}
            for name, domain in letters.items():
                columns = [torch.tensor(c, requires_grad=True) for c in rows[name].T.copy()]
                values[name] = domain.arrange(columns, size)
            lines = self._lines(size, {**values, **indices})
            count = SIMPLE + DRAWS if len(simple) > SIMPLE else len(simple) + DRAWS
            for above, line, step in zip([None, *lines], lines, steps, strict=False):
                if isinstance(line, Bound):
                    step.relation = line.relation
                if above is not None and step.verdict != "wrong":
                    self._compare(above, line, step, count, rows, indices)

    @staticmethod
    def _compare(above, line, step, count, rows, indices):
        left, right = (_numbers(side, count) for side in (above, line))
        both = torch.stack([left, right])
        miss = (left - right) * {"=": 1, "≤": 1, "≥": -1}[step.relation]
        miss = miss.abs() if step.relation == "=" else miss.clamp(min=0)
        miss = miss / both.abs().amax(0).clamp(min=1)
        finite = both.isfinite()
        miss = torch.where(finite.all(0), miss, torch.inf)
        meaningless = ~finite.any(0)  # such as 0/0 on both sides: says nothing
        if meaningless.all():
            raise ValueError(
                f"the line `{step.source}` and the line above are infinite or not a number on "
                "all drawn numbers; choose domains on which they have values."
            )
        miss = torch.where(meaningless, 0, miss)
        step.worst = max(step.worst, miss.max().item())
        broken = (miss > step.tolerance).nonzero()
        if len(broken):
            row = broken[0].item()
            numbers = {name: drawn[row].tolist() for name, drawn in rows.items()}
            step.verdict = "wrong"
            step.counterexample = numbers | indices | {
                "line above": left[row].item(), "this line": right[row].item(),
            }  # fmt: skip

    def _prove(self, steps, size, indices, deadline):
        """Run the lines on symbols and take back the verdict where no proof is found."""
        if all(step.verdict != "proved" for step in steps):
            return
        values, constraints, point = dict(indices), {}, {}
        generator = np.random.default_rng(0)
        for name, domain in self.domains.items():
            if name not in indices:
                values[name], rules = domain.symbols(name, size)
                constraints |= rules
                entries = domain.draw(generator, size, 1)[0]
                point |= dict(zip(_flat(values[name]), entries, strict=True))

        def seconds_left():
            return max(deadline - time.monotonic(), 0)

        def run():
            with symbolically(constraints):
                return [_symbol(line) for line in self._lines(size, values, as_symbol)]

        lines = prove.within(seconds_left(), run, None)
        for position, step in enumerate(steps[1:], start=1):
            if step.verdict == "proved":
                found = lines and prove.within(
                    seconds_left(),
                    lambda low, high, way: way(low, high, constraints, point),
                    False,
                    *_ordered(lines[position - 1], lines[position], step.relation),
                )
                step.verdict = "proved" if found else "checked"

    def __repr__(self):
        return show.text(self)

    def _repr_html_(self):
        return show.table(self)


def _ordered(above, line, relation):
    """The two sides with the smaller one first, and what is to be proved of them."""
    if relation == "=":
        return above, line, prove.equal
    return (above, line, prove.at_most) if relation == "≤" else (line, above, prove.at_most)


def _value(line):
    return line.value if isinstance(line, Bound) else line


def _numbers(line, count):
    return as_number(_value(line)).detach().expand(count)


def _symbol(line):
    return as_symbol(_value(line))


def _flat(symbols):
    """The symbols of a letter in the order in which its domain draws them."""
    if isinstance(symbols, dict):
        return list(symbols.values())
    return symbols if isinstance(symbols, list) else [symbols]
