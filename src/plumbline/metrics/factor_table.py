"""Pairs of responses with their factors and who preferred which: a verdict table with more columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.data.text_factors import AUTOMATIC, NOVELTY, novelty
from plumbline.metrics import score_columns as named
from plumbline.metrics import verdict_table
from plumbline.metrics.verdict_table import FIRST, SECOND, TIE
from plumbline.stats.arrays import codes
from plumbline.stats.factor_scores import Alignment, alignment, concordance
from plumbline.stats.logistic import logistic
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Texts = NDArray[Any]
PEOPLE: Final = "people"
JUDGES: Final = "judges"
PLACES: Final = ("first_", "second_")


@dataclass(frozen=True)
class Preferences:
    """Preferences of several holders between two responses, one a row.

    Attributes:
        holder: Who preferred.
        question: The prompt; rows of one prompt hang together.
        pair: Prompt and both systems, in whichever order.
        preferred: +1 the first response, -1 the second, 0 neither, NaN where `why` says why.
        why: "" or why there is no preference.
        factors: Names.
        values: (2, factors, n): of the first and the second response; NaN where unknown.
        people: Which holders are people.
    """

    holder: Texts
    question: Texts
    pair: Texts
    preferred: Floats
    why: Texts
    factors: tuple[str, ...]
    values: Floats
    people: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.preferred.size)

    def take(self, rows: NDArray[Any]) -> Preferences:
        """The rows under a mask or at these indices."""
        return Preferences(
            self.holder[rows], self.question[rows], self.pair[rows], self.preferred[rows], self.why[rows],
            self.factors, self.values[..., rows], self.people,
        )  # fmt: skip

    @property
    def side(self) -> Texts:
        """`people` or `judges`, by row."""
        return np.where(np.isin(self.holder, self.people), PEOPLE, JUDGES).astype(object)

    @property
    def judges(self) -> tuple[str, ...]:
        """Holders who are no people, in order."""
        return tuple(sorted(set(self.holder.tolist()) - set(self.people)))

    @property
    def concordance(self) -> Floats:
        """(factors, n): +1 the preferred response has more, -1 less, 0 a tie; NaN where not known."""
        return concordance(self.preferred, self.values[0], self.values[1])

    def shared(self) -> Preferences:
        """Pairs that both people and at least one judge decided or tied."""
        read, side = self.why == "", self.side
        both = set(self.pair[read & (side == PEOPLE)]) & set(self.pair[read & (side == JUDGES)])
        return self.take(np.isin(self.pair, list(both)))

    def weight(self) -> Floats:
        """1 over the number of preferences that a holder gave on a pair, so that pairs count alike."""
        key = codes([f"{h}\x1f{p}" for h, p in zip(self.holder, self.pair, strict=True)], "holders")
        read = (self.why == "").astype(float)
        count = np.bincount(key, read)
        return 1.0 / np.maximum(count[key], 1.0)


def read(
    columns: named.Columns,
    about: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None,
    where: Mapping[str, str] | None,
    people: Sequence[str],
    factors: Sequence[str],
    texts: tuple[str, str],
    source: str,
) -> Preferences:
    """Check the columns and work out the factors.

    Args:
        columns: As recorded.
        about: The subject's facts.
        names: What the table calls the columns of a verdict table.
        where: Only rows with these values.
        people: Holders who are people.
        factors: Factors in columns first_NAME and second_NAME; empty: all such columns of numbers.
        texts: Columns with the texts of the first and the second response.
        source: Column with the text that both responses start from.

    Raises:
        NotRecorded: No verdicts, no factor, or no preference of people or of judges.
        BadInput: No row is left.
    """
    keep = np.ones(next(iter(columns.values())).size, bool)
    for name, value in (where or {}).items():
        keep &= named.texts(columns, name, about) == str(value)
    if not keep.any():
        raise BadInput(f"no row has {', '.join(f'{k} = {v!r}' for k, v in (where or {}).items())}")
    here = {key: np.asarray(values)[keep] for key, values in columns.items()}
    table = verdict_table.read(here, about, names=names)
    found = _from_columns(here, about, factors)
    for name, values in _from_texts(here, about, texts, source).items():
        found.setdefault(name, values)
    # A factor in which no pair differs has the tau 0 of every holder: it says nothing about anybody.
    found = {name: v for name, v in found.items() if (np.abs(v[0] - v[1]) > 0).any()}
    if not found:
        raise NotRecorded(
            "no factor in which two responses differ: wanted are columns first_NAME and second_NAME of numbers, or "
            f"their texts in {' and '.join(texts)}"
        )
    absent = [p for p in people if p not in table.judges]
    if absent or not set(table.judges) - set(people):
        raise NotRecorded(
            f"people {', '.join(people)} and somebody else are wanted as judges; got {', '.join(table.judges[:6])}"
        )
    turned = table.first > table.second
    low, high = np.where(turned, [table.second, table.first], [table.first, table.second])
    sign = np.select([table.verdict == FIRST, table.verdict == SECOND, table.verdict == TIE], [1.0, -1.0, 0.0], np.nan)  # fmt: skip
    pair = np.array([" | ".join(t) for t in zip(table.question, low, high, strict=True)], object)
    return Preferences(
        table.judge, table.question, pair, sign, table.why, tuple(found),
        np.stack(list(found.values()), axis=1), tuple(people),
    )  # fmt: skip


def _from_columns(
    columns: named.Columns, about: Mapping[str, Any], factors: Sequence[str]
) -> dict[str, Floats]:
    """Name to (2, n); all pairs of number columns where none is named."""
    plain = {key.partition(":")[2] or key: values for key, values in columns.items()}
    found = list(factors) or [
        name.removeprefix(PLACES[0])
        for name, values in plain.items()
        if name.startswith(PLACES[0]) and values.dtype.kind in "if" and name.replace(*PLACES, 1) in plain
    ]  # fmt: skip
    return {
        name: np.stack([named.numbers(columns, place + name, about) for place in PLACES])
        for name in found
    }


def _from_texts(
    columns: named.Columns, about: Mapping[str, Any], texts: tuple[str, str], source: str
) -> dict[str, Floats]:
    if not all(named.has(columns, name, about) for name in texts):
        return {}
    both = [np.asarray(named.given(columns, name, about)).astype(str) for name in texts]
    made = {}
    for name, factor in AUTOMATIC.items():
        known = {t: factor(t) for t in {*both[0].tolist(), *both[1].tolist()}}
        made[name] = np.array([[known[t] for t in side.tolist()] for side in both])
    if source and named.has(columns, source, about):
        start = np.asarray(named.given(columns, source, about)).astype(str)
        pairs = [list(zip(side.tolist(), start.tolist(), strict=True)) for side in both]
        known_pairs = {p: novelty(*p) for p in {*pairs[0], *pairs[1]}}
        made[NOVELTY] = np.array([[known_pairs[p] for p in side] for side in pairs])
    return made


def told(table: Preferences, rng: np.random.Generator) -> dict[str, Any]:
    """By holder: counts and tau of each factor, the logistic model; by judge: alignment with people."""
    scale = spread(table)
    facts: dict[str, Any] = {}
    for name in (PEOPLE, *table.judges):
        mine = np.isin(table.holder, table.people if name == PEOPLE else (name,))
        here = table.take(mine & (table.why == ""))
        facts[name] = {
            "preferences": len(here), "unread": dict(Counter(w for w in table.why[mine].tolist() if w)),
            "factors": counted(here), "log-odds of one standard deviation": weights(here, scale),
        }  # fmt: skip
        if name != PEOPLE:
            got = aligned(table, name, rng)
            facts[name]["alignment with people"] = {
                kind: list(v) if isinstance(v, tuple) else v for kind, v in got.found.items()
            }
    return facts


def counted(table: Preferences) -> dict[str, dict[str, float]]:
    """Plain counts of agreeing, opposing and tied preferences, and tau with pairs counted alike."""
    weight, made = table.weight(), {}
    for name, side, values in zip(table.factors, table.concordance, table.values.swapaxes(0, 1), strict=True):  # fmt: skip
        known = np.isfinite(side)
        tied = known & (table.preferred == 0)
        made[name] = {
            "more preferred": int((side == 1).sum()), "less preferred": int((side == -1).sum()),
            "no preference": int(tied.sum()),
            "same value": int((known & ~tied & (values[0] == values[1])).sum()),
            "tau": float(np.average(side[known], weights=weight[known])) if known.any() else float("nan"),
        }  # fmt: skip
        if not known.any():
            del made[name]["tau"]
    return made


def spread(table: Preferences) -> Floats:
    """Standard deviation of each factor's difference about 0, of all rows: one scale for all holders."""
    gap = table.values[0] - table.values[1]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.nanmean(gap**2, axis=1)))


