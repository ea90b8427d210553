"""No finding on complete training loops that are right, of ten kinds."""

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

from lossbook import doctor

DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS, LABELS = torch.tensor(DIGITS[:600] / 16, dtype=torch.float32), torch.tensor(LABELS[:600])
FEATURES, PROGRESSION = (
    torch.tensor(a, dtype=torch.float32) for a in load_diabetes(return_X_y=True)
)


def fit(network, loss, steps=20, batch=50, size=600, adam=False):
    """Train with a smaller batch at each end of an epoch, and look at the loss as people do."""
    weights = (
        [w for part in network for w in part.parameters()]
        if isinstance(network, tuple)
        else list(network.parameters())
    )
    optimizer = torch.optim.Adam(weights, 1e-2) if adam else torch.optim.SGD(weights, 0.1)
    total, done = 0.0, 0
    while done < steps:
        for rows in torch.randperm(size).split(batch + 7):
            optimizer.zero_grad()
            value = loss(rows)
            value.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            total += value.item() * len(rows)
            done += 1
    with torch.no_grad():
        return total, loss(torch.arange(min(size, 100)))


def classifier():
    network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    weight = 1 / LABELS.bincount(minlength=10).float()
    plain, smooth = nn.CrossEntropyLoss(weight=weight), nn.CrossEntropyLoss(label_smoothing=0.1)
    fit(network, lambda rows: plain(network(DIGITS[rows]), LABELS[rows]))
    fit(network, lambda rows: smooth(network(DIGITS[rows]), LABELS[rows]))


