"""For pytest alone: the notebooks' last test, wherever pytest is called from."""

import pytest

pytest_plugins = ["notebook_plugin"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep a file's tests in one process, but let each lesson in the browser have its own."""
    for item in items:
        lesson = getattr(getattr(item, "callspec", None), "params", {}).get("stored", "")
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name} {lesson}".strip()))
