"""A run as an entry of a model card's `model-index`, in the format of the Hugging Face hub.

One result a method and one metric a primary finding. The hub's format has no field for an interval:
it stands with everything else that is needed to read the number in the metric's `args`. A finding
without a number keeps its place, with the word for it as value and the reason in `args`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show
from plumbline.report.rows import Row, of_run

if TYPE_CHECKING:
    from plumbline.audit.store import Run

PREFIX = "plumbline/"  # how our results are known among others
# The hub's task for the first ability that a subject has; those further up tell more about a model.
TASKS: Mapping[str, tuple[str, str]] = {
    "records": ("tabular-classification", "Tabular classification"),
    "paint": ("text-to-image", "Text to image"),
    "generate": ("text-generation", "Text generation"),
    "next": ("text-generation", "Text generation"),
    "logprob": ("text-generation", "Text generation"),
    "fill": ("fill-mask", "Fill mask"),
    "classify": ("text-classification", "Text classification"),
    "score": ("text-classification", "Text classification"),
    "choose": ("question-answering", "Question answering"),
    "embed": ("feature-extraction", "Feature extraction"),
    "embed_image": ("image-feature-extraction", "Image feature extraction"),
}
OTHER = ("other", "Other")
_ARGS = (
    "low", "high", "level", "n", "units", "unit", "null", "margin", "verdict", "p", "p_adjusted",
    "expected_under_null", "reason", "certificate",
)  # fmt: skip


def entry(run: Run, *, name: str = "") -> dict[str, Any]:
    """The entry: `name` (the model's by default) and `results`; there may be none."""
    by_metric: dict[str, list[Row]] = {}
    for row in of_run(run):
        if row.role == "primary" and row.status != "not_applicable":
            by_metric.setdefault(row.metric, []).append(row)
    called = name or show.clip(run.header["subject"]["name"], 96)
    results = [_result(run.header, metric, rows) for metric, rows in by_metric.items()]
    return {"name": called, "results": results}


def is_ours(result: Any) -> bool:
    """Whether a result of a model-index was written here."""
    metrics: Iterable[Any] = result.get("metrics") or () if isinstance(result, Mapping) else ()
    kinds = [m.get("type") for m in metrics if isinstance(m, Mapping)]
    return bool(kinds) and all(str(kind).startswith(PREFIX) for kind in kinds)


def _result(header: Mapping[str, Any], metric: str, rows: Sequence[Row]) -> dict[str, Any]:
    task, said = _task(header["subject"].get("abilities", ()))
    method = header.get("methods", {}).get(metric, {})
    found: dict[str, Any] = {
        "task": {"type": task, "name": said},
        "dataset": {
            "type": f"{PREFIX}{metric}",
            "name": _data(metric, rows[0].title),
            "args": {
                "plan": show.clean(header["plan_hash"]), "seed": header["seed"],
                "method_version": method.get("version", 0),
            },
        },
        "metrics": [_metric(row) for row in rows],
    }  # fmt: skip
    # The hub wants an address beside a source's name: that of the paper whose method this is.
    if link := show.paper_link(rows[0].finding["paper"]):
        found["source"] = {"name": f"plumbline {show.clean(header['plumbline'])}", "url": link}
    return found


def _metric(row: Row) -> dict[str, Any]:
    found = row.finding
    args: dict[str, Any] = {"measured": found["estimand"], **found["labels"]}
    args |= {name: _plain(found[name]) for name in _ARGS if found[name] not in (None, "")}
    about = f": {row.about}" if row.about else ""
    return {
        "type": f"{PREFIX}{row.metric}",
        "name": f"{row.title}{about}",
        "value": "undefined" if row.status == "undefined" else _plain(found["value"]),
        "args": args,
    }


def _plain(value: Any) -> Any:
    """A number as it is; an infinite one as a word, which every reader of the format takes."""
    return show.number(value) if isinstance(value, float) and math.isinf(value) else value


def _task(abilities: Iterable[str]) -> tuple[str, str]:
    has = set(abilities)
    return next((task for ability, task in TASKS.items() if ability in has), OTHER)


def _data(metric: str, title: str) -> str:
    """The public data sets that the method reads, else whose items they are."""
    from plumbline.core.catalog import catalog
    from plumbline.data.sets.registry import catalog as sets

    known, named = catalog().get(metric), sets()
    titles = [named[d].title for d in (known.card.data if known else ()) if d in named]
    return show.clip("; ".join(titles) or f"Items of {title}", 200)
