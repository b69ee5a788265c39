"""Opens corrected models (`corrected:DIR`): a base model and what was done to it.

A kind is a module `corrected_KIND` beside this one; its class says `kind = "KIND"` and has `read`, which makes
a model from (folder, base, record).
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from plumbline.core.errors import BadInput
from plumbline.models.abilities import Adapter, ModelOptions
from plumbline.models.corrected_files import check_record, read_record

_KIND: Final = re.compile(r"[a-z][a-z_]*")


def open_corrected(path: str | Path, options: ModelOptions) -> Adapter:
    """Open `corrected:DIR`.

    Raises:
        BadInput: Not a corrected model, a damaged one, or its base has changed since.
    """
    from plumbline.models.resolve import open_model

    folder = Path(path)
    record = read_record(folder)
    kind = _kind(folder, record.get("kind"))
    check_record(folder, record)
    given = record["base_options"]
    base = open_model(record["base"], ModelOptions(**given) if given else options)
    model = kind.read(folder, base, record)
    if model.fingerprint != record["fingerprint"]:
        raise BadInput(
            f"{folder}: the base model {record['base']} or the weights changed since the correction was "
            "made; make it again with `plumbline correct`"
        )
    made: Adapter = model
    return made


def _kind(folder: Path, name: Any) -> Any:
    """The class of a kind: the one in `plumbline.models.corrected_KIND` whose `kind` is this name."""
    unknown = BadInput(f"{folder}: unknown kind of correction {name!r}")
    if not isinstance(name, str) or not _KIND.fullmatch(name):
        raise unknown
    where = f"{__name__}_{name}"
    if find_spec(where) is None:
        raise unknown
    for found in vars(import_module(where)).values():
        if (
            isinstance(found, type)
            and found.__module__ == where
            and vars(found).get("kind") == name
        ):
            return found
    raise unknown
