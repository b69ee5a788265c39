"""Run tests against each mutant of a sample.

    python bench/mutation/run.py FOLDER --covering FOLDER [--workers 1] [--budget 20] [--again]

One process loads pytest and the libraries once and forks for every mutant; the fork sees a copy of
the package in which one file is the mutant (the other files are links). Results are appended to
FOLDER/results.jsonl as they come, so that a broken run goes on where it stopped.

A mutant is killed when a test fails that passes on the original, or when the tests take longer than
10 s + 5 x their time on the original (`timed out`, counted as killed and told apart).
`--again` runs those that survived, with whole test files and a larger budget.
`--control` runs the same tests against the unchanged file: all must pass.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import pytest
from selection import ROOT, Covering, ordered

SOURCE = ROOT / "src" / "plumbline"
LOADED = (
    "pytest", "_pytest.assertion.rewrite", "hypothesis", "hypothesis.strategies", "numpy", "numpy.testing",
    "scipy.stats", "scipy.optimize", "scipy.special", "scipy.linalg", "scipy.spatial", "scipy.sparse",
    "scipy.interpolate", "scipy.integrate", "pandas", "pyarrow.parquet", "narwhals", "httpx2", "click",
    "rich.console", "rich.table", "jinja2", "duckdb", "statsmodels.api", "statsmodels.formula.api",
    "sklearn.linear_model", "torch", "anyio", "xdist",
)  # fmt: skip
GIB = 2**30


@dataclass
class Slot:
    """A private copy of the package, and the fork that uses it."""

    folder: Path
    pid: int = 0
    mutant: Any = None
    deadline: float = 0.0
    started: float = 0.0

    def build(self) -> None:
        """Real folders, links to files: `rglob` follows no links to folders."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in SOURCE.rglob("*"):
            if "__pycache__" in path.parts or path.is_dir():
                continue
            to = self.folder / "plumbline" / path.relative_to(SOURCE)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.symlink_to(path)

    def place(self, file: str, source: str) -> None:
        """One file is this source."""
        to = self.folder / Path(file).relative_to("src")
        to.unlink()
        to.write_text(source, "utf-8")

    def restore(self, file: str) -> None:
        """One file is the original again."""
        to = self.folder / Path(file).relative_to("src")
        to.unlink()
        to.symlink_to(ROOT / file)
        for compiled in (to.parent / "__pycache__").glob(f"{to.stem}.*"):
            compiled.unlink()  # the next mutant may have its size and its second

    @property
    def answer(self) -> Path:
        """Where the fork writes."""
        return self.folder / "answer.json"


class First:
    """The first failure, as pytest tells it."""

    def __init__(self) -> None:
        self.test, self.error, self.ran = "", "", 0

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be imported any more."""
        if report.failed and not self.test:
            self.test, self.error = f"{report.nodeid} (import)", str(report.longrepr)[-300:]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test that fails."""
        self.ran += report.when == "call"
        if report.failed and not self.test:
            self.test, self.error = report.nodeid, str(report.longrepr)[-300:]


