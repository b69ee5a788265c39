"""How many questions a suite puts, against those that its metrics want, and against those of each metric run by itself.

    PLUMBLINE_DATA=MIRROR python bench/shared/standard.py [--suite standard]

Nothing is put to the model: every question comes back unanswered, so methods that ask again after what they heard ask less.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "full"))

from side_by_side import keep  # noqa: E402 - after the path
from stride import Strided  # noqa: E402

from plumbline.audit.cache import Cache  # noqa: E402
from plumbline.audit.plan import Plan  # noqa: E402
from plumbline.audit.run import Audit, open_subject  # noqa: E402
from plumbline.core.questions import SUBJECT  # noqa: E402

KINDS = {
    "generate": "texts to be written",
    "choose": "options to be chosen from",
    "logprob": "continuations to be scored",
}


class Unanswered(Strided):
    """A model of which nothing is asked; it counts the tokens that it would read to score continuations."""

    def __init__(self, base, every):
        super().__init__(base, every)
        self.lengths, self.read = {}, 0

    def partition(self, batch):
        """All at once; the parts that the model would form are counted."""
        if batch.ability == "logprob":
            coded = self.base.opened().encode(
                batch.columns["context"], batch.columns["continuation"]
            )
            read = [() if c.status else c.ids[:-1] for c in coded]
            self.lengths.update(zip(batch.keys(), map(len, read), strict=True))
            for part in self.base.partition(batch):
                self.read += len({read[i][: k + 1] for i in part for k in range(len(read[i]))})
        return [np.arange(len(batch))]

    def _on(self, batch):
        return np.zeros(len(batch), bool)


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="standard")
    plan = Plan(model="demo", suite=parser.parse_args().suite)
    subject = Unanswered(open_subject(plan), 1)
    audit = Audit(plan, subject, Cache(":memory:"))
    *_, runner = audit.ask()
    mine = [asked for asked in runner.log if asked.batch.to == SUBJECT]
    wanted = sum(len(asked.keys) for asked in mine)
    alone: dict[str, set[bytes]] = {}
    for asked in mine:
        alone.setdefault(asked.metric, set()).update(asked.keys)
    put = len(set().union(*alone.values()))
    every = sum(map(len, alone.values()))
    rows = [
        {"what": f"questions of `{plan.suite}`: {put:,} put of {wanted:,} wanted by {len(alone)} metrics", "ratio": put / wanted,
         "at_most": 0.6, "unit": "of those wanted"},
        {"what": f"the same, over the {every:,} that each metric puts when it runs by itself", "ratio": put / every,
         "unit": "of those put"},
    ]  # fmt: skip
    for ability, name in KINDS.items():
        some = [set(a.keys) for a in mine if a.batch.ability == ability]
        asked = sum(len(a.keys) for a in mine if a.batch.ability == ability)
        if not asked:
            continue
        rows.append({
            "what": f"of them {name}: {len(set().union(*some)):,} put of {asked:,} wanted",
            "ratio": len(set().union(*some)) / asked, "unit": "of those wanted",
        })  # fmt: skip
    tokens = sum(subject.lengths[k] for a in mine if a.batch.ability == "logprob" for k in a.keys)
    rows.append({
        "what": f"tokens of its scored continuations: {subject.read:,} read of {tokens:,} in these questions, one by one",
        "ratio": subject.read / tokens, "unit": "of those in them",
    })  # fmt: skip
    largest = sorted(((len(keys), name) for name, keys in alone.items()), reverse=True)[:4]
    rows += [
        {"what": f"of it `{name}`: {size:,}", "ratio": size / put, "unit": "of all put"}
        for size, name in largest
    ]
    keep("shared", rows)


if __name__ == "__main__":
    main()
