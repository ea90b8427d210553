"""What the tests of all losses share: drawn cases, agreement with torch, planted faults."""

import warnings

import pytest
import torch

import lossbook
from lossbook import LossInputError
from lossbook.verify import Domain, agrees, choice
from lossbook.verify.domains import elements, magnitude

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
SINGLE, HALF = DTYPES[:2], DTYPES[2:]
# In units in the last place: wide enough for the cancellation in second derivatives of weighted
# means. How near each value is to the truth stands in accuracy.py.
ULPS = {torch.float64: 2**20, torch.float32: 2**10, torch.bfloat16: 16, torch.float16: 16}
REDUCTIONS = choice("mean", "sum", "none")
EDGES = (0.0, 1.0, -1.0, torch.inf, -torch.inf, torch.nan, 1e4, -1e4, 1e-30, 0.5)


def numbers(shape, *, dtype=DTYPES):
    """Numbers up to ±10: ordinary ones, whole ones (so that there are ties), and tiny ones.

    Small enough that no second derivative of a loss drowns in its own rounding.
    """
    flavours = {
        "ordinary": lambda n: n / 10,
        "whole": lambda n: float(int(n / 30)),
        "tiny": lambda n: n * 1e-7,
    }
    return elements(shape, dtype, flavours, magnitude)


def weights(shape, *, dtype=DTYPES):
    """Weights between 0 and 10, some of them 0."""
    return elements(shape, dtype, {"weights": lambda n: max(0.0, n / 10 + 2)}, lambda x: None)


def edges(shape, *, dtype=DTYPES, among=EDGES):
    """Infinities, NaN, zero and numbers of very different sizes."""
    return elements(shape, dtype, {"edges": lambda n: among[n % len(among)]}, lambda x: "edges")


def laid_out(domain):
    """The same numbers, not always contiguous: transposed, or every other of a larger tensor."""

    def make(case):
        x = domain.make(case)
        layout = case.pick(("plain", "plain", "transposed", "strided"))
        if layout == "transposed" and x.ndim > 1:
            x = x.transpose(0, -1).contiguous().transpose(0, -1)
        if layout == "strided" and x.ndim:
            x = torch.stack([x, x], -1)[..., 0]
        return x

    return Domain(make, domain.kind)


def agree(ours, reference, cases, *, count=150, derivatives=2, ulps=ULPS, **options):
    """Require that a loss does what torch's does: value, derivatives, dtype, shape, warnings."""
    options = {"count": count, "derivatives": derivatives, "ulps": ulps, **options}
    options.setdefault("warnings", True)
    return agrees(ours, reference, cases, **options).require()


def catches(wrong, reference, cases, *, count=150, derivatives=2, ulps=ULPS, **options):
    """Require that the same comparison sees a planted fault."""
    options = {"count": count, "derivatives": derivatives, "ulps": ulps, **options}
    agrees(wrong, reference, cases, expect="fails", first=True, **options).require()


def refuses(ours, reference, args, options, says):
    """Require that torch refuses a call, and that we do, in the words `says` (a pattern).

    With an exception that code which catches torch's still catches; but for a TypeError, which is
    what torch raises for some of what is no tensor or no number.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(
            (ValueError, RuntimeError, IndexError, TypeError, AttributeError)
        ) as torchs:
            reference(*args, **options)
        with pytest.raises(LossInputError, match=says) as refusal:
            ours(*args, **options)
    if not issubclass(torchs.type, TypeError | AttributeError | NotImplementedError):
        assert isinstance(refusal.value, torchs.type)
    assert str(refusal.value).count("\n") <= 1


def modules_work(monkeypatch, name, module, *tensors):
    """Require that a module of torch gives the same when its function is ours."""
    wanted = module(*tensors)
    calls = []

    def ours(*args, **options):
        calls.append(name)
        return getattr(lossbook, name)(*args, **options)

    monkeypatch.setattr(torch.nn.functional, name, ours)
    torch.testing.assert_close(module(*tensors), wanted)
    assert calls == [name]
