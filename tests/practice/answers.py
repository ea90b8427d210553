"""The tests of an exercise: wrong answers are refused, by name, and right ones accepted.

A file of tests has two tables:

    WRONG = {"entropy": [(function, "no minus sign"), (function, "dtype"), ...], ...}
    RIGHT = {"entropy": [function, ...], ...}

With a wrong answer goes the name of the mistake; where it has none, what is wrong ("value",
"shape", "dtype", "gradient", "type", "ready-made", "raises", ...).
"""

import pytest

from lossbook.practice.catalogue import find, lessons


def tried(lesson, wrong, right):
    """The tests of one lesson, to be put among the globals of its file."""
    wrong_cases = [
        pytest.param(name, answer, expected, id=f"{name}-{number}-{expected}".replace(" ", "_"))
        for name, answers in wrong.items()
        for number, (answer, expected) in enumerate(answers)
    ]
    right_cases = [
        pytest.param(name, answer, id=f"{name}-{number}")
        for name, answers in right.items()
        for number, answer in enumerate(answers)
    ]

    @pytest.mark.parametrize(("name", "answer", "expected"), wrong_cases)
    def test_wrong(name, answer, expected):
        feedback = find(name).judge(answer)
        assert feedback.outcome in ("wrong", "raised"), feedback
        assert (feedback.mistake or feedback.what) == expected, feedback

    @pytest.mark.parametrize(("name", "answer"), right_cases)
    def test_right(name, answer):
        feedback = find(name).judge(answer, seed=1)
        assert feedback.outcome == "correct", feedback

    def test_enough_answers():
        for exercise in lessons()[lesson]:
            assert len(wrong.get(exercise.name, ())) >= 6, exercise.name
            assert len(right.get(exercise.name, ())) >= 2, exercise.name

    return {test.__name__: test for test in (test_wrong, test_right, test_enough_answers)}
