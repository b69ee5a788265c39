"""Which column of a table is the label, the prediction, the score, a group, the weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plumbline.core.errors import BadInput

SETTINGS: Final[dict[str, Any]] = {
    "label": "",
    "prediction": "",
    "score": "",
    "scores": None,
    "groups": None,
    "weight": "",
    "missing": "refuse",
}
"""Settings of recorded subjects in `ModelOptions.extra`: column names (`none`: the table has no
such column, whatever the names look like); `scores` maps classes to
columns; `missing` is `refuse` (but for a judge's verdicts, `GAPS`), `drop` (rows without label, prediction, score or weight) or `keep` (labels
and predictions stay missing, which statistics count)."""
_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "label": ("label", "y_true", "target", "truth", "ground_truth", "actual", "outcome", "gold", "y"),
    "prediction": ("prediction", "y_pred", "predicted", "pred", "decision", "verdict", "rating"),
    "score": ("score", "y_score", "probability", "proba", "prob", "risk_score"),
    "weight": ("weight", "sample_weight"),
}  # fmt: skip
_GROUPS: Final = (
    "group", "gender", "sex", "race", "ethnicity", "race_ethnicity", "age_group", "age_cat",
    "religion", "nationality", "disability", "sexual_orientation", "marital_status", "language",
    "dialect", "judge", "evaluator", "reviewer",
)  # fmt: skip
GAPS: Final = ("verdict",)
"""Predictions that may be missing whatever the setting says: that a judge gave no verdict is a result."""
_CLASS: Final = ("score:", "proba_", "prob_", "score_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Column names by role; "" and () where the table has none.

    Attributes:
        label, prediction, score, weight: One column each.
        scores: (class, column) pairs, where each class has a score of its own.
        groups: Columns whose values are group labels.
    """

    label: str = ""
    prediction: str = ""
    score: str = ""
    scores: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    weight: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that has a role."""
        single = (self.label, self.prediction, self.score, self.weight)
        return (*(c for c in single if c), *(c for _, c in self.scores), *self.groups)


def find_roles(columns: Sequence[str], given: Mapping[str, Any], where: str) -> Roles:
    """Roles as given, else by the columns' names.

    Args:
        columns: The table's column names.
        given: `SETTINGS`.
        where: What to call the table in messages.

    Raises:
        BadInput: A named column is not there; no label, prediction or score; no group.
    """
    single = {
        role: _named(given[role], role, known, columns, where) for role, known in _KNOWN.items()
    }
    scores = dict(given["scores"] or {})
    if not scores and not single["score"]:
        scores = _class_scores(columns)
    groups = given["groups"]
    if groups is None:
        groups = [c for c in columns if c.lower() in _GROUPS or c.lower().startswith("group:")]
    roles = Roles(
        **single,
        scores=tuple((str(label), str(column)) for label, column in scores.items()),
        groups=(groups,) if isinstance(groups, str) else tuple(groups),
    )
    _check(roles, columns, where)
    return roles


def group_key(column: str) -> str:
    """The key of a group column in `Records`: `group:sex`."""
    return column if column.startswith("group:") else f"group:{column}"


def _named(given: str, role: str, known: Sequence[str], columns: Sequence[str], where: str) -> str:
    """The column that was given, else the one that a common name tells."""
    if given:
        return "" if given == "none" else given
    found = [c for name in known for c in columns if c.lower() == name]
    if len(found) > 1:
        raise BadInput(
            f"{where}: several columns could be the {role}: {', '.join(found)}; name one with the "
            f"setting {role!r}"
        )
    return found[0] if found else ""


def _class_scores(columns: Sequence[str]) -> dict[str, str]:
    for start in _CLASS:
        found = {c[len(start) :]: c for c in columns if c.lower().startswith(start)}
        if len(found) > 1:
            return found
    return {}


def _check(roles: Roles, columns: Sequence[str], where: str) -> None:
    absent = [c for c in roles.named if c not in columns]
    came = f"{where} has the columns {', '.join(columns) or 'none'}"
    if absent:
        raise BadInput(f"{came}; wanted {', '.join(absent)}")
    if not (roles.label or roles.prediction or roles.score or roles.scores):
        raise BadInput(
            f"{came}; wanted is a label, a prediction or a score. Name them with the settings "
            "label, prediction, score"
        )
    if not roles.groups:
        raise BadInput(
            f"{came}; none is known as a group. Name the group columns with the setting groups"
        )
    double = [c for c in roles.named if f"{c} (2)" in columns]
    if double:
        raise BadInput(
            f"{where} has several columns called {double[0]!r}; give them names of their own"
        )
    twice = {c for c in roles.named if roles.named.count(c) > 1}
    if twice:
        raise BadInput(f"{where}: {', '.join(sorted(twice))} cannot have two roles")
