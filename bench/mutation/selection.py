"""Which tests are run against which mutant, and in which order."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Covering:
    """What `covering.py` saw.

    Attributes:
        seconds: Test -> seconds, set-up and tear-down included.
        lines: File -> line -> tests.
        unfit: Tests that failed or were skipped on the original.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    unfit: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, folder: Path) -> Covering:
        """All processes of one run together."""
        made = cls()
        for path in sorted(folder.glob("*.json")):
            part = json.loads(path.read_text("utf-8"))
            made.seconds |= part["seconds"]
            made.unfit |= set(part["failed_or_skipped"])
            for file, lines in part["lines"].items():
                held = made.lines.setdefault(file, defaultdict(set))
                for line, tests in lines.items():
                    held[int(line)] |= set(tests)
        if not made.seconds:
            raise SystemExit(f"no record of covering tests in {folder}; run `covering` first")
        return made

    def tests(self, mutant: Mapping[str, Any]) -> set[str]:
        """Tests that run the mutated statement.

        A statement that runs on import is run by every test; those are taken that run a function of
        its file, or, where the file has none, of a file that imports it.
        """
        file = mutant["file"]
        if mutant["on_import"]:
            found = self._inside(file)
            if not found:
                found = set().union(*(self._inside(f) for f in importers(file)))
        else:
            rows = range(mutant["first"], mutant["last"] + 1)
            found = set().union(*(self.lines.get(file, {}).get(i, set()) for i in rows))
        return found - self.unfit

    def _inside(self, file: str) -> set[str]:
        """Tests that run any statement of a function of this file."""
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        spans = [
            range(n.body[0].lineno, (n.end_lineno or 0) + 1)
            for n in ast.walk(tree)
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        held = self.lines.get(file, {})
        return set().union(*(t for i, t in held.items() if any(i in s for s in spans)))


def importers(file: str) -> list[str]:
    """Files of the mutated folders that import this one."""
    name = file.removeprefix("src/").removesuffix(".py").replace("/", ".")
    package, _, stem = name.rpartition(".")
    wanted = re.compile(
        rf"^\s*from {re.escape(name)} import|^\s*from {re.escape(package)} import.*\b{stem}\b",
        re.MULTILINE,
    )
    folders = ("stats", "core", "metrics")
    paths = [p for f in folders for p in (ROOT / "src" / "plumbline" / f).rglob("*.py")]
    return [
        p.relative_to(ROOT).as_posix() for p in paths if wanted.search(p.read_text("utf-8"))
    ]  # fmt: skip


def ordered(
    tests: Iterable[str], seconds: Mapping[str, float], *, file: str, budget: float, most: int = 12
) -> list[str]:
    """Tests to run, file by file, the fastest first, until `budget` seconds of the original's time.

    Test files named after the mutated file come first, then those whose fitting tests take least.
    Not more than `most` files: each costs its import.
    """
    by_file: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        by_file[test.partition("::")[0]].append(test)
    stem = Path(file).stem

    def key(item: tuple[str, list[str]]) -> tuple[bool, float]:
        path, held = item
        return stem not in Path(path).stem, sum(seconds.get(t, 0.0) for t in held)

    chosen: list[str] = []
    spent = 0.0
    for _, held in sorted(by_file.items(), key=key)[:most]:
        for test in sorted(held, key=lambda t: seconds.get(t, 0.0)):
            if chosen and spent + seconds.get(test, 0.0) > budget:
                break
            chosen.append(test)
            spent += seconds.get(test, 0.0)
    return chosen
