"""Loss functions from scratch, and the tools with which the lessons prove, verify and show them."""

from importlib import import_module

# Two functions stay behind their module. `lossbook.information` is the module, so that its function
# `information` can't have the name as well; and `lossbook.cross_entropy` belongs to the loss that
# can be exchanged for `torch.nn.functional.cross_entropy`, which takes logits and labels.
from lossbook.errors import LossInputError
from lossbook.information import (
    conditional_entropy,
    entropy,
    joint,
    js_divergence,
    kl_divergence,
    mutual_information,
    perplexity,
)
from lossbook.losses import *  # noqa: F403
from lossbook.losses import __all__ as _losses

__version__ = "0.1.0"

__all__ = [
    "LossInputError",
    "conditional_entropy",
    "entropy",
    "joint",
    "js_divergence",
    "kl_divergence",
    "mutual_information",
    "perplexity",
    *_losses,
]

# The tools bring sympy, matplotlib and ipywidgets with them, so they load when first named.
_TOOLS = ("atlas", "derive", "doctor", "environment", "explore", "folklore", "verify")


def __getattr__(name):
    if name in _TOOLS:
        return import_module(f"lossbook.{name}")
    raise AttributeError(f"module 'lossbook' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_TOOLS})
