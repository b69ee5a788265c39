"""Corrected embeddings: vectors pass through an affine map, v -> v @ matrix + offset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Answers, Vectors
from plumbline.core.errors import AbilityError, BadInput, MissingExtra
from plumbline.core.questions import Batch
from plumbline.models import corrected_files
from plumbline.models.abilities import Adapter, Cost, Rows
from plumbline.models.safetensors_header import read_safetensors_header

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AffineEmbedding:
    """A model whose vectors pass through v @ matrix + offset.

    Args:
        base: The model that is corrected.
        matrix: Shape (d, d).
        offset: Shape (d,).
        method: Id and version of the correction, `linear_projection@1`.
        params: What it was fitted with, JSON-able; words used in the fit stand under `fit_words`.
    """

    base: Adapter
    matrix: Floats
    offset: Floats
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    abilities: ClassVar[frozenset[str]] = frozenset({"embed"})
    kind: ClassVar[str] = "affine_embedding"

    @property
    def remote(self) -> bool:
        """As the base."""
        return self.base.remote

    @property
    def name(self) -> str:
        """The base's name, marked as after mitigation."""
        return f"{self.base.name} after {self.method}"

    @property
    def fingerprint(self) -> str:
        """Base, correction and its weights."""
        arrays = (np.ascontiguousarray(a, "<f8") for a in (self.matrix, self.offset))
        return corrected_files.fingerprint(
            self.base, self.method, self.params, (a.tobytes() for a in arrays)
        )

    def about(self) -> dict[str, Any]:
        """The base's facts and the correction's."""
        return {**self.base.about(), "corrected_by": self.method, "correction": dict(self.params)}

    def partition(self, batch: Batch) -> list[Rows]:
        """As the base."""
        return self.base.partition(batch)

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """The base's vectors, mapped."""
        if batch.ability not in self.abilities:
            raise AbilityError(
                f"{self.name} keeps only {', '.join(self.abilities)}; asked {batch.ability}"
            )
        for rows, answers in self.base.answer(batch):
            if not isinstance(answers, Vectors):
                raise AbilityError(f"{self.base.name} answered embed with {type(answers).__name__}")
            yield rows, Vectors(answers.values @ self.matrix + self.offset, answers.status)

    def cost(self, batch: Batch) -> Cost:
        """As the base."""
        return self.base.cost(batch)

    def close(self) -> None:
        """Close the base."""
        self.base.close()

    def save(self, folder: Path, *, base_spec: str, base_options: Mapping[str, Any]) -> None:
        """Write the correction; `corrected:FOLDER` opens it again.

        Args:
            folder: Made if it is not there.
            base_spec: MODEL form of the base; it is opened again from it.
            base_options: The base's options.
        """
        save_file = _safetensors("save_file")
        folder.mkdir(parents=True, exist_ok=True)
        weights = {"matrix": self.matrix, "offset": self.offset}
        save_file(weights, str(folder / corrected_files.WEIGHTS))
        corrected_files.write_record(
            folder, self, self.kind, base_spec=base_spec, base_options=base_options
        )

    @classmethod
    def read(cls, folder: Path, base: Adapter, record: Mapping[str, Any]) -> AffineEmbedding:
        """The correction in a folder, put on its base again."""
        held = read_safetensors_header(folder / corrected_files.WEIGHTS)
        if not {"matrix", "offset"} <= set(held):
            raise BadInput(
                f"{folder / corrected_files.WEIGHTS} holds {', '.join(held) or 'no tensor'}; wanted matrix and offset"
            )
        weights = _safetensors("load_file")(str(folder / corrected_files.WEIGHTS))
        return cls(base, weights["matrix"], weights["offset"], record["method"], record["params"])


def _safetensors(name: str) -> Any:
    try:
        from safetensors import numpy as st
    except ImportError:
        raise MissingExtra("safetensors", "hf", "saving or opening a corrected model") from None
    return getattr(st, name)
