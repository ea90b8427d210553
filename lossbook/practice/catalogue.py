"""Which exercises there are: `EXERCISES` of the modules `lesson_01`, `lesson_02`, ..."""

import difflib
import functools
import importlib
from pathlib import Path


@functools.cache
def lessons() -> dict:
    """The exercises by number of their lesson, in order; the modules load when first asked for."""
    numbers = sorted(int(path.stem[7:]) for path in Path(__file__).parent.glob("lesson_*.py"))
    modules = {n: importlib.import_module(f"lossbook.practice.lesson_{n:02}") for n in numbers}
    return {number: module.EXERCISES for number, module in modules.items()}


def find(name):
    """Return the exercise of this name.

    Raises
    ------
    ValueError
        If there is none.
    """
    exercises = {exercise.name: exercise for each in lessons().values() for exercise in each}
    if name in exercises:
        return exercises[name]
    near = difflib.get_close_matches(str(name), exercises, 3, 0.5)
    mend = f"did you mean {' or '.join(map(repr, near))}?" if near else "status() lists the lessons"
    raise ValueError(f"there is no exercise {name!r}; {mend}")
