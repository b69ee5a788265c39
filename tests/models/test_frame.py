"""Data frames, arrays and scikit-learn estimators as recorded subjects."""

from __future__ import annotations

import pickle

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from contract import LAWS, Case

from plumbline.core import questions as q
from plumbline.core.errors import BadInput
from plumbline.models.abilities import ModelOptions
from plumbline.models.resolve import wrap
from plumbline.models.sklearn_model import load_skops

TABLE = {
    "label": [1, 0, 1, 0],
    "prediction": [1, 1, 0, 0],
    "score": [0.9, 0.6, 0.4, 0.1],
    "sex": ["f", "m", None, "m"],
    "note": ["a", "b", "c", "d"],
}


def columns_of(subject, **extra):
    """The recorded columns of a wrapped object."""
    adapter = wrap(subject, options=ModelOptions(extra=extra))
    ((_, records),) = adapter.answer(q.records())
    return records.columns


FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.table,
    "mapping": dict,
    "pandas arrow": lambda t: pd.DataFrame(t).convert_dtypes(dtype_backend="pyarrow"),
}


@pytest.mark.parametrize("made", FRAMES.values(), ids=FRAMES.keys())
def test_every_kind_of_frame_gives_the_same(made):
    """One table in five libraries gives the same columns, kinds and fingerprint."""
    got = columns_of(made(TABLE))
    assert got["label"].tolist() == [1, 0, 1, 0]
    assert got["label"].dtype == np.int64
    assert got["score"].tolist() == [0.9, 0.6, 0.4, 0.1]
    assert got["group:sex"].tolist() == ["f", "m", "not stated", "m"]
    assert got["column:note"].tolist() == ["a", "b", "c", "d"]
    assert wrap(made(TABLE)).fingerprint == wrap(pd.DataFrame(TABLE)).fingerprint


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law):
    """The adapter keeps the law."""
    frame = pl.DataFrame(TABLE)
    law(
        Case(
            adapter=wrap(frame),
            reopen=lambda options: wrap(frame, options=options),
            moves=(ModelOptions(extra={"score": "none"}),),
            counted=False,
        )
    )


def test_other_values_are_another_subject():
    """The fingerprint is of the values."""
    other = {**TABLE, "score": [0.9, 0.6, 0.4, 0.2]}
    assert wrap(pl.DataFrame(other)).fingerprint != wrap(pl.DataFrame(TABLE)).fingerprint


def test_categories_booleans_and_decimals():
    """Categories are text, truth values 0/1, decimals floats."""
    from decimal import Decimal

    frame = pl.DataFrame(
        {"label": [True, False], "score": [Decimal("0.5"), Decimal("0.25")],
         "sex": pl.Series(["f", "m"], dtype=pl.Categorical)}
    )  # fmt: skip
    got = columns_of(frame)
    assert got["label"].tolist() == [1, 0]
    assert got["score"].tolist() == [0.5, 0.25]
    assert got["group:sex"].tolist() == ["f", "m"]


def test_nan_scores_and_lazy_frames_are_refused():
    """NaN in a score is told with its row; a lazy frame is to be collected."""
    with pytest.raises(BadInput, match="row 2"):
        wrap(pl.DataFrame({"label": [1, 0], "score": [0.5, float("nan")], "sex": ["f", "m"]}))
    with pytest.raises(BadInput, match="row 2"):
        wrap(pd.DataFrame({"label": [1, 0], "score": [0.5, float("nan")], "sex": ["f", "m"]}))
    with pytest.raises(BadInput, match="in memory"):
        wrap(pl.LazyFrame(TABLE))
    with pytest.raises(BadInput, match="differ in length"):
        wrap({"label": [1, 0], "score": [0.5], "sex": ["f", "m"]})


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """120 rows with two features, a label and a group."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(120, 2))
    label = (x[:, 0] + 0.3 * rng.normal(size=120) > 0).astype(int)
    group = np.where(rng.random(120) < 0.5, "a", "b")
    return pd.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "label": label, "group": group})


@pytest.fixture(scope="module")
def fitted(rows):
    """A logistic regression on the two features."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(rows[["x1", "x2"]], rows["label"])


