"""From the press of a key to new pixels, in a real browser.

The same curve, moved by an explorer of `lossbook`, by plain `ipywidgets.interact` and by ipympl, in
one notebook in one page, in turns; and, as the least that any picture in a widget takes, by two
ready-made pictures of 64 × 36 points that replace each other. The clock runs in the page, from the
key event until the frame after the new picture has been decoded or drawn.

    python tests/benchmarks/latency.py
"""

import statistics
import sys
import tempfile
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.lab import Browser, Server

CURVE = """
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from ipympl.backend_nbagg import Canvas, FigureManager
from IPython.display import display
from matplotlib.figure import Figure
from lossbook.explore import explore, slider

%matplotlib inline
x = np.linspace(0.01, 1, 400)

def curve(ax, p):
    ax.plot(x, -np.log2(x))
    ax.plot(p, -np.log2(p), "o")
    ax.set(xlim=(0, 1.05), ylim=(0, 7), xlabel="probability", ylabel="bits", title="Information")
    ax.grid(True)
    return f"An event of probability {p:.2f} carries {-np.log2(p):.2f} bits."
"""

WAYS = {
    "explorer": "explore(p=slider(0.01, 1, start=0.5), alt='A falling curve')(curve)",
    "interact": """
def draw(p):
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    curve(ax, p)
    plt.show()

ipywidgets.interact(draw, p=ipywidgets.FloatSlider(value=0.5, min=0.01, max=1, step=0.01));
""",
    "ipympl": """
figure = Figure((6.4, 3.6))
canvas = Canvas(figure)
manager = FigureManager(canvas, 1)
ax = figure.add_subplot()

def move(change):
    ax.clear()
    curve(ax, change["new"])
    canvas.draw_idle()

handle = ipywidgets.FloatSlider(value=0.5, min=0.01, max=1, step=0.01)
handle.observe(move, "value")
move({"new": 0.5})
display(handle, canvas)
""",
    "two ready-made pictures": """
import io
from PIL import Image

def ready_made(colour):
    file = io.BytesIO()
    Image.new("RGB", (64, 36), colour).save(file, "png")
    return file.getvalue()

pictures = [ready_made("red"), ready_made("blue")]
bare = ipywidgets.Image(value=pictures[0], width=640)
swap = ipywidgets.FloatSlider(value=0.5, min=0.01, max=1, step=0.01)

def exchange(change):
    pictures.reverse()
    bare.value = pictures[0]

swap.observe(exchange, "value")
display(swap, bare)
""",
}

# A picture counts when it is in the page and decoded, a canvas when it has been drawn on; both
# count from the frame after that.
CLOCK = """() => {
    document.addEventListener('keydown', () => {
        window.pressed = performance.now();
        window.painted = new Promise(done => { window.seen = () => {
            window.seen = () => {};
            requestAnimationFrame(() => {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => done(performance.now() - window.pressed);
                port2.postMessage(0);
            });
        }});
    }, true);
    document.addEventListener('load', async event => {
        if (event.target.tagName === 'IMG') { await event.target.decode(); window.seen?.(); }
    }, true);
    for (const name of ['drawImage', 'putImageData']) {
        const draw = CanvasRenderingContext2D.prototype[name];
        CanvasRenderingContext2D.prototype[name] = function (...all) {
            draw.apply(this, all);
            if (this.canvas.isConnected) window.seen?.();
        };
    }
}"""


def measure(browser_path, presses=15):
    """Milliseconds from key to pixels.

    Parameters
    ----------
    browser_path : str
    presses : int
        Of each way, after three that do not count.

    Returns
    -------
    dict of str to list of float
    """
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (CURVE, *WAYS.values())]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    times = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        served = Path(folder, "served")
        served.mkdir()
        nbformat.write(notebook, served / "latency.ipynb")
        with Server(served, Path(folder, "private")) as server, Browser(browser_path) as browser:
            lab = browser.lab(server)
            lab.open("latency.ipynb")
            lab.run_all()
            if errors := lab.errors():
                raise RuntimeError("; ".join(errors))
            lab.page.evaluate(CLOCK)
            handles = dict(zip(WAYS, lab.sliders(), strict=True))
            for number in range(presses + 3):
                for way, handle in handles.items():
                    handle.evaluate("handle => handle.scrollIntoView({block: 'start'})")
                    lab.idle()
                    handle.press("ArrowRight")
                    time = lab.page.evaluate("() => window.painted")
                    if number >= 3:
                        times[way].append(time)
            lab.close()
    return times


def rows():
    """Rows of the table of `make bench`: what, measured, aim."""
    from conftest import NO_BROWSER, find_browser

    if find_browser() is None:
        return [("key to pixels", NO_BROWSER, "")]
    times = measure(find_browser())
    middle = {way: statistics.median(values) for way, values in times.items()}
    aim = {"explorer": f"at most {middle['interact'] / 2:.0f} ms"}
    return [
        (
            f"key to pixels, {way}",
            f"{middle[way]:.0f} ms (slowest {max(times[way]):.0f})",
            aim.get(way, ""),
        )
        for way in WAYS
    ]


if __name__ == "__main__":
    for row in rows():
        print("  ".join(f"{cell:<28}" for cell in row).rstrip())
