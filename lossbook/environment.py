"""Sets the course up, opens it and tests it, with the standard library alone.

Run by path, because the package is not there before the set-up::

    python3 lossbook/environment.py setup | lab | test | notebooks | exercises | bench | clean

The syntax stays that of Python 3.6, so that an old Python gets a sentence and no SyntaxError.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
OLDEST, NEWEST = (3, 11), (3, 14)
FIRST_LESSON = "notebooks/00_start_here.ipynb"
SCRIPTS = {
    "notebooks": "tests/make_notebooks.py",
    "exercises": "tests/make_exercises.py",
    "bench": "tests/benchmarks/bench.py",
}
# JupyterLab's settings in .venv: it asks nothing and looks for no news, and what nbgrader brings
# is off, for learners do not use it. (Of the files in jupyter_server_config.d the last one wins:
# "off" comes after what pip installs and before what `jupyter server extension enable` writes.)
SERVERS = "etc/jupyter/jupyter_server_config.d/%s.off.json"
PARTS = "formgrader", "validate_assignment", "assignment_list", "course_list"
PARTS = dict.fromkeys(["nbgrader.server_extensions." + part for part in PARTS], False)
LAB_SETTINGS = {
    "share/jupyter/lab/settings/overrides.json": {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        }
    },
    "etc/jupyter/labconfig/page_config.json": {
        "disabledExtensions": {"@jupyter/nbgrader": True, "@jupyter-notebook/lab-extension": True}
    },
    SERVERS % "nbgrader": {"ServerApp": {"jpserver_extensions": PARTS}},
    SERVERS % "notebook": {"ServerApp": {"jpserver_extensions": {"notebook": False}}},
}
CACHES = "__pycache__ .ipynb_checkpoints .pytest_cache .ruff_cache .hypothesis lossbook.egg-info"


class SetupError(Exception):
    """Something stands in the way of the set-up; the message says what, and what to do."""


def setup():
    """Make `.venv` ready: everything of `requirements.lock`, and the package, editable.

    Returns at once when `.venv` is ready already. What is unfinished, moved or out of date is
    noticed, said and mended. pip's own words go to `.venv/setup.log`.

    Returns
    -------
    str
        The path of the Python in `.venv`.

    Raises
    ------
    SetupError
        With one line that says what stands in the way and what to do.
    """
    _require_python(sys.version_info[:2])
    state, why = _state()
    if state == "ready":
        if why:
            _say(why)
        return _python()
    _say(why)
    if state == "anew":
        _make_venv()
    _install()
    _write_stamp(finished=True)
    _say("ready.")
    return _python()


def lab(port=None, browser=True):
    """Set up, then open JupyterLab at the first lesson; returns when JupyterLab is closed.

    Parameters
    ----------
    port : int or str, optional
        Exactly this port; without it, JupyterLab takes the first free one from 8888 on.
    browser : bool
        Whether to open a browser window.

    Raises
    ------
    SetupError
        For a port that is none or in use, and whatever `setup` raises.
    """
    command = ["-m", "jupyterlab", "--ServerApp.root_dir=" + ROOT]
    command += ["--LabApp.default_url=/lab/tree/" + FIRST_LESSON]
    if port is not None:
        command += [f"--ServerApp.port={_free_port(port)}", "--ServerApp.port_retries=0"]
    if not browser:
        command += ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--allow-root"]
    return _run([setup(), *command], JUPYTER_PREFER_ENV_PATH="1")


def test(arguments):
    """Set up, then run every test; `arguments` go to pytest."""
    # One process more than cores, for the browser tests often wait. A notebook's cells share a
    # kernel, so a file stays with one process; and each process computes with one thread.
    processes = str(min(4, (os.cpu_count() or 1) + 1))
    command = [setup(), "-m", "pytest", "-n", processes]
    return _run([*command, "--dist", "loadfile", *arguments], OMP_NUM_THREADS="1")


def clean():
    """Remove `.venv` and everything else that set-up and tests have left."""
    shutil.rmtree(VENV, ignore_errors=True)
    for folder, names, _ in os.walk(ROOT):
        for name in set(names) & set(CACHES.split()):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


# --- the state of .venv ---------------------------------------------------------------------


def _say(text):
    print("lossbook: " + text, flush=True)


def _require_python(version):
    if not OLDEST <= tuple(version) <= NEWEST:
        oldest, newest, this = (".".join(map(str, each)) for each in (OLDEST, NEWEST, version))
        raise SetupError(
            f"this is Python {this}, the course needs {oldest} to {newest}: install one of those "
            f"and name it, e.g. `make lab PYTHON=python{oldest}`."
        )


def _python():
    windows = os.name == "nt"
    return os.path.join(VENV, "Scripts" if windows else "bin", "python" + ".exe" * windows)


def _stamp():
    """What a finished `.venv` was made for."""
    digest = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        try:
            with open(os.path.join(ROOT, name), "rb") as file:
                digest.update(file.read())
        except OSError:
            raise SetupError(
                f"{name} is missing in {ROOT}: get it back, e.g. with `git checkout {name}`."
            ) from None
    return {"wanted": digest.hexdigest(), "folder": ROOT}


def _write_stamp(finished):
    """Write what `_state` reads; it is the last thing that a set-up does."""
    with open(os.path.join(VENV, "lossbook.json"), "w") as file:
        json.dump(dict(_stamp(), finished=finished, python=_venv_version()), file)


def _venv_version():
    """Version of the Python in `.venv` as [3, 11], or None where there is none that runs."""
    code = "import sys; print(sys.version_info[0], sys.version_info[1])"
    try:
        command = [_python(), "-I", "-S", "-c", code]
        answer = subprocess.check_output(command, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return list(map(int, answer.split()))


def _locked():
    """The lock as a dictionary from name (lower case, `-`) to version."""
    with open(os.path.join(ROOT, "requirements.lock"), encoding="utf-8") as file:
        pairs = [line.strip().split("==") for line in file if line.strip()]
    return {_plain(name): version for name, version in pairs}


def _plain(name):
    return re.sub("[-_.]+", "-", name).lower()


def _lacking(version):
    """Names that the lock or the package asks for and `.venv` has not, or has otherwise."""
    lib = "Lib" if os.name == "nt" else os.path.join("lib", "python{}.{}".format(*version))
    packages = os.path.join(VENV, lib, "site-packages")
    folders = os.listdir(packages) if os.path.isdir(packages) else []
    # A folder "torch-2.13.0+cpu.dist-info" fulfils "torch==2.13.0".
    stems = [folder[:-10].partition("-") for folder in folders if folder.endswith(".dist-info")]
    present = {(_plain(name), number.partition("+")[0]) for name, _, number in stems}
    lacking = sorted(name for name, _ in set(_locked().items()) - present)
    return lacking if "lossbook" in dict(present) else [*lacking, "lossbook"]


def _state():
    """What `setup` has to do ("ready", "update" or "anew"), and the sentence that says why."""
    try:
        with open(os.path.join(VENV, "lossbook.json")) as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        stamp = {}
    once = " (once; it takes some minutes)."
    if not os.path.isdir(VENV):
        return "anew", "setting up .venv" + once
    version = _venv_version()
    if version is None or stamp.get("finished") is False:
        return "anew", ".venv is only half made: making it anew" + once
    if not OLDEST <= tuple(version) <= NEWEST or stamp.get("python", version) != version:
        return "anew", ".venv has lost its Python or has a wrong one: making it anew" + once
    if stamp.get("folder", ROOT) != ROOT:
        return "anew", "the course has moved since .venv was made: making it anew" + once
    if not stamp:
        return "update", ".venv was not made by `make setup`: completing it."
    if stamp["wanted"] != _stamp()["wanted"]:
        return "update", "requirements.lock or pyproject.toml has changed: bringing .venv up to it."
    lacking = _lacking(version)
    if lacking:
        return "update", ".venv lacks " + ", ".join(lacking[:5]) + ": installing what is missing."
    if tuple(version) != sys.version_info[:2]:
        kept = "{}.{}".format(*version)
        return "ready", f".venv has Python {kept} and is kept; `make clean` makes room for another."
    return "ready", ""


# --- mending it -----------------------------------------------------------------------------


def _make_venv():
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        raise SetupError("this Python is the one of .venv: leave it with `deactivate`, try again.")
    shutil.rmtree(VENV, ignore_errors=True)
    os.makedirs(VENV)
    _write_stamp(finished=False)
    _logged([sys.executable, "-m", "venv", VENV])


def _install():
    pip = [_python(), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    _logged([*pip, "--retries", "2", "-r", os.path.join(ROOT, "requirements.lock")])
    _logged([*pip, "--no-deps", "--no-build-isolation", "-e", ROOT])
    for name, settings in LAB_SETTINGS.items():
        path = os.path.join(VENV, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            json.dump(settings, file)
    # The list of fonts takes seconds to make: better now than in front of the first figure.
    _logged([_python(), "-c", "import matplotlib.font_manager"])


def _logged(command):
    """Run `command`; its words go to the log, and in one line to the error if it fails."""
    path = os.path.join(VENV, "setup.log")
    with open(path, "a", encoding="utf-8") as log:
        log.write("$ " + " ".join(command) + "\n")
        start = log.tell()
        log.flush()
        failed = subprocess.call(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    if failed:
        with open(path, "rb") as log:
            log.seek(start)
            words = log.read().decode("utf-8", "replace")
        raise SetupError(f"{_diagnosis(words)} All of it: {os.path.relpath(path)}")


def _diagnosis(words):
    """One line for what pip or venv said at length."""
    network = "connection|resolv|timed out|max retries|proxy|unreachable|retrying"
    if re.search(network, words, re.IGNORECASE):
        return "no package index answers: is there a network? Then run the same command again."
    if "No space left" in words:
        return "the disk is full: the course needs about 3 GB."
    if "ensurepip" in words:
        return "this Python can't make a .venv: install its venv package (Debian: python3-venv)."
    missing = re.search(r"No matching distribution found for (\S+)", words)
    if missing:
        return (
            f"pip finds no {missing.group(1)} for this Python and machine: is the package index "
            "reachable (PIP_INDEX_URL, PIP_NO_INDEX)?"
        )
    last = ([line for line in words.splitlines() if line.strip()] or ["it said nothing"])[-1]
    return "the set-up stopped: " + last.strip().rstrip(".") + "."


def _free_port(port):
    number = int(port) if str(port).isdigit() else 0
    if not 0 < number < 65536:
        raise SetupError(f"PORT={port} is no port: give a number from 1024 to 65535.")
    with socket.socket() as probe:
        # As JupyterLab does: a port that was closed a moment ago is free on POSIX.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as error:
            why = error.strerror.lower()
            raise SetupError(
                f"port {number} can't be had ({why}): choose another with PORT=, or leave PORT out."
            ) from None
    return number


def _run(command, **variables):
    """Become `command` (on Windows: run it), so that Ctrl-C and signals reach it alone."""
    os.chdir(ROOT)
    environment = dict(os.environ, **variables)
    if os.name == "posix":
        os.execve(command[0], command, environment)
    return subprocess.call(command, env=environment)


def main(arguments):
    """Run one of the commands; return the exit code."""
    parser = argparse.ArgumentParser(prog="lossbook/environment.py", description="The course.")
    parser.add_argument("command", choices=["setup", "lab", "test", *SCRIPTS, "clean"])
    parser.add_argument("--port", help="lab: exactly this port")
    parser.add_argument("--no-browser", action="store_true", help="lab: open no browser window")
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.command in ("setup", "lab", "clean"):
        parser.error("unknown: " + " ".join(rest))
    try:
        if chosen.command == "lab":
            return lab(chosen.port, not chosen.no_browser)
        if chosen.command == "test":
            return test(rest)
        if chosen.command in SCRIPTS:
            return _run([setup(), SCRIPTS[chosen.command], *rest])
        {"setup": setup, "clean": clean}[chosen.command]()
    except SetupError as error:
        print("lossbook: " + str(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlossbook: interrupted; the same command takes it up again.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
