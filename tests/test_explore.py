"""Explorers without a browser: pictures, controls, sweeps, refusals."""

import base64
import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image

from lossbook.explore import choice, explore, label_line, slider, toggle
from lossbook.explore.figures import png

X = np.linspace(0.01, 1, 100)
VIEW = "application/vnd.jupyter.widget-view+json"


def curve(ax, p):
    (line,) = ax.plot(X, -np.log2(X))
    label_line(line, "−log₂ p", at=0.3)
    ax.plot(p, -np.log2(p), "o")
    ax.set(xlim=(0, 1.05), ylim=(-0.5, 7), xlabel="p", ylabel="bits", title="Information")
    return f"An event of probability {p:.2f} is surprising."


SMALL = {"size": (3.6, 2.4)}  # small pictures are quick to draw


def make(function=curve, alt="A falling curve", p=None, **options):
    control = p or slider(0.01, 1, start=0.5, label="probability")
    return explore(p=control, alt=alt, **SMALL | options)(function)


def still(function, **options):
    return explore(alt="A picture", **SMALL | options)(function)


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_imports_nothing_heavy():
    code = (
        "import sys, lossbook.explore as e; e.slider(0, 1); "
        "sys.exit(bool({'matplotlib', 'ipywidgets', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bundle_and_text():
    explorer = make()
    data, metadata = explorer._repr_mimebundle_()
    assert data["text/plain"] == explorer.sentence == "An event of probability 0.50 is surprising."
    assert set(data) == {"text/plain", "image/png", VIEW}
    assert metadata == {"image/png": {"width": 360, "alt": "A falling curve"}}
    assert pixels(base64.b64decode(data["image/png"])).shape[1] == 2 * 360
    assert repr(explorer) == "curve: An event of probability 0.50 is surprising."
    assert explorer.__doc__ == curve.__doc__
    assert explorer._repr_mimebundle_()[0][VIEW] == data[VIEW], "one view, however often shown"


def test_still_picture_has_no_widget():
    picture = still(lambda ax: ax.plot([0, 1]) and "A line.")
    assert set(picture._repr_mimebundle_()[0]) == {"text/plain", "image/png"}
    picture.sweep()


def test_there_and_back_is_the_same_picture():
    explorer = make()
    start = explorer.png()
    explorer.set(p=0.2)
    assert explorer.png() != start
    explorer.set(p=0.5)
    assert explorer.png() == start == make().png()
    assert explorer.png() == make().set(p=0.99).set(p=0.5).png()
    explorer._canvas.clear()
    assert explorer.set(p=0.5).png() == start


def test_frame_is_drawn_only_when_it_changes():
    explorer = make()
    explorer.set(p=0.1)
    before = explorer._canvas.frames
    for p in (0.2, 0.3, 0.4, 0.5):
        explorer.set(p=p)
    assert explorer._canvas.frames == before


def test_frame_with_words_for_ticks_is_drawn_once():
    def draw(ax, n):
        ax.plot([0, 1], [0, n])
        ax.set(xlim=(0, 1), ylim=(0, 3))
        ax.set_xticks([0, 1], ["nought", "one"])
        return f"This is number {n}."

    explorer = explore(n=slider(1, 3), alt="x", size=(4, 3))(draw)
    explorer.set(n=1)
    before = explorer._canvas.frames
    assert explorer.set(n=3)._canvas.frames == before


CHANGES = {
    "limits": lambda ax, n: ax.set_xlim(0, 1 + n),
    "limits that follow the data": lambda ax, n: ax.plot([0, n], [0, n * n]),
    "title": lambda ax, n: ax.set_title(f"number {n}"),
    "title on the right": lambda ax, n: ax.set_title(f"number {n}", loc="right"),
    "label": lambda ax, n: ax.set_ylabel(f"number {n}"),
    "label colour": lambda ax, n: ax.set_ylabel("y", color=f"C{n}"),
    "label size": lambda ax, n: ax.set_xlabel("x", fontsize=10 + n),
    "ticks": lambda ax, n: ax.set_xticks(np.linspace(0, 1, n + 2)),
    "tick labels": lambda ax, n: ax.set_xticks([0, 1], ["nought", f"number {n}"]),
    "tick look": lambda ax, n: ax.tick_params(labelsize=10 + n),
    "tick by hand": lambda ax, n: ax.get_xticklabels()[2].set_color(f"C{n}"),
    "format": lambda ax, n: ax.yaxis.set_major_formatter(lambda y, _: f"{y:.{n}f}"),
    "scale": lambda ax, n: ax.set(yscale=("log", "linear")[n % 2], ylim=(1, 10)),
    "base of a log scale": lambda ax, n: ax.set_yscale("log", base=2 + n),
    "grid": lambda ax, n: ax.grid(n % 2 == 0),
    "spine": lambda ax, n: ax.spines["top"].set_visible(n % 2 == 0),
    "no axis": lambda ax, n: ax.set_axis_on() if n % 2 else ax.set_axis_off(),
    "background": lambda ax, n: ax.set_facecolor(f"C{n}"),
    "aspect": lambda ax, n: ax.set_aspect(n),
    "inverted": lambda ax, n: ax.yaxis.set_inverted(n % 2 == 0),
    "text of the figure": lambda ax, n: ax.figure.text(0.5, 0.5, f"number {n}"),
    "inset": lambda ax, n: ax.inset_axes([0.5, 0.5, 0.4, 0.4]).plot([0, n]),
    "legend": lambda ax, n: (ax.plot([0, 1], label=f"number {n}"), ax.legend()),
    "order": lambda ax, n: ax.axhspan(0, 0.5, color="C1", zorder=n),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_shows(change):
    def draw(ax, n):
        ax.plot([0, 1], [0.1, 1.1])
        CHANGES[change](ax, n)
        return f"This is number {n}."

    explorer = explore(n=slider(1, 2), alt="x", size=(4, 3))(draw)
    seen = []
    for n in (1, 2, 1):
        explorer._draw({"n": n})
        quick = explorer._pixels
        explorer._draw({"n": n}, fresh=True)
        assert (quick == explorer._pixels).all()
        seen.append(quick)
    assert (seen[0] != seen[1]).any()
    assert (seen[0] == seen[2]).all()


def test_several_axes():
    def draw(axes):
        for ax in axes.flat:
            ax.plot([0, 1])
        return f"{axes.shape}"

    assert still(draw, axes=2).sentence == "(2,)"
    assert still(draw, axes=(2, 3), size=(8, 5)).sentence == "(2, 3)"
    assert pixels(still(draw, axes=2, size=(8, 3)).png()).shape[1] == 1600


def test_readers_settings_do_not_matter():
    start = make().png()
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "lines.linewidth": 9}):
        assert make().png() == start
        assert matplotlib.rcParams["font.size"] == 20


