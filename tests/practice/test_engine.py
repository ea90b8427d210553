"""What the engine says of answers, whatever the exercise."""

import torch

from lossbook.practice.exercise import BOTH
from lossbook.practice.function import Function
from lossbook.practice.readymade import Watch
from lossbook.verify import reals


def notes(answer):
    """The notes on an answer where a tenth of each number is wanted."""
    tenth = Function(
        name="tenth", title="A tenth", level=1, minutes=1, hints=[], mistakes=[],
        answer=lambda x: 0.1 * x, cases={"x": reals("n", dtype=BOTH)},
    )  # fmt: skip
    return tenth.judge(answer).notes


def test_float32_on_the_way():
    assert "float32" in notes(lambda x: torch.tensor(0.1) * x.new_ones(()) * x)[0]


def test_a_wrong_slope_says_nothing_about_digits():
    slope = Function(
        name="slope", title="Slope", level=1, minutes=1, hints=[], mistakes=[],
        answer=lambda x: x**2, cases={"x": reals("n:1-3")}, differentiable=True,
    )  # fmt: skip
    feedback = slope.judge(lambda x: x * x.detach())
    assert (feedback.what, feedback.notes) == ("gradient", [])


def test_an_epsilon():
    assert "epsilon" in notes(lambda x: 0.1 * x + 1e-5)[0]


def used(function, *arguments):
    """The ready-made functions that are noticed in a call."""
    watch = Watch(allow=set(), forbid=set())
    with watch:
        function(*arguments)
    return watch.found


def test_a_function_of_the_reader_may_have_the_name_of_a_ready_made_one():
    def softmax(z):
        return z.exp() / z.exp().sum(dim=-1, keepdim=True)

    assert used(softmax, torch.zeros(3)) == set()


def test_a_ready_made_function_is_noticed_behind_a_function_of_the_same_name():
    def softmax(z):
        return torch.nn.functional.softmax(z, dim=-1)

    assert used(softmax, torch.zeros(3)) == {"softmax"}
