"""Recipes: how a stored file is made from its public original, byte for byte.

Used where the original should not be kept as it is (COMPAS names real people) or is not a table.
Both the original and the result have checksums in the catalogue, so a recipe cannot drift.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.core.packed import check_zip
from plumbline.data.tables import unzip

ADULT: Final = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation",
    "relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week",
    "native_country", "income",
)  # fmt: skip
GERMAN: Final = (
    "status", "duration", "credit_history", "purpose", "credit_amount", "savings", "employment",
    "installment_rate", "personal_status_sex", "other_debtors", "residence_since", "property",
    "age", "other_installment_plans", "housing", "existing_credits", "job", "num_liable",
    "telephone", "foreign_worker", "credit_risk",
)  # fmt: skip
# Defendants are not named, and records must not be re-linked.
PERSONAL: Final = frozenset({
    "name", "first", "last", "dob", "c_case_number", "r_case_number", "vr_case_number",
})  # fmt: skip


def compas(raw: bytes) -> bytes:
    """ProPublica's CSV without names, birth dates and case numbers."""
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline="")))
    keep = [i for i, name in enumerate(rows[0]) if name not in PERSONAL]
    return _csv([[row[i] for i in keep] for row in rows], end="\r\n")


def adult(raw: bytes) -> bytes:
    """UCI Adult with a header; blanks, comment lines and the test file's full stops removed."""
    lines = (line for line in raw.decode("utf-8").splitlines() if line.strip())
    rows = [
        [field.strip() for field in line.rstrip(". ").split(",")]
        for line in lines
        if not line.startswith("|")
    ]
    return _csv([ADULT, *rows], end="\n")


def german(raw: bytes) -> bytes:
    """UCI German credit with a header and commas."""
    lines = raw.decode("utf-8").splitlines()
    return _csv([GERMAN, *(line.split() for line in lines if line.strip())], end="\n")


def shares(raw: bytes) -> bytes:
    """A JSON object of occupation to percent, as a sorted two-column CSV."""
    given = json.loads(raw)
    rows = [["occupation", "pct_female"], *([name, str(given[name])] for name in sorted(given))]
    return _csv(rows, end="\r\n")


def gunzip(raw: bytes) -> bytes:
    """What a file holds that its repository keeps compressed."""
    return unzip(raw, "the original")


def commas(raw: bytes) -> bytes:
    """A table whose fields semicolons part, with commas instead and without a byte-order mark."""
    rows = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";")
    return _csv(list(rows), end="\r\n")


def calm(raw: bytes, *, task: str, axis: str) -> bytes:
    """One filled set out of CALM's archive of an axis."""
    name = f"{axis}_datasets/{task}_{axis}_dataset.jsonl"
    if name not in check_zip(io.BytesIO(raw), "the original"):
        raise BadInput(f"the original holds no {name}")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return archive.read(name)


RECIPES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "compas": compas, "adult": adult, "german": german, "shares": shares, "gunzip": gunzip,
    "commas": commas,
    **{
        f"calm_{task}_{axis}": partial(calm, task=task, axis=axis)
        for task in ("qa", "nli", "sentiment")
        for axis in ("gender", "race")
    },
}  # fmt: skip


def _csv(rows: Sequence[Sequence[str]], *, end: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue().encode("utf-8")
