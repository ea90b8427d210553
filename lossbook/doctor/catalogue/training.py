"""What only several calls show, or the way back: training steps, averages, the graph."""

import math
from collections import defaultdict
from itertools import pairwise

from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.catalogue.arguments import LEGACY_WORDS, legacy
from lossbook.doctor.place import Look, Place, changed
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import shape


@rule(
    "constant-loss",
    "all",
    kind="calls",
    asks=True,
    mistake="a loss that does not change",
    why="a loss that is the same for every input has the gradient 0: nothing is learned from it",
    instead="loss.backward()  # and look: is the prediction of the last layer what goes in?",
    lesson=4,
)
def constant_loss(place: Place):
    looks = [look for look in place.looks if look.fine and look.gradient != "other"][-8:]
    values = {look.value for look in looks}
    pairs = list(pairwise(looks))
    if len(looks) < 8 or len(values) > 1 or not all(changed(a.sample, b.sample) for a, b in pairs):
        return None
    value = looks[-1].value
    if value == 0 or not math.isfinite(value):
        return None
    return f"the loss was exactly {value:.6g} in {len(looks)} looks, although its input changed"


@rule(
    "zero-gradient",
    "all",
    kind="calls",
    asks=True,
    mistake="a gradient of exactly zero while the loss is not",
    why="a function that is flat in floating point, such as a saturated sigmoid, has derivative 0 "
    "there; by the chain rule everything before it gets 0",
    instead="F.binary_cross_entropy_with_logits(logits, target)  # logits: no sigmoid, no clamp",
    lesson=6,
)
def zero_gradient(place: Place):
    looks = [look for look in place.looks if look.gradient][-5:]
    if len(looks) < 5 or not all(_dead(look) for look in looks):
        return None
    return (
        f"in the last {len(looks)} looks the gradient that left the loss, or the operation before "
        f"it, was exactly 0, although the loss was {looks[-1].value:.4g}"
    )


def _dead(look: Look) -> bool:
    return look.gradient == "zero" and bool(look.upstream) and bool(look.value)


@rule(
    "nan-gradient",
    "all",
    kind="calls",
    mistake="a gradient that is NaN although the loss is not",
    why="0 · ∞ in the backward pass: a log or a root at 0, or a division by 0, hidden by the "
    "value; `torch.where` after it does not help, for the other branch is derived too",
    instead="torch.where(x > 0, torch.where(x > 0, x, 1.0).log(), 0.0)  # mend the input as well",
    lesson=2,
)
def nan_gradient(place: Place):
    for look in place.looks:
        if look.nan_taken and _finite(look.value, look.upstream):
            return (
                f"the loss is {look.value:.4g} and the gradient that arrives at it is "
                f"{look.upstream:.4g}, but the weights were updated with a gradient that holds NaN"
            )
    looks = [look for look in place.looks if look.gradient][-2:]
    if len(looks) < 2 or not all(
        look.gradient == "nan" and _finite(look.value, look.upstream) for look in looks
    ):
        return None
    return (
        "the gradient that left the loss, or the operation before it, holds NaN, although the loss "
        f"is {looks[-1].value:.4g} and the gradient that arrived is {looks[-1].upstream:.4g}"
    )


def _finite(*numbers: float | None) -> bool:
    return all(number is not None and math.isfinite(number) for number in numbers)


@rule(
    "root-at-zero",
    "all",
    kind="calls",
    mistake="the root of a loss that is 0",
    why="the derivative of √x is 1 / (2√x), infinite at 0; times the gradient 0 of the loss it is "
    "NaN",
    instead="torch.sqrt(loss + 1e-12)",
    lesson=8,
)
def root_at_zero(place: Place):
    for look in place.looks:
        if look.value == 0 and look.upstream is not None and not math.isfinite(look.upstream):
            return f"the loss is 0 and the gradient that arrives at it is {look.upstream}"
    return None


@rule(
    "batch-means-averaged",
    "all",
    kind="calls",
    asks=True,
    mistake="means of unequal batches averaged with equal weights",
    why="the mean of Σlᵢ/nᵢ over the batches is not Σl/Σn: an example of a small batch counts more",
    instead="(F.{loss}(input, target, reduction='sum') / total_count).backward()\n"
    "# total_count: all examples (tokens, weights) of the update, not of the batch",
    lesson=5,
)
def batch_means_averaged(place: Place):
    for group in _updates(place):
        divisors = [look.divisor for look in group]
        first = group[0].upstream
        together = all(math.isclose(look.upstream, first, rel_tol=1e-6) for look in group)
        if together and first and max(divisors) > 1.01 * min(divisors):
            numbers = ", ".join(f"{divisor:.4g}" for divisor in divisors[:8])
            return (
                f"{len(group)} means were given the same weight {first:.4g} in one update, though "
                f"they divide by {numbers}"
            )
    return None


