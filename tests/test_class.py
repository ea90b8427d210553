"""A class hands in and is graded, with the five commands of solutions/README.md."""

import copy
import csv
import html
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from textwrap import dedent

import nbformat
import pytest
from make_exercises import SOLUTIONS, exercise

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the README sends Windows to WSL")

LESSON = "02_entropy"
POINTS = {"toss": 1, "entropy": 1, "perplexity": 2, "independent": 1}
README = (SOLUTIONS / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^nbgrader .*", README, re.MULTILINE)

NUMPY = """
import numpy

def entropy(p):
    p = numpy.asarray(p)
    return -(p * numpy.log(numpy.where(p > 0, p, 1))).sum(-1)"""
LOOP = """
def perplexity(p):
    if p.dim() > 1:
        return torch.stack([perplexity(row) for row in p])
    product = torch.ones((), dtype=p.dtype)
    for x in p:
        product = product * (1 if x == 0 else x**-x)
    return product"""
TWO_LINES = """
@derivation(p=distribution, q=distribution)
def independent_quantities_add(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield -sum(p[i] * q[j] * (log(p[i]) + log(q[j])) for i in classes for j in classes), "a product"
    yield (
        -sum(p[i] * log(p[i]) * sum(q[j] for j in classes) for i in classes)
        - sum(q[j] * log(q[j]) * sum(p[i] for i in classes) for j in classes)
    ), "in another order"
    yield (
        -sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)
    ), "p and q sum to 1"
"""
# What each of them has written where it is not the solution's answer (None: nothing), the points
# for it, and what the feedback says.
ANSWERS = {
    "ada": ({}, 5, "✓ Entropy: correct"),
    "ben": (
        {"toss": "toss = 2", "entropy": NUMPY, "perplexity": LOOP, "independent": TWO_LINES},
        5,
        "✓ Entropy: correct",
    ),
    "cleo": (
        {"toss": "toss = 0.5", "entropy": "def entropy(p): return -(p * p.log()).sum(-1)"},
        1,
        "mistake +0 log 0 is not 0",
    ),
    "dan": (
        {
            "toss": "toss = 'two'",
            "entropy": "def entropy(p): return torch.special.entr(p).sum()",
            "perplexity": "def perplexity(p): return 2 ** entropy(p)",
            "independent": TWO_LINES.replace("- sum", "+ sum"),
        },
        0,
        "graded with seed",
    ),
    "eve": (dict.fromkeys(POINTS), 0, "○ Entropy: not attempted yet"),
    "finn": ({"entropy": "import not_there" + NUMPY}, 2, "No module named 'not_there'"),
    "gus": (
        {"entropy": "def entropy(p):\n    while True:\n        p = p", "perplexity": LOOP},
        4,
        "endless|too long|seconds",
    ),
    "hal": ({"toss": "while True:\n    toss = 1"}, 4, "CellTimeoutError"),
    "ida": (
        {
            "check_toss": "",
            "entropy": "def entropy(p): return p\n\ngrade = check = print",
            "check_entropy": "print('all is well')",
            "perplexity": "",
            "check_perplexity": "",
        },
        1,
        "✗ Entropy: not right yet",
    ),
    "jo": ({"perplexity": "import os\n\nos._exit(1)"}, 0, None),
}


def course(folder):
    """A course of one lesson, cut down to the exercises of `POINTS`; returns its solution."""
    shutil.copytree(SOLUTIONS, folder, ignore=shutil.ignore_patterns("*.ipynb"))
    config = folder / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    assert "timeout = 60" in text
    config.write_text(text.replace("timeout = 60", "timeout = 20"), encoding="utf-8")
    solution = nbformat.read(SOLUTIONS / f"{LESSON}.ipynb", as_version=4)
    last = [grade_id(cell) for cell in solution.cells].index(f"check_{list(POINTS)[-1]}")
    del solution.cells[last + 1 :]
    nbformat.write(solution, folder / f"{LESSON}.ipynb")
    return solution


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def submission(released, solution, answers):
    """What a student hands in: the released notebook with answers."""
    notebook = copy.deepcopy(released)
    for cell, model in zip(list(notebook.cells), solution.cells, strict=True):
        name = grade_id(cell)
        source = answers.get(name, model.source if name in POINTS else cell.source)
        if source == "":
            notebook.cells.remove(cell)
        elif source is not None:
            cell.source = dedent(source).strip()
    return nbformat.writes(notebook)


def hand_in(group, solution):
    """Put the submissions where the README says, in the ways in which systems give them."""
    released = nbformat.read(group / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    archive = group / "downloaded" / LESSON / "archive"
    archive.mkdir(parents=True)
    ways = "{}_{}", "{}_4711_12_{}-1", "{}/{}_final (1)", "{}_17_assignsubmission_file/{}"
    with zipfile.ZipFile(archive / "hand_in.zip", "w") as packed:
        for number, (student, (answers, *_)) in enumerate(ANSWERS.items()):
            name = ways[number % 4].format(student, LESSON) + ".ipynb"
            text = submission(released, solution, answers)
            if number < 8:
                packed.writestr(name, text)
            else:
                (archive / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The folder of it all after the whole round, and what each command has printed."""
    folder = tmp_path_factory.mktemp("school")
    solution = course(folder / "solutions")
    environment = {name: value for name, value in os.environ.items() if name != "LOSSBOOK_CLASS"}
    environment |= {"LOSSBOOK_PROGRESS": str(folder / "progress.jsonl"), "OMP_NUM_THREADS": "1"}
    texts = {}
    for command in COMMANDS:
        name = command.split()[1]
        if name == "zip_collect":
            hand_in(folder / "class", solution)
        run = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            cwd=folder / "solutions",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        texts[name] = run.stdout
        # A dead kernel is told by the exit code, and costs nobody else the grade.
        assert run.returncode == (name == "autograde"), run.stdout
    return folder, texts


def test_it_is_five_commands(graded):
    five = ["generate_assignment", "zip_collect", "autograde", "generate_feedback", "export"]
    assert list(graded[1]) == five


def test_the_class_gets_what_everybody_gets(graded):
    folder, _ = graded
    released = nbformat.read(folder / "class/release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    made = nbformat.reads(exercise(folder / "solutions" / f"{LESSON}.ipynb"), as_version=4)
    assert released.cells == made.cells


def test_the_grades_are_what_the_answers_deserve(graded):
    with open(graded[0] / "class/grades.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {float(row["max_score"]) for row in rows} == {sum(POINTS.values())}
    scores = {row["student_id"]: float(row["score"]) for row in rows}
    assert scores == {student: points for student, (_, points, _) in ANSWERS.items()}


def test_the_feedback_says_why(graded):
    pages = {path.parts[-3]: path for path in graded[0].glob("class/feedback/*/*/*.html")}
    words = {student: says for student, (*_, says) in ANSWERS.items() if says}
    assert set(pages) == set(words)
    seeds = []
    for student, says in words.items():
        page = html.unescape(re.sub("<[^>]*>", "", pages[student].read_text(encoding="utf-8")))
        assert re.search(says, page), student
        seeds += set(re.findall(r"graded with seed (\d+)", page))
    assert len(seeds) == len(set(seeds)) > 10


def test_a_dead_kernel_is_told_at_the_end_and_nothing_usual(graded):
    last = graded[1]["autograde"].splitlines()[-5:]
    named = re.findall(r"error processing assignment '02_entropy' for student '(\w+)'", str(last))
    assert named == ["jo"]
    assert not re.search("partial credit|has changed|TCP", graded[1]["autograde"])


def test_grading_is_nobodys_progress(graded):
    assert not (graded[0] / "progress.jsonl").exists()


def test_an_input_can_be_seen_again(monkeypatch):
    (code,) = re.findall("```python\n(.*?)```", README, re.DOTALL)
    *lines, last = code.strip().splitlines()
    names = {"entropy": lambda p: p}
    exec("\n".join(lines), names)
    assert eval(last, names).outcome == "wrong"
