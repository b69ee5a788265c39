"""A model's gap as an assertion: within a stated margin, or the reason why not."""

from __future__ import annotations

import unittest
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Literal

from plumbline.core.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from plumbline.audit.store import Run

Insufficient = Literal["fail", "skip", "pass"]
INSUFFICIENT: Final = ("fail", "skip", "pass")


class GapShown(AssertionError):
    """A gap larger than the margin is shown; the message holds the finding and the worst items."""


class InsufficientEvidence(AssertionError):
    """Neither a gap above the margin nor one within it is shown, or there is no number.

    The message says about how many more items would settle it, where that can be told.
    """


def assert_no_gap(
    model: Any, *, metrics: Sequence[str] | str, margin: float | None = None,
    labels: Mapping[str, str] | None = None, insufficient: Insufficient = "fail",
    out: Path | str | None = None, **plan: Any,
) -> Run:  # fmt: skip
    """Assert that every primary finding of these metrics lies within the margin of its null.

    It passes if the whole interval does, so a model whose true gap is the margin passes in at most
    (1 - level) / 2 of all audits, 2.5 % as a rule. An interval that straddles the margin is
    insufficient evidence, never a pass unless that is asked for.

    Args:
        model: A MODEL form, an object that `plumbline.audit` takes, or a `Run`.
        metrics: Ids of methods; each must have a finding.
        margin: Largest gap that is allowed, in the finding's unit; None for the plan's margins.
        labels: Only findings with these labels; `*` stands for any text.
        insufficient: What insufficient evidence does: `fail` raises `InsufficientEvidence`, `skip`
            raises `unittest.SkipTest`, which pytest and unittest read as a skipped test, `pass` nothing.
        out: Folder in which the run is stored; None keeps it only as long as it is looked at.
        plan: Further fields of the plan (`suite`, `seed`, `params`, `options`, ...).

    Returns:
        The run.

    Raises:
        GapShown: The whole interval of a finding lies beyond the margin.
        InsufficientEvidence: See `insufficient`.
        BadInput: A plan for a run that was made already, no metric, or a margin that is not above 0.
    """
    from plumbline.audit import api
    from plumbline.audit.store import Run

    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    if isinstance(model, Run):
        already_made({**plan, **({} if out is None else {"out": out})})
        check_no_gap(model, names, margin=margin, labels=labels, insufficient=insufficient)
        return model
    stated(names, margin, insufficient)
    with TemporaryDirectory() as folder:
        run = api.audit(model, metrics=names, out=folder if out is None else out, **plan)
        check_no_gap(run, names, margin=margin, labels=labels, insufficient=insufficient)
    return run if out is not None else Run(run.header, run.findings, facts=run.facts)


def already_made(plan: Mapping[str, Any]) -> None:
    """Check that nothing is asked of a run that only its plan could have changed.

    Raises:
        BadInput: Something is.
    """
    if plan:
        given = ", ".join(sorted(plan))
        raise BadInput(f"a run was made by its own plan; it cannot be given {given} any more")


def check_no_gap(
    run: Run, metrics: Sequence[str], *, margin: float | None = None,
    labels: Mapping[str, str] | None = None, insufficient: Insufficient = "fail",
) -> None:  # fmt: skip
    """`assert_no_gap` on a run that is there; raises what that raises."""
    stated(metrics, margin, insufficient)
    outcome, message = gap_outcome(run, metrics, margin=margin, labels=labels)
    if outcome == "fail":
        raise GapShown(message)
    if outcome == "insufficient" and insufficient == "skip":
        raise unittest.SkipTest(message)
    if outcome == "insufficient" and insufficient == "fail":
        raise InsufficientEvidence(message)


def gap_outcome(
    run: Run, metrics: Sequence[str], *, margin: float | None = None,
    labels: Mapping[str, str] | None = None,
) -> tuple[str, str]:  # fmt: skip
    """(`pass`, `fail` or `insufficient`; what a reader should be told, or "" for a pass)."""
    from plumbline.audit.gate import Gate, Rule, Size
    from plumbline.audit.gate_result import held

    size = Size(margins=1.0) if margin is None else Size(units=margin)
    rules = tuple(Rule(metric=m, labels=dict(labels or {}), distance=size) for m in metrics)
    gate = Gate(rules=rules, alpha=1 - run.header["plan"]["level"], name="assert_no_gap")
    result = held(run, gate)
    if result.outcome == "pass":
        return result.outcome, ""
    # How a finding is told is the business of the layer above, which is found by name.
    message: str = import_module("plumbline.report.gap").message(run, result)
    return result.outcome, message


def stated(metrics: Sequence[str], margin: float | None, insufficient: str) -> None:
    """Check the arguments that say what is asserted.

    Raises:
        BadInput: No metric, or a margin that is not above 0.
        UnknownName: No such way to treat insufficient evidence.
    """
    if not metrics:
        raise BadInput("assert_no_gap wants the ids of metrics; see `plumbline list`")
    if margin is not None and not margin > 0:
        raise BadInput(f"the margin must be above 0; got {margin}")
    if insufficient not in INSUFFICIENT:
        raise UnknownName("value of `insufficient`", insufficient, INSUFFICIENT)
