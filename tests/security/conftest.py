"""A run of hostile texts, made once, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hostile_run
import pytest
from click.testing import CliRunner, Result

from plumbline.audit.store import Run


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The stored run, in a folder of runs of its own."""
    return hostile_run.write(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and an answer cache of its own for every test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Call the command line in this process; standard output and error are apart."""
    from plumbline.cli.main import main

    def call(*args: str | Path) -> Result:
        return CliRunner().invoke(main, [str(a) for a in args])

    return call