def test_estimator_gives_its_own_predictions(rows, fitted):
    """Prediction and score are exactly those of the estimator, beside label and group."""
    for given in ((fitted, rows), (fitted, pl.DataFrame(rows.to_dict("list")))):
        got = columns_of(given)
        np.testing.assert_array_equal(got["prediction"], fitted.predict(rows[["x1", "x2"]]))
        np.testing.assert_allclose(
            got["score"], fitted.predict_proba(rows[["x1", "x2"]])[:, 1], rtol=1e-12
        )
        np.testing.assert_array_equal(got["label"], rows["label"])
        assert set(got["group:group"]) == {"a", "b"}
    adapter = wrap(fitted, data=rows)
    assert adapter.about()["features"] == ["x1", "x2"]
    assert adapter.about()["classes"] == ["0", "1"]
    assert adapter.name == "LogisticRegression"


def test_three_classes_have_a_score_each(rows):
    """A multiclass estimator gives `score:CLASS` for every class; the rows sum to 1."""
    from sklearn.linear_model import LogisticRegression

    three = rows.assign(
        label=np.where(rows["x2"] > 1, "high", np.where(rows["x1"] > 0, "mid", "low"))
    )
    model = LogisticRegression().fit(three[["x1", "x2"]], three["label"])
    got = columns_of((model, three))
    total = got["score:high"] + got["score:mid"] + got["score:low"]
    np.testing.assert_allclose(total, 1.0)
    assert set(got["prediction"]) <= {"high", "mid", "low"}


def test_regressors_and_arrays_without_names(rows):
    """A regressor has no score; one fitted on an array needs its features named."""
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(rows[["x1", "x2"]].to_numpy(), rows["label"])
    with pytest.raises(BadInput, match="features"):
        wrap((model, rows))
    got = columns_of((model, rows), features=["x1", "x2"])
    assert "score" not in got
    np.testing.assert_allclose(got["prediction"], model.predict(rows[["x1", "x2"]].to_numpy()))


def test_two_estimators_are_two_subjects(rows, fitted):
    """Another fit has another fingerprint; the same one has the same."""
    from sklearn.linear_model import LogisticRegression

    other = LogisticRegression(C=0.001).fit(rows[["x1", "x2"]], rows["label"])
    assert wrap((fitted, rows)).fingerprint == wrap((fitted, rows)).fingerprint
    assert wrap((fitted, rows)).fingerprint != wrap((other, rows)).fingerprint


def test_what_an_estimator_cannot_do_without(rows, fitted):
    """Missing rows, missing features, an unfitted model and taken names are told."""
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(BadInput, match="needs rows"):
        wrap(fitted)
    with pytest.raises(BadInput, match="wants x2 as well"):
        wrap((fitted, rows.drop(columns="x2")))
    with pytest.raises(BadInput, match="not fitted"):
        wrap((LogisticRegression(), rows), options=ModelOptions(extra={"features": ["x1"]}))
    with pytest.raises(BadInput, match="already have prediction"):
        wrap((fitted, rows.assign(prediction=1)))


def test_skops_files_are_opened_and_pickles_are_not(tmp_path, rows, fitted):
    """A model saved by skops gives the same predictions; a pickle is refused unread."""
    skops = pytest.importorskip("skops.io")
    path = tmp_path / "model.skops"
    skops.dump(fitted, path)
    got = columns_of((str(path), rows))
    np.testing.assert_array_equal(got["prediction"], fitted.predict(rows[["x1", "x2"]]))

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    for name in ("m.pkl", "m.joblib", "m.pickle"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(BadInput, match="is a pickle"):
            wrap((str(tmp_path / name), rows))
    (tmp_path / "hidden.skops").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(BadInput, match=r"not a readable \.skops|not a whole zip"):
        load_skops(tmp_path / "hidden.skops")
    assert not (tmp_path / "ran").exists()
    (tmp_path / "cut.skops").write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match=r"not a readable \.skops|not a whole zip"):
        load_skops(tmp_path / "cut.skops")


def test_skops_types_that_nobody_vouched_for(tmp_path):
    """Unknown types are listed instead of being built."""
    skops = pytest.importorskip("skops.io")
    from sklearn.preprocessing import FunctionTransformer

    path = tmp_path / "f.skops"
    skops.dump(FunctionTransformer(nw.from_native), path)
    with pytest.raises(BadInput, match="does not vouch for"):
        load_skops(path)
