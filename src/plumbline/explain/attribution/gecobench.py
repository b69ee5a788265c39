"""Do attributions credit the words that carry the label, and as well in both genders' sentences?

Wilming et al., "GECOBench: A Gender-Controlled Text Dataset and Benchmark for Quantifying Biases in
Explanations", arXiv:2406.11547. Forms of a sentence differ in marked words only, so attribution on any
other word is wrong, whatever the model reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.explanation import Array, Drawing, Explanation
from plumbline.core.scored import Items, Measure, Scored
from plumbline.data.sets import geco
from plumbline.explain import mass_accuracy as scores
from plumbline.explain.bag_of_words import covariances
from plumbline.explain.gender_reader import GenderReader, drawn
from plumbline.models.abilities import Adapter, open_live
from plumbline.models.attribution import METHODS, Read, to_words
from plumbline.models.head_training import Recipe

Floats = NDArray[np.float64]
Judgement = Mapping[str, scores.Judged]
SIZES: Final = {"quick": (60, 300), "standard": (200, 1288), "full": (None, 1288)}
"""Sentences to judge and sentences to train on, in all their forms."""
REFERENCES: Final = ("random", "covariance")
SCORES: Final[Mapping[str, Callable[[scores.Judged], Floats]]] = {
    "ROC AUC": scores.roc_auc, "average precision": scores.average_precision,
    "top-k precision": scores.top_k_precision,
    "precision at specificity .5": partial(scores.precision_at_specificity, specificity=0.5),
    "precision at specificity .7": partial(scores.precision_at_specificity, specificity=0.7),
    "precision at specificity .9": partial(scores.precision_at_specificity, specificity=0.9),
}  # fmt: skip
ABOVE: Final = "mean mass accuracy of an attribution method minus the share of marked words, over forms like these"
MISREAD: Final = "misread: a form of the sentence is classified wrongly"


@method(
    id="gecobench",
    version=1,
    title="Do attributions credit the words that carry the label? (GECO)",
    family="social",
    harm="misrepresentation",
    needs=("open",),
    paper="arxiv:2406.11547",
    suite="standard",
    estimand="mean mass accuracy of an attribution method on female minus on male forms of the same sentences, all forms classified rightly, over sentences like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "the forms of a sentence have the same length and the same marked places, so only the gender of the words differs",
    },
    sign="signed",
    worse="either",
    units=("sentence random",),
    trust="planted",
    kind="opening",
    data=("geco", "gecobench-nonbinary"),
    axes=("gender",),
    seeds=("S029",),
)
def gecobench(
    context: Context, model: Adapter, *, variant: str = "all", methods: Sequence[str] | str = METHODS,
    adapt: str = "all", epochs: int = 20, rate: float | None = None, steps: int = 50,
) -> Explanation:  # fmt: skip
    """Mass accuracy of attribution methods on a gender classifier, and its gap between genders.

    A classifier is judged as it is (its labels are female and male, or LABEL_0 and LABEL_1 in this order);
    an encoder or a masked model first gets a new head, trained on GECO, on a copy. Only sentences whose forms
    are all classified rightly count. Attributions are of the right class's logit, a word's is the sum
    over its tokens, and |a| is shared out over the sentence's words. `random` draws every word alike: its
    mass accuracy is |y| / T on average, the level that says nothing. `covariance` needs no model.

    Args:
        context: The run's surroundings.
        model: A classifier, an encoder or a masked model that can be opened.
        variant: `all`, `subj`, `nonbinary_all` or `nonbinary_subj`.
        methods: Attribution methods; the first one is the primary.
        adapt: What is trained besides the head: `head`, `embeddings`, `new embeddings`, `all`.
        epochs: Passes of the training.
        rate: Its learning rate; the paper's are for BERT, smaller models want more (5e-4).
        steps: Steps of integrated gradients, draws of gradient SHAP.

    Returns:
        Arrays `mass_accuracy` (attribution method by form) and `scores` (ranking scores), and findings:
        the primary method's gap first, the others', and mass accuracy above random.
    """
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise UnknownName("attribution method", (unknown or [""])[0], METHODS)
    opened, recipe = open_live(model), Recipe(adapt=adapt, epochs=epochs, rate=rate)
    sizes = SIZES[context.suite]
    train = drawn(geco.load(variant, "train"), context, "train", sizes[1])
    test = drawn(geco.load(variant, "test"), context, "test", sizes[0])
    about = GenderReader.of(opened, train, recipe, context)
    ids, words = about.reader.coded([f.words for f in test])
    wanted = np.array([about.classes[f.gender] for f in test])
    right = about.reader.logits(ids).argmax(1) == wanted
    lost = {f.sentence for f, fine in zip(test, right, strict=True) if not fine}
    kept = [i for i, f in enumerate(test) if f.sentence not in lost]
    if not kept:
        raise BadInput(
            f"no sentence has all its forms classified rightly (accuracy {right.mean():.2f}), so there is "
            "nothing to explain; train longer (epochs), or faster (rate)"
        )
    forms = [test[i] for i in kept]
    judged, told = {}, {}
    for name in methods:
        rng = context.seeds.stream("attributions", name)
        read = about.reader.attributed(
            [ids[i] for i in kept], [words[i] for i in kept], wanted[kept].tolist(), name, rng=rng, steps=steps
        )  # fmt: skip
        judged[name], told[name] = _judged(read, [words[i] for i in kept], forms)
    judged |= _references(forms, train, context)
    facts = {
        **about.facts, "variant": variant, "forms": len(test), "accuracy": float(right.mean()),
        "forms_kept": len(kept), "random_level": float(judged["random"].share.mean()), "attribution": told,
    }  # fmt: skip
    arrays = {"mass_accuracy": _means(judged, forms), "scores": _ranking(judged)}
    drawing = Drawing(array="mass_accuracy", mark="bar", x="attribution", by="form",
                      caption="Share of attribution on the words that carry the label.")  # fmt: skip
    return Explanation(arrays=arrays, drawings=[drawing], facts=facts, notes=[_note(facts)],
                       scored=_scored(judged, forms, lost))  # fmt: skip


def _references(
    forms: Sequence[geco.Form], train: Sequence[geco.Form], context: Context
) -> dict[str, scores.Judged]:
    """Attributions that owe nothing to the model. Covariance is with being of the form's own gender."""
    rng, marks = context.seeds.stream("random"), [f.marked for f in forms]
    drawn = [rng.random(len(f.words)) for f in forms]
    by_gender = {
        g: covariances([f.words for f in train], [float(f.gender == g) for f in train])
        for g in {f.gender for f in forms}
    }
    known = [[by_gender[f.gender].get(w.lower(), 0.0) for w in f.words] for f in forms]
    return {"random": scores.Judged.of(drawn, marks), "covariance": scores.Judged.of(known, marks)}


