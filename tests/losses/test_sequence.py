"""The loss of sequences against torch's, against all paths one by one, and against fifty digits."""

import itertools

import mpmath
import pytest
import torch
import torch.nn.functional as F
from accuracy import no_worse, side_by_side
from drawn import SINGLE, agree, catches, modules_work, refuses
from hypothesis import strategies

from lossbook import ctc_loss
from lossbook.verify import Call


@strategies.composite
def strings(draw):
    """A call: logits, strings in rows or one after another, their lengths, and the options."""

    def whole(low, high, *shape):
        count = torch.Size(shape).numel()
        drawn = draw(
            strategies.lists(strategies.integers(low, high), min_size=count, max_size=count)
        )
        return torch.tensor(drawn, dtype=torch.int64).reshape(shape)

    single = draw(strategies.booleans())
    frames = draw(strategies.integers(1, 6))
    rows = 1 if single else draw(strategies.integers(1, 3))
    classes, most = draw(strategies.integers(2, 4)), draw(strategies.integers(0, 3))
    size = draw(strategies.sampled_from((0.1, 0.2, 1.0)))
    logits = whole(-30, 30, frames, rows, classes).to(draw(strategies.sampled_from(SINGLE))) * size
    blank = draw(strategies.integers(0, classes - 1))
    targets = (blank + whole(1, classes - 1, rows, most)) % classes
    low = draw(strategies.sampled_from((0, 1)))  # either any length, or nearly the whole
    count = whole(low * (frames - 1), frames, rows)
    long = whole(low * max(most - 1, 0), most, rows)
    if draw(strategies.booleans()):
        targets = torch.cat([row[:n] for row, n in zip(targets, long, strict=True)])
    targets = targets.to(draw(strategies.sampled_from((torch.int64, torch.int32, torch.float32))))
    if single:
        logits, targets, count, long = logits[:, 0], targets.reshape(-1), count[0], long[0]
        targets = targets[:long]
    elif draw(strategies.booleans()):
        count, long = tuple(count.tolist()), tuple(long.tolist())
    options = {
        "blank": blank,
        "reduction": draw(strategies.sampled_from(("mean", "sum", "none"))),
        "zero_infinity": draw(strategies.booleans()),
    }
    return Call((logits, targets, count, long), options)


def by_logits(loss):
    """The loss behind a log-softmax, where its slope is the same as torch's."""
    return lambda logits, *rest, **options: loss(logits.log_softmax(-1), *rest, **options)


def test_agrees_with_torch():
    agree(by_logits(ctc_loss), by_logits(F.ctc_loss), strings(), count=200, derivatives=1)


def test_module_of_torch_works_with_ours(monkeypatch):
    log_probs = torch.randn(6, 2, 4).log_softmax(-1)
    targets = torch.tensor([[1, 3], [3, 3]])
    module = torch.nn.CTCLoss(blank=2, reduction="sum", zero_infinity=True)
    modules_work(monkeypatch, "ctc_loss", module, log_probs, targets, (6, 2), (2, 2))


# Against what it means


def say(path, blank):
    """The string that a path says: repeats merged, then blanks dropped."""
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


@pytest.mark.parametrize(("frames", "classes", "blank"), [(1, 3, 0), (3, 2, 1), (4, 3, 0)])
def test_all_paths_one_by_one(frames, classes, blank):
    log_probs = torch.randn(frames, classes, dtype=torch.float64).log_softmax(-1)
    found = {}
    for path in itertools.product(range(classes), repeat=frames):
        p = log_probs[torch.arange(frames), torch.tensor(path)].sum().exp()
        found[say(path, blank)] = found.get(say(path, blank), 0) + p
    for string, p in found.items():
        targets = torch.tensor(string, dtype=torch.int64)
        loss = ctc_loss(log_probs, targets, (frames,), (len(string),), blank, "sum")
        torch.testing.assert_close(loss, -p.log())
    torch.testing.assert_close(sum(found.values()), torch.ones((), dtype=torch.float64))


def test_probabilities_over_all_strings_sum_to_1():
    frames, classes = 4, 3
    log_probs = torch.randn(frames, 1, classes, dtype=torch.float64).log_softmax(-1)
    every = [s for n in range(frames + 1) for s in itertools.product((1, 2), repeat=n)]
    long = torch.tensor([len(s) for s in every])
    targets = torch.tensor([label for s in every for label in s])
    losses = ctc_loss(
        log_probs.expand(-1, len(every), -1), targets, (frames,) * len(every), long, 0, "none"
    )
    torch.testing.assert_close((-losses).exp().sum().item(), 1.0)
    assert losses.isinf().sum() == sum(  # one frame a label, and one between two that are the same
        len(s) + sum(a == b for a, b in itertools.pairwise(s)) > frames for s in every
    )


