"""Do models rank otherwise on a part of a question set than on the whole, beyond chance?

Singh et al., "Global MMLU", arXiv:2412.03304, compare ranks on culturally sensitive questions with
ranks on all annotated ones. A part is smaller than the whole, so ranks move by chance: the shift
is held against random parts of the same size (of the same subjects, where they are given).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from plumbline.core.errors import BadInput
from plumbline.data.tables import numbers, read_table
from plumbline.data.tagged_questions import SENSITIVE
from plumbline.stats.bootstrap import cluster_weights, percentile_interval
from plumbline.stats.design import codes_of
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_TIE: Final = 1e-12


def ranks(accuracy: ArrayLike) -> Floats:
    """Ranks of models along the last axis, 1 is best, equal accuracies share their mean rank."""
    values = np.asarray(accuracy, float)
    return np.asarray(rankdata(-np.round(values, 12), axis=-1))


def shift(first: ArrayLike, second: ArrayLike) -> Floats:
    """Mean over models of the absolute difference of two rankings; shape (...) from (..., models)."""
    return np.asarray(np.abs(ranks(first) - ranks(second)).mean(axis=-1))


def tau_b(first: ArrayLike, second: ArrayLike) -> Floats:
    """Kendall's tau-b of two sets of accuracies, along the last axis; NaN where one is constant."""
    x, y = (np.asarray(v, float) for v in (first, second))
    a, b = (np.sign(np.round(v[..., :, None] - v[..., None, :], 12)) for v in (x, y))
    norm = np.sqrt((a * a).sum(axis=(-1, -2)) * (b * b).sum(axis=(-1, -2)))
    return np.asarray(np.where(norm > 0, (a * b).sum(axis=(-1, -2)) / np.where(norm > 0, norm, 1), np.nan))  # fmt: skip


@dataclass(frozen=True, slots=True)
class RankShift:
    """How ranks on a part of the questions differ from those on all.

    Attributes:
        models: Names, in the order of the arrays.
        part, whole: Accuracy on the part and on all questions.
        by_model: Rank on the part minus rank on all (above 0: worse on the part).
        value: Mean absolute shift.
        changes: Models whose rank differs.
        tau: Kendall's tau-b of both rankings, with its bootstrap interval over questions.
        expected: Mean shift of random parts of the same size.
        band: Largest shift that 95 % of them keep to (at level .95).
        p: Share of random parts that shift at least as much.
        draws: Random parts drawn.
    """

    models: tuple[str, ...]
    part: Floats
    whole: Floats
    by_model: Floats
    value: float
    changes: int
    tau: tuple[float, float, float]
    expected: float
    band: float
    p: float
    draws: int


def rank_shift(
    right: ArrayLike, part: ArrayLike, *, models: Sequence[str] = (),
    subjects: Sequence[str] | None = None, level: float = 0.95, draws: int = 1999, seed: int = 0,
) -> RankShift:  # fmt: skip
    """The shift of ranks from all questions to a part of them, against random parts.

    Args:
        right: (models, questions) 1 where a model is right, else 0.
        part: (questions,) True for the questions of the part.
        models: Names of the models.
        subjects: Subject of each question: random parts then hold as many of each as the part.
        level: Level of the band and of tau's interval.
        draws: Random parts, and bootstrap samples.
        seed: Of the random stream.

    Raises:
        BadInput: Fewer than two models, missing answers, or a part that is empty or everything.
    """
    table, inside = np.asarray(right, float), np.asarray(part, bool)
    _check(table, inside)
    rng = np.random.default_rng(seed)
    whole = table.mean(axis=1)
    own = table[:, inside].mean(axis=1)
    value = float(shift(own, whole))
    chosen = _parts(inside, subjects, rng, draws)
    # (draws, questions) @ (questions, models)
    null = shift(chosen @ table.T / inside.sum(), whole[None, :])
    by_model = ranks(own) - ranks(whole)
    return RankShift(
        models=tuple(models) or tuple(str(m) for m in range(len(table))), part=own, whole=whole,
        by_model=by_model, value=value, changes=int((np.abs(by_model) > _TIE).sum()),
        tau=_tau(table, inside, rng, draws=draws, level=level), expected=float(null.mean()),
        band=float(np.quantile(null, level, method="higher")),
        p=float((1 + (null >= value - _TIE).sum()) / (1 + draws)), draws=draws,
    )  # fmt: skip


def _check(table: Floats, inside: Bools) -> None:
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] != inside.size:
        raise BadInput(
            f"wanted (models, questions) with two models or more and {inside.size} questions; got "
            f"{table.shape}"
        )
    if not np.isin(table, (0.0, 1.0)).all():
        raise BadInput(
            "answers are 1 (right) or 0 (wrong); compare models on questions all answered"
        )
    if not inside.any() or inside.all():
        raise BadInput(
            f"the part holds {int(inside.sum())} of {inside.size} questions; wanted some"
        )


