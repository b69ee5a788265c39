"""Fuzz every parser: coverage-guided with atheris where it is installed, else with hypothesis.

    python bench/fuzz/run.py --inputs 1000000        at least so many inputs in all, over all targets
    python bench/fuzz/run.py --seconds 60            about so long in all
    python bench/fuzz/run.py --target gate --inputs 50000 --keep crashes

Each target runs in a process of its own, with a folder of its own that is deleted afterwards. Prints
a table and writes it with `--write FILE`; the exit status is 1 where any target has a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from target import MEGABYTES, SECONDS, WAITED, Target, Watch  # noqa: E402

MODULES = ("plans", "tables", "models", "replies", "records", "pages")
ENGINES = ("atheris", "hypothesis")
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - a million small files are not for a disk
COLUMNS = ("target", "inputs", "inputs/s", "edges", "corpus", "faults", "seed")
EDGES = re.compile(r"cov: (\d+) ft: \d+ corp: (\d+)")


@dataclass
class Outcome:
    """What came of one target."""

    target: str
    seed: int
    inputs: int = 0
    seconds: float = 0.0
    edges: int | None = None
    corpus: int | None = None
    faults: dict[str, str] = field(default_factory=dict)

    def row(self) -> list[str]:
        """The table's row."""
        rate = self.inputs / self.seconds if self.seconds else 0.0
        shown = ["-" if v is None else f"{v:,}" for v in (self.edges, self.corpus)]
        return [self.target, f"{self.inputs:,}", f"{rate:,.0f}", *shown, str(len(self.faults)), str(self.seed)]  # fmt: skip


def targets() -> dict[str, Target]:
    """All targets by name."""
    found = [t for name in MODULES for t in import_module(f"targets.{name}").TARGETS]
    return {t.name: t for t in found}


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is deleted afterwards, in memory where there is such a place."""
    place = str(MEMORY_DISK) if os.access(MEMORY_DISK, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=place) as folder:
        yield Path(folder)


def warmed(watch: Watch, document: bytes) -> None:
    """Call a parser once, so that what it imports is not taken for a slow input; it is watched next."""
    with contextlib.suppress(Exception):
        watch.parse(document)


def run_hypothesis(target: Target, inputs: int, seconds: float, seed: int, keep: Path) -> Outcome:
    """Inputs as `mutations` makes them, in rounds, until there are enough or the time is over."""
    import hypothesis
    from mutations import documents

    made = Outcome(target.name, seed)
    with scratch() as folder:
        watch = Watch(target.make(folder), keep)
        for document in target.seeds:
            warmed(watch, document)
            watch(document)
        started, round_ = time.perf_counter(), 0
        while watch.inputs < inputs and time.perf_counter() - started < seconds:

            @hypothesis.seed(seed * 1_000 + round_)
            @hypothesis.settings(
                max_examples=min(200, inputs - watch.inputs),
                database=None,
                deadline=None,
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            @hypothesis.given(documents(target))
            def one(data: bytes) -> None:
                if time.perf_counter() - started < seconds:
                    watch(data)

            one()
            round_ += 1
    made.inputs, made.seconds = watch.inputs, time.perf_counter() - started
    made.faults = watch.faults
    return made


def run_atheris(name: str, inputs: int, seconds: float, seed: int, keep: Path) -> None:
    """Coverage-guided inputs; libFuzzer ends this process when it is done."""
    import atheris

    # Imported here, so that what targets import is instrumented.
    with atheris.instrument_imports(include=["plumbline"]):
        target = targets()[name]
    with scratch() as folder:
        corpus, files = folder / "corpus", folder / "files"
        corpus.mkdir()
        files.mkdir()
        words = folder / "words"
        words.write_text("".join(f'"{_escaped(w)}"\n' for w in target.words if w), "ascii")
        with atheris.instrument_imports(include=["plumbline"]):
            watch = Watch(target.make(files), keep)
            # What is imported when it is first needed is instrumented too.
            for i, document in enumerate(target.seeds):
                (corpus / f"seed-{i}").write_bytes(document)
                warmed(watch, document)
                watch(document)
        flags = [
            f"-runs={inputs}", f"-seed={seed}", f"-max_len={target.longest}", f"-dict={words}",
            f"-max_total_time={max(1, round(seconds))}", f"-timeout={WAITED:.0f}", "-rss_limit_mb=4096",
            f"-artifact_prefix={keep}/", "-print_final_stats=1",
        ]  # fmt: skip
        mutator = {"custom_mutator": _mutate_json} if target.json else {}
        atheris.Setup([sys.argv[0], *flags, str(corpus)], watch, **mutator)
        atheris.Fuzz()


def _mutate_json(data: bytes, longest: int, seed: int) -> bytes:
    """Half of the time other values in the same document, else libFuzzer's own mutation of bytes."""
    import atheris
    from mutations import other_json

    made = other_json(data, random.Random(seed)) if seed % 2 else None
    return made if made is not None and len(made) <= longest else atheris.Mutate(data, longest)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{b:02x}" for b in word)


