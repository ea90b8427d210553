"""Decides where the browser tests run: wherever a Chromium or Chrome is found.

`LOSSBOOK_BROWSER=required` makes it a failure that none is found (`.ci/run` sets it), `no`
leaves the browser tests out, and a path names the browser.
"""

import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)


def find_browser():
    """Return the path of a browser that Playwright can drive, or None."""
    wish = os.environ.get("LOSSBOOK_BROWSER", "")
    if wish == "no":
        return None
    places = [shutil.which(name) for name in NAMES] + list(PLACES)
    if wish not in ("", "required"):
        places = [wish]
    return next((place for place in places if place and Path(place).exists()), None)


NO_BROWSER = "no Chromium or Chrome found (LOSSBOOK_BROWSER=<path> names one)"


@pytest.fixture(scope="session")
def browser_path():
    """Path of the browser; the test is skipped, or fails where required, if there is none."""
    path = find_browser()
    if path is None and os.environ.get("LOSSBOOK_BROWSER") == "required":
        pytest.fail(NO_BROWSER, pytrace=False)
    if path is None:
        pytest.skip(NO_BROWSER)
    return path


def pytest_collection_modifyitems(items):
    """Let every test marked `browser` ask for `browser_path` first, before any other fixture."""
    for item in items:
        if item.get_closest_marker("browser") and hasattr(item, "fixturenames"):
            item.fixturenames.insert(0, "browser_path")


def pytest_terminal_summary(terminalreporter):
    """Say in one line that the browser tests did not run."""
    if find_browser() is None:
        terminalreporter.write_line(f"The browser tests did not run: {NO_BROWSER}.")
