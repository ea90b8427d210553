"""One place in the code that calls a loss, and what the doctor remembers of its calls."""

import linecache
import math
import os
import sys
import weakref
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType, FrameType

import torch
from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.finding import Finding

BY_CLASS = ("cross_entropy", "nll_loss", "linear_cross_entropy")
FIRST = 10  # calls that are looked at before looks get rare
_OURS = os.path.dirname(__file__) + os.sep
_TORCH = os.path.dirname(torch.__file__) + os.sep


def caller(frame: FrameType) -> FrameType:
    """Return the first frame that belongs neither to torch nor to the doctor."""
    while frame.f_back and frame.f_code.co_filename.startswith((_TORCH, _OURS, "<eval_with_key>")):
        frame = frame.f_back
    return frame


class _Token:
    """Lives as long as the node of the graph that holds it."""


@dataclass(eq=False)
class Look:
    """What is kept of one call that was looked at.

    Attributes
    ----------
    number : int
        Which call of its place it was, from 1.
    value : float or None
        The loss, if it is one number.
    divisor : float or None
        What a mean was divided by.
    ignored : int
        How many targets were ignored.
    size : int
        How many numbers the loss has.
    alone : float or None
        The class weight of all targets, if they are all of one class.
    sample : Tensor
        The first entries of the input.
    fine : bool
        Whether the dtype has enough digits to compare values.
    upstream : float or None
        The gradient that arrived at the loss; the sum of it, if the loss is no single number.
    even : bool
        Whether the same gradient arrived at every number of the loss.
    gradient : str
        What left the loss backwards: "" (nothing yet), "zero", "nan" or "other".
    nan_taken : bool
        Whether the weights were then updated with a gradient that holds NaN.
    step, backward : int or None
        How many updates of the weights had been before it, and the number of the backward pass.
    """

    number: int
    value: float | None
    divisor: float | None
    ignored: int
    size: int
    alone: float | None
    sample: Tensor
    fine: bool
    learns: bool
    upstream: float | None = None
    even: bool = True
    gradient: str = ""
    nan_taken: bool = False
    step: int | None = None
    backward: int | None = None
    token: object = lambda: None

    @property
    def held(self) -> bool:
        """Whether the graph is still there, although its gradient has been computed."""
        return self.upstream is not None and self.token() is not None


@dataclass(eq=False)
class Place:
    """One line of code that calls one loss.

    Attributes
    ----------
    loss : str
        The loss, named as in ``torch.nn.functional``.
    file, line : str, int
        Where.
    calls, looked : int
        How often it was called, and how many of these calls were looked at.
    looks : deque of Look
        The last of them.
    seen : Counter
        How many looks showed each finding, by code.
    findings : dict
        What was said, by code.
    """

    loss: str
    code: CodeType
    line: int
    watch: object
    calls: int = 0
    looked: int = 0
    looks: deque = field(default_factory=lambda: deque(maxlen=32))
    streaks: Counter = field(default_factory=Counter)
    seen: Counter = field(default_factory=Counter)
    findings: dict = field(default_factory=dict)
    said: set = field(default_factory=set)

    def note(self, loss: str, spoken: Iterable, look: bool = True) -> list[Finding]:
        """Keep what the rules noticed at one look, and return what is certain enough to say."""
        noticed = {}
        for rule, text in spoken:
            noticed.setdefault(rule.code, (rule, text))
        self.seen.update(noticed.keys())
        others = {} if look else self.streaks  # at the end no call is looked at, and none is broken
        self.streaks = Counter({**others, **{code: self.streaks[code] + 1 for code in noticed}})
        ripe = [
            rule.finding(loss, text)
            for code, (rule, text) in noticed.items()
            if self.streaks[code] >= rule.calls
        ]
        for finding in ripe:
            self.findings.setdefault(finding.code, finding)
        return ripe

    @property
    def due(self) -> bool:
        """Whether this call is one to look at: the first ten, then the 16th, 32nd, 64th, …"""
        return self.calls <= FIRST or not self.calls & (self.calls - 1)

    @property
    def file(self) -> str:
        return self.code.co_filename

    @property
    def text(self) -> str:
        """The place as people name it: ``train.py, line 12``."""
        name = os.path.relpath(self.file) if os.path.isabs(self.file) else self.file
        if name.startswith(".."):
            name = self.file
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        cell = shell and shell.compile.format_code_name(self.file)
        return f"{'notebook cell' if cell else name}, line {self.line}"

    @property
    def source(self) -> str:
        return linecache.getline(self.file, self.line).strip()

    def remember(self, call: Call, values: list, output) -> Look:
        """Keep a call, and follow what its gradient will be."""
        value = call.output
        single = isinstance(value, Tensor) and value.numel() == 1 and value.is_floating_point()
        look = Look(
            number=self.calls,
            value=float(value) if single else None,
            divisor=divisor(call),
            ignored=len(valid) - int(valid.sum())
            if (valid := valid_targets(call)) is not None
            else 0,
            size=value.numel() if isinstance(value, Tensor) else 0,
            alone=only_weight(call),
            sample=sample(call),
            fine=single and value.dtype in (torch.float32, torch.float64),
            learns=isinstance(output, Tensor) and output.requires_grad,
        )
        self.looks.append(look)
        if look.learns and output.grad_fn is not None:
            prediction = next(
                (v for v in values if isinstance(v, Tensor) and v.requires_grad), None
            )
            follow(look, output, prediction, self.watch)
        return look