def in_process(
    target: Target, engine: str, *, inputs: int, seconds: float, seed: int, keep: Path
) -> Outcome:  # fmt: skip
    """Fuzz one target in a process of its own and read what came of it."""
    command = [
        sys.executable, str(HERE / "run.py"), "--inside", target.name, "--engine", engine, "--inputs", str(inputs),
        "--seconds", str(seconds), "--seed", str(seed), "--keep", str(keep),
    ]  # fmt: skip
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = done.stdout + done.stderr
    made = Outcome(target.name, seed)
    if engine == "hypothesis" and done.returncode == 0:
        told = json.loads(done.stdout.splitlines()[-1])
        made.inputs, made.seconds = told["inputs"], told["seconds"]
    elif counted := re.findall(r"stat::number_of_executed_units: +(\d+)", said):
        made.inputs = int(counted[-1])
        made.seconds = time.perf_counter() - started
    if found := EDGES.findall(said):
        made.edges, made.corpus = map(int, found[-1])
    for path in keep.glob("*.json"):
        told = json.loads(path.read_text("utf-8"))
        made.faults[told["fault"]] = told["says"]
    if done.returncode != 0:
        made.faults[f"the process ended with {done.returncode}"] = said[-600:]
    return made


def planned(chosen: Sequence[Target], inputs: int, seconds: float) -> list[tuple[Target, int, float]]:  # fmt: skip
    """How many inputs and seconds each target gets: inputs by share, time evenly."""
    total = sum(t.share for t in chosen)
    return [(t, max(1, math.ceil(inputs * t.share / total)), seconds / len(chosen)) for t in chosen]


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as Markdown, with their sums."""
    total = sum(o.inputs for o in outcomes)
    spent = sum(o.seconds for o in outcomes)
    last = ["**all**", f"{total:,}", f"{total / spent if spent else 0:,.0f}", "", "", str(sum(len(o.faults) for o in outcomes)), ""]  # fmt: skip
    rows = [list(COLUMNS), ["---"] * len(COLUMNS), *(o.row() for o in outcomes), last]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def report(outcomes: Sequence[Outcome], engine: str) -> str:
    """The table with what it was made by, and every fault."""
    spent = sum(o.seconds for o in outcomes)
    head = (
        f"Made by `python bench/fuzz/run.py`: engine {engine} {version(engine)}, Python {platform.python_version()}, one core, "
        f"{spent:,.0f} s. A fault is an exception that is no error of plumbline, an input of more than {SECONDS:.0f} s of processor time (or {WAITED:.0f} s in all), "
        f"or of more than {MEGABYTES:.0f} MB. Edges: of plumbline's own code, as libFuzzer counts them."
    )
    faults = [f"- {o.target}: {key}: {said}" for o in outcomes for key, said in o.faults.items()]
    return "\n\n".join(["# Fuzzing", "<!-- table -->", head, table(outcomes), *faults]) + "\n"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--target", action="append", help="only these; may be repeated")
    parser.add_argument("--engine", choices=ENGINES, default="atheris" if find_spec("atheris") else "hypothesis")  # fmt: skip
    parser.add_argument("--inputs", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=10**6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the inputs of faults")
    parser.add_argument("--write", type=Path, help="file for the table")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inputs == 10**9 and given.seconds == 10**6:
        parser.error("say how much: --inputs N, --seconds S, or both")
    return given


def inside(given: argparse.Namespace) -> None:
    """The work of one target's process."""
    how: tuple[Any, ...] = (given.inputs, given.seconds, given.seed, given.keep)
    if given.engine == "atheris":
        run_atheris(given.inside, *how)
    else:
        made = run_hypothesis(targets()[given.inside], *how)
        print(json.dumps({"inputs": made.inputs, "seconds": made.seconds}))


def main() -> int:
    """Fuzz what was asked for; the exit status is 1 where there is a fault."""
    given = arguments()
    if given.inside:
        inside(given)
        return 0
    known = targets()
    chosen = [known[name] for name in given.target or known]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for i, (target, inputs, seconds) in enumerate(planned(chosen, given.inputs, given.seconds)):
            keep = (given.keep or Path(folder)) / re.sub(r"\W+", "-", target.name)
            keep.mkdir(parents=True, exist_ok=True)
            outcomes.append(
                in_process(
                    target,
                    given.engine,
                    inputs=inputs,
                    seconds=seconds,
                    seed=given.seed + i,
                    keep=keep,
                )
            )
            print(f"| {' | '.join(outcomes[-1].row())} |", flush=True)
            for key, said in outcomes[-1].faults.items():
                print(f"    {key}: {said}", flush=True)
    text = report(outcomes, given.engine)
    print(text)
    if given.write:
        given.write.write_text(text, "utf-8")
    return int(any(o.faults for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
