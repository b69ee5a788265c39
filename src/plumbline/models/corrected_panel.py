"""Corrected by a panel: a choice is put to several judges, and their weighted votes decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Choices
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch
from plumbline.models.abilities import Adapter, Cost, ModelOptions
from plumbline.models.corrected_questions import CorrectedQuestions
from plumbline.models.resolve import open_model
from plumbline.models.whole_batch import answered

Floats = NDArray[np.float64]
EVEN: Final = "the panel is tied"
UNREAD: Final = "no judge's verdict could be read"
_CLOSE: Final = 1e-9


class CorrectedPanel(CorrectedQuestions):
    """Several judges as one: `choose` goes to all that passed, and weighted votes decide.

    A judge whose verdict cannot be read is left out of that vote; `said` tells the votes and how many were left out.
    The panel's score of an option is the log of its share of the posterior that log-odds weights mean for two
    options: log softmax of the votes' weights.

    Args:
        base: The first judge.
        method: Id and version of the correction.
        params: `judges` (MODEL forms, the first is the base's name), `weights` (one a judge, 0: not asked),
            `options` of the others, and their `fingerprints`.
        others: The other judges, opened; None: opened from their forms.

    Raises:
        BadInput: No weight above 0, a weight a judge short, or a judge that has changed.
        AbilityError: A judge cannot choose.
    """

    kind = "panel"
    corrects: ClassVar[frozenset[str]] = frozenset({"choose"})

    def __init__(
        self, base: Adapter, method: str, params: Mapping[str, Any], others: Sequence[Adapter] | None = None
    ) -> None:  # fmt: skip
        super().__init__(base, method, params)
        self.weights = np.asarray(params["weights"], float)
        forms = list(params["judges"])[1:]
        if (
            self.weights.size != len(forms) + 1
            or not (self.weights >= 0).all()
            or not self.weights.any()
        ):
            raise BadInput(
                f"a panel wants one weight of at least 0 a judge, one of them positive; got {self.weights.tolist()} "
                f"for {len(forms) + 1} judges"
            )
        self.others = _opened(forms, params) if others is None else list(others)
        changed = [f for f, o, p in zip(forms, self.others, params["fingerprints"], strict=True)
                   if o.fingerprint != p]  # fmt: skip
        if changed:
            raise BadInput(
                f"judge {changed[0]} changed since the panel was made; make it again with `plumbline correct`"
            )
        self.remote = any(judge.remote for judge in self.judges)

    @property
    def judges(self) -> list[Adapter]:
        """All judges, the base first."""
        return [self.base, *self.others]

    def corrected(self, batch: Batch) -> Choices:
        """Weighted votes of the judges that have a weight."""
        asked = [k for k, w in enumerate(self.weights) if w > 0]
        said = [answered(self.judges[k], batch) for k in asked]
        sizes = np.array([len(options) for options in batch.columns["options"]])
        votes = np.zeros((len(batch), int(sizes.max())))
        for answer, weight in zip(said, self.weights[asked], strict=True):
            rows = np.flatnonzero(answer.ok)
            votes[rows, answer.chosen[rows]] += weight
        votes[np.arange(votes.shape[1]) >= sizes[:, None]] = -np.inf
        read = np.sum([answer.ok for answer in said], axis=0)
        best = votes.max(axis=1)
        tied = (votes >= best[:, None] - _CLOSE).sum(axis=1) > 1
        status = np.where(read == 0, UNREAD, np.where(tied, EVEN, ""))
        top = votes - best[:, None]
        scores = top - np.log(np.exp(top).sum(axis=1))[:, None]
        return Choices(
            np.where(status == "", votes.argmax(axis=1), -1),
            [
                np.empty(0) if s else row[:n]
                for s, row, n in zip(status, scores, sizes, strict=True)
            ],
            [_told(row[:n], r, len(asked)) for row, n, r in zip(votes, sizes, read, strict=True)],
            ["native"] * len(batch),
            status.tolist(),
        )

    def cost(self, batch: Batch) -> Cost:
        """All asked judges' costs together."""
        each = [j.cost(batch) for j, w in zip(self.judges, self.weights, strict=True) if w > 0]
        priced = [c.money for c in each if c.money is not None]
        return Cost(
            sum(c.tokens_in for c in each), sum(c.tokens_out for c in each),
            sum(priced) if len(priced) == len(each) else None,
        )  # fmt: skip

    def close(self) -> None:
        """Close all judges."""
        for judge in self.judges:
            judge.close()

    @classmethod
    def read(cls, folder: Path, base: Adapter, record: Mapping[str, Any]) -> Self:  # noqa: ARG003 - one signature for all kinds
        """The panel in a folder: the other judges are opened from their forms."""
        return cls(base, record["method"], record["params"])


def open_judges(forms: Sequence[str], options: Mapping[str, Any] | None = None) -> list[Adapter]:
    """The judges behind these MODEL forms, with these `ModelOptions` fields."""
    return _opened(forms, {"options": dict(options or {})})


def _opened(forms: Sequence[str], params: Mapping[str, Any]) -> list[Adapter]:
    options = replace(ModelOptions(), **params.get("options", {}))
    return [open_model(form, options) for form in forms]


def _told(votes: Floats, read: int, asked: int) -> str:
    """The votes as text, for the record."""
    weights = ", ".join(f"{v:.3f}" for v in votes)
    return f"votes {weights}; {asked - read} of {asked} judges unread"
