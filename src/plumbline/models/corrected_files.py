"""What all kinds of corrected models share: their fingerprint, their record, their weights on disk.

A corrected model's folder holds `correction.json` and `weights.safetensors`; nothing is unpickled.
Its fingerprint is that of the base, the correction's id and version, its parameters and its weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from plumbline.core.errors import BadInput
from plumbline.core.json_text import parse
from plumbline.core.placed import placed
from plumbline.models.abilities import Adapter

RECORD = "correction.json"
WEIGHTS = "weights.safetensors"
_KINDS: Mapping[type, str] = {str: "text", dict: "a table"}
_FIELDS: Mapping[str, type] = {
    "kind": str, "base": str, "base_options": dict, "method": str, "params": dict, "fingerprint": str,
}  # fmt: skip


class CorrectedModel(Adapter, Protocol):
    """A model after mitigation: an adapter that can be saved and opened as `corrected:DIR`.

    Attributes:
        base: The model that was corrected.
        method: Id and version of the correction, `linear_projection@1`.
        params: What it was made with, JSON-able.
    """

    @property
    def base(self) -> Adapter: ...
    @property
    def method(self) -> str: ...
    @property
    def params(self) -> Mapping[str, Any]: ...

    def save(self, folder: Path, *, base_spec: str, base_options: Mapping[str, Any]) -> None:
        """Write the correction; `corrected:FOLDER` opens it again.

        Args:
            folder: Made if it is not there.
            base_spec: MODEL form of the base; it is opened again from it.
            base_options: The base's options.
        """
        ...


def fingerprint(
    base: Adapter, method: str, params: Mapping[str, Any], weights: Iterable[bytes]
) -> str:
    """Hex digest of base, correction, parameters and weights."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (base.fingerprint, method, json.dumps(params, sort_keys=True)):
        digest.update(part.encode() + b"\x1f")
    for data in weights:
        digest.update(data)
    return digest.hexdigest()


def write_record(
    folder: Path, model: CorrectedModel, kind: str, *, base_spec: str, base_options: Mapping[str, Any]
) -> None:  # fmt: skip
    """Write `correction.json`; weights must be there already.

    Raises:
        StoreError: The folder cannot be written.
    """
    record = {
        "kind": kind, "base": base_spec, "base_options": dict(base_options),
        "base_fingerprint": model.base.fingerprint, "method": model.method,
        "params": dict(model.params), "fingerprint": model.fingerprint,
    }  # fmt: skip
    with placed(folder / RECORD) as part:
        part.write_text(json.dumps(record, indent=1), "utf-8")


def read_record(folder: Path) -> dict[str, Any]:
    """`correction.json`.

    Raises:
        BadInput: It is not there, or cannot be read.
    """
    try:
        record: Any = parse((folder / RECORD).read_bytes())
    except FileNotFoundError:
        raise BadInput(f"{folder} holds no corrected model: it has no {RECORD}") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{folder / RECORD} cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise BadInput(f"{folder / RECORD} holds {record!r:.60}; wanted the record of a correction")
    return record


def check_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Raise `BadInput` unless a record has what every kind of correction needs."""
    for name, kind in _FIELDS.items():
        if not isinstance(record.get(name), kind):
            raise BadInput(
                f"{folder / RECORD} has no {name!r} that is {_KINDS[kind]}: it was damaged. Make the "
                "correction again with `plumbline correct`"
            )
