"""Corrected by a prior over labels: what a model answers to texts that say nothing is divided out.

The prior belongs to a prompt frame: the options and everything in the prompt but the segments of the exchange set
`input`. For a frame that is not among the stored ones it is estimated once, by asking the base with the
stored texts in these segments. A prompt without such a segment is answered as the base answers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from plumbline.core.answers import Answers, Choices, Classes
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.exchange import filled
from plumbline.core.questions import Batch, Prompt
from plumbline.models.abilities import Adapter
from plumbline.models.choose_derived import NONE, TIE, by_scores
from plumbline.models.corrected_questions import CorrectedQuestions
from plumbline.models.whole_batch import answered
from plumbline.stats.label_prior import Floats, divided, mean_prior, normalised

INPUT: Final = "input"
NO_PRIOR: Final = "no prior"
EXCLUSIVE: Final = (
    1e-4  # how far probabilities of labels that exclude each other may be from 1 in sum
)


@dataclass(frozen=True, slots=True)
class Prior:
    """Log-probabilities of the labels, or why there are none."""

    logs: Floats
    why: str = ""


def marked(prompt: Prompt) -> int:
    """How many texts of the item's own the prompt marks."""
    return sum(part.exchange == INPUT for part in prompt)


def frame_keys(batch: Batch) -> list[str]:
    """For each row the digest of its frame: the question with nothing in its input segments."""
    rows = [filled(p, INPUT, [""] * marked(p)) if marked(p) else p for p in batch.columns["prompt"]]
    blank = batch.with_columns({**batch.columns, "prompt": rows})
    return [digest.hex() for digest in Batch.keys(blank)]


def priors_of(
    model: Adapter, batch: Batch, texts: Sequence[Sequence[str]], *, mean: str, everywhere: bool
) -> list[Prior]:
    """The prior of every row's frame, from the model's answers with the texts in its input segments.

    Args:
        model: Who is asked.
        batch: `choose` questions whose prompts mark their input, one a frame.
        texts: For each calibration input its texts, one a place.
        mean: See `plumbline.stats.label_prior.mean_prior`.
        everywhere: Each input is one text that stands at all places of a prompt.

    Raises:
        BadInput: A prompt marks another number of texts than the given ones fill.
        AbilityError: The model gives no scores of the options.
    """
    size = len(texts)
    prompts = [
        filled(prompt, INPUT, [text[0]] * marked(prompt) if everywhere else _fitting(text, prompt))
        for prompt in batch.columns["prompt"]
        for text in texts
    ]
    rows = np.repeat(np.arange(len(batch)), size).tolist()
    others = {name: [column[i] for i in rows] for name, column in batch.columns.items()}
    got: Choices = answered(model, batch.with_columns({**others, "prompt": prompts}))
    return [
        _prior(got.scores[k : k + size], got.status[k : k + size], model.name, mean)
        for k in range(0, len(prompts), size)
    ]


def _prior(scores: Sequence[Floats], status: Sequence[str], name: str, mean: str) -> Prior:
    kept = [v for v, s in zip(scores, status, strict=True) if s in {"", TIE}]
    if any(values.size == 0 for values in kept):
        raise AbilityError(
            f"a prior needs the scores of all options; {name} only says what it takes. Use a model "
            "with logprob or next, or an adapter that gives scores"
        )
    if not kept:
        return Prior(NONE, f"{NO_PRIOR}: {status[0]}")
    return Prior(mean_prior(np.stack([normalised(values) for values in kept]), mean=mean))


def _fitting(text: Sequence[str], prompt: Prompt) -> list[str]:
    count = marked(prompt)
    if len(text) != count:
        raise BadInput(
            f"the prompt marks {count} texts of the item's own, the calibration's texts fill {len(text)}: "
            "fit the correction on texts of this task"
        )
    return list(text)


