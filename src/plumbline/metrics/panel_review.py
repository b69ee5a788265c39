"""A panel of judges on recorded judgements: who passes the exam, what the chair says, how systems rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, UnknownName
from plumbline.metrics.rating_table import BETWEEN, Judgements
from plumbline.stats import weighted_vote as panel
from plumbline.stats.bootstrap import cluster_weights
from plumbline.stats.bradley_terry import bradley_terry
from plumbline.stats.elo import elo
from plumbline.stats.rank_aggregation import rank_correlation
from plumbline.stats.ranks import ranks
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
EXAMS: Final = ("pairwise", "exact", "mse")
DRAWS: Final = 999
ORDERS: Final = 200


@dataclass(frozen=True)
class Bench:
    """Judges, systems and tasks as cubes.

    Attributes:
        judges: Without the gold judge.
        systems, pairs, tasks: Names; a pair is (index, index) of two systems in the order of their names.
        signs: (judges, orders, pairs, tasks): +1 the first of the pair is better, -1 the second, 0 tie, NaN none.
        gold: (pairs, tasks): the same of the gold labels; NaN where they are tied or absent.
        ratings: (judges, systems, tasks) of ratings, None for verdicts.
        gold_ratings: (systems, tasks), None for verdicts.
    """

    judges: tuple[str, ...]
    systems: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    tasks: tuple[str, ...]
    signs: Floats
    gold: Floats
    ratings: Floats | None = None
    gold_ratings: Floats | None = None

    @classmethod
    def of(cls, found: Judgements, gold: str, judges: Sequence[str] = ()) -> Bench:
        """Cubes of these judgements; `gold` names the judge (people, say) whose labels count as right.

        Raises:
            UnknownName: No such judge.
            BadInput: Fewer than two judges beside the gold one, or fewer than two systems.
        """
        every = tuple(sorted(set(found.judge)))
        for name in (gold, *judges):
            if name not in every:
                raise UnknownName("judge", name, every)
        names = tuple(judges) or tuple(j for j in every if j != gold)
        found = found.take(np.isin(found.judge, [*names, gold]))
        systems = tuple(sorted({s for j, t in zip(found.judge, found.thing, strict=True) if j != gold
                                for s in t.split(BETWEEN)}))  # fmt: skip
        tasks = tuple(sorted(set(found.task)))
        if len(names) < 2 or len(systems) < 2:
            raise BadInput(
                f"a panel wants two judges and two systems; got {len(names)} and {len(systems)}"
            )
        pairs = tuple(combinations(range(len(systems)), 2))
        who = (*names, gold)
        if not found.verdicts:
            cube = found.cube(who, systems, tasks)
            signs = np.stack([_even(cube[:, a] - cube[:, b]) for a, b in pairs], axis=1)[:, None]
            truth = np.where(signs[-1, 0] == 0, np.nan, signs[-1, 0])
            return cls(names, systems, pairs, tasks, signs[:-1], truth, cube[:-1], cube[-1])
        things = [BETWEEN.join((systems[a], systems[b])) for a, b in pairs]
        straight = found.straight
        if straight is None:
            raise BadInput("verdicts want to know which system was shown first")
        orders = [found.take(straight == way).cube(names, things, tasks) for way in (True, False)]
        signs = np.sign(np.stack(orders, axis=1) - 0.5)
        truth = np.sign(found.cube([gold], things, tasks)[0] - 0.5)
        return cls(names, systems, pairs, tasks, signs, np.where(truth == 0, np.nan, truth))

    def part(self, tasks: NDArray[np.bool_]) -> Bench:
        """Only these tasks."""
        names = tuple(t for t, keep in zip(self.tasks, tasks, strict=True) if keep)
        ratings = None if self.ratings is None else self.ratings[..., tasks]
        gold = None if self.gold_ratings is None else self.gold_ratings[..., tasks]
        return Bench(
            self.judges, self.systems, self.pairs, names, self.signs[..., tasks], self.gold[..., tasks],
            ratings, gold,
        )  # fmt: skip

    def exam(self, how: str) -> tuple[Floats, Floats]:
        """Score of each judge and the number of judgements behind it.

        Raises:
            UnknownName: No such exam.
            BadInput: An exam of ratings where there are only verdicts.
        """
        if how not in EXAMS:
            raise UnknownName("exam", how, EXAMS)
        if how == "pairwise":
            flat = (self.signs * self.gold).reshape(len(self.judges), -1)
            return panel.pairwise_accuracy(flat, 1.0), np.isfinite(flat).sum(axis=1).astype(float)
        if self.ratings is None or self.gold_ratings is None:
            raise BadInput(f"the exam {how!r} compares ratings; verdicts have the exam 'pairwise'")
        given = self.ratings.reshape(len(self.judges), -1)
        score = panel.exact_match if how == "exact" else panel.squared_error
        count = np.isfinite(given - self.gold_ratings.ravel()).sum(axis=1)
        return score(given, self.gold_ratings.ravel()), count.astype(float)

    def verdict(self, judges: NDArray[Any], weight: Floats) -> Floats:
        """What these judges say together of each pair and task, (pairs, tasks): votes, or z-scored ratings."""
        if self.ratings is None:
            return panel.vote(self.signs[judges], weight)
        together = panel.chair(panel.z_scored(self.ratings)[judges], weight)
        return np.stack([_even(together[a] - together[b]) for a, b in self.pairs])

    def credit(self, said: Floats) -> Floats:
        """1 where a verdict agrees with the gold label, 1/2 for a tie, 0 against it; NaN without one."""
        return (said * self.gold + 1) / 2

    def table(self, said: Floats) -> Floats:
        """acc[A, B] = P(A wins) + 1/2 P(tie) over the tasks, (systems, systems); NaN where never compared."""
        made = np.full((len(self.systems), len(self.systems)), np.nan)
        share = panel.chair(((said + 1) / 2).T, np.ones(said.shape[1]))
        for (a, b), value in zip(self.pairs, share, strict=True):
            made[a, b], made[b, a] = value, 1 - value
        return made


@dataclass(frozen=True)
class Exams:
    """What the judges' exams say.

    Attributes:
        score: Of each judge.
        count: Judgements behind it.
        consistency: Agreement of two wordings, or None.
        passed: Who passed both.
    """

    score: Floats
    count: Floats
    consistency: Floats | None
    passed: NDArray[np.bool_]
    how: str

    @classmethod
    def of(
        cls,
        bench: Bench,
        again: Bench | None,
        *,
        how: str = "pairwise",
        threshold: float | None = None,
    ) -> Exams:
        """Exams on the tasks of `bench`; `again` holds the same tasks in a second wording."""
        lowest = -panel.WORST_MSE if how == "mse" else panel.THRESHOLD
        score, count = bench.exam(how)
        passed, consistency = score >= (lowest if threshold is None else threshold), None
        if again is not None:
            both = (bench.signs * again.signs).reshape(len(bench.judges), -1)
            consistency = panel.pairwise_accuracy(both, 1.0)
            passed &= consistency >= panel.THRESHOLD
        return cls(score, count, consistency, passed, how)

    @property
    def best(self) -> int:
        """The qualified judge with the highest score; of all, where none qualified."""
        able = self.passed if self.passed.any() else np.ones(self.passed.shape, bool)
        return int(np.argmax(np.where(able & np.isfinite(self.score), self.score, -np.inf)))

    def weights(self, who: NDArray[Any], *, weighting: str, alpha: float, share: float) -> Floats:
        """Normalised weights of these judges.

        Raises:
            BadInput: Log-odds or powers of a squared error.
        """
        if self.how == "mse" and weighting in {"log", "poly"}:
            raise BadInput(
                f"the weighting {weighting!r} wants accuracies; with 'mse' take uniform or exp"
            )
        scores = [self.score, self.consistency]
        if weighting == "log":
            scores = [None if v is None else panel.clipped(v, self.count) for v in scores]
        kept = [None if v is None else v[who] for v in scores]
        reference = self.score[who] if kept[0] is None else kept[0]
        return panel.weights(reference, kept[1], how=weighting, alpha=alpha, share=share)

    def told(self, judge: int) -> dict[str, Any]:
        """One judge's exam, for the record."""
        made: dict[str, Any] = {
            "exam": float(self.score[judge]),
            "passed": bool(self.passed[judge]),
        }
        if self.consistency is not None:
            made["consistency"] = float(self.consistency[judge])
        return made


