"""Every lesson in a real JupyterLab: as it is stored, run, moved, in both themes."""

import shutil
from pathlib import Path

import nbformat
import pytest
from browser.lab import Browser, Server
from browser.made_up import CONTROLS, CURVE, RAISES, STILL, build
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = [path.name for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


@pytest.fixture(scope="module")
def lab(browser_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    build(folder / "notebooks/made_up.ipynb", CURVE, CONTROLS, STILL, RAISES)
    with Server(folder / "notebooks", folder) as server, Browser(browser_path) as browser:
        yield browser.lab(server)


@pytest.fixture(scope="module", params=[*LESSONS, "made_up.ipynb"])
def stored(lab, request):
    """A lesson, open but not run: its file."""
    path = Path(lab.folder, request.param)
    lab.open(path.name)
    yield nbformat.read(path, as_version=4)
    lab.close()


@pytest.fixture(scope="module")
def live(lab, stored):
    """The same lesson, run."""
    lab.run_all()
    return stored


def outputs(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output for cell in cells for output in cell.outputs]


def of_type(notebook, kind):
    return [output for output in outputs(notebook) if kind in output.get("data", {})]


def test_stored_opens_in_silence(lab, stored):
    assert lab.dialogs() == []
    assert lab.errors() == []
    assert lab.overflowing() == []


def test_stored_shows_its_pictures(lab, stored):
    pictures = of_type(stored, "image/png")
    images = lab.notebook.locator(".jp-OutputArea-output.jp-RenderedImage img")
    expect(images).to_have_count(len(pictures))
    for image, output in zip(images.all(), pictures, strict=True):
        width, natural = image.evaluate("image => [image.clientWidth, image.naturalWidth]")
        assert width == output.metadata["image/png"]["width"]
        assert natural == 2 * width
        assert len(output.metadata["image/png"]["alt"]) > 4


def test_mathematics_is_set(lab, stored):
    wanted = sum(cell.source.count("$") for cell in stored.cells if cell.cell_type == "markdown")
    assert lab.raw_mathematics() == []
    if wanted:
        assert lab.notebook.locator("mjx-container").count() > 0
    expect(lab.notebook.locator("mjx-merror, [data-mml-node=merror]")).to_have_count(0)


def test_runs_without_error(lab, live):
    assert lab.errors() == []
    assert lab.dialogs() == []
    assert lab.raw_mathematics() == []


def test_every_picture_has_a_name(lab, live):
    images = lab.notebook.locator("img.widget-image").all()
    named = [image.get_attribute("title") or image.get_attribute("alt") for image in images]
    wanted = of_type(live, "application/vnd.jupyter.widget-view+json")
    texts = {output.metadata["image/png"]["alt"] for output in wanted if "image/png" in output.data}
    assert texts <= set(named)
    assert all(named)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_too_wide(lab, live, theme):
    lab.theme(theme)
    assert lab.overflowing() == []
    assert lab.pale() == []


def test_every_slider_moves_its_picture(lab, live):
    for explorer in lab.explorers():
        for slider in lab.sliders(explorer):
            now, end = (slider.get_attribute(f"aria-value{name}") for name in ("now", "max"))
            keys = ["End", "ArrowLeft", "Home", "ArrowRight"]
            if now == end:
                keys = keys[2:] + keys[:2]
            seen = [lab.press(explorer, slider, key) for key in keys]
            assert len({picture for picture, _ in seen}) > 1, "the picture does not follow"
            assert len({words for _, words in seen}) > 1, "the words do not follow"
    assert lab.errors() == []
    assert lab.overflowing() == []


@pytest.mark.parametrize("stored", ["made_up.ipynb"], indirect=True)
def test_a_raise_is_seen_and_mended(lab, live):
    fragile = lab.explorers()[-1]
    (slider,) = lab.sliders(fragile)
    lab.press(fragile, slider, "End")
    for _ in range(3):
        lab.press(fragile, slider, "ArrowLeft")
    words = fragile.locator(".widget-html-content")
    expect(words).to_have_text("One bar for the number 7.")
    slider.press("ArrowLeft")
    expect(words).to_contain_text("ZeroDivisionError: division by zero. The picture is the last")
    lab.press(fragile, slider, "ArrowLeft")
    expect(words).to_have_text("One bar for the number 5.")
