"""Sequences and large vocabularies: ctc_loss and the adaptive softmax."""

from itertools import pairwise

from torch import Tensor

from lossbook.doctor.call import Call
from lossbook.doctor.catalogue.classes import not_log
from lossbook.doctor.origin import LAYERS, origin
from lossbook.doctor.rule import rule
from lossbook.doctor.signs import ROWS, readable, shape, share

CTC = "F.ctc_loss(log_probs, targets, input_lengths, target_lengths)"
TOKENS = 512  # the fewest labels that can show an order of frequency


def numbers(lengths) -> list[int]:
    """Return lengths, given as a tensor or a tuple, as a list."""
    return lengths.reshape(-1).tolist() if isinstance(lengths, Tensor) else list(lengths)


def countable(lengths) -> bool:
    return readable(lengths) or isinstance(lengths, tuple | list)


def labels(call: Call) -> list[list[int]]:
    """Return the labels of each of the first sequences, without what pads them."""
    lengths = numbers(call.target_lengths)[:ROWS]
    if call.targets.dim() == 2:
        table = call.targets[:ROWS].tolist()
        return [row[:length] for row, length in zip(table, lengths, strict=False)]
    flat, result = call.targets[: sum(lengths)].tolist(), []
    for length in lengths:
        result.append(flat[:length])
        flat = flat[length:]
    return result


def needed(sequence: list[int]) -> int:
    """Return how many steps the shortest path takes: equal neighbours need a blank between."""
    repeats = sum(a == b for a, b in pairwise(sequence))
    return len(sequence) + repeats


@rule(
    "ctc-too-short",
    "ctc_loss",
    mistake="inputs too short for their labels",
    why="a path writes U labels and a blank between equal neighbours: it takes U + repeats steps; "
    "with fewer no path exists, and −log 0 = ∞",
    instead="keep = input_lengths >= target_lengths + repeats  # and use these sequences alone",
    lesson=10,
)
def ctc_too_short(call: Call):
    steps = numbers(call.input_lengths)[:ROWS]
    wanted = list(map(needed, labels(call)))
    short = [i for i, (has, needs) in enumerate(zip(steps, wanted, strict=False)) if has < needs]
    if not short:
        return None
    first = short[0]
    tail = "; zero_infinity counts each of them as 0 in the mean" if call.zero_infinity else ""
    return (
        f"{len(short)} of {len(wanted)} sequences: number {first} has {steps[first]} steps, and "
        f"its {len(labels(call)[first])} labels need {wanted[first]}{tail}"
    )


@rule(
    "ctc-blank-label",
    "ctc_loss",
    mistake="the blank among the labels",
    why="the blank separates labels and is never one: no transcript contains it",
    instead="F.ctc_loss(log_probs, targets + 1, …)  # labels from 1, the blank is 0\n"
    "target_lengths = (targets != 0).sum(1)  # without what pads the targets",
    lesson=10,
)
def ctc_blank_label(call: Call):
    sequences = labels(call)
    holding = [sequence for sequence in sequences if call.blank in sequence]
    if not holding:
        return None
    padded = sum(sequence[-1] == call.blank for sequence in holding)
    tail = f"; in {padded} of them the last label is: target_lengths may count padding"
    return (
        f"{len(holding)} of {len(sequences)} targets contain the blank, {call.blank}"
        f"{tail if padded else ''}"
    )


@rule(
    "ctc-label-range",
    "ctc_loss",
    mistake="labels that name no class",
    why="labels count from 0 to C − 1; torch does not check, and reads beside the probabilities",
    instead="nn.Linear(features, labels + 1)  # one class more, for the blank",
    lesson=10,
)
def ctc_label_range(call: Call):
    classes = call.log_probs.shape[-1]
    known = [label for sequence in labels(call) for label in sequence]
    strange = [label for label in known if not 0 <= label < classes]
    if not strange:
        return None
    return (
        f"{len(strange)} of {len(known)} labels not from 0 to {classes - 1}, such as {strange[0]:g}"
    )


@rule(
    "ctc-not-log",
    "ctc_loss",
    mistake="logits or probabilities where log-probabilities belong",
    why="−log Σ over paths of Π p is a likelihood only where Σ exp(log_probs) = 1 over the classes",
    instead="F.ctc_loss(logits.log_softmax(dim=-1), targets, input_lengths, target_lengths)",
    lesson=10,
    asks=True,
    calls=2,
)
def ctc_not_log(call: Call):
    if call.log_probs.numel() and LAYERS.intersection(origin(call, "log_probs")[:1]):
        return "log_probs comes straight from a layer: logits"
    # All sequences have as many steps as the shortest; what follows may be padding.
    steps = max(1, min(numbers(call.input_lengths), default=1))
    return not_log(call.log_probs[:steps], call.log_probs.dim() - 1)


