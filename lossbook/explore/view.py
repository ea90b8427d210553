"""What a notebook shows of an explorer: its controls, its picture and its words."""

import html

import ipywidgets
from traitlets import Unicode

from lossbook.explore.figures import png


class Picture(ipywidgets.Image):
    """An image with a name for those who cannot see it.

    The front end gives a widget's tooltip to the page as the element's name, but asks for a
    description first, and an image widget has none of its own.
    """

    description = Unicode().tag(sync=True)


class View:
    """Widgets that stay in their place while their contents change.

    Parameters
    ----------
    controls : dict of Control
    position : dict
        The value of each control.
    alt : str
    width : int
        Of the picture, in displayed pixels.
    moved : callable
        Gets the name of a control and its new value when the reader has moved it.
    """

    def __init__(self, controls, position, alt, width, moved):
        labels = {name: control.label or name for name, control in controls.items()}
        style = {"description_width": f"{max(map(len, labels.values())) + 1}ch"}
        self._widgets = {
            name: control.widget(
                value=position[name],
                description=labels[name],
                style=style.copy(),
                layout={"width": "auto", "max_width": f"{width}px"},
            )
            for name, control in controls.items()
        }
        for name, widget in self._widgets.items():
            widget.observe(lambda change, name=name: moved(name, change["new"]), "value")
        self._image = Picture(format="png", width=width, tooltip=alt)
        self._words = ipywidgets.HTML(layout={"max_width": f"{width}px"})
        self._box = ipywidgets.VBox([*self._widgets.values(), self._image, self._words])
        self.data = self._box._repr_mimebundle_()

    def show(self, pixels, sentence):
        """Put a picture and its words in the place of the last ones."""
        self._image.value = png(pixels)
        self._words.value = self._paragraph(sentence)

    def move(self, position):
        """Set the controls to a position."""
        for name, value in position.items():
            self._widgets[name].value = value

    def alarm(self, error):
        """Say under the last picture that the next one could not be drawn."""
        text = f"{type(error).__name__}: {error}. The picture is the last one that could be drawn."
        mark = "border-left: 4px solid var(--jp-error-color1, #d00000); padding-left: 8px"
        self._words.value = self._paragraph(text, mark)

    def _paragraph(self, text, style=""):
        colour = "color: var(--jp-content-font-color1, inherit)"
        size = "font-size: var(--jp-content-font-size1, inherit); line-height: 1.5"
        return f'<div style="{colour}; {size}; {style}">{html.escape(text)}</div>'
