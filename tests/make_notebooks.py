"""Runs notebooks from fresh kernels and stores them in their normal form: `make notebooks`.

It stands in tests/ because it is the other half of them: what it writes is what nbval and
`test_notebooks.py` hold every notebook to. Without arguments it takes all of notebooks/ and
solutions/. The cells of a solution are marked for nbgrader first: see `make_exercises.py`.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebook_checks import WIDGET, variables

ROOT = Path(__file__).resolve().parent.parent
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
KEPT = ("tags", "nbgrader", "jupyter", "slideshow")


def load(path):
    """Read a notebook; cells without a valid id of their own get one made from their place.

    nbformat would give them a random one.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    taken = set()
    for position, cell in enumerate(raw["cells"]):
        mark, salt = cell.get("id", ""), 0
        while not re.fullmatch(r"[\w-]{1,64}", mark, re.ASCII) or mark in taken:
            words = f"{path.stem}/{position}/{salt}/{''.join(cell['source'])}".encode()
            mark, salt = hashlib.sha256(words).hexdigest()[:8], salt + 1
        taken.add(mark)
        cell["id"] = mark
    raw |= {"nbformat": 4, "nbformat_minor": 5}
    return nbformat.reads(json.dumps(raw), as_version=4)


def normalise(notebook, kept=KEPT):
    """Bring a notebook, in place, to the form in which a second run changes nothing.

    `kept` are the metadata that a cell may have.
    """
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in kept})
        cell.source = cell.source.rstrip("\n")
        if cell.cell_type == "code":
            cell.outputs = _normal_outputs(cell.outputs)
    return notebook


def _normal_outputs(outputs):
    """Streams merged by name, no widget views (their numbers are random, their pictures stay)."""
    kept, streams = [], {}
    for output in outputs:
        if output.output_type == "stream":
            if output.name in streams:
                streams[output.name].text += output.text
                continue
            streams[output.name] = output
        elif "data" in output:
            output.pop("transient", None)
            output.data.pop(WIDGET, None)
            output.metadata.pop(WIDGET, None)
            if not output.data:
                continue
        kept.append(output)
    return kept


def client(notebook, path):
    """Return an nbclient that runs `notebook` in a fresh kernel, in the folder of `path`."""
    return NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        # The kernel's words on its own start are none of the notebook's.
        extra_arguments=["--Application.log_level=ERROR"],
    )


def execute(path):
    """Run the notebook at `path`; return it normalised."""
    notebook = load(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if path.parent.name == "solutions":
        from make_exercises import mark

        mark(notebook)
    with tempfile.TemporaryDirectory() as folder:
        client(notebook, path).execute(env=os.environ | variables(path, folder))
    return normalise(notebook)


def remake(path):
    """Run, normalise and store one notebook; return a line that says what came of it."""
    try:
        notebook = execute(path)
    except (CellExecutionError, ValueError) as error:
        return f"{path.name}: FAILED, left as it was\n{error}"
    text = nbformat.writes(notebook) + "\n"
    if path.read_text(encoding="utf-8") == text:
        return f"{path.name}: unchanged"
    path.write_text(text, encoding="utf-8", newline="\n")
    return f"{path.name}: stored"


def main(arguments):
    """Remake the named notebooks, or all, two at a time; return the exit code."""
    paths = [Path(name).resolve() for name in arguments]
    folders = ROOT / "notebooks", ROOT / "solutions"
    paths = paths or [path for folder in folders for path in sorted(folder.glob("*.ipynb"))]
    if missing := [path.name for path in paths if not path.is_file()]:
        print(f"lossbook: no such notebook: {', '.join(missing)}", file=sys.stderr)
        return 1
    # One thread a kernel, as in the tests, so that sums come in the same order.
    os.environ.update(JUPYTER_PREFER_ENV_PATH="1", OMP_NUM_THREADS="1")
    with ThreadPoolExecutor(2) as pool:
        lines = []
        for line in pool.map(remake, paths):
            print(line, flush=True)
            lines.append(line)
    return int(any("FAILED" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
