"""A local model that writes down every question it is asked, and whose batches matter.

As on real hardware, a value depends in its last digits on the other rows of its batch: a resumed
run that formed other batches would not end in the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from plumbline.core.answers import Answers, LogProbs
from plumbline.core.questions import Batch, plain
from plumbline.models.abilities import Cost, ModelOptions, Rows

SIZE = 32  # questions of a batch; each batch is one transaction


def share(*parts: str) -> float:
    """A number on [0, 1) that depends on the parts alone."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass
class Counted:
    """Log-probabilities of continuations.

    Args:
        log: File to which the digest of every question is appended.
        pause: Seconds a batch takes.
    """

    log: Path
    pause: float
    remote: ClassVar[bool] = False
    name: ClassVar[str] = "counted"
    abilities: ClassVar[frozenset[str]] = frozenset({"logprob"})
    fingerprint: ClassVar[str] = "counted model, first version"

    def about(self) -> dict[str, Any]:
        """Facts for the record."""
        return {"form": "counted"}

    def partition(self, batch: Batch) -> list[Rows]:
        """Batches of `SIZE` rows, the shortest first."""
        order = np.argsort([len(t) for t in batch.columns["continuation"]], kind="stable")
        return [order[i : i + SIZE] for i in range(0, len(batch), SIZE)]

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """One batch at once."""
        keys = batch.keys()
        with self.log.open("a") as log:
            log.write("".join(f"{key.hex()}\n" for key in keys))
        time.sleep(self.pause)
        texts = [
            plain(context) + more
            for context, more in zip(*(batch.columns[n] for n in ("context", "continuation")), strict=True)
        ]  # fmt: skip
        company = 1e-6 * share(*texts)
        rows: Sequence[Any] = [(np.array([-1 - share(t) - company]), [t]) for t in texts]
        yield np.arange(len(batch)), LogProbs.of(rows)

    def cost(self, batch: Batch) -> Cost:
        """A token a question."""
        return Cost(len(batch))

    def close(self) -> None:
        """Nothing is held."""


def open_counted(rest: str, options: ModelOptions) -> Counted:
    """Open `counted:LOG`; the environment's COUNTED_PAUSE is the time of a batch."""
    return Counted(Path(rest), float(os.environ.get("COUNTED_PAUSE", "0")))


def asked(log: Path) -> list[str]:
    """Digests of all questions so far, each as often as it was asked."""
    return log.read_text().split() if log.exists() else []