def _judged(
    read: Read, words: Sequence[Sequence[int]], forms: Sequence[geco.Form]
) -> tuple[scores.Judged, dict[str, Any]]:
    """Attributions of words beside their marks, and what the one number hides, where it is defined."""
    rows = [(t, w, len(f.words)) for t, w, f in zip(read.tokens, words, forms, strict=True)]
    marks, values = [f.marked for f in forms], [to_words(*row) for row in rows]
    judged = scores.Judged.of(values, marks)
    pooled = scores.Judged.of([to_words(*row, how="mean") for row in rows], marks)
    ma = scores.mass_accuracy(judged)
    logs = scores.relative_mass_accuracy(ma, judged.share)
    published = scores.relative_mass_accuracy(ma, judged.share, as_published=True)
    told = {
        "mass_accuracy_of_mean_over_subwords": _mean(scores.mass_accuracy(pooled)),
        "share_of_marked_mass_for_the_class": scores.signed_share(values, marks),
        "completeness_gap": read.gap,
        "log_ratio_to_random": _mean(logs), "log_ratio_as_published": _mean(published),
        "log_ratio_as_published_undefined": float(np.isnan(published).mean()),
        "top_k_precision_as_published": _mean(scores.top_k_precision(judged, as_published=True)),
    }  # fmt: skip
    return judged, {name: value for name, value in told.items() if np.isfinite(value)}


def _mean(values: Floats) -> float:
    fine = values[np.isfinite(values)]
    return float(fine.mean()) if fine.size else float("nan")


def _means(judged: Judgement, forms: Sequence[geco.Form]) -> Array:
    gender = np.array([f.gender for f in forms])
    columns = [g for g in geco.TARGETS if g in gender]
    values = [
        [_mean(scores.mass_accuracy(j)[gender == g]) for g in columns] for j in judged.values()
    ]
    return _array(values, "mean mass accuracy: share of |a| on marked words", judged, form=columns)


def _ranking(judged: Judgement) -> Array:
    values = [[_mean(kernel(j)) for kernel in SCORES.values()] for j in judged.values()]
    return _array(
        values, "mean over forms of how |a| ranks the marked words", judged, score=list(SCORES)
    )


def _array(values: Any, says: str, judged: Judgement, **columns: Sequence[str]) -> Array:
    why = np.where(np.isnan(values), "not defined for any form", "").astype(object)
    return Array.of(values, unit="rate", says=says, why=why if (why != "").any() else None,
                    attribution=list(judged), **columns)  # fmt: skip


def _scored(judged: Judgement, forms: Sequence[geco.Form], lost: set[int]) -> Scored:
    """Rows: mass accuracy of each form and method, and how far it stands above |y| / T."""
    rows: dict[str, list[Any]] = {n: [] for n in ("sentence", "group", "part", "score", "why")}
    for name, one in judged.items():
        ma = scores.mass_accuracy(one)
        for part, values in ((name, ma), (f"{name}: above random", ma - one.share)):
            for form, value, why in zip(forms, values, one.why, strict=True):
                for column, cell in zip(
                    rows, (form.sentence, form.gender, part, value, why), strict=True
                ):
                    rows[column].append(cell)
    for number, gender, name in (
        (s, g, n) for s in sorted(lost) for g in ("female", "male") for n in judged
    ):
        for column, cell in zip(rows, (number, gender, name, np.nan, MISREAD), strict=True):
            rows[column].append(cell)
    axis = {
        "axis": "gender",
        "group": "female",
        "against": "male",
        "toward": "attribution on the right words",
    }
    gaps = [
        Measure(estimator="difference", role="reference", where={"part": name}, groups=("female", "male"),
                labels={**axis, "measure": f"gap of {name}"}) for name in judged
    ]  # fmt: skip
    above = [
        Measure(estimator="mean", role="reference", where={"part": f"{name}: above random"}, estimand=ABOVE,
                labels={"axis": "gender", "measure": f"mass accuracy of {name} above random"})
        for name in judged if name != "random"
    ]  # fmt: skip
    return Scored(items=Items.of(item=rows["sentence"], **rows), measures=[*gaps, *above])


def _note(facts: Mapping[str, Any]) -> str:
    return (
        f"{facts['classifier']}: accuracy {facts['accuracy']:.3f}; judged on {facts['forms_kept']} of "
        f"{facts['forms']} forms. Attributions drawn at random would have a mass accuracy of "
        f"{facts['random_level']:.3f}."
    )
