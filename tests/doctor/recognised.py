"""Tables of mistakes: each has its finding, and the right form beside it none."""

import warnings

import pytest

from lossbook.doctor import examine


def call(loss, *args, **kwargs):
    return loss, args, kwargs


def codes(loss, args, kwargs) -> list[str]:
    """Return the codes of what is found; a rule that fails is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own
        warnings.filterwarnings("error", message="the doctor's rule")
        return examine(loss, *args, **kwargs).codes


def mistakes(table):
    """Make one test of each line: row of PITFALLS or "beyond", mistake, its code, right form."""
    names = [f"{row}-{code}" for row, _, code, _ in table]
    return pytest.mark.parametrize(("mistake", "code", "right"), [line[1:] for line in table],
                                   ids=names)  # fmt: skip


def check(mistake, code, right):
    found = codes(*mistake), codes(*right)
    assert found == ([code], []), found


def fine(table):
    """Make one test of each line: what looks odd, and the call, which is right."""
    return pytest.mark.parametrize("right", [line[1] for line in table], ids=[n for n, _ in table])
