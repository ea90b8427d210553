"""The one exception that the losses and the measures raise for bad input."""


class LossInputError(ValueError, RuntimeError, IndexError):
    """Input that a loss or a measure can't use: what came, what was expected, how to mend it.

    Torch raises ValueError, RuntimeError or IndexError for such input, depending on the loss. Code
    that catches any of these catches this one as well.
    """
