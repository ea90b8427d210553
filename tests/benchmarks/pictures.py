"""Draws how near, how accurate and how fast the losses are: the pictures of lesson 12.

    make bench ARGS=pictures

Each picture holds its own description, with the numbers, for those who cannot see it.
"""

import datetime
import io
import os
import platform
import statistics
from pathlib import Path

import accuracy
import losses
import mpmath
import sympy
import torch
import torch.nn.functional as F
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import lossbook
from lossbook.atlas import ENTRIES
from lossbook.derive.domains import Index
from lossbook.derive.mathematics import as_symbol, symbolically
from lossbook.explore import explore

IMAGES = Path(__file__).resolve().parents[2] / "notebooks" / "images"
COLOURS = {"ours": "#0072B2", "torch's": "#D55E00", "memory": "#009E73"}
HARD = 10  # how much larger the numbers are in every other draw


def main():
    """Measure and draw; print where the pictures are."""
    torch.set_num_threads(1)
    for name, make in {"agreement": agreement, "accuracy": errors, "speed": speed}.items():
        path = IMAGES / f"bench_{name}.png"
        _store(make(), path)
        print(path.relative_to(IMAGES.parents[1]), flush=True)


def agreement():
    """The largest differences between ours and torch's, in float64."""
    rows = {name: _differences(entry) for name, entry in ENTRIES.items()}
    worst = {kind: max(row.get(kind, 0) for row in rows.values()) for kind in ("value", "slope")}
    text = (
        "Largest difference between lossbook and torch on drawn numbers in float64, relative to "
        f"what torch says, or to 1 if that is more. Of the values at most {worst['value']:.1g}, of "
        f"the slopes at most {worst['slope']:.1g}. (That of CTCLoss is another in torch.)"
    )
    return _dots(
        rows, {"value": ("o", "ours"), "slope": ("x", "torch's")}, text,
        title="agreement: largest difference", low=1e-17, high=1e-13,
    )  # fmt: skip


def errors():
    """The largest errors of ours and torch's against exact values, in float32."""
    rows = {name: _errors(entry) for name, entry in ENTRIES.items()}
    better = sum(row["lossbook"] < row["torch"] for row in rows.values())
    worse = sum(row["lossbook"] > row["torch"] for row in rows.values())
    worst = {kind: max(rows, key=lambda name: rows[name][kind]) for kind in ("lossbook", "torch")}
    text = (
        "Largest error of a value in float32, in units in the last place, against the formula in "
        f"50 digits. Lossbook at most {_short(rows[worst['lossbook']]['lossbook'])} "
        f"units ({worst['lossbook']}), torch at most {_short(rows[worst['torch']]['torch'])} "
        f"({worst['torch']}). Lossbook is nearer for {better} losses, torch for {worse}, and "
        f"{len(rows) - better - worse} are even."
    )
    return _dots(
        rows, {"lossbook": ("o", "ours"), "torch": ("x", "torch's")}, text,
        title="accuracy: largest error, in units in the last place", low=0.1, high=1e8,
    )  # fmt: skip


def speed():
    """Ours over torch's in time and memory."""
    rows = {}
    for name, entry in ENTRIES.items():
        large, small, memory = losses.measured(entry.function)
        rows[name] = {"large": large, "small": small, "memory": memory}
    mean = {
        kind: statistics.geometric_mean(row[kind] for row in rows.values())
        for kind in ("large", "small", "memory")
    }
    slowest = max(rows, key=lambda name: rows[name]["large"])
    text = (
        "Time of forward and backward, and memory at its peak: lossbook over torch, so that less "
        f"than 1 is better. In the geometric mean, large tensors {mean['large']:.2f}, small ones "
        f"(64 × 10) {mean['small']:.2f}, memory {mean['memory']:.2f}. The slowest large one is "
        f"{slowest} with {rows[slowest]['large']:.2f}."
    )
    marks = {"large": ("o", "ours"), "small": ("x", "torch's"), "memory": ("D", "memory")}
    return _dots(rows, marks, text, title="lossbook over torch", low=0.01, high=10, line=1)


