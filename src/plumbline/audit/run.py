"""From a plan to a stored run: open, resolve, ask, infer, adjust, judge, keep."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from plumbline.audit import rates
from plumbline.audit.cache import Cache
from plumbline.audit.certificates import certificate_name
from plumbline.audit.engine import RayEngine, engine_of, open_on
from plumbline.audit.index import composite
from plumbline.audit.measures import as_json
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import Job, chosen, resolve
from plumbline.audit.runner import Progress, Runner, Silent
from plumbline.audit.started import Started
from plumbline.audit.store import Run, no_folder, save
from plumbline.core.catalog import Entry
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.results import Finding, NotApplicable
from plumbline.core.scored import Asking, Scored, Skip
from plumbline.core.seeds import Seeds
from plumbline.models.abilities import Adapter, ModelOptions, StreamingAdapter
from plumbline.stats.families import adjust, judge, select_groups
from plumbline.stats.infer import Settings, draws_for, infer, infer_one, label

PACKAGES = (
    "plumbline",
    "numpy",
    "scipy",
    "duckdb",
    "torch",
    "transformers",
    "xllamacpp",
    "onnxruntime",
)


def cache_path() -> Path:
    """The answer cache: `PLUMBLINE_CACHE`, or the user's cache folder."""
    import platformdirs

    given = os.environ.get("PLUMBLINE_CACHE")
    return (
        Path(given) if given else Path(platformdirs.user_cache_dir("plumbline")) / "answers.sqlite"
    )


def model_options(plan: Plan) -> ModelOptions:
    """The plan's model options.

    Raises:
        UnknownName: An option that no model has.
    """
    known = set(ModelOptions.__dataclass_fields__)
    for name in plan.options:
        if name not in known:
            raise UnknownName("model option", name, known)
    return ModelOptions(**plan.options)


def open_subject(plan: Plan) -> Adapter:
    """The plan's model with the plan's options."""
    from plumbline.models.resolve import open_model

    return open_model(plan.model, model_options(plan))


def open_instrument(name: str) -> Adapter:
    """An instrument by name."""
    from plumbline.models.instruments.known import open_instrument as opened

    return opened(name)


@dataclass
class Audit:
    """One audit on its way.

    Args:
        plan: What to ask.
        subject: The opened model.
        cache: Where answers are kept.
        progress: Who watches.
        instrument: Opens instruments by name.
    """

    plan: Plan
    subject: Adapter
    cache: Cache
    progress: Progress = field(default_factory=Silent)
    instrument: Callable[[str], Adapter] = open_instrument

    def run(self, out: Path | None) -> Run:
        """Ask, infer and store; returns the run."""
        started = Started()
        entries, results, runner = self.ask()
        if not isinstance(self.subject, StreamingAdapter):
            # How fast a cluster was says nothing of this machine.
            rates.keep(cache_path(), self.subject.fingerprint, runner.tally)
        findings = self.findings(entries, results)
        index = composite(
            findings, seeds=Seeds(self.plan.seed).child("index"), level=self.plan.level
        )
        header = self._header(entries, results, runner, started)
        header["index"] = index
        if out is None:
            return Run(header, [f.row() for f in findings])
        items = {e.id: results[e.id].items for e in entries if isinstance(results[e.id], Scored)}  # type: ignore[union-attr]
        return save(new_folder(self.plan, out, started), header, findings, items, runner.log)

    def ask(self) -> tuple[list[Entry], dict[str, Scored | Skip | NotApplicable], Runner]:
        """Put all questions; returns the methods, their results and the runner's record."""
        entries = chosen(self.plan)
        runner = Runner(
            self.subject, self.instrument, self.cache, self.progress, self.plan.max_requests
        )
        return entries, self._results(entries, runner), runner

    def findings_of(self) -> list[Finding]:
        """Ask and infer, without a record."""
        entries, results, _ = self.ask()
        return self.findings(entries, results)

    def _results(
        self, entries: list[Entry], runner: Runner
    ) -> dict[str, Scored | Skip | NotApplicable]:
        results: dict[str, Scored | Skip | NotApplicable] = {}
        jobs: dict[str, Asking] = {}
        for entry in entries:
            got = resolve(entry, self.subject.abilities, entries)
            if isinstance(got, Job):
                jobs[entry.id] = self._start(entry)
            else:
                results[entry.id] = got
        results.update(runner.run(jobs))
        return results

    def _start(self, entry: Entry) -> Asking:
        context = Context(
            abilities=self.subject.abilities,
            seeds=Seeds(self.plan.seed).child(entry.id),
            suite=self.plan.suite,
            seed=self.plan.seed,
            about=self.subject.about(),
        )
        params = dict(self.plan.params.get(entry.id, {}))
        try:
            made: Asking = entry.load()(context, **params)
        except TypeError as error:
            raise BadInput(f"arguments of {entry.id}: {error}") from error
        return made

    def findings(
        self, entries: list[Entry], results: Mapping[str, Scored | Skip | NotApplicable]
    ) -> list[Finding]:
        """Infer, adjust over the primary family, select groups, judge."""
        seeds = Seeds(self.plan.seed).child("infer")
        family = sum(
            m.role == "primary"
            for r in results.values()
            if isinstance(r, Scored)
            for m in r.measures
        )
        settings = Settings(
            level=self.plan.level, draws=draws_for(max(1, family), alpha=self.plan.alpha)
        )
        findings: list[Finding] = []
        origin: list[tuple[Scored, Any, Entry]] = []
        absent: list[Finding] = []
        for entry in entries:
            got = results[entry.id]
            if isinstance(got, Scored):
                made = infer(got, entry.card, seeds=seeds, settings=settings)
                findings += made
                origin += [(got, m, entry) for m in got.measures]
            else:
                absent.append(not_applicable(entry, got.reason))
        findings = adjust(findings, how=self.plan.correction)

        def again(i: int, level: float) -> Finding:
            scored, measure, entry = origin[i]
            strict = Settings(level=level, draws=settings.draws)
            outcome, notes = infer_one(
                scored.items, measure, entry.card, seeds=seeds, settings=strict
            )
            return label(outcome, measure, entry.card, notes=notes)

        findings = select_groups(findings, again, alpha=self.plan.alpha, level=self.plan.level)
        judged = [judge(f, self.plan.margins, alpha=self.plan.alpha) for f in findings]
        return [replace(f, certificate=certificate_name(f)) for f in (*judged, *absent)]

    def _header(
        self, entries: list[Entry], results: Mapping[str, Any], runner: Runner, started: Started
    ) -> dict[str, Any]:
        scored = {e.id: r for e in entries if isinstance(r := results[e.id], Scored)}
        return {
            **origin(self.plan, self.subject, started),
            "instruments": {
                name: {"fingerprint": a.fingerprint, "about": a.about()}
                for name, a in runner.instruments.items()
            },
            "methods": {e.id: {"version": e.card.version, "paper": e.card.paper} for e in entries},
            "notes": {name: list(r.notes) for name, r in scored.items() if r.notes},
            "measures": {name: [as_json(m) for m in r.measures] for name, r in scored.items()},
            "facts": {name: dict(r.facts) for name, r in scored.items() if r.facts},
            "questions": {
                name: {
                    "wanted": t.wanted, "unique": t.unique, "from_cache": t.cached,
                    "asked": int(t.asked), "seconds": round(t.seconds, 3),
                }
                for name, t in sorted(runner.tally.items())
            },
            "canaries": runner.canaries,
            **({"engine": found.engine()} if isinstance(found := self.subject, StreamingAdapter) else {}),
        }  # fmt: skip


