"""Run an explainer on an opened model, and keep what it found in a run's directory.

The directory is that of any run (`run.json`, `findings.parquet`, `items.parquet`), with one
Parquet file an array below `arrays/`, one row a cell, and figures where the `plots` extra is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from plumbline.audit.arguments import check_arguments
from plumbline.audit.certificates import certificate_name
from plumbline.audit.faces import Shown, face
from plumbline.audit.measures import as_json
from plumbline.audit.plan import Plan
from plumbline.audit.run import model_options, new_folder, open_subject, origin
from plumbline.audit.started import Started
from plumbline.audit.store import Run, load, save
from plumbline.core.catalog import Entry, catalog
from plumbline.core.context import Context
from plumbline.core.errors import AbilityError, BadInput, StoreError, UnknownName, UsageError
from plumbline.core.explanation import Array, Drawing, Explanation
from plumbline.core.results import Finding
from plumbline.core.seeds import Seeds
from plumbline.models import parquet
from plumbline.models.abilities import Adapter
from plumbline.models.resolve import wrap
from plumbline.stats.infer import Settings, infer

ARRAYS = "arrays"
NO_INDEX = "an explanation is not an audit: it judges nothing"


@dataclass(frozen=True)
class Explained(Shown):
    """What an explainer found in a model.

    Attributes:
        run: The record with its findings: described, never tested.
        arrays: By name; the first is the one that answers the question.
        drawings: How the arrays are drawn.
    """

    TEXT, CELL, CHART = "explained:plain_text", "notebook:explained", "plots:explained"

    run: Run
    arrays: Mapping[str, Array]
    drawings: Sequence[Drawing] = ()

    @property
    def array(self) -> Array:
        """The array that answers the question."""
        return next(iter(self.arrays.values()))

    @property
    def findings(self) -> Sequence[Mapping[str, Any]]:
        """One row a finding, as in `--json`."""
        return self.run.findings

    @property
    def method(self) -> str:
        """Id of the explainer."""
        return str(self.run.header["explainer"])

    @property
    def facts(self) -> Mapping[str, Any]:
        """The explainer's facts."""
        found: Mapping[str, Any] = self.run.header["facts"].get(self.method, {})
        return found

    @property
    def folder(self) -> Path | None:
        """Where it is stored, or None."""
        return self.run.folder

    def document(self) -> dict[str, Any]:
        """The one JSON document of `--json`: record, findings, arrays."""
        told = {
            name: {**array.about(), "cells": [[*labels, cell] for labels, cell in array.cells()]}
            for name, array in self.arrays.items()
        }
        return {**self.run.document(), "arrays": told}


def explainer(using: str) -> Entry:
    """The explainer of this id.

    Raises:
        UsageError: A method of another kind; the message names the verb that runs it.
        UnknownName: No such method.
    """
    entries = catalog()
    known = {i for i, e in entries.items() if e.card.kind == "opening"}
    if using in known:
        return entries[using]
    if using in entries:
        correction = entries[using].card.kind == "correction"
        verb = "correct MODEL --with" if correction else "audit MODEL --metrics"
        raise UsageError(f"{using} is not an explainer; run it by `plumbline {verb} {using}`")
    raise UnknownName("explainer", using, known)


def explain(
    plan: Plan, *, using: str, params: Mapping[str, Any] | None = None, out: Path | None = None,
    subject: Adapter | None = None,
) -> Explained:  # fmt: skip
    """Run an explainer.

    Args:
        plan: Model, options, seed and suite; its metrics are not asked.
        using: Id of the explainer.
        params: The explainer's arguments.
        out: Folder in which the explanation's own directory is made; None keeps it in memory.
        subject: An opened adapter in place of the plan's, or what can be wrapped as one; it is left
            open.

    Raises:
        UnknownName: No such explainer.
        AbilityError: The model lacks what the explainer needs.
        BadInput: An argument that the explainer does not take.
    """
    entry = explainer(using)
    plan = plan.but(metrics=(using,), params={using: dict(params or {})})
    opened = open_subject(plan) if subject is None else wrap(subject, options=model_options(plan))
    try:
        started = Started()
        found = _called(entry, plan, opened)
        findings = _findings(entry, plan, found)
        header = _header(entry, plan, opened, found, started=started)
    finally:
        if subject is None:
            opened.close()
    if out is None:
        return Explained(Run(header, [f.row() for f in findings]), found.arrays, found.drawings)
    return _kept(new_folder(plan, out, started), header, findings, found)


