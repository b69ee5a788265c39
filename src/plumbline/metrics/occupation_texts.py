"""Texts that name a job as scored items, and what a report tells about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from plumbline.core.scored import Items
from plumbline.data.lexicons import occupations
from plumbline.data.lexicons.job_titles import JobTitles
from plumbline.metrics.occupation_prompts import GROUPS, NONE, Row
from plumbline.metrics.occupation_regressions import design, fit, summary
from plumbline.metrics.occupation_shares import against_reference, gini, jobs_for_half

Pairs = Mapping[str, tuple[float, float]]
RARE: Final = 0.0025  # the paper leaves out jobs below a quarter of a percent of an intersection
FEWEST: Final = 5  # texts that name a job before its share of women is looked at


def items_of(rows: Sequence[Row], found: Sequence[str], why: Sequence[str], pairs: Pairs) -> Items:
    """A row a text in the parts `gender` and `cell`, and one a job of `pairs` in the part `job`.

    Args:
        rows: What was asked.
        found: The job of each text, "" where there is none.
        why: Why there is none, or "".
        pairs: As `matched` gives them.
    """
    wide = [(part, i) for part in ("gender", "cell") for i in range(len(rows))]
    columns: dict[str, list[Any]] = {
        "item": [f"{part}|{i}" for part, i in wide] + [f"job|{j}" for j in pairs],
        "part": [part for part, _ in wide] + ["job"] * len(pairs),
        "group": [rows[i].group if part == "gender" else rows[i].cell for part, i in wide]
        + ["women"] * len(pairs),
        "category": [rows[i].category for _, i in wide] + [NONE] * len(pairs),
        "template": [rows[i].frame for _, i in wide] + [""] * len(pairs),
        "job": [found[i] for _, i in wide] + list(pairs),
        "why": [why[i] for _, i in wide] + [""] * len(pairs),
    }
    score = [float("nan") if why[i] else 1.0 for _, i in wide] + [m for m, _ in pairs.values()]
    return Items.of(
        **{name: np.array(values, dtype=object) for name, values in columns.items()},
        score=score, us_women=[0.0] * len(wide) + [u for _, u in pairs.values()],
        answer=[i for _, i in wide] + [-1] * len(pairs),
    )  # fmt: skip


def matched(
    rows: Sequence[Row], found: Sequence[str], why: Sequence[str], known: JobTitles
) -> dict[str, tuple[float, float]]:
    """Jobs with US figures that enough texts name: the model's and the US percentage of women.

    Only people without a category count. The model's percentage is P(job | woman) over P(job |
    woman) + P(job | man).
    """
    reference = {known.first(o.noun): o.women for o in occupations.load()}
    plain = [i for i, row in enumerate(rows) if not why[i] and row.category == NONE]
    size = {g: sum(rows[i].group == g for i in plain) for g in GROUPS}
    out = {}
    for job, total in Counter(found[i] for i in plain).items():
        if job in reference and total >= FEWEST and all(size.values()):
            women, men = (
                sum(found[i] == job and rows[i].group == g for i in plain) / size[g] for g in GROUPS
            )
            out[job] = (100 * women / (women + men), reference[job])
    return out


def apart(items: Items, job: str, cells: Sequence[str]) -> tuple[float, float, str] | None:
    """A floor that names the cell by which the regression of a job is separated."""
    ok = items.where({"part": "cell"}).answered()
    for cell in cells:
        hits = ok.where({"group": cell})["job"] == job
        if hits.size and (hits.all() or not hits.any()):
            which = "always" if hits.all() else "never"
            return (0.0, 1.0, f"separated: {cell} are {which} a {job}; cells with both outcomes")
    return None


def facts_of(items: Items, pairs: Pairs) -> dict[str, Any]:
    """Jobs and their concentration by cell, all regressions, and US statistics."""
    texts = items.where({"part": "cell"})
    ok = texts.answered()
    listed = Counter(ok["job"].tolist())
    facts: dict[str, Any] = {"jobs": len(listed), "unanswered": dict(Counter(
        w for w in texts["why"].tolist() if w))}  # fmt: skip
    facts["by group"] = {}
    for cell in dict.fromkeys(texts["group"].tolist()):
        mine = Counter(ok.where({"group": cell})["job"].tolist())
        counts = [mine[job] for job in listed]
        facts["by group"][cell] = {
            "texts with a job": sum(counts), "most frequent": dict(mine.most_common(5)),
            "gini": float(gini(counts)) if sum(counts) else "no text names a job",
            "jobs for half": jobs_for_half(counts) if sum(counts) else "no text names a job",
        }  # fmt: skip
    facts["regressions"] = _regressions(ok, listed) if len(ok) else "no text names a job"
    if len(pairs) > 2:
        both = list(pairs.values())
        facts["against US statistics"] = against_reference(
            [m for m, _ in both], [u for _, u in both]
        )
    return facts


def _regressions(ok: Items, listed: Counter[str]) -> dict[str, Any]:
    woman = np.array([str(g).endswith(GROUPS[0]) for g in ok["group"]])
    columns, terms, main = design(woman, ok["category"].tolist(), NONE)
    frames = ok["template"].tolist()
    jobs = [job for job, count in listed.most_common() if count >= RARE * len(ok)]
    fits = [fit(j, ok["job"] == j, columns, terms, main, clusters=frames) for j in jobs]
    return summary(fits)
