"""Finds the browser that the browser tests and `make bench` drive.

`LOSSBOOK_BROWSER=required` makes it a failure that none is found (`.ci/run` sets it), `no`
leaves the browser tests out, and a path names the browser.
"""

import os
import shutil
from pathlib import Path

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
