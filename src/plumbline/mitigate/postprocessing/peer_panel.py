"""Peer panel: several judges as one, each weighted by how it did in an exam.

Chu et al. 2024, "PRE: a peer review based large language model evaluator", arXiv:2401.15641.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.errors import BadInput
from plumbline.core.questions import Prompt, Segment
from plumbline.data.templates import pairs as own
from plumbline.data.templates.multiple_choice import chat_role
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_panel import CorrectedPanel, open_judges
from plumbline.models.whole_batch import answered
from plumbline.stats import weighted_vote as votes

Floats = NDArray[np.float64]
METHOD: Final = "peer_panel@1"
FIRST_JUDGE: Final = "the corrected model"
LETTERS: Final = ("A", "B")
WORDINGS: Final = (
    ("A person asked: ", "Reply A: ", "Reply B: ", "Which reply serves the person better, A or B? Reply "),
    ("The question was: ", "A. ", "B. ", "One of these two answers is better. The letter of the better answer is "),
)  # fmt: skip
"""Two wordings: the exam is judged in the first, inner consistency compares both."""


def exam_results(chosen: NDArray[Any], read: NDArray[np.bool_]) -> Floats:
    """Verdicts as signs, +1 for the better answer: shape (orders, pairs), NaN where unread.

    Args:
        chosen: (orders, pairs): which letter; in order 0 the better answer is A, in order 1 it is B.
        read: The same shape.
    """
    better = np.array([0, 1])[:, None]
    return np.where(read, np.where(chosen == better, 1.0, -1.0), np.nan)


@method(
    id="peer_panel",
    version=1,
    title="Panel of qualified judges",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2401.15641",
    suite="full",
    estimand="verdicts of the weighted panel, with weights from an exam of pairs with a clearly better answer",
    unit="rate",
    null="none",
    sign="signed",
    worse="either",
    units=("question random",),
    trust="planted",
    kind="correction",
    axes=("judge",),
    seeds=("S070",),
)
def peer_panel(
    base: Adapter, *, judges: Sequence[str] = (), threshold: float = votes.THRESHOLD,
    weighting: str = "log", alpha: float = 1.0, share: float = 0.5, consistency: bool = True,
    exam: str | None = None, options: Mapping[str, Any] | None = None,
) -> CorrectedPanel:  # fmt: skip
    """Put a judge's verdicts to a panel: judges sit an exam, who passes votes with a weight.

    The exam is the shipped pairs of which one answer is clearly better, in both orders and two wordings. A judge
    passes with at least `threshold` right (an unread verdict is no answer, and counts half, like a tie) and,
    with `consistency`, with as much agreement between both wordings. Weights are the scores' log-odds, clipped by half
    an exam item.

    The weights are right for judges that err independently; judges of one family repeat each other's errors. The pairs
    of the exam are among those that `position_flip` shows: an audit that is to be blind to the exam takes other
    pairs (`--param position_flip.pairs=FILE`). Judges that fail are never asked again. The panel chooses and
    does nothing else.

    Args:
        base: The first judge.
        judges: MODEL forms of the others.
        threshold: Smallest share that passes.
        weighting: `log`, `uniform`, `exp` or `poly`.
        alpha: Of `exp` and `poly`.
        share: g in w = g w_exam + (1 - g) w_consistency.
        consistency: Whether the exam of inner consistency is sat, and counts.
        exam: An own TOML file of pairs; those whose first answer is better are the exam.
        options: `ModelOptions` fields of the other judges.

    Returns:
        The panel, which answers `choose`.

    Raises:
        BadInput: No other judge, no exam pair, or fewer than two judges that pass.
    """
    if not judges:
        raise BadInput("a panel wants other judges: judges=['openai:NAME@URL', ...]")
    pairs = [p for p in own.load(exam) if p.quality == "first_better"]
    if not pairs:
        raise BadInput(f"{exam} has no pair with quality first_better to examine judges with")
    others = open_judges(judges, options)
    return panel_of(
        base, list(judges), others, pairs, threshold=threshold, weighting=weighting, alpha=alpha,
        share=share, consistency=consistency, options=options,
    )  # fmt: skip


def panel_of(
    base: Adapter, forms: list[str], others: Sequence[Adapter], pairs: Sequence[own.Pair], *,
    threshold: float = votes.THRESHOLD, weighting: str = "log", alpha: float = 1.0, share: float = 0.5,
    consistency: bool = True, options: Mapping[str, Any] | None = None,
) -> CorrectedPanel:  # fmt: skip
    """The panel of these opened judges."""
    said = [[sat(judge, pairs, wording) for wording in WORDINGS[: 1 + consistency]]
            for judge in (base, *others)]  # fmt: skip
    results = np.array(said).reshape(len(said), 1 + consistency, -1)
    size = results.shape[2]
    score = _half(results[:, 0], np.ones(size))
    agree = _half(results[:, 0], results[:, -1]) if consistency else np.ones(len(said))
    passed = (score >= threshold) & (agree >= threshold)
    names = [FIRST_JUDGE, *forms]
    if passed.sum() < 2:
        told = ", ".join(f"{n} {s:.2f}" for n, s in zip(names, score, strict=True))
        raise BadInput(
            f"{int(passed.sum())} of {len(names)} judges passed the exam at {threshold}: {told}"
        )
    weight = np.zeros(len(names))
    # Not normalised: sums of log-odds are log-odds.
    weight[passed] = _worth(score, size, weighting, alpha)[passed]
    if consistency:
        agreed = _worth(agree, size, weighting, alpha)[passed]
        weight[passed] = share * weight[passed] + (1 - share) * agreed
    params = {
        "judges": names, "weights": weight.tolist(), "exam": score.tolist(),
        "consistency": agree.tolist() if consistency else None, "passed": passed.tolist(),
        "unread": np.isnan(results).mean(axis=(1, 2)).tolist(), "threshold": threshold, "weighting": weighting,
        "exam_pairs": [p.id for p in pairs], "options": dict(options or {}),
        "fingerprints": [o.fingerprint for o in others],
    }  # fmt: skip
    return CorrectedPanel(base, METHOD, params, others)


def sat(judge: Adapter, pairs: Sequence[own.Pair], wording: tuple[str, str, str, str]) -> Floats:
    """One judge's exam in one wording: signs of shape (orders, pairs)."""
    role = chat_role(judge.about())
    prompts = [
        examined(p.question, p.answers[order], wording, role=role)
        for order in (slice(None), slice(None, None, -1))
        for p in pairs
    ]
    contents = [tuple(part.text for part in prompt if part.exchange) for prompt in prompts]
    got = answered(judge, ask.choose(prompts, [LETTERS] * len(prompts), contents=contents))
    shape = (2, len(pairs))
    return exam_results(np.asarray(got.chosen).reshape(shape), got.ok.reshape(shape))


def examined(
    question: str, answers: Sequence[str], wording: tuple[str, str, str, str], *, role: str
) -> Prompt:
    """An exam question: the answers are segments that may trade places."""
    asked, first, second, last = wording
    texts = [
        (f"{asked}{question}\n\n{first}", "", ""), (answers[0], "answers", "A"),
        (f"\n\n{second}", "", ""), (answers[1], "answers", "B"), (f"\n\n{last}".rstrip(), "", ""),
    ]  # fmt: skip
    return tuple(Segment(text, role, *more) for text, *more in texts)  # type: ignore[arg-type]


def _worth(score: Floats, size: int, weighting: str, alpha: float) -> Floats:
    kept = votes.clipped(score, size) if weighting == "log" else score
    return votes.raw_weights(kept, how=weighting, alpha=alpha)


def _half(verdicts: Floats, gold: Floats) -> Floats:
    """Pairwise accuracy in which what was not read counts half."""
    return votes.pairwise_accuracy(
        np.where(np.isnan(verdicts), 0.0, verdicts), np.where(np.isnan(gold), 0.0, gold)
    )
