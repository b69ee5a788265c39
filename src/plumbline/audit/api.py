"""The verbs in Python; the command line calls these and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.audit.compare import Comparison
from plumbline.audit.compare import compare as compare_runs
from plumbline.audit.correct import Corrected
from plumbline.audit.correct import correct as correct_model
from plumbline.audit.engine import RayEngine
from plumbline.audit.explain import Explained
from plumbline.audit.explain import explain as explain_model
from plumbline.audit.gate import Gate
from plumbline.audit.gate_file import gate_of, read_gate
from plumbline.audit.gate_result import GateResult, held
from plumbline.audit.history import history as all_runs
from plumbline.audit.plan import MARGINS, Plan, read_plan
from plumbline.audit.ranking import Ranking
from plumbline.audit.ranking import rank as rank_runs
from plumbline.audit.run import open_subject, run_plan
from plumbline.audit.runner import Progress
from plumbline.audit.store import Run, load
from plumbline.core.errors import UnknownName

if TYPE_CHECKING:
    from plumbline.audit.leaderboard import Leaderboard


def plan(
    model: Any,
    *,
    file: Path | str | None = None,
    options: Mapping[str, Any] | None = None,
    **given: Any,
) -> Plan:
    """A frozen plan.

    Args:
        model: MODEL form, or a Python object that is audited in place (its type's name is kept).
        file: A TOML plan; arguments given here win.
        options: The model's options (`system`, `chat_template`, `bos`, `dtype`, `device`, ...).
        given: Any field of `plumbline.audit.plan.Plan`.

    Raises:
        UnknownName: An argument that no plan knows, with the nearest ones.
    """
    known = {f.name for f in fields(Plan)}
    for name in given:
        if name not in known:
            raise UnknownName("argument of a plan", name, known)
    given = {name: value for name, value in given.items() if value is not None}
    given["model"] = model if isinstance(model, str) else f"python:{type(model).__name__}"
    if "metrics" in given:
        given["metrics"] = _names(given["metrics"])
    if options:
        given["options"] = dict(options)
    if file is not None:
        return read_plan(Path(file), **given)
    given["margins"] = {**MARGINS, **given.get("margins", {})}
    return Plan(**given)


def _names(metrics: Sequence[str] | str) -> tuple[str, ...]:
    """Ids of methods; one id may stand alone."""
    return (metrics,) if isinstance(metrics, str) else tuple(metrics)


def audit(
    model: Any, *, metrics: Sequence[str] | str = (), suite: str | None = None, out: Path | str | None = None,
    progress: Progress | None = None, engine: RayEngine | str | None = None, **given: Any,
) -> Run:  # fmt: skip
    """Measure a model's biases.

    Args:
        model: MODEL form (`demo`, `hf:...`, `openai:...`, ...), an adapter, a scikit-learn
            estimator or data frame wrapped by `plumbline.models.resolve.wrap`, or a callable.
        metrics: Ids of methods, or one id; empty for the suite's.
        suite: `quick` (default), `standard` or `full`.
        out: Folder in which the run's directory is made; None keeps the run in memory.
        progress: Who watches.
        engine: Where the model answers: `local` (default), `ray`, or a
            `plumbline.audit.engine.RayEngine`; findings do not depend on it.
        given: Further fields of the plan (`seed`, `margins`, `params`, `options`, `file`, ...).

    Returns:
        A `Run`: `print` it, iterate its `findings`, or `run.items("weat")`.
    """
    made = plan(model, metrics=_names(metrics) or None, suite=suite, **given)
    subject = None if isinstance(model, str) else model
    return run_plan(
        made, subject=subject, out=None if out is None else Path(out), progress=progress,
        engine=engine,
    )  # fmt: skip


def load_run(folder: Path | str) -> Run:
    """A stored run."""
    return load(Path(folder))


def compare(
    a: Run | Path | str, b: Run | Path | str, *, seed: int = 0, level: float = 0.95
) -> Comparison:
    """Differences B - A of two stored runs, paired by item; see `plumbline.audit.compare`."""
    runs = [run if isinstance(run, Run) else load_run(run) for run in (a, b)]
    return compare_runs(runs[0], runs[1], seed=seed, level=level)


def gate(
    run: Run | Path | str, rules: Gate | Mapping[str, Any] | Path | str,
    *, baseline: Run | Path | str | None = None,
) -> GateResult:  # fmt: skip
    """Whether a run keeps the rules of a gate; see `plumbline.audit.gate_result.held`.

    Args:
        run: A run, or the directory of a stored one.
        rules: The gate file, its tables as a dict, or a `Gate`.
        baseline: The run that rules on regression compare with.

    Returns:
        A `GateResult`: its `outcome` is `pass`, `fail` or `insufficient`.
    """
    if isinstance(rules, Path | str):
        rules = read_gate(Path(rules))
    elif not isinstance(rules, Gate):
        rules = gate_of(rules)
    before = load_run(baseline) if isinstance(baseline, Path | str) else baseline
    return held(run if isinstance(run, Run) else load_run(run), rules, before)


def rank(runs: Sequence[Run | Path | str], *, seed: int = 0, level: float = 0.95) -> Ranking:
    """Models of several stored runs by their composite index; see `plumbline.audit.ranking`."""
    return rank_runs(
        [run if isinstance(run, Run) else load_run(run) for run in runs], seed=seed, level=level
    )


def leaderboard(
    verdicts: Any, *, own: Mapping[str, Sequence[str]] | None = None,
    columns: Mapping[str, str] | None = None, where: Mapping[str, str] | None = None,
    one_judge: str = "", seed: int = 0, level: float = 0.95,
) -> Leaderboard:  # fmt: skip
    """Systems in the order of recorded verdicts; see `plumbline.audit.leaderboard`.

    Args:
        verdicts: Path of a table (CSV, Parquet), or a data frame, with one row a verdict.
        own: Judge -> systems that are its own or its kin's.
        columns: What the table calls judge, question, first, second and verdict, where not that.
        where: Only rows whose columns have these values.
        one_judge: Only this judge's verdicts.
        seed: Of the draws behind rank intervals.
        level: Of all intervals.
    """
    from plumbline.audit.leaderboard import leaderboard as ranked
    from plumbline.metrics.verdict_table import read
    from plumbline.models.abilities import ModelOptions
    from plumbline.models.corrected_records import recorded
    from plumbline.models.resolve import open_model, wrap

    given = isinstance(verdicts, Path | str)
    subject = open_model(f"table:{verdicts}", ModelOptions()) if given else wrap(verdicts)
    table = read(
        recorded(subject), subject.about(), names=columns, where=where, one_judge=one_judge
    )
    return ranked(table, own=own, seed=seed, level=level)


def correct(
    model: str, *, using: str, out: Path | str, settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None, **given: Any,
) -> Corrected:  # fmt: skip
    """Correct a model, save it below `out`, and audit it before and after.

    Args:
        model: MODEL form.
        using: Id of the correction (`plumbline list corrections`).
        out: Folder of the corrected model; opens as `corrected:OUT`.
        settings: The correction's arguments.
        progress: Who watches.
        given: Fields of the plan of both audits (`params` are the metrics' arguments).
    """
    return correct_model(
        plan(model, **given), using=using, out=Path(out), params=settings, progress=progress
    )


def explain(
    model: Any, *, using: str, out: Path | str | None = None,
    settings: Mapping[str, Any] | None = None, **given: Any,
) -> Explained:  # fmt: skip
    """Show what in a model makes it lean.

    Args:
        model: MODEL form, or an opened adapter.
        using: Id of the explainer (`plumbline list explainers`).
        out: Folder in which the explanation's own directory is made; None keeps it in memory.
        settings: The explainer's arguments.
        given: Fields of the plan: `options` of the model, `seed`, `suite`.

    Returns:
        An `Explained`: `print` it, or read its `array`, `arrays`, `findings` and `facts`.
    """
    return explain_model(
        plan(model, **given), using=using, params=settings, out=None if out is None else Path(out),
        subject=None if isinstance(model, str) else model,
    )  # fmt: skip


def history(
    model: str | None = None, *, folder: Path | str = "plumbline-runs"
) -> list[dict[str, Any]]:
    """One row a stored run below `folder`, oldest first, with its index and verdict counts."""
    return all_runs(Path(folder), model=model)


def calibrate(metric: str, **options: Any) -> dict[str, Any]:
    """A fresh certificate of a method; see `plumbline.audit.calibrate.calibrate`."""
    from plumbline.audit.calibrate import calibrate as run_calibration

    return run_calibration(metric, **options)


def estimate(model: str, **given: Any) -> dict[str, Any]:
    """What an audit would take, before anything is asked; see `plumbline.audit.estimate`."""
    from plumbline.audit.estimate import estimate as before_asking

    made = plan(model, **given)
    subject = open_subject(made)
    try:
        return before_asking(made, subject)
    finally:
        subject.close()
