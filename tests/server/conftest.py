"""Runs and clients for the dashboard's tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stored


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A cache of its own for every test."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))


@pytest.fixture(scope="session")
def planted_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs, made once."""
    return stored.three_days(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def folder(tmp_path: Path, planted_runs: Path) -> Path:
    """A folder of its own with the three runs."""
    shutil.copytree(planted_runs, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def hostile(folder: Path) -> Path:
    """The folder's run of hostile texts."""
    return stored.hostile_run(folder)


@pytest.fixture
def client_of() -> Iterator[Callable[..., Any]]:
    """A browser without scripts: a client of the application over a folder."""
    from starlette.testclient import TestClient

    from plumbline.server.app import application
    from plumbline.server.guard import Access

    opened = []

    def made(folder: Path, access: Access | None = None, **more: Any) -> TestClient:
        app = application(folder, access or Access())
        client = TestClient(app, base_url="http://127.0.0.1:8000", **more)
        client.__enter__()
        opened.append(client)
        return client

    yield made
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(client_of, folder):
    """A client over the three runs."""
    return client_of(folder)
