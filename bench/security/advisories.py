"""Hold the pinned versions against known advisories.

    python bench/security/advisories.py                      pip-audit and PyPI's advisory service
    python bench/security/advisories.py --database FOLDER    a copy of github.com/pypa/advisory-database, without a network

A service that does not know the packages has audited nothing: the exit status is 2, not 0. It is 1
where an advisory applies, and 0 where all pins were looked up and none has one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LEAST = 0.9  # share of the pins that a service must know


@dataclass(frozen=True)
class Known:
    """What was found out about the pins.

    Attributes:
        looked_up: Pins that were held against advisories.
        absent: Pins that the service does not know.
        hits: (package, version, advisory, first fixed versions).
        source: Where the advisories are from.
    """

    looked_up: int
    absent: list[str]
    hits: list[tuple[str, str, str, str]]
    source: str


def pins(path: Path) -> dict[str, str]:
    """Version by normalised name."""
    from packaging.utils import canonicalize_name

    lines = (
        line.partition("#")[0].partition(";")[0].strip()
        for line in path.read_text("utf-8").splitlines()
    )
    pairs = (line.partition("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version.strip() for name, _, version in pairs}


def from_service(path: Path) -> Known:
    """As pip-audit says; raises `RuntimeError` with its last words where it cannot say anything."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(path), "--no-deps", "--disable-pip", "--format", "json",
        "--progress-spinner", "off",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        raise RuntimeError(
            done.stderr.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        ) from None
    absent = [row["name"] for row in rows if "skip_reason" in row]
    hits = [
        (row["name"], row["version"], v["id"], ", ".join(v.get("fix_versions", [])))
        for row in rows
        for v in row.get("vulns", [])
    ]
    return Known(
        len(rows) - len(absent), absent, hits, "PyPI's advisory service, through pip-audit"
    )


def from_database(path: Path, database: Path) -> Known:
    """As the files `vulns/PACKAGE/*.yaml` (OSV) of a copy of the database say."""
    import yaml

    given = pins(path)
    hits = []
    for name, version in given.items():
        for file in sorted((database / "vulns" / name).glob("*.yaml")):
            advisory = yaml.safe_load(file.read_text("utf-8"))
            if (
                "withdrawn" not in advisory
                and (fixed := _applies(advisory, name, version)) is not None
            ):
                hits.append((name, version, str(advisory["id"]), fixed))
    return Known(
        len(given), [], hits, f"a copy of pypa/advisory-database, newest entry {_newest(database)}"
    )


def _applies(advisory: dict[str, Any], name: str, version: str) -> str | None:
    """The versions that mend it, where an advisory is about this one; else None."""
    for affected in advisory.get("affected", []):
        if affected["package"]["name"].lower().replace("_", "-") != name:
            continue
        fixed = [
            e["fixed"]
            for r in affected.get("ranges", [])
            if r["type"] == "ECOSYSTEM"
            for e in r["events"]
            if "fixed" in e
        ]
        ranged = any(
            _inside(version, r["events"])
            for r in affected.get("ranges", [])
            if r["type"] == "ECOSYSTEM"
        )
        if version in affected.get("versions", []) or ranged:
            return ", ".join(fixed)
    return None


def _inside(version: str, events: list[dict[str, str]]) -> bool:
    """Whether a version lies between what introduced a fault and what mended it."""
    from packaging.version import InvalidVersion, Version

    at = Version(version)
    inside = False
    for event in events:
        kind, said = next(iter(event.items()))
        try:
            there = Version(said)
        except InvalidVersion:
            continue
        if kind == "introduced" and at >= there:
            inside = True
        if (kind == "fixed" and at >= there) or (kind == "last_affected" and at > there):
            inside = False
    return inside


def _newest(database: Path) -> str:
    dates: Iterator[str] = (
        line.partition(":")[2].strip().strip("\"'")
        for file in (database / "vulns").rglob("*.yaml")
        for line in file.read_text("utf-8").splitlines()
        if line.startswith("published:")
    )
    return max(dates, default="none")[:10]


def main() -> int:
    """Look all pins up, and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--database", type=Path, help="a copy of pypa/advisory-database")
    parser.add_argument("--pins", type=Path, default=ROOT / "constraints.txt")
    given = parser.parse_args()
    try:
        found = (
            from_database(given.pins, given.database)
            if given.database
            else from_service(given.pins)
        )
    except RuntimeError as error:
        print(f"nothing was audited: {error}")
        return 2
    total = found.looked_up + len(found.absent)
    print(
        f"{found.looked_up} of {total} pins held against {found.source}: {len(found.hits)} advisories apply"
    )
    for name, version, advisory, fixed in found.hits:
        print(f"  {name} {version}: {advisory}, mended in {fixed or 'no version'}")
    if found.looked_up < LEAST * total:
        print(
            f"not audited, since the service does not know them: {', '.join(found.absent[:5])} and {max(0, len(found.absent) - 5)} more"
        )
        return 2
    return int(bool(found.hits))


if __name__ == "__main__":
    sys.exit(main())
