"""How feedback and hints look: a short table in a notebook, lines of text elsewhere."""

import html
import re
from dataclasses import dataclass, field

MARKS = {"correct": "✓", "wrong": "✗", "raised": "✗", "not attempted": "○"}
VERDICTS = {
    "correct": "correct",
    "wrong": "not right yet",
    "raised": "your code raised an error",
    "not attempted": "not attempted yet",
}
# Seen on white and on black; the mark and the words say the same.
COLOURS = {
    "correct": "#2e8b57",
    "wrong": "#c7512f",
    "raised": "#c7512f",
    "not attempted": "#808080",
}
LEFT = "text-align: left; vertical-align: top; padding: 0.25em 0.8em"


@dataclass
class Feedback:
    """What came of a check.

    Attributes
    ----------
    exercise : Exercise
    outcome : str
        "not attempted", "wrong", "raised" or "correct".
    what : str
        What is wrong, in a word or two: "value", "shape", "dtype", "gradient", "type", ...
    mistake : str
        The name of the mistake, where it is a known one.
    rows : list of (str, str)
        Label and text of each line.
    counterexample : dict or None
        The smallest arguments on which the answer is wrong, by name.
    notes : list of str
    proof : Derivation or None
        The reader's derivation, to be shown under the lines.
    """

    exercise: object
    outcome: str
    what: str = ""
    mistake: str = ""
    rows: list = field(default_factory=list)
    counterexample: dict | None = None
    notes: list = field(default_factory=list)
    proof: object = None

    def require(self) -> "Feedback":
        """Return the feedback of a right answer; else raise AssertionError with it."""
        if self.outcome != "correct":
            raise AssertionError(str(self))
        return self

    @property
    def title(self) -> str:
        return f"{MARKS[self.outcome]} {self.exercise.title}: {VERDICTS[self.outcome]}"

    def lines(self) -> list[tuple[str, str]]:
        lines = [("mistake", self.mistake)] * bool(self.mistake) + self.rows
        lines += [("note", note) for note in self.notes]
        if self.outcome in ("wrong", "raised"):
            lines.append(("stuck?", f'`hint("{self.exercise.name}")`'))
        return lines

    def __repr__(self) -> str:
        shown = [self.title, *as_text(self.lines())]
        return "\n".join(shown + ["", repr(self.proof)] * (self.proof is not None))

    def _repr_html_(self) -> str:
        proof = self.proof._repr_html_() if self.proof is not None else ""
        return as_html(self.title, self.lines(), COLOURS[self.outcome]) + proof


@dataclass
class Hint:
    """The hints of an exercise that have been given so far."""

    exercise: object
    given: int

    @property
    def title(self) -> str:
        return f"Hint {self.given} of {len(self.exercise.hints)} for: {self.exercise.title}"

    def lines(self) -> list[tuple[str, str]]:
        return [(str(i), text) for i, text in enumerate(self.exercise.hints[: self.given], 1)]

    def __repr__(self) -> str:
        return "\n".join([self.title, *as_text(self.lines())])

    def _repr_html_(self) -> str:
        return as_html(self.title, self.lines(), "#4a7fb5")


def as_text(lines) -> list[str]:
    width = max((len(label) for label, _ in lines), default=0)
    return [f"  {label:<{width}}  {text}".rstrip() for label, text in lines]


def as_html(title, lines, colour) -> str:
    """A table with a coloured edge; text between backticks becomes code."""
    rows = "".join(
        f'<tr><th scope="row" style="{LEFT}">{html.escape(label)}</th>'
        f'<td style="{LEFT}">{code(text)}</td></tr>'
        for label, text in lines
    )
    return (
        f'<div style="border-left: 0.4em solid {colour}; padding: 0.2em 0.8em; margin: 0.5em 0">'
        f"<p><b>{html.escape(title)}</b></p>" + f"<table>{rows}</table>" * bool(rows) + "</div>"
    )


def code(text) -> str:
    text = html.escape(text).replace("\n", "<br>")
    return re.sub("`(.+?)`", r"<code>\1</code>", text)