class PriorCalibration(CorrectedQuestions):
    """Answers divided by the prior of their prompt's frame, renormalised.

    Args:
        base: The model that is corrected.
        method: Id and version of the correction.
        params: `texts` and `everywhere` and `mean`, as in `priors_of`; `priors`, frame's digest to
            log-probabilities; and what else was used, for the record.
    """

    kind: ClassVar[str] = "prior_calibration"
    corrects: ClassVar[frozenset[str]] = frozenset({"choose", "classify"})
    keeps: ClassVar[frozenset[str]] = frozenset(
        {"logprob", "next", "generate", "fill", "embed", "score"}
    )

    def __init__(self, base: Adapter, method: str, params: Mapping[str, Any]) -> None:
        super().__init__(base, method, params)
        self._priors = {key: Prior(np.array(v, float)) for key, v in params["priors"].items()}

    def corrected(self, batch: Batch) -> Answers:
        """Divided answers; rows of prompts that mark no text are the base's."""
        return self._classes(batch) if batch.ability == "classify" else self._choices(batch)

    def questions(self, batch: Batch) -> int:  # noqa: ARG002 - one signature for all
        """At worst every question has a frame of its own."""
        return 1 + len(self.params["texts"])

    def _choices(self, batch: Batch) -> Choices:
        got: Choices = answered(self.base, batch)
        rows = [i for i, prompt in enumerate(batch.columns["prompt"]) if marked(prompt)]
        keys = dict(zip(rows, frame_keys(batch.take(rows)), strict=True))
        self._learn(batch, keys)
        scores, status = list(got.scores), list(got.status)
        chosen = np.array(got.chosen)
        for i, key in keys.items():
            if status[i] not in {"", TIE}:
                continue
            prior = self._priors[key]
            if prior.why:
                scores[i], status[i], chosen[i] = NONE, prior.why, -1
                continue
            scores[i] = divided(normalised(_scores(got, i, self.base.name)), prior.logs)
            again = by_scores([scores[i]], [""], [got.how[i]])
            chosen[i], status[i] = again.chosen[0], again.status[0]
        return Choices(chosen, scores, list(got.said), list(got.how), status)

    def _learn(self, batch: Batch, keys: Mapping[int, str]) -> None:
        """Estimate the priors of frames that are new."""
        new = {key: row for row, key in reversed(list(keys.items())) if key not in self._priors}
        if new:
            found = priors_of(
                self.base,
                batch.take(new.values()),
                self.params["texts"],
                mean=self.params["mean"],
                everywhere=self.params["everywhere"],
            )
            self._priors.update(zip(new, found, strict=True))

    def _classes(self, batch: Batch) -> Classes:
        got: Classes = answered(self.base, batch)
        if "classify" not in self._priors:
            asked = [" ".join(text) for text in self.params["texts"]]
            blank = answered(self.base, batch.with_columns({"text": asked}))
            kept = [i for i in range(len(blank)) if blank.ok[i]]
            exclusive(blank.values[kept], self.base.name)
            with np.errstate(divide="ignore"):
                logs = np.log(blank.values[kept])
            self._priors["classify"] = (
                Prior(mean_prior(logs, mean=self.params["mean"])) if kept else Prior(NONE, NO_PRIOR)
            )
        prior = self._priors["classify"]
        if prior.why:
            return Classes(
                np.full_like(got.values, np.nan), got.labels, [s or prior.why for s in got.status]
            )
        exclusive(got.values[got.ok], self.base.name)
        with np.errstate(divide="ignore", invalid="ignore"):
            return Classes(np.exp(divided(np.log(got.values), prior.logs)), got.labels, got.status)


def exclusive(values: Floats, name: str) -> None:
    """Raise where labels do not exclude each other: such probabilities have no common prior.

    Raises:
        BadInput: A row does not sum to 1.
    """
    off = np.abs(values.sum(axis=1) - 1)
    if off.size and off.max() > EXCLUSIVE:
        raise BadInput(
            f"{name}: the labels' probabilities sum to {1 + off.max():.3g} at most, not to 1: its labels "
            "do not exclude each other, and there is no prior to divide by"
        )


def _scores(got: Choices, row: int, name: str) -> Floats:
    if got.scores[row].size == 0:
        raise AbilityError(f"{name} gave no scores of the options to be divided by a prior")
    return got.scores[row]
