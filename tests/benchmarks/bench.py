"""Prints what things cost, in one table: `make bench`. No part of the tests.

Everything is measured in fresh processes; what is compared is measured in turns.
`make bench ARGS=pictures` draws the pictures of lesson 12 instead.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("", "benchmarks", "losses")]
os.environ["OMP_NUM_THREADS"] = "1"  # as in the tests
MEBIBYTE = 2**20


def main():
    """Print the table row by row, as the measurements come in."""
    if sys.argv[1:] == ["pictures"]:
        import pictures

        return pictures.main()
    print(f"{'what':<46} {'measured':<30} aim")
    for part in (imports, losses, the_doctor, lessons, explorers, tests):
        for what, measured, aim in part():
            print(f"{what:<46} {measured:<30} {aim}", flush=True)


def seconds(*command):
    """How long a command runs, in seconds."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def imports(rounds=11):
    """`import lossbook` against `import torch`: the median of the ratios of neighbours."""
    pairs = [
        [seconds(sys.executable, "-c", f"import {name}") for name in ("torch", "lossbook")]
        for _ in range(rounds)
    ]
    torch, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    yield "import torch", f"{torch:.2f} s", ""
    yield "import lossbook", f"{ours:.2f} s, {ratio:.2f} of torch", "at most 1.10 of torch"


def losses():
    """Forward and backward, ours against torch's."""
    from losses import rows

    yield from rows()


def the_doctor():
    """A training step under `doctor.watch`, against one without."""
    from doctor import rows

    yield from rows()


def lessons():
    """Time from kernel start to the last cell, and what the kernel then holds in memory."""
    import psutil
    from make_notebooks import client, load

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook, memory = load(path), []
        runner = client(notebook, path)

        def weigh(runner=runner, memory=memory, **_):
            process = psutil.Process(runner.km.provisioner.process.pid)
            memory.append(process.memory_info().rss)

        runner.on_cell_executed = weigh
        start = time.perf_counter()
        runner.execute()
        spent = time.perf_counter() - start
        yield f"{path.stem}: kernel start to last cell", f"{spent:.1f} s", "at most 15 s"
        yield f"{path.stem}: memory of the kernel", f"{memory[-1] / MEBIBYTE:.0f} MiB", ""


def explorers():
    """From key press to pixels in a browser."""
    from latency import rows

    yield from rows()


def tests():
    """The parts of `make test` one after the other, then the whole as it runs there."""
    parts = {
        "doctests": ["lossbook"],
        "notebooks": ["notebooks"],
        "unit and property tests": ["tests", "--ignore=tests/browser"],
        "browser tests": ["tests/browser"],
    }
    for name, arguments in parts.items():
        yield f"tests: {name}", *_tested(sys.executable, "-m", "pytest", "-q", *arguments), ""
    whole = _tested(sys.executable, "lossbook/environment.py", "test", "-q")
    yield "make test, without set-up", *whole, "at most 180 s"


def _tested(*command):
    start = time.perf_counter()
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True)
    spent = f"{time.perf_counter() - start:.0f} s"
    return (spent if run.returncode in (0, 5) else f"{spent}, FAILED",)


if __name__ == "__main__":
    main()
