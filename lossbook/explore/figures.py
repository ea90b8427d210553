"""Draw a figure again and again, fast: where the pictures of an explorer come from.

Most of the time of a matplotlib figure goes into its frame: ticks, their labels, grid, axis labels
and title. A `Canvas` keeps the frame as a picture and draws only the curves on top of it, for as
long as nothing has changed the frame. The drawing function need not know: it draws everything on
cleared axes each time, and the picture is the same as if everything had been drawn.

The figures belong to no window and to no `pyplot` state, so none of them leaks.
"""

import functools
import io
import struct
import types
import zlib
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import CallbackRegistry
from matplotlib.figure import Figure, FigureBase
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import BboxBase, Transform, TransformNode
from PIL import Image

from lossbook.explore.checks import check_artists

PIXELS_PER_INCH = 100  # as displayed; nearly the 96 of a web page
DENSITY = 2  # picture points per displayed pixel, for sharp text on fine screens


@functools.cache
def _style():
    """The style sheet on top of matplotlib's own defaults, whatever the reader's settings."""
    path = Path(__file__).parents[1] / "lossbook.mplstyle"
    parameters = matplotlib.rc_params_from_file(path, use_default_template=True)
    return {name: value for name, value in parameters.items() if not name.startswith("backend")}


class Canvas:
    """Axes of a fixed size, for a function that draws on them.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of axes.
    size : tuple of float
        Width and height in inches; an inch is shown as 100 pixels.

    Attributes
    ----------
    frames : int
        How many times the frame had to be drawn.
    """

    def __init__(self, shape, size):
        with matplotlib.rc_context(_style()):
            self.figure = Figure(size, dpi=PIXELS_PER_INCH * DENSITY, layout="constrained")
            self._agg = FigureCanvasAgg(self.figure)
            self._axes = self.figure.subplots(*shape, squeeze=False)
        self._argument = self._axes[0, 0] if shape == (1, 1) else self._axes.squeeze()
        self._frame_state = self._frame_picture = None
        self._is_clear = False
        self.frames = 0

    def draw(self, function, fresh=False):
        """Call ``function(ax)`` on cleared axes and make the picture.

        Parameters
        ----------
        function : callable
            Draws on the axes (or array of axes) it gets.
        fresh : bool
            Draw the frame too, even where nothing has changed it.

        Returns
        -------
        pixels : numpy.ndarray
            Shape (height, width, 4), uint8: red, green, blue, opacity.
        result
            What the function returned.
        """
        figure = self.figure
        self.clear()
        self._is_clear = False
        with matplotlib.rc_context(_style()):
            frame = self._parts()
            result = function(self._argument)
            if extra := figure.axes[self._axes.size :]:
                raise ValueError(
                    f"the function added {len(extra)} axes to the figure; ask for them with axes=… "
                    "(a colour bar: cax=axes[1], or cax=ax.inset_axes(…))"
                )
            check_artists(self._parts())
            if self.frames == 0:
                # Laid out once, at the start position: axes that move under the hand distract.
                figure.draw_without_rendering()
                figure.set_layout_engine("none")
            self._render(frame, fresh)
        return np.array(self._agg.buffer_rgba()), result

    def clear(self):
        """Empty the axes, unless they are empty. Done ahead of time, it makes `draw` faster."""
        if not self._is_clear:
            with matplotlib.rc_context(_style()):
                for artist in self.figure.get_children():
                    if artist is not self.figure.patch and artist not in self._axes:
                        artist.remove()
                for ax in self._axes.flat:
                    ax.clear()
            self._is_clear = True

    def _parts(self):
        axes = self._axes.flat
        parts = [part for part in self.figure.get_children() if part not in self._axes]
        return parts + [part for ax in axes for part in ax.get_children()]

    def _render(self, frame, fresh):
        state = []
        for ax in self._axes.flat:
            ax.get_xlim(), ax.get_ylim()  # settles the limits that follow the data
            ax.apply_aspect()
            state += [_state(ax.viewLim), _state(ax.bbox), ax.axison, ax.get_axisbelow()]
        state += [_state(part) for part in frame]
        content = [part for part in self._parts() if part not in frame and part.get_visible()]
        if fresh or state != self._frame_state:
            for artist in content:
                artist.set_visible(False)
            self._agg.draw()
            for artist in content:
                artist.set_visible(True)
            self._frame_picture = self._agg.copy_from_bbox(self.figure.bbox)
            self._frame_state = state
            self.frames += 1
        else:
            self._agg.restore_region(self._frame_picture)
        renderer = self._agg.get_renderer()
        for artist in sorted(content, key=Artist.get_zorder):
            artist.draw(renderer)

    def overhang(self):
        """How many displayed pixels of the last drawing lie beyond the picture's edge."""
        box = self.figure.get_tightbbox(self._agg.get_renderer())  # in inches
        width, height = self.figure.get_size_inches()
        inches = max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)
        return max(0, round(inches * PIXELS_PER_INCH))


