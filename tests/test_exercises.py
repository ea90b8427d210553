"""exercises/ is what `make exercises` writes, and solutions/ is what it has to be for that."""

import copy
import dataclasses

import nbformat
import notebook_checks as checks
import pytest
from make_exercises import EXERCISES, SOLUTIONS, checked, main, mark, planned
from make_notebooks import load, normalise, remake
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lossbook.practice.catalogue import lessons
from lossbook.practice.exercise import KINDS

STORED = sorted(SOLUTIONS.glob("*.ipynb"))
FITTING = ["in_order", "no_errors", "described", "linked", "portable", "pictured"]


def headed(notebook, exercises):
    """Complain where the headings and the checks are not those of the catalogue, in its order."""
    complaints, found, names = [], [], []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## ") and " · " in cell.source:
            found.append("\n".join(cell.source.split("\n")[:2]))
        elif cell.cell_type == "code" and (check := checked(cell.source)):
            names.append(check[0])
    for number, each in enumerate(exercises, 1):
        stars = "★" * each.level + "☆" * (3 - each.level)
        wanted = f"## {number} · {each.title}\n*{each.kind} · {stars} · {each.minutes} minutes*"
        here = found[number - 1] if number <= len(found) else "nothing"
        if here != wanted:
            complaints.append(f"heading {number} is {here!r}, expected {wanted!r}")
    if len(found) > len(exercises):
        complaints.append(f"too many headings: {found[len(exercises) :]}")
    if names != (wanted := [each.name for each in exercises]):
        complaints.append(f"the checks are {names}, expected {wanted}")
    return complaints


def marked(notebook):
    """Complain where `mark` would still change something."""
    again = copy.deepcopy(notebook)
    mark(again)
    pairs = zip(notebook.cells, again.cells, strict=True)
    ids = [old.id for old, new in pairs if old != new]
    return [f"nbgrader's metadata of {ids} are wrong: `make notebooks`"] if ids else []


def enough(lesson, exercises):
    """Complain where a lesson has too few exercises, of a kind or in all."""
    kinds = [each.kind for each in exercises]
    wanted = dict.fromkeys(KINDS, 1) | {"derive": 2 if lesson <= 7 else 1}
    complaints = [
        f"{kinds.count(kind)} exercises to {kind}, at least {few} expected"
        for kind, few in wanted.items()
        if kinds.count(kind) < few
    ]
    if len(kinds) < (few := 8 if lesson <= 7 else 6):
        complaints.append(f"{len(kinds)} exercises, at least {few} expected")
    return complaints


# --- what stands there -----------------------------------------------------------------------


def test_every_lesson_with_exercises_has_a_solution():
    assert [int(path.stem[:2]) for path in STORED] == sorted(lessons())


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_solution_keeps_to_the_rules(path):
    notebook, number = nbformat.read(path, as_version=4), int(path.stem[:2])
    told = [each for name in FITTING for each in getattr(checks, name)(notebook, path)]
    told += headed(notebook, lessons()[number]) + marked(notebook)
    assert told + enough(number, lessons()[number]) == []
    again = nbformat.writes(normalise(load(path))) + "\n"
    assert path.read_text(encoding="utf-8") == again, "run `make notebooks`"


def differences(plan, folder):
    """Say which files in the folder are not as planned."""
    there = set(folder.glob("*.ipynb"))
    told = [f"{path.name} is missing" for path in sorted(set(plan) - there)]
    told += [f"{path.name} has no solution" for path in sorted(there - set(plan))]
    changed = [path for path in plan if path in there and path.read_bytes() != plan[path].encode()]
    return told + [f"{path.name} differs from its solution" for path in changed]


def test_the_exercises_are_what_the_solutions_make():
    assert differences(planned(), EXERCISES) == [], "run `make exercises`"


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_an_exercise_gives_nothing_away(path):
    path = EXERCISES / path.name
    notebook = nbformat.read(path, as_version=4)
    for name in ("described", "linked", "portable"):
        assert getattr(checks, name)(notebook, path) == []
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("SOLUTION", "HIDDEN", "grade(") if word in text]
    assert all(
        not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells
    )


# --- and when it is broken -------------------------------------------------------------------

ANSWER = "def entropy(p):\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"
HEADING = "## 1 · {0.title}\n*{0.kind} · {1} · {0.minutes} minutes*\n\nDo."


def made_up(exercises):
    """A solution of these exercises: right answers it has none."""
    cells = [new_markdown_cell("# Exercises"), new_code_cell("import os")]
    for number, each in enumerate(exercises, 1):
        stars = "★★★☆☆"[3 - each.level :][:3]
        heading = HEADING.format(each, stars).replace("## 1", f"## {number}")
        check = f'print()\ncheck(\n    "{each.name}",\n    entropy,\n)'
        cells += [new_markdown_cell(heading), new_code_cell(ANSWER), new_code_cell(check)]
    return new_notebook(cells=[*cells, new_markdown_cell("## Done"), new_code_cell("status(2)")])


@pytest.fixture
def two():
    """Two exercises, and a solution of them, marked."""
    exercises = lessons()[2][:2]
    notebook = made_up(exercises)
    mark(notebook)
    return exercises, notebook


def test_a_good_solution_draws_no_complaint(two):
    exercises, notebook = two
    assert headed(notebook, exercises) == []
    assert marked(notebook) == []
    answer, test = notebook.cells[3:5]
    first = exercises[0]
    same = {"task": False, "schema_version": 3, "cell_type": "code"}
    expected = {"grade": False, "solution": True, "locked": False, "grade_id": first.name}
    assert answer.metadata.nbgrader == expected | same
    expected = {"grade": True, "solution": False, "locked": True, "grade_id": f"check_{first.name}"}
    assert test.metadata.nbgrader == expected | same | {"points": first.level}
    call = f'(\n    "{first.name}",\n    entropy,\n)'
    hidden = f"from lossbook.practice import grade\n\ngrade{call}\n### END HIDDEN TESTS"
    assert test.source == f"### BEGIN HIDDEN TESTS\n{hidden}\ncheck{call}"


