"""Says whether this kernel can run the course, and how to mend what is missing.

The standard library alone at import, so that a notebook whose kernel lacks the package can
still run the file by its path: `%run -n ../lossbook/readiness.py`, then `check()`.
"""

import importlib.util
import re
import sys
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FONT = "DejaVu Sans"
RESTART = "then Kernel → Restart Kernel"
SETUP = f"run `make setup` in the course's folder, {RESTART}"
COURSE = "torch numpy matplotlib sympy hypothesis scipy scikit-learn mpmath ipywidgets jupyterlab"


class Readiness:
    """What `check` has found: a table that shows itself, and whether all of it is right.

    Attributes
    ----------
    rows : list of tuple of str
        For each thing its name, what was found, and how to mend it ("" where it is right).
    holds : bool
        Whether nothing has to be mended.
    """

    def __init__(self, rows):
        self.rows = rows
        self.holds = not any(mend for _, _, mend in rows)

    def require(self):
        """Raise RuntimeError with a line for each thing that has to be mended."""
        if not self.holds:
            raise RuntimeError("\n".join(f"{a}: {b}. {c}." for a, b, c in self.rows if c))

    def _verdict(self):
        wrong = sum(bool(mend) for _, _, mend in self.rows)
        return "All is ready." if self.holds else f"To mend: {wrong} of {len(self.rows)}."

    def __repr__(self):
        width = max(len(what) for what, _, _ in self.rows)
        lines = []
        for what, found, mend in self.rows:
            lines.append(f"{'✗' if mend else '✓'} {what:{width}}  {found}")
            if mend:
                lines.append(" " * (width + 4) + f"→ {mend}")
        return "\n".join([*lines, self._verdict()])

    def _repr_html_(self):
        def code(text):
            return re.sub("`(.*?)`", r"<code>\1</code>", escape(text))

        def row(what, found, mend):
            todo = f"<br><strong>→ {code(mend)}</strong>" if mend else ""
            return (
                f"<tr><td>{'✗' if mend else '✓'}</td><th {left} scope='row'>{escape(what)}</th>"
                f"<td {left}>{code(found)}{todo}</td></tr>"
            )

        left = "style='text-align: left'"
        rows = "".join(row(*each) for each in self.rows)
        return f"<table>{rows}</table><p>{self._verdict()}</p>"


def check():
    """Look at Python, the packages, the kernel, the widgets and the fonts.

    Returns
    -------
    Readiness
        Shows itself as a table; `.holds` and `.require()` for code.
    """
    rows = [_python(), _kernel(), _package()]
    locked = dict(line.split("==") for line in _read("requirements.lock").split())
    ranges = re.findall(r'"([\w-]+)>=([\d.]+),<([\d.]+)"', _read("pyproject.toml"))
    allowed = {name: (low, high) for name, low, high in ranges}
    rows += [_installed(name, locked.get(name), allowed.get(name)) for name in COURSE.split()]
    return Readiness([*rows, _widgets(), _fonts()])


def _python():
    # The file runs by its path too, in a kernel of any Python.
    if tuple(sys.version_info) >= (3, 11):
        return "Python", "3.11 or newer", ""
    return "Python", "older than 3.11", f"install a newer one, {SETUP}"


def _kernel():
    if Path(sys.prefix).resolve() == ROOT / ".venv":
        return "kernel", "runs in the course's own environment", ""
    if _locked_out():
        choose = "Kernel → Change Kernel → Python 3 (ipykernel)"
        return "kernel", "runs in another environment, without the course", f"{SETUP}; or {choose}"
    return "kernel", "runs in an environment of your own", ""


def _locked_out():
    return importlib.util.find_spec("lossbook") is None


def _package():
    if _locked_out():
        return "lossbook", "this kernel can't import it", SETUP
    home = Path(importlib.util.find_spec("lossbook").submodule_search_locations[0]).parent
    here = [folder for folder in (Path.cwd(), *Path.cwd().parents) if _is_course(folder)]
    if here and here[0].resolve() != home.resolve():
        mend = f"open JupyterLab with `make lab` in the folder of this notebook, {RESTART}"
        return "lossbook", "comes from another copy of the course than this notebook", mend
    return "lossbook", "comes from this folder", ""


def _is_course(folder):
    return (folder / "lossbook" / "environment.py").is_file()


def _read(name):
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _installed(name, locked, allowed):
    try:
        found = version(name).partition("+")[0]
    except PackageNotFoundError:
        return name, "is missing", SETUP
    if locked in (None, found):
        return name, found, ""
    ours = f"{found}; the lessons were run with {locked}"
    if allowed and not _number(allowed[0]) <= _number(found) < _number(allowed[1]):
        return name, ours, SETUP
    return name, f"{ours}, last digits may differ", ""


def _number(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _widgets():
    """Whether the widgets of the kernel and those of JupyterLab speak the same language."""
    try:
        kernel, front = version("ipywidgets"), version("jupyterlab_widgets")
    except PackageNotFoundError as error:
        return "widgets", f"{error.name} is missing", SETUP
    if kernel.startswith("8.") and front.startswith("3."):
        return "widgets", f"ipywidgets {kernel} and jupyterlab_widgets {front} fit", ""
    return "widgets", f"ipywidgets {kernel} and jupyterlab_widgets {front} do not fit", SETUP


def _fonts():
    try:
        from matplotlib.font_manager import findfont
        from matplotlib.mathtext import MathTextParser

        findfont(FONT, fallback_to_default=False)
        MathTextParser("path").parse(r"$-\sum_i p_i \log p_i$")
    except ImportError:
        return "fonts", "can't be looked at without matplotlib", SETUP
    except ValueError:
        return "fonts", f"matplotlib does not find {FONT}, which it ships", SETUP
    return "fonts", f"{FONT}, and mathematics in figures", ""


if __name__ == "__main__":
    print(check())