def origin(plan: Plan, subject: Adapter, started: Started) -> dict[str, Any]:
    """What every record begins with: plan, subject, time, versions, machine."""
    return {
        "plumbline": version(),
        "plan": plan.as_dict(),
        "plan_hash": plan.digest,
        "seed": plan.seed,
        "subject": {
            "model": plan.model,
            "name": subject.name,
            "fingerprint": subject.fingerprint,
            "abilities": sorted(subject.abilities),
            "about": subject.about(),
        },
        "started": started.at.isoformat(timespec="seconds"),
        "seconds": started.seconds(),
        "packages": packages(),
        "machine": {
            "system": platform.system(), "processor": platform.machine(),
            "python": platform.python_version(), "cores": os.cpu_count(),
        },
    }  # fmt: skip


def new_folder(plan: Plan, out: Path, started: Started) -> Path:
    """Make a new directory below `out`, named after time, model and plan.

    Of several processes that begin in one second each gets a folder of its own.

    Raises:
        StoreError: It cannot be made.
    """
    stamp = started.at.strftime("%Y%m%d-%H%M%S")
    model = "".join(c if c.isalnum() or c in "-_." else "-" for c in plan.model)[:40]
    base = out / f"{stamp}-{model}-{plan.digest[:6]}"
    folder, again = base, 2
    while True:
        try:
            out.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            if not folder.exists():  # it is `out` that is no folder
                raise no_folder(folder, f"{out} is a file") from None
            folder, again = base.with_name(f"{base.name}-{again}"), again + 1
        except OSError as error:
            raise no_folder(folder, error) from error
        else:
            return folder


def not_applicable(entry: Entry, reason: str) -> Finding:
    """A row for a method that does not apply, with its reason."""
    card = entry.card
    return Finding(
        metric=entry.id, outcome=NotApplicable(reason=reason), unit=card.unit, estimand=card.estimand,
        sign=card.sign, worse=card.worse, paper=card.paper, trust=card.trust,
    )  # fmt: skip


def version() -> str:
    """The installed version of plumbline."""
    return importlib.metadata.version("plumbline")


def packages() -> dict[str, str]:
    """Versions of the packages that can change a number."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def run_plan(
    plan: Plan, *, subject: Any = None, out: Path | None = None, progress: Progress | None = None,
    engine: RayEngine | str | None = None,
) -> Run:  # fmt: skip
    """Carry out a plan.

    Args:
        plan: The plan; its `model` names the subject unless one is given here.
        subject: An opened adapter or a Python object that can be wrapped as one.
        out: Folder in which the run's own directory is made; None keeps the run in memory.
        progress: Who watches.
        engine: Where the model answers: `local` (None), `ray`, or a `RayEngine`.

    Returns:
        The run.
    """
    from plumbline.models.resolve import wrap

    chosen(plan)  # a misspelt metric is found before a model is loaded
    cluster = engine_of(engine)
    if cluster is not None:
        opened = open_on(cluster, plan, subject)
    elif subject is None:
        opened = open_subject(plan)
    else:
        opened = wrap(subject, options=model_options(plan))
    try:
        with Cache(cache_path()) as cache:
            return Audit(plan, opened, cache, progress or Silent()).run(out)
    finally:
        opened.close()