def spoil(name, notebook):
    heading, answer, test = notebook.cells[2:5]
    if name == "a heading lost":
        notebook.cells.remove(heading)
    elif name == "another title":
        heading.source = heading.source.replace("1 · ", "1 · The ")
    elif name == "more minutes":
        heading.source = heading.source.replace(" minutes*", "0 minutes*")
    elif name == "a star more":
        heading.source = heading.source.replace("☆", "★")
    elif name == "a heading more":
        notebook.cells.append(new_markdown_cell("## 3 · More"))
    elif name == "order":
        notebook.cells[2:8] = notebook.cells[5:8] + notebook.cells[2:5]
    elif name == "twice":
        notebook.cells += copy.deepcopy([answer, test])
    elif name == "points":
        test.metadata.nbgrader.points += 1
    elif name == "unmarked":
        del answer.metadata["nbgrader"]
    elif name == "not hidden":
        test.source = test.source.split("TESTS\n")[-1]


@pytest.mark.parametrize(
    ("name", "sentence"),
    {
        "a heading lost": "heading 1 is '## 2 · ",
        "another title": "heading 1 is '## 1 · The ",
        "more minutes": "expected '## 1 · ",
        "a star more": "heading 1 is ",
        "a heading more": "too many headings: ['## 3 · More']",
        "order": "heading 1 is '## 2 · ",
        "twice": "the checks are ",
        "points": "metadata of [",
        "unmarked": "metadata of [",
        "not hidden": "metadata of [",
    }.items(),
)
def test_a_spoiled_solution_draws_its_complaint(two, name, sentence):
    exercises, notebook = two
    spoil(name, notebook)
    told = headed(notebook, exercises) + marked(notebook)
    assert told
    assert sentence in told[0]


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        ([ANSWER], "an answer without a check below it"),
        ([ANSWER, ANSWER, 'check("entropy", 1)'], "an answer without a check below it"),
        (['check("entropy", 1)'], r"a check without an answer above it: check\("),
        ([ANSWER, 'check("entropie", 1)'], "no exercise 'entropie'"),
    ],
)
def test_answers_and_checks_take_turns(spoiled, words):
    with pytest.raises(ValueError, match=words):
        mark(new_notebook(cells=[new_code_cell(source) for source in spoiled]))


def test_a_lesson_needs_enough_of_every_kind():
    (one,) = lessons()[2][:1]
    each = [dataclasses.replace(one, kind=kind) for kind in KINDS]
    assert enough(8, each) == enough(2, [*each, *each]) == []
    missing = ["1 exercises to derive, at least 2 expected", "6 exercises, at least 8 expected"]
    assert enough(7, each) == missing
    assert enough(8, [*each[:5], *each[:5]]) == ["0 exercises to use, at least 1 expected"]


@pytest.fixture
def folder(two, tmp_path, monkeypatch):
    """A course with one solution, whose exercises are made."""
    monkeypatch.setattr("make_exercises.SOLUTIONS", tmp_path / "solutions")
    monkeypatch.setattr("make_exercises.EXERCISES", tmp_path / "exercises")
    (tmp_path / "solutions").mkdir()
    nbformat.write(two[1], tmp_path / "solutions/02_made_up.ipynb")
    main()
    return tmp_path / "exercises"


def test_a_byte_more_a_file_more_and_a_file_less_are_named(folder, capsys):
    assert differences(planned(), folder) == []
    path = folder / "02_made_up.ipynb"
    path.write_bytes(path.read_bytes() + b"\n")
    (folder / "03_old.ipynb").touch()
    expected = ["03_old.ipynb has no solution", "02_made_up.ipynb differs from its solution"]
    assert differences(planned(), folder) == expected
    capsys.readouterr()
    main()
    assert capsys.readouterr().out == "03_old.ipynb: removed\n02_made_up.ipynb: stored\n"
    main()
    assert capsys.readouterr().out == ""
    assert differences(planned(), folder) == []
    path.unlink()
    assert differences(planned(), folder) == ["02_made_up.ipynb is missing"]


def test_an_exercise_has_gaps_locks_and_no_outputs(folder):
    *_, answer, test, _, _ = nbformat.read(folder / "02_made_up.ipynb", as_version=4).cells
    assert answer.source == "def entropy(p):\n    ...  # your code here"
    assert answer.metadata.get("editable", True)
    assert not answer.metadata.deletable
    assert test.source.startswith("check(")
    assert not test.metadata.editable
    assert not test.metadata.deletable


@pytest.mark.parametrize(("where", "strict"), [("solutions", "1"), ("notebooks", "0")])
def test_only_solutions_run_strictly_and_none_finds_old_progress(tmp_path, where, strict):
    code = "import os\nfrom pathlib import Path\nplace = os.environ['LOSSBOOK_PROGRESS']\n"
    code += "print(os.environ['LOSSBOOK_STRICT'], Path(place).exists(), Path(place).name)"
    path = tmp_path / where / "02_made_up.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), path)
    assert remake(path) == "02_made_up.ipynb: stored"
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert output.text == f"{strict} False {where}_02_made_up.jsonl\n"


def test_a_solution_that_can_not_be_marked_is_left_as_it_was(tmp_path):
    path = tmp_path / "solutions" / "02_made_up.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell('check("entropy", 1)')]), path)
    before = path.read_bytes()
    assert "FAILED, left as it was\na check without an answer above it" in remake(path)
    assert path.read_bytes() == before
