"""What several calls show: each mistake is seen in a training loop, and not in its right form."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lossbook import doctor

torch.manual_seed(0)
X = torch.randn(64, 5)
Y = (X.sum(1) > 0).long()
PADDED = torch.where(torch.arange(64) % 7 == 0, -100, Y)


def watched(train):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    with doctor.watch("collect") as seen:
        train(network, optimizer)
    return seen.findings.codes


def steps(loss, number=20):
    def train(network, optimizer):
        for _ in range(number):
            optimizer.zero_grad()
            loss(network(X)).backward()
            optimizer.step()

    return train


def total_of_tensors(network, optimizer):
    total = 0
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(X), Y)
        loss.backward()
        optimizer.step()
        total += loss


def total_of_numbers(network, optimizer):
    total = 0
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(X), Y)
        loss.backward()
        optimizer.step()
        total += loss.item()


def through_time(network, optimizer):
    """Thirty losses are summed before one backward pass: their graphs are needed."""
    for _ in range(2):
        optimizer.zero_grad()
        sum(F.cross_entropy(network(X + i), Y) for i in range(30)).backward()
        optimizer.step()


def accumulate(weigh, reduction="mean", sizes=(4, 4, 2)):
    def train(network, optimizer):
        for _ in range(4):
            optimizer.zero_grad()
            for n in sizes:
                loss = F.cross_entropy(network(X[:n]), Y[:n], reduction=reduction)
                weigh(loss, n).backward()
            optimizer.step()

    return train


def sum_of_means(network, optimizer):
    losses = [F.cross_entropy(network(X[:n]), Y[:n]) for n in (4, 4, 2)]
    torch.stack(losses).mean().backward()


def short_last_batch(network, optimizer):
    """One update for each batch: the smaller last one is no mistake."""
    for _ in range(4):
        for batch in torch.arange(64).split(24):
            optimizer.zero_grad()
            F.cross_entropy(network(X[batch]), Y[batch]).backward()
            optimizer.step()


def short_last_batch_by_hand(network, _):
    for _ in range(4):
        for batch in torch.arange(64).split(24):
            loss = F.cross_entropy(network(X[batch]), Y[batch])
            weights = list(network.parameters())
            with torch.no_grad():
                for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                    weight -= 0.1 * slope


def warm_up(network, optimizer):
    """A term whose weight is 0 at first has the gradient 0, and is right."""
    for epoch in range(20):
        optimizer.zero_grad()
        z = network(X)
        (F.cross_entropy(z, Y) + 0.0 * epoch * F.mse_loss(z, z.detach() + 1)).backward()
        optimizer.step()


def from_argmax(network, _):
    with pytest.raises(RuntimeError) as error:
        F.cross_entropy(F.one_hot(network(X).argmax(1), 2).float(), Y).backward()
    assert "graph-cut" in error.value.__notes__[0]


def from_a_number(network, _):
    loss = F.cross_entropy(network(X), Y)
    torch.tensor(loss.item(), requires_grad=True).backward()


def not_reduced(network, _):
    with pytest.raises(RuntimeError) as error:
        F.cross_entropy(network(X), Y, reduction="none").backward()
    assert "backward-of-many" in error.value.__notes__[0]


def legacy_constructor(network, _):
    nn.CrossEntropyLoss(None, "sum")(network(X), Y)


def tensors_in_the_constructor(network, _):
    with pytest.raises(RuntimeError, match="ambiguous") as error:
        nn.CrossEntropyLoss(network(X), Y)
    assert error.value.__notes__


SATURATED = steps(lambda z: F.binary_cross_entropy((z[:, 0] + 200).sigmoid(), 1 - Y.float()))
ROOT = steps(lambda z: F.mse_loss(z, z.detach()).sqrt(), 2)
TO_THE_MEAN = accumulate(lambda loss, n: loss / 3)
WEIGHED = accumulate(lambda loss, n: loss * n / 10)
SUMMED = accumulate(lambda loss, n: loss / 10, "sum")
WEIGHT = torch.tensor([1.0, 10.0])


def one_at_a_time(reduction):
    def train(network, optimizer):
        for i in range(20):
            optimizer.zero_grad()
            x, y = X[i : i + 1], Y[i : i + 1]
            loss = F.cross_entropy(network(x), y, weight=WEIGHT, reduction=reduction)
            (loss / WEIGHT[Y].mean() if reduction == "sum" else loss).backward()
            optimizer.step()

    return train


LIKE_SIZES = accumulate(lambda loss, n: loss / 3, sizes=(4, 4, 4))


def losses(z, target=PADDED):
    return F.cross_entropy(z, target, reduction="none")


MISTAKES = [
    (79, total_of_tensors, "graph-kept", total_of_numbers),
    (79, total_of_tensors, "graph-kept", through_time),
    (78, TO_THE_MEAN, "batch-means-averaged", WEIGHED),
    (78, TO_THE_MEAN, "batch-means-averaged", SUMMED),
    (78, TO_THE_MEAN, "batch-means-averaged", LIKE_SIZES),
    (78, sum_of_means, "batch-means-averaged", short_last_batch),
    (78, sum_of_means, "batch-means-averaged", short_last_batch_by_hand),
    (17, one_at_a_time("mean"), "weight-cancels", one_at_a_time("sum")),
    (17, one_at_a_time("mean"), "weight-cancels",
     steps(lambda z: F.cross_entropy(z, Y, weight=WEIGHT))),
    (15, steps(lambda z: losses(z).mean()), "padding-averaged",
     steps(lambda z: losses(z).sum() / (PADDED >= 0).sum())),
    (17, one_at_a_time("mean"), "weight-cancels", one_at_a_time("sum")),
    (17, one_at_a_time("mean"), "weight-cancels",
     steps(lambda z: F.cross_entropy(z, Y, weight=WEIGHT))),
    (15, steps(lambda z: losses(z).mean()), "padding-averaged",
     steps(lambda z: losses(z, Y).mean())),
    (53, SATURATED, "zero-gradient",
     steps(lambda z: F.binary_cross_entropy_with_logits(z[:, 0] + 200, 1 - Y.float()))),
    (53, SATURATED, "zero-gradient", warm_up),
    (58, ROOT, "root-at-zero", steps(lambda z: (F.mse_loss(z, z.detach()) + 1e-12).sqrt(), 2)),
    (81, legacy_constructor, "legacy-arguments", total_of_numbers),
    (27, tensors_in_the_constructor, "constructor-called", total_of_numbers),
    (80, from_argmax, "graph-cut", total_of_numbers),
    (80, from_a_number, "graph-cut", total_of_numbers),
    (80, not_reduced, "backward-of-many", steps(lambda z: losses(z, Y).mean())),
]  # fmt: skip


@pytest.mark.parametrize(("row", "mistake", "code", "right"), MISTAKES)
def test_rule(row, mistake, code, right):
    assert code in watched(mistake)
    assert watched(right) == []


def test_a_constant_loss_is_seen():
    def evaluate(target):
        def train(network, _):
            for i in range(20):
                F.soft_margin_loss(network(X + i)[:, 0], target)

        return train

    assert "constant-loss" in watched(evaluate(torch.zeros(64)))
    assert watched(evaluate(2.0 * Y - 1)) == []


def test_a_nan_gradient_is_seen():
    def hidden(z):
        p = (1000 * z).softmax(1)  # some are exactly 0
        return torch.where(p > 0, p * p.log(), 0.0)

    def mended(z):
        p = (1000 * z).softmax(1)
        return torch.where(p > 0, p * torch.where(p > 0, p, 1.0).log(), 0.0)

    target = torch.ones(64, 2)
    assert "nan-gradient" in watched(steps(lambda z: F.mse_loss(hidden(z), target), 3))
    assert watched(steps(lambda z: F.mse_loss(mended(z), target), 3)) == []
