"""A real JupyterLab in a real browser, for tests, screenshots and measurements.

    with Server(folder) as server, Browser(path) as browser:
        lab = browser.lab(server)
        lab.open("01_information_content.ipynb")
        lab.run_all()
        lab.screenshot("lesson.png")

It waits for JupyterLab's own promises and events, never for a length of time.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress

from playwright.sync_api import expect, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEW = "application/vnd.jupyter.widget-view+json"
TIMEOUT = 60_000  # milliseconds; far more than anything takes
expect.set_options(timeout=TIMEOUT)


class Server:
    """JupyterLab on a free port, serving `folder`, with settings and kernels of its own."""

    def __init__(self, folder, private):
        self.folder, self.private = folder, private

    def __enter__(self):
        # Without windowing every cell is in the page, not only those in view.
        tracker = self.private / "settings/@jupyterlab/notebook-extension"
        tracker.mkdir(parents=True)
        (tracker / "tracker.jupyterlab-settings").write_text(
            '{"windowingMode": "none", "scrollPastEnd": false}'
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        places = {
            "JUPYTERLAB_SETTINGS_DIR": self.private / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": self.private / "workspaces",
            "JUPYTER_RUNTIME_DIR": self.private / "runtime",
            "JUPYTER_DATA_DIR": self.private / "data",
            "JUPYTER_CONFIG_DIR": self.private / "config",
            "IPYTHONDIR": self.private / "ipython",
        }
        options = [
            "--no-browser",
            "--allow-root",
            "--expose-app-in-browser",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            "--IdentityProvider.token=",
            f"--ServerApp.root_dir={self.folder}",
        ]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=os.environ | {name: str(place) for name, place in places.items()},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log, ready = [], threading.Event()

        def listen():
            for line in self._process.stderr:
                self.log.append(line)
                if "is running at" in line:
                    ready.set()
            ready.set()

        threading.Thread(target=listen, daemon=True).start()
        if not ready.wait(TIMEOUT / 1000) or self._process.poll() is not None:
            self.__exit__()
            raise RuntimeError("JupyterLab did not start:\n" + "".join(self.log[-20:]))
        return self

    def __exit__(self, *_):
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()


class Browser:
    """Chromium at `path`; one for all pages."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=self.path, args=ARGUMENTS)
        return self

    def __exit__(self, *_):
        self._browser.close()
        self._playwright.stop()

    def lab(self, server, width=1280, height=900):
        """A new JupyterLab in a page of its own."""
        page = self._browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(TIMEOUT)
        return JupyterLab(page, server)


