"""Position-invariant attention on SmolLM2: accuracy by place, consistency and cost (docs/guide/evaluation-position.md).

python bench/position_invariance.py
"""

from __future__ import annotations

import time

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.exchange import reordered
from plumbline.core.questions import Segment
from plumbline.mitigate.intra_processing.position_invariant import position_invariant
from plumbline.models.abilities import ModelOptions
from plumbline.models.demo import open_demo
from plumbline.models.whole_batch import answered

TOWNS = (
    "Abelin", "Borsk", "Cardal", "Dunmere", "Eskern", "Farrow", "Gilten", "Harnby", "Ivelo", "Jorvan", "Keldon", "Lorwick",
    "Marsden", "Nevry", "Ostrand", "Pellow", "Quarn", "Roswin", "Silden", "Torvik", "Ulster Bay", "Venlow", "Wickham", "Yarrow",
)  # fmt: skip
JOBS = ("baker", "teacher", "pilot", "painter", "farmer", "nurse", "singer", "plumber")
ITEMS = 24


def item(rng: np.random.Generator, k: int) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """k notes about the mayors of invented towns, the question about the first note, and the answers."""
    towns, jobs = rng.choice(TOWNS, k, replace=False), rng.choice(JOBS, k, replace=False)
    parts = [Segment("Here are some notes.", "user")]
    for town, job in zip(towns, jobs, strict=True):
        told = f"In the town of {town} there was an election last spring. The new mayor used to be a {job}."
        parts += [Segment("\n\nNote: ", "user"), Segment(told, "user", "notes")]
    question = f"\n\nWhat did the new mayor of {towns[0]} use to be? Answer with one word."
    return (*parts, Segment(question, "user")), tuple(str(j) for j in jobs)


def turns(k: int) -> list[list[int]]:
    """Orders in which note 0 stands at each place, the others in their own order."""
    return [[*range(1, p + 1), 0, *range(p + 1, k)] for p in range(k)]


def main() -> None:
    """Print a table a model and k."""
    base = open_demo(ModelOptions(dtype="float32", device="cpu"))
    for k in (2, 4):
        rng = np.random.default_rng(48)
        asked = [item(rng, k) for _ in range(ITEMS)]
        prompts = [reordered(p, "notes", order) for order in turns(k) for p, _ in asked]
        options = [o for _ in range(k) for _, o in asked]
        for how in ("", "pine", "nia", "pcw"):
            model = position_invariant(base, how=how) if how else base
            started = time.process_time()
            found = answered(model, ask.choose(prompts, options))
            took = time.process_time() - started
            chosen = np.asarray(found.chosen).reshape(k, ITEMS)
            spread = np.ptp(np.array([*found.scores]).reshape(k, ITEMS, k), axis=0).max()
            print(
                f"k={k} {how or 'causal':7s} accuracy by place {np.round((chosen == 0).mean(1), 2).tolist()} "
                f"consistent {(chosen == chosen[0]).all(0).mean():.2f} spread {spread:.5f} nats, {took:.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
