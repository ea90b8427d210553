"""The losses of `torch.nn.functional`, from scratch, one file a family."""

from lossbook.losses.regression import l1_loss, mse_loss

__all__ = ["l1_loss", "mse_loss"]
