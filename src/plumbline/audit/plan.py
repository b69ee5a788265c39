"""The plan: frozen, hashed, and the only place where options live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from plumbline.audit.toml_file import read_toml
from plumbline.core.card import SUITES
from plumbline.core.errors import BadInput, UnknownName

# What counts as small, by unit: the margins of the equivalence verdict. They are conventions of
# this project, stated so that they can be disputed; a plan file states its own.
MARGINS: Mapping[str, float] = MappingProxyType(
    {
        "rate": 0.05,
        "percent": 5.0,
        "nats": 0.10,
        "nats per percentage point": 0.002,
        "cohen_d": 0.20,
        "sentiment": 0.05,
        "probability": 0.05,
        "score": 0.10,
        "bbq_score": 0.05,
        "correlation": 0.10,
        "ratio": 0.10,
    }
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to ask of which model, and how to judge it.

    Attributes:
        model: MODEL form, see `plumbline audit --help`.
        suite: `quick`, `standard` or `full`; ignored where `metrics` names methods.
        metrics: Ids of methods, or empty for the suite's.
        seed: Seed of all named random streams.
        level: Confidence level of intervals.
        alpha: Level of tests and verdicts.
        margins: Smallest difference that matters, by unit.
        params: Arguments of single methods: id -> name -> value.
        options: The model's options (system prompt, template, dtype, ...).
        max_requests: Most new questions to put to the subject, or None.
        correction: `bh` for reports, `holm` for gates.
    """

    model: str
    suite: str = "quick"
    metrics: tuple[str, ...] = ()
    seed: int = 0
    level: float = 0.95
    alpha: float = 0.05
    margins: Mapping[str, float] = field(default_factory=lambda: dict(MARGINS))
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    max_requests: int | None = None
    correction: str = "bh"

    def __post_init__(self) -> None:
        _check_types(self)
        if self.suite not in SUITES:
            raise UnknownName("suite", self.suite, SUITES)
        if not (0 < self.level < 1 and 0 < self.alpha < 1):
            raise BadInput(
                f"level and alpha lie between 0 and 1; got {self.level} and {self.alpha}"
            )
        if self.correction not in {"bh", "holm"}:
            raise BadInput(f"correction is 'bh' or 'holm'; got {self.correction!r}")
        if self.max_requests is not None and self.max_requests < 1:
            raise BadInput(f"max_requests is a positive number; got {self.max_requests}")
        for unit, margin in self.margins.items():
            if not margin > 0:
                raise BadInput(f"the margin of {unit!r} must be above 0; got {margin}")

    def as_dict(self) -> dict[str, Any]:
        """JSON-able fields."""
        return json.loads(json.dumps(asdict(self), default=list))  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """Hash of everything that can change a finding (the request budget cannot)."""
        given = self.as_dict()
        given.pop("max_requests")
        text = json.dumps(given, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def but(self, **changes: Any) -> Plan:
        """The plan with some fields changed."""
        return replace(self, **changes)


def _check_types(plan: Plan) -> None:
    """Fields have the types that a TOML file or a caller can get wrong; one message says which does not."""
    extra = plan.options.get("extra", {}) if isinstance(plan.options, Mapping) else {}
    tables = {
        "margins": plan.margins,
        "params": plan.params,
        "options": plan.options,
        "options.extra": extra,
    }
    if isinstance(plan.params, Mapping):
        tables |= {f"params.{name}": given for name, given in plan.params.items()}
    for name, value in tables.items():
        if not isinstance(value, Mapping):
            raise BadInput(f"{name} wants a table of names and values; got {value!r}")
    numbers = {"level": plan.level, "alpha": plan.alpha, "seed": plan.seed} | {
        f"the margin of {unit!r}": margin for unit, margin in plan.margins.items()
    }
    for name, value in numbers.items():
        whole = name == "seed"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise BadInput(f"{name} wants a {'whole ' if whole else ''}number; got {value!r:.200}")


def read_plan(path: Path, **overrides: Any) -> Plan:
    """A plan from a TOML file; arguments given here win.

    Raises:
        BadInput: The file is missing, not TOML, or has a key that no plan knows.
    """
    given = read_toml(path, "plan file")
    known = {f.name for f in fields(Plan)}
    for key in given:
        if key not in known:
            raise UnknownName(f"key in plan file {path}", key, known)
    metrics, margins = given.get("metrics", []), given.get("margins", {})
    if not isinstance(metrics, list):
        raise BadInput(
            f'the plan file {path}: metrics wants a list, such as ["weat"]; got {metrics!r}'
        )
    if not isinstance(margins, dict):
        raise BadInput(f"the plan file {path}: margins wants a table [margins]; got {margins!r}")
    given |= {"metrics": tuple(metrics), "margins": {**MARGINS, **margins}}
    given |= {name: value for name, value in overrides.items() if value is not None}
    if "model" not in given:
        raise BadInput(
            f"the plan file {path} names no model, and none was given on the command line"
        )
    try:
        return Plan(**given)
    except TypeError as error:
        raise BadInput(f"the plan file {path}: {error}") from error
