"""The atlas: all losses of `torch.nn`, side by side.

Nothing is typed twice. What a loss is in words, its arguments, shapes and units stand in the
docstrings of `lossbook.losses`, its traps in the rules of `lossbook.doctor`, its options in torch;
curves are computed, and formulas typeset from the lines that are proved. What stands nowhere else,
an entry says: its range, what it estimates, when to use it, and a way through its arguments.

>>> from lossbook.atlas import ENTRIES, card
>>> len(ENTRIES), ENTRIES["HuberLoss"].lesson
(23, 8)
>>> card("L1Loss")
L1Loss: Absolute error: |x − y|.
"""

# In the order of the atlas.
from lossbook.atlas import regression, classes, answers, likeness, sequences  # noqa: F401, I001
from lossbook.atlas.card import Card, Overview
from lossbook.atlas.chooser import KINDS, Questions, choose, chooser
from lossbook.atlas.entry import ENTRIES, Entry
from lossbook.atlas.figures import Stored, overlay

__all__ = [
    "ENTRIES",
    "KINDS",
    "Card",
    "Entry",
    "Overview",
    "Questions",
    "Stored",
    "card",
    "choose",
    "chooser",
    "overlay",
]


def card(name):
    """Return the card of a loss.

    Parameters
    ----------
    name : str
        The class in ``torch.nn``, or the function.

    Raises
    ------
    ValueError
        If there is no such loss.

    Examples
    --------
    >>> card("mse_loss")
    MSELoss: Squared error: (x − y)².
    """
    from lossbook.doctor import function_name

    function = function_name(name)
    for entry in ENTRIES.values():
        if entry.function == function:
            return Card(entry)
    raise ValueError(f"{name!r} is no loss of torch.nn; the atlas has {', '.join(ENTRIES)}.")