# What belongs to an artist without showing in the picture.
_INVISIBLE = {
    "axes",
    "axis",
    "_axes",
    "_parent_figure",
    "figure",
    "_stale",
    "_gid",
    "_remove_method",
    "_counter",  # the number that the next category would get
}


# A list with one tick in it is the pattern for the ticks to come, and nobody has touched it.
_TICKS = {"majorTicks", "minorTicks"}


def _state(value, seen=()):
    """Everything about a part of the frame that can show, in a form that `==` compares.

    What it does not know, it returns as it is, so that a new object counts as a change: the frame
    is then drawn once too often, never once too seldom.
    """
    if isinstance(value, str | int | float | types.NoneType):
        return value
    if id(value) in seen:
        return "seen"
    seen = (*seen, id(value))
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes() if value.dtype != object else value.tolist()
    if isinstance(value, dict):
        return [
            (key, _state(item, seen))
            for key, item in value.items()
            if key not in _INVISIBLE and not (key in _TICKS and len(item) == 1)
        ]
    if isinstance(value, list | tuple):
        return [_state(item, seen) for item in value]
    if isinstance(value, BboxBase):
        return value.get_points().tobytes()
    if isinstance(value, Transform):
        return value.get_affine().get_matrix().tobytes()
    if isinstance(value, FigureBase | Axes | CallbackRegistry | TransformNode):
        return None
    if isinstance(value, types.MethodType):
        return value.__func__, _state(value.__self__, seen)
    if isinstance(value, functools.partial):  # tick labels that were given as texts
        return _state([value.func, value.args, value.keywords], seen)
    if type(value).__module__.startswith("matplotlib") and hasattr(value, "__dict__"):
        return type(value), _state(vars(value), seen)
    return value


def png(pixels):
    """A PNG, made quickly rather than small: for pictures that live as long as a key is held.

    Parameters
    ----------
    pixels : numpy.ndarray
        Shape (height, width, 4), uint8, opaque.

    Returns
    -------
    bytes

    Examples
    --------
    >>> png(np.full((4, 4, 4), 255, dtype=np.uint8))[:4]
    b'\\x89PNG'
    """
    height, width, _ = pixels.shape
    rgb = Image.fromarray(pixels).tobytes("raw", "RGB")
    rgb = np.frombuffer(rgb, dtype=np.uint8).reshape(height, -1)
    rows = np.empty((height, 1 + rgb.shape[1]), dtype=np.uint8)
    rows[:, 0] = 2  # filter type "up": each row is written as its difference from the one above
    rows[0, 1:] = rgb[0]
    np.subtract(rgb[1:], rgb[:-1], out=rows[1:, 1:])
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    data = packer.compress(rows) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def picture(pixels, caption=""):
    """A PNG, made small rather than quickly, with words under it: for stored notebooks.

    Parameters
    ----------
    pixels : numpy.ndarray
        Shape (height, width, 4), uint8.
    caption : str
        Broken into lines of the picture's width.

    Returns
    -------
    bytes
    """
    if caption:
        pixels = np.concatenate([pixels, _caption(caption, pixels.shape[1])])
    file = io.BytesIO()
    image = (
        Image.fromarray(pixels).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=0)
    )
    image.save(file, "png", optimize=True)
    return file.getvalue()


def _caption(text, width):
    """Pixels of a text under a picture, broken into lines of its width."""
    dpi = PIXELS_PER_INCH * DENSITY
    margin = dpi // 8
    with matplotlib.rc_context(_style()):
        figure = Figure((width / dpi, 1), dpi=dpi)
        agg = FigureCanvasAgg(figure)
        measure = functools.partial(
            agg.get_renderer().get_text_width_height_descent, prop=FontProperties(), ismath=False
        )
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            fits = measure(longer)[0] <= width - 2 * margin
            lines = [*lines[:-1], longer] if fits else [*lines, word]
        height = dpi // 4
        figure.set_size_inches(width / dpi, (margin + len(lines) * height) / dpi)
        for row, line in enumerate(reversed(lines)):
            place = margin / width, (margin + row * height) / (margin + len(lines) * height)
            figure.text(*place, line, va="bottom", parse_math=False)
        agg.draw()
        return np.array(agg.buffer_rgba())
