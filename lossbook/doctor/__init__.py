"""The doctor: recognises the usual misuse of torch's losses, in code that was not written for it.

``examine`` looks at one call, ``watch`` at every call that a program makes, and
``python -m lossbook.doctor script.py`` runs a script under ``watch``.
"""

from lossbook.doctor.call import function_name, run
from lossbook.doctor.finding import Finding, Findings, LossWarning
from lossbook.doctor.rule import Rule, findings, rules, warn_of
from lossbook.doctor.watching import Watch, watch

__all__ = ["Finding", "Findings", "LossWarning", "Rule", "Watch", "examine", "rules", "watch"]


def examine(name: str, *args, **kwargs) -> Findings:
    """Return what looks wrong about one call of a loss.

    Parameters
    ----------
    name : str
        The loss, as in ``torch.nn.functional`` ("cross_entropy") or its class
        ("CrossEntropyLoss").
    *args, **kwargs
        What the function would be called with. (Options of the class go here as well.)

    Returns
    -------
    Findings
        A list that shows itself; empty if nothing looks wrong.

    Raises
    ------
    ValueError
        If the doctor does not know the loss.

    Examples
    --------
    >>> import torch
    >>> logits, target = torch.tensor([[2.0, 0.0], [0.5, 2.5]]), torch.tensor([0, 1])
    >>> examine("cross_entropy", logits, target)
    No findings.
    >>> examine("cross_entropy", logits.softmax(dim=1), target).codes
    ['softmax-twice']
    """
    return findings(run(function_name(name), args, kwargs), failed=warn_of)
