"""How nbgrader makes and grades the exercises of this course for a class: see README.md.

Whatever belongs to the class is kept in the folder `class` beside this one, or where the
environment variable LOSSBOOK_CLASS says.
"""

import logging
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLASS = Path(os.environ.get("LOSSBOOK_CLASS", HERE.parent / "class")).resolve()

c = get_config()  # noqa: F821
c.CourseDirectory.root = str(CLASS)
c.ExportPlugin.to = str(CLASS / "grades.csv")

# nbgrader wants a folder for each assignment: here it is a lesson, with one notebook.
SOLUTIONS = sorted(HERE.glob("*.ipynb"))
for solution in SOLUTIONS:
    source = CLASS / "source" / solution.stem / solution.name
    if not source.is_file() or source.read_bytes() != solution.read_bytes():
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(solution.read_bytes())

# As in exercises/, so that students may work there.
c.ClearSolutions.code_stub = {"python": "...  # your code here"}

# Submissions are called ada/02_entropy.ipynb or ada_anything_02_entropy.ipynb, perhaps with more
# behind the lesson, as "02_entropy (1).ipynb", and in zip files or not.
lessons = "|".join(solution.stem for solution in SOLUTIONS)
c.FileNameCollectorPlugin.named_regexp = (
    r".*[/\\]extracted[/\\](.*[/\\])?(?P<student_id>[^/\\_]+)"
    rf"(_([^/\\]*_)?|[^/\\]*[/\\])(?P<file_id>{lessons})[^/\\]*\.ipynb"
)

# What runs for a minute at the top of a cell is stopped (what runs in a function, after some
# seconds), and the next cell runs.
c.Execute.timeout = 60

# nbgrader would warn for each test that hidden lines came back into it, for each right answer
# that what it shows is no number of points, and for each kernel that it talks over TCP.
usual = re.compile("Attribute 'checksum'|partial credit")
logging.getLogger("AutogradeApp").addFilter(lambda line: not usual.search(line.getMessage()))
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--Application.log_level=ERROR"]

# nbgrader calls a program that stands beside Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# Wrong answers cost points and raise nothing more, and grading is nobody's progress.
os.environ["LOSSBOOK_STRICT"] = "0"
os.environ["LOSSBOOK_PROGRESS"] = os.devnull
