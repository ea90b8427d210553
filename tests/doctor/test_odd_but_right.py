"""Right calls that once had a finding: chance, half precision, networks at their start."""

import pytest
import torch
import torch.nn.functional as F
from recognised import call, codes, fine

T = torch.tensor
G = torch.Generator().manual_seed(0)
NOISE = torch.randn(32, 8, generator=G)
BETWEEN = torch.linspace(0.01, 0.99, 32)  # as far as the numbers go, a sigmoid's
LEARNT = NOISE.clone().requires_grad_()
BIASES = BETWEEN.expand(4, 32) + 0.0
IN_HALF = NOISE.log_softmax(1).bfloat16().float()
ANSWERS = torch.rand(32, 2, generator=G)
LOG_HALVES = torch.full((32, 2), 0.5).log()
CERTAIN = (8 * NOISE).tanh().sign()
RETURNS = F.one_hot(T([0, 2, 1, 1]), 3)

RIGHT = [
    ("one step of REINFORCE", call("cross_entropy", NOISE[:1, :4], T([[0.0, -7.0, 0, 0]]))),
    ("one return for a game", call("cross_entropy", NOISE[:4, :3], 12.5 * RETURNS)),
    ("biases in [0, 1]", call("multi_margin_loss", BIASES, T([0, 1, 2, 3]))),
    ("a relu above 0", call("cross_entropy", (LEARNT[:4] * 0 + BETWEEN[:8] * 1.0).relu(),
                            T([0, 1, 2, 3]))),
    ("a division", call("binary_cross_entropy_with_logits", (LEARNT[:, 0] * 0 + BETWEEN) / 1.0,
                        (BETWEEN > 0.5).float())),
    ("rows alike", call("softmax", T([[0.43, 0.572]]).bfloat16().expand(8, 2), dim=-1)),
    ("bfloat16 kept as float32", call("kl_div", IN_HALF, NOISE.softmax(1), reduction="batchmean")),
    ("such in nll_loss", call("nll_loss", IN_HALF[:2], T([0, 1]))),
    ("answers of one half", call("kl_div", LOG_HALVES, ANSWERS, reduction="batchmean")),
    ("a fixed variance", call("gaussian_nll_loss", LEARNT, LEARNT.exp(), torch.ones(32, 8))),
    ("tanh that is ±1", call("margin_ranking_loss", CERTAIN[:, 0], NOISE[:, 0],
                             T([0.0, 1, -1, 1]).repeat(8))),
    ("a dead embedding", call("triplet_margin_loss", NOISE, *torch.zeros(2, 32, 8))),
    ("large logits in bfloat16", call("multilabel_soft_margin_loss", T([[500.0, 700]]).bfloat16(),
                                      T([[0.9, 0.1]]).bfloat16())),
]  # fmt: skip


@fine(RIGHT)
def test_nothing_is_found(right):
    assert codes(*right) == []


def test_a_graph_without_a_sigmoid_outweighs_the_numbers():
    logits = (LEARNT[:, 0] * 0 + BETWEEN) / 1.0
    target = (BETWEEN > 0.5).float()
    loss = "binary_cross_entropy_with_logits"
    assert codes(*call(loss, logits, target)) == []
    assert codes(*call(loss, logits.detach(), target)) == ["sigmoid-twice"]
    assert codes(*call(loss, LEARNT[:, 0].sigmoid(), target)) == ["sigmoid-twice"]
    by_hand = 1 / (1 + (-4 * LEARNT[:, :4]).exp())
    assert codes(*call(loss, by_hand, (by_hand > 0.5).float().detach())) == ["sigmoid-twice"]


@pytest.mark.parametrize("lengths", [(1, 1), (3, 2)])
def test_labels_in_one_row_are_as_many_as_the_lengths_say(lengths):
    log_probs = torch.randn(12, 2, 5, generator=G).log_softmax(2)
    wrong = call("ctc_loss", log_probs, T([1, 2, 3]), (12, 12), lengths)
    assert codes(*wrong) == ["ctc-lengths"]
    assert codes(*call("ctc_loss", log_probs, T([1, 2, 3]), (12, 12), (1, 2))) == []


def test_a_margin_below_every_cosine():
    a, b = NOISE[:4], NOISE[4:8]
    labels = T([1.0, -1, 1, -1])
    loss = "cosine_embedding_loss"
    assert codes(*call(loss, a, b, labels, margin=-2.0)) == ["margin-out-of-reach"]
    assert codes(*call(loss, a, b, labels, margin=-1.0)) == []
    assert codes(*call(loss, a, b, labels.abs(), margin=-2.0)) == []
