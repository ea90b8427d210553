"""Noticing that an answer calls what it should build: torch's losses, or our own."""

import sys

from torch.overrides import TorchFunctionMode

from lossbook.practice.guard import LIBRARIES

NAMES = """
    softmax log_softmax softmin logsumexp logaddexp logaddexp2 sigmoid logsigmoid log_sigmoid
    softplus expit cross_entropy cross_entropy_loss nll_loss nll_loss2d nll_loss_nd kl_div
    binary_cross_entropy binary_cross_entropy_with_logits soft_margin_loss
    multilabel_soft_margin_loss cosine_similarity cosine_embedding_loss pairwise_distance cdist dist
    pdist normalize xlogy entr xlog1py l1_loss mse_loss smooth_l1_loss huber_loss poisson_nll_loss
    gaussian_nll_loss margin_ranking_loss hinge_embedding_loss multi_margin_loss
    multilabel_margin_loss triplet_margin_loss triplet_margin_with_distance_loss ctc_loss
    linear_cross_entropy
"""
READY_MADE = set(NAMES.split())
MODULES = (
    "torch.nn", "torch.special", "torch.distributions", "torch.autograd", "scipy", "sklearn",
    "lossbook",
)  # fmt: skip


class Watch(TorchFunctionMode):
    """While it is on, `found` gathers the ready-made functions that are called.

    Torch's functions are seen by the mode, however they are reached; those written in Python, of
    whatever library, by the name of their module, in the first calls (looking costs time).
    """

    def __init__(self, allow, forbid):
        super().__init__()
        self.forbidden = (set() if "torch" in allow else READY_MADE) - allow | forbid
        self.modules = tuple(m for m in MODULES if m.partition(".")[0] not in allow)
        self.allow, self.found, self.calls = allow, set(), 0

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        name = getattr(function, "__name__", "").rstrip("_").removeprefix("special_")
        if name in self.forbidden:
            self.found.add(name)
        return function(*arguments, **(keywords or {}))

    def __enter__(self):
        self.calls += 1
        self.profile = sys.getprofile()
        if self.calls <= 3:
            sys.setprofile(self._see)
        return super().__enter__()

    def __exit__(self, *error):
        sys.setprofile(self.profile)
        return super().__exit__(*error)

    def _see(self, frame, event, argument):
        if event != "call" or not frame.f_code.co_filename.startswith(LIBRARIES):
            return  # a function of the reader's own may have any name
        caller = frame.f_back.f_globals.get("__name__", "") if frame.f_back else ""
        if is_in(caller, ("torch", *MODULES)) and not is_ours(caller):
            return  # what a function does inside is its own matter
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if is_ours(module) or name in self.allow or name.startswith("_"):
            return
        if name in self.forbidden or is_in(module, self.modules):
            self.found.add(name)


def in_c(function):
    """The functions of scipy.special that a function names: written in C, no profile sees them."""
    special, code = sys.modules.get("scipy.special"), getattr(function, "__code__", None)
    if special is None or code is None:
        return set()
    known = {name: function.__globals__.get(name) for name in code.co_names}
    if special in known.values() or sys.modules["scipy"] in known.values():
        return {name for name in code.co_names if name in vars(special)}
    return {name for name, value in known.items() if value is vars(special).get(name, special)}


def is_in(module, modules):
    return any(f"{module}.".startswith(f"{each}.") for each in modules)


def is_ours(module):
    return module.startswith("lossbook.practice")