def valid_targets(call: Call) -> Tensor | None:
    """Return which of the class indices are not ignored, or None if the target is none."""
    target = call.get("target")
    if call.loss not in BY_CLASS or not isinstance(target, Tensor) or target.is_floating_point():
        return None
    return target.flatten() != (-100 if call.ignore_index is None else call.ignore_index)


def divisor(call: Call) -> float | None:
    """Return by what the mean of this call was divided, as far as it matters for averages."""
    if call.get("reduction") != "mean" or call.get("reduce") is not None:
        return None
    valid = valid_targets(call)
    if valid is None:
        return float(next(iter(call.tensors().values())).numel())
    classes = call.target.flatten()[valid].long()
    return float(valid.sum() if call.weight is None else call.weight[classes].sum())


def only_weight(call: Call) -> float | None:
    """Return the class weight of the targets, if all of them are of one class."""
    valid = valid_targets(call)
    if valid is None or call.weight is None:
        return None
    classes = call.target.flatten()[valid].long().unique()
    return float(call.weight[classes]) if classes.numel() == 1 else None


def sample(call: Call) -> Tensor:
    """Return the first entries of the prediction, to tell whether it changes."""
    first = next(iter(call.tensors().values()), torch.empty(0))
    return first.flatten()[:64].to("cpu", torch.float64, copy=True)


def follow(look: Look, output: Tensor, prediction: Tensor | None, watch) -> None:
    """Note what gradient reaches the loss, and what leaves it; and whether the graph stays.

    The hooks sit on nodes of the graph, never on tensors, and go when they have been called.
    """
    node, token = output.grad_fn, _Token()
    node.metadata["lossbook.doctor"] = token
    look.token = weakref.ref(token)
    handles = []

    def arrives(gradients):
        if gradients[0] is not None and look.upstream is None:
            with watch.unseen():
                gradient = gradients[0].detach()
                look.upstream = float(gradient.sum())
                look.even = not bool((gradient != gradient.flatten()[:1]).any())
                look.step, look.backward = watch.steps, torch._C._current_graph_task_id()

    def leaves(further, gradients):
        with watch.unseen():
            look.gradient = kind(gradients[edge.output_nr : edge.output_nr + 1], further)
        for handle in handles:
            handle.remove()

    handles.append(node.register_prehook(arrives))
    if prediction is not None:
        edge = torch.autograd.graph.get_gradient_edge(prediction)
        handles.append(edge.node.register_hook(leaves))


def kind(*steps: tuple) -> str:
    """Return "nan", "zero" or "other": the gradients of the loss, and of what stands before it."""
    steps = [[g.detach() for g in step if g is not None] for step in steps]
    if any(gradient.isnan().any() for step in steps for gradient in step):
        return "nan"
    dead = any(step and not any(gradient.any() for gradient in step) for step in steps)
    return "zero" if dead else "other"


def changed(first: Tensor, second: Tensor) -> bool:
    """Whether two samples differ by more than rounding."""
    if first.shape != second.shape:
        return True
    scale = max(float(first.abs().max()), float(second.abs().max())) if first.numel() else 0.0
    return bool(math.isfinite(scale) and ((first - second).abs() > 1e-4 * scale).any())