def test_no_figure_of_pyplot():
    from matplotlib import pyplot

    make().set(p=0.3)
    assert pyplot.get_fignums() == []


def test_widgets_follow_and_lead():
    explorer = make()
    explorer._repr_mimebundle_()
    view = explorer._view
    before = view._image.value
    explorer.set(p=0.25)
    assert view._widgets["p"].value == 0.25
    assert view._image.value != before
    view._widgets["p"].value = 0.1 + 0.2
    assert explorer.position == {"p": 0.3}
    assert "0.30" in view._words.value
    assert (pixels(bytes(view._image.value)) == explorer._pixels[..., :3]).all()


def test_a_raise_is_shown_and_passed_on_and_mended():
    def draw(ax, p):
        if p < 0.4:
            raise ZeroDivisionError("no <b>such</b> p")
        return curve(ax, p)

    explorer = make(draw)
    explorer._repr_mimebundle_()
    view = explorer._view
    picture = view._image.value
    with pytest.raises(ZeroDivisionError):
        view._widgets["p"].value = 0.1
    assert "ZeroDivisionError: no &lt;b&gt;such" in view._words.value
    assert view._image.value == picture
    view._widgets["p"].value = 0.6
    assert "0.60" in view._words.value
    assert explorer.png() == make().set(p=0.6).png()


