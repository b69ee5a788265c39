"""Corrected by other questions: the base is asked otherwise, or its answers are weighed otherwise.

A subclass says which abilities it corrects and how such a batch is answered; the abilities that it keeps
as they are go through to the base. The weights stay what they were, so `open` is not kept: what one
would see inside is the model before mitigation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from plumbline.core.answers import Answers
from plumbline.core.errors import AbilityError, StoreError
from plumbline.core.questions import Batch
from plumbline.models import corrected_files
from plumbline.models.abilities import Adapter, Cost, Rows


class CorrectedQuestions(ABC):
    """A model of which some questions are asked or answered otherwise.

    Args:
        base: The model that is corrected; it is not changed.
        method: Id and version of the correction, `portia@1`.
        params: Everything that the correction needs besides the base, JSON-able.

    Raises:
        AbilityError: The base has none of the abilities that are corrected.
    """

    kind: ClassVar[str]
    corrects: ClassVar[frozenset[str]]
    keeps: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, base: Adapter, method: str, params: Mapping[str, Any]) -> None:
        self.base, self.method, self.params = base, method, dict(params)
        self.remote = base.remote
        self.name = f"{base.name} after {method}"
        self.fingerprint = corrected_files.fingerprint(base, method, self.params, ())
        self.abilities = (self.corrects | self.keeps) & base.abilities
        if not self.corrects & base.abilities:
            raise AbilityError(
                f"{method} needs {' or '.join(sorted(self.corrects))}; {base.name} offers "
                f"{', '.join(sorted(base.abilities))}"
            )

    @abstractmethod
    def corrected(self, batch: Batch) -> Answers:
        """Answers to a whole batch of an ability in `corrects`, in its order."""

    def questions(self, batch: Batch) -> int:  # noqa: ARG002 - subclasses look at it
        """How many questions of the base one of this batch takes at most, for `cost`."""
        return 1

    def about(self) -> dict[str, Any]:
        """The base's facts and the correction's."""
        return {**self.base.about(), "corrected_by": self.method, "correction": dict(self.params)}

    def partition(self, batch: Batch) -> list[Rows]:
        """As the base would split the questions as they came."""
        return self.base.partition(batch)

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Corrected where the ability is corrected, the base's own where it is kept."""
        if batch.ability not in self.abilities:
            raise AbilityError(
                f"{self.name} keeps {', '.join(sorted(self.abilities))}; asked {batch.ability}"
            )
        if batch.ability not in self.corrects:
            yield from self.base.answer(batch)
        elif len(batch):
            yield np.arange(len(batch)), self.corrected(batch)

    def cost(self, batch: Batch) -> Cost:
        """The base's cost, as often as a question may be put."""
        one = self.base.cost(batch)
        times = self.questions(batch) if batch.ability in self.corrects else 1
        money = None if one.money is None else one.money * times
        return Cost(one.tokens_in * times, one.tokens_out * times, money)

    def close(self) -> None:
        """Close the base."""
        self.base.close()

    def save(self, folder: Path, *, base_spec: str, base_options: Mapping[str, Any]) -> None:
        """Write the correction; `corrected:FOLDER` opens it again.

        Args:
            folder: Made if it is not there.
            base_spec: MODEL form of the base; it is opened again from it.
            base_options: The base's options.

        Raises:
            StoreError: The folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"could not make {folder}: {error}") from error
        corrected_files.write_record(
            folder, self, self.kind, base_spec=base_spec, base_options=base_options
        )

    @classmethod
    def read(cls, folder: Path, base: Adapter, record: Mapping[str, Any]) -> Self:  # noqa: ARG003 - one signature for all kinds
        """The correction in a folder, put on its base again."""
        return cls(base, record["method"], record["params"])
