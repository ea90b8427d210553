"""What a reader moves: sliders, choices, toggles.

A control knows which values it takes, where it starts, which values a sweep visits and how to make
its widget. ipywidgets load with the first widget.
"""

import math
import numbers
from decimal import Decimal


class Control:
    """One thing a reader can move: a `slider`, `choice` or `toggle`."""

    def check(self, name, value):
        """Return `value`, or say that the control cannot take it."""
        if not self.takes(value):
            raise ValueError(f"{name} = {value!r} is outside {self}; choose a value within it")
        return value


class slider(Control):
    """A number that the reader slides.

    Parameters
    ----------
    low, high : int or float
        The ends. When they, `start` and `step` are all integers, so is every value.
    start : int or float, optional
        Where it stands at first; without it, about the middle.
    step : int or float, optional
        One press of an arrow key; without it, 1 or about a hundredth of the way. On a logarithmic
        slider, in powers of ten.
    label : str, optional
        Shown beside it; without it, the argument's name.
    log : bool
        Equal distances are equal ratios.

    Raises
    ------
    ValueError
        Ends in the wrong order, a start outside them, a step that is not positive.

    Examples
    --------
    >>> slider(1, 6, label="faces of the die").start
    3
    >>> slider(0, 1, start=2)
    Traceback (most recent call last):
        ...
    ValueError: start = 2 is outside slider(0, 1); choose a value within it
    """

    def __init__(self, low, high, *, start=None, step=None, label=None, log=False):
        given = {"low": low, "high": high, "start": start, "step": step}
        for name, value in given.items():
            optional = name in ("start", "step") and value is None
            if not optional and (isinstance(value, bool) or not isinstance(value, numbers.Real)):
                raise TypeError(f"{name} of a slider must be a number, not {value!r}")
            if not optional and not math.isfinite(value):
                raise ValueError(f"{name} of a slider must be finite, not {value!r}")
        self.low, self.high, self.label, self.log = low, high, label, log
        if low >= high:
            raise ValueError(f"a slider goes from low to high, but {low!r} ≥ {high!r}; swap them")
        if log and low <= 0:
            raise ValueError(f"a logarithmic slider starts above 0, not at {low!r}")
        if step is not None and step <= 0:
            raise ValueError(f"step of a slider must be above 0, not {step!r}")
        whole = all(isinstance(value, int) for value in given.values() if value is not None)
        self.whole = whole and not log
        if not self.whole:  # p = 1 at the end of a slider is 1.0, as everywhere else on it
            self.low, self.high = float(low), float(high)
        span = math.log10(high / low) if log else high - low
        self.step = step or (1 if self.whole else _round_step(span / 100))
        self.start = self.check("start", self.at(0.5) if start is None else start)

    def takes(self, value):
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        whole = not self.whole or isinstance(value, numbers.Integral)
        return number and whole and self.low <= value <= self.high

    def at(self, fraction):
        """The value at a fraction of the way, on a step where there is one near."""
        if self.log:
            return self.tidy(self.low * (self.high / self.low) ** fraction)
        steps = int((self.high - self.low) * fraction / self.step + 1e-9)
        return self.high if fraction == 1 else self.tidy(self.low + steps * self.step)

    def tidy(self, value):
        """Without the dust of binary fractions: 0.30000000000000004 becomes 0.3."""
        if self.whole:
            return value
        return min(max(float(f"{value:.12g}"), self.low), self.high)

    def stops(self):
        """The values that a sweep visits."""
        return sorted({self.at(fraction) for fraction in (0, 0.25, 0.5, 0.75, 1)})

    def widget(self, **look):
        import ipywidgets

        if self.log:
            ends = {"min": math.log10(self.low), "max": math.log10(self.high)}
            kind = ipywidgets.FloatLogSlider
        else:
            ends = {"min": self.low, "max": self.high}
            kind = ipywidgets.IntSlider if self.whole else ipywidgets.FloatSlider
        places = max(
            -Decimal(str(x)).normalize().as_tuple().exponent for x in (self.low, self.step)
        )
        form = "d" if self.whole else ".3g" if self.log else f".{max(0, places)}f"
        return kind(step=self.step, readout_format=form, **ends, **look)

    def __repr__(self):
        return f"slider({self.low!r}, {self.high!r})"


def _round_step(step):
    """The next number up among 1, 2, 5, 10, 20, 50, … and their fractions."""
    power = 10.0 ** math.floor(math.log10(step) + 1e-9)
    factor = next(factor for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
    return float(f"{factor * power:.6g}")


class choice(Control):
    """One of a few things: buttons for up to five short names, a menu for more.

    Parameters
    ----------
    options : list or dict
        The values, or names and their values. At least two.
    start : optional
        The value it stands at first; without it, the first one.
    label : str, optional
        Shown beside it; without it, the argument's name.

    Raises
    ------
    ValueError
        Fewer than two options, two that are equal, a start that is not among them.

    Examples
    --------
    >>> choice({"bits": 2, "digits": 10}, start=10).start
    10
    """

    def __init__(self, options, *, start=None, label=None):
        if not isinstance(options, dict):
            options = {str(option): option for option in options}
        self.options, self.label = options, label
        if len(options) < 2:
            raise ValueError(f"a choice needs at least two different options, not {list(options)}")
        self.start = self.stops()[0] if start is None else self.check("start", start)

    def takes(self, value):
        return value in self.stops()

    def stops(self):
        return list(self.options.values())

    def tidy(self, value):
        return value

    def widget(self, **look):
        import ipywidgets

        if len(self.options) <= 5 and sum(map(len, self.options)) <= 50:
            look["style"] |= {"button_width": "auto"}
            buttons = ipywidgets.ToggleButtons(options=list(self.options.items()), **look)
            return buttons.add_class("widget-inline-hbox")  # label and buttons on one line
        return ipywidgets.Dropdown(options=list(self.options.items()), **look)

    def __repr__(self):
        return f"choice({self.stops()!r})"


class toggle(Control):
    """Something that is on or off.

    Parameters
    ----------
    label : str, optional
        Shown beside it; without it, the argument's name.
    start : bool

    Examples
    --------
    >>> toggle(label="show the tangent").start
    False
    """

    def __init__(self, *, label=None, start=False):
        self.label = label
        self.start = self.check("start", start)

    def takes(self, value):
        return isinstance(value, bool)

    def stops(self):
        return [False, True]

    def tidy(self, value):
        return value

    def widget(self, **look):
        import ipywidgets

        return ipywidgets.Checkbox(**look)

    def __repr__(self):
        return "toggle()"
