"""Refuse figures that would mislead: numbers that are none, in curves and in words."""

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection, QuadMesh
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text


def check_artists(artists):
    """Refuse NaN and infinity in what is drawn.

    matplotlib leaves such points out in silence, and a reader takes the gap for a fact.

    Parameters
    ----------
    artists : iterable of matplotlib.artist.Artist

    Raises
    ------
    ValueError
        With the kind of the artist and its label.
    """
    for artist in artists:
        for data in _numbers(artist):
            # A mask is a gap on purpose; but matplotlib masks NaN itself, so look below it.
            data = np.ma.getdata(data)
            if data.dtype.kind in "fiu" and not np.isfinite(data).all():
                label = str(artist.get_label())
                name = type(artist).__name__ + ("" if label.startswith("_") else f" {label!r}")
                raise ValueError(
                    f"NaN or infinity in a {name} drawn; leave those points out or mask them "
                    "(numpy.ma.array with finite numbers under the mask)"
                )
        if isinstance(artist, Text):
            check_words(artist.get_text())
        elif isinstance(artist, Axis):
            check_words(artist.get_label_text())
        elif isinstance(artist, Axes):  # an inset
            check_artists(artist.get_children())


def check_words(text):
    """Refuse a text that has nan, inf or minus zero among its words.

    Raises
    ------
    ValueError
    """
    if found := re.search(r"\b(nan|inf)\b|[-−]0(\.0*)?(?![\d.]*\d)", text, re.IGNORECASE):
        raise ValueError(f"{found[0]!r} in the text {text!r}; say what it means, or write ∞")


def _numbers(artist):
    """The arrays that an artist draws."""
    match artist:
        case Line2D():
            yield from (np.ma.compressed(data) for data in artist.get_data(orig=True))
        case AxesImage():
            yield artist.get_array()
        case Collection():
            yield artist.get_offsets()
            yield np.zeros(0) if artist.get_array() is None else artist.get_array()
            if not isinstance(artist, QuadMesh):
                yield from (path.vertices for path in artist.get_paths())
        case Annotation():
            yield np.asarray([artist.xy, artist.xyann])
        case Text():
            yield np.asarray(artist.get_position())
        case Patch():
            yield artist.get_patch_transform().get_matrix()
            yield artist.get_path().vertices
