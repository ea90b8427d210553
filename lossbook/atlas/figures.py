"""Curves of the losses, alone and laid over each other."""

import base64
import functools
from pathlib import Path

import torch

from lossbook.atlas.entry import ENTRIES
from lossbook.explore import choice, explore

POINTS = 301
# The axes of the curves, with the limits of a picture of two.
AXES = {
    "residual": (-4, 4),
    "gap": (-6, 6),
    "logarithm": (-6, 3),
    "probability": (-0.1, 1.1),
    "distance": (-0.2, 3.2),
    "cosine": (-1.2, 1.2),
}


@functools.cache
def curve(name, line):
    """Places t, the loss there, and its slope by t, as arrays."""
    entry = ENTRIES[name]
    low, high = entry.curve.low, entry.curve.high
    t = low + (high - low) * torch.arange(POINTS, dtype=torch.float64) / (POINTS - 1)
    loss, slope = entry.along(line, t)
    return t.numpy(), loss.numpy(), slope.numpy()


def described(name):
    """The curves of a loss in words, with numbers, for those who cannot see them."""
    entry = ENTRIES[name]
    low, high = entry.curve.low, entry.curve.high
    parts = []
    for line in entry.curve.lines:
        _, loss, slope = curve(name, line)
        middle = POINTS // 2
        losses, slopes = (_listed(y[[0, middle, -1]]) for y in (loss, slope))
        parts.append(f"{line + ': ' if line else ''}the loss {losses}, the slope {slopes}")
    return (
        f"Two graphs, of {name} and of its slope, by the {entry.curve.axis} "
        f"({entry.curve.means}). At {_listed([low, (low + high) / 2, high])}: {'; '.join(parts)}."
    )


def _listed(numbers):
    """Three numbers as words."""
    first, second, third = (rounded(x) for x in numbers)
    return f"{first}, {second} and {third}"


def rounded(x, places=3):
    """A number as a text, without zeros at its end."""
    text = f"{x:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


@functools.cache
def _pages():
    """One figure for all losses: to draw on it again is faster than to make another."""

    @explore(
        name=choice(list(ENTRIES), start="MSELoss"),
        alt="Graphs of a loss and of its slope",
        axes=2,
        size=(7.6, 2.5),
    )
    def page(axes, name):
        way = ENTRIES[name].curve
        for line in way.lines:
            t, loss, slope = curve(name, line)
            axes[0].plot(t, loss, label=line)
            axes[1].plot(t, slope)
        for ax, title in zip(axes, ("loss", "slope"), strict=True):
            ax.set(title=title, xlabel=way.axis, xlim=(way.low, way.high))
            ax.set_ylabel(" ")  # room for wider numbers
        axes[1].axhline(0, color="#666666", linewidth=1)
        if len(way.lines) > 1:
            axes[0].legend(fontsize=9)
        return f"{name} and its slope, by the {way.axis}: {way.means}."

    return page


def picture(name):
    """The curves of a loss and of its slope, as the data and metadata of a notebook's output."""
    page = _pages().set(name=name)
    picture = {"width": 760, "alt": described(name)}
    return {"image/png": page.png(), "text/plain": page.sentence}, {"image/png": picture}


def _name(name, line):
    return f"{name}, {line}" if line else name


def _lines():
    """All lines of all losses, by name, those of one axis together."""
    return {
        _name(name, line): (name, line)
        for axis in AXES
        for name, entry in ENTRIES.items()
        if entry.curve.axis == axis
        for line in entry.curve.lines
    }


def overlay(first="HuberLoss, δ = 1", second="L1Loss"):
    """An explorer that lays any two losses over each other, with their slopes."""
    lines = _lines()

    @explore(
        first=choice(lines, start=lines[first], label="first"),
        second=choice(lines, start=lines[second], label="second"),
        axes=2,
        size=(8.0, 3.4),
        alt="Two graphs: the curves of two losses laid over each other, and those of their slopes",
    )
    def two_losses(axes, first, second):
        ways = [ENTRIES[name].curve for name, _ in (first, second)]
        names = [_name(*each) for each in (first, second)]
        same = ways[0].axis == ways[1].axis
        limits = AXES[ways[0].axis] if same else (-6, 6)
        for row, chosen in enumerate((first, second)):
            t, loss, slope = curve(*chosen)
            (line,) = axes[0].plot(t, loss)
            axes[1].plot(t, slope)
            dash = ("—", "- -")[row]
            axes[0].text(
                0.5, 0.93 - 0.09 * row, f"{dash} {names[row]}", color=line.get_color(),
                transform=axes[0].transAxes, ha="center", fontsize=9,
            )  # fmt: skip
        for ax, title, low, high in zip(axes, ("loss", "slope"), (-1, -4), (8, 4), strict=True):
            ax.set(title=title, xlim=limits, ylim=(low, high))
            ax.set_xlabel(ways[0].axis if same else f"{ways[0].axis}, and {ways[1].axis}")
        means = [way.means for way in ways]
        if same:
            told = means[0] if means[0] == means[1] else f"{means[0]}, and {means[1]}"
            return f"{names[0]} and {names[1]}, both by the {ways[0].axis}: {told}."
        return (
            f"These are functions of different things: {names[0]} of the {ways[0].axis} "
            f"({means[0]}), {names[1]} of the {ways[1].axis} ({means[1]}). Compare their shapes, "
            "not their heights."
        )

    return two_losses


class Stored:
    """A picture in a file that holds its own description, as `make bench` writes them."""

    def __init__(self, path):
        from PIL import Image

        with Image.open(path) as image:
            self.alt, self.width = image.text["Description"], image.width
        self.data = Path(path).read_bytes()

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, **_):
        data = {"image/png": base64.b64encode(self.data).decode(), "text/plain": self.alt}
        return data, {"image/png": {"width": self.width // 2, "alt": self.alt}}