def _updates(place: Place):
    """Yield the looks whose gradients were added up: in one backward pass, or for one update."""
    by_backward, by_step = defaultdict(list), defaultdict(list)
    for look in place.looks:
        if look.divisor and look.upstream is not None:
            by_backward[look.backward].append(look)
            if look.step < place.watch.steps:
                by_step[look.step].append(look)
    for group in [*by_backward.values(), *by_step.values()]:
        if len(group) > 1:
            yield group


@rule(
    "padding-averaged",
    "cross_entropy nll_loss linear_cross_entropy",
    kind="calls",
    mistake="a mean over losses of which some are ignored",
    why="the zeros of ignored targets count in the mean: it divides by all, not by the valid ones",
    instead="losses.sum() / (target != ignore_index).sum()  # or reduction='mean', which does so",
    lesson=5,
)
def padding_averaged(place: Place):
    for look in place.looks:
        mean = look.size > 1 and look.upstream is not None and math.isclose(look.upstream, 1.0)
        if mean and look.even and look.ignored:
            return (
                f"all {look.size} losses have the weight 1/{look.size} in the mean, and "
                f"{look.ignored} of them are ignored targets, with the loss 0"
            )
    return None


@rule(
    "weight-cancels",
    "cross_entropy nll_loss linear_cross_entropy",
    kind="calls",
    mistake="class weights in batches of one class",
    why="the weighted mean divides by the sum of the weights of the targets: if all are of one "
    "class, w/w = 1",
    instead="F.{loss}(input, target, weight=weight, reduction='sum') / total_weight",
    lesson=4,
    asks=True,
)
def weight_cancels(place: Place):
    looks = list(place.looks)[-8:]
    weights = {look.alone for look in looks if look.divisor and look.size == 1}
    if len(looks) < 8 or None in weights or len(weights) < 2:
        return None
    return (
        f"in each of the last {len(looks)} looks all targets were of one class, so that the class "
        f"weights ({', '.join(f'{weight:.3g}' for weight in sorted(weights))}) did nothing"
    )


@rule(
    "graph-kept",
    "all",
    kind="calls",
    mistake="losses that are kept with their graph",
    why="a tensor that came of a loss holds all that led to it; a sum of such tensors holds all of "
    "all steps, and memory grows without end",
    instead="total += loss.item()  # or loss.detach()",
    lesson=4,
)
def graph_kept(place: Place):
    old = [
        look for look in place.looks if look.upstream is not None and look.number <= place.calls - 8
    ]
    if len(old) < 8 or not all(look.held for look in old):
        return None
    return (
        f"at call {place.calls} the graphs of {len(old)} earlier losses, from call {old[0].number} "
        "on, are still held, although their backward pass has been"
    )


@rule("legacy-arguments", "all", kind="constructor", **LEGACY_WORDS)
def legacy_constructor(call: Call):
    if not call.arguments or tensors_in_constructor(call):
        return None
    return legacy(call.size_average, call.reduce, call.reduction)


@rule(
    "constructor-called",
    "all",
    kind="constructor",
    mistake="the tensors given to the constructor",
    why="a loss class is made once, with its options, and what is made is called with tensors",
    instead="criterion = nn.CrossEntropyLoss()\nloss = criterion(input, target)",
)
def tensors_in_constructor(call: Call):
    names = [name for name in ("size_average", "reduce") if isinstance(call.get(name), Tensor)]
    if not names:
        return None
    made = type(call.args[0]).__name__
    return (
        f"{made} was given a tensor where its option {names[0]} stands",
        f"criterion = nn.{made}()\nloss = criterion(…)",
    )


@rule(
    "graph-cut",
    "all",
    kind="backward",
    mistake="a backward pass that reaches no weights",
    why="argmax, .item(), .detach(), torch.no_grad() and torch.tensor(loss) end the graph: there "
    "is no derivative to pass on",
    instead="loss = F.cross_entropy(logits, target)  # the logits themselves\nloss.backward()",
    lesson=4,
)
def graph_cut(call: Call):
    tensor, last = call.args[0], call.last.looks[-1] if call.last.looks else None
    if call.error is not None and "does not require grad" in str(call.error):
        return (
            f"the tensor does not require a gradient; the last loss ({call.last.text}) does not "
            f"{'either' if last is None or not last.learns else 'reach it'}"
        )
    if tensor.is_leaf and tensor.numel() == 1 and last and last.value == float(call.self):
        return (
            f"the tensor has the value of the last loss ({call.last.text}), {last.value:.4g}, but "
            "no operation made it: its gradient goes nowhere, in silence"
        )
    return None


@rule(
    "backward-of-many",
    "all",
    kind="backward",
    mistake="a backward pass from losses that were not reduced",
    why="a gradient is that of one number",
    instead="loss.mean().backward()  # or loss.sum(), or reduction='mean'",
    lesson=4,
)
def backward_of_many(call: Call):
    if call.error is None or "only for scalar outputs" not in str(call.error):
        return None
    return f"the tensor has the shape {shape(call.self)}, one loss for each example"
