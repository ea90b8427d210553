"""The lessons keep to what `notebook_checks` asks, and bad notebooks do not get through."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import notebook_checks as checks
import pytest
from make_notebooks import load, normalise, remake
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
OPENING = """# 01 A made-up lesson

After 50 minutes you will be able to say yes.

**Know first:** nothing. See [the recap](#The-recap)."""
EXPLORER = """from lossbook.explore import explore, slider

@explore(p=slider(0.0, 1.0, start=0.5, label="p"), alt="A line from 0 to p")
def line(ax, p):
    ax.plot([0, p], [0, 1])
    return f"The line ends at {p:.1f}."

line"""


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_to_the_rules(path):
    assert checks.complaints(nbformat.read(path, as_version=4), path) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_stored_in_normal_form(path):
    stored = path.read_text(encoding="utf-8")
    again = normalise(load(path))
    assert stored == nbformat.writes(again) + "\n", "run `make notebooks`"


# --- every rule is broken once, in a made-up lesson ------------------------------------------


def code(source, *outputs, count=1, tags=(), **more):
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata=metadata, **more
    )


def result(count=1, metadata=None, **data):
    data = {kind.replace("_", "/"): text for kind, text in data.items()}
    return new_output("execute_result", data, execution_count=count, metadata=metadata or {})


def stream(text, name="stdout"):
    return new_output("stream", text=text, name=name)