def weights(table: Preferences, scale: Floats) -> dict[str, list[float] | str]:
    """Log-odds of preferring the response with one standard deviation more, other factors equal.

    Logistic regression of the decided preferences on all standardised differences and the first place;
    intervals clustered by prompt.
    """
    gap = (table.values[0] - table.values[1]) / scale[:, None]
    rows = (table.preferred != 0) & np.isfinite(gap).all(axis=0)
    try:
        fit = logistic(gap[:, rows].T, (table.preferred[rows] > 0).astype(float), clusters=table.question[rows].astype(str))  # fmt: skip
        ends = fit.interval()
    except UndefinedStatistic as absent:
        return {"not defined": absent.reason}
    except BadInput as wrong:  # fewer rows than factors: no model of these preferences
        return {"not defined": str(wrong)}
    names = ("the first place", *table.factors)
    return {n: [float(b), float(a), float(z)] for n, b, (a, z) in zip(names, fit.coefficients, ends, strict=True)}  # fmt: skip


def aligned(table: Preferences, judge: str, rng: np.random.Generator) -> Alignment:
    """Correlations of this judge's taus with people's, prompts resampled."""
    mine = table.take(np.isin(table.holder, (judge, *table.people))).shared()
    if not len(mine):
        return Alignment(dict.fromkeys(("pearson", "spearman", "kendall"), "not defined: no shared pair"))  # fmt: skip
    side, score, weight = (mine.side == PEOPLE).astype(int), mine.concordance, mine.weight()
    prompt = codes(mine.question.astype(str), "questions")
    cells = np.zeros((int(prompt.max()) + 1, 2, len(mine.factors), 2))
    for k, values in enumerate(score):
        known = np.isfinite(values)
        place = (prompt[known], side[known], k)
        np.add.at(cells, (*place, 0), weight[known])
        np.add.at(cells, (*place, 1), weight[known] * values[known])
    return alignment(cells, rng=rng)
