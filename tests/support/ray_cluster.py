"""A Ray cluster of several processes for tests: in a folder of its own, quiet, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import scribe

from plumbline.audit.cluster.connection import QUIET

CPUS = 4
# Ray reads these once, when it is imported, so they stand before any test does that; with a secret that is
# given, nothing is written into the home folder.
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def cluster() -> Iterator[Path]:
    """A cluster that this process has joined; yields a folder for its models' notes.

    Its workers find the form `scribe:`, and so does this process.
    """
    needed()
    # Sockets stand in it, whose paths may have no more than 107 characters: not pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="plray"))
    with pytest.MonkeyPatch.context() as patch:
        environment(patch, folder)
        import ray

        handler = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address="local", num_cpus=CPUS, object_store_memory=80 * 2**20, include_dashboard=False,
                configure_logging=False, log_to_driver=False, _temp_dir=str(folder),
            )  # fmt: skip
            yield folder
        finally:
            ray.shutdown()
            signal.signal(signal.SIGTERM, handler)
            gone(folder)


def needed() -> None:
    """Skip where Ray is not installed, or fail where everything has to be."""
    if importlib.util.find_spec("ray") is None:
        (pytest.fail if os.environ.get("PLUMBLINE_FULL") == "1" else pytest.skip)("needs ray")


def environment(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """What processes of a cluster inherit, and this one needs."""
    here = scribe.plugged(folder / "site")
    before = os.environ.get("PYTHONPATH", "")
    patch.setenv("PYTHONPATH", os.pathsep.join([here, before]))
    patch.syspath_prepend(str(folder / "site"))
    patch.setenv("OMP_NUM_THREADS", "1")
    for name, value in QUIET.items():
        patch.setenv(name, value)


def gone(folder: Path) -> None:
    """Wait until no process of the cluster is left, and remove its folder."""
    until = time.monotonic() + 20
    while left := processes(folder):
        assert time.monotonic() < until, f"processes of the cluster are left: {left}"
        time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


def processes(folder: Path) -> list[str]:
    """Command lines of processes that name the cluster's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline") if sys.platform == "linux" else ():
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in line and str(os.getpid()) != entry.parent.name:
            found.append(line[:120])
    return found
