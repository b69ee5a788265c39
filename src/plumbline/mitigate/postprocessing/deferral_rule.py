"""A cascade of two models: who answers is decided by the tokens of the small model's answer.

Gupta, Narasimhan, Jitkrittum, Rawat, Menon & Kumar, "Language Model Cascades: Token-level uncertainty and
beyond", ICLR 2024, arXiv:2404.10136: Chow-Sum, Chow-Average, Chow-Quantile, and the learned rule on quantiles
(their Post-Hoc-Quantile). Rules that read embeddings of either model are not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.errors import AbilityError, BadInput, UnknownName
from plumbline.core.questions import Batch
from plumbline.core.seeds import Seeds
from plumbline.data import worded_answers as worded
from plumbline.data.templates import questions as own
from plumbline.data.templates.multiple_choice import chat_role, rotated
from plumbline.mitigate.deferral_learning import Trained, learn
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_cascade import LEARNED, Cascade, can_cascade, judged, opened, traces
from plumbline.models.whole_batch import answered
from plumbline.stats.deferral import RULES, features, threshold

Floats = NDArray[np.float64]
METHOD: Final = "deferral_rule@1"
KNOWN: Final = (*RULES, LEARNED)


@method(
    id="deferral_rule",
    version=1,
    title="Cascade: defer to a larger model by token-level confidence",
    family="evaluation",
    harm="disparate system performance",
    needs=("logprob", "generate|choose"),
    paper="arxiv:2404.10136",
    suite="full",
    estimand="mean quality of the cascade over all deferral rates (area under the deferral curve)",
    unit="rate",
    null="none",
    sign="signed",
    worse="lower",
    units=("question random",),
    trust="planted",
    kind="correction",
    axes=("length",),
    seeds=("S054",),
)
def deferral_rule(
    base: Adapter, *, large: str = "", rule: str = "quantile", quantile: float = 0.0, rate: float = 0.3,
    abilities: Sequence[str] = (), prompts: Sequence[str] = (), questions: str | None = None, count: int = 8,
    max_tokens: int = 48, stop: Sequence[str] = (worded.END,), learner: str = "logistic",
    large_options: Mapping[str, Any] | None = None, seed: int = 0,
) -> Cascade:  # fmt: skip
    """Answer by the base, and by `large` where the base's own answer is not sure enough.

    The sum of token log-probabilities defers long answers, the mean defers short ones; the worst token
    (`quantile` 0, the default) does neither for being long or short as such. `learned` is trained
    on quantiles, sum and mean to say whether the base's answer is as good as the large model's; it is used
    only if, on questions it has not seen, it is right more often than the larger class and its area under the
    deferral curve is above Chow-Average's, both with an interval above 0. A learned rule can learn a
    group by its tokens: look at deferral rates by group (`length_confidence` on a table of its answers).

    The threshold is set on calibration questions that no metric asks (arithmetic in four wordings for
    `generate`, multiple choice in all rotations for `choose`), or on prompts of yours. On other questions the
    share that is deferred will differ; `about()` counts it.

    Args:
        base: The small model.
        large: MODEL form of the large one.
        rule: `sum`, `average`, `quantile` or `learned`.
        quantile: Of `quantile`: 0 is the worst token, 1 the best.
        rate: Share of calibration questions that is deferred.
        abilities: `generate`, `choose`; default both where both models have them.
        prompts: Calibration prompts of yours for `generate` (not for `learned`: they have no right answers).
        questions: An own TOML file of multiple-choice questions for `choose`.
        count: Calibration questions of each of six kinds, each in four wordings; at most 24.
        max_tokens: Longest calibration answer.
        stop: What ends a calibration answer.
        learner: `logistic`, or `mlp` (the paper's five layers).
        large_options: `ModelOptions` fields of the large model.
        seed: Of folds, intervals and the network's start.

    Returns:
        The cascade, which generates and chooses and does nothing else.

    Raises:
        AbilityError: The base cannot score its answers, or the models share no ability.
        TooWeak: The learned rule is not clearly better than the simple ones.
        MissingExtra: `learned` without scikit-learn.
    """
    if not large:
        raise BadInput(
            "a cascade wants a model to defer to: large='hf:PATH', 'openai:NAME@URL', ..."
        )
    model = opened(large, large_options)
    given = Options(
        rule=rule, quantile=quantile, rate=rate, abilities=tuple(abilities), prompts=tuple(prompts),
        questions=questions, count=count, max_tokens=max_tokens, stop=tuple(stop), learner=learner, seed=seed,
    )  # fmt: skip
    return cascade_of(base, model, given, form=large, options=large_options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The arguments of `deferral_rule` besides the models."""

    rule: str = "quantile"
    quantile: float = 0.0
    rate: float = 0.3
    abilities: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    questions: str | None = None
    count: int = 8
    max_tokens: int = 48
    stop: tuple[str, ...] = (worded.END,)
    learner: str = "logistic"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rule not in KNOWN:
            raise UnknownName("deferral rule", self.rule, KNOWN)
        if not 0 < self.rate < 1 or not 0 <= self.quantile <= 1:
            raise BadInput(
                f"rate lies between 0 and 1, quantile from 0 to 1; got {self.rate}, {self.quantile}"
            )
        if self.rule == LEARNED and self.prompts:
            raise BadInput("a learned rule needs right answers; prompts of yours have none")


def cascade_of(
    small: Adapter, large: Adapter, given: Options, *, form: str = "",
    options: Mapping[str, Any] | None = None,
) -> Cascade:  # fmt: skip
    """The cascade of two opened models."""
    both = can_cascade(small, large)
    wanted = given.abilities or tuple(sorted(both))
    if not wanted or set(wanted) - both:
        raise AbilityError(
            f"deferral_rule needs logprob of {small.name}, and {' and '.join(wanted) or 'generate or choose'} of both "
            f"models; they share {', '.join(sorted(both)) or 'none that can be scored'}"
        )
    rules = {ability: _rule(small, large, ability, given) for ability in wanted}
    params = {
        "large": form, "large_options": dict(options or {}), "large_fingerprint": large.fingerprint,
        "rules": rules,
    }  # fmt: skip
    return Cascade(small, METHOD, params, large)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Calibration questions: the batch, the question of each row, and a reader of what is right."""

    batch: Batch
    question: tuple[str, ...]
    gold: tuple[Any, ...] | None

    def right(self, said: Any) -> Floats:
        """1 where an answer is right."""
        if self.batch.ability == "choose":
            return np.asarray(said.ok & (said.chosen == np.array(self.gold)), float)
        rows = zip(self.gold or (), said.texts, said.status, strict=True)
        return np.array([float(not s and q.read(t) == q.gold) for q, t, s in rows])


def _calibration(model: Adapter, ability: str, given: Options) -> _Asked:
    if ability == "choose":
        shown = rotated(own.load(given.questions, name=own.CALIBRATION), role=chat_role(model.about()))  # fmt: skip
        batch = ask.choose([p.prompt for p in shown], [p.options for p in shown])
        return _Asked(batch, tuple(p.question for p in shown), tuple(p.gold for p in shown))
    decoding = ask.Decoding(max_tokens=given.max_tokens, stop=given.stop)
    if given.prompts:
        return _Asked(ask.generate(given.prompts, decoding=decoding), given.prompts, None)
    rows = worded.asked(given.count, part=worded.CALIBRATION)
    batch = ask.generate([r.prompt for r in rows], decoding=decoding)
    return _Asked(batch, tuple(r.id for r in rows), rows)


def _rule(small: Adapter, large: Adapter, ability: str, given: Options) -> dict[str, Any]:
    """What the cascade needs to know for one ability."""
    asked = _calibration(small, ability, given)
    said = answered(small, asked.batch)
    values, offsets, rows = traces(small, asked.batch, said)
    facts: dict[str, Any] = {"calibrated_on": len(rows), "unscored": len(asked.batch) - len(rows)}
    if len(rows) < 10:
        reason = next((s for s in said.status if s), "they are empty")
        raise BadInput(
            f"only {len(rows)} of {len(asked.batch)} calibration answers ({ability}) could be scored ({reason}); "
            "wanted 10"
        )
    if given.rule != LEARNED:
        rule: dict[str, Any] = {"rule": given.rule, "quantile": given.quantile}
        score = judged(rule, values, offsets)
    else:
        other = asked.right(answered(large, asked.batch))[rows]
        unit = np.unique(np.array(asked.question)[rows], return_inverse=True)[1]
        trained: Trained = learn(
            features(values, offsets), asked.right(said)[rows], other, unit,
            learner=given.learner, rng=Seeds(given.seed).stream("deferral_rule", ability),
        )  # fmt: skip
        rule, score = {"rule": LEARNED, **trained.params}, trained.held_out
    return {**rule, **facts, "threshold": threshold(score, given.rate), "rate": given.rate}
