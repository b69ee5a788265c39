"""The rule's tables as Markdown, as one HTML page, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from plumbline.report import format as show
from plumbline.report.exports.ll144_tables import SMALL, Line, Report
from plumbline.report.exports.sheets import harmless
from plumbline.report.markdown import escape

TITLE = "Selection by sex and race/ethnicity (New York City, Local Law 144 of 2021)"
FILL = "To be filled by the employer or its independent auditor"
HEAD = (
    "rate", "table", "sex", "race_ethnicity", "applicants", "selected", "share_of_data",
    "below_2_percent", "rate_value", "rate_low", "rate_high", "impact_ratio", "impact_ratio_low",
    "impact_ratio_high", "level", "reason", "unknown_category_not_counted",
)  # fmt: skip


def markdown(made: Sequence[Report], justification: str) -> str:
    """Statement, tables, and what only the employer can say."""
    lines = [f"# {TITLE}", ""]
    for one in made:
        lines += [escape(s) + "\n" for s in statement(one)]
        for title, rows in one.tables.items():
            lines += [f"## {title}: {escape(one.counts.what)}", ""]
            head = ("category", *columns(one))
            lines += [_row(head), _row(("---",) * len(head))]
            lines += [_row((row.category, *cells(row))) for row in rows]
            lines.append("")
        lines += [f"- {escape(s)}" for s in notes(one, justification)]
        lines.append("")
    lines += ["## Left to the employer", "", *(f"- {escape(s)}" for s in left())]
    return "\n".join(lines) + "\n"


def page(made: Sequence[Report], justification: str) -> str:
    """The same as one HTML page without script or network."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    places = Environment(
        loader=PackageLoader("plumbline.report.exports", "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    shown = [
        {
            "what": show.clean(one.counts.what), "statement": statement(one), "columns": columns(one),
            "notes": [show.clean(n) for n in notes(one, justification)],
            "tables": [(t, [(show.clean(r.category), cells(r)) for r in rows]) for t, rows in one.tables.items()],
        }
        for one in made
    ]  # fmt: skip
    return places.get_template("ll144.html.j2").render(title=TITLE, reports=shown, left=left())


def table(made: Sequence[Report], _: str) -> str:
    """One flat CSV table; a number that does not exist is the word `undefined`, with its reason."""
    sink = io.StringIO(newline="")
    out = csv.writer(sink, lineterminator="\n")
    out.writerow(HEAD)
    for one in made:
        for title, rows in one.tables.items():
            for r in rows:
                numbers = (*r.rate, r.ratio, r.ratio_low, r.ratio_high)
                told = ["undefined" if x is None else repr(float(x)) for x in numbers]
                named = map(harmless, (one.counts.what, title, r.sex, r.race))
                small = "yes" if r.share < SMALL else "no"
                out.writerow(
                    [*named, r.applicants, r.selected, repr(r.share), small, *told, one.level,
                     harmless(r.reason), one.counts.unknown]
                )  # fmt: skip
    return sink.getvalue()


def statement(one: Report) -> list[str]:
    """Bias of what, toward what, measured how."""
    scored = one.counts.what == "scoring rate"
    how = (
        "The scoring rate is the share of a category that scored above the median of everybody assessed."
        if scored
        else "The selection rate is the share of a category that was selected."
    )
    said = [
        (
            f"Differences in the {one.counts.what} of the decisions recorded in '{show.clip(one.counts.source, 120)}', "
            "toward categories of sex and race/ethnicity and of both together, computed as section 5-301 of title 6 "
            f"of the Rules of the City of New York defines. {how} The impact ratio is a category's rate over the "
            "highest category's rate."
        ),
        f"{one.individuals:,} individuals are in these calculations.",
    ]
    labels = (
        f" (labelled {', '.join(map(show.clean, one.counts.unknown_labels))})"
        if one.counts.unknown_labels
        else ""
    )
    said.append(
        f"{one.counts.unknown:,} individuals of unknown sex or race/ethnicity{labels} were assessed and are "
        "not in these calculations."
    )
    return said


def columns(one: Report) -> tuple[str, ...]:
    """Headings after the category's."""
    chosen = "above the median" if one.counts.what == "scoring rate" else "selected"
    rate = "scoring rate" if one.counts.what == "scoring rate" else "selection rate"
    level = show.level(one.level)
    return (
        "applicants",
        chosen,
        rate,
        f"{level} interval",
        "impact ratio",
        f"{level} interval of the ratio",
    )


def cells(row: Line) -> tuple[str, ...]:
    """A line's cells after its category."""
    rate, low, high = (f"{100 * x:.1f}%" for x in row.rate)
    ratio = f"{row.ratio:.3f}" if row.ratio is not None else f"undefined: {row.reason}"
    if row.ratio_low is None or row.ratio_high is None:
        band = "" if row.ratio is None else f"none: {row.reason}"
    else:
        band = f"{row.ratio_low:.3f} to {row.ratio_high:.3f}"
    return (
        f"{row.applicants:,}",
        f"{row.selected:,}",
        rate,
        f"{low} to {high}",
        ratio,
        band or "undefined",
    )


def notes(one: Report, justification: str) -> list[str]:
    """What has to be read with the tables."""
    said = [
        "The rule sets no threshold for an impact ratio, and none is applied here.",
        (
            "The highest rate was picked by looking, so ratios lie below 1 even among equals. Intervals of "
            "rates are Wilson's; those of ratios are Katz's, and they treat individuals as independent and "
            "the highest category as given."
        ),
    ]
    small = [f"{line.category} ({t.lower()}, {line.applicants:,} applicants, {line.share:.1%})"
             for t, lines in one.tables.items() for line in lines if line.share < SMALL]  # fmt: skip
    if small and one.excluded:
        why = justification or f"{FILL}: why they were left out"
        said.append(
            f"Below 2% of the data and left out of the impact ratios: {'; '.join(small)}. Justification: {why}."
        )
    elif small:
        said.append(
            f"Below 2% of the data, and in the calculations all the same: {'; '.join(small)}."
        )
    return said


def left() -> list[str]:
    """What section 5-303 wants published that no calculation knows."""
    return [
        f"{FILL}: the source and explanation of the data, and whether they are historical or test data.",
        f"{FILL}: the date of the bias audit and the distribution date of the tool.",
        (
            f"{FILL}: who carried out the audit. These tables are a calculation; they are no independent "
            "auditor's judgement and no legal advice."
        ),
    ]


def _row(words: Sequence[str]) -> str:
    return f"| {' | '.join(map(escape, words))} |"
