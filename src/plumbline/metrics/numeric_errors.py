"""Errors of repeated numeric answers: log ratios, relative and absolute errors, a line on the truth.

All numbers are distances from the quantity's zero (kelvin where degrees Celsius were asked), so
that ratios mean something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.stats.self_consistency import self_consistency

Floats = NDArray[np.float64]
NEAR: Final = "the target is near zero"
SIGN: Final = "answer and truth have no common sign: no ratio"
NO_PAIR: Final = "one of the two conditions has no number"
ASKED, GROUNDED = "asked", "grounded"
CONDITIONS: Final = (ASKED, GROUNDED)


@dataclass(frozen=True)
class Recalled:
    """Answers of one model.

    Attributes:
        question: Names, shape (Q,).
        quantity: What each question is about, shape (Q,).
        truth: The looked-up numbers, shape (Q,).
        values: Answers by condition, question and draw, shape (C, Q, N); NaN where `why` says why.
        why: "" or why there is no number, same shape.
    """

    question: NDArray[Any]
    quantity: NDArray[Any]
    truth: Floats
    values: Floats
    why: NDArray[Any]

    @property
    def typical(self) -> Floats:
        """Median distance from zero of each question's quantity, shape (Q,)."""
        found = np.empty(self.truth.size)
        for name in np.unique(self.quantity.astype(str)):
            here = self.quantity == name
            found[here] = np.median(np.abs(self.truth[here]))
        return found


def log_ratios(values: Floats, truth: Floats) -> Floats:
    """log(answer / truth); NaN where the two have no common sign."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = values / truth
        return np.where((ratio > 0) & np.isfinite(ratio), np.log(np.maximum(ratio, 1e-300)), np.nan)


def relative_errors(values: Floats, truth: Floats) -> Floats:
    """|answer - truth| / |truth| (times 100 and averaged: MAPE)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(values - truth) / np.abs(truth))


def line(values: Floats, truth: Floats) -> tuple[float, float]:
    """Least-squares slope and intercept of answers on truths; NaN where the truths are all equal."""
    there = np.isfinite(values)
    x, y = np.broadcast_to(truth, values.shape)[there], values[there]
    if x.size < 2 or np.ptp(x) == 0:
        return float("nan"), float("nan")
    centred = x - x.mean()
    slope = float((centred * y).sum() / (centred**2).sum())
    return slope, float(y.mean() - slope * x.mean())


def items_of(got: Recalled, *, near_zero: float) -> Items:
    """All parts as one table; every question has weight 1 in every part and condition.

    Parts: `ratio`, `relative`, `scaled` and `read` (a row an answer), `scor` and `scale free` (a row a
    question), `paired` (a row a question: mean |log ratio| grounded minus asked).
    """
    c, q, n = got.values.shape
    truth, typical = got.truth[None, :, None], got.typical[None, :, None]
    close = np.broadcast_to(np.abs(truth) < near_zero * typical, got.values.shape)
    ratio, relative = log_ratios(got.values, truth), 100 * relative_errors(got.values, truth)
    far = np.where((got.why == "") & close, NEAR, got.why).astype(object)
    parts = {
        "ratio": (ratio, np.where((far == "") & np.isnan(ratio), SIGN, far)),
        "relative": (relative, far),
        "scaled": (got.values / np.where(typical > 0, typical, 1.0), got.why),
        "read": ((got.why == "").astype(float), np.full(got.why.shape, "", dtype=object)),
    }
    tables = [_answers(got, name, score, why) for name, (score, why) in parts.items()]
    same = self_consistency(got.values.reshape(c * q, n))
    lost = np.where(np.isnan(same.scale_free), "the median answer is 0", "").astype(object)
    where = (np.repeat(CONDITIONS[:c], q), np.tile(np.arange(q), c))
    tables += [
        _questions(got, "scor", where, same.scor, np.full(c * q, "", dtype=object)),
        _questions(got, "scale free", where, same.scale_free, lost),
    ]
    if c > 1:
        pairs, why = paired(ratio)
        tables.append(_questions(got, "paired", (np.full(q, "both"), np.arange(q)), pairs, why))
    return Items.of(**{k: np.concatenate([t[k] for t in tables]) for k in tables[0]})


def paired(ratio: Floats) -> tuple[Floats, NDArray[Any]]:
    """Mean |log ratio| grounded minus asked of each question, and why there is none."""
    size = np.abs(ratio)
    count = np.isfinite(size).sum(axis=2)
    means = np.nansum(size, axis=2) / np.maximum(count, 1)
    both = (count > 0).all(axis=0)
    return np.where(both, means[1] - means[0], np.nan), np.where(both, "", NO_PAIR).astype(object)


def _answers(got: Recalled, part: str, score: Floats, why: NDArray[Any]) -> dict[str, Any]:
    c, q, n = got.values.shape
    condition, question, draw = (a.ravel() for a in np.indices((c, q, n)))
    count = (why == "").sum(axis=2, keepdims=True)
    return {
        **_questions(got, part, (np.array(CONDITIONS)[condition], question), score.ravel(), why.ravel()),
        "weight": np.broadcast_to(1 / np.maximum(count, 1), got.values.shape).ravel(),
        "draw": draw, "answer": np.arange(c * q * n),
    }  # fmt: skip


def _questions(
    got: Recalled, part: str, where: tuple[Any, Any], score: Floats, why: NDArray[Any]
) -> dict[str, Any]:
    condition, question = where
    size = len(question)
    return {
        "item": got.question[question], "question": got.question[question],
        "quantity": got.quantity[question], "truth": (got.truth / got.typical)[question],
        "part": np.full(size, part, dtype=object), "condition": np.asarray(condition, dtype=object),
        "score": score, "why": why, "weight": np.ones(size), "draw": np.full(size, -1), "answer": np.full(size, -1),
    }  # fmt: skip


def by_quantity(got: Recalled, units: dict[str, str]) -> dict[str, Any]:
    """MAE, MAPE, slope and intercept of each quantity and condition, with how many were read."""
    found: dict[str, Any] = {}
    for name in sorted(set(got.quantity.tolist())):
        here = got.quantity == name
        truth = got.truth[here][:, None]
        for k in range(got.values.shape[0]):
            values = got.values[k][here]
            there = np.isfinite(values)
            row: dict[str, Any] = {"answers": int(values.size), "read": int(there.sum())}
            if there.any():
                slope, intercept = line(values, truth)
                row |= {
                    f"MAE, {units[name]}": float(np.abs(values - truth)[there].mean()),
                    "slope": slope if np.isfinite(slope) else "not defined: all truths are equal",
                    "intercept": intercept if np.isfinite(intercept) else "not defined",
                }
            found[f"{name}, {CONDITIONS[k]}"] = row
    return found
