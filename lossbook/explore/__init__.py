"""Interactive figures: a function that draws, and controls that move it.

    @explore(p=slider(0.01, 1, start=0.5, label="probability p"), alt="A falling curve")
    def information_curve(ax, p):
        ...                                      # draws everything, each time, on empty axes
        return f"An event of probability {p} …"  # the words shown under the figure

The function is pure: the same values, the same picture. It never clears, shows or updates anything.
In a notebook that runs, the picture follows the controls; in one that is only read, and in print,
there is the picture at the start position. Fixed axis limits are kinder to the eye than limits that
follow the data, and faster.
"""

import asyncio
import base64
import contextlib
import functools
import inspect
import itertools
import warnings

from lossbook.explore.controls import Control, choice, slider, toggle

__all__ = ["Explorer", "choice", "explore", "label_line", "slider", "toggle"]


def explore(*, alt, axes=1, size=(6.4, 3.6), **controls):
    """Make an explorer of a function that draws.

    Parameters
    ----------
    alt : str
        What the picture shows, for those who cannot see it: what kind of figure, and its message.
    axes : int or tuple of int
        How many axes side by side, or rows and columns. With more than one, the function gets an
        array of them.
    size : tuple of float
        Width and height in inches; an inch is shown as 100 pixels.
    **controls : slider, choice or toggle
        One for each argument of the function after the first. None at all: a still picture.

    Returns
    -------
    callable
        Turns ``function(ax, **values)``, which draws and returns a sentence, into an `Explorer`.

    Raises
    ------
    TypeError, ValueError
        Controls that do not fit the function, no alt text, and when the start position cannot be
        drawn.

    Examples
    --------
    >>> @explore(p=slider(0.1, 0.9, start=0.5), alt="One bar as tall as p")
    ... def bar(ax, p):
    ...     ax.bar(["p"], [p])
    ...     ax.set_ylim(0, 1)
    ...     return f"The bar is {p} tall."
    >>> bar
    bar: The bar is 0.5 tall.
    >>> bar.set(p=0.3).sentence
    'The bar is 0.3 tall.'
    >>> bar.sweep()
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt is the picture in words, for those who cannot see it, not {alt!r}")
    for name, control in controls.items():
        if not isinstance(control, Control):
            raise TypeError(f"{name} must be a slider, choice or toggle, not {control!r}")
    shape = (1, axes) if isinstance(axes, int) else tuple(axes)
    return functools.partial(Explorer, controls=controls, alt=alt, shape=shape, size=size)


class Explorer:
    """A figure with controls. Made by `explore`; the last line of a cell shows it.

    Attributes
    ----------
    position : dict
        The present value of each control.
    sentence : str
        What the figure shows at the present position, in words.
    """

    def __init__(self, function, controls, alt, shape, size):
        from lossbook.explore.figures import Canvas

        functools.update_wrapper(self, function)
        _check_arguments(function, controls)
        self.controls, self.alt, self._width = controls, alt, round(size[0] * 100)
        self._canvas = Canvas(shape, size)
        self._view = None
        self._draw({name: control.start for name, control in controls.items()})

    def __call__(self, ax, *values, **named):
        """Draw on axes of your own."""
        return self.__wrapped__(ax, *values, **named)

    def set(self, **values):
        """Move controls, as a reader would, and redraw.

        Parameters
        ----------
        **values
            New values of some of the controls.

        Returns
        -------
        Explorer
            This one.

        Raises
        ------
        TypeError, ValueError
            A name that is no control; a value that the control cannot take.
        """
        for name, value in values.items():
            if name not in self.controls:
                raise TypeError(
                    f"{self.__name__} has no control {name!r}; it has {', '.join(self.controls)}"
                )
            self.controls[name].check(name, value)
        self._show(self.position | values)
        if self._view:
            self._view.move(values)
        return self

    def png(self):
        """The picture at the present position, with its sentence, as bytes of a PNG file."""
        from lossbook.explore.figures import picture

        return picture(self._pixels, self.sentence)

    def sweep(self):
        """Move every control to its ends and back, and look at every picture on the way.

        Each control goes through its stops while the others stand at their start, then all of them
        through every combination of their ends. Menus, choices of more than five, go together,
        every second one from its last option to its first. For tests.

        Raises
        ------
        AssertionError
            With the position: the function raised or warned, drew NaN or over the picture's edge,
            gave no sentence, or drew another picture than it had drawn there before.
        """
        start = {name: control.start for name, control in self.controls.items()}
        stops = {name: control.stops() for name, control in self.controls.items()}
        menus = {name: values for name, values in stops.items() if len(values) > 5}
        path = [start]
        for name, values in stops.items():
            if name not in menus:
                path += [start | {name: value} for value in values if value != start[name]]
        for number, name in enumerate(menus):
            menus[name] = menus[name][:: (-1) ** number]
        for step in range(max(map(len, menus.values()), default=0)):
            path.append(start | {name: menu[step % len(menu)] for name, menu in menus.items()})
        for corner in itertools.product(*[(values[0], values[-1]) for values in stops.values()]):
            path.append(dict(zip(stops, corner, strict=True)))
        for position in [*path, start]:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    frames = self._canvas.frames
                    self._draw(position)
                    self._inspect(position, fresh=self._canvas.frames == frames)
                except Exception as error:
                    place = ", ".join(f"{name}={value!r}" for name, value in position.items())
                    what = f"{type(error).__name__}: {error}"
                    raise AssertionError(f"{self.__name__} at {place or 'rest'}: {what}") from error
        self._show(start)

    def _inspect(self, position, fresh):
        """Compare the picture with a second one, and look at its edges.

        One of the two has its frame from memory, and the other (`fresh`: the second) from nothing.
        """
        pixels = self._pixels
        self._draw(position, fresh)
        if (pixels != self._pixels).any():
            raise ValueError("a second drawing differs from the first; draw from the values alone")
        if overhang := self._canvas.overhang():
            raise ValueError(f"the drawing reaches {overhang} pixels over the picture's edge")

    def _draw(self, position, fresh=False):
        from lossbook.explore.checks import check_words

        def draw(axes):
            sentence = self.__wrapped__(axes, **position)
            if not isinstance(sentence, str) or not sentence.strip():
                raise TypeError(
                    f"{self.__name__} must return the sentence shown under the figure, "
                    f"not {sentence!r}"
                )
            check_words(sentence)
            return sentence

        self._pixels, self.sentence = self._canvas.draw(draw, fresh)
        self.position = position

    def _show(self, position):
        """Draw, and put the picture before the reader."""
        try:
            self._draw(position)
        except Exception as error:
            if self._view:
                self._view.alarm(error)
            raise
        if self._view:
            self._view.show(self._pixels, self.sentence)
            with contextlib.suppress(RuntimeError):  # no event loop: cleared with the next drawing
                # Once the picture is on its way, there is time to make ready for the next one.
                asyncio.get_running_loop().call_later(0.02, self._canvas.clear)

    def _moved(self, name, value):
        value = self.controls[name].tidy(value)
        if value != self.position[name]:
            self._show(self.position | {name: value})

    def _repr_mimebundle_(self, **_):
        data = {
            "text/plain": self.sentence,
            "image/png": base64.b64encode(self.png()).decode(),
        }
        metadata = {"image/png": {"width": self._width, "alt": self.alt}}
        if self.controls:
            if not self._view:
                from lossbook.explore.view import View

                self._view = View(self.controls, self.position, self.alt, self._width, self._moved)
                self._view.show(self._pixels, self.sentence)
            view = "application/vnd.jupyter.widget-view+json"
            data[view] = self._view.data[view]
        return data, metadata

    def __repr__(self):
        return f"{self.__name__}: {self.sentence}"


def label_line(line, text, at=None, above=True, **style):
    """Write a curve's name beside it, in its colour.

    Parameters
    ----------
    line : matplotlib.lines.Line2D
        One line that ``ax.plot`` returned.
    text : str
    at : float, optional
        Where on the x axis; without it, to the right of the line's last point.
    above : bool
        Above the line at that place, or below it.
    **style
        Passed on to ``ax.annotate``.

    Examples
    --------
    >>> @explore(alt="A straight line")
    ... def straight(ax):
    ...     (line,) = ax.plot([0, 1], [0, 2])
    ...     label_line(line, "2x", at=0.5)
    ...     return "The line rises by 2."
    """
    import numpy
    from matplotlib.patheffects import withStroke

    x, y = map(numpy.asarray, line.get_data())
    if at is None:
        point, shift, place = (x[-1], y[-1]), (6, 0), {"ha": "left", "va": "center"}
    else:
        order = numpy.argsort(x)
        near = (at + (x.max() - x.min()) * numpy.array([-0.01, 0, 0.01])).clip(x.min(), x.max())
        before, height, after = numpy.interp(near, x[order], y[order])
        # Beside the slope, on the side where the curve does not run.
        side = "center" if before == after else "left" if (after < before) == above else "right"
        point, shift = (at, height), (0, 4 if above else -4)
        place = {"ha": side, "va": "bottom" if above else "top"}
    halo = [withStroke(linewidth=3, foreground="white")]
    look = {"color": line.get_color(), "path_effects": halo, **place, **style}
    return line.axes.annotate(text, point, shift, textcoords="offset points", **look)


def _check_arguments(function, controls):
    """The function takes axes, and then exactly the controls."""
    arguments = list(inspect.signature(function).parameters.values())
    name = function.__name__
    if not arguments:
        raise TypeError(f"{name}() must take the axes to draw on as its first argument")
    takes = {argument.name for argument in arguments[1:]}
    needs = {argument.name for argument in arguments[1:] if argument.default is argument.empty}
    if extra := [control for control in controls if control not in takes]:
        raise TypeError(f"{name} takes no {extra[0]!r}; name the control after an argument")
    if missing := needs - set(controls):
        raise TypeError(f"{name} has no control for {sorted(missing)}; add one for each")
