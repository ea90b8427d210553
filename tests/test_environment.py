"""The set-up says in one line what stands in its way, and the files of versions agree."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from lossbook import environment, readiness

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
# playwright drives the browser of the machine, and Binder has none to drive. nbgrader is for
# teachers and maintainers; there, nothing would keep it out of a learner's JupyterLab.
NOT_IN_CONDA = {"nbgrader", "playwright"}


def requirements():
    """What pyproject.toml asks for, package and extras together."""
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for part in (PROJECT["dependencies"], *extras) for line in part]


# --- the files of versions -------------------------------------------------------------------


def test_the_lock_is_name_and_version_and_nothing_else():
    lines = LOCK.splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line) for line in lines)
    names = [environment._plain(line.split("==")[0]) for line in lines]
    assert len(set(names)) == len(names)
    assert LOCK.endswith("\n")


def test_the_lock_satisfies_the_project():
    locked = environment._locked()
    for need in requirements():
        assert environment._plain(need.name) in locked, f"{need.name} is not in the lock"
        assert locked[environment._plain(need.name)] in need.specifier


@pytest.mark.skipif(sys.platform != "linux", reason="the lock was made on Linux")
def test_the_lock_is_closed():
    """Whatever a locked package needs is locked too, so that pip has nothing to choose.

    But for torch, whose needs depend on the build that fits the machine.
    """
    locked = environment._locked()
    for name in set(locked) - {"torch"}:
        for line in distribution(name).requires or ():
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                assert environment._plain(need.name) in locked, f"{name} needs {need.name}"


def test_conda_gets_what_the_project_asks_for():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["channels"][0] == "conda-forge"
    assert conda["dependencies"][-1] == {"pip": ["-e ."]}
    given = {}
    for line in conda["dependencies"][:-1]:
        name, ranges, build = re.fullmatch(r"([\w-]+)\s*([^\s]*?)(?: (\S+))?", line).groups()
        given[name] = (set(ranges.split(",")), build)
    for need in requirements():
        if need.name in NOT_IN_CONDA:
            continue
        name = CONDA_NAMES.get(need.name, need.name)
        assert name in given, f"environment.yml lacks {name}"
        assert given[name][0] == set(str(need.specifier).split(",")), name
    wanted = {CONDA_NAMES.get(need.name, need.name) for need in requirements()}
    assert given["pytorch"][1] == "cpu*"
    assert given["python"][0] == {PROJECT["requires-python"]}
    assert set(given) == wanted - NOT_IN_CONDA | {"python", "pip", "setuptools"}


def test_the_versions_of_python_agree():
    assert PROJECT["requires-python"] == f">={environment.OLDEST[0]}.{environment.OLDEST[1]}"


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"] == version("lossbook")


def test_the_workflow_is_one():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    command += ["vendor.github-workflows", str(ROOT / ".github/workflows/test.yml")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_ruff_is_content(command):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *command.split(), "--quiet", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


# --- the set-up ------------------------------------------------------------------------------


def test_an_old_python_can_read_the_file():
    source = (ROOT / "lossbook" / "environment.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    imported = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("wrong", [(3, 6), (3, 10), (3, 99)])
def test_a_wrong_python_is_named(wrong):
    with pytest.raises(environment.SetupError, match=rf"this is Python 3\.{wrong[1]}, .* 3\.11"):
        environment._require_python(wrong)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with a `.venv` that looks finished; its Python is the one that runs the test."""
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_text("numpy==2.0\n", encoding="utf-8")
    site = "Lib" if os.name == "nt" else "lib/python{}.{}".format(*sys.version_info[:2])
    packages = tmp_path / ".venv" / site / "site-packages"
    for name in ("numpy-2.0+cpu", "lossbook-0.1.0"):
        (packages / f"{name}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(environment, "ROOT", str(tmp_path))
    monkeypatch.setattr(environment, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(environment, "_python", lambda: sys.executable)
    environment._write_stamp(finished=True)
    return tmp_path


def test_a_finished_set_up_is_ready_at_once(course):
    start = time.perf_counter()
    assert environment._state() == ("ready", "")
    assert environment.setup() == sys.executable
    assert time.perf_counter() - start < 1


def spoil(course, what):
    stamp = course / ".venv" / "lossbook.json"
    if what == "no .venv":
        (course / ".venv").rename(course / "elsewhere")
    elif what == "half made":
        environment._write_stamp(finished=False)
    elif what == "no stamp":
        stamp.unlink()
    elif what == "lock changed":
        (course / "requirements.lock").write_text("numpy==2.1\n", encoding="utf-8")
    elif what == "package lost":
        next(course.rglob("numpy-*")).rename(course / "numpy")
    elif what == "moved":
        stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"folder": "/elsewhere"}))
    elif what == "python changed":
        stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"python": [3, 10]}))


