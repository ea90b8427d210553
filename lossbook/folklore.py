"""Claims that a measurement settles.

The function yields pairs, words and what was measured. A yes or no is a statement of the claim,
or, if its words are a `fact`, one beyond the claim; anything else is a number to show.

>>> import torch
>>> @claim("Claim 0", "A sum is a mean", predicts="one number", false="Not of several numbers.")
... def a_sum_is_a_mean():
...     x = torch.tensor([1.0, 2.0])
...     yield "`sum`, `mean`", [x.sum(), x.mean()]
...     yield "they agree", x.sum() == x.mean()
...     yield fact("the sum is twice the mean"), x.sum() == 2 * x.mean()
>>> a_sum_is_a_mean
Claim 0: A sum is a mean
  predicted   one number
  measured    `sum`, `mean`: 3, 1.5
  claimed     ✗ they agree
  fact        ✓ the sum is twice the mean
  verdict     false
  remember    Not of several numbers.
"""

import functools
import html
import os
import re
import textwrap
from itertools import pairwise


class fact(str):
    """Words of a statement beyond the claim, on which the sentence to remember rests."""


def claim(number, words, *, predicts, **remember):
    """Settle a claim by the function under it, which measures; returns a decorator.

    `predicts` says what one would measure if it were true. The sentence to remember is given for
    the verdict that it belongs to, as one of `true`, `false` and `in_part`; with LOSSBOOK_STRICT=1
    it must follow. In all of them code stands between backticks.
    """
    if len(remember) != 1 or not remember.keys() <= {"true", "false", "in_part"}:
        raise TypeError(f"{number}: give one of true, false and in_part, not {list(remember)}")

    ((verdict, sentence),) = remember.items()

    def settle(function):
        made = Claim(function, number, words, predicts, verdict.replace("_", " "), sentence)
        return made.require() if os.environ.get("LOSSBOOK_STRICT") == "1" else made

    return settle


class Claim:
    """A claim and what was measured; shows itself. A call measures again, and returns a new one.

    `statements` and `facts` are dicts of words to bool, `numbers` one of words to numbers.
    """

    def __init__(self, function, *given):
        functools.update_wrapper(self, function)
        self.number, self.words, self.predicts, self._wanted, self._sentence = self._given = given
        self.statements, self.facts, self.numbers = {}, {}, {}
        for name, value in function():
            value = value.tolist() if hasattr(value, "tolist") else value
            if isinstance(value, list) and value and isinstance(value[0], bool):
                raise ValueError(f"{name!r} has {len(value)} answers; end it with .all() or .any()")
            kind = self.facts if isinstance(name, fact) else self.statements
            (kind if isinstance(value, bool) else self.numbers)[name] = value
        if not self.statements:
            raise ValueError(
                f"{self.number}: yield a statement of the claim, words and a yes or no"
            )

    def __call__(self):
        return Claim(self.__wrapped__, *self._given)

    @property
    def verdict(self):
        """True if all statements of the claim hold, false if none does, else in part."""
        held = self.statements.values()
        return "true" if all(held) else "in part" if any(held) else "false"

    @property
    def refusal(self):
        """Why the sentence to remember does not follow; empty if it does."""
        missed = [words for words, holds in self.facts.items() if not holds]
        if self.verdict != self._wanted:
            return f"was written for the verdict {self._wanted!r}, measured is {self.verdict!r}"
        return f"rests on {missed[0]!r}, which is no fact" if missed else ""

    def require(self):
        """Return the claim, or raise AssertionError if its sentence does not follow."""
        if self.refusal:
            raise AssertionError(f"{self.number}: the sentence to remember {self.refusal}")
        return self

    def rows(self):
        """The lines under the title, as pairs of label and text."""
        last = f"✗ The sentence {self.refusal}" if self.refusal else self._sentence
        rows = [("", ""), ("predicted", self.predicts)]
        rows += [("measured", f"{name}: {_short(value)}") for name, value in self.numbers.items()]
        for label, held in ("claimed", self.statements), ("fact", self.facts):
            rows += [(label, f"{'✗✓'[holds]} {words}") for words, holds in held.items()]
        rows += [("verdict", self.verdict), ("remember", last)]
        return [(now * (now != before), text) for (before, _), (now, text) in pairwise(rows)]

    def __repr__(self):
        lines = [f"{self.number}: {self.words}"]
        for label, text in self.rows():
            first, *more = textwrap.wrap(text, 84, subsequent_indent="  ")
            lines += [f"  {label:<10}  {first}", *(f"{'':14}{line}" for line in more)]
        return "\n".join(lines)

    def _repr_html_(self):
        left = 'style="text-align:left"'
        rows = ""
        for label, text in self.rows():
            text = f"<b>{_code(text)}</b>" if label == "verdict" else _code(text)
            rows += f'<tr><th scope="row" {left}>{label}</th><td {left}>{text}</td></tr>'
        title = f"<caption {left}><b>{_code(f'{self.number}: {self.words}')}</b></caption>"
        return f"<table>{title}{rows}</table>"


def _code(text):
    return re.sub("`(.*?)`", r"<code>\1</code>", html.escape(text, quote=False))


def _short(value, start="", end=""):
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        return start + ", ".join(_short(part, "(", ")") for part in value) + end
    return f"{value + 0.0:.4g}" if isinstance(value, float) else str(value)