@rule(
    "ctc-batch-first",
    "ctc_loss",
    mistake="(N, T, C) where (T, N, C) belongs",
    why="the first axis of log_probs is time, the second the batch",
    instead="F.ctc_loss(log_probs.transpose(0, 1), targets, input_lengths, target_lengths)",
    lesson=10,
    kind="refusal",
)
def ctc_batch_first(call: Call):
    log_probs, lengths = call.get("log_probs"), call.get("input_lengths")
    if not isinstance(log_probs, Tensor) or log_probs.dim() != 3 or not countable(lengths):
        return None
    batch = len(numbers(lengths))
    if log_probs.shape[1] == batch or log_probs.shape[0] != batch:
        return None
    return f"log_probs is {shape(log_probs)}, and there are {batch} input_lengths"


@rule(
    "ctc-lengths",
    "ctc_loss",
    mistake="lengths that the tensors do not have",
    why="input_lengths count steps of log_probs, target_lengths labels: after a network that "
    "shortens its input there are fewer steps",
    instead="input_lengths = audio_lengths // stride  # at most T",
    lesson=10,
    kind="refusal",
)
def ctc_lengths(call: Call):
    log_probs, targets = call.get("log_probs"), call.get("targets")
    inputs, outputs = call.get("input_lengths"), call.get("target_lengths")
    if any(not isinstance(value, Tensor) for value in (log_probs, targets)):
        return None
    if ctc_batch_first(call):
        return None
    for name, lengths in (("input_lengths", inputs), ("target_lengths", outputs)):
        if isinstance(lengths, Tensor) and lengths.is_floating_point():
            return f"{name} are {lengths.dtype}: write {name}.long()"
        if not countable(lengths):
            return f"{name} is of the type {type(lengths).__name__}, not a tensor or a tuple"
    inputs, outputs, steps = numbers(inputs), numbers(outputs), log_probs.shape[0]
    if log_probs.dim() == 3 and log_probs.shape[0] != len(inputs) != log_probs.shape[1]:
        return f"{len(inputs)} input_lengths for a batch of {log_probs.shape[1]}"
    if max(inputs, default=0) > steps:
        return f"input_lengths go up to {max(inputs)}, and log_probs has {steps} steps"
    if targets.dim() == 2 and max(outputs, default=0) > targets.shape[1]:
        return (
            f"target_lengths go up to {max(outputs)}, and targets has room for {targets.shape[1]}"
        )
    if targets.dim() == 1 and sum(outputs) != len(targets):
        return f"target_lengths sum to {sum(outputs)}, and targets has {len(targets)} labels"
    return None


@rule(
    "ctc-blank-range",
    "ctc_loss",
    mistake="a blank for which the input has no class",
    why="the blank is one of the C classes: a network for L labels has C = L + 1 outputs",
    instead="nn.Linear(features, labels + 1)  # and blank=labels",
    lesson=10,
    kind="refusal",
)
def ctc_blank_range(call: Call):
    log_probs, blank = call.get("log_probs"), call.get("blank")
    if not isinstance(log_probs, Tensor) or not isinstance(blank, int):
        return None
    classes = log_probs.shape[-1]
    if 0 <= blank < classes:
        return None
    return f"blank = {blank}, and the classes of log_probs are 0 to {classes - 1}"


@rule(
    "labels-not-by-frequency",
    "adaptive_log_softmax_with_loss",
    mistake="classes that are not numbered from the most frequent on",
    why="the first classes are computed for every example, the others in clusters that cost more "
    "and have smaller vectors: rare classes belong there",
    instead="rank = counts.argsort(descending=True).argsort()  # class → its place by frequency\n"
    "adaptive(features, rank[target])",
    lesson=10,
    asks=True,
    calls=3,
)
def labels_not_by_frequency(call: Call):
    head, classes = call.module.cutoffs[0], call.module.n_classes
    target = call.target.reshape(-1)[:65536]
    if len(target) < TOKENS:
        return None
    counts = target.bincount(minlength=classes)
    common, rare = int(counts[:head].max()), int(counts[head:].max())
    if rare < max(2 * common, 16, 10 * len(target) / classes):
        return None
    top = head + int(counts[head:].argmax())
    return (
        f"among {len(target)} labels the most frequent is {top}, {rare} times, beyond the "
        f"first {head} classes; of these the most frequent is there {common} times"
    )


@rule(
    "adaptive-labels",
    "adaptive_log_softmax_with_loss",
    mistake="labels or shapes that the adaptive softmax does not take",
    why="it takes (N, D) and labels (N,) from 0 to n_classes − 1, and has no ignore_index",
    instead="keep = target.flatten() >= 0\n"
    "adaptive(input.flatten(0, -2)[keep], target.flatten()[keep]).loss",
    lesson=10,
    kind="refusal",
)
def adaptive_labels(call: Call):
    module, input, target = call.get("module"), call.get("input"), call.get("target")
    if not hasattr(module, "n_classes") or not isinstance(input, Tensor) or not readable(target):
        return None
    if input.dim() > 2 or target.dim() > 1 or input.shape[:-1] != target.shape:
        return f"input is {shape(input)}, and target {shape(target)}"
    strange = (target < 0) | (target >= module.n_classes)
    if strange.any():
        return (
            f"{share(strange)} labels not from 0 to {module.n_classes - 1}, "
            f"such as {target[strange][0]:g}"
        )
    if target.is_floating_point():
        return f"the target is {target.dtype}: write target.long()"
    return None