# Departures


LONG = torch.tensor([[1, 1], [2, 0]])


def test_slope_is_the_derivative():
    log_probs = torch.randn(5, 2, 3, dtype=torch.float64).log_softmax(-1).requires_grad_()

    def loss(x, function=ctc_loss):
        return function(x, LONG, (5, 3), (2, 1), reduction="none")

    assert torch.autograd.gradcheck(loss, log_probs)
    assert torch.autograd.gradgradcheck(loss, log_probs)
    (ours,) = torch.autograd.grad(loss(log_probs).sum(), log_probs)
    (torchs,) = torch.autograd.grad(loss(log_probs, F.ctc_loss).sum(), log_probs)
    inside = torch.arange(5)[:, None, None] < torch.tensor([5, 3])[:, None]
    torch.testing.assert_close(torchs - ours, log_probs.exp() * inside)
    # In each frame a path says one label.
    torch.testing.assert_close(-ours.sum(-1), inside[..., 0].double())


def test_second_derivative_of_what_cannot_be_said():
    log_probs = torch.randn(2, 1, 3, dtype=torch.float64).log_softmax(-1).requires_grad_()
    loss = ctc_loss(log_probs, torch.tensor([[1, 1]]), (2,), (2,), zero_infinity=True)
    (slope,) = torch.autograd.grad(loss, log_probs, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), log_probs)
    assert loss == 0
    assert (slope == 0).all()
    assert (second == 0).all()


def test_slope_where_the_last_label_is_the_blank():
    # Torch leaves out the paths that end with it: its slope is wrong by up to 1.
    log_probs = torch.randn(3, 1, 2, dtype=torch.float64).log_softmax(-1).requires_grad_()

    def loss(x, function=ctc_loss):
        return function(x.log_softmax(-1), torch.tensor([[0]]), (3,), (1,))

    assert torch.autograd.gradcheck(loss, log_probs)
    assert not torch.autograd.gradcheck(
        lambda x: loss(x, F.ctc_loss), log_probs, raise_exception=False
    )


def test_slope_where_a_label_is_impossible():
    log_probs = torch.tensor([[0.5, 0.0, 0.5]]).log().repeat(3, 1).requires_grad_()
    ctc_loss(log_probs, torch.tensor([2]), (3,), (1,)).backward()
    torch.testing.assert_close(log_probs.grad.sum(-1), -torch.ones(3))  # torch: NaN
    assert (log_probs.grad[:, 1] == 0).all()


# Planted faults


def wrong(*faults):
    """The plain sum of products, string by string, wrong in some things, or in none."""

    def one(p, string, blank):
        places = [blank]
        for label in string:
            places += [label, blank]
        places = torch.tensor(places)
        here = (torch.arange(len(places)) == 0).to(p.dtype)
        none = torch.zeros(2, dtype=p.dtype)
        jump = torch.cat([none > 0, places[2:] != places[:-2]])[: len(places)]
        if "jumps between equal labels" in faults:
            jump[3::2] = True
        if "no jump" in faults:
            jump[:] = False
        for frame in p:
            two, here_before = torch.cat([none, here]), here
            ways = torch.stack([here_before, two[1:-1], two[:-2] * jump])
            ways = ways.amax(0) if "best path" in faults else ways.sum(0)
            here = ways * frame[places]
        last = here[-1:] if "ends with a blank" in faults else here[-2:]
        return -last.sum().log()

    def loss(log_probs, targets, count, long, blank=0, reduction="mean", zero_infinity=False):
        single = log_probs.ndim == 2
        p = (log_probs[:, None] if single else log_probs).exp()
        count, long = (torch.as_tensor(x).reshape(-1) for x in (count, long))
        if "all frames" in faults:
            count = torch.full_like(count, len(p))
        if "blank is 0" in faults:
            blank = 0
        rows = targets.long() if targets.ndim == 2 else targets.long().split(long.tolist())
        triples = zip(rows, count, long, strict=True)
        losses = torch.stack(
            [one(p[:t, n], row[:s].tolist(), blank) for n, (row, t, s) in enumerate(triples)]
        )
        if zero_infinity and "infinity stays" not in faults:
            losses = torch.stack([torch.zeros_like(x) if x.isinf() else x for x in losses])
        if "sign" in faults:
            losses = -losses
        over = long.clamp(min=1) if "mean over strings" not in faults else 1
        mean = (losses / over).mean()
        plain = losses[0] if single else losses
        return {"none": plain, "sum": losses.sum(), "mean": mean}[reduction]

    return loss


FAULTS = [
    *("jumps between equal labels", "no jump", "best path", "ends with a blank", "all frames"),
    *("blank is 0", "infinity stays", "sign", "mean over strings"),
]
ORDINARY = strings().filter(lambda call: call.args[0].abs().max() < 5)


