"""Gives every notebook that nbval runs one test more, after its last cell, in its kernel.

It sweeps the explorers and requires the derivations and reports; see `notebook_checks`. The
kernel is there and has run all cells, so this costs no second run. (An exercise promises nothing:
its derivations still have gaps.)

And no test touches the reader's progress: each notebook gets a new file for it.
"""

import os
import tempfile

import pytest
from nbval.plugin import IPyNbCell
from notebook_checks import WATCH, promise_code, variables


class PromiseBroken(Exception):
    """What `notebook_checks.broken_promises` found, a line each."""


class Promises(pytest.Item):
    """The test after the last cell."""

    def runtest(self):
        timeout = self.config.option.nbval_cell_timeout
        client = self.parent.kernel.kc
        code = promise_code(self.parent.nb)
        reply = client.execute_interactive(
            code, store_history=False, allow_stdin=False, timeout=timeout, output_hook=id
        )["content"]
        if reply["status"] == "error":
            raise PromiseBroken(reply["evalue"] or reply["ename"])

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(PromiseBroken):
            return f"{self.path.name} breaks its word:\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, f"{self.path.name}::promises"


FOLDER = pytest.StashKey()


def pytest_configure(config):
    """Let progress go to a folder that is gone after the tests, whatever runs."""
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    config.stash[FOLDER] = folder.name
    os.environ.update(variables("tests", folder.name))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    """Before the first cell, have the kernel keep the results of all cells."""
    if isinstance(item, IPyNbCell) and item.cell_num == 0:
        ours = variables(item.path, item.config.stash[FOLDER])
        code = f"{WATCH}\n__import__('os').environ.update({ours})"
        item.parent.kernel.await_reply(item.parent.kernel.execute_cell_input(code))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Put a `Promises` behind the last cell of each notebook."""
    last = {item.parent: item for item in items if isinstance(item, IPyNbCell)}
    for notebook, cell in last.items():
        if notebook.path.parent.name == "exercises":
            continue
        items.insert(items.index(cell) + 1, Promises.from_parent(notebook, name="promises"))
