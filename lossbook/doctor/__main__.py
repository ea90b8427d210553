"""Runs a script under `watch`: ``python -m lossbook.doctor script.py arguments…``."""

import atexit
import runpy
import sys
from pathlib import Path

from lossbook.doctor.watching import watch

USAGE = "usage: python -m lossbook.doctor script.py [arguments of the script]"


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(USAGE, file=sys.stderr if len(sys.argv) < 2 else sys.stdout)
        sys.exit(2 if len(sys.argv) < 2 else 0)
    script = Path(sys.argv[1])
    if not script.is_file():
        print(f"lossbook.doctor: there is no file {script}. {USAGE}", file=sys.stderr)
        sys.exit(2)
    # The script finds its arguments and its neighbours as if Python had started it.
    sys.argv = sys.argv[1:]
    sys.path[0] = str(script.resolve().parent)
    seen = watch("collect")
    atexit.register(lambda: print(seen.stop(), file=sys.stderr))  # after all that the script does
    sys.excepthook = lambda kind, error, traceback: sys.__excepthook__(
        kind, error.with_traceback(from_script(traceback, str(script))), None
    )
    runpy.run_path(str(script), run_name="__main__")


def from_script(traceback, script: str):
    """Return the traceback from the script's first line on, without how it was started."""
    first = traceback
    while first and first.tb_frame.f_code.co_filename != script:
        first = first.tb_next
    return first or traceback


if __name__ == "__main__":
    main()