def segmentation():
    """Ink or paper for each pixel, the border left out of the loss."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    images = DIGITS.view(-1, 1, 8, 8)
    target = (images[:, 0] > 0.5).long()
    target[:, [0, -1]] = target[:, :, [0, -1]] = 255
    fit(
        network, lambda rows: F.cross_entropy(network(images[rows]), target[rows], ignore_index=255)
    )


def multi_label():
    """Three questions about each digit."""
    network = nn.Linear(64, 3)
    target = torch.stack([LABELS % 2 == 0, LABELS > 4, LABELS % 3 == 0], dim=1).float()
    ratio = (1 - target).sum(0) / target.sum(0)
    fit(
        network,
        lambda rows: F.binary_cross_entropy_with_logits(
            network(DIGITS[rows]), target[rows], pos_weight=ratio
        ),
    )
    fit(network, lambda rows: F.multilabel_soft_margin_loss(network(DIGITS[rows]), target[rows]))


def one_answer():
    """A network of one output, with a sigmoid and without."""
    network, target = nn.Linear(64, 1), (LABELS == 3).float()
    fit(
        network,
        lambda rows: F.binary_cross_entropy(
            network(DIGITS[rows]).squeeze(1).sigmoid(), target[rows]
        ),
    )
    fit(
        network,
        lambda rows: F.binary_cross_entropy_with_logits(network(DIGITS[rows]), target[rows, None]),
    )
    fit(
        network,
        lambda rows: F.soft_margin_loss(network(DIGITS[rows]).squeeze(1), 2 * target[rows] - 1),
        batch=1,
    )


def regression_with_huber():
    network = nn.Linear(10, 1)
    target = (PROGRESSION - PROGRESSION.mean()) / PROGRESSION.std()
    for loss in (nn.HuberLoss(), nn.MSELoss(), nn.L1Loss(), nn.SmoothL1Loss(beta=0.5)):
        fit(
            network,
            lambda rows, loss=loss: loss(network(FEATURES[rows]).squeeze(1), target[rows]),
            size=442,
        )


def counts():
    """How many pixels are dark: a Poisson rate; and a Gaussian with its own variance."""
    network = nn.Linear(64, 2)
    target = (DIGITS > 0.5).sum(1).float()
    loss = nn.PoissonNLLLoss()
    fit(network, lambda rows: loss(network(DIGITS[rows])[:, 0], target[rows]), adam=True)
    gaussian = nn.GaussianNLLLoss()

    def learned_variance(rows):
        mean, raw = network(DIGITS[rows]).unbind(1)
        return gaussian(mean, target[rows], F.softplus(raw) + 1e-3)

    fit(network, learned_variance, adam=True)


def siamese():
    network, loss = nn.Linear(64, 8), nn.CosineEmbeddingLoss(margin=0.2)
    hinge = nn.HingeEmbeddingLoss()

    def cosine(rows):
        other = rows.roll(1)
        same = torch.where(LABELS[rows] == LABELS[other], 1, -1)
        return loss(network(DIGITS[rows]), network(DIGITS[other]), same)

    def distance(rows):
        other = rows.roll(1)
        same = torch.where(LABELS[rows] == LABELS[other], 1, -1)
        return hinge(F.pairwise_distance(network(DIGITS[rows]), network(DIGITS[other])), same)

    fit(network, cosine)
    fit(network, distance)


def triplet():
    network, loss = nn.Linear(64, 8), nn.TripletMarginLoss(margin=0.5)
    by_label = [LABELS.eq(k).nonzero().squeeze(1) for k in range(10)]

    def triplets(rows):
        label = LABELS[rows]
        positive = torch.stack([by_label[k][torch.randint(len(by_label[k]), ())] for k in label])
        negative = torch.stack(
            [by_label[(k + 1) % 10][torch.randint(len(by_label[(k + 1) % 10]), ())] for k in label]
        )
        return loss(*(F.normalize(network(DIGITS[i]), dim=1) for i in (rows, positive, negative)))

    fit(network, triplets)


def ranking_and_margins():
    network = nn.Linear(64, 10)
    ranked = nn.MarginRankingLoss(margin=0.1)

    def order(rows):
        score, other = network(DIGITS[rows])[:, 0], rows.roll(1)
        sign = torch.sign(LABELS[rows] - LABELS[other] + 0.5)
        return ranked(score, network(DIGITS[other])[:, 0], sign)

    fit(network, order)
    fit(network, lambda rows: F.multi_margin_loss(network(DIGITS[rows]), LABELS[rows]))


def ctc():
    """Columns of two digits side by side, read from left to right."""
    network, loss = nn.Linear(8, 11), nn.CTCLoss(zero_infinity=True)

    def read(rows):
        other = rows.roll(1)
        columns = torch.cat([DIGITS[rows].view(-1, 8, 8), DIGITS[other].view(-1, 8, 8)], dim=2)
        log_p = network(columns.permute(2, 0, 1)).log_softmax(2)
        n = len(rows)
        target = torch.stack([LABELS[rows], LABELS[other]], dim=1) + 1
        return loss(log_p, target, torch.full((n,), 16), torch.full((n,), 2))

    fit(network, read)


def distillation():
    teacher = nn.Linear(64, 10)
    fit(teacher, lambda rows: F.cross_entropy(teacher(DIGITS[rows]), LABELS[rows]))
    student, T = nn.Linear(64, 10), 4.0

    def both(rows):
        z = student(DIGITS[rows])
        with torch.no_grad():
            soft = (teacher(DIGITS[rows]) / T).softmax(1)
        kl = F.kl_div((z / T).log_softmax(1), soft, reduction="batchmean") * T**2
        return 0.7 * kl + 0.3 * F.cross_entropy(z, LABELS[rows])

    fit(student, both)


def language_model():
    """Tokens with padding, in micro-batches: the sum over all tokens, divided by their number."""
    tokens = torch.randint(1, 20, (64, 12))
    tokens[torch.arange(12) >= torch.randint(4, 12, (64, 1))] = 0
    network = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 20))
    optimizer = torch.optim.Adam(network.parameters())
    for _ in range(10):
        optimizer.zero_grad()
        count = (tokens[:, 1:] != 0).sum()
        for rows in torch.arange(64).split(24):
            logits = network(tokens[rows, :-1])
            target = tokens[rows, 1:]
            loss = (
                F.cross_entropy(logits.transpose(1, 2), target, ignore_index=0, reduction="sum")
                / count
            )
            loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = network(tokens[:, :-1])
        F.nll_loss(logits.log_softmax(2).flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=0)


def policy_gradient():
    """REINFORCE: each log-probability weighted by what the action brought."""
    policy = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(policy.parameters(), 0.1)
    for _ in range(20):
        state = torch.randn(16, 4)
        logits = policy(state).masked_fill(torch.tensor([False, False, True]), -torch.inf)
        action = torch.distributions.Categorical(logits=logits.detach()).sample()
        advantage = torch.randn(16)
        loss = (F.cross_entropy(logits, action, reduction="none") * advantage).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def half_precision():
    network = nn.Linear(64, 10)

    def loss(rows):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return F.cross_entropy(network(DIGITS[rows]), LABELS[rows])

    fit(network, loss)


@pytest.mark.parametrize(
    "train",
    [
        classifier, segmentation, multi_label, one_answer, regression_with_huber, counts, siamese,
        triplet, ranking_and_margins, ctc, distillation, language_model, policy_gradient,
        half_precision,
    ],
    ids=lambda train: train.__name__,
)  # fmt: skip
@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_found(train, seed):
    torch.manual_seed(seed)
    with doctor.watch("collect") as seen:
        train()
    assert seen.places
    assert not seen.findings, seen
    assert all(place.looked >= 1 for place in seen.places)
