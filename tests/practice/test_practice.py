"""The engine of the exercises."""

import torch

from lossbook.practice.readymade import Watch


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
