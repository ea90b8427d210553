"""One call of a loss: what was given, by name, and what torch made of it."""

import inspect
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

MODULES = {
    "AdaptiveLogSoftmaxWithLoss": "adaptive_log_softmax_with_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "CTCLoss": "ctc_loss",
    "CosineEmbeddingLoss": "cosine_embedding_loss",
    "CrossEntropyLoss": "cross_entropy",
    "GaussianNLLLoss": "gaussian_nll_loss",
    "HingeEmbeddingLoss": "hinge_embedding_loss",
    "HuberLoss": "huber_loss",
    "KLDivLoss": "kl_div",
    "L1Loss": "l1_loss",
    "LinearCrossEntropyLoss": "linear_cross_entropy",
    "MSELoss": "mse_loss",
    "MarginRankingLoss": "margin_ranking_loss",
    "MultiLabelMarginLoss": "multilabel_margin_loss",
    "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
    "MultiMarginLoss": "multi_margin_loss",
    "NLLLoss": "nll_loss",
    "NLLLoss2d": "nll_loss",
    "PoissonNLLLoss": "poisson_nll_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "SoftMarginLoss": "soft_margin_loss",
    "TripletMarginLoss": "triplet_margin_loss",
    "TripletMarginWithDistanceLoss": "triplet_margin_with_distance_loss",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
}


def _adaptive(module, input, target):
    return module(input, target)


def copy(function: Callable) -> Callable:
    """Return a copy that stays as it is now when `watch` gives the function another body."""
    if not isinstance(function, FunctionType):
        return function
    code, name = function.__code__, function.__name__
    twin = FunctionType(
        code, function.__globals__, name, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__, twin.__qualname__ = function.__kwdefaults__, function.__qualname__
    return twin


# The losses, and the two functions before them that have pitfalls of their own.
FUNCTIONS: dict[str, Callable] = {
    name: copy(getattr(F, name, _adaptive)) for name in dict.fromkeys(MODULES.values())
}
SIGNATURES = {name: inspect.signature(function) for name, function in FUNCTIONS.items()}


def function_name(name: str) -> str:
    """Return the name in ``torch.nn.functional`` of a loss, given that or the class name."""
    if not isinstance(name, str):
        name = getattr(name, "__name__", type(name).__name__)
    short = name.rpartition(".")[2]
    short = MODULES.get(short, short)
    if short not in FUNCTIONS:
        from difflib import get_close_matches

        near = get_close_matches(short, [*FUNCTIONS, *MODULES], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{name!r} is no loss of torch.nn.functional that the doctor knows.{hint} "
            "`lossbook.doctor.rules()` lists what it knows."
        )
    return short


class Call:
    """One call of a loss. Its arguments are attributes: ``call.input``, ``call.reduction``, …

    Tensors are detached and plain. A default that was not given stands with its value.

    Attributes
    ----------
    loss : str
        The function, named as in ``torch.nn.functional``.
    arguments : dict
        All arguments by name; empty if torch does not take such arguments.
    given : set of str
        The names of the arguments that the caller gave.
    learns : set of str
        The names of the tensors that require a gradient.
    output : Tensor or None
        What torch returned, detached.
    error : Exception or None
        What torch raised.
    """

    def __init__(
        self, loss: str, args: tuple, kwargs: dict, output=None, error=None, signature=None
    ):
        self.loss, self.error = loss, error
        self.args, self.kwargs = args, kwargs
        try:
            bound = (signature or SIGNATURES[loss]).bind(*args, **kwargs)
            self.given = set(bound.arguments)
            bound.apply_defaults()
            arguments = bound.arguments
        except TypeError:
            self.given, arguments = set(kwargs), {}
        self.learns = {name for name, value in arguments.items() if _learns(value)}
        self.arguments = {name: plain(value) for name, value in arguments.items()}
        output = output[1] if isinstance(output, tuple) else output
        self.output = plain(output)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["arguments"][name]
        except KeyError:
            loss = self.__dict__.get("loss")
            raise AttributeError(f"a call of {loss} has no argument {name!r}") from None

    def get(self, name: str, default=None) -> Any:
        """Return an argument, or the default if this loss has none of that name."""
        return self.arguments.get(name, default)

    def tensors(self) -> dict[str, Tensor]:
        """Return the arguments that are tensors."""
        return {name: value for name, value in self.arguments.items() if isinstance(value, Tensor)}


def _learns(value) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def plain(value):
    """Return a tensor detached and without its subclass; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    value = value.detach()
    return value if type(value) is Tensor else value.as_subclass(Tensor)


def run(loss: str, args: tuple, kwargs: dict) -> Call:
    """Call torch's function without recording it, and return what came of it."""
    try:
        # What torch warns of, the rules say better.
        with torch.no_grad(), warnings.catch_warnings(action="ignore", category=UserWarning):
            return Call(loss, args, kwargs, output=FUNCTIONS[loss](*args, **kwargs))
    except Exception as error:
        return Call(loss, args, kwargs, error=error)