def child(slot: Slot, tests: list[str]) -> None:
    """In the fork: run the tests against the slot's copy, write what came, end."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (8 * GIB, 8 * GIB))
    log = os.open(slot.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.path.insert(0, str(slot.folder))
    os.environ["PYTHONPATH"] = str(slot.folder)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(slot.folder / "hypothesis")
    sys.dont_write_bytecode = False  # a slot keeps what it compiled of the other files
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.chdir(ROOT)
    from hypothesis import Phase, settings

    # No shrinking: a failure is enough. Profiles that conftest files make inherit from this one.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutation", phases=phases, database=None, derandomize=True)
    settings.load_profile("mutation")
    first = First()
    plain = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--tb=short",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]  # plugins were loaded before
    code = int(pytest.main([*plain, f"--basetemp={slot.folder / 'tmp'}", *tests], plugins=[first]))
    said = {"code": code, "test": first.test, "error": first.error, "ran": first.ran}
    slot.answer.write_text(json.dumps(said), "utf-8")
    os._exit(0)


def start(
    slot: Slot, mutant: dict[str, Any], tests: list[str], seconds: float, *, control: bool
) -> None:
    """Fork."""
    slot.mutant = {**mutant, "tests": len(tests)}
    shutil.rmtree(slot.folder / "hypothesis", ignore_errors=True)
    slot.answer.unlink(missing_ok=True)
    slot.place(
        mutant["file"], (ROOT / mutant["file"]).read_text("utf-8") if control else mutant["source"]
    )
    slot.started = time.monotonic()
    slot.deadline = slot.started + 10 + 5 * seconds
    slot.pid = os.fork()
    if slot.pid == 0:
        try:
            child(slot, tests)
        except BaseException:  # noqa: BLE001 - a fork must not come back into the loop
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(70)


def end(slot: Slot) -> dict[str, Any] | None:
    """What came of a fork, or None while it runs."""
    pid, _ = os.waitpid(slot.pid, os.WNOHANG)
    late = pid == 0 and time.monotonic() > slot.deadline
    if pid == 0 and not late:
        return None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(slot.pid, signal.SIGKILL)  # also what the tests started
    if late:
        os.waitpid(slot.pid, 0)
    took = time.monotonic() - slot.started
    said: dict[str, Any] = {"code": None, "test": "", "error": "", "ran": 0}
    if slot.answer.is_file():
        said = json.loads(slot.answer.read_text("utf-8"))
    outcome = "killed"
    if late:
        outcome = "timed out"
    elif said["code"] == 0:
        outcome = "survived"
    elif said["code"] is None:
        outcome = "crashed"
        said["error"] = (slot.folder / "log").read_text("utf-8", errors="replace")[-300:]
    slot.restore(slot.mutant["file"])
    kept = {k: v for k, v in slot.mutant.items() if k != "source"}
    slot.pid, slot.mutant = 0, None
    return {**kept, "outcome": outcome, **said, "took": round(took, 2)}


def chosen(mutant: dict[str, Any], covering: Covering, budget: float, *, whole: bool) -> list[str]:
    """Tests for a mutant; `whole` adds the other tests of the same files (fixtures run once)."""
    tests = covering.tests(mutant)
    first = ordered(
        tests, covering.seconds, file=mutant["file"], budget=budget, most=40 if whole else 12
    )
    if not whole:
        return first
    files = {t.partition("::")[0] for t in tests}
    more = (
        {t for t in covering.seconds if t.partition("::")[0] in files} - covering.unfit - set(first)
    )
    left = budget - sum(covering.seconds[t] for t in first)
    return first + (
        ordered(more, covering.seconds, file=mutant["file"], budget=left)
        if left > 0 and more
        else []
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--covering", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of tests a mutant")
    parser.add_argument("--again", action="store_true", help="survivors, whole files")
    parser.add_argument("--control", type=int, default=0, help="this many, unchanged")
    parser.add_argument("--into", default="results.jsonl")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument(
        "--load-limit", type=float, default=float("inf"), help="above it, one fork at a time"
    )
    parser.add_argument("--load", nargs="*", default=LOADED, help="modules loaded once")
    given = parser.parse_args()
    covering = Covering.read(given.covering)
    wanted = json.loads((given.folder / "sample.json").read_text("utf-8"))["mutants"]
    into = given.folder / given.into
    done = {}
    if into.is_file():
        done = {r["id"]: r for r in map(json.loads, into.read_text("utf-8").splitlines())}
    if given.again:
        passed = {i for i, r in done.items() if r["outcome"] == "survived" and not r.get("again")}
        wanted = [m for m in wanted if m["id"] in passed]
    else:
        wanted = [m for m in wanted if m["id"] not in done]
    wanted = wanted[: given.control or given.limit]
    run(wanted, covering, into, given)


def load(names: Sequence[str]) -> None:
    """What all forks share, in the process that forks."""
    for name in names:
        importlib.import_module(name)
    assert pytest.approx(np.ones(2)) == [1.0, 1.0]  # noqa: S101 - fills caches that forks share
    gc.collect()
    gc.freeze()  # forks need not walk what was loaded


def run(wanted: list[dict[str, Any]], covering: Covering, into: Path, given: Any) -> None:
    """All of them, `workers` at a time."""
    load(given.load)
    slots = [Slot(given.folder.resolve() / f"slot-{os.getpid()}-{i}") for i in range(given.workers)]
    for slot in slots:
        slot.build()
    queue = list(wanted)
    with into.open("a", encoding="utf-8") as out:

        def keep(row: dict[str, Any]) -> None:
            row = {**row, **({"again": True} if given.again else {})}
            out.write(json.dumps(row) + "\n")
            out.flush()
            print(row["outcome"], row["id"], row["took"], row["test"], flush=True)

        while queue or any(s.pid for s in slots):
            for slot in slots:
                row = end(slot) if slot.pid else None
                if row is not None:
                    keep(row)
                busy = sum(bool(s.pid) for s in slots)
                if not slot.pid and queue and (busy == 0 or os.getloadavg()[0] < given.load_limit):
                    _next(slot, queue.pop(0), covering, given, keep)
            time.sleep(0.02)
    for slot in slots:
        shutil.rmtree(slot.folder, ignore_errors=True)


def _next(
    slot: Slot, mutant: dict[str, Any], covering: Covering, given: Any, keep: Callable[..., None]
) -> None:
    """Start a mutant's tests, or say that there are none."""
    tests = chosen(mutant, covering, given.budget, whole=given.again)
    if tests:
        seconds = sum(covering.seconds[t] for t in tests)
        start(slot, mutant, tests, seconds, control=bool(given.control))
        return
    kept = {k: v for k, v in mutant.items() if k != "source"}
    none = {"tests": 0, "outcome": "not covered", "code": None, "test": "", "error": "", "ran": 0}
    keep({**kept, **none, "took": 0.0})


if __name__ == "__main__":
    main()
