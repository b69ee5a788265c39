"""A real browser: Debian's headless Chromium, driven by Playwright; never one that is downloaded.

Fixtures for any test below this folder:

- `browser`: one Chromium a module.
- `page_at(address_or_file, dark=False, width=1280)`: a page that has loaded. At the end of the
  test, what the console called an error and every request that failed fails the test;
  `page_at.expected` holds parts of messages that a test asks for.
- `serving(folder)`: a real server over a folder of runs, one or more a module.
- `axe(page)`: what axe-core finds wrong with a page, one line a violation; empty where all is well.
- `same_picture(page, name)`: compares with the committed picture, see `pictures`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pictures
import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--font-render-hinting=none",
    "--force-color-profile=srgb", "--disable-lcd-text",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
TALL = {1280: 900, 390: 844}


def _missing(config: pytest.Config, what: str) -> None:
    """As `missing` of the conftest above: a skip, or a failure where the environment is complete."""
    above = config.pluginmanager.get_plugin(str(Path(__file__).parents[1] / "conftest.py"))
    above.missing(what)


@pytest.fixture(scope="module")
def browser(pytestconfig) -> Iterator[Any]:
    """Chromium, started once a module with a profile of its own.

    Not once a session: while it is open Playwright keeps an event loop running in this thread, and tests
    of other folders that run in the same process have loops of their own.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _missing(pytestconfig, "chromium")
    if find_spec("playwright") is None:
        _missing(pytestconfig, "the package playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=FLAGS, headless=True)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def serving(tmp_path_factory) -> Iterator[Callable[[Path], str]]:
    """Starts a real server over a folder of runs, as people start it; gives its address."""
    import plumbline

    started: list[subprocess.Popen[str]] = []
    environment = {
        **os.environ, "PYTHONPATH": str(Path(plumbline.__file__).parents[1]),
        "PLUMBLINE_CACHE": str(tmp_path_factory.mktemp("cache") / "answers.sqlite"),
    }  # fmt: skip

    def over(folder: Path) -> str:
        process = subprocess.Popen(
            [sys.executable, "-m", "plumbline", "serve", str(folder), "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("http://"):
                return line.strip().rstrip("/")
        raise AssertionError(said)

    yield over
    for process in started:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@dataclass
class PageAt:
    """Opens pages and keeps what goes wrong in them."""

    browser: Any
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    _opened: list[Any] = field(default_factory=list)

    def __call__(
        self, where: str | Path, *, dark: bool = False, width: int = 1280, scripts: bool = True
    ) -> Any:
        """A page at an address or of a file, loaded."""
        context = self.browser.new_context(
            color_scheme="dark" if dark else "light", reduced_motion="reduce", java_script_enabled=scripts,
            viewport={"width": width, "height": TALL.get(width, 900)}, device_scale_factor=1, locale="en-GB", timezone_id="UTC",
        )  # fmt: skip
        page = context.new_page()
        page.on("console", lambda m: self._note(m.type == "error", f"console: {m.text}"))
        page.on("pageerror", lambda e: self._note(True, f"script: {e}"))
        # Aborted: the test went on to the next page before this one had all its files.
        page.on(
            "requestfailed",
            lambda r: self._note(r.failure != "net::ERR_ABORTED", f"failed: {r.url} {r.failure}"),
        )
        page.on("response", lambda r: self._note(r.status >= 400, f"{r.status}: {r.url}"))
        page.goto(where.resolve().as_uri() if isinstance(where, Path) else where)
        self._opened.append(context)
        return page

    def _note(self, wrong: bool, what: str) -> None:
        if wrong and not any(part in what for part in self.expected):
            self.faults.append(what)

    def close(self) -> None:
        """Close every page."""
        for context in self._opened:
            context.close()


@pytest.fixture
def page_at(browser) -> Iterator[PageAt]:
    """Opens pages; whatever went wrong in one of them fails the test."""
    made = PageAt(browser)
    yield made
    made.close()
    assert made.faults == []


@pytest.fixture(scope="session")
def axe(pytestconfig) -> Callable[[Any], list[str]]:
    """Checks a page with axe-core: one line a violation and element."""
    if find_spec("axe_playwright_python") is None:
        _missing(pytestconfig, "the package axe-playwright-python")
    from axe_playwright_python.sync_playwright import Axe

    checker = Axe()

    def check(page: Any) -> list[str]:
        found = checker.run(page).response["violations"]
        return [
            f"{v['id']} ({v['impact']}): {node['target']} {node.get('failureSummary', '')}"
            for v in found
            for node in v["nodes"]
        ]

    return check


@pytest.fixture(scope="session")
def same_picture() -> Callable[..., None]:
    """Compares what a page looks like with its committed picture."""
    return pictures.same
