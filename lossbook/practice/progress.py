"""What a reader has done so far, kept in a file of its own.

One line is added for each check and each hint, in one write, so that neither a crash nor two
notebooks at a time can lose what was there before. The file is `progress.jsonl` in `exercises/`
(the environment variable LOSSBOOK_PROGRESS names another): to start anew, delete it.
"""

import html
import json
import os
from contextlib import suppress
from pathlib import Path

from lossbook.practice.catalogue import lessons
from lossbook.practice.feedback import LEFT


def place() -> Path:
    if named := os.environ.get("LOSSBOOK_PROGRESS"):
        return Path(named)
    folder = Path(__file__).resolve().parents[2] / "exercises"
    return (folder if folder.is_dir() else Path.home() / ".lossbook") / "progress.jsonl"


def record(**what) -> str:
    """Add a line to the file; return "", or the sentence that says why it can't be written."""
    path = place()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A line that was cut off by a crash ends here, and not in the middle of the next one.
        cut = path.is_file() and path.stat().st_size and path.read_bytes()[-1:] != b"\n"
        with open(path, "ab", buffering=0) as file:
            file.write(b"\n" * bool(cut) + json.dumps(what).encode() + b"\n")
    except OSError as error:
        return f"your progress is not kept: {path.name} can't be written ({error.strerror})"
    return ""


def read() -> list[dict]:
    """All lines that can be read, the oldest first."""
    try:
        text = place().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = []
    for line in text.splitlines():
        with suppress(ValueError):
            lines.append(json.loads(line))
    return [line for line in lines if isinstance(line, dict) and "exercise" in line]


def hints_given(name) -> int:
    return max((line.get("hint", 0) for line in read() if line["exercise"] == name), default=0)


def status(lesson=None) -> "Status":
    """Show what is solved, lesson by lesson.

    Parameters
    ----------
    lesson : int, optional
        Only this lesson, with each of its exercises.

    Raises
    ------
    ValueError
        For a lesson without exercises.
    """
    chosen = lessons()
    if lesson is not None:
        if lesson not in chosen:
            numbers = ", ".join(map(str, chosen))
            raise ValueError(f"lesson {lesson} has no exercises; the lessons that have: {numbers}")
        chosen = {lesson: chosen[lesson]}
    lines = read()
    solved = {line["exercise"] for line in lines if line.get("outcome") == "correct"}
    tried = {line["exercise"] for line in lines if line.get("outcome") in ("wrong", "raised")}
    return Status(chosen, solved, tried - solved, details=lesson is not None)


class Status:
    """What is solved, tried and still to do; shows itself as a table.

    Attributes
    ----------
    solved, tried : set of str
        Names of exercises; what is solved is not among the tried.
    """

    def __init__(self, chosen, solved, tried, details):
        self.lessons, self.solved, self.tried, self.details = chosen, solved, tried, details

    def mark(self, exercise) -> str:
        return "✓" if exercise.name in self.solved else "✗" if exercise.name in self.tried else "·"

    def rows(self) -> list[tuple[str, str, str]]:
        if self.details:
            (exercises,) = self.lessons.values()
            words = {"✓": "solved", "✗": "tried", "·": "to do"}
            return [(e.title, f"{self.mark(e)} {words[self.mark(e)]}", "") for e in exercises]
        rows = []
        for number, exercises in self.lessons.items():
            marks = [self.mark(exercise) for exercise in exercises]
            of = f"{marks.count('✓')} of {len(marks)}"
            rows.append((f"lesson {number:02}", of, "".join(sorted(marks, key="✓✗·".index))))
        return rows

    @property
    def summary(self) -> str:
        exercises = [exercise for each in self.lessons.values() for exercise in each]
        done = sum(exercise.name in self.solved for exercise in exercises)
        left = sum(e.minutes for e in exercises if e.name not in self.solved)
        text = f"{done} of {len(exercises)} exercises solved"
        return text + (f", about {left} minutes to go." if left else ": all of them.")

    def __repr__(self) -> str:
        rows = self.rows()
        first, second = (max(len(row[i]) for row in rows) for i in (0, 1))
        lines = [f"  {a:<{first}}  {b:<{second}}  {c}".rstrip() for a, b, c in rows]
        return "\n".join([self.summary, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="{LEFT}">{html.escape(a)}</th><td style="{LEFT}">{b}</td>'
            f'<td style="{LEFT}; font-family: monospace" aria-hidden="true">{c}</td></tr>'
            for a, b, c in self.rows()
        )
        return f"<p><b>{self.summary}</b></p><table>{rows}</table>"
