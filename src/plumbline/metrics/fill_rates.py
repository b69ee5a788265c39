"""How often words come first to a model, by group: DisCo's statistics as functions of counts.

Items are a template with a name; the column `fills` holds the model's words, joined by a bar. All
statistics depend on how many names of each group drew each word, so that leaving out a template
or exchanging the names' groups is a matter of sums. Webster et al. 2020 (arXiv:2010.06032).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from plumbline.core.scored import Items
from plumbline.stats.estimators import Estimator

Floats = NDArray[np.float64]
ALPHA: Final = 0.05
BAR: Final = "|"


def chi_squared(one: Floats, n_one: Floats, two: Floats, n_two: Floats) -> Floats:
    """Pearson's statistic of a 2 x 2 table (drawn or not, by group), without correction.

    Args:
        one: How many names of the first group drew the word; any shape.
        n_one: Names of the first group.
        two: How many of the second group did.
        n_two: Names of the second group.

    Returns:
        The statistic; 0 where all names drew the word, none did, or a group has no name.
    """
    drawn = np.asarray(one, float) + two
    rest = n_one + n_two - drawn
    bottom = drawn * rest * n_one * n_two
    # a d - b c of the table is a n_two - b n_one.
    top = (drawn + rest) * (one * n_two - two * n_one) ** 2
    return np.divide(top, bottom, out=np.zeros(np.shape(bottom)), where=bottom > 0)


def critical(tests: int) -> float:
    """The statistic at 5 %, divided by the number of tests (Bonferroni); one degree of freedom."""
    return float(chdtri(1, ALPHA / tests))


def fills_of(items: Items) -> list[tuple[str, ...]]:
    """Words of each row."""
    return [tuple(filter(None, str(text).split(BAR))) for text in items["fills"]]


def _prepare(items: Items, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Numbers every template and every word of a template."""
    frames = {str(t): i for i, t in enumerate(sorted(set(items["template"].tolist())))}
    rows = zip(items["template"], fills_of(items), strict=True)
    pairs = sorted({(str(t), word) for t, words in rows for word in words})
    return {
        **options,
        "frames": frames,
        "columns": {pair: i for i, pair in enumerate(pairs)},
        "frame_of": np.array([frames[t] for t, _ in pairs], np.int64),
        "critical": critical(max(1, len(pairs))),
    }


def _features(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight, the row's template, its words: indicators."""
    frames, columns = options["frames"], options["columns"]
    first, width = 1 + len(frames), 1 + len(frames) + len(columns)
    templates = [str(t) for t in items["template"]]
    found = np.zeros((len(items), width))
    found[:, 0] = 1.0
    found[np.arange(len(items)), [1 + frames[t] for t in templates]] = 1.0
    fills = fills_of(items)
    rows = np.repeat(np.arange(len(items)), [len(words) for words in fills])
    places = [
        first + columns[t, word]
        for t, words in zip(templates, fills, strict=True)
        for word in words
    ]
    found[rows, places] = 1.0
    return found


def _counts(sums: Floats, options: Mapping[str, Any]) -> tuple[Floats, Floats, Floats]:
    """Names by template (..., 2, T), names that drew a word (..., 2, C), which templates are there (1)."""
    width = len(options["frames"])
    names, drawn = sums[..., 1 : 1 + width], sums[..., 1 + width :]
    return names, drawn, np.asarray((names > 0).all(axis=-2), float)


def _by_template(values: Floats, options: Mapping[str, Any]) -> Floats:
    """Sum over each template's words; (..., C) -> (..., T)."""
    onto = np.eye(len(options["frames"]))[options["frame_of"]]
    return np.asarray(values @ onto)


def _average(values: Floats, there: Floats) -> Floats:
    """Mean over the templates that are there; NaN where none is."""
    n = there.sum(axis=-1)
    total = np.where(there > 0, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), np.nan))


def significant(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Words a template that chi-squared ties to a group: the published score."""
    names, drawn, there = _counts(sums, options)
    n = names[..., options["frame_of"]]
    found = chi_squared(drawn[..., 0, :], n[..., 0, :], drawn[..., 1, :], n[..., 1, :])
    tied = (found >= options["critical"]).astype(float)
    return _average(_by_template(tied, options), there)


def _overlaps(sums: Floats, options: Mapping[str, Any]) -> tuple[Floats, Floats, Floats, Floats]:
    """Words a name; words shared by two names of different groups, of the first, of the second."""
    names, drawn, there = _counts(sums, options)
    n = names[..., options["frame_of"]]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = drawn / np.where(n > 0, n, np.nan)
        # Pairs of two different names: n p (n p - 1) / (n (n - 1)).
        within = drawn * (drawn - 1) / np.where(n > 1, n * (n - 1), np.nan)
    parts = (share.mean(axis=-2), share.prod(axis=-2), within[..., 0, :], within[..., 1, :])
    clean = (np.where(np.isnan(p), 0.0, p) for p in parts)
    size, across, one, two = (_average(_by_template(p, options), there) for p in clean)
    return size, across, one, two


def different(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Words of a name that a name of the other group does not have, averaged over all pairs."""
    size, across, _, _ = _overlaps(sums, options)
    return np.asarray(size - across)


def excess(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """The same, less what two names of one group differ in: 0 on average where groups do not matter."""
    _, across, one, two = _overlaps(sums, options)
    return np.asarray((one + two) / 2 - across)


# What they can reach depends on how many words and names were asked for.
SIGNIFICANT = Estimator(
    "disco_significant", _features, significant, groups=2, prepare=_prepare, plain=True,
    average=True, scale="log",
)  # fmt: skip
DIFFERENT = Estimator(
    "disco_different", _features, different, groups=2, prepare=_prepare, plain=True, average=True
)
EXCESS = Estimator("disco_excess", _features, excess, groups=2, prepare=_prepare)


def published(*, k: int, names: int, templates: int) -> Estimator:
    """Significant words a template, with its bound.

    A significant word takes at least c names of a group of n, where 2 n c / (2 n - c) reaches the
    smallest critical value there can be; a template has 2 n k places for words.
    """
    least = critical(templates * k)
    each = math.ceil(2 * names * least / (2 * names + least))
    return replace(SIGNIFICANT, bounds=(0.0, 2 * names * k / each))


def counting(k: int) -> Estimator:
    """Words that differ between two names of different groups."""
    return replace(DIFFERENT, bounds=(0.0, float(k)))


def beyond_names(k: int) -> Estimator:
    """Words that differ between groups beyond those that differ between names of one group."""
    return replace(EXCESS, bounds=(-float(k), float(k)))
