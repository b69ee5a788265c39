"""Correct a model and audit it again: before, after, and the paired difference."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.audit.arguments import check_arguments
from plumbline.audit.cache import Cache
from plumbline.audit.compare import Comparison, compare, key_of, paired
from plumbline.audit.harm import two_sided
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit, cache_path, open_subject
from plumbline.audit.runner import Progress, Silent
from plumbline.audit.side_effects import SideEffect, side_effects
from plumbline.audit.store import Run, load, write_json
from plumbline.core.catalog import Entry, catalog
from plumbline.core.errors import AbilityError, BadInput, UnknownName
from plumbline.models.abilities import Adapter


@dataclass(frozen=True)
class Corrected:
    """What a correction did.

    Attributes:
        folder: Opens as `corrected:FOLDER`.
        before, after: The audits.
        difference: After minus before, paired by item.
        effects: Every difference held against its margin: what may have been broken.
    """

    folder: Path
    before: Run
    after: Run
    difference: Comparison
    effects: Sequence[SideEffect] = ()

    def document(self) -> dict[str, Any]:
        """One JSON document: the paired differences and the side effects."""
        return {**self.difference.document(), "side_effects": [e.row() for e in self.effects]}


def corrections() -> dict[str, Entry]:
    """Corrections by id."""
    return {i: e for i, e in catalog().items() if e.card.kind == "correction"}


def correct(
    plan: Plan, *, using: str, out: Path, params: Mapping[str, Any] | None = None,
    progress: Progress | None = None, subject: Adapter | None = None,
) -> Corrected:  # fmt: skip
    """Correct the plan's model, save it, and audit before and after with the same plan.

    Args:
        plan: The plan of both audits.
        using: Id of the correction.
        out: Folder of the corrected model; the runs and `difference.json` go there too.
        params: The correction's arguments.
        progress: Who watches.
        subject: An opened model in place of the plan's.

    Raises:
        UnknownName: No such correction, or an argument that it does not have.
        AbilityError: The model lacks what the correction needs.
    """
    known = corrections()
    if using not in known:
        raise UnknownName("correction", using, known)
    base = open_subject(plan) if subject is None else subject
    entry = known[using]
    missing = entry.card.missing(base.abilities)
    if missing:
        raise AbilityError(
            f"{using} needs {', '.join(missing)}; {base.name} offers {', '.join(sorted(base.abilities))}"
        )
    check_arguments(entry, params or {})
    make: Callable[..., Any] = entry.load()
    corrected = make(base, **dict(params or {}))
    if not hasattr(corrected, "save"):
        raise BadInput(f"{using} returned {type(corrected).__name__}, which cannot be saved")
    corrected.save(out, base_spec=plan.model, base_options=dict(plan.options))
    with Cache(cache_path()) as cache:
        watch = progress or Silent()
        # Only abilities that the corrected model keeps can be compared.
        before = Audit(plan, _Narrowed(base, corrected.abilities), cache, watch).run(out / "before")
        after = Audit(plan, corrected, cache, watch).run(out / "after")
    corrected.close()
    runs = _stored(before), _stored(after)
    difference = compare(*runs, seed=plan.seed, level=plan.level)
    leans = {key_of(row) for row in before.findings if two_sided(row)}
    totals = paired(*runs, seed=plan.seed, level=plan.level, only=leans, total=True)
    effects = side_effects(
        difference, before.findings, plan.margins, alpha=plan.alpha,
        totals={key: finding.row() for key, finding in totals.items()},
    )  # fmt: skip
    made = Corrected(out, before, after, difference, effects)
    write_json(out / "difference.json", json.loads(json.dumps(made.document())))
    return made


def _stored(run: Run) -> Run:
    if run.folder is None:
        raise BadInput("a run without a folder cannot be compared")
    return load(run.folder)


class _Narrowed:
    """A model that offers only some of its abilities."""

    def __init__(self, base: Adapter, abilities: frozenset[str]) -> None:
        self._base = base
        self.abilities = base.abilities & abilities

    def __getattr__(self, name: str) -> Any:
        return getattr(self._base, name)
