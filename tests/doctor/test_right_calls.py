"""No finding on right calls: two thousand of each loss, drawn."""

import pytest
import right_calls
import torch

from lossbook.doctor import examine
from lossbook.doctor.call import FUNCTIONS

NUMBER = 2000


@pytest.mark.parametrize("loss", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::UserWarning:torch")
def test_nothing_is_found(loss):
    torch.manual_seed(0)
    draw = right_calls.Draw(len(loss))
    for number in range(NUMBER):
        args, options = getattr(right_calls, loss)(draw)
        found = examine(loss, *args, **options)
        assert not found, f"call {number}: {found}\n{args}\n{options}"