def test_controls_of_every_kind():
    @explore(
        n=slider(1, 6, label="faces"),
        t=slider(0.01, 100, log=True, start=1),
        unit=choice({"bits": 2, "nats": np.e}, label="unit"),
        name=choice([f"option {i}" for i in range(6)]),
        show=toggle(label="show it"),
        alt="All controls",
        size=(3, 2),
    )
    def everything(ax, n, t, unit, name, show):
        ax.plot([0, n], [0, t])
        ax.set(xlim=(0, 7), ylim=(0, 110), title=f"{unit:.2f} {name} {show}")
        return f"{n} {t:.3g} {unit:.2f} {name} {show}"

    everything._repr_mimebundle_()
    widgets = everything._view._widgets
    kinds = ["IntSlider", "FloatLogSlider", "ToggleButtons", "Dropdown", "Checkbox"]
    assert [type(widget).__name__ for widget in widgets.values()] == kinds
    assert [widget.description for widget in widgets.values()] == [
        "faces",
        "t",
        "unit",
        "name",
        "show it",
    ]
    widgets["t"].value = 10.0
    widgets["unit"].value = np.e
    widgets["name"].value = "option 5"
    widgets["show"].value = True
    assert everything.sentence == "3 10 2.72 option 5 True"
    everything.sweep()
    assert everything.sentence == "3 1 2.00 option 0 False"


@pytest.mark.parametrize(
    ("low", "high", "step"), [(0.01, 1, 0.01), (0, 5.0, 0.05), (0.0, 100, 1.0), (0, 9, 1)]
)
def test_step_is_round(low, high, step):
    assert slider(low, high).step == step


NOT_FINITE = {
    "line": lambda ax: ax.plot([0, 1], [0, np.nan]),
    "infinite line": lambda ax: ax.plot([0, 1], [0, np.inf], label="loss"),
    "bar": lambda ax: ax.bar([0], [np.nan]),
    "points": lambda ax: ax.scatter([0, np.nan], [0, 1]),
    "colours": lambda ax: ax.scatter([0, 1], [0, 1], c=[0, np.nan]),
    "image": lambda ax: ax.imshow([[0, np.nan]]),
    "mesh": lambda ax: ax.pcolormesh([[0.0, np.nan]]),
    "text": lambda ax: ax.text(0.5, 0.5, "loss nan"),
    "place of a text": lambda ax: ax.text(0.5, np.nan, "here"),
    "arrow": lambda ax: ax.annotate("here", (0, np.nan)),
    "title": lambda ax: ax.set_title(f"{np.inf}"),
    "minus zero": lambda ax: ax.set_xlabel(f"{-0.001:.2f} bits"),
    "horizontal line": lambda ax: ax.axhline(np.nan),
    "vertical lines": lambda ax: ax.vlines([0, np.nan], 0, 1),
    "inset": lambda ax: ax.inset_axes([0, 0, 1, 1]).plot([np.nan]),
}


@pytest.mark.parametrize("what", NOT_FINITE)
def test_not_finite(what):
    def draw(ax):
        NOT_FINITE[what](ax)
        return "A sentence."

    with pytest.raises(ValueError, match=r"NaN or infinity|in the text"):
        still(draw)


def test_a_mask_is_a_gap_on_purpose():
    still(lambda ax: ax.plot(np.ma.array([0, 1, 2], mask=[0, 1, 0])) and "With a gap.")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda ax, p: (1 / (p - 1), "x")[1], "p=1.0: ZeroDivisionError"),
        (lambda ax, p: str(np.log(np.float64(p) - 0.01)), "p=0.01: RuntimeWarning"),
        (lambda ax, p: ax.plot([p], [1 if p < 1 else np.nan]) and "x", "p=1.0: ValueError: NaN"),
        (lambda ax, p: "x" if p < 1 else None, "p=1.0: TypeError: .* must return the sentence"),
        (lambda ax, p: "x" if p < 1 else "nan bits", "p=1.0: ValueError: 'nan'"),
        (lambda ax, p: ax.text(p, 0.5, "a very long text" * 3) and "x", "over the picture's edge"),
        (lambda ax, p: ax.plot(np.random.rand(3)) and "x", "second drawing differs"),
    ],
)
def test_sweep_finds(draw, message):
    explorer = make(draw)
    with pytest.raises(AssertionError, match=message):
        explorer.sweep()


def test_sweep_names_the_explorer_and_returns_to_the_start():
    def falling(ax, p):
        return "x" if p < 1 else 1 / 0

    with pytest.raises(AssertionError, match=r"^falling at p=1.0: ZeroDivisionError"):
        make(falling).sweep()
    explorer = make().set(p=0.9)
    explorer.sweep()
    assert explorer.position == {"p": 0.5}


