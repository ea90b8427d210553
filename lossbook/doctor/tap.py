"""Lets a listener hear every call of torch's losses, and of `Tensor.backward`.

While anyone listens, a function of torch has another body (its ``__code__``). So it is heard
through every name that it has, also one that a library imported long ago; it stays the same
object, which is what tensor subclasses, function modes and torch.compile go by; and no other
function gets slower. (A function mode would be asked about every operation: a small training step
takes 1.4 times as long with one that does nothing.)
"""

import inspect
import sys
import threading
from types import FunctionType

import torch
import torch.nn.functional as F
from torch.nn.modules.loss import _Loss

from lossbook.doctor.call import FUNCTIONS, copy

_here = threading.local()  # each thread has its own listeners
_lock = threading.Lock()
_listening = 0


def listeners() -> list:
    """Return the listeners of this thread; the last one hears."""
    if not hasattr(_here, "listeners"):
        _here.listeners, _here.busy = [], False
    return _here.listeners


def listen(listener) -> None:
    """Let ``listener.hear(name, original, args, kwargs)`` stand for the calls of this thread."""
    global _listening
    listeners().append(listener)
    with _lock:
        _listening += 1
        if _listening == 1:
            for tap in TAPS:
                tap.open()


def leave(listener, thread_listeners: list) -> None:
    """Take a listener away from the list in which `listen` put it."""
    global _listening
    thread_listeners.remove(listener)
    with _lock:
        _listening -= 1
        if not _listening:
            for tap in TAPS:
                tap.close()


def _body(*args, _heard=None, **kwargs):
    return _heard(args, kwargs)


class Tap:
    """One function whose calls can be heard."""

    def __init__(self, name: str, function: FunctionType):
        self.name, self.function = name, function
        self.code, self.defaults = function.__code__, function.__kwdefaults__
        self.original = copy(function)
        self.signature = inspect.signature(function)

    def open(self) -> None:
        # The body keeps file, line and name of the original, so that its source is still found.
        self.function.__signature__ = self.signature
        self.function.__kwdefaults__ = {**(self.defaults or {}), "_heard": self.heard}
        self.function.__code__ = _body.__code__.replace(
            co_filename=self.code.co_filename,
            co_firstlineno=self.code.co_firstlineno,
            co_name=self.code.co_name,
            co_qualname=self.code.co_qualname,
        )

        self.forget()

    def close(self) -> None:
        self.function.__code__ = self.code
        self.function.__kwdefaults__ = self.defaults
        del self.function.__signature__
        self.forget()

    def forget(self) -> None:
        """Let torch.compile read the names of the arguments anew: it keeps those it has read."""
        compiler = sys.modules.get("torch._dynamo.variables.functions")
        getattr(compiler, "_spec_cache", {}).pop(self.function, None)

    def heard(self, args: tuple, kwargs: dict):
        if torch.compiler.is_compiling():  # torch.compile goes by what the function does
            return self.original(*args, **kwargs)
        listening = listeners()
        # What a loss calls on its way, or the doctor while it looks, is not a call of the user's.
        if not listening or _here.busy:
            return self.original(*args, **kwargs)
        _here.busy = True
        try:
            return listening[-1].hear(self.name, self.original, args, kwargs)
        finally:
            _here.busy = False


class ConstructorTap(Tap):
    """The constructor of all loss classes. Its body holds on to its class, and so must stay."""

    def open(self) -> None:
        def __init__(*args, **kwargs):
            return self.heard(args, kwargs)

        _Loss.__init__ = __init__

    def close(self) -> None:
        _Loss.__init__ = self.function


TAPS = [
    *(
        Tap(name, getattr(F, name))
        for name in FUNCTIONS
        if isinstance(getattr(F, name, None), FunctionType)
    ),
    Tap("adaptive_log_softmax_with_loss", torch.nn.AdaptiveLogSoftmaxWithLoss.forward),
    Tap("backward", torch.Tensor.backward),
    ConstructorTap("constructor", _Loss.__init__),
]
SIGNATURES = {tap.name: tap.signature for tap in TAPS}