def _called(entry: Entry, plan: Plan, model: Adapter) -> Explanation:
    missing = entry.card.missing(model.abilities)
    if missing:
        raise AbilityError(
            f"{entry.id} needs {', '.join(missing)}; {model.name} offers "
            f"{', '.join(sorted(model.abilities))}"
        )
    context = Context(
        abilities=model.abilities, seeds=Seeds(plan.seed).child(entry.id), suite=plan.suite,
        seed=plan.seed, about=model.about(),
    )  # fmt: skip
    check_arguments(entry, plan.params[entry.id])
    found = entry.load()(context, model, **plan.params[entry.id])
    if not isinstance(found, Explanation):
        raise BadInput(
            f"{entry.id} returned {type(found).__name__}; an explainer returns Explanation"
        )
    return found


def _findings(entry: Entry, plan: Plan, found: Explanation) -> list[Finding]:
    if found.scored is None:
        return []
    settings = Settings(level=plan.level)
    made = infer(found.scored, entry.card, seeds=Seeds(plan.seed).child("infer"), settings=settings)
    return [replace(f, certificate=certificate_name(f)) for f in made]


def _header(
    entry: Entry, plan: Plan, model: Adapter, found: Explanation, *, started: Started
) -> dict[str, Any]:
    measures = [] if found.scored is None else [as_json(m) for m in found.scored.measures]
    notes = [*found.notes, *(found.scored.notes if found.scored else ())]
    facts = {**dict(found.scored.facts if found.scored else {}), **dict(found.facts)}
    return {
        **origin(plan, model, started),
        "explainer": entry.id,
        "instruments": {},
        "methods": {entry.id: {"version": entry.card.version, "paper": entry.card.paper}},
        "notes": {entry.id: notes} if notes else {},
        "measures": {entry.id: measures},
        "facts": {entry.id: facts} if facts else {},
        "questions": {},
        "canaries": {},
        "index": {"value": None, "reason": NO_INDEX},
        "arrays": {name: array.about() for name, array in found.arrays.items()},
        "drawings": [asdict(d) for d in found.drawings],
    }


def _kept(
    folder: Path, header: Mapping[str, Any], findings: Sequence[Finding], found: Explanation
) -> Explained:
    try:
        (folder / ARRAYS).mkdir()
    except OSError as error:
        raise StoreError(
            f"cannot make {folder / ARRAYS}: {error}. Choose another with --out."
        ) from error
    for name, array in found.arrays.items():
        parquet.write(folder / ARRAYS / f"{name}.parquet", array.table())
    items = {} if found.scored is None else {str(header["explainer"]): found.scored.items}
    try:
        face("explained", "write_figures")(found.arrays, found.drawings, folder)
    finally:
        # Last, because a folder with this record is whole; and in any case, because it holds the numbers.
        run = save(folder, header, findings, items, ())
    return Explained(run, found.arrays, found.drawings)


def load_explained(folder: Path | str) -> Explained:
    """A stored explanation.

    Raises:
        StoreError: It is no explanation, or a file in it is damaged.
    """
    run = load(Path(folder))
    if "explainer" not in run.header:
        raise StoreError(f"{folder} is a run of `audit`, not of `explain`; use plumbline.load_run")
    arrays = {
        name: Array.read(about, parquet.read(Path(folder) / ARRAYS / f"{name}.parquet"))
        for name, about in run.header["arrays"].items()
    }
    return Explained(run, arrays, [Drawing(**d) for d in run.header["drawings"]])