def lesson():
    """A lesson that keeps to every rule."""
    headings = [new_markdown_cell(f"## {name}") for name in checks.FRAME]
    cells = [
        new_markdown_cell(OPENING),
        *headings,
        new_markdown_cell("### The recap\n\n![A dot](dot.png) in $a[1](x) = 2$"),
        new_markdown_cell(f"An example, which is not run:\n```python\n{EXPLORER}\n```"),
        code("print(1)", stream("1\n")),
        code("line", result(2, {"image/png": {"alt": "a line"}}, image_png="iVBO"), count=2),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dot.png").write_bytes(b"")
    return tmp_path


def test_a_good_lesson_draws_no_complaint(folder):
    assert checks.complaints(lesson(), folder / "01_good.ipynb") == []


def spoil(name):
    """The made-up lesson with one thing wrong."""
    notebook = lesson()
    first, printed, drawn = notebook.cells[0], notebook.cells[-2], notebook.cells[-1]
    text = notebook.cells[-4]
    if name == "unrun":
        printed.execution_count = None
    elif name == "out of order":
        printed.execution_count, drawn.execution_count = 2, 1
    elif name == "empty cell":
        printed.source = ""
    elif name == "error":
        printed.outputs = [new_output("error", ename="E", evalue="no", traceback=[])]
    elif name == "stderr":
        printed.outputs = [stream("a warning", "stderr")]
    elif name == "no title":
        first.source = first.source.replace("# 01", "01")
    elif name == "no minutes":
        first.source = first.source.replace("minutes", "hours")
    elif name == "nothing to know":
        first.source = first.source.replace("Know first", "And")
    elif name == "heading lost":
        del notebook.cells[3]
    elif name == "headings swapped":
        notebook.cells[2:4] = notebook.cells[3:1:-1]
    elif name == "no alt":
        drawn.outputs[0].metadata = {}
    elif name == "no alt in markdown":
        text.source = text.source.replace("A dot", "")
    elif name == "no alt in html":
        text.source += "\n\n<img src='dot.png'>"
    elif name == "broken link":
        text.source += "\n\n[next](02_entropy.ipynb)"
    elif name == "broken anchor":
        text.source += "\n\n[up](#Nowhere)"
    elif name == "anchor beyond ASCII":
        text.source += "\n\n### The label −1\n\n[up](#The-label-−1)"
    elif name == "absolute link":
        text.source += "\n\n[there](/etc/hosts)"
    elif name == "machine path":
        printed.outputs = [stream("/home/ada/lossbook")]
    elif name == "address":
        printed.outputs = [result(text_plain="<object at 0x7f12ab34cd56>")]
    elif name == "script":
        printed.outputs = [result(text_html="<script>1</script>")]
    elif name == "style":
        printed.outputs = [result(text_html="<style>p {}</style>")]
    elif name == "widget state":
        notebook.metadata["widgets"] = {"state": {}}
    elif name == "widget without picture":
        printed.outputs = [new_output("display_data", {checks.WIDGET: {"model_id": "1"}})]
    elif name == "explorer without picture":
        printed.source = EXPLORER.removesuffix("\n\nline").replace("def line", "def curve")
    return notebook


@pytest.mark.parametrize(
    ("name", "sentence"),
    {
        "unrun": "has number None, expected 1",
        "out of order": "has number 2, expected 1",
        "empty cell": "is empty",
        "error": "stores an error: E: no",
        "stderr": "stores words on stderr: a warning",
        "no title": "lacks a title",
        "no minutes": "lacks the minutes",
        "nothing to know": "lacks what to know first",
        "heading lost": "the headings `##` are",
        "headings swapped": "the headings `##` are",
        "no alt": "a picture without alt text",
        "no alt in markdown": "image dot.png without alt text",
        "no alt in html": "<img src='dot.png'> without alt text",
        "broken link": "02_entropy.ipynb leads to no file",
        "broken anchor": "#Nowhere leads to no heading",
        "anchor beyond ASCII": "leads to a heading beyond ASCII",
        "absolute link": "/etc/hosts is absolute",
        "machine path": "a path of one machine: /home/a",
        "address": "a memory address: 0x7f12ab34cd56",
        "script": "a script or style element: <script",
        "style": "a script or style element: <style",
        "widget state": "hold widget state",
        "widget without picture": "a widget without a picture",
        "explorer without picture": "the explorer curve stores no picture",
    }.items(),
)
def test_a_spoiled_lesson_draws_its_complaint(folder, name, sentence):
    complaints = checks.complaints(spoil(name), folder / "01_bad.ipynb")
    assert complaints
    assert all(sentence in complaint for complaint in complaints[:1])


# --- what only shows when a notebook runs ----------------------------------------------------

REPORT = """from lossbook.verify import identity, distributions
{name} = identity("made up", lambda p: p, lambda p: {factor} * p, p=distributions())"""
WRONG = """from lossbook.derive import derivation, distribution, log

@derivation(p=distribution)
def lost_sign(p, classes):
    yield -sum(p[i] * log(p[i]) for i in classes), "the definition"
    yield sum(p[i] * log(p[i]) for i in classes), "a sign is lost"
"""
WRONG_ANSWER = "from lossbook.practice import check\ncheck('entropy', lambda p: p)"
RAISING = EXPLORER.replace("line", "raising").replace("return", "assert p < 0.9, 'far'\n    return")
# Notebooks, and what of them must fail, with which words. Cells share a kernel: kernels cost time.
RUN = {
    "outputs": [code("1 / 0"), code("print(1 + 1)", stream("3\n")), code("print(1)")],
    "promises": [
        code("%%capture\n" + RAISING),
        code("%%capture\n" + WRONG),
        code(REPORT.format(name="false", factor=2)),
        code(REPORT.format(name="tagged", factor=1), tags=["wrong-on-purpose"]),
        code(REPORT.format(name="_unnamed", factor=2) + "\n_unnamed"),
        # These two are as they should be.
        code(REPORT.format(name="meant", factor=2), tags=["wrong-on-purpose"]),
        code("%%capture\n" + EXPLORER),
    ],
    "solutions/strict": [code(WRONG_ANSWER)],
    # An exercise has not been run, nor solved, and that is as it should be.
    "exercises/unsolved": [
        code(WRONG_ANSWER, count=None),
        code(REPORT.format(name="false", factor=2), count=None),
    ],
}
FAILS = [
    ("outputs::Cell 0", "ZeroDivisionError"),
    ("outputs::Cell 1", "Cell outputs differ"),
    ("outputs::Cell 2", "Unexpected output fields"),
    ("promises::promises", r"(?m)^raising: AssertionError: .*p=1.0.* far"),
    ("promises::promises", r"(?m)^lost_sign: \w+: "),
    ("promises::promises", r"(?m)^false: \w+: "),
    ("promises::promises", r"(?m)^tagged: .* is tagged wrong-on-purpose, and holds"),
    ("promises::promises", r"(?m)^`_unnamed`: \w+: "),
    # It shows a table that is not stored.
    ("promises::Cell 4", "Unexpected output fields"),
    ("strict::Cell 0", "(?s)AssertionError.*✗ Entropy: not right yet"),
]


@pytest.fixture(scope="module")
def verdict(tmp_path_factory):
    """What nbval says of the notebooks above, in one run: the words of each test that failed."""
    folder = tmp_path_factory.mktemp("bad_notebooks")
    for name, cells in RUN.items():
        (folder / name).parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-q"]
    command += ["-p", "notebook_plugin", "-p", "no:cacheprovider", "--color=no"]
    run = subprocess.run(
        [*command, "--junitxml=report.xml", str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_ADDOPTS": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    verdict = {}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        notebook = re.search(r"(\w+)[.]ipynb", case.get("classname") + case.get("name"))[1]
        for failure in case.iter("failure"):
            verdict[f"{notebook}::{case.get('name')}"] = failure.text
    return verdict


@pytest.mark.parametrize(("name", "words"), FAILS)
def test_a_bad_notebook_fails(verdict, name, words):
    assert re.search(words, verdict.get(name, "passed"))


def test_nothing_else_fails(verdict):
    assert set(verdict) == {name for name, _ in FAILS}
    said = set(re.findall(r"^(\S+): \w*Error", verdict["promises::promises"], re.MULTILINE))
    assert said == {"raising", "lost_sign", "false", "tagged", "`_unnamed`"}


def test_a_second_run_changes_nothing(tmp_path):
    cells = [
        code("print(1); print(2, end='')", count=7),
        code("{'a': 1}", count=None),
        code("import sys", count=2),
    ]
    path = tmp_path / "11_made_up.ipynb"
    made_up = new_notebook(cells=cells, metadata={"widgets": {"state": 1}})
    cells[0].id = cells[1].id = "same"
    del cells[2]["id"]
    path.write_text(json.dumps(made_up), encoding="utf-8")
    assert remake(path) == "11_made_up.ipynb: stored"
    first = path.read_bytes()
    assert remake(path) == "11_made_up.ipynb: unchanged"
    assert path.read_bytes() == first
    notebook = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert len({cell.id for cell in notebook.cells}) == 3
    assert "widgets" not in notebook.metadata


def test_a_notebook_that_fails_is_left_as_it_was(tmp_path):
    path = tmp_path / "11_made_up.ipynb"
    nbformat.write(new_notebook(cells=[code("1 / 0")]), path)
    before = path.read_bytes()
    assert remake(path).startswith("11_made_up.ipynb: FAILED")
    assert path.read_bytes() == before


def test_normal_outputs_hold_no_widget_and_one_stream_of_each_name():
    both = {checks.WIDGET: {"model_id": "1"}, "image/png": "iVBO"}
    outputs = [
        stream("a\n"),
        new_output("display_data", {checks.WIDGET: {"model_id": "2"}}),
        new_output("display_data", both),
        stream("b\n"),
    ]
    notebook = normalise(new_notebook(cells=[code("draw()", *outputs)]))
    told, drawn = notebook.cells[0].outputs
    assert told.text == "a\nb\n"
    assert drawn.data == {"image/png": "iVBO"}