def test_sweep_takes_menus_together():
    drawn = []

    @explore(a=choice(range(7)), b=choice(range(6), start=3), p=slider(0.0, 1, start=0.5), alt="x")
    def menus(ax, a, b, p):
        drawn.append((a, b, p))
        return "x"

    drawn.clear()
    menus.sweep()
    pairs = [(a, b) for a, b, p in drawn[::2] if p == 0.5][1:]
    assert {*zip(range(7), (5, 4, 3, 2, 1, 0, 5), strict=True)} <= {*pairs}
    assert {p for _, _, p in drawn} == {0, 0.25, 0.5, 0.75, 1}
    assert len(drawn) < 50


def test_sweep_finds_a_frame_that_should_not_have_been_remembered(monkeypatch):
    def titled(ax, p):
        ax.set_title("here" if p == 0.5 else "there")
        return "x"

    make(titled).sweep()
    monkeypatch.setattr("lossbook.explore.figures._state", lambda value: None)
    with pytest.raises(AssertionError, match="second drawing differs"):
        make(titled).sweep()


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (lambda: slider(0, 1, start=2), ValueError, r"start = 2 is outside slider\(0, 1\)"),
        (lambda: slider(1, 0), ValueError, "low to high"),
        (lambda: slider(1, 1), ValueError, "low to high"),
        (lambda: slider(0, 1, log=True), ValueError, "above 0"),
        (lambda: slider(0, 1, step=0), ValueError, "step"),
        (lambda: slider(0, float("nan")), ValueError, "finite"),
        (lambda: slider("0", 1), TypeError, "low of a slider must be a number"),
        (lambda: slider(0, True), TypeError, "number"),
        (lambda: slider(0, 5, start=2.5, step=0.5).check("p", "2"), ValueError, "outside"),
        (lambda: choice(["one"]), ValueError, "two"),
        (lambda: choice(["a", "b"], start="c"), ValueError, "start = 'c' is outside"),
        (lambda: toggle(start=1), ValueError, "start = 1"),
        (lambda: explore(alt=" ", p=slider(0, 1)), ValueError, "alt"),
        (lambda: explore(p=slider(0, 1)), TypeError, "alt"),
        (lambda: explore(alt="x", p=0.5), TypeError, "p must be a slider, choice or toggle"),
        (lambda: explore(alt="x", q=slider(0, 1))(curve), TypeError, "curve takes no 'q'"),
        (lambda: explore(alt="x")(curve), TypeError, r"no control for \['p'\]"),
        (lambda: explore(alt="x")(lambda: "x"), TypeError, "axes to draw on"),
        (lambda: make(lambda ax, p: None), TypeError, "must return the sentence"),
        (lambda: make(lambda ax, p: " "), TypeError, "must return the sentence"),
        (lambda: make().set(q=1), TypeError, "no control 'q'; it has p"),
        (lambda: make().set(p=7), ValueError, "p = 7 is outside"),
        (lambda: still(lambda ax: str(ax.twinx())), ValueError, "added 1 axes"),
    ],
)
def test_misuse(wrong, kind, message):
    with pytest.raises(kind, match=message):
        wrong()


def test_png_loses_nothing():
    picture = np.random.default_rng(0).integers(0, 256, (37, 53, 4), dtype=np.uint8)
    assert (pixels(png(picture)) == picture[..., :3]).all()


def test_style():
    """Text of at least ten points, colours that differ without colour vision, a style each."""
    from lossbook.explore.figures import _style

    style = _style()
    sizes = ["font.size", "axes.labelsize", "axes.titlesize", "xtick.labelsize", "legend.fontsize"]
    assert min(float(style[size]) for size in sizes) >= 10
    cycle = style["axes.prop_cycle"].by_key()
    assert len(cycle["color"]) == len(set(map(str, cycle["linestyle"]))) == 6


def test_caption_fills_its_lines_and_no_more():
    def inked(count):
        """Rows and columns of the picture under the axes that carry ink."""
        picture = still(lambda ax: "wide WORDS " * count, size=(6.4, 3.6))
        return (pixels(picture.png())[720:] < 128).any(2)

    short, long = inked(2), inked(30)
    assert short.shape[0] < 100
    assert long.shape[0] < 350
    assert np.nonzero(long.any(0))[0].max() > 1100
    assert not long[:, -20:].any()
    assert not long[-4:].any()
