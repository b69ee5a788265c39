"""Human labels for an instrument: a blinded sample out, agreement and corrected rates back in.

The sample is a simple random one of a metric's scored texts: stratifying by score would bias
sensitivity and specificity. It shows the text (and, if asked, its prompt), never a score, a group
or a name; what belongs to which item stays in a key file in the run's directory. A text that
stands in several items (one an axis) is labelled once. Where a metric's items have a column
`part`, its rows `text` are those that hold one text's score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.label_files import FORMATS, key_file, read_key, read_label, write_sample
from plumbline.audit.store import Run, write_json
from plumbline.core.catalog import catalog
from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.core.seeds import Seeds, derive
from plumbline.data.tables import read_table
from plumbline.stats.agreement import CorrectedRates, cohen_kappa, corrected_rates, error_rates
from plumbline.stats.proportions import wilson
from plumbline.stats.undefined import UndefinedStatistic

Column = NDArray[Any]
DRAWS = 4000


def export(
    run: Run, file: Path, *, metric: str | None = None, n: int = 50, seed: int = 0, prompts: bool = False
) -> list[dict[str, str]]:  # fmt: skip
    """Write a blinded sample for human labels, and its key into the run's directory.

    Args:
        run: A stored run.
        file: `.csv` or `.jsonl`; columns `id, answer, label` (and `prompt`), label empty.
        metric: Whose items; may be left out where only one metric has texts.
        n: Items to draw, without replacement.
        seed: Seed of the draw and of the order.
        prompts: Show the prompt too. It may name the group.

    Returns:
        The rows that were written.

    Raises:
        BadInput: Another ending, no items with text, or more items wanted than there are.
    """
    folder = _folder(run)
    if file.suffix not in FORMATS:
        raise BadInput(f"{file} should end in {' or '.join(FORMATS)}")
    name = metric or _only_metric(run)
    sample = _texts(run, name)
    if not 1 <= n <= len(sample):
        raise BadInput(f"{name} has {len(sample)} scored texts; {n} were asked for")
    rng = Seeds(seed).stream("validate", name)
    picked = rng.permutation(len(sample))[:n]
    rows, key = [], {}
    for k in picked:
        text = sample[int(k)]
        # Ids say nothing about the order of the items in the run.
        label_id = f"{derive(seed, 'validate', name, str(text.rows[0])):016x}"
        key[label_id] = text.rows
        shown = {"id": label_id, "prompt": text.prompt, "answer": text.answer, "label": ""}
        rows.append(shown if prompts else {k: v for k, v in shown.items() if k != "prompt"})
    write_json(
        key_file(folder, name, seed),
        {"metric": name, "seed": seed, "items": key},
    )
    write_sample(file, rows)
    return rows


@dataclass(frozen=True)
class Validation:
    """What human labels say about an instrument.

    Attributes:
        metric: Whose items.
        threshold: From which score on the instrument is taken to say yes.
        n, unlabelled: Labelled items, and rows whose label was left empty.
        agreement: `accuracy` and `kappa`: estimate with interval, or undefined with a reason.
        errors: `sensitivity` and `specificity` with their intervals.
        confusion: Counts by group, and of all: `true_no`, `false_yes`, `false_no`, `true_yes`.
        rates: By group: the instrument's rate over the whole run and the corrected one.
        gaps: Corrected difference of each axis that has two groups, the first minus the second.
    """

    metric: str
    threshold: float
    n: int
    unlabelled: int
    agreement: Mapping[str, Mapping[str, Any]]
    errors: Mapping[str, Mapping[str, Any]]
    confusion: Mapping[str, Mapping[str, int]]
    rates: Mapping[str, Mapping[str, Any]]
    gaps: Sequence[Mapping[str, Any]]

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def read_labels(
    run: Run, file: Path, *, threshold: float = 0.5, level: float = 0.95, seed: int = 0
) -> Validation:
    """Compare labels with the instrument's scores, and correct the run's rates for its errors.

    Args:
        run: The run that the sample came from.
        file: The labelled file; labels are yes/no, 1/0 or true/false.
        threshold: Scores from here on count as yes.
        level: Confidence level.
        seed: Seed of the bootstrap.

    Raises:
        BadInput: Unknown ids, unreadable labels, or nothing labelled.
    """
    table = read_table(file, columns=("id", "label"))
    ids = [str(i) for i in table["id"]]
    key = read_key(_folder(run), ids, file)
    labels = [read_label(v, row) for row, v in enumerate(table["label"], start=1)]
    kept = [
        (key["items"][i], said) for i, said in zip(ids, labels, strict=True) if said is not None
    ]
    if not kept:
        raise BadInput(f"no row of {file} is labelled; fill the column 'label' with yes or no")
    items = run.items(key["metric"])
    said = items["score"].astype(float) >= threshold
    if not all(rows and 0 <= min(rows) <= max(rows) < len(said) for rows, _ in kept):
        raise BadInput(
            f"the key of {file} names items that {key['metric']} does not have in this run"
        )
    groups = _groups(items)
    whole = np.zeros((2, 2), int)
    by_group: dict[str, Column] = {}
    for members, truth in kept:
        whole[int(truth), int(said[members[0]])] += 1
        for row in members:
            table_of = by_group.setdefault(str(groups[row]), np.zeros((2, 2), int))
            table_of[int(truth), int(said[row])] += 1
    rng = Seeds(seed).stream("validate", key["metric"], "bootstrap")
    rows = np.array([row for text in _texts(run, key["metric"]) for row in text.rows])
    chosen = {name: column[rows] for name, column in items.items()}
    rates, gaps = _rates(chosen, said[rows], whole, metric=key["metric"], level=level, rng=rng)
    return Validation(
        metric=key["metric"], threshold=threshold, n=len(kept), unlabelled=len(ids) - len(kept),
        agreement=_agreement(whole, level), errors=_errors(whole, level),
        confusion={"all": _counts(whole), **{g: _counts(t) for g, t in sorted(by_group.items())}},
        rates=rates, gaps=gaps,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Text:
    """One text with the items that hold its score."""

    rows: list[int]
    prompt: str
    answer: str


def _folder(run: Run) -> Path:
    if run.folder is None:
        raise StoreError("this run was not stored: audit with --out to keep its items")
    return run.folder


def _only_metric(run: Run) -> str:
    answers = run.answers()
    spoken = answers["ability"].astype(str) == "generate"
    found = sorted(set(answers["metric"][spoken].astype(str)))
    if len(found) != 1:
        named = ", ".join(found) or "none"
        raise BadInput(f"name one metric whose answers are texts (--metric); this run has: {named}")
    return str(found[0])


def _texts(run: Run, metric: str) -> list[_Text]:
    """Every scored text of a metric, in the order of the run."""
    known = sorted(set(run.items()["metric"].astype(str)))
    if metric not in known:
        raise UnknownName("metric of this run", metric, known)
    items, answers = run.items(metric), run.answers(metric)
    spoken = (answers["ability"].astype(str) == "generate") & (
        answers["to"].astype(str) == "subject"
    )
    if "answer" not in items or not spoken.any():
        raise BadInput(f"the items of {metric} have no text that people could label")
    where = {int(answers["row"][i]): int(i) for i in np.flatnonzero(spoken)}
    kept = np.isfinite(items["score"].astype(float))
    if "part" in items:
        kept &= items["part"].astype(str) == "text"
    rows_of: dict[int, list[int]] = {}
    for i in np.flatnonzero(kept):
        rows_of.setdefault(int(float(items["answer"][i])), []).append(int(i))
    return [
        _Text(rows, _prompt(answers["question"][at]), str(json.loads(answers["answer"][at])[0]))
        for row, rows in rows_of.items()
        if (at := where.get(row)) is not None
    ]


def _prompt(question: str) -> str:
    parts = json.loads(question).get("prompt", ())
    return "\n".join(p if isinstance(p, str) else p["text"] for p in parts)


def _groups(items: Mapping[str, Column]) -> Column:
    if "group" not in items:
        return np.full(len(items["score"]), "all items", dtype=object)
    return items["group"].astype(str)


def _counts(table: Column) -> dict[str, int]:
    names = ("true_no", "false_yes", "false_no", "true_yes")
    return dict(zip(names, map(int, table.ravel()), strict=True))


def _share(hits: int, of: int, level: float) -> dict[str, Any]:
    if of == 0:
        return {"status": "undefined", "reason": "no label of this kind"}
    low, high = wilson(hits, of, level=level)
    return {
        "status": "estimate", "value": hits / of, "low": low, "high": high, "level": level, "n": of,
        "interval": "Wilson",
    }  # fmt: skip


def _agreement(table: Column, level: float) -> dict[str, dict[str, Any]]:
    found = {"accuracy": _share(int(np.trace(table)), int(table.sum()), level)}
    try:
        kappa = cohen_kappa(table, level=level)
    except UndefinedStatistic as error:
        return {**found, "kappa": {"status": "undefined", "reason": error.reason}}
    found["kappa"] = {
        "status": "estimate", "value": kappa.value, "low": kappa.low, "high": kappa.high,
        "level": level, "n": kappa.n, "interval": "large-sample (Fleiss, Cohen & Everitt)",
    }  # fmt: skip
    return found


def _errors(table: Column, level: float) -> dict[str, dict[str, Any]]:
    return {
        "sensitivity": _share(int(table[1, 1]), int(table[1].sum()), level),
        "specificity": _share(int(table[0, 0]), int(table[0].sum()), level),
    }


def _rates(
    items: Mapping[str, Column], said: Column, confusion: Column, *,
    metric: str, level: float, rng: np.random.Generator,
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:  # fmt: skip
    """Rates of every group and gaps of every axis with two groups."""
    axes = items["axis"].astype(str) if "axis" in items else np.full(len(said), "")
    every = _groups(items)
    _, clusters = np.unique(_clusters(items, metric), return_inverse=True)
    rates: dict[str, dict[str, Any]] = {}
    gaps: list[dict[str, Any]] = []
    for axis in np.unique(axes):
        here = axes == axis
        names, groups = np.unique(every[here], return_inverse=True)
        sizes = np.zeros((clusters.max() + 1, names.size))
        hits = sizes.copy()
        np.add.at(sizes, (clusters[here], groups), 1)
        np.add.at(hits, (clusters[here], groups), said[here])
        used = sizes.sum(axis=1) > 0
        try:
            error_rates(confusion)
            got = corrected_rates(
                hits[used], sizes[used], confusion, level=level, draws=DRAWS, rng=rng
            )
        except UndefinedStatistic as error:
            shares = hits.sum(axis=0) / sizes.sum(axis=0)
            for name, share in zip(names, shares, strict=True):
                rates[str(name)] = {
                    "apparent": float(share), "status": "undefined", "reason": error.reason,
                }  # fmt: skip
            continue
        rates.update(_told(names, got, level))
        gaps += _gap(str(axis), names, got, level)
    return rates, gaps


def _told(names: Column, got: CorrectedRates, level: float) -> dict[str, dict[str, Any]]:
    how = "Rogan-Gladen, cluster bootstrap of items, bootstrap of labels"
    return {
        str(name): {
            "status": "estimate", "apparent": float(got.apparent[i]), "value": float(got.value[i]),
            "low": float(got.low[i]), "high": float(got.high[i]), "level": level, "interval": how,
        }
        for i, name in enumerate(names)
    }  # fmt: skip


def _gap(axis: str, names: Column, got: CorrectedRates, level: float) -> list[dict[str, Any]]:
    if got.gap is None:
        return []
    value, low, high = got.gap
    said = {"axis": axis, "group": str(names[0]), "against": str(names[1])}
    return [{**said, "value": value, "low": low, "high": high, "level": level}]


def _clusters(items: Mapping[str, Column], metric: str) -> Column:
    """The outermost random factor of the method's card, else the item."""
    entry = catalog().get(metric)
    factors = [f.column for f in entry.card.units if f.random] if entry else []
    name = next((f for f in factors if f in items), "item")
    return items[name].astype(str)
