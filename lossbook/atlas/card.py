"""Each loss on a card, and all of them in a table."""

import html
import inspect
import math
import re

import torch

from lossbook.atlas.chooser import LEFT
from lossbook.atlas.entry import ENTRIES
from lossbook.atlas.figures import picture, rounded
from lossbook.doctor.finding import LESSONS


class Card:
    """A loss on one page. The last line of a cell shows it."""

    def __init__(self, entry):
        self.entry = entry

    def rows(self):
        """Pairs of a title and HTML."""
        entry = self.entry
        options = ", ".join(f"{name}={_default(v)}" for name, v in entry.options.items())
        estimate = entry.estimate
        return [
            ("in words", marked(entry.summary)),
            ("formula", "<br>".join(dict.fromkeys(map(_formula, entry.formulas)))),
            ("slope", "<br>".join(map(_slope, entry.formulas))),
            ("class", f"<code>nn.{entry.name}({html.escape(options)})</code>"),
            (
                "function",
                f"<code>F.{entry.function}</code>" if _in_torch(entry) else "none: only the class",
            ),
            ("inputs", "<br>".join(_input(*each) for each in entry.inputs.items())),
            ("returns", _coded(entry.returns)),
            ("range of a term", f"{_bound(entry.range[0])} to {_bound(entry.range[1])}"),
            (
                "estimates",
                f"{html.escape(estimate.words)}. By these words {rounded(estimate.value)}, "
                f"by search {rounded(estimate.best())}",
            ),
            ("use it for", _coded(entry.use)),
            ("traps", "<br>".join(_trap(rule) for rule in entry.traps)),
            ("lesson", lesson(entry.lesson)),
            ("source", html.escape(entry.source)),
        ]

    def require(self):
        """Raise if a slope is not proved, or the best answer is not what the words say.

        Raises
        ------
        AssertionError
        """
        for formula in self.entry.formulas:
            assert formula.verdict == "proved", f"{self.entry.name}: {formula.derivation}"
        estimate, best = self.entry.estimate, self.entry.estimate.best()
        assert math.isclose(best, estimate.value, rel_tol=1e-4), (
            f"{self.entry.name}: the best answer is {best:.4g}, and not {estimate.words}, "
            f"{estimate.value:.4g}"
        )
        return self

    def __repr__(self):
        return f"{self.entry.name}: {self.entry.summary}."

    def _repr_html_(self):
        body = "".join(
            f'<tr><th scope="row" {LEFT}>{title.replace(" ", "&nbsp;")}</th>'
            f"<td {LEFT}>{cell}</td></tr>"
            for title, cell in self.rows()
        )
        return f"<table>{body}</table>"

    def _ipython_display_(self):
        from IPython.display import display

        data, metadata = picture(self.entry.name)
        display(data, metadata=metadata, raw=True)
        table = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        display(table, raw=True)


class Overview:
    """All losses in a table, with links to the cards, which stand in the same notebook."""

    def __repr__(self):
        return "\n".join(f"{name}: {entry.summary}" for name, entry in ENTRIES.items())

    def _repr_html_(self):
        titles = ["loss", "in words, and as a formula", "range of a term", "estimates", "lesson"]
        head = "".join(f'<th scope="col" {LEFT}>{title}</th>' for title in titles)
        body = "".join(
            f'<tr><th scope="row" {LEFT}><a href="#{name}">{name}</a></th>'
            + "".join(
                f"<td {LEFT}>{cell}</td>"
                for cell in (
                    marked(entry.summary),
                    f"{_bound(entry.range[0])} to {_bound(entry.range[1])}",
                    html.escape(entry.estimate.words.partition(" (")[0]),
                    lesson(entry.lesson, short=True),
                )
            )
            + "</tr>"
            for name, entry in ENTRIES.items()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def lesson(number, short=False):
    """A link to a lesson's notebook."""
    title = LESSONS[number]
    path = f"{number:02d}_{title.lower().replace(' ', '_').replace('-', '_')}.ipynb"
    return f'<a href="{path}">{number:02d}{"" if short else ", " + title}</a>'


def marked(text):
    """A line of a docstring as HTML: code in code, and z_y and e^−x lower and higher."""
    text = re.sub(r"\^(−?\w+)", r"<sup>\1</sup>", _coded(text))
    return re.sub(r"_(\w+)(?![^<]*</code>)", r"<sub>\1</sub>", text)


def _coded(text):
    """Words of a docstring as HTML: code in code."""
    pieces = html.escape(text, quote=False).replace("``", "`").split("`")
    pieces[1::2] = [f"<code>{code}</code>" for code in pieces[1::2]]
    return "".join(pieces)


def _in_torch(entry):
    return hasattr(torch.nn.functional, entry.function)


def _default(value):
    return "…" if value is inspect.Parameter.empty else repr(value)


def _bound(x):
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return rounded(x, 2)


def _formula(formula):
    when = f"{marked(formula.when)}: " if formula.when else ""
    parts = ", ".join(rf"$\displaystyle {part}$" for part in formula.parts)
    return f"{when}$\\displaystyle {formula.latex}$" + (f", with {parts}" if parts else "")


def _slope(formula):
    return f"$\\displaystyle {formula.slope}$ &emsp; {formula.verdict}"


def _input(name, kind_and_words):
    kind, words = kind_and_words
    return f"<code>{name}</code>, {html.escape(kind)}: {_coded(words)}"


def _trap(rule):
    return f"<code>{rule.code}</code> {html.escape(rule.mistake)}"
