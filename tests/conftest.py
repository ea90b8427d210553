"""Decides where the browser tests run: wherever `browsers` finds a Chromium or Chrome."""

import os

import pytest
from browsers import NO_BROWSER, find_browser


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
