"""Corrected records: a recorded subject (`table:`, `answers:`, a frame) of which columns or rows changed.

The corrected columns are kept whole, in a Parquet file beside the record, so that what was measured
afterwards can be read by any tool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self, final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Answers, Records
from plumbline.core.errors import AbilityError, BadInput, StoreError
from plumbline.core.questions import Batch
from plumbline.models import corrected_files, parquet
from plumbline.models.abilities import Adapter, Cost, Rows

TABLE: Final = "records.parquet"


@final
class CorrectedRecords:
    """A recorded subject after some of its columns or rows were changed.

    Args:
        base: A recorded subject (ability `records`).
        columns: All columns afterwards, named as in `Records.columns` (`prediction`, `group:NAME`,
            `column:NAME`, ...), of one length.
        method: Id and version of the correction, `fair_subset@1`.
        params: What it was made with, JSON-able.

    Raises:
        AbilityError: The base is no recorded subject.
        BadInput: No columns, or columns of several lengths.
    """

    kind: ClassVar[str] = "records"
    remote = False
    abilities = frozenset({"records"})

    def __init__(
        self,
        base: Adapter,
        columns: Mapping[str, NDArray[Any]],
        method: str,
        params: Mapping[str, Any],
    ) -> None:
        if "records" not in base.abilities:
            raise AbilityError(
                f"{method} changes recorded columns (table:, answers:); {base.name} offers "
                f"{', '.join(sorted(base.abilities))}"
            )
        lengths = {name: len(values) for name, values in columns.items()}
        if not lengths or len(set(lengths.values())) > 1:
            raise BadInput(f"corrected records need columns of one length; got {lengths}")
        self.base, self.method, self.params = base, method, dict(params)
        self.columns = {name: np.asarray(values) for name, values in columns.items()}
        self.name = f"{base.name} after {method}"
        self.fingerprint = corrected_files.fingerprint(
            base, method, self.params, _digests(self.columns)
        )

    def about(self) -> dict[str, Any]:
        """The base's facts and the correction's."""
        rows = len(next(iter(self.columns.values())))
        return {
            **self.base.about(), "rows": rows, "corrected_by": self.method,
            "correction": dict(self.params),
        }  # fmt: skip

    def partition(self, batch: Batch) -> list[Rows]:
        """One part."""
        return [np.arange(len(batch))] if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """All columns."""
        if batch.ability != "records":
            raise AbilityError(
                f"{self.name} is a recorded table: it gives its columns and cannot {batch.ability}"
            )
        yield np.arange(1), Records(dict(self.columns))

    def cost(self, batch: Batch) -> Cost:  # noqa: ARG002 - the protocol's signature
        """Recorded answers cost nothing."""
        return Cost()

    def close(self) -> None:
        """Close the base."""
        self.base.close()

    def save(self, folder: Path, *, base_spec: str, base_options: Mapping[str, Any]) -> None:
        """Write the columns; `corrected:FOLDER` opens them again.

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
        parquet.write(folder / TABLE, self.columns)
        corrected_files.write_record(
            folder, self, self.kind, base_spec=base_spec, base_options=base_options
        )

    @classmethod
    def read(cls, folder: Path, base: Adapter, record: Mapping[str, Any]) -> Self:
        """The correction in a folder, on its base again."""
        return cls(base, parquet.read(folder / TABLE), record["method"], record["params"])


def recorded(base: Adapter) -> dict[str, NDArray[Any]]:
    """All columns of a recorded subject, named as in `Records.columns`.

    Raises:
        AbilityError: It is no recorded subject.
    """
    batch = Batch(ability="records", columns={"all": ["*"]})
    ((_, answers),) = base.answer(batch)
    if not isinstance(answers, Records):
        raise AbilityError(f"{base.name} answered records with {type(answers).__name__}")
    return dict(answers.columns)


def _digests(columns: Mapping[str, NDArray[Any]]) -> Iterator[bytes]:
    """What identifies the columns, whatever type a text or number has after a file."""
    for name, values in sorted(columns.items()):
        digest = hashlib.blake2b(name.encode(), digest_size=16)
        if values.dtype.kind in "iufb":
            digest.update(np.ascontiguousarray(values, "<f8").tobytes())
        else:
            digest.update("\x1f".join(map(str, values.tolist())).encode("utf-8", "surrogatepass"))
        yield digest.digest()
