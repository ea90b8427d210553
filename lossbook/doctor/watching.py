"""Watches every call of a torch loss that a program makes."""

import atexit
import functools
import sys
import warnings
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils._python_dispatch import _disable_current_modes

from lossbook.doctor import report, tap
from lossbook.doctor.call import FUNCTIONS, MODULES, Call
from lossbook.doctor.finding import Finding, Findings, LossWarning
from lossbook.doctor.place import Place, caller
from lossbook.doctor.rule import Rule, spoken, spoken_of_call, warn_of

ACTIONS = ("warn", "raise", "collect")


class Watch:
    """Sees the calls of torch's losses in one thread. Made by `watch`; shows itself as a report.

    Attributes
    ----------
    places : list of Place
        The places in the code that called a loss.
    findings : Findings
        All that was said, once for each place.
    """

    def __init__(self, action: str = "warn"):
        if action not in ACTIONS:
            raise ValueError(f"action is {action!r}, and must be one of {', '.join(ACTIONS)}")
        self.action = action
        self.steps = 0
        self._places: dict[tuple, Place] = {}
        self.last: Place | None = None
        self._off: set[Rule] = set()
        self._failed = False
        self._reported = 0
        self._in: list | None = None
        self.start()

    def __repr__(self) -> str:
        return report.text(self)

    def _repr_html_(self) -> str:
        return report.to_html(self)

    @property
    def places(self) -> list[Place]:
        return list(self._places.values())

    @property
    def findings(self) -> Findings:
        return Findings(found for place in self.places for found in place.findings.values())

    def start(self) -> "Watch":
        """Begin to watch this thread, if that has not begun."""
        if self._in is None:
            self._in = tap.listeners()
            tap.listen(self)
            self._hooks = [
                register_optimizer_step_pre_hook(self._before_step),
                register_optimizer_step_post_hook(self._after_step),
            ]
            atexit.register(self._close)
        return self

    def stop(self) -> "Watch":
        """End to watch. A second time it does nothing."""
        if self._in is not None:
            tap.leave(self, self._in)
            for hook in self._hooks:
                hook.remove()
            self._in = None
            atexit.unregister(self._close)
            for place in self.places:
                ripe = []
                with self.unseen():
                    ripe = place.note(place.loss, self._over_calls(place), look=False)
                self._say(place, ripe)
        return self

    def _close(self) -> None:
        self.stop()
        found = len(self.findings)
        if self.action == "warn" and found > self._reported:  # a step that is watched ends often
            self._reported = found
            print(self, file=sys.stderr)

    def __enter__(self) -> "Watch":
        return self.start()

    def __exit__(self, kind, *_) -> None:
        try:
            self._close()
        except LossWarning:
            if kind is None:  # otherwise the block has an error of its own, and that one goes on
                raise

    def __call__(self, function):
        """Watch what a function does: ``@doctor.watch()``."""
        self.stop()

        @functools.wraps(function)
        def watched(*args, **kwargs):
            if self._in is not None:  # a function that calls itself
                return function(*args, **kwargs)
            with self:
                return function(*args, **kwargs)

        return watched

    def hear(self, name: str, original, args: tuple, kwargs: dict):
        """Stand for one call of a function of torch (see `tap`)."""
        place = self._place(name)
        place.calls += 1
        try:
            output = original(*args, **kwargs)
        except Exception as error:
            for finding in self._look(place, args, kwargs, error=error):
                error.add_note(f"lossbook.doctor: {finding}")
            raise
        if place.due:
            self._say(place, self._look(place, args, kwargs, output=output))
        return output

    def _place(self, name: str) -> Place:
        frame = caller(sys._getframe(1))
        key = frame.f_code, frame.f_lineno, name
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place(name, frame.f_code, frame.f_lineno, self)
        if name in FUNCTIONS:
            self.last = place
        return place

    def _look(self, place: Place, args, kwargs, output=None, error=None) -> list[Finding]:
        """Look at one call, and return what is to be said of it."""
        values = [*args, *kwargs.values()]
        ripe = []
        with self.unseen():
            # A subclass of Tensor may have a loss of its own, and return what it likes.
            strange = error is None and not isinstance(output, Tensor | tuple | None)
            if strange or not can_look(values):
                return ripe
            call, kind = self._call(place, args, kwargs, output, error)
            if call is None:
                return ripe
            place.looked += 1
            if kind == "call" and error is None:
                place.remember(call, values, output)
            said = spoken_of_call if kind == "call" else functools.partial(spoken, kind=kind)
            ripe = place.note(
                call.loss,
                [*said(call, failed=self._fault, off=self._off), *self._over_calls(place)],
            )
        return ripe

    def _call(self, place: Place, args, kwargs, output, error) -> tuple[Call | None, str]:
        """Return a call, and the kind of the rules that look at it."""
        if place.loss in FUNCTIONS:
            return Call(place.loss, args, kwargs, output, error), "call"
        signature = tap.SIGNATURES[place.loss]
        if place.loss == "constructor":
            loss = next((c.__name__ for c in type(args[0]).__mro__ if c.__name__ in MODULES), None)
            loss = MODULES.get(loss)
        else:
            loss = self.last and self.last.loss
        if loss is None:
            return None, ""
        call = Call(loss, args, kwargs, output, error, signature)
        call.last = self.last
        return call, place.loss

    def _over_calls(self, place: Place):
        return spoken(place, "calls", self._fault, self._off)

    def _say(self, place: Place, ripe: list[Finding]) -> None:
        new = [finding for finding in ripe if finding.code not in place.said]
        place.said.update(finding.code for finding in new)
        if self.action == "raise" and new:
            raise LossWarning(new[0])
        if self.action == "warn":
            for finding in new:
                warnings.warn_explicit(LossWarning(finding), None, place.file, place.line)

    @contextmanager
    def unseen(self):
        """Look at tensors without a trace: nothing is recorded, and no fault gets out."""
        try:
            with ExitStack() as stack:
                stack.enter_context(torch._C.DisableTorchFunction())
                stack.enter_context(_disable_current_modes())
                stack.enter_context(torch.no_grad())
                for device in ("cpu", "cuda"):
                    if torch.is_autocast_enabled(device):
                        stack.enter_context(torch.autocast(device, enabled=False))
                yield
        except Exception as error:
            if not self._failed:
                self._failed = True
                warnings.warn(f"the doctor failed: {error!r}", RuntimeWarning, stacklevel=1)

    def _fault(self, rule: Rule, error: Exception) -> None:
        self._off.add(rule)
        warn_of(rule, error)

    def _before_step(self, optimizer, *_) -> None:
        place = self.last
        if tap.listeners() is self._in and place and place.looks and place.due:
            with self.unseen():
                groups = optimizer.param_groups
                weights = [weight for group in groups for weight in group["params"]]
                if any(w.grad is not None and w.grad.isnan().any() for w in weights):
                    place.looks[-1].nan_taken = True

    def _after_step(self, *_) -> None:
        if tap.listeners() is self._in:
            self.steps += 1


