"""New York City's Local Law 144: from decisions to the rule's tables, as Markdown, HTML or CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.core.errors import BadInput
from plumbline.report.exports import ll144_counts, ll144_faces
from plumbline.report.exports.forms import Exported, written
from plumbline.report.exports.ll144_counts import UNKNOWN
from plumbline.report.exports.ll144_tables import Report, report

if TYPE_CHECKING:
    from plumbline.audit.store import Run

FACES: dict[str, Callable[..., str]] = {
    ".md": ll144_faces.markdown, ".html": ll144_faces.page, ".csv": ll144_faces.table,
}  # fmt: skip


def export(
    run: Run, *, path: Path | None = None, sex: str = "", race: str = "",
    unknown: Sequence[str] | str = UNKNOWN, exclude_small: bool = False, justification: str = "",
) -> Exported:  # fmt: skip
    """The tables of a stored `table:` run, at the plan's level.

    Args:
        run: A run with `group_rates`.
        path: `.md`, `.html` or `.csv`; without one, Markdown is returned.
        sex: Name of the column; common names are found without being told.
        race: Likewise.
        unknown: Labels of individuals whose category is unknown, in any case.
        exclude_small: Leave categories below 2 % out of the impact ratios.
        justification: The independent auditor's, for leaving them out.
    """
    named = (unknown,) if isinstance(unknown, str) else tuple(unknown)
    counts = ll144_counts.of_run(run, sex=str(sex), race=str(race), unknown=named)
    level = run.header["plan"]["level"]
    made = [report(c, level=level, exclude_small=exclude_small) for c in counts]
    return _shown(made, path, justification=justification)


def from_table(
    source: Any, *, path: Path | str | None = None, sex: str = "", race: str = "",
    unknown: Sequence[str] = UNKNOWN, exclude_small: bool = False, justification: str = "",
    level: float = 0.95, **columns: Any,
) -> Exported:  # fmt: skip
    """The tables straight from a CSV or Parquet file, a data frame, or arrays by name.

    Args:
        source: The rows, one an individual, with a decision (0 or 1, or a class) or a score.
        path: As for `export`.
        sex: As for `export`.
        race: As for `export`.
        unknown: As for `export`.
        exclude_small: As for `export`.
        justification: As for `export`.
        level: Of all intervals.
        columns: Roles of the columns (`prediction`, `score`, `groups`, ...), and `positive`: the
            class that counts as selected.
    """
    positive = str(columns.pop("positive", ""))
    counts = ll144_counts.of_table(
        source, sex=sex, race=race, unknown=tuple(unknown), positive=positive, columns=columns
    )
    made = [report(c, level=level, exclude_small=exclude_small) for c in counts]
    return _shown(made, None if path is None else Path(path), justification=justification)


def _shown(made: Sequence[Report], path: Path | None, *, justification: str) -> Exported:
    end = ".md" if path is None else path.suffix.lower()
    if end not in FACES:
        raise BadInput(f"ll144 is written as {', '.join(FACES)}; got the file name {path}")
    return written(FACES[end](made, justification), path)
