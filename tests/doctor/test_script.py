"""`python -m lossbook.doctor script.py`: the script's own output and exit code, and a report."""

import subprocess
import sys

import pytest

MISTAKE = """
import torch, torch.nn.functional as F
for _ in range(2):
    F.cross_entropy(torch.randn(5, 3).softmax(dim=1), torch.tensor([0, 1, 2, 0, 1]))
"""


def doctor(*arguments, folder):
    command = [sys.executable, "-m", "lossbook.doctor", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def script(tmp_path):
    def write(text):
        (tmp_path / "train.py").write_text(text)
        return "train.py"

    return write


def test_prints_the_report_after_the_script(tmp_path, script):
    (tmp_path / "neighbour.py").write_text("name = 'found'")
    text = (
        "import sys, atexit, neighbour\n"
        "print(sys.argv, __name__, __file__, neighbour.name)\n"
        "atexit.register(lambda: print('last words', file=sys.stderr))\n"
    )
    run = doctor(script(text + MISTAKE), "--rate", "0.1", folder=tmp_path)
    assert run.returncode == 0
    assert run.stdout == "['train.py', '--rate', '0.1'] __main__ train.py found\n"
    words, report = run.stderr.split("\n", 1)
    assert words == "last words"
    assert report.startswith("lossbook.doctor: 1 finding in 2 calls of losses at 1 place")
    assert "train.py, line 7: 2 calls, 2 looked at, 2 with this finding" in report
    assert "softmax-twice" in report


def test_exit_code_and_message_stay(tmp_path, script):
    run = doctor(script(MISTAKE + "raise SystemExit(3)"), folder=tmp_path)
    assert run.returncode == 3
    assert "1 finding" in run.stderr


def test_the_traceback_is_the_scripts(tmp_path, script):
    run = doctor(script(MISTAKE + "def half():\n    1 / 0\nhalf()"), folder=tmp_path)
    assert run.returncode == 1
    trace, report = run.stderr.split("lossbook.doctor:")
    assert trace.startswith('Traceback (most recent call last):\n  File "train.py", line 7')
    assert trace.endswith("ZeroDivisionError: division by zero\n")
    assert "1 finding" in report


def test_a_script_that_is_not_there(tmp_path):
    run = doctor("missing.py", folder=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("lossbook.doctor: there is no file missing.py.")
    assert run.stderr.count("\n") == 1


def test_without_a_script(tmp_path):
    run = doctor(folder=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("usage: python -m lossbook.doctor script.py")