def can_look(values: list) -> bool:
    """Whether the values of all tensors can be read without being in the way."""
    if (
        torch._C._get_tracing_state() is not None
        or torch._C._functorch.peek_interpreter_stack() is not None
        or (torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing())
    ):
        return False
    return all(is_plain(value) for value in values if hasattr(value, "__torch_function__"))


def is_plain(value) -> bool:
    """Whether a tensor holds its own numbers, in rows and columns."""
    own = getattr(type(value), "__torch_dispatch__", None) in (None, Tensor.__torch_dispatch__)
    return (
        isinstance(value, Tensor)
        and own
        and not value.is_meta
        and not value.is_nested
        and not value.is_quantized
        and value.layout == torch.strided
    )


def watch(action: str = "warn"):
    """Watch every call of a torch loss in this thread, and say what looks wrong.

    It begins at once: ``doctor.watch()`` at the top of a script watches to its end,
    ``with doctor.watch():`` the block, and ``@doctor.watch()`` every call of a function. Of two
    watches in one thread the one that began last sees the calls.

    Parameters
    ----------
    action : str
        "warn" : a `LossWarning` once for each finding and place in the code, and a report at the
        end (on the standard error stream).
        "raise" : raise the `LossWarning` after the call.
        "collect" : say nothing; the object that is returned shows itself as the report.

    Returns
    -------
    Watch
        Its ``findings`` are a list, its ``places`` say where; ``stop()`` ends it.

    Raises
    ------
    ValueError
        For another action.

    Notes
    -----
    The first ten calls of each place are looked at, then the 16th, 32nd, 64th, … Results,
    gradients and the random state stay as they are. Calls under torch.compile, ``torch.func``
    and tracing are not looked at.

    Examples
    --------
    >>> import torch
    >>> logits, target = torch.arange(12.0).reshape(4, 3).sin(), torch.tensor([0, 1, 2, 0])
    >>> with watch("collect") as seen:
    ...     for _ in range(2):
    ...         loss = torch.nn.functional.cross_entropy(logits.softmax(dim=1), target)
    >>> seen.findings.codes
    ['softmax-twice']
    """
    if callable(action):
        return Watch()(action)
    return Watch(action)
