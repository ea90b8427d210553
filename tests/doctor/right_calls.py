"""Draws right calls of each loss, as right programs make them: nothing may be found in them."""

import torch
import torch.nn.functional as F
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


class Draw:
    """A seeded source of sizes, numbers and choices."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def size(self, low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def chance(self, probability: float) -> bool:
        return float(torch.rand((), generator=self.generator)) < probability

    def one_of(self, *values):
        return values[self.size(0, len(values) - 1)]

    def normal(self, *shape, scale=1.0) -> Tensor:
        return torch.randn(shape, generator=self.generator) * scale

    def uniform(self, *shape) -> Tensor:
        return torch.rand(shape, generator=self.generator)

    def indices(self, classes: int, *shape) -> Tensor:
        return torch.randint(classes, shape, generator=self.generator)

    def scores(self, *shape, half=True) -> Tensor:
        """What a linear layer gives: fresh (small, with a bias for each output), or trained."""
        kind = self.one_of("fresh", "trained", "sure", "rectified")
        out = self.normal(*shape, scale={"fresh": 0.3, "trained": 3.0}.get(kind, 10.0))
        if kind == "fresh":
            out = out + self.normal(*shape[1:2], *[1] * max(0, len(shape) - 2), scale=0.3)
        if kind == "rectified" and self.chance(0.2):
            out = out.relu()
        return self.dtype(out, half=half)

    def dtype(self, *tensors: Tensor, half=True):
        dtype = self.one_of(torch.float32, torch.float32, torch.float64, *(HALF if half else ()))
        tensors = [tensor.to(dtype) for tensor in tensors]
        if self.chance(0.5):
            tensors[0].requires_grad_()
        return tensors[0] if len(tensors) == 1 else tensors

    def shape(self, classes: int) -> tuple[int, ...]:
        """The shape of predictions over classes: often (N, C), now and then another."""
        n = self.one_of(1, 2, 3, 8, 32)
        return self.one_of(
            (n, classes), (n, classes), (classes,), (n, classes, 5), (n, classes, 3, 4)
        )

    def distribution(self, *shape, dim=1) -> Tensor:
        return (self.normal(*shape) * self.one_of(0.3, 1.0, 5.0)).softmax(dim)

    def reduction(self, *others: str) -> str:
        return self.one_of("mean", "sum", "none", *others)


def _class_target(draw: Draw, shape: tuple[int, ...], ignored: int = -100) -> Tensor:
    without = shape[:1] + shape[2:] if len(shape) > 1 else ()
    target = draw.indices(shape[min(1, len(shape) - 1)], *without)
    if target.numel() > 2 and draw.chance(0.3):
        target.view(-1)[: target.numel() // 2] = ignored
    return target


def _class_weight(draw: Draw, input: Tensor, classes: int) -> Tensor | None:
    return (draw.uniform(classes) + 0.1).to(input.dtype) if draw.chance(0.3) else None


def cross_entropy(draw: Draw):
    classes = draw.one_of(2, 3, 10, 100)
    shape = draw.shape(classes)
    dim = min(1, len(shape) - 1)
    input = draw.scores(*shape)
    options = {"reduction": draw.reduction()}
    if input.dtype == torch.float16:  # a sum would overflow, and that is a mistake
        options["reduction"] = "mean"
    if draw.chance(0.3):  # soft targets: a teacher's, a mixture of two labels, smoothed labels
        soft = draw.distribution(*shape, dim=dim)
        hard = F.one_hot(soft.argmax(dim), classes).movedim(-1, dim).float()
        mixed = 0.7 * hard + 0.3 * hard.roll(1, dim)
        return (input, draw.one_of(soft, hard, mixed).to(input.dtype)), options
    target = _class_target(draw, shape)
    if draw.chance(0.3) and input.dtype != torch.float16:  # where it may overflow
        options["label_smoothing"] = draw.one_of(0.0, 0.1, 0.2)
    if draw.chance(0.2) and classes > 2 and len(shape) == 2:  # actions that are not allowed
        allowed = F.one_hot(target.clamp(min=0), classes).bool() | (draw.uniform(*shape) < 0.7)
        input = input.detach().masked_fill(~allowed, -torch.inf)
        options["label_smoothing"] = 0.0
    if target.numel() > 8:
        options["weight"] = _class_weight(draw, input, classes)
    return (input, target), options


def nll_loss(draw: Draw):
    (input, target), options = cross_entropy(draw)
    if target.is_floating_point():
        target = target.argmax(min(1, target.dim() - 1))
    options.pop("label_smoothing", None)
    return (input.log_softmax(min(1, input.dim() - 1)), target), options


def linear_cross_entropy(draw: Draw):
    n, features, classes = draw.size(1, 16), draw.size(1, 8), draw.one_of(2, 5, 30)
    input, weight = draw.dtype(draw.normal(n, features), draw.normal(classes, features))
    return (input, weight, draw.indices(classes, n)), {"reduction": draw.one_of("mean", "sum")}


def kl_div(draw: Draw):
    shape = draw.one_of(1, 2, 8, 32), draw.one_of(2, 3, 10)
    logits, target = draw.dtype(draw.normal(*shape, scale=2), draw.distribution(*shape))
    input = logits.log_softmax(1)
    options = {"reduction": draw.one_of("batchmean", "sum", "none")}
    if draw.chance(0.3):
        return (input, draw.normal(*shape).log_softmax(1).to(input.dtype)), options | {
            "log_target": True
        }
    if draw.chance(0.2):
        target = F.one_hot(target.argmax(1), shape[1]).to(input.dtype)
    return (input, target), options


def _answers(draw: Draw, shape) -> Tensor:
    target = (draw.uniform(*shape) < draw.one_of(0.02, 0.5, 0.9)).float()
    return draw.one_of(target, target, draw.uniform(*shape), target * 0.9 + 0.05)


def _answer_shape(draw: Draw) -> tuple[int, ...]:
    n = draw.one_of(1, 2, 4, 16, 64)
    return draw.one_of((n,), (n, 1), (n, 5), (n, 1, 4, 4), ())


def binary_cross_entropy(draw: Draw):
    shape = _answer_shape(draw)
    # In half precision a sigmoid is soon exactly 1, and that is a mistake.
    input = draw.dtype(draw.normal(*shape, scale=2), half=False).sigmoid()
    options = {"reduction": draw.reduction()}
    if draw.chance(0.2):
        options["weight"] = (draw.uniform(*shape) + 0.5).to(input.dtype)
    return (input, _answers(draw, shape).to(input.dtype)), options


def binary_cross_entropy_with_logits(draw: Draw):
    shape = _answer_shape(draw)
    input = draw.scores(*shape) if shape else draw.dtype(draw.normal())
    options = {"reduction": draw.reduction()}
    if draw.chance(0.3):
        options["pos_weight"] = torch.tensor(3.0, dtype=input.dtype)
        if len(shape) == 2:
            options["pos_weight"] = (draw.uniform(shape[1]) * 9 + 1).to(input.dtype)
    return (input, _answers(draw, shape).to(input.dtype)), options


def soft_margin_loss(draw: Draw):
    shape = _answer_shape(draw)
    input = draw.scores(*shape, half=False) if shape else draw.dtype(draw.normal(), half=False)
    return (input, draw.indices(2, *shape).to(input.dtype) * 2 - 1), {"reduction": draw.reduction()}


def multilabel_soft_margin_loss(draw: Draw):
    shape = draw.one_of(1, 3, 20), draw.one_of(2, 5)
    input = draw.scores(*shape)
    return (input, draw.indices(2, *shape).to(input.dtype)), {"reduction": draw.reduction()}


def _regression(draw: Draw):
    shape = draw.one_of((1,), (16,), (16, 1), (8, 3), (4, 3, 5, 5), ())
    input, target = draw.dtype(draw.normal(*shape), draw.normal(*shape, scale=3))
    return (input, target), {"reduction": draw.reduction()}


def l1_loss(draw: Draw):
    return _regression(draw)


def mse_loss(draw: Draw):
    return _regression(draw)


def smooth_l1_loss(draw: Draw):
    args, options = _regression(draw)
    return args, options | {"beta": draw.one_of(0.1, 1.0, 2.0)}


def huber_loss(draw: Draw):
    args, options = _regression(draw)
    return args, options | {"delta": draw.one_of(0.1, 1.0, 2.0)}


def gaussian_nll_loss(draw: Draw):
    (input, target), options = _regression(draw)
    variance = (F.softplus(draw.normal(*input.shape)) + 1e-3).to(input.dtype)
    return (input, target, variance), options


def poisson_nll_loss(draw: Draw):
    shape = draw.one_of((1,), (16,), (16, 1), (8, 3))
    rate = torch.exp(draw.normal(*shape))
    counts = torch.poisson(rate, generator=draw.generator)
    log_rate = draw.dtype(draw.normal(*shape))
    options = {"reduction": draw.reduction(), "full": draw.chance(0.3)}
    if draw.chance(0.3):
        return (F.softplus(log_rate), counts.to(log_rate.dtype)), options | {"log_input": False}
    return (log_rate, counts.to(log_rate.dtype)), options


def _signs(draw: Draw, n: int) -> Tensor:
    return draw.indices(2, n) * 2 - 1


def cosine_embedding_loss(draw: Draw):
    n, features = draw.one_of(1, 2, 16, 40), draw.one_of(2, 8, 64)
    a, b = draw.dtype(draw.normal(n, features), draw.normal(n, features))
    return (a, b, _signs(draw, n)), {
        "margin": draw.one_of(0.0, 0.2, 0.5),
        "reduction": draw.reduction(),
    }


def _triplets(draw: Draw):
    n, features = draw.one_of(1, 2, 16, 40), draw.one_of(2, 8, 64)
    triplets = draw.dtype(*(draw.normal(n, features) for _ in range(3)))
    if draw.chance(0.3):
        triplets = [F.normalize(vectors.float(), dim=1).to(vectors.dtype) for vectors in triplets]
    return tuple(triplets), {"margin": draw.one_of(0.2, 1.0), "reduction": draw.reduction()}


def triplet_margin_loss(draw: Draw):
    args, options = _triplets(draw)
    return args, options | {"swap": draw.chance(0.3)}


def triplet_margin_with_distance_loss(draw: Draw):
    args, options = _triplets(draw)
    if draw.chance(0.5):
        options["distance_function"] = lambda a, b: 1 - F.cosine_similarity(a, b)
    return args, options


def margin_ranking_loss(draw: Draw):
    n = draw.one_of(1, 2, 16, 40)
    a, b = draw.dtype(draw.normal(n), draw.normal(n))
    return (a, b, _signs(draw, n).to(a.dtype)), {"margin": draw.one_of(0.0, 0.5)}


def hinge_embedding_loss(draw: Draw):
    n = draw.one_of(1, 2, 16, 40)
    distances = draw.dtype(draw.normal(n, 8)).float().norm(dim=1)
    return (distances, _signs(draw, n)), {"margin": draw.one_of(1.0, 2.0)}


def multi_margin_loss(draw: Draw):
    n, classes = draw.one_of(1, 2, 16, 40), draw.one_of(2, 3, 10)
    input = draw.scores(n, classes, half=False)  # torch has no half precision here
    return (input, draw.indices(classes, n)), {
        "p": draw.one_of(1, 2),
        "reduction": draw.reduction(),
    }


def multilabel_margin_loss(draw: Draw):
    n, classes = draw.one_of(1, 2, 16), draw.one_of(3, 5, 10)
    input = draw.scores(n, classes, half=False)  # torch has no half precision here
    target = torch.stack([torch.randperm(classes, generator=draw.generator) for _ in range(n)])
    for row in target:
        row[draw.size(1, classes - 1) :] = -1
    return (input, target), {"reduction": draw.reduction()}


def ctc_loss(draw: Draw):
    time, n, classes, most = draw.size(10, 20), draw.one_of(1, 3, 8), draw.one_of(3, 5, 20), 4
    log_probs = draw.normal(time, n, classes).requires_grad_(draw.chance(0.5)).log_softmax(2)
    targets = draw.indices(classes - 1, n, most) + 1
    lengths = draw.indices(most, n) + 1
    if draw.chance(0.5):
        targets = torch.cat([row[:length] for row, length in zip(targets, lengths, strict=True)])
    options = {"reduction": draw.reduction(), "zero_infinity": draw.chance(0.3)}
    return (log_probs, targets, torch.full((n,), time), lengths), options


def adaptive_log_softmax_with_loss(draw: Draw):
    n, features, classes = draw.size(2, 16), 4, 20
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(features, classes, [5, 10])
    frequent_first = (20 * draw.uniform(n) ** 3).long()
    return (module, draw.normal(n, features), frequent_first), {}


def softmax(draw: Draw):
    return (draw.scores(*draw.shape(draw.one_of(2, 3, 10))),), {"dim": -1}


log_softmax = softmax
