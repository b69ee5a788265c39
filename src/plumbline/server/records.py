"""What a stored run must hold before a page reads it: a damaged one is told, never half shown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from plumbline.core.errors import StoreError
from plumbline.core.json_text import parse

MOST_SAID = 3  # faults of one record that a reason names


def _not_nan(value: float) -> float:
    if math.isnan(value):
        raise ValueError("NaN is not a number")
    return value


Number = Annotated[float, AfterValidator(_not_nan)]
Labels = dict[str, str]


class _Record(BaseModel):
    """Types as they are written: a number in quotes is a fault, more fields are not."""

    model_config = ConfigDict(strict=True, extra="allow")


class Subject(_Record):
    """The model that was asked."""

    model: str
    name: str
    fingerprint: str
    about: dict[str, Any] = {}


class PlanRecord(_Record):
    """The plan, as far as pages read it."""

    metrics: list[str]
    suite: str
    level: Annotated[float, Field(gt=0, lt=1)]
    alpha: Annotated[float, Field(gt=0, lt=1)]


class Component(_Record):
    """One finding's part of the index."""

    metric: str
    labels: Labels
    component: Number


class Index(_Record):
    """The composite index: a value with its band, or a reason."""

    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    reason: str = ""
    weights_band: tuple[Number, Number] | list[Number] | None = None
    expected_without_lean: Number | None = None
    dimensions: dict[str, Number] = {}
    components: list[Component] = []


class NullRecord(_Record):
    """What no lean would be."""

    kind: Literal["exchangeable", "point", "none"]
    value: Number = 0.0
    labels: str = "group"
    unit: str = ""
    within: str = ""
    says: str = ""


class MeasureRecord(_Record):
    """One statistic that was inferred, as a comparison infers it again."""

    estimator: str
    bounds: list[Number | None] | None = None
    role: Literal["primary", "secondary", "group", "reference"]
    labels: Labels
    where: dict[str, Any]
    groups: list[str]
    options: dict[str, Any]
    again: bool = True
    unit: str | None
    null: NullRecord | None
    sign: str | None
    worse: str | None
    estimand: str | None


class Tally(_Record):
    """How much one addressee was asked."""

    wanted: int
    unique: int
    from_cache: int
    asked: int
    seconds: Number


class Header(_Record):
    """`run.json`."""

    plumbline: str
    plan: PlanRecord
    plan_hash: str
    seed: int
    subject: Subject
    started: str
    index: Index | None = None
    notes: dict[str, list[str]] = {}
    measures: dict[str, list[MeasureRecord]] = {}
    questions: dict[str, Tally] = {}


class FindingRecord(_Record):
    """One row of `findings.parquet`."""

    metric: str
    labels: Labels
    role: Literal["primary", "secondary", "group", "reference"]
    status: Literal["estimate", "undefined", "not_applicable"]
    value: Number | None
    low: Number | None
    high: Number | None
    level: Number | None
    n: int | None
    units: int | None
    unit: str
    estimand: str
    null: Number | None
    sign: str
    worse: str
    p: Number | None
    p_adjusted: Number | None
    expected_under_null: Number | None
    verdict: Literal["leans", "within the margin", "insufficient evidence"] | None
    margin: Number | None
    reason: str | None
    paper: str
    trust: str
    family: str
    test: str | None
    interval: str | None
    certificate: str
    notes: list[str]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """An estimate without its numbers is a fault, and so is a verdict without a null."""
        if self.status == "estimate" and None in (self.value, self.low, self.high, self.level):
            raise ValueError("an estimate has no value or no interval")
        if self.verdict is not None and self.null is None:
            raise ValueError("a verdict has no null value")
        return self


def read_header(path: Path) -> dict[str, Any]:
    """The header of a run, checked.

    Raises:
        StoreError: The file cannot be read, is not JSON, or lacks what a page needs.
    """
    try:
        found = parse(path.read_bytes())
        Header.model_validate(found)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path.parent.name}/{path.name} is damaged: {_said(error)}") from error
    checked: dict[str, Any] = found
    return checked


def check_findings(rows: object, name: str) -> None:
    """Findings of a run, checked.

    Raises:
        StoreError: A row lacks a field or has one of another type.
    """
    for i, row in enumerate(rows if isinstance(rows, list) else [rows]):
        try:
            FindingRecord.model_validate(row)
        except ValidationError as error:
            raise StoreError(f"finding {i + 1} of {name} is damaged: {_said(error)}") from error


def _said(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, f['loc'])) or 'record'}: {f['msg']}" for f in faults[:MOST_SAID]]
    more = f"; and {len(faults) - MOST_SAID} more" if len(faults) > MOST_SAID else ""
    return "; ".join(told) + more
