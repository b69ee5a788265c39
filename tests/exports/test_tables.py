"""CSV and Parquet: opened with pandas, Polars and DuckDB, values equal, formulas harmless."""

from __future__ import annotations

import math
import re

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.errors import BadInput, StoreError, UnknownName, UsageError
from plumbline.report.exports import flat, sheets
from plumbline.report.exports.forms import export

NUMBERS = ("value", "low", "high", "n", "p", "p_adjusted", "margin", "null")
ABSENT = list(sheets.ABSENT)


def said(cell: str) -> str:
    """The text of a cell: without the apostrophe that keeps it from being a formula."""
    return cell.removeprefix("'")


def test_findings_in_csv_are_those_of_the_run(loans, tmp_path):
    """pandas and Polars read every number as it was stored, and the words for those that are not there."""
    paths = loans.export("csv", tmp_path).places
    frame = pd.read_csv(paths[0], na_values=ABSENT, keep_default_na=False)
    other = pl.read_csv(paths[0], null_values=ABSENT, infer_schema_length=None)
    assert len(frame) == len(other) == len(loans.findings)
    rows = {(r.metric, r.role, r.about or "all items"): r for r in flat.of_run(loans)}
    for one, two in zip(frame.to_dict("records"), other.to_dicts(), strict=True):
        stored = rows[one["metric"], one["role"], said(one["of_what_toward_what"])].finding
        for name in NUMBERS:
            wanted = stored[name]
            if wanted is None:
                assert pd.isna(one[name])
                assert two[name] is None
            else:
                assert one[name] == wanted
                assert two[name] == wanted
        assert (said(one["reason"]) or None) == stored["reason"]


def test_undefined_is_a_word_in_csv_and_never_empty_or_zero(loans, tmp_path):
    """A spreadsheet counts an empty cell as 0: there is none among the numbers."""
    path = loans.export("csv", tmp_path).places[0]
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    gone = raw[raw["status"] == "undefined"]
    assert len(gone) > 0
    assert set(gone["value"]) == set(gone["low"]) == {"undefined"}
    assert (gone["reason"] != "").all()
    other = raw[raw["status"] == "not_applicable"]
    assert set(other["value"]) == {"not applicable"}
    assert (raw[list(NUMBERS)] != "").all().all()


def test_no_cell_of_text_begins_like_a_formula(loans, tmp_path):
    """Whatever a group is called, no cell is a formula; one apostrophe less is the text again."""
    path = loans.export("csv", tmp_path).places[0]
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    named = raw["label_group"]
    hostile = named[named.str.contains("cmd")]
    assert len(hostile) > 0
    numbers = set(flat.NUMBERS)
    for name in raw.columns:
        cells = raw[name]
        if name in numbers:
            assert cells.map(lambda c: c in ABSENT or math.isfinite(float(c))).all()
        else:
            assert not cells.str.match(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]").any()
    groups = {v for f in loans.findings for v in f["labels"].values()}
    assert set(map(said, hostile)) <= groups


