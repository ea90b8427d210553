"""The rules of regression: each mistake gets its finding, and the right form none."""

import torch
import torch.nn.functional as F
from recognised import call, check, codes, fine, mistakes

from lossbook.doctor import examine

T = torch.tensor
X = T([0.5, -1.0, 2.0, 0.1, -0.3, 1.2, 0.7, -2.0])
Y = T([1.0, -0.5, 1.0, 0.2, 0.4, 2.0, -1.0, -1.0])
V = T([0.5, 1.0, 2.0, 0.1, 0.3, 1.2, 0.7, 2.0])
RATE = T([2.0, 5.0, 1.5, 3.0, 0.5, 4.0, 2.5, 6.0])
COUNT = T([1.0, 6.0, 2.0, 2.0, 0.0, 5.0, 3.0, 5.0])
LAYER = torch.nn.Linear(8, 8)
RAW = X.clone().requires_grad_()
HUBER, SMOOTH = "huber_loss", "smooth_l1_loss"
GAUSS, POISSON = "gaussian_nll_loss", "poisson_nll_loss"
MASK = T([1.0, 1, 1, 1, 1, 0, 0, 0])

MISTAKES = [
    ("57", call(HUBER, X, Y, beta=2.0), "refused", call(HUBER, X, Y, delta=2.0)),
    ("57", call(SMOOTH, X, Y, delta=2.0), "refused", call(SMOOTH, X, Y, beta=2.0)),
    ("beyond", call(HUBER, X, Y, delta=0), "threshold-not-positive", call(HUBER, X, Y, delta=9)),
    ("beyond", call(SMOOTH, X, Y, beta=-1.0), "threshold-not-positive", call(SMOOTH, X, Y, beta=0)),
    ("59", call(HUBER, X, Y, weight=MASK), "mask-counted",
     call(HUBER, X, Y, weight=MASK, reduction="sum")),
    ("59", call(HUBER, X, Y, weight=MASK), "mask-counted", call("mse_loss", X, Y, weight=MASK)),
    ("60", call(GAUSS, X, Y, 0 * V), "variance-zero", call(GAUSS, X, Y, V)),
    ("60", call(GAUSS, X, Y, 1), "variance-number", call(GAUSS, X, Y, 1.0)),
    ("60", call(GAUSS, X, Y, V.log()), "variance-negative", call(GAUSS, X, Y, V.log().exp())),
    ("60", call(GAUSS, X, V, Y), "variance-negative", call(GAUSS, X, Y, V)),
    ("60", call(GAUSS, X, Y, -1.0), "variance-negative", call(GAUSS, X, Y, 2.0)),
    ("60", call(GAUSS, RAW, F.softplus(RAW), V), "variance-order",
     call(GAUSS, RAW, V, F.softplus(RAW))),
    ("60", call(GAUSS, RAW, Y, F.softplus(RAW).sqrt()), "deviation-as-variance",
     call(GAUSS, RAW, Y, F.softplus(RAW) + 1e-3)),
    ("60", call(GAUSS, X[:3, None], Y[:3], V[:3, None]), "pairs-broadcast",
     call(GAUSS, X[:3, None], Y[:3, None], V[:3])),
    ("61", call(POISSON, RATE, COUNT), "rates-as-logs", call(POISSON, RATE.log(), COUNT)),
    ("61", call(POISSON, RATE, COUNT), "rates-as-logs", call(POISSON, RATE, COUNT, False)),
    ("61", call(POISSON, RAW.exp(), COUNT), "rates-as-logs", call(POISSON, RAW, COUNT)),
    ("61", call(POISSON, T([100.0]), T([98.0])), "rates-as-logs",
     call(POISSON, T([100.0]), T([98.0]), log_input=False)),
    ("61", call(POISSON, X, COUNT, log_input=False), "rates-negative", call(POISSON, X, COUNT)),
    ("beyond", call(POISSON, LAYER(torch.eye(8)), COUNT.expand(8, 8), False), "rates-negative",
     call(POISSON, F.softplus(LAYER(torch.eye(8))), COUNT.expand(8, 8), False)),
    ("61", call(POISSON, X, Y), "counts-negative", call(POISSON, X, Y.clamp(min=0))),
    ("beyond", call(POISSON, COUNT, X), "swapped", call(POISSON, X, COUNT)),
    ("D5", call(POISSON, RATE, RAW), "swapped", call(POISSON, RAW, RATE)),
    ("beyond", call("mse_loss", RAW.sigmoid(), 10 * RATE), "targets-out-of-reach",
     call("mse_loss", RAW.sigmoid() * 60, 10 * RATE)),
    ("beyond", call("l1_loss", RAW.tanh(), 3 * Y), "targets-out-of-reach",
     call("l1_loss", RAW.tanh(), Y / 2)),
    ("beyond", call("mse_loss", RAW.relu(), Y), "targets-out-of-reach",
     call("mse_loss", RAW.relu(), Y.abs())),
]  # fmt: skip