@pytest.mark.parametrize(
    ("what", "state", "words"),
    [
        ("no .venv", "anew", "setting up"),
        ("half made", "anew", "only half made"),
        ("no stamp", "update", "was not made by"),
        ("lock changed", "update", "has changed"),
        ("package lost", "update", "lacks numpy"),
        ("moved", "anew", "has moved"),
        ("python changed", "anew", "lost its Python"),
    ],
)
def test_a_spoiled_set_up_is_noticed_in_one_line(course, what, state, words):
    spoil(course, what)
    assert environment._state()[0] == state
    assert words in environment._state()[1]
    assert "\n" not in environment._state()[1]


def test_a_python_that_does_not_run_means_half_made(course, monkeypatch):
    monkeypatch.setattr(environment, "_python", lambda: str(course / "nothing"))
    assert environment._state()[0] == "anew"


def test_a_missing_lock_is_named(course):
    (course / "requirements.lock").unlink()
    with pytest.raises(environment.SetupError, match=r"requirements\.lock is missing"):
        environment.setup()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("WARNING: Retrying (Retry(total=0)) after NewConnectionError", "is there a network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "pip finds no torch==2.13.0"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Error: ensurepip is not available", "install its venv package"),
        ("a\nERROR: something new\n", "the set-up stopped: ERROR: something new."),
        ("", "it said nothing"),
    ],
)
def test_pip_at_length_becomes_one_line(words, line):
    assert line in environment._diagnosis(words)
    assert "\n" not in environment._diagnosis(words)


def test_a_failing_command_leaves_its_words_in_the_log(course, monkeypatch):
    monkeypatch.chdir(course)
    command = [sys.executable, "-c", "print('at length'); raise SystemExit('at last')"]
    with pytest.raises(environment.SetupError, match="the set-up stopped: "):
        environment._logged(command)
    assert "at length" in (course / ".venv" / "setup.log").read_text()


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(environment.SetupError, match=f"port {port} can't be had"):
            environment._free_port(port)


@pytest.mark.parametrize("port", ["", "http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_named(port):
    with pytest.raises(environment.SetupError, match="is no port"):
        environment._free_port(port)


def test_lab_opens_the_first_lesson(monkeypatch):
    ran = []
    monkeypatch.setattr(environment, "setup", lambda: "python")
    monkeypatch.setattr(environment, "_run", lambda command, **variables: ran.append(command))
    environment.main(["lab", "--port", "54321", "--no-browser"])
    assert {"jupyterlab", "--no-browser", "--ServerApp.port=54321"} <= set(ran[0])
    assert any(option.endswith("notebooks/00_start_here.ipynb") for option in ran[0])


def test_the_set_up_switches_off_what_nbgrader_brings(course, monkeypatch):
    monkeypatch.setattr(environment, "_logged", lambda command: None)
    environment._install()
    folder = course / ".venv" / "etc" / "jupyter"
    page = json.loads((folder / "labconfig" / "page_config.json").read_text())
    assert page["disabledExtensions"]["@jupyter/nbgrader"] is True
    brought = Path(sys.prefix, "etc", "jupyter", "jupyter_server_config.d")
    for name in ("nbgrader", "notebook"):
        off = next(folder.glob(f"*/{name}.off.json"))
        # Of these files the last one wins.
        assert sorted([f"{name}.json", f"{name}.server_extensions.json", off.name])[1] == off.name
        switched = json.loads(off.read_text())["ServerApp"]["jpserver_extensions"]
        asked = json.loads((brought / f"{name}.json").read_text())["ServerApp"]
        assert switched == dict.fromkeys(asked["jpserver_extensions"], False)


# --- readiness -------------------------------------------------------------------------------


def test_this_environment_is_ready():
    found = readiness.check()
    assert found.holds, found
    found.require()
    assert "torch" in repr(found)
    assert "<table>" in found._repr_html_()


def test_the_table_holds_nothing_of_one_machine():
    words = repr(readiness.check())
    assert str(ROOT) not in words
    assert "3.11 or newer" in words
    assert not re.search(r"Python +3\.\d+\.\d|/home|/root|0x", words)


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(readiness, "COURSE", "torch no-such-package")
    found = readiness.check()
    assert not found.holds
    assert "✗ no-such-package" in repr(found)
    assert "make setup" in found._repr_html_()
    with pytest.raises(RuntimeError, match="no-such-package: is missing"):
        found.require()


@pytest.mark.parametrize(
    ("locked", "allowed", "right"),
    [("1.0", ("1.0", "98"), True), ("99.0", ("99.0", "100"), False), ("99.0", None, True)],
)
def test_another_version_is_said_and_only_wrong_outside_the_range(locked, allowed, right):
    name, found, mend = readiness._installed("packaging", locked, allowed)
    assert found.startswith(version(name))
    assert f"were run with {locked}" in found
    assert (mend == "") == right


def test_another_copy_of_the_course_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "lossbook").mkdir()
    (tmp_path / "lossbook" / "environment.py").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert "another copy" in readiness._package()[1]


def test_a_kernel_without_the_package_is_told_what_to_do(tmp_path):
    """As in lesson 00: the file runs by its path in a Python that knows nothing of the course."""
    code = f"import runpy; print(runpy.run_path({str(ROOT / 'lossbook' / 'readiness.py')!r})"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code + "['check']())"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert "this kernel can't import it" in run.stdout, run.stderr
    assert "make setup" in run.stdout
