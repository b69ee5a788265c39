"""What the tests of faults share: a printed seed, a command of its own, a disk that fills up."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
sys.path.insert(0, str(Path(__file__).parent))

from console import LPBS, Console
from small_disk import SmallDisk, small_disk


@pytest.fixture
def rng() -> random.Random:
    """Random instants and places; `PLUMBLINE_FAULT_SEED` draws those of an earlier run again."""
    seed = int(os.environ.get("PLUMBLINE_FAULT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"PLUMBLINE_FAULT_SEED={seed}")  # pytest shows it where a test fails
    return random.Random(seed)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An answer cache in the test's folder."""
    path = tmp_path / "cache.sqlite"
    monkeypatch.setenv("PLUMBLINE_CACHE", str(path))
    return path


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """The command line in processes of its own, with the form `counted:LOG`."""
    return Console.in_folder(tmp_path)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run of an audit (`console.LPBS`) that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    got = Console.in_folder(folder).run(
        "audit", f"counted:{folder / 'log'}", *LPBS, "--out", folder / "runs",
        PLUMBLINE_CACHE=folder / "cache.sqlite",
    )  # fmt: skip
    assert got.returncode == 0, got.stderr
    return next((folder / "runs").iterdir())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of four MiB."""
    with small_disk(tmp_path / "disk") as made:
        yield made
