"""What `doctor.watch()` costs a training step, after the first calls of a place."""

import statistics
import time
from itertools import pairwise

import torch
from torch import nn

from lossbook import doctor

NETWORKS = {  # name: width, layers, batch, pairs of steps, aim
    "small": (32, 1, 64, 2000, "at most 1.05"),
    "medium": (512, 4, 128, 200, "at most 1.01"),
}


def rows():
    """Yield what was measured: steps with and without, in turns, the median of the ratios."""
    for name, (width, layers, batch, pairs, aim) in NETWORKS.items():
        step = training_step(width, layers, batch)
        watch = doctor.watch("collect")
        for _ in range(20):
            step()
        ratios, plain = [], []
        for _ in range(pairs):
            watch.stop()
            plain.append(seconds(step))
            watch.start()
            ratios.append(seconds(step) / plain[-1])
        watch.stop()
        step_time = f"{1e3 * statistics.median(plain):.2f} ms"
        ratio = f"{statistics.median(ratios):.3f} of {step_time} without"
        yield f"doctor.watch, step of a {name} network", ratio, aim


def training_step(width: int, layers: int, batch: int):
    """Return a function that makes one step of a classifier with Adam."""
    torch.manual_seed(0)
    sizes = [64, *[width] * layers]
    hidden = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    network, criterion = nn.Sequential(*hidden, nn.Linear(width, 10)), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters())
    x, y = torch.randn(batch, 64), torch.randint(10, (batch,))

    def step():
        optimizer.zero_grad()
        criterion(network(x), y).backward()
        optimizer.step()

    return step


def seconds(step) -> float:
    step()  # the first one after a change of torch's functions finds Python's caches cold
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