def _differences(entry):
    worst = {"value": 0.0, "slope": 0.0}
    for formula in entry.formulas:
        for _, letters in formula.draws(30):
            pair = [formula.of(library, letters) for library in (lossbook, F)]
            leaf = formula.by(letters)
            slopes = [torch.autograd.grad(x, leaf, materialize_grads=True)[0] for x in pair]
            for kind, (ours, torchs) in {"value": pair, "slope": slopes}.items():
                size = max(abs(torchs.item()), 1.0)
                worst[kind] = max(worst[kind], abs(ours.item() - torchs.item()) / size)
    if entry.name == "CTCLoss":  # where torch adds the term of a log-softmax before it
        del worst["slope"]
    return worst


def _errors(entry):
    worst = {"lossbook": 0.0, "torch": 0.0}
    info = torch.finfo(torch.float32)
    for formula in entry.formulas:
        for number, (size, letters) in enumerate(formula.draws(12)):
            letters = {
                name: _rounded(x, formula.derivation.domains[name], number % 2)
                for name, x in letters.items()
            }
            exact = _exact(formula, size, letters)
            for kind, library in (("lossbook", lossbook), ("torch", F)):
                got = mpmath.mpf(formula.of(library, letters).item())
                worst[kind] = max(worst[kind], accuracy.ulps(got, exact, info))
    return worst


def _rounded(letter, domain, hard):
    """A letter in float32; where it may be any number, ten times as large if it is to be hard."""
    if isinstance(domain, Index):
        return letter
    if isinstance(letter, list):
        return [_rounded(x, domain, hard) for x in letter]
    free = hard and "real number" in domain.name
    return (letter.detach() * (HARD if free else 1)).float()


def _exact(formula, size, letters):
    """What the formula is for these numbers, in fifty digits."""
    symbols, numbers = {}, {}
    for name, domain in formula.derivation.domains.items():
        if isinstance(domain, Index):
            symbols[name] = letters[name]
            continue
        symbols[name], _ = domain.symbols(name, size)
        pairs = zip(_listed(symbols[name]), _listed(letters[name]), strict=True)
        numbers |= {symbol: sympy.Rational(x.item()) for symbol, x in pairs}
    with symbolically({}):
        value, *_ = formula.numbers(size, symbols)
    return mpmath.mpf(str(sympy.N(as_symbol(value).subs(numbers), 50)))


def _short(x):
    """With two digits, and commas between thousands."""
    return f"{float(f'{x:.2g}'):,.0f}"


def _listed(letter):
    return letter if isinstance(letter, list) else [letter]


def _dots(rows, marks, text, *, title, low, high, line=None):
    """A row of dots for each loss, on a logarithmic axis; what is less stands at its left end."""
    made = (
        f"Measured on {datetime.date.today():%d %B %Y} with torch "
        f"{torch.__version__.partition('+')[0]}, Python {platform.python_version()} and lossbook "
        f"{lossbook.__version__}, on {os.cpu_count()} cores, with one thread."
    )

    @explore(alt=f"A row of dots for each loss. {text} {made}", size=(7.6, 6.6))
    def dots(ax):
        for kind, (mark, colour) in marks.items():
            places = {n: row[kind] for n, row in enumerate(rows.values()) if kind in row}
            values = [min(max(value, low), high) for value in places.values()]
            ax.plot(
                values, list(places), mark, linestyle="none", label=kind,
                color=COLOURS[colour], markersize=6, markerfacecolor="none", markeredgewidth=1.8,
            )  # fmt: skip
        if line:
            ax.axvline(line, color="#666666", linewidth=1)
        ax.set(xscale="log", xlim=(low / 1.6, high * 1.6), title=title)
        ax.set_yticks(range(len(rows)), rows)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=3)
        ax.set_title(title, pad=30)
        return f"{text} {made}"

    return dots


def _store(drawn, path):
    """As PNG, with its description in it."""
    words = PngInfo()
    words.add_itxt("Description", drawn.alt)
    Image.open(io.BytesIO(drawn.png())).save(path, "png", optimize=True, pnginfo=words)


if __name__ == "__main__":
    main()
