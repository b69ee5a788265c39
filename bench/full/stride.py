"""The `full` suite on a stride: every public set is read whole, and every fiftieth question is put to the model.

    python bench/full/stride.py [--model demo] [--every 50] [--metrics ID,...]

A question is put if the digest of its content falls on the stride, so that the same questions are put whatever else is
asked; all others come back unanswered with the reason "not asked". What this shows: loaders, prompts, scoring and the
handling of missing answers at full size. What it does not: numbers, most of which are Undefined by their floors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import Job, chosen, resolve
from plumbline.audit.run import Audit, cache_path, open_subject
from plumbline.core.answers import answer_type
from plumbline.core.questions import Batch
from plumbline.models.abilities import Adapter

NOT_ASKED = "not asked"
BLANK = {
    "LogProbs": ["", []], "Nexts": [""], "Texts": ["", ""], "Choices": [-1, "", "", ""],
    "Vectors": [""], "Numbers": ["AAAAAAAA+H8="],
}  # fmt: skip


class Strided:
    """A model of which one question in `every` is asked."""

    def __init__(self, base: Adapter, every: int) -> None:
        self.base, self.every = base, every
        self.put = self.wanted = 0
        self.name, self.remote = base.name, base.remote
        self.abilities = base.abilities - {"open"}
        self.fingerprint = f"{base.fingerprint}/{every}"

    def about(self) -> dict[str, Any]:
        """The base's facts."""
        return {**self.base.about(), "every": self.every}

    def partition(self, batch: Batch) -> list[Any]:
        """The rows on the stride in the base's parts, and all others in one."""
        on = self._on(batch)
        self.put, self.wanted = self.put + int(on.sum()), self.wanted + len(batch)
        kept = np.flatnonzero(on)
        parts = [kept[part] for part in self.base.partition(batch.take(kept.tolist()))]
        rest = np.flatnonzero(~on)
        return [*parts, *([rest] if rest.size else [])]

    def answer(self, batch: Batch) -> Iterator[tuple[Any, Any]]:
        """The base's answers, or none."""
        on = self._on(batch)
        if on.all():
            yield from self.base.answer(batch)
            return
        kind = answer_type(batch.ability, batch.settings)
        yield np.arange(len(batch)), kind.unpack([[NOT_ASKED, *BLANK[kind.__name__]]] * len(batch))

    def _on(self, batch: Batch) -> Any:
        keys = Batch.keys(batch)
        return np.array([key[0] * 256 + key[1] for key in keys]) % self.every == 0

    def cost(self, batch: Batch) -> Any:
        """The base's."""
        return self.base.cost(batch)

    def close(self) -> None:
        """Close the base."""
        self.base.close()


def main() -> None:
    """Run every method of `full` that applies, and say what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--metrics", default="")
    given = parser.parse_args()
    names = tuple(n for n in given.metrics.split(",") if n)
    plan = Plan(model=given.model, suite="full", metrics=names)
    base = open_subject(plan)
    with Cache(cache_path()) as cache:
        for entry in chosen(plan):
            subject = Strided(base, given.every)
            job = resolve(entry, subject.abilities, [])
            if not isinstance(job, Job):
                continue
            started = time.perf_counter()
            one = plan.but(metrics=(entry.id,))
            findings = Audit(one, subject, cache).findings_of()
            counts = {s: sum(f.status == s for f in findings) for s in ("estimate", "undefined", "not_applicable")}  # fmt: skip
            print(
                f"{entry.id:28} {subject.put:>7,} of {subject.wanted:>9,} questions  "
                f"{counts['estimate']:>4} estimates {counts['undefined']:>4} undefined "
                f"{counts['not_applicable']:>2} n/a  {time.perf_counter() - started:7.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
