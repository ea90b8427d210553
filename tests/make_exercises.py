"""Writes exercises/ from solutions/ with nbgrader: `make exercises`.

A solution is written as plain cells: an answer between `### BEGIN SOLUTION` and `### END SOLUTION`
(where an exercise has `STUB`), and below it a cell that ends with `check("name", answer)`. Then

    make notebooks ARGS=solutions/02_entropy.ipynb

gives both cells what nbgrader wants (see `mark`), runs the notebook strictly and stores it, and
`make exercises` writes exercises/02_entropy.ipynb. A test fails where the two do not agree.
"""

import ast

import nbformat
from make_notebooks import ROOT, load, normalise

SOLUTIONS, EXERCISES = ROOT / "solutions", ROOT / "exercises"
STUB = "...  # your code here"
BEGIN = "### BEGIN SOLUTION"
HIDDEN = """### BEGIN HIDDEN TESTS
from lossbook.practice import grade

{grade}
### END HIDDEN TESTS
{check}"""
KEPT = ("tags", "nbgrader", "deletable", "editable")


def checked(source):
    """Return the name of the exercise that a cell checks, and the call; None for other cells."""
    if "check(" not in source:
        return None
    last = ast.parse(source).body[-1]
    call = getattr(last, "value", None)
    if isinstance(call, ast.Call) and ast.unparse(call.func) == "check":
        return ast.literal_eval(call.args[0]), ast.get_source_segment(source, call)
    return None


def mark(notebook):
    """Give the cells of a solution, in place, the metadata and the hidden test that they need.

    ValueError if answers and checks do not take turns, or no exercise has the name.
    """
    from lossbook.practice.catalogue import find

    answer = None
    for cell in [*notebook.cells, None]:
        if answer and (cell is None or BEGIN in cell.source):
            raise ValueError(f"an answer without a check below it:\n{answer.source}")
        if cell is None or cell.cell_type != "code":
            continue
        cell.metadata.pop("nbgrader", None)
        if BEGIN in cell.source:
            answer = cell
        elif found := checked(cell.source):
            name, call = found
            if answer is None:
                raise ValueError(f"a check without an answer above it: {call}")
            cell.source = HIDDEN.format(grade=f"grade{call.removeprefix('check')}", check=call)
            answer.metadata["nbgrader"] = nbgrader(grade=False, grade_id=name)
            more = {"grade_id": f"check_{name}", "points": find(name).level}
            cell.metadata["nbgrader"] = nbgrader(grade=True, **more)
            answer = None


def nbgrader(grade, **more):
    """Nbgrader's metadata of a test cell (`grade`) or of an answer."""
    more |= {"grade": grade, "locked": grade, "solution": not grade, "task": False}
    return nbformat.from_dict(more | {"cell_type": "code", "schema_version": 3})


def exercise(solution):
    """Return the exercise of a solution, given by its path, as nbgrader releases it to a class."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import SaveCells
    from traitlets.config import Config

    config = Config(ClearSolutions={"code_stub": {"python": STUB}})
    notebook, resources = normalise(load(solution)), {}
    for step in GenerateAssignment().preprocessors:
        if step is not SaveCells:
            notebook, resources = step(config=config).preprocess(notebook, resources)
    return nbformat.writes(normalise(notebook, KEPT)) + "\n"


def planned():
    """All exercises that should be there: their paths, and the texts."""
    return {EXERCISES / path.name: exercise(path) for path in sorted(SOLUTIONS.glob("*.ipynb"))}


def main():
    """Write what has changed and remove what has no solution, with a line for each."""
    plan = planned()
    EXERCISES.mkdir(exist_ok=True)
    for path in set(EXERCISES.glob("*.ipynb")) - set(plan):
        path.unlink()
        print(f"{path.name}: removed")
    for path, text in plan.items():
        if not path.is_file() or path.read_bytes() != text.encode():
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.name}: stored", flush=True)


if __name__ == "__main__":
    main()