def test_without_a_fault_it_agrees():
    agree(by_logits(wrong()), by_logits(F.ctc_loss), ORDINARY, derivatives=1, count=100)


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_caught(fault):
    catches(by_logits(wrong(fault)), by_logits(F.ctc_loss), ORDINARY, derivatives=1)


# Refusals

x = torch.zeros(4, 2, 3)
REFUSED = [
    ((x, LONG, (4, 4), (2, 1)), {"reduction": "all"}, "reduction='all'"),
    ((x, LONG, (4, 4), (2, 1)), {"blank": 3}, "blank=3: expected one of the 3 classes, 0 to 2"),
    ((x, LONG, (4, 4), (2, 1)), {"blank": -1}, "blank=-1"),
    ((x, LONG, (4, 4), (2, 1)), {"blank": "-"}, "blank='-'"),
    ((x, LONG, (4, 4), (2, 1)), {"zero_infinity": "no"}, "zero_infinity='no'"),
    ((x, LONG, (4, 5), (2, 1)), {}, "input_lengths has 5, and log_probs has 4 frames"),
    ((x, LONG, (4, -1), (2, 1)), {}, "input_lengths has -1: a length is 0 or more"),
    ((x, LONG, (4, 4), (2, -1)), {}, "target_lengths has -1"),
    ((x, LONG, (4,), (2, 1)), {}, "input_lengths has 1 lengths for 2 strings"),
    ((x, LONG, (4, 4), (3, 1)), {}, "3 columns at the least"),
    ((x, LONG[:1], (4, 4), (2, 1)), {}, "expected a row for each of 2 strings"),
    ((x, LONG[None], (4, 4), (2, 1)), {}, r"targets has shape \(1, 2, 2\)"),
    ((x, LONG.flatten(), (4, 4), (2, 1)), {}, "targets has 4 labels and target_lengths add up to"),
    ((x, LONG, 4, (2, 1)), {}, "input_lengths=4: expected a tensor or a tuple"),
    ((x, LONG, (4, 4), torch.ones(2)), {}, "target_lengths holds torch.float32"),
    ((x.half(), LONG, (4, 4), (2, 1)), {}, "log_probs holds torch.float16 numbers"),
    ((x.long(), LONG, (4, 4), (2, 1)), {}, "log_probs holds torch.int64 numbers"),
    ((x[:0], LONG, (0, 0), (2, 1)), {}, r"log_probs has shape \(0, 2, 3\)"),
    ((x[0, 0], LONG, (4, 4), (2, 1)), {}, r"log_probs has shape \(3,\)"),
    ((x, [[1, 1], [2, 0]], (4, 4), (2, 1)), {}, "targets is a list"),
]


@pytest.mark.parametrize(("args", "options", "says"), REFUSED)
def test_refuses(args, options, says):
    refuses(ctc_loss, F.ctc_loss, args, options, says)


@pytest.mark.parametrize("label", [3, -1, 10**9])
def test_labels_out_of_range_are_refused(label):
    # Torch reads beyond log_probs.
    with pytest.raises(ValueError, match=f"targets has the label {label}, .* from 0 to 2"):
        ctc_loss(x, torch.tensor([[1, label], [2, 0]]), (4, 4), (2, 1))
    ctc_loss(x, torch.tensor([[1, 1], [2, label]]), (4, 4), (2, 1))  # beyond its length


# Accuracy


def exact(log_probs, string):
    places = [0]
    for label in string:
        places += [label, 0]
    here = [mpmath.mpf(place == 0) for place in range(len(places))]
    for frame in log_probs:
        p = [mpmath.exp(z) for z in frame]
        before = [mpmath.mpf(0), mpmath.mpf(0), *here]
        here = [
            (before[s + 2] + before[s + 1] + (before[s] if places[s] != places[s - 2] else 0))
            * p[k]
            for s, k in enumerate(places)
        ]
    return -mpmath.log(here[-1] + here[-2])


@pytest.mark.parametrize("size", [1.0, 10.0, 1000.0])
@pytest.mark.parametrize("dtype", SINGLE, ids=str)
def test_accuracy(dtype, size):
    generator = torch.Generator().manual_seed(0)
    logits = size * torch.randn(200, 12, 5, generator=generator, dtype=torch.float64)
    targets = torch.randint(1, 5, (200, 4), generator=generator)
    log_probs = logits.log_softmax(-1).to(dtype)

    def shaped(loss):
        return lambda x, y, **o: loss(x.transpose(0, 1), y, (12,) * 200, (4,) * 200, **o)

    no_worse(*side_by_side(shaped(ctc_loss), shaped(F.ctc_loss), exact, log_probs, targets), most=8)
