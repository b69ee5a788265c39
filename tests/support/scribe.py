"""`scribe:FOLDER`: a model form for tests of engines, which counts letters and writes down what it is asked.

It opens in any process that finds `plugged`'s folder on its path. Texts that hold a word of `DEEDS` do what
the word says, so that a test can bring about what a cluster only does now and then.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from plumbline.core.answers import LogProbs
from plumbline.core.errors import UnknownName, Unreachable
from plumbline.models.abilities import Cost
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_facts

HERE = Path(__file__).parent
DEEDS = ("DIE", "REFUSE", "BUG")
KNOWN = {"rows": 4, "pause": 0.0, "opening": ""}


def plugged(folder: Path) -> str:
    """Make the form known to processes that have this on their path; returns the path's entries."""
    made = folder / "scribe-1.0.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: scribe\nVersion: 1.0\n")
    (made / "entry_points.txt").write_text("[plumbline.adapters]\nscribe = scribe:open_scribe\n")
    return os.pathsep.join([str(folder), str(HERE)])


class Scribe:
    """Scores a text by its letters, some rows at a time, slowly where that is wanted."""

    name = "scribe"
    remote = False
    abilities = frozenset({"logprob", "open"})

    def __init__(self, folder, options):
        extra = read_extra("scribe", options.extra, KNOWN)
        self.folder, self.rows, self.pause = Path(folder), extra["rows"], extra["pause"]
        own = os.getpid() if extra["opening"] == "uneven" else 0
        self.fingerprint = of_facts(form="scribe", own=own)
        self.own = own

    def about(self):
        seen = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")}
        return {"form": "scribe", "own": self.own, **seen}

    def partition(self, batch):
        lengths = [len(text) for text in batch.columns["continuation"]]
        order = np.argsort(lengths, kind="stable").astype(np.int64)
        return [order[i : i + self.rows] for i in range(0, len(order), self.rows)]

    def answer(self, batch):
        for part in self.partition(batch):
            texts = [batch.columns["continuation"][i] for i in part]
            with (self.folder / f"{os.getpid()}.asked").open("a") as kept:
                kept.writelines(f"{text}\n" for text in texts)
            time.sleep(self.pause)
            while held(self.folder, os.getpid()).exists():
                time.sleep(0.01)
            for text in texts:
                done(text)
            # What stands beside a text in its part moves its number a little, as in a padded batch.
            company = sum(map(len, texts)) * 1e-9
            yield part, LogProbs.of([(np.array([-float(len(t)) - company]), [t]) for t in texts])

    def cost(self, batch):
        return Cost(tokens_in=len(batch))

    def close(self):
        pass


def held(folder: Path, process: int) -> Path:
    """While this file is there, that process does not finish what it has begun."""
    return Path(folder) / f"{process}.held"


def done(text):
    """What a text asks for."""
    if "DIE" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "REFUSE" in text:
        raise UnknownName("word", text, ["word"])
    if "BUG" in text:
        raise ZeroDivisionError("a bug of the model")


def open_scribe(rest, options):
    """Open it, or fail as `opening` says."""
    opening = options.extra.get("opening", "")
    if opening == "gone":
        raise Unreachable(f"no model in {rest}")
    if opening == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return Scribe(rest, options)


def asked(folder: Path) -> dict[int, list[str]]:
    """What each process was asked, in its order."""
    return {int(p.stem): p.read_text().splitlines() for p in Path(folder).glob("*.asked")}
