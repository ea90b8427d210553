"""The code of a function, as lessons show it."""

import pytest

from lossbook.source import source


class Shelf:
    """Holds things."""

    def put(self, thing):
        """Put a thing on it.

        It stays there.
        """
        return [thing]  # a comment stays


def plain():
    return "no docstring"


def test_docstrings_are_left_out_and_comments_stay():
    assert repr(source(Shelf)).splitlines() == [
        "class Shelf:",
        "",
        "    def put(self, thing):",
        "        return [thing]  # a comment stays",
    ]


def test_several_functions_stand_below_each_other():
    shown = source(plain, Shelf.put)
    assert repr(shown).startswith('def plain():\n    return "no docstring"\n\n\ndef put(')
    assert shown._repr_markdown_().startswith("```python\ndef plain")


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError, match="has no Python source"):
        source(len)