def in_wordings(
    found: Judgements, wording: NDArray[Any] | None, gold: str, judges: Sequence[str]
) -> tuple[Bench, Bench | None]:
    """The judgements in the first and in the second wording by name; gold labels serve both.

    Raises:
        BadInput: There are not two wordings.
    """
    if wording is None:
        return Bench.of(found, gold, judges), None
    names = sorted(set(wording[found.judge != gold]))
    if len(names) != 2:
        raise BadInput(
            f"the exam of inner consistency wants two wordings; got {len(names)}: {names[:4]}"
        )
    people = found.judge == gold
    one, two = (Bench.of(found.take(people | (wording == n)), gold, judges) for n in names)
    if one.tasks != two.tasks or one.systems != two.systems:
        raise BadInput("both wordings want the same tasks and systems")
    return one, two


def exam_tasks(
    bench: Bench, exam: float | Sequence[str], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which tasks are the exam.

    Raises:
        BadInput: A share that leaves no task on one side; a task that is not there.
    """
    tasks = np.array(bench.tasks, dtype=object)
    if isinstance(exam, int | float):
        size = round(float(exam) * tasks.size)
        if not 0 < size < tasks.size:
            raise BadInput(f"an exam share of {exam} of {tasks.size} tasks leaves none on one side")
        return np.asarray(rng.permutation(tasks.size) < size)
    for name in map(str, exam):
        if name not in bench.tasks:
            raise UnknownName("exam task", name, bench.tasks)
    return np.isin(tasks, [str(t) for t in exam])


def _even(gap: Floats) -> Floats:
    return np.asarray(np.where(np.abs(gap) < 1e-9, 0.0, np.sign(gap)))


def won(bench: Bench, said: Floats) -> tuple[Floats, Floats]:
    """Points won by each system in each task (systems, tasks), and games played."""
    points, games = np.zeros((2, len(bench.systems), said.shape[1]))
    read = np.isfinite(said)
    share = np.where(read, (said + 1) / 2, 0.0)
    for k, (a, b) in enumerate(bench.pairs):
        points[a] += share[k]
        points[b] += np.where(read[k], 1 - share[k], 0.0)
        games[[a, b]] += read[k]
    return points, games


def standing(bench: Bench, said: Floats, rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Each system's win share, place with simultaneous bounds, Bradley-Terry strength and Elo rating.

    Args:
        bench: The judged tasks.
        said: The panel's verdicts, (pairs, tasks).
        rng: For the bootstrap over tasks and the orders of games.
    """
    points, games = won(bench, said)
    played = games.sum(axis=1)
    if not (played > 0).all():
        return {}
    share = points.sum(axis=1) / played
    drawn = cluster_weights(rng, points.shape[1], DRAWS)
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = (drawn @ points.T) / (drawn @ games.T)
    draws = draws[np.isfinite(draws).all(axis=1)]
    made: dict[str, dict[str, Any]] = {s: {"win share": float(v)} for s, v in zip(bench.systems, share, strict=True)}  # fmt: skip
    if len(draws) > DRAWS // 2:
        places = ranks(-share, -draws)
        for row, *cells in zip(made.values(), places.rank, places.best, places.worst, strict=True):
            row["place"], row["best place"], row["worst place"] = map(int, cells)
    for row, value in zip(made.values(), _strengths(bench, said), strict=True):
        row["Bradley-Terry logits"] = value
    first, second, results, orders = _games(bench, said, rng)
    rated = elo(first, second, results, orders=orders, players=len(bench.systems))
    for row, mean, sd in zip(made.values(), rated.mean(axis=0), rated.std(axis=0), strict=True):
        row["Elo, mean over orders"], row["Elo, sd over orders"] = float(mean), float(sd)
    return made


def _strengths(bench: Bench, said: Floats) -> list[float | str]:
    wins = np.zeros((len(bench.systems),) * 2)
    for k, (a, b) in enumerate(bench.pairs):
        read = said[k][np.isfinite(said[k])]
        wins[a, b], wins[b, a] = ((read + 1) / 2).sum(), ((1 - read) / 2).sum()
    try:
        return [float(v) for v in bradley_terry(wins)]
    except UndefinedStatistic as absent:
        return [f"not defined: {absent.reason}"] * len(bench.systems)


def _games(bench: Bench, said: Floats, rng: np.random.Generator) -> tuple[Any, Any, Any, Any]:
    k, t = np.nonzero(np.isfinite(said))
    pairs = np.array(bench.pairs)[k]
    orders = rng.permuted(np.tile(np.arange(k.size), (ORDERS, 1)), axis=1)
    return pairs[:, 0], pairs[:, 1], (said[k, t] + 1) / 2, orders


def tau(bench: Bench, said: Floats) -> float | str:
    """Kendall's tau-b of the systems' win shares with those of the gold labels."""
    shares = [points.sum(axis=1) / np.maximum(games.sum(axis=1), 1) for points, games in (won(bench, said), won(bench, bench.gold))]  # fmt: skip
    try:
        return rank_correlation(*shares)
    except UndefinedStatistic as absent:
        return f"not defined: {absent.reason}"
