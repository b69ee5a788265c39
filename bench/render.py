"""Write `bench/RESULTS.md` from `bench/results/*.json`.

python bench/render.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TITLES = {
    "weat": "WEAT", "rates": "Rates by group", "pll": "Masked models", "causal": "Causal models", "cooccurrence": "Co-occurrence",
    "engine": "What the engine adds", "api": "A server", "startup": "Start", "scale": "A million answers", "shared": "Questions asked once",
}  # fmt: skip
HEAD = """# What was measured

Made by `make bench`; each table by the command above it. A ratio is the peer's seconds over plumbline's, both in one run, taking
turns; the figure is the median of the turns, with the least and the greatest. *met* compares that figure with the target.
"""


def main() -> None:
    """Render every file, in the order of `TITLES`."""
    parts = [HEAD]
    for name, title in TITLES.items():
        path = HERE / "results" / f"{name}.json"
        if path.is_file():
            parts.append(table(title, json.loads(path.read_text("utf-8"))))
    (HERE / "RESULTS.md").write_text("\n".join(parts), "utf-8")


def table(title: str, kept: dict[str, Any]) -> str:
    """One file as a heading, its command and a table."""
    about = kept["about"]
    versions = ", ".join(f"{k} {v}" for k, v in about["versions"].items())
    lines = [
        f"## {title}", "",
        (f"`{about['command']}`, {about['when']}, {about['machine']}, {about['cores']} cores, load {about['load']:.1f} when it ended; "
        f"Python {about['python']}, {versions}."), "",
        "| what | threads | plumbline | peer | figure | least to greatest | target | equal |", "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    lines += [row_of(row) for row in kept["rows"]]
    if about.get("note"):
        lines += ["", about["note"]]
    return "\n".join([*lines, ""])


def row_of(row: dict[str, Any]) -> str:
    """One comparison as a line."""
    unit = row.get("unit", "x")
    figure = row.get("ratio")
    cells = [
        row["what"], str(row.get("threads", "")), seconds(row.get("ours_s")),
        f"{seconds(row['peer_s'])} ({row['peer']})" if "peer_s" in row else "",
        "" if figure is None else f"**{number(figure)} {unit}**",
        f"{number(row['ratio_low'])} to {number(row['ratio_high'])}" if "ratio_low" in row else "",
        goal(row, figure), row.get("equal", ""),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def goal(row: dict[str, Any], figure: float | None) -> str:
    """The target, and whether the figure met it."""
    if row.get("target") is not None:
        return f"at least {number(row['target'])}: {'met' if figure >= row['target'] else 'missed'}"
    if row.get("at_most") is not None:
        return (
            f"at most {number(row['at_most'])}: {'met' if figure <= row['at_most'] else 'missed'}"
        )
    return ""


def seconds(times: list[float] | None) -> str:
    """The median of some times with a unit that suits it."""
    if not times:
        return ""
    value = sorted(times)[len(times) // 2]
    return (
        f"{value:.3g} s"
        if value >= 1
        else f"{value * 1e3:.3g} ms"
        if value >= 1e-3
        else f"{value * 1e6:.3g} us"
    )


def number(value: float) -> str:
    """Three digits, thousands set apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
