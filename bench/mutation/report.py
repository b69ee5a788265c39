"""Killed share of a sample, by folder and kind of operator, and the list of survivors.

    python bench/mutation/report.py FOLDER [--keep bench/mutation/results.csv] [--survivors]

The last row of a mutant counts. Killed are mutants with a failing test, those whose tests ran out of
time, and those that broke the interpreter (memory); a mutant that no test runs has survived.
`judged.csv` beside this file holds what reading said of survivors; it changes no share.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from plumbline.stats.proportions import wilson

KILLED = ("killed", "timed out", "crashed")
COLUMNS = (
    "id",
    "folder",
    "file",
    "function",
    "line",
    "operator",
    "occurrence",
    "outcome",
    "test",
    "before",
    "after",
)
BITS = ("BitOr", "BitAnd", "BitXor", "LShift", "RShift")


def kind(operator: str) -> str:
    """What sort of change an operator makes."""
    name = operator.removeprefix("ReplaceBinaryOperator_")
    if name != operator:
        return "arithmetic to bits, or back" if any(b in name for b in BITS) else "arithmetic"
    if operator.startswith("ReplaceComparison"):
        return "comparison"
    if operator.startswith("ReplaceUnary"):
        return "sign or not"
    return {
        "NumberReplacer": "number +-1", "AddNot": "condition negated",
        "ReplaceTrueWithFalse": "True and False", "ReplaceFalseWithTrue": "True and False",
        "ReplaceAndWithOr": "and, or", "ReplaceOrWithAnd": "and, or",
        "ZeroIterationForLoop": "loop left out", "RemoveDecorator": "decorator left out",
    }.get(operator, "other")  # fmt: skip


def rows(folder: Path, name: str = "results.jsonl") -> list[dict[str, Any]]:
    """The last row of every mutant."""
    lines = (folder / name).read_text("utf-8").splitlines()
    found = {r["id"]: r for r in map(json.loads, lines)}
    return [{**r, "folder": r["file"].split("/")[2]} for r in found.values()]


def said(part: list[dict[str, Any]]) -> str:
    """Killed of all with the share's 95 % interval."""
    k = sum(r["outcome"] in KILLED for r in part)
    low, high = wilson(k, len(part), level=0.95)
    return f"{k:4} of {len(part):4}  {k / len(part):6.1%}  [{low:.1%}, {high:.1%}]"


def show(found: list[dict[str, Any]]) -> None:
    """All the shares."""
    print(f"{'all':30} {said(found)}   {dict(Counter(r['outcome'] for r in found))}")
    for key in ("folder", "kind"):
        parts = defaultdict(list)
        for r in found:
            parts[kind(r["operator"]) if key == "kind" else r["folder"]].append(r)
        for name, part in sorted(parts.items(), key=lambda p: -len(p[1])):
            print(f"{name:30} {said(part)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", default="results.jsonl")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--survivors", action="store_true")
    given = parser.parse_args()
    found = rows(given.folder, given.results)
    show(found)
    if given.survivors:
        for r in sorted(found, key=lambda r: (r["file"], r["line"])):
            if r["outcome"] not in KILLED:
                print(
                    f"\n{r['outcome']} ({r['tests']} tests) {r['id']}  {r['function']} line {r['line']}"
                )
                print(f"  - {r['before']}\n  + {r['after']}")
    if given.keep:
        with given.keep.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(found, key=lambda r: r["id"]))


if __name__ == "__main__":
    main()
