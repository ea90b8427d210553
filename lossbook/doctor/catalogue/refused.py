"""What each loss takes: said of a call that torch refuses when no other rule knows why."""

from torch import Tensor

from lossbook.doctor.call import SIGNATURES, Call
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import shape

_ALIKE = "input and target: float tensors of the same shape"
_PAIRS = "(N, D) and (N, D) float, target: (N,) of ±1"
_TRIPLE = "anchor, positive, negative: float tensors (N, D)"

TAKES = {  # loss: what it takes, and a call that is right
    "cross_entropy": (
        "input: float logits (N, C, …); target: int64 indices (N, …), or float probabilities of "
        "the input's shape; weight: float (C,)",
        "F.cross_entropy(torch.randn(4, 3), torch.tensor([0, 2, 1, 0]))",
    ),
    "nll_loss": (
        "input: float log-probabilities (N, C, …); target: int64 (N, …); weight: float (C,)",
        "F.nll_loss(F.log_softmax(torch.randn(4, 3), dim=1), torch.tensor([0, 2, 1, 0]))",
    ),
    "kl_div": (
        "input: float log-probabilities of the model; target: float probabilities, same shape",
        "F.kl_div(F.log_softmax(torch.randn(4, 3), dim=1), p, reduction='batchmean')",
    ),
    "binary_cross_entropy": (
        "input and target: float tensors of the same shape, all in [0, 1]",
        "F.binary_cross_entropy_with_logits(torch.randn(4), torch.tensor([0.0, 1.0, 1.0, 0.0]))",
    ),
    "binary_cross_entropy_with_logits": (
        f"{_ALIKE}, the target in [0, 1]; pos_weight: float, one for each class",
        "F.binary_cross_entropy_with_logits(torch.randn(4), torch.tensor([0.0, 1.0, 1.0, 0.0]))",
    ),
    "soft_margin_loss": (
        f"{_ALIKE}, the target ±1",
        "F.soft_margin_loss(torch.randn(4), torch.tensor([-1.0, 1.0, 1.0, -1.0]))",
    ),
    "multilabel_soft_margin_loss": (
        "input: float logits (N, C); target: float (N, C) of 0 and 1; weight: float (C,)",
        "F.multilabel_soft_margin_loss(torch.randn(2, 3), torch.tensor([[1.0, 0, 1], [0, 0, 1]]))",
    ),
    "cosine_embedding_loss": (
        f"input1 and input2: {_PAIRS}; or (D,), (D,) and ()",
        "F.cosine_embedding_loss(a, b, torch.tensor([1.0, -1.0]))",
    ),
    "triplet_margin_loss": (_TRIPLE, "F.triplet_margin_loss(anchor, positive, negative)"),
    "triplet_margin_with_distance_loss": (
        _TRIPLE,
        "F.triplet_margin_with_distance_loss(anchor, positive, negative, margin=0.5)",
    ),
    "margin_ranking_loss": (
        "input1, input2 and target: float tensors of one shape, the target ±1",
        "F.margin_ranking_loss(torch.randn(4), torch.randn(4), torch.tensor([1.0, -1, 1, 1]))",
    ),
    "hinge_embedding_loss": (
        "input: float distances; target: ±1, same shape",
        "F.hinge_embedding_loss(distances, torch.tensor([1.0, -1.0, 1.0]))",
    ),
    "multi_margin_loss": (
        "input: float scores (N, C); target: int64 indices (N,); p: 1 or 2; weight: float (C,)",
        "F.multi_margin_loss(torch.randn(4, 3), torch.tensor([0, 2, 1, 0]))",
    ),
    "multilabel_margin_loss": (
        "input: float scores (N, C); target: int64 (N, C), the labels first and then −1",
        "F.multilabel_margin_loss(torch.randn(1, 4), torch.tensor([[3, 0, -1, -1]]))",
    ),
    "gaussian_nll_loss": (
        "input, target and var (a variance ≥ 0, no σ): float tensors of one shape",
        "F.gaussian_nll_loss(mean, target, F.softplus(raw) + 1e-6)",
    ),
    "poisson_nll_loss": (
        "input: float log-rates; target: float counts, same shape",
        "F.poisson_nll_loss(log_rate, counts)",
    ),
    "ctc_loss": (
        "log_probs: float (T, N, C); targets: int (N, S) or all of them in one row; input_lengths "
        "and target_lengths: (N,)",
        "F.ctc_loss(F.log_softmax(logits, dim=2), targets, input_lengths, target_lengths)",
    ),
    "linear_cross_entropy": (
        "input: float (N, D); linear_weight: float (C, D); target: int64 (N,)",
        "F.linear_cross_entropy(hidden, layer.weight, target, linear_bias=layer.bias)",
    ),
    "adaptive_log_softmax_with_loss": (
        "input: float (N, D); target: int64 (N,)",
        "output, loss = adaptive(hidden, target)",
    ),
    "softmax": ("input: a float tensor; dim: the axis of the classes", "F.softmax(z, dim=1)"),
    "log_softmax": (
        "input: a float tensor; dim: the axis of the classes",
        "F.log_softmax(z, dim=1)",
    ),
} | {
    name: (_ALIKE, f"F.{name}(torch.randn(4), torch.randn(4))")
    for name in ("l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss")
}


def refused(call: Call):
    if not call.arguments:
        names = ", ".join(name for name in SIGNATURES[call.loss].parameters if name[0] != "_")
        return f"the arguments do not fit; {call.loss} takes {names}"
    given = [
        f"{name}: {_short(value)}" for name, value in call.arguments.items() if name in call.given
    ]
    return "torch refuses it; it came with " + ", ".join(given)


def _short(value) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype)[6:]} {shape(value)}"
    return f"{value!r:.40}"


for loss, (takes, example) in TAKES.items():
    rule(
        "refused",
        loss,
        kind="fallback",
        mistake="arguments that torch does not take",
        why=takes,
        instead=example,
    )(refused)