class JupyterLab:
    """One page of JupyterLab, with at most one notebook open.

    Attributes
    ----------
    page : playwright.sync_api.Page
    folder : pathlib.Path
        What its server serves.
    notebook : playwright.sync_api.Locator
        The cells and their outputs.
    """

    def __init__(self, page, server):
        self.page, self.folder, self._url = page, server.folder, server.url
        self.notebook = page.locator(".jp-NotebookPanel-notebook")
        self._is_open = False

    def _call(self, body, argument=None):
        """Run JavaScript with `app` and the open notebook's `panel`; promises are awaited."""
        start = "const app = window.jupyterapp, panel = app.shell.currentWidget;"
        return self.page.evaluate(f"async argument => {{ {start} {body} }}", argument)

    def open(self, path):
        """Open a notebook and wait until it is drawn and its kernel is ready."""
        self.close()
        self.page.goto(f"{self._url}/lab/tree/{path}?reset")
        expect(self.notebook).to_be_visible()
        self._call("await app.restored; await panel.revealed; await panel.sessionContext.ready;")
        self._call("app.shell.collapseLeft(); await document.fonts.ready;")
        self._is_open = True
        self._settle()

    def close(self):
        """Shut the kernel down and leave the page, without a question about saving."""
        if self._is_open:
            self._call("await panel.sessionContext.shutdown(); panel.context.model.dirty = false;")
            self.page.goto("about:blank")
        self._is_open = False

    def run_all(self):
        """Run every cell; return when the last one is done and its widgets are drawn."""
        self._call("await app.commands.execute('notebook:run-all-cells');")
        count = sum(VIEW in output.get("data", {}) for output in self.outputs())
        self.page.wait_for_function(
            """count => count <= document.querySelectorAll(
                '.jp-OutputArea-output:has(.jupyter-widgets)').length""",
            arg=count,
        )
        self._settle()

    def cell(self, text):
        """The first code cell in which `text` stands; it stays this one when its text changes."""
        cells = self.notebook.locator(".jp-CodeCell")
        found = [text in words for words in cells.all_inner_texts()]
        return cells.nth(found.index(True))

    def write(self, cell, code):
        """Put code in the place of what stands in a cell, as a reader does, and run it."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)
        return self.run(cell)

    def run(self, cell):
        """Run a cell; return what it shows."""
        cell.locator(".cm-content").click()
        self._call("await app.commands.execute('notebook:run-cell');")
        self._settle()
        return cell.locator(".jp-OutputArea")

    def append(self, code):
        """Add a cell at the end and run it; return what it shows."""
        self._call(
            "panel.content.activeCellIndex = panel.content.widgets.length - 1;"
            "await app.commands.execute('notebook:insert-cell-below');"
        )
        return self.write(self.notebook.locator(".jp-CodeCell").last, code)

    def _settle(self):
        """Wait until pictures are decoded, mathematics is set and a frame has been painted."""
        self.page.wait_for_function(
            "() => [...document.images].every(image => image.complete)", timeout=TIMEOUT
        )
        self.page.evaluate(
            """async () => {
                await window.MathJax?.startup?.promise;
                await Promise.all([...document.images].map(image => image.decode().catch(() => 0)));
                await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            }"""
        )

    def outputs(self):
        """All outputs of all code cells, as in a notebook file."""
        return self._call(
            "return [...panel.content.model.cells]"
            ".flatMap(cell => cell.outputs ? cell.outputs.toJSON() : []);"
        )

    def errors(self):
        """Outputs that are errors, and widgets that could not be drawn."""
        raised = [output for output in self.outputs() if output["output_type"] == "error"]
        broken = self.page.locator(".jupyter-widgets-error-widget").all_inner_texts()
        return [f"{output['ename']}: {output['evalue']}" for output in raised] + broken

    def dialogs(self):
        """Texts of all dialogs and pop-up notices."""
        return self.page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts()

    def explorers(self):
        """Every explorer: controls, picture and words."""
        has = self.page.locator("img.widget-image")
        return self.notebook.locator(".jupyter-widgets.widget-vbox", has=has).all()

    def sliders(self, explorer=None):
        """Handles of all sliders of the notebook or of one explorer."""
        return (explorer or self.notebook).locator("[role=slider]").all()

    def picture(self, explorer):
        """What the explorer shows: address of its picture, and its words."""
        source = explorer.locator("img.widget-image").get_attribute("src")
        return source, explorer.locator(".widget-html-content").inner_text()

    def press(self, explorer, slider, key):
        """Press a key on a slider; return the explorer's new picture and words.

        Where a curve is flat the picture may stay as it is. The words say where the slider is.
        """
        before = self.picture(explorer)
        slider.press(key)
        self.page.wait_for_function(
            "([box, source, words]) => box.querySelector('img.widget-image').src !== source"
            " || box.querySelector('.widget-html-content').innerText !== words",
            arg=[explorer.element_handle(), *before],
            timeout=TIMEOUT,
        )
        self.idle()
        return self.picture(explorer)

    def idle(self):
        """Wait until the kernel has nothing to do, and has told the page so."""
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
        )

    def theme(self, name):
        """Change to the ``"light"`` or ``"dark"`` theme."""
        theme = f"JupyterLab {name.capitalize()}"
        self._call("await app.commands.execute('apputils:change-theme', {theme: argument});", theme)
        light = json.dumps(name == "light")
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
        self._settle()

    def overflowing(self):
        """What is wider than its place: outputs that must be scrolled sideways, cut-off labels."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll(
                '.jp-NotebookPanel-notebook .jp-RenderedHTMLCommon, .jp-OutputArea-output,' +
                '.widget-label, .widget-html-content, .widget-toggle-button')]
                .filter(part => part.offsetParent && part.scrollWidth > part.clientWidth + 1)
                .map(part => part.className + ': ' + part.innerText.slice(0, 80))"""
        )

    def raw_mathematics(self):
        """Texts in which a dollar sign or backslash was left for the reader to decode."""
        return self.page.evaluate(
            r"""() => [...document.querySelectorAll('.jp-RenderedMarkdown, .jp-RenderedLatex')]
                .flatMap(part => {
                    const copy = part.cloneNode(true);
                    copy.querySelectorAll('code, pre, mjx-container').forEach(e => e.remove());
                    return copy.textContent.match(/.{0,20}(\$|\\[([a-zA-Z]).{0,20}/g) ?? [];
                })"""
        )

    def pale(self):
        """Texts with too little contrast (under 4.5 to 1) to the background behind them."""
        return self.page.evaluate(
            r"""() => {
                const numbers = colour => colour.match(/[\d.]+/g).map(Number);
                const light = colour => numbers(colour).slice(0, 3)
                    .map(c => c / 255)
                    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
                const behind = part => {
                    for (; part; part = part.parentElement) {
                        const colour = getComputedStyle(part).backgroundColor;
                        if ((numbers(colour)[3] ?? 1) > 0.5) return light(colour);
                    }
                    return 1;
                };
                const words = '.jp-OutputArea-output .widget-label, .widget-html-content > *,' +
                    '.widget-readout, .jp-OutputArea-output pre, .jp-OutputArea-output td,' +
                    '.jp-OutputArea-output th';
                return [...document.querySelectorAll(words)]
                    .filter(part => part.innerText.trim())
                    .filter(part => {
                        const [a, b] = [light(getComputedStyle(part).color), behind(part)];
                        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
                    })
                    .map(part => part.innerText.slice(0, 80));
            }"""
        )

    def screenshot(self, path):
        """The whole notebook, from its first cell to its last, as a PNG file."""
        height = self.page.evaluate(
            "() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight"
        )
        before = self.page.viewport_size
        self.page.set_viewport_size(before | {"height": height + 200})
        self._settle()
        self.notebook.screenshot(path=path, animations="disabled")
        self.page.set_viewport_size(before)
