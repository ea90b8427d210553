"""What every notebook of the course keeps to: functions from a notebook to its complaints.

Each takes a notebook (nbformat 4) and its path and returns a list of sentences, empty where
all is well. `broken_promises` is different: it runs in the notebook's own kernel, after the
last cell, and asks what the notebook has made to keep its word.
"""

import inspect
import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt

FRAME = (
    "Predict",
    "See it",
    "Derive it",
    "Build it",
    "Verify it",
    "Use it",
    "What goes wrong",
    "Recap",
    "Exercises and sources",
)
# Start here, and the two lessons that are works of reference.
OWN_FRAME = ("00_", "11_", "12_")
FIRST_CELL = {
    "a title (`# …`)": r"^# \S",
    "what the reader will be able to do (`able to`)": r"(?i)\bable to\b",
    "the minutes (`60 minutes`)": r"\b\d+ minutes\b",
    "what to know first (`know first`)": r"(?i)\bknow first\b",
}
WIDGET = "application/vnd.jupyter.widget-view+json"
WRONG = "wrong-on-purpose"
MACHINE = r"/(?:home|Users|root|tmp|work|mnt|opt)/\w|[A-Z]:\\\\?Users|site-packages|ipykernel_\d"


def in_order(notebook, path):
    """Every code cell was run, from a fresh kernel, in order."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    complaints = [f"cell {cell.id} is empty" for cell in cells if not cell.source.strip()]
    return complaints + [
        f"cell {cell.id} has number {cell.execution_count}, expected {number}: `make notebooks`"
        for number, cell in enumerate(cells, 1)
        if cell.execution_count != number
    ]


def no_errors(notebook, path):
    """No stored output is an error, except where a cell is tagged `raises-exception`."""
    return [
        f"cell {cell.id} stores an error: {output.ename}: {output.evalue}"
        for cell, output in _outputs(notebook)
        if output.output_type == "error" and "raises-exception" not in _tags(cell)
    ] + [
        f"cell {cell.id} stores words on stderr: {output.text.strip()[:80]}"
        for cell, output in _outputs(notebook)
        if output.get("name") == "stderr"
    ]


def frame(notebook, path):
    """The first cell says what it must; a lesson's headings are those of the frame."""
    first = notebook.cells[0]
    opening = first.source if first.cell_type == "markdown" else ""
    complaints = [
        f"the first cell lacks {what}" for what, sign in FIRST_CELL.items()
        if not re.search(sign, opening)
    ]  # fmt: skip
    if not Path(path).name.startswith(OWN_FRAME):
        found = [text for level, text in _headings(notebook) if level == 2]
        fits = len(found) == len(FRAME) and all(map(str.startswith, found, FRAME))
        if not fits:
            complaints.append(f"the headings `##` are {found}, expected {list(FRAME)}")
    return complaints


def described(notebook, path):
    """Every picture has alt text, in outputs and in markdown."""
    complaints = [
        f"cell {cell.id}: a picture without alt text"
        for cell, output in _outputs(notebook)
        for kind in output.get("data", {})
        if kind.startswith("image/") and not output.metadata.get(kind, {}).get("alt", "").strip()
    ]
    for cell, token in _tokens(notebook):
        if token.type == "image" and not token.content.strip():
            complaints.append(f"cell {cell.id}: image {token.attrs['src']} without alt text")
        for tag in re.findall(r"<img\b[^>]*>", token.content if "html" in token.type else ""):
            if not re.search(r"\balt=[\"'][^\"']", tag):
                complaints.append(f"cell {cell.id}: {tag} without alt text")
    return complaints