def _parts(
    inside: Bools, subjects: Sequence[str] | None, rng: np.random.Generator, draws: int
) -> Floats:
    """Random parts with as many questions (of each subject) as the part; (draws, questions) of 0, 1."""
    code = (
        np.zeros(inside.size, np.int64) if subjects is None else codes_of(np.asarray(subjects))[0]
    )
    # Within its subject a question's place in a random order decides whether it is taken.
    key = rng.random((draws, inside.size))
    taken = np.zeros((draws, inside.size))
    for subject in range(int(code.max()) + 1):
        here = np.flatnonzero(code == subject)
        size = int(inside[here].sum())
        if size:
            first = np.argpartition(key[:, here], size - 1, axis=1)[:, :size]
            taken[np.arange(draws)[:, None], here[first]] = 1.0
    return taken


def _tau(
    table: Floats, inside: Bools, rng: np.random.Generator, *, draws: int, level: float
) -> tuple[float, float, float]:
    """tau-b with a percentile interval; questions inside and outside the part resampled apart."""
    value = float(tau_b(table[:, inside].mean(axis=1), table.mean(axis=1)))
    share = inside.mean()
    own = cluster_weights(rng, int(inside.sum()), draws) @ table[:, inside].T / inside.sum()
    rest = cluster_weights(rng, int((~inside).sum()), draws) @ table[:, ~inside].T / (~inside).sum()
    moved = tau_b(own, share * own + (1 - share) * rest)
    known = moved[np.isfinite(moved)]
    if known.size < 2:  # the part ties all models in (nearly) every resample
        return value, np.nan, np.nan
    try:
        low, high = percentile_interval(known, level=level)
    except UndefinedStatistic:
        low, high = (float(known[0]),) * 2
    return value, low, high


@dataclass(frozen=True, slots=True)
class Results:
    """Answers of several models to the same questions."""

    models: tuple[str, ...]
    questions: tuple[str, ...]
    right: Floats
    tags: tuple[str, ...]
    subjects: tuple[str, ...]

    def shift(self, tag: str = SENSITIVE, *, by_subject: bool = True, **settings: Any) -> RankShift:
        """`rank_shift` of the questions with this tag."""
        inside = np.array([t == tag for t in self.tags])
        subjects = self.subjects if by_subject else None
        return rank_shift(self.right, inside, models=self.models, subjects=subjects, **settings)


def results_of(items: Mapping[str, Mapping[str, Any]]) -> Results:
    """From stored runs of `culture_gap`: `{name: run.items("culture_gap") for ...}`.

    Only questions that every model answered count; which they are is in `questions`.

    Raises:
        BadInput: Fewer than two models, or no question that all answered.
    """
    rows: dict[str, dict[str, tuple[float, str, str]]] = {}
    for name, columns in items.items():
        kept = zip(*(columns[c] for c in ("item", "score", "group", "subject", "why")), strict=True)
        rows[name] = {str(i): (float(s), str(g), str(u)) for i, s, g, u, why in kept if not why}
    return _results(rows)


def read_results(path: str | Path) -> Results:
    """From a table with the columns `model`, `item`, `correct` (0 or 1), `tag`, and maybe `subject`."""
    table = read_table(path, columns=("model", "item", "correct", "tag"))
    right = numbers(table["correct"], f"{path}, column 'correct'")
    subject = table.get("subject") or ["all"] * len(right)
    rows: dict[str, dict[str, tuple[float, str, str]]] = {}
    for i, (model, item) in enumerate(zip(table["model"], table["item"], strict=True)):
        rows.setdefault(str(model), {})[str(item)] = (
            right[i],
            str(table["tag"][i]),
            str(subject[i]),
        )
    return _results(rows)


def _results(rows: Mapping[str, Mapping[str, tuple[float, str, str]]]) -> Results:
    if len(rows) < 2:
        raise BadInput(f"{len(rows)} model; ranks need two or more")
    first = next(iter(rows.values()))
    shared = [item for item in first if all(item in other for other in rows.values())]
    if not shared:
        raise BadInput(f"no question was answered by all of {', '.join(rows)}")
    right = np.array([[own[item][0] for item in shared] for own in rows.values()])
    return Results(
        tuple(rows), tuple(shared), right, tuple(first[i][1] for i in shared),
        tuple(first[i][2] for i in shared),
    )  # fmt: skip


def language_spread(
    accuracy: Mapping[str, float], tiers: Mapping[str, str]
) -> dict[str, float | None]:
    """Standard deviation of accuracy over the languages of each tier (n - 1); None for one language."""
    by: dict[str, list[float]] = {}
    for language, value in accuracy.items():
        by.setdefault(tiers.get(language, "not stated"), []).append(value)
    return {t: float(np.std(v, ddof=1)) if len(v) > 1 else None for t, v in sorted(by.items())}
