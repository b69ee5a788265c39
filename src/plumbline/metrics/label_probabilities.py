"""Probabilities over the labels of a classification: read from choices, and what is made of their means.

The columns `p0`, `p1`, ... of the items hold one label's probability each; the option `labels` of a measure says
how many of them its task has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Choices
from plumbline.core.scored import Items
from plumbline.models.choose_derived import TIE
from plumbline.stats.estimators import Estimator, item_weights
from plumbline.stats.label_prior import Floats, from_uniform, normalised, total_variation

Ints = NDArray[np.int64]


def has_scores(answers: Sequence[Choices]) -> bool:
    """Whether every answered row has the options' scores, so that there are probabilities."""
    return all(
        values.size > 0
        for part in answers
        for values, status in zip(part.scores, part.status, strict=True)
        if status in {"", TIE}
    )


def probabilities(answers: Choices, labels: int, *, scores: bool) -> tuple[Floats, NDArray[Any]]:
    """Each row's probabilities over the labels, and why it has none.

    Args:
        answers: Choices among the labels.
        labels: How many labels there are.
        scores: True for the options' scores, normalised (a tie at the top has scores too); False for
            the choice itself, 1 for the label that was taken and 0 for the others.

    Returns:
        Shape (rows, labels), NaN where there is none; and the reasons, "" where there is.
    """
    found = np.full((len(answers), labels), np.nan)
    why = np.array(answers.status, dtype=object)
    for row, status in enumerate(answers.status):
        if scores and status in {"", TIE}:
            found[row] = np.exp(normalised(answers.scores[row]))
            why[row] = ""
        elif not scores and not status:
            found[row] = np.eye(labels)[answers.chosen[row]]
    return found, why


def columns(found: Floats, width: int) -> dict[str, Floats]:
    """`p0` to `p{width-1}`; labels that the task lacks have probability 0."""
    filled = np.zeros((len(found), width))
    filled[:, : found.shape[1]] = found
    return {f"p{label}": filled[:, label] for label in range(width)}


def _means(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight and weighted probabilities of the task's labels."""
    weight = item_weights(items)
    return np.stack([weight, *(weight * items[f"p{k}"] for k in range(options["labels"]))], axis=1)


def _shares(sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 1:] / sums[..., :1])


def _shift(sums: Floats, options: Mapping[str, Any]) -> Floats:  # noqa: ARG001 - one signature for all
    means = _shares(sums)
    return total_variation(means[..., 0, :], means[..., 1, :])


def _uniform(sums: Floats, options: Mapping[str, Any]) -> Floats:  # noqa: ARG001 - one signature for all
    return from_uniform(_shares(sums)[..., 0, :])


def _confusions(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight; then for every label how often it was right and taken, taken, right."""
    weight, (gold, taken) = item_weights(items), (items["gold"], items["taken"])
    made = [weight]
    for label in range(options["labels"]):
        right, said = gold == label, taken == label
        made += [weight * (right & said), weight * said, weight * right]
    return np.stack(made, axis=1)


def _macro_f1(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Mean over labels of 2 TP / (taken + right); a label neither taken nor right does not count."""
    table = sums[..., 0, 1:].reshape(*sums.shape[:-2], options["labels"], 3)
    both = table[..., 1] + table[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nanmean(np.where(both > 0, 2 * table[..., 0] / both, np.nan), axis=-1))


# 1/2 sum_y | mean P(y) in the first group - in the second |: the domain label bias of the paper.
SHIFT: Final = Estimator("prior_shift", _means, _shift, groups=2, bounds=(0.0, 1.0))
# 1/2 sum_y | mean P(y) - 1/C |.
UNIFORM: Final = Estimator("prior_from_uniform", _means, _uniform, bounds=(0.0, 1.0))
MACRO_F1: Final = Estimator("macro_f1", _confusions, _macro_f1, bounds=(0.0, 1.0))


def macro_f1(gold: Ints, taken: Ints, labels: int) -> float:
    """Macro-F1 of a list of answers."""
    items = Items.of(item=np.arange(len(gold)), score=np.zeros(len(gold)), gold=gold, taken=taken)
    sums = _confusions(items, {"labels": labels}).sum(axis=0)
    return float(_macro_f1(sums[None, :], {"labels": labels}))