def linked(notebook, path):
    """Every relative link leads to a file, every anchor to a heading; no link is absolute."""
    complaints = []
    for cell, target in _links(notebook):
        if re.match(r"(https?|mailto|attachment|data):", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        goal = (Path(path).parent / name).resolve() if name else Path(path)
        if re.match(r"[/\\]|\w+:", target):
            complaints.append(f"cell {cell.id}: the link {target} is absolute")
        elif name and not goal.exists():
            complaints.append(f"cell {cell.id}: the link {target} leads to no file")
        elif anchor and anchor not in _anchors(notebook if not name else goal):
            complaints.append(f"cell {cell.id}: the link {target} leads to no heading")
        elif not anchor.isascii():  # JupyterLab does not find such a heading
            complaints.append(f"cell {cell.id}: the link {target} leads to a heading beyond ASCII")
    return complaints


def portable(notebook, path):
    """Nothing of one machine or one run: no path, address, script, style or widget state."""
    complaints = ["the metadata hold widget state"] if "widgets" in notebook.metadata else []
    texts = [(cell, cell.source) for cell in notebook.cells]
    texts += [(cell, text) for cell, output in _outputs(notebook) for text in _texts(output)]
    unwanted = {
        "a path of one machine": MACHINE,
        "a memory address": r"\b0x[0-9a-fA-F]{6,}",
        "a script or style element": r"(?i)<(script|style)\b",
    }
    for cell, text in texts:
        for what, sign in unwanted.items():
            if found := re.search(sign, text):
                complaints.append(f"cell {cell.id} holds {what}: {found.group()}")
    return complaints


def pictured(notebook, path):
    """Every explorer has a static picture, for places where no kernel runs."""
    complaints = [
        f"cell {cell.id}: a widget without a picture"
        for cell, output in _outputs(notebook)
        if WIDGET in output.get("data", {}) and "image/png" not in output.data
    ]
    seen = [cell.source for cell, output in _outputs(notebook) if "image/png" in _data(output)]
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        for name in re.findall(r"@explore\b[^@]*?\ndef (\w+)", cell.source):
            if not any(re.search(rf"\b{name}\b", source) for source in seen):
                complaints.append(f"cell {cell.id}: the explorer {name} stores no picture")
    return complaints


def complaints(notebook, path):
    """Everything that the functions above have to say."""
    checks = (in_order, no_errors, frame, described, linked, portable, pictured)
    return [each for check in checks for each in check(notebook, path)]


def broken_promises(namespace, results, wrong_names, wrong_sources):
    """Sweep the explorers and ask the derivations and reports whether they hold.

    Parameters
    ----------
    namespace : dict
        The notebook's, after its last cell.
    results : list of tuple
        Source and value of each cell, whether a name keeps the value or not.
    wrong_names, wrong_sources : list of str
        What the cells tagged `wrong-on-purpose` define, and their sources: a derivation or
        report of theirs must *not* hold.

    Returns
    -------
    list of str
    """
    import warnings

    things = {name: value for name, value in namespace.items() if not name.startswith("_")}
    things |= {f"`{source.strip().splitlines()[-1]}`": value for source, value in results}
    on_purpose = {id(things[name]) for name in wrong_names if name in things}
    on_purpose |= {id(value) for source, value in results if source in wrong_sources}
    told, asked = [], set()
    for name, thing in things.items():
        ours = type(thing).__module__.partition(".")[0] == "lossbook"
        if not ours or id(thing) in asked:
            continue
        asked.add(id(thing))
        try:
            if hasattr(thing, "sweep"):
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    thing.sweep()
            elif hasattr(thing, "holds") and id(thing) in on_purpose:
                assert not thing.holds, "is tagged wrong-on-purpose, and holds"
            elif hasattr(thing, "require"):
                thing.require()
        except Exception as error:
            told.append(f"{name}: {type(error).__name__}: {error}")
    return told


WATCH = """\
_results = []
get_ipython().events.register(
    "post_run_cell", lambda cell: _results.append((cell.info.raw_cell, cell.result)))"""


def variables(path, folder):
    """What stands in the environment of a notebook's kernel.

    Progress goes to a new file in `folder`, never to the reader's own; in solutions/, and there
    alone, every outcome of a check but "correct" raises.
    """
    path = Path(path)
    progress = Path(folder, f"{path.parent.name}_{path.stem}.jsonl")
    strict = "1" if path.parent.name == "solutions" else "0"
    return {"LOSSBOOK_PROGRESS": str(progress), "LOSSBOOK_STRICT": strict}


def promise_code(notebook):
    """The cell that, run after the last one, raises if `broken_promises` finds any.

    It needs `WATCH` to have run before the first one.
    """
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    sources = [cell.source for cell in cells if WRONG in _tags(cell)]
    words = "\n".join(sources)
    names = sorted(set(re.findall(r"^(?:def )?(\w+)(?=\(| = )", words, re.MULTILINE)))
    return (
        f"{inspect.getsource(broken_promises)}\n"
        f"_told = broken_promises(globals(), _results, {names}, {sources})\n"
        "assert not _told, '\\n'.join(_told)"
    )


def _tags(cell):
    return cell.metadata.get("tags", [])


def _data(output):
    return output.get("data", {})


def _outputs(notebook):
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [(cell, output) for cell in code for output in cell.outputs]


def _texts(output):
    """The texts of an output; pictures and model numbers are none."""
    data = {kind: text for kind, text in _data(output).items() if not kind.startswith("image/")}
    texts = [text for kind, text in data.items() if isinstance(text, str) and kind != WIDGET]
    return [*texts, output.get("text", ""), *output.get("traceback", [])]


def _tokens(notebook):
    """All tokens of the markdown cells, mathematics taken out (it is full of brackets)."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"\$\$.*?\$\$|(?<!\\)\$[^$\n]+\$", "", cell.source, flags=re.DOTALL)
            for block in parser.parse(prose):
                yield from ((cell, token) for token in [block, *(block.children or [])])


def _links(notebook):
    for cell, token in _tokens(notebook):
        if token.type in ("link_open", "image"):
            yield cell, token.attrs["href" if token.type == "link_open" else "src"]
        elif "html" in token.type:
            for found in re.findall(r"\b(?:href|src)=[\"']([^\"']+)", token.content):
                yield cell, found


def _headings(notebook):
    """Pairs of level and text, markup taken off."""
    parser = MarkdownIt("commonmark")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            tokens = parser.parse(cell.source)
            for mark, words in pairwise(tokens):
                if mark.type == "heading_open":
                    yield int(mark.tag[1:]), "".join(t.content for t in words.children)


def _anchors(where):
    """The anchors that JupyterLab gives a notebook's headings: words joined by hyphens."""
    if isinstance(where, Path):
        import nbformat

        if where.suffix != ".ipynb":
            return set()
        where = nbformat.read(where, as_version=4)
    return {text.replace(" ", "-") for _, text in _headings(where)}
