"""The doctor: recognises the usual misuse of torch's losses, in code that was not written for it.

``examine`` looks at one call, ``watch`` at every call that a program makes, and
``python -m lossbook.doctor script.py`` runs a script under ``watch``.
"""

from lossbook.doctor.call import function_name, run
from lossbook.doctor.finding import Finding, Findings, LossWarning
from lossbook.doctor.rule import Rule, findings, rules, warn_of
from lossbook.doctor.watching import Watch, can_look, watch

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
        If the doctor does not know the loss, or a tensor has no numbers to look at.

    Examples
    --------
    >>> import torch
    >>> logits, target = torch.tensor([[2.0, 0.0], [0.5, 2.5]]), torch.tensor([0, 1])
    >>> examine("cross_entropy", logits, target)
    No findings.
    >>> examine("cross_entropy", logits.softmax(dim=1), target).codes
    ['softmax-twice']
    """
    loss = function_name(name)
    call = run(loss, args, kwargs)
    if call.error is None and not can_look([*args, *kwargs.values()]):
        raise ValueError(
            f"a tensor given to {loss} has no numbers that can be read: it is sparse, nested, "
            "quantised, on the device 'meta', or inside a transform of torch.func. Give the "
            "doctor plain tensors."
        )
    return findings(call, failed=warn_of)
