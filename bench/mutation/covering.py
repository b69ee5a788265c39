"""Pytest plugin: which test executes which line of what is mutated, and how long each test takes.

    COVERING=FOLDER python -m pytest -p covering -n 2 ...      (this folder on PYTHONPATH)

Every process writes one JSON file into the folder: seconds by test, and lines by file and test.
Lines that run while a module is imported go to whichever test happened to import it first;
`mutants.py` therefore treats lines outside of functions in another way.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import coverage
import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "plumbline"
FOLDERS = [str(SOURCE / name) for name in ("stats", "core", "metrics")]


class Covering:
    """Switches coverage's context to the running test, set-up and tear-down included."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: list[str] = []
        self.coverage = coverage.Coverage(
            data_file=None, config_file=False, branch=False, source=FOLDERS
        )
        self.coverage.start()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self.coverage.switch_context(item.nodeid)
        yield
        self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration
        if report.outcome != "passed" and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)

    def pytest_sessionfinish(self):
        self.coverage.stop()
        data = self.coverage.get_data()
        lines: dict[str, dict[str, list[str]]] = {}
        for file in data.measured_files():
            found = data.contexts_by_lineno(file)
            lines[str(Path(file).relative_to(SOURCE.parents[1]))] = {
                str(line): [c for c in contexts if c] for line, contexts in found.items()
            }
        made = {"seconds": self.seconds, "failed_or_skipped": self.failed, "lines": lines}
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{os.getpid()}.json").write_text(json.dumps(made))


def pytest_configure(config):
    """Only where tests run: a worker of xdist, or the only process."""
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(Covering(Path(os.environ["COVERING"])), "covering_lines")