@given(st.text(max_size=30))
def test_any_text_becomes_harmless_and_comes_back(words):
    """No formula sign first, no control character, and the apostrophe can be taken away again."""
    made = sheets.harmless(words)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\n", "\r"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", made)
    assert sheets.show.clean(words, lines=True) == said(made)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (-0.5, "-0.5"),
        (3.0, "3"),
        (1e-300, "1e-300"),
        (math.inf, "inf"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_numbers_keep_all_their_digits_and_their_sign(number, written):
    """A negative number is no formula: it is written as it is."""
    assert sheets._number(number, "none") == written
    assert float(written) == number


def test_items_in_csv_are_those_of_the_run(words, tmp_path):
    """Scores and labels are equal; a row without a score has the word and its reason."""
    path = words.export("csv", tmp_path).places[1]
    frame = pd.read_csv(path, na_values=ABSENT, keep_default_na=False)
    stored = words.items("weat")
    assert path.endswith("items-weat.csv")
    assert list(frame.columns) == list(stored)
    assert frame["score"].tolist() == pytest.approx(
        stored["score"].tolist(), rel=0, abs=0, nan_ok=True
    )
    assert frame["item"].tolist() == [str(i) for i in stored["item"]]


def test_parquet_has_types_and_nulls(loans, tmp_path):
    """Numbers are doubles and a missing one is null, never NaN; pandas, Polars and DuckDB agree."""
    paths = loans.export("parquet", tmp_path).places
    frame, other = pd.read_parquet(paths[0]), pl.read_parquet(paths[0])
    assert other["value"].dtype == pl.Float64
    assert other["value"].is_nan().sum() == 0
    gone = other.filter(pl.col("status") == "undefined")
    assert gone.height > 0
    assert gone["value"].null_count() == gone.height
    assert (gone["reason"] != "").all()
    stored = [r.finding for r in flat.of_run(loans)]
    assert other["value"].to_list() == [f["value"] for f in stored]
    assert frame["p"].isna().tolist() == [f["p"] is None for f in stored]
    assert other["label_group"].to_list() == [f["labels"].get("group", "") for f in stored]
    count = duckdb.read_parquet(paths[1]).count("*").fetchall()
    assert count == [(len(loans.items()["item"]),)]
    items, stored = pl.read_parquet(paths[1]), loans.items()
    assert items.columns == list(stored)
    assert items["score"].is_nan().sum() == 0
    assert [np.nan if v is None else v for v in items["score"]] == pytest.approx(
        stored["score"].tolist(), nan_ok=True
    )
    assert items["item"].to_list() == stored["item"].tolist()


def test_every_row_says_of_what_toward_what_measured_how(words, tmp_path):
    """The columns that make a number readable are filled in every row."""
    frame = pl.read_parquet(words.export("parquet", tmp_path).places[0])
    for name in (
        "of_what_toward_what",
        "measured_how",
        "sentence",
        "unit",
        "fingerprint",
        "plan_hash",
    ):
        assert (frame[name].str.len_chars() > 0).all(), name


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_redacted_tables_have_no_items(loans, tmp_path, form):
    """With redact_items only findings are written; by default beside, not over, the full copy."""
    places = loans.export(form, redact_items=True).places
    assert len(places) == 1
    assert f"{form}-redacted" in places[0]
    assert len(loans.export(form, tmp_path).places) == 2


def test_the_runs_own_tables_are_not_written_over(loans):
    """findings.parquet of the run itself is the record."""
    with pytest.raises(StoreError, match="own directory"):
        export(loans, "parquet", loans.folder)


def test_wrong_names_are_answered_with_the_right_ones(loans):
    """An unknown form or option is an error that lists the nearest."""
    with pytest.raises(UnknownName, match="model-card"):
        export(loans, "modelcard")
    with pytest.raises(UnknownName, match="experiment"):
        export(loans, "mlflow", experment="x")
    with pytest.raises(UsageError, match="--to"):
        export(loans, "mlflow", "file.txt")


def test_a_run_in_memory_wants_a_folder(loans):
    """What was not stored has findings but no items and no directory."""
    from plumbline.audit.store import Run

    bare = Run(loans.header, loans.findings)
    with pytest.raises(BadInput, match="not stored"):
        bare.export("csv")


def test_a_run_without_items_has_tables_all_the_same(words, tmp_path):
    """An explanation without scored items: findings as ever, and no rows of items."""
    from plumbline.audit.store import save

    bare = save(tmp_path / "run", {**words.header, "explainer": "logit_lens"}, [], {}, [])
    assert [p.rpartition("/")[2] for p in bare.export("csv", tmp_path / "c").places] == [
        "findings.csv"
    ]
    places = bare.export("parquet", tmp_path / "p").places
    assert [pl.read_parquet(p).height for p in places] == [0, 0]
    for form in ("model-card", "technical-file", "bibtex", "md", "html"):
        assert bare.export(form, tmp_path / form).places
