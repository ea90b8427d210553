"""The report of a check: shows itself, and tells code the same."""

import html
import math
import os
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

import torch
from torch import Tensor


@dataclass
class Report:
    """What came of a check.

    Attributes
    ----------
    title : str
        The claim.
    cases : int
        How many cases were tried.
    kinds, wrong : Counter
        How many cases of each kind were tried, and how many of them went wrong.
    worst : float
        The largest error, in units in the last place (infinite where nothing could be compared).
    counterexample : dict or None
        The smallest arguments on which the claim is false, by name.
    what : str
        What differs there: "value", "shape", "dtype", "raises", "gradient by input", ...
    sides : dict
        What each side gave there: a tensor, a text, or an exception.
    notes : list of str
        What else the reader should know.
    expect : str
        "holds", or "fails" for a claim that is shown because it is false.
    """

    title: str
    cases: int = 0
    kinds: Counter = field(default_factory=Counter)
    wrong: Counter = field(default_factory=Counter)
    worst: float = 0.0
    allowed: set = field(default_factory=set)
    counterexample: dict | None = None
    what: str = ""
    sides: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    expect: str = "holds"

    @property
    def holds(self) -> bool:
        """Whether the claim held on every case."""
        return not self.wrong.total()

    @property
    def as_expected(self) -> bool:
        return self.holds == (self.expect == "holds")

    def require(self) -> "Report":
        """Return the report, or raise AssertionError if the outcome is not the expected one."""
        if not self.as_expected:
            raise AssertionError(str(self))
        return self

    def finish(self) -> "Report":
        """With LOSSBOOK_STRICT=1, raise at once: a cell that only prints a cross would pass."""
        return self.require() if os.environ.get("LOSSBOOK_STRICT") == "1" else self

    @property
    def verdict(self) -> str:
        text = f"✓ holds on {self.cases} cases"
        if not self.holds:
            text = f"✗ fails on {self.wrong.total()} of {self.cases} cases"
        if self.expect == "fails":
            text += ", as expected" if self.as_expected else ", but was expected to fail"
        return text

    def rows(self) -> list[tuple[str, str]]:
        """The lines under the title, as pairs of label and text."""
        rows = [("verdict", self.verdict)]
        if any(self.kinds):
            rows.append(("cases", " · ".join(map(self.kind_text, sorted_kinds(self.kinds)))))
        if self.holds and self.allowed:
            rows.append(("worst error", self.error_text()))
        rows += [("note", note) for note in self.notes]
        if not self.holds:
            arguments = [f"{name} = {short(value)}" for name, value in self.counterexample.items()]
            rows += list(zip(["smallest case"] + [""] * len(arguments), arguments, strict=False))
            rows.append(("what differs", self.what))
            rows += side_by_side(self.sides)
        return rows

    def kind_text(self, kind: str) -> str:
        wrong = f" ({self.wrong[kind]} wrong)" if self.wrong[kind] else ""
        return f"{kind or 'other'} {self.kinds[kind]}{wrong}"

    def error_text(self) -> str:
        # Coarse on purpose: the last bits differ between processors, a stored output may not.
        power = max(1, math.floor(math.log(self.worst, 8)) + 1) if self.worst > 0 else 1
        tolerance = " or ".join(f"{ulps:g}" for ulps in sorted(self.allowed))
        return f"under {min(8**power, max(self.allowed)):g} units in the last place " + (
            f"({tolerance} allowed)"
        )

    def __repr__(self) -> str:
        width = max(len(label) for label, _ in self.rows())
        lines = [f"  {label:<{width}}  {text}".rstrip() for label, text in self.rows()]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'
        rows = "".join(
            f'<tr><th scope="row" {left}>{html.escape(label)}</th>'
            f"<td {left}>{html.escape(text)}</td></tr>"
            for label, text in self.rows()
        )
        return f"<table><caption {left}><b>{html.escape(self.title)}</b></caption>{rows}</table>"


def sorted_kinds(kinds: Counter) -> list[str]:
    return sorted(kinds, key=lambda kind: (-kinds[kind], kind))


def side_by_side(sides: dict) -> list[tuple[str, str]]:
    """Return what each side gave, with as many digits as it takes to tell them apart."""
    for digits in (4, 6, 9, 12, 17):
        texts = [short(value, digits, fractions=False) for value in sides.values()]
        if len(set(texts)) > 1:
            break
    return list(zip(sides, texts, strict=True))


def short(value, digits: int = 4, fractions: bool = True) -> str:
    """Return a value as a reader would write it: ``[0, 1/3, 2/3]``.

    Examples
    --------
    >>> short(torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64) / 3)
    '[1/3, 2/3, 0]'
    """
    if isinstance(value, BaseException):
        text = " ".join(str(value).split())
        text = text if len(text) <= 100 else text[:99] + "…"
        return f"raises {type(value).__name__}" + f": {text}" * bool(text)
    if not isinstance(value, Tensor):
        return value if isinstance(value, str) and not fractions else f"{value!r:.60}"
    dtype = "" if value.dtype in (torch.float64, torch.int64) else str(value.dtype)[6:]
    if value.numel() > 40:
        dtype, value = f"{dtype} shape {tuple(value.shape)}".strip(), value.flatten()[:8]
    elif value.numel() == 0:
        return f"empty, {dtype} shape {tuple(value.shape)}".replace("  ", " ")

    def text(part):
        if isinstance(part, list):
            return "[" + ", ".join(map(text, part)) + "]"
        return number(part, digits, value.dtype if fractions else None)

    shown = text(value.tolist())
    if "shape" in dtype:
        shown = shown[:-1] + ", …]"
    return f"{shown} ({dtype})" if dtype else shown


def number(x, digits: int, dtype: torch.dtype | None) -> str:
    """Return one number; as a fraction where that is exact, if a dtype is given."""
    if isinstance(x, bool | int):
        return str(x)
    decimal = f"{x:.{digits}g}"
    if not math.isfinite(x) or float(decimal) == x or dtype is None:
        return decimal.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    fraction = Fraction(x).limit_denominator(99)
    exact = torch.tensor(float(fraction), dtype=torch.float64).to(dtype).item() == x
    return str(fraction) if exact and fraction else number(x, digits, None)
