"""One run of so many questions, start to end, in a process of its own; prints seconds and peak memory as JSON.

python bench/scale/one.py N
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from plumbline.audit.cache import Cache
from plumbline.audit.runner import Runner
from plumbline.audit.store import save
from plumbline.core import questions as ask
from plumbline.core.answers import LogProbs
from plumbline.core.card import Null
from plumbline.core.catalog import find
from plumbline.core.scored import Items, Measure, Scored
from plumbline.core.seeds import Seeds
from plumbline.stats.infer import infer


class Quick:
    """Three tokens a continuation, at once: what is measured is everything around a model."""

    name = fingerprint = "quick"
    abilities = frozenset({"logprob"})
    remote = False

    def about(self):
        """Nothing to say."""
        return {}

    def partition(self, batch):
        """Parts of 2,048 questions."""
        return [np.arange(i, min(i + 2048, len(batch))) for i in range(0, len(batch), 2048)]

    def answer(self, batch):
        """Values that depend on the question's length."""
        rows = [
            (np.array([-1.5, -2.25, -0.01 * len(t)]), [" a", " b", "c"])
            for t in batch.columns["continuation"]
        ]
        yield np.arange(len(batch)), LogProbs.of(rows)

    def close(self):
        """Nothing is open."""


def method(n):
    """Two continuations a context."""
    contexts = [c for i in range(n // 2) for c in [f"The person number {i} said that"] * 2]
    ends = [" she would be late", " he would be late"] * (n // 2)
    batch = ask.logprob(contexts, ends)
    del contexts, ends
    (answers,) = yield [batch]
    items = Items.of(
        item=np.arange(n) // 2, group=np.array(["women", "men"], object)[np.arange(n) % 2], score=answers.total,
        answer=np.arange(n),
    )  # fmt: skip
    measure = Measure(
        estimator="mean",
        labels={"axis": "gender"},
        null=Null(kind="point", value=0.0, says="made"),
        unit="nats",
    )
    return Scored(items=items, measures=[measure])


def main() -> None:
    """Ask, infer, save."""
    n = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        runner = Runner(Quick(), lambda _: Quick(), Cache(Path(folder) / "answers.sqlite"))
        scored = runner.run({"made": method(n)})["made"]
        findings = infer(scored, find("crows_pairs").card, seeds=Seeds(0))
        save(
            Path(folder) / "run",
            {"subject": {}, "measures": {}},
            findings,
            {"made": scored.items},
            runner.log,
        )
        took = time.perf_counter() - began
    print(
        json.dumps(
            {
                "n": n,
                "seconds": took,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
