"""Forward and backward of each loss, ours over torch's: time, and memory at its peak.

Measured in turns in one process: the median of the ratios of neighbours. A family adds a line for
each of its losses to `CALLS`.

    OMP_NUM_THREADS=1 python tests/benchmarks/losses.py [name ...]
"""

import math
import os
import statistics
import sys
import time

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler of memory is talkative

import torch
import torch.nn.functional as F

import lossbook

SMALL = (64, 10)
ELEMENTS = (4096, 4096)
ROWS = (4096, 1000)
VOCABULARY = (4096, 50_000)


def normal(*shape):
    """Predictions, which have a gradient."""
    return torch.randn(shape, requires_grad=True)


def pairs(*shape):
    """Predictions and targets of one shape."""
    return {"input": normal(*shape), "target": torch.randn(shape)}


def gaussian(*shape):
    return {**pairs(*shape), "var": torch.rand(shape).add(0.5).requires_grad_()}


def counts(*shape):
    return {"input": normal(*shape), "target": torch.randint(9, shape).float()}


def sequences(rows, classes):
    """As many strings as frames, each with half as many labels as frames."""
    frames = math.isqrt(rows)
    lengths = torch.full((2, frames), frames)
    return {
        "log_probs": torch.randn(frames, frames, classes).log_softmax(-1).requires_grad_(),
        "targets": torch.randint(1, classes, (frames, frames // 2)),
        "input_lengths": lengths[0],
        "target_lengths": lengths[1] // 2,
    }


def signed(*shape):
    return {"input": normal(*shape), "target": torch.randn(shape).sign()}


def answered(*shape):
    return {"input": normal(*shape), "target": torch.randint(2, shape).float()}


def believed(*shape):
    return {**answered(*shape), "input": torch.rand(shape).requires_grad_()}


def ranked(*shape):
    return {"input1": normal(*shape), "input2": normal(*shape), "target": torch.randn(shape).sign()}


def labelled(*shape):
    return {"input": normal(*shape), "target": torch.randint(shape[1], shape[:1])}


def three_labels(*shape):
    target = torch.full(shape, -1)
    target[:, :3] = torch.rand(shape).argsort(1)[:, :3]
    return {"input": normal(*shape), "target": target}


def vectors(*shape):
    return {"x1": normal(*shape), "x2": normal(*shape)}


def marked(*shape):
    target = torch.randn(shape[0]).sign()
    return {"input1": normal(*shape), "input2": normal(*shape), "target": target}


def triplets(*shape):
    return {name: normal(*shape) for name in ("anchor", "positive", "negative")}


def logits(*shape):
    return {"input": normal(*shape), "dim": 1}


def smoothed(*shape):
    return {**labelled(*shape), "label_smoothing": 0.1}


def soft_targets(*shape):
    return {"input": normal(*shape), "target": torch.randn(shape).softmax(1)}


def divergent(*shape):
    return {**soft_targets(*shape), "reduction": "batchmean"}


def layer(rows, classes):
    """Features and a layer that makes logits of them, of the size that they have in training."""
    features = 512 if rows > 64 else 16
    weight = torch.randn(classes, features) / features**0.5
    return {
        "input": normal(rows, features),
        "linear_weight": weight.requires_grad_(),
        "target": torch.randint(classes, (rows,)),
    }


def clustered(rows, classes):
    """Features, and the module whose weights both use."""
    cutoffs = [classes // 10, classes // 2]
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(64, classes, cutoffs)
    return {"input": normal(rows, 64), "target": torch.randint(classes, (rows,)), "module": module}


def adaptive(input, target, module):
    tail = [(down.weight, up.weight) for down, up in module.tail]
    return lossbook.adaptive_log_softmax_with_loss(input, target, module.head.weight, tail)


def adaptive_module(input, target, module):
    return module(input, target)


def numbers(*shape):
    return {"input": normal(*shape)}


# By name: the large size, and what makes the arguments of a call of some size. A second call of the
# same loss has a name such as "cross_entropy, smoothed".
CALLS = {
    "l1_loss": (ELEMENTS, pairs),
    "mse_loss": (ELEMENTS, pairs),
    "smooth_l1_loss": (ELEMENTS, pairs),
    "huber_loss": (ELEMENTS, pairs),
    "gaussian_nll_loss": (ELEMENTS, gaussian),
    "poisson_nll_loss": (ELEMENTS, counts),
    "sigmoid": (ELEMENTS, numbers),
    "logsigmoid": (ELEMENTS, numbers),
    "softplus": (ELEMENTS, numbers),
    "binary_cross_entropy": (ELEMENTS, believed),
    "binary_cross_entropy_with_logits": (ELEMENTS, answered),
    "soft_margin_loss": (ELEMENTS, signed),
    "multilabel_soft_margin_loss": (ROWS, answered),
    "margin_ranking_loss": (ELEMENTS, ranked),
    "hinge_embedding_loss": (ELEMENTS, signed),
    "multi_margin_loss": (ROWS, labelled),
    "multilabel_margin_loss": (ROWS, three_labels),
    "cosine_similarity": (ROWS, vectors),
    "pairwise_distance": (ROWS, vectors),
    "cosine_embedding_loss": (ROWS, marked),
    "triplet_margin_loss": (ROWS, triplets),
    "triplet_margin_with_distance_loss": (ROWS, triplets),
    "softmax": (ROWS, logits),
    "log_softmax": (ROWS, logits),
    "logsumexp": (ROWS, logits),
    "nll_loss": (ROWS, labelled),
    "cross_entropy": (ROWS, labelled),
    "cross_entropy, smoothed": (ROWS, smoothed),
    "cross_entropy, probabilities": (ROWS, soft_targets),
    "kl_div": (ELEMENTS, divergent),
    "ctc_loss": (ROWS, sequences),
    "linear_cross_entropy": (VOCABULARY, layer),
    "adaptive_log_softmax_with_loss": (VOCABULARY, clustered),
}


def step(function, call):
    """Forward and backward; the gradients are let go."""
    result = function(**call)
    result = getattr(result, "loss", result)  # the adaptive softmax has two results
    leaves = [x for x in call.values() if isinstance(x, torch.Tensor) and x.requires_grad]
    leaves += call["module"].parameters() if "module" in call else []
    torch.autograd.grad(result, leaves, torch.ones_like(result))


def pair(name):
    """Ours and torch's function."""
    function = name.split(",")[0]
    if function.startswith("adaptive"):  # which torch has as a module alone
        return adaptive, adaptive_module
    return getattr(lossbook, function), getattr(F if hasattr(F, function) else torch, function)


def ratio(name, call, seconds):
    """The median of ours over torch's, of at least six pairs and as many as fit in the time."""
    functions, ratios = pair(name), []
    start = time.perf_counter()
    while len(ratios) < 6 or time.perf_counter() - start < seconds:
        times = []
        for function in functions:
            before = time.perf_counter()
            step(function, call)
            times.append(time.perf_counter() - before)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios[1:])


def peak(function, call):
    """How many bytes a step holds at its peak, beyond its arguments."""
    with torch.profiler.profile(profile_memory=True) as profiler:
        step(function, call)
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def measured(name):
    """Ours over torch's: time at the large and at the small size, and memory at its peak."""
    size, make = CALLS[name]
    torch.manual_seed(0)
    small, large = make(*SMALL), make(*size)
    ours, torchs = (peak(function, large) for function in pair(name))
    return ratio(name, large, 2), ratio(name, small, 0.5), ours / torchs


def rows(names=()):
    """Rows of the table of `make bench`: what, measured, aim."""
    found = {"large": [], "small": []}
    for name in CALLS:
        if names and name not in names:
            continue
        large, small, memory = measured(name)
        found["large"].append(large)
        found["small"].append(small)
        text = f"large {large:.2f}, small {small:.2f}, memory {memory:.2f}"
        yield f"{name} over torch", text, "large at most 1.50"
    mean = {size: math.exp(statistics.fmean(map(math.log, r))) for size, r in found.items()}
    text = f"large {mean['large']:.2f}, small {mean['small']:.2f}"
    yield "losses, geometric mean", text, "large at most 1.00, small 2.00"


if __name__ == "__main__":
    for row in rows(sys.argv[1:]):
        print("  ".join(f"{cell:<34}" for cell in row).rstrip(), flush=True)