@mistakes(MISTAKES)
def test_each_mistake_has_its_finding_and_the_right_form_none(mistake, code, right):
    check(mistake, code, right)


FINE = [
    ("log-rates all positive, of large counts", call(POISSON, RATE / 3 + 3, 20 + 10 * COUNT)),
    ("the log-rates of a fitted model", call(POISSON, (10 * RATE).log(), 10 * COUNT)),
    ("log-rates of small counts, all positive",
     call(POISSON, torch.linspace(0.95, 1.3, 8), T([2.0, 1, 3, 2, 0, 4, 2, 2]))),
    ("rates of a new model", call(POISSON, F.softplus(X), COUNT, log_input=False)),
    ("rates of 0", call(POISSON, X.relu(), COUNT, log_input=False)),
    ("rates that are no whole numbers as targets", call(POISSON, X, RATE)),
    ("a log-rate from a layer", call(POISSON, LAYER(X), COUNT)),
    ("a negative Poisson loss", call(POISSON, T([3.0]), T([20.0]))),
    ("an empty sum", call("mse_loss", X[:0], Y[:0], reduction="sum")),
    ("one number", call("mse_loss", T([0.2]), T([7.0]))),
    ("weights of two sizes", call(HUBER, X, Y, weight=MASK + 1)),
    ("a mask that keeps all", call(HUBER, X, Y, weight=torch.ones(8))),
    ("a mask, and the entries by hand", call(HUBER, X, Y, weight=MASK, reduction="none")),
    ("masked targets, by hand", call("mse_loss", X, Y.log(), reduction="none")),
    ("a fixed variance, both learned", call(GAUSS, RAW, RAW * 2, torch.ones(8))),
    ("the prediction as target", call(GAUSS, X, RAW, V)),
    ("a variance of its own for each row", call(GAUSS, X.view(4, 2), Y.view(4, 2), V[:4])),
    ("a layer's predictions beyond 1", call("mse_loss", LAYER(X), 10 * Y)),
    ("targets a little noisy around 0", call("mse_loss", RAW.relu(), Y.abs() - 0.02)),
]  # fmt: skip


@fine(FINE)
def test_what_only_looks_odd_is_left_alone(right):
    assert codes(*right) == []


def test_the_numbers_of_the_catalogue():
    (zero,) = examine(GAUSS, T([1.0]), T([0.2]), T([0.0]))
    assert "1 of 1" in zero.noticed
    (rates,) = examine(POISSON, RATE, COUNT)
    assert "3.06" in rates.noticed  # the mean input; that of the targets is 3
    (negative,) = examine(GAUSS, X, V, Y)
    assert "changed places" in negative.noticed
    (pairs,) = examine(GAUSS, torch.zeros(3, 1), torch.zeros(3), torch.ones(3, 1))
    assert "(3, 3)" in pairs.noticed
    assert F.huber_loss(T(3.0), T(0.0), delta=2.0) == 4
    assert F.smooth_l1_loss(T(3.0), T(0.0), beta=2.0) == 2


def test_a_layer_can_make_a_positive_log_variance():
    variance = torch.nn.functional.linear(V[:, None], torch.ones(1, 1).requires_grad_())
    assert examine(GAUSS, X[:, None], Y[:, None], variance).codes == ["deviation-as-variance"]
    assert examine(GAUSS, X[:, None], Y[:, None], variance.exp()) == []
