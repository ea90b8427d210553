"""A notebook with every kind of control, for the tests of this folder."""

import nbformat
from nbclient import NotebookClient

WORDS = r"""# Made up

The information of an event is $I(x) = -\log_2 p(x)$, and

$$\sum_i p_i = 1.$$
"""

CURVE = """
import numpy as np
from lossbook.explore import choice, explore, label_line, slider, toggle

x = np.linspace(0.01, 1, 400)

@explore(p=slider(0.01, 1, start=0.5, label="probability p"), alt="A curve that falls as p grows")
def information_curve(ax, p):
    (line,) = ax.plot(x, np.log2(1 / x))
    label_line(line, "log₂ 1/p", at=0.3)
    ax.plot(p, np.log2(1 / p), "o", color="C1")
    ax.set(xlim=(0, 1.05), ylim=(0, 7), xlabel="probability $p$", ylabel="bits", title="Rare")
    return f"An event of probability {p:.2f} carries {np.log2(1 / p):.2f} bits."

information_curve
"""

CONTROLS = """
@explore(
    t=slider(0.1, 10, start=1, log=True, label="temperature of the softmax"),
    n=slider(2, 8, label="classes"),
    base=choice({"bits": 2, "nats": np.e}, label="unit"),
    bars=toggle(start=True, label="show the bars"),
    axes=2,
    size=(7, 3),
    alt="Bars of a softmax beside its entropy",
)
def softmax(axes, t, n, base, bars):
    p = np.exp(np.linspace(-1, 1, n) / t)
    p /= p.sum()
    entropy = (p * np.log(1 / p)).sum() / np.log(base)
    if bars:
        axes[0].bar(range(n), p)
    axes[0].plot(range(n), p, "o-")
    axes[0].set(xlim=(-0.6, 7.6), ylim=(0, 1), xlabel="class", title="Softmax")
    axes[1].barh([0], [entropy], color="C2")
    axes[1].set(xlim=(0, 3.2), yticks=[], title="Entropy")
    return f"At temperature {t:.3g} the entropy of {n} classes is {entropy:.3f}."

softmax
"""

STILL = """
@explore(alt="Six powers of x, each below the one before")
def powers(ax):
    for power in range(1, 7):
        (line,) = ax.plot(x, x**power)
        label_line(line, f"$x^{power}$", at=0.55 + 0.06 * power)
    ax.set(xlabel="x", title="Powers")
    return "Between nought and one, a higher power is a smaller number. " * 3

powers
"""

RAISES = """
@explore(q=slider(0, 10, start=5, label="whole number"), alt="A bar")
def fragile(ax, q):
    ax.bar([0], [1 / (q - 6)])
    ax.set_ylim(-1, 1)
    return f"One bar for the number {q}."

fragile
"""


def build(path, *sources):
    """Write a notebook of the given code cells to `path`, run and with its outputs stored."""
    cells = [nbformat.v4.new_markdown_cell(WORDS)]
    cells += [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    NotebookClient(notebook, kernel_name="python3").execute()
    nbformat.write(notebook, path)
