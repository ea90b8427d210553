"""A learner's JupyterLab shows nothing of nbgrader, which comes with the tests."""

import json
import re

import nbformat
import pytest
from browser.lab import Browser, Server

from lossbook.environment import LAB_SETTINGS

pytestmark = pytest.mark.browser

EVERYTHING = """
const parts = {};
parts.commands = app.commands.listCommands().map(id => `${id} ${app.commands.label(id)}`);
parts.menus = [...document.querySelectorAll('.lm-MenuBar-item')].map(item => item.innerText);
parts.sidebars = ['left', 'right'].flatMap(side => [...app.shell.widgets(side)].map(w => w.id));
parts.buttons = [...panel.toolbar.names()];
parts.pages = [];
for (const page of ['formgrader', 'tree'])
    parts.pages.push(`${page} ${(await fetch('/' + page)).status}`);
return parts;
"""
STRANGE = "(?i)nbgrader|assignment|formgrader 200|tree 200|interfaceSwitcher|launch-tree"


def strange(folder, browser_path):
    """What of nbgrader, and of the old notebook that comes with it, a new JupyterLab shows."""
    kernel = {"name": "python3", "display_name": "Python 3"}
    empty = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    nbformat.write(empty, folder / "empty.ipynb")
    with Server(folder, folder) as server, Browser(browser_path) as browser:
        lab = browser.lab(server)
        lab.open("empty.ipynb")
        parts = lab._call(EVERYTHING)
    assert all(parts.values())
    for part, shown in parts.items():
        parts[part] = [each for each in shown if re.search(STRANGE, each)]
    return {part: each for part, each in parts.items() if each}


def test_a_learner_sees_nothing_of_nbgrader(tmp_path, browser_path):
    assert strange(tmp_path, browser_path) == {}


def test_switched_on_it_would_be_seen(tmp_path, browser_path, monkeypatch):
    """The test above could fail: settings that come first turn round what the set-up wrote."""
    turn = {"true": "false", "false": "true"}
    for name, settings in LAB_SETTINGS.items():
        if name.startswith("etc/jupyter"):
            path = tmp_path / "first" / name.removeprefix("etc/jupyter/")
            path.parent.mkdir(parents=True, exist_ok=True)
            turned = re.sub("true|false", lambda word: turn[word[0]], json.dumps(settings))
            path.write_text(turned, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path / "first"))
    found = strange(tmp_path, browser_path)
    assert set(found) == {"commands", "menus", "sidebars", "buttons", "pages"}
