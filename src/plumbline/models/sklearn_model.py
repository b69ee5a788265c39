"""Scikit-learn estimators with a data frame: predictions and probabilities as recorded columns.

On disk only through skops, which shows what types a file holds before anything is built from it.
A pickle runs code while it is read, so a .pkl or .joblib file is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from plumbline.core.errors import BadInput, MissingExtra
from plumbline.core.packed import check_zip
from plumbline.models.abilities import ModelOptions
from plumbline.models.column_roles import SETTINGS as ROLES
from plumbline.models.column_values import Column, from_array
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_facts
from plumbline.models.frame import digest, frame_columns
from plumbline.models.recorded import Recorded

SETTINGS: Final[dict[str, Any]] = {**ROLES, "features": None, "trusted": ()}
"""Those of recorded subjects, and `features`: the columns that the estimator reads; None for
those it was fitted with (`feature_names_in_`); `trusted`: types in a .skops file to trust."""
PICKLES: Final = (".pkl", ".pickle", ".joblib", ".dill")


def open_estimator(
    estimator: Any, frame: Any, options: ModelOptions, *, name: str = ""
) -> Recorded:
    """A fitted estimator and the rows to judge it on, as a subject with the ability `records`.

    Args:
        estimator: A classifier or regressor.
        frame: Features, label and group columns.
        options: `SETTINGS` in `extra`; `label` and `groups` as in a table.
        name: What to call it; the estimator's class by default.

    Raises:
        BadInput: The estimator is not fitted, or columns are missing.
    """
    given = read_extra("sklearn", options.extra, SETTINGS)
    given.pop("trusted")
    if frame is None:
        raise BadInput("an estimator needs rows to be judged on: wrap(estimator, data=frame)")
    columns = frame_columns(frame)
    features = _features(estimator, given.pop("features"), columns)
    name = name or type(estimator).__name__
    _free(columns)
    inputs = _inputs(estimator, frame, features)
    prediction = from_array("prediction", _predict(estimator, inputs))
    columns["prediction"] = prediction
    columns |= _scores(estimator, inputs)
    given |= _roles(given, columns)
    return Recorded(
        name,
        columns,
        given,
        form="sklearn",
        fingerprint=of_facts(
            form="sklearn", estimator=_state(estimator), data=digest(columns), **given
        ),
        facts={"features": list(features), "classes": [str(c) for c in _classes(estimator)]},
    )


def load_skops(path: Path, trusted: Sequence[str] = ()) -> Any:
    """A fitted estimator from a .skops file.

    Args:
        path: The file.
        trusted: Names of types that skops does not know and that the caller vouches for.

    Raises:
        MissingExtra: skops is not installed.
        BadInput: A pickle, a damaged file, or types that nobody vouched for.
    """
    refuse_pickle(path)
    if not path.is_file() or path.stat().st_size == 0:
        raise BadInput(f"{path} is not there or empty; wanted is a .skops file")
    try:
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException
    except ImportError:
        raise MissingExtra("skops", "sklearn", f"the scikit-learn model {path}") from None
    check_zip(path, str(path))
    try:
        strange = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        if strange:
            raise BadInput(
                f"{path} holds types that skops does not vouch for: {', '.join(strange)}. If you "
                "know where the file comes from, pass them as `trusted`"
            )
        return skops.io.load(path, trusted=list(trusted))
    except (
        KeyError,
        ValueError,
        TypeError,
        UntrustedTypesFoundException,
    ) as wrong:
        raise BadInput(f"{path} is not a readable .skops file: {wrong}") from None


def refuse_pickle(path: Path) -> None:
    """Refuse a pickle by its name; reading one would run whatever code it holds."""
    if path.suffix in PICKLES:
        raise BadInput(
            f"{path.name} is a pickle: to read it is to run the code inside, so plumbline reads "
            "none. Save the model with skops (skops.io.dump), or its predictions as table:FILE"
        )


def _free(columns: dict[str, Column]) -> None:
    """The names of what the estimator makes must not be taken."""
    taken = [c for c in columns if c in ("prediction", "score") or c.startswith("score:")]
    if taken:
        raise BadInput(
            f"the data already have {', '.join(taken)}, which the estimator is to make; take them "
            "out, or audit them without the estimator"
        )


def _features(estimator: Any, given: Any, columns: dict[str, Column]) -> list[str]:
    features = given if given is not None else getattr(estimator, "feature_names_in_", None)
    if features is None:
        raise BadInput(
            f"{type(estimator).__name__} does not say which columns it reads (it was fitted "
            "without names, or not at all); name them with the setting features"
        )
    absent = [str(f) for f in features if f not in columns]
    if absent:
        raise BadInput(
            f"the data have the columns {', '.join(columns)}; the estimator wants "
            f"{', '.join(absent)} as well"
        )
    return [str(f) for f in features]


def _inputs(estimator: Any, frame: Any, features: list[str]) -> Any:
    """The features in the kind of container that the estimator was fitted with."""
    import narwhals as nw

    chosen = nw.from_native(frame, eager_only=True).select(features)
    if getattr(estimator, "feature_names_in_", None) is None:
        return chosen.to_numpy()
    return chosen.to_native()


def _predict(estimator: Any, inputs: Any) -> Any:
    from sklearn.exceptions import NotFittedError

    try:
        return estimator.predict(inputs)
    except NotFittedError as wrong:
        raise BadInput(f"the estimator is not fitted: {wrong}") from None


def _classes(estimator: Any) -> Any:
    return getattr(estimator, "classes_", ())


def _scores(estimator: Any, inputs: Any) -> dict[str, Column]:
    """Probabilities: of the second class where there are two, else of each class."""
    if not hasattr(estimator, "predict_proba"):
        return {}
    values = np.asarray(estimator.predict_proba(inputs), float)
    classes = [str(c) for c in _classes(estimator)]
    if len(classes) == 2:
        return {"score": from_array("score", values[:, 1])}
    return {f"score:{c}": from_array(c, values[:, i]) for i, c in enumerate(classes)}


def _roles(given: dict[str, Any], columns: dict[str, Column]) -> dict[str, Any]:
    """The estimator's own prediction and scores have their roles; the caller has named the rest."""
    if given["prediction"] or given["score"] or given["scores"]:
        raise BadInput("the estimator gives prediction and score; name only label, groups, weight")
    each = {c.removeprefix("score:"): c for c in columns if c.startswith("score:")}
    return {
        "prediction": "prediction",
        "score": "score" if "score" in columns and not each else "none",
        "scores": each or None,
    }


def _state(estimator: Any) -> str:
    """Digest of the estimator as skops writes it, else of its class and parameters.

    The recorded predictions enter the fingerprint besides, so that two estimators which differ
    in nothing that this shows still differ where their answers do.
    """
    text = f"{type(estimator).__module__}.{type(estimator).__qualname__} {estimator!r}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
