"""Running what a reader wrote: with a time limit, its printing kept, its errors as data."""

import ast
import ctypes
import inspect
import io
import linecache
import signal
import sys
import sysconfig
import textwrap
import threading
import time
import traceback
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 3.0  # seconds that one call may take
TOTAL = 8.0  # seconds that all calls of a check may take
LIBRARIES = tuple(
    {str(Path(__file__).parent.parent), *map(sysconfig.get_path, ("stdlib", "purelib", "platlib"))}
)


class OutOfTime(BaseException):
    """Raised in the reader's code; no `except Exception` there catches it."""


@dataclass
class Ran:
    """What came of a call: a result or an error, and what was printed."""

    result: Any = None
    error: BaseException | None = None
    printed: str = ""


class Runner:
    """Calls a reader's function again and again, until its time is used up."""

    def __init__(self, function):
        self.function, self.left = function, TOTAL
        self.out_of_time = False

    def __call__(self, *arguments) -> Ran:
        ran, words = Ran(), Words()
        start = time.monotonic()
        try:
            with warnings.catch_warnings(), redirect_stdout(words), redirect_stderr(words):
                warnings.simplefilter("ignore")
                with limit(min(PATIENCE, self.left)):
                    ran.result = self.function(*arguments)
        except OutOfTime as error:
            ran.error, self.out_of_time = error, True
        except (Exception, SystemExit) as error:
            ran.error = error
        self.left = max(0.01, self.left - (time.monotonic() - start))
        ran.printed = words.getvalue()
        return ran


class Words(io.StringIO):
    """What was printed, as far as anybody would read it."""

    def write(self, text):
        return super().write(text) if self.tell() < 1000 else len(text)


@contextmanager
def limit(seconds):
    """Raise OutOfTime within the block when the time is up."""
    main = threading.current_thread() is threading.main_thread()
    with (by_signal if main and hasattr(signal, "setitimer") else by_thread)(seconds):
        yield


def call(function, arguments):
    """Call the reader's function: only what runs within is ever interrupted by `by_signal`."""
    trace = sys.gettrace()
    try:
        return function(*arguments)
    finally:
        sys.settrace(trace)


@contextmanager
def by_signal(seconds):
    def stop(_, frame):
        frames = []
        while frame is not None and frame.f_code is not call.__code__:
            frames.append(frame)
            frame = frame.f_back
        if frame is None:
            return
        # Code that catches everything swallows this, and then meets it again at its next line.
        sys.settrace(at_each_line)
        for each in frames:
            each.f_trace = at_each_line
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def at_each_line(frame, event, argument):
    if event == "line" and frame.f_code is not call.__code__:
        raise OutOfTime
    return at_each_line


@contextmanager
def by_thread(seconds):
    """Where there is no such signal: on Windows, and beside the main thread."""
    reader, over = ctypes.c_ulong(threading.get_ident()), threading.Event()

    def stop():
        if not over.wait(seconds):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(reader, ctypes.py_object(OutOfTime))

    watch = threading.Thread(target=stop, daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()  # if it was about to raise, it raises here


def own_lines(error) -> list[str]:
    """The lines of the reader's own code that led to an error, the last one last."""
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith((*LIBRARIES, "<")):
            code = linecache.getline(frame.filename, frame.lineno).strip()
            lines.append(f"line {frame.lineno}, in {frame.name}:  {code}")
    return lines[-3:]


def told(error) -> str:
    """An error in one line: its name and its message."""
    message = " ".join(str(error).split())
    message = message if len(message) <= 300 else message[:299] + "…"
    return type(error).__name__ + f": {message}" * bool(message)


def is_untouched(function) -> bool:
    """Whether a bare `...` still stands in the function, where the answer should be."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    dots = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return any(isinstance(value, ast.Constant) and value.value is ... for value in dots)
