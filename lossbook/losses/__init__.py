"""The losses of `torch.nn.functional`, from scratch, one file a family."""

from lossbook.losses.likelihood import gaussian_nll_loss, poisson_nll_loss
from lossbook.losses.regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from lossbook.losses.sequence import ctc_loss

__all__ = [
    "ctc_loss",
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]
