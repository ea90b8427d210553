"""The losses of `torch.nn.functional`, from scratch, one file a family."""

from lossbook.losses.adaptive import adaptive_log_prob, adaptive_log_softmax_with_loss
from lossbook.losses.binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from lossbook.losses.categorical import cross_entropy, nll_loss
from lossbook.losses.divergence import kl_div
from lossbook.losses.likelihood import gaussian_nll_loss, poisson_nll_loss
from lossbook.losses.logistic import logsigmoid, sigmoid, softplus
from lossbook.losses.margin import (
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
)
from lossbook.losses.regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from lossbook.losses.sequence import ctc_loss
from lossbook.losses.similarity import (
    cosine_embedding_loss,
    cosine_similarity,
    pairwise_distance,
)
from lossbook.losses.softmax import log_softmax, logsumexp, softmax
from lossbook.losses.triplet import triplet_margin_loss, triplet_margin_with_distance_loss
from lossbook.losses.vocabulary import linear_cross_entropy

__all__ = [
    "adaptive_log_prob",
    "adaptive_log_softmax_with_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "linear_cross_entropy",
    "log_softmax",
    "logsigmoid",
    "logsumexp",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "sigmoid",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softplus",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]
