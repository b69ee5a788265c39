"""Corrected by a cascade: a small model answers, and where it is not sure of it a large one does.

Gupta et al. 2024, arXiv:2404.10136.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.answers import Answers, answer_type
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.questions import Batch
from plumbline.models.abilities import Adapter, Cost, ModelOptions
from plumbline.models.choose_derived import spoken
from plumbline.models.corrected_questions import CorrectedQuestions
from plumbline.models.whole_batch import answered
from plumbline.stats.deferral import confidence, features, network_output

Floats = NDArray[np.float64]
LEARNED: Final = "learned"


class Cascade(CorrectedQuestions):
    """A small model with a rule that says when a large one answers instead.

    The small model's answer (a text, or the option that it took) is scored by its own `logprob` after the
    same prompt. Below the threshold the large model's answer stands; so it does where the small one has none.
    `about()` counts who answered what was asked of this object; answers from a cache are not asked again.

    Args:
        base: The small model.
        method: Id and version of the correction.
        params: `large` (a MODEL form, "" for an object that cannot be opened again), `large_options`,
            `large_fingerprint`, and `rules`: for each ability its `rule`, `threshold`, and what the rule needs.
        large: The large model, opened; None: opened from its form.

    Raises:
        AbilityError: The small model cannot score its answers, or neither ability has both models and a rule.
        BadInput: The large model has changed.
    """

    kind: ClassVar[str] = "cascade"
    corrects: ClassVar[frozenset[str]] = frozenset({"generate", "choose"})

    def __init__(
        self, base: Adapter, method: str, params: Mapping[str, Any], large: Adapter | None = None
    ) -> None:
        super().__init__(base, method, params)
        self.large = opened(params["large"], params["large_options"]) if large is None else large
        if self.large.fingerprint != params["large_fingerprint"]:
            raise BadInput(
                f"the large model {params['large']} changed since the cascade was made; make it again with "
                "`plumbline correct`"
            )
        self.rules: Mapping[str, Mapping[str, Any]] = params["rules"]
        self.abilities = can_cascade(base, self.large) & frozenset(self.rules)
        if not self.abilities:
            raise AbilityError(
                f"{method} needs logprob, and generate or choose of both models; {base.name} offers "
                f"{', '.join(sorted(base.abilities))}, {self.large.name} {', '.join(sorted(self.large.abilities))}"
            )
        self.remote = base.remote or self.large.remote
        self._asked: Counter[str] = Counter()
        self._deferred: Counter[str] = Counter()

    def about(self) -> dict[str, Any]:
        """The base's facts and the correction's, without weights, and who answered."""
        shown = {a: {k: v for k, v in r.items() if k != "layers"} for a, r in self.rules.items()}
        return {
            **self.base.about(), "corrected_by": self.method, "correction": {**self.params, "rules": shown},
            "large_model": self.large.name, "asked": dict(self._asked),
            "answered_by_large": {a: self._deferred[a] for a in self._asked},
        }  # fmt: skip

    def corrected(self, batch: Batch) -> Answers:
        """The small model's answers, the large one's where it is deferred to."""
        small = answered(self.base, batch)
        rule = self.rules[batch.ability]
        score = scores(self.base, batch, small, rule)
        away = np.flatnonzero(~(score >= rule["threshold"])).tolist()
        self._asked[batch.ability] += len(batch)
        self._deferred[batch.ability] += len(away)
        if not away:
            return small  # type: ignore[no-any-return]
        large = answered(self.large, batch.take(away))
        place = {row: k for k, row in enumerate(away)}
        packed = [large.pack(place[i]) if i in place else small.pack(i) for i in range(len(batch))]
        made: Answers = answer_type(batch.ability, batch.settings).unpack(packed)
        return made

    def cost(self, batch: Batch) -> Cost:
        """Asking the small model, scoring what it said, and the large one for every question, at most."""
        if batch.ability not in self.abilities:
            return self.base.cost(batch)
        small, large = self.base.cost(batch), self.large.cost(batch)
        both = [c.money for c in (small, small, large)]
        money = sum(m for m in both if m is not None) if None not in both else None
        return Cost(
            2 * small.tokens_in + small.tokens_out + large.tokens_in,
            small.tokens_out + large.tokens_out, money,
        )  # fmt: skip

    def close(self) -> None:
        """Close both models."""
        self.base.close()
        self.large.close()

    def save(self, folder: Path, *, base_spec: str, base_options: Mapping[str, Any]) -> None:
        """Write the cascade; both models are opened again from their forms.

        Raises:
            BadInput: The large model was given as an object.
            StoreError: The folder cannot be written.
        """
        if not self.params["large"]:
            raise BadInput("a cascade is saved with the MODEL form of its large model; give it one")
        super().save(folder, base_spec=base_spec, base_options=base_options)

    @classmethod
    def read(cls, folder: Path, base: Adapter, record: Mapping[str, Any]) -> Self:  # noqa: ARG003 - one signature for all kinds
        """The cascade in a folder: the large model is opened from its form."""
        return cls(base, record["method"], record["params"])


def opened(form: str, options: Mapping[str, Any] | None = None) -> Adapter:
    """The large model behind a MODEL form, with these `ModelOptions` fields.

    Raises:
        BadInput: The options are no table, or name no field.
    """
    from plumbline.models.resolve import open_model

    known = {field.name for field in fields(ModelOptions)}
    if not isinstance(options or {}, Mapping) or set(options or {}) - known:
        raise BadInput(
            f'options of the large model are a table such as {{dtype = "float32"}}, of {", ".join(sorted(known))}; '
            f"got {options!r}"
        )
    return open_model(form, replace(ModelOptions(), **dict(options or {})))


def can_cascade(small: Adapter, large: Adapter) -> frozenset[str]:
    """What both can answer and the small one can score."""
    if "logprob" not in small.abilities:
        return frozenset()
    return Cascade.corrects & small.abilities & large.abilities


def traces(small: Adapter, batch: Batch, said: Any) -> tuple[Floats, NDArray[np.int64], list[int]]:
    """Token log-probabilities of the small model's answers: values, offsets, and which rows they are of.

    A text that was ended by a stop string is scored with that string: an end is part of an answer.
    """
    rows, ends = _continuations(batch, said)
    if not rows:
        return np.empty(0), np.zeros(1, np.int64), []
    asked = ask.logprob([batch.columns["prompt"][i] for i in rows], ends)
    logs = answered(small, asked)
    kept = [k for k in range(len(rows)) if not logs.status[k] and logs.count[k] > 0]
    values = [logs.row(k)[0] for k in kept]
    offsets = np.concatenate(([0], np.cumsum([v.size for v in values], dtype=np.int64)))
    flat = np.concatenate(values) if values else np.empty(0)
    return flat, offsets.astype(np.int64), [rows[k] for k in kept]


def _continuations(batch: Batch, said: Any) -> tuple[list[int], list[str]]:
    rows = [int(i) for i in np.flatnonzero(said.ok)]
    if batch.ability == "choose":
        columns = batch.columns
        return rows, [spoken(columns["prompt"][i], columns["options"][i][said.chosen[i]]) for i in rows]  # fmt: skip
    stops: Sequence[str] = batch.settings["decoding"].stop
    rows = [i for i in rows if said.texts[i]]
    end = [stops[0] if stops and said.finish[i] == "stop" else "" for i in rows]
    return rows, [said.texts[i] + e for i, e in zip(rows, end, strict=True)]


def scores(small: Adapter, batch: Batch, said: Any, rule: Mapping[str, Any]) -> Floats:
    """The rule's confidence in each answer of the small model; NaN where there is none to score."""
    values, offsets, rows = traces(small, batch, said)
    found = np.full(len(batch), np.nan)
    if rows:
        found[rows] = judged(rule, values, offsets)
    return found


def judged(rule: Mapping[str, Any], values: Floats, offsets: NDArray[np.int64]) -> Floats:
    """A rule's score of token log-probabilities."""
    if rule["rule"] != LEARNED:
        return confidence(values, offsets, rule["rule"], rule.get("quantile", 0.0))
    x = (features(values, offsets) - np.asarray(rule["center"])) / np.asarray(rule["scale"])
    return network_output(x, rule["layers"])
