"""Length bias of sequence confidence: are long answers called uncertain because they are long?

Gupta et al., "Language Model Cascades: Token-level uncertainty and beyond", ICLR 2024, arXiv:2404.10136.
The paper shows the bias by what it does to a cascade; correlation and gaps at equal correctness are
this project's diagnostics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data import worded_answers as own
from plumbline.metrics.deferral_gaps import gaps
from plumbline.metrics.ratings import column
from plumbline.metrics.token_records import correctness, groupings, ragged
from plumbline.stats.deferral import confidence, spearman
from plumbline.stats.rank_correlation import SPEARMAN
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
SCORES: Final[Mapping[str, str]] = {
    "sum": "Chow-Sum", "average": "Chow-Average", "quantile": "worst token",
}  # fmt: skip
SIZES: Final[Mapping[str, int]] = {"quick": 5, "standard": 12, "full": 24}
DIALS: Final = (0.0, 0.03, 0.1)
LEAST: Final = 0.5  # share of answers with a score
FEWEST: Final = 8


@method(
    id="length_confidence",
    version=1,
    title="Length bias of a model's confidence in its own answers",
    family="evaluation",
    harm="disparate system performance",
    needs=("generate|records", "logprob|records"),
    paper="arxiv:2404.10136",
    suite="standard",
    estimand="rank correlation of an answer's number of tokens with its summed log-probability, among answers that are equally right, over questions like these each answered in four wordings",
    unit="correlation",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "at equal correctness confidence does not depend on length (equal odds, Hardt et al. 2016)",
    },
    sign="signed",
    worse="either",
    units=("question random", "item random"),
    trust="planted",
    axes=("length",),
    seeds=("S054", "S034", "S063"),
)
def length_confidence(
    context: Context, *, logprobs: str = "logprobs", correct: str = "", question: str = "",
    rate: float = 0.3,
) -> Asking:  # fmt: skip
    """Rank correlation of length and confidence at equal correctness; deferral gaps beside it.

    Asked of a model: our own questions with a number as answer, each in four wordings from the bare
    number to a long sentence (three solved questions show the wording), greedy. Each answer is then scored by
    `logprob` after the same prompt, the line break that ends it included. Since every question stands in
    every wording, hard questions have no longer answers than easy ones, by design. Of a recorded table:
    a row an answer, with a column of token log-probabilities.

    Tested is Chow-Sum, what beam search and sequence probability use: with independent tokens its mean is
    -h times the length, so a clearly negative value is the rule and its size is what matters. Chow-Average
    (the usual cure) has mean -h at any length, but short answers scatter more and take both ends;
    the worst token is the paper's quantile at 0. Ranks are made inside right and inside wrong answers and
    pooled: if long answers are wrong more often, that alone is no bias.

    At a deferral rate (`rate`) the difference between the longest and shortest third in being deferred, at equal
    correctness, says what a cascade or an abstention would do; with group columns the same for each group
    against all others. A learned rule can do the same by group without any length: look there.

    The end of a model's turn is not scored where it is a special token: what is scored is the line break.

    Args:
        context: The run's surroundings.
        logprobs: Column with token log-probabilities, as `[-0.1, -2]` or `-0.1 -2`.
        correct: Column that says whether the answer is right; without one, prediction = label.
        question: Column that answers to one question share; they are resampled together.
        rate: Share of answers deferred, for the gaps.

    Returns:
        One row an answer and score (`part`), then one an answer, score and grouping.
    """
    if not 0 < rate < 1:
        raise BadInput(f"rate lies between 0 and 1; got {rate}")
    if "records" in context.abilities:
        (answers,) = yield [ask.records()]
        got = answers.columns
        tokens = ragged(column(got, logprobs), logprobs)
        right, groups = correctness(got, correct), groupings(got)
        n = len(tokens)
        asked = column(got, question) if question else np.arange(n)
        why = ["" if t.size else "no token" for t in tokens]
        return scored(tokens, right, asked.astype(str), why=why, groups=groups, rate=rate)
    rows = own.asked(SIZES[context.suite])
    decoding = ask.Decoding(max_tokens=48, stop=(own.END,))
    prompts = [r.prompt for r in rows]
    (texts,) = yield [ask.generate(prompts, decoding=decoding)]
    why = [_why(*r) for r in zip(texts.status, texts.finish, texts.texts, strict=True)]
    (logs,) = yield [ask.logprob(prompts, [t + own.END for t in texts.texts])]
    why = [w or s for w, s in zip(why, logs.status, strict=True)]
    tokens = [logs.row(i)[0] if not w else np.empty(0) for i, w in enumerate(why)]
    right = np.array([r.read(t) == r.gold for r, t in zip(rows, texts.texts, strict=True)], float)
    forms = np.array([r.form for r in rows], dtype=object)
    made = scored(tokens, right, np.array([r.id for r in rows]), why=why, rate=rate)
    facts = {**made.facts, "by wording": _by_form(forms, tokens, right)}
    return Scored(items=made.items, measures=made.measures, facts=facts)


def _why(status: str, finish: str, text: str) -> str:
    if status or not text.strip():
        return status or "empty answer"
    return "cut off" if finish == "length" else ""


def scored(
    tokens: Sequence[Floats], right: Floats, question: NDArray[Any], *, why: Sequence[str],
    groups: Mapping[str, NDArray[Any]] | None = None, rate: float = 0.3,
) -> Scored:  # fmt: skip
    """Items, measures and facts from token log-probabilities, one array an answer."""
    ok = np.array([not w for w in why])
    floor = (float(ok.mean()), LEAST, "share of answers that could be scored")
    length = np.array([float(t.size) for t in tokens])
    scores = {said: np.full(ok.size, np.nan) for said in SCORES.values()}
    if ok.sum() >= FEWEST:
        some = [t for t, good in zip(tokens, ok, strict=True) if good]
        flat, offsets = np.concatenate(some), np.concatenate(([0], np.cumsum(length[ok])))
        for rule, said in SCORES.items():
            scores[said][ok] = confidence(flat, offsets.astype(np.int64), rule)
    else:
        ok[:] = False
    bare = np.full(ok.size, "", dtype=object)
    parts = [(score, bare, said) for said, score in scores.items()]
    made = [_correlation(said, floor) for said in scores]
    if ok.any():
        for sent, labels, measure in gaps(scores, length, groups or {}, rate=rate, floor=floor):
            parts.append((sent, labels, measure.where["part"]))
            made.append(measure)
    base = {"item": np.arange(ok.size), "question": question.astype(object), "length": length,
            "right": right, "why": _whys(why, ok)}  # fmt: skip
    items = Items.of(
        **{name: np.tile(values, len(parts)) for name, values in base.items()},
        score=np.concatenate([p[0] for p in parts]), group=np.concatenate([p[1] for p in parts]),
        part=np.repeat(np.array([p[2] for p in parts], dtype=object), ok.size),
    )  # fmt: skip
    return Scored(items=items, measures=made, facts=_facts(scores, length, right, why))


def _whys(why: Sequence[str], ok: NDArray[np.bool_]) -> NDArray[Any]:
    few = f"fewer than {FEWEST} answers could be scored"
    return np.array([w or ("" if k else few) for w, k in zip(why, ok, strict=True)], dtype=object)


def _correlation(said: str, floor: tuple[float, float, str]) -> Measure:
    return Measure(
        estimator=SPEARMAN, role="primary" if said == SCORES["sum"] else "secondary", floor=floor,
        where={"part": said}, options={"covariate": "length", "stratum": "right"},
        labels={"axis": "length", "measure": said, "toward": "longer answers trusted more"},
    )  # fmt: skip


def _facts(
    scores: Mapping[str, Floats], length: Floats, right: Floats, why: Sequence[str]
) -> dict[str, Any]:
    """Counts, and the correlations over all answers, whatever their correctness."""
    ok = np.array([not w for w in why])
    plain: dict[str, Any] = {}
    for said, score in scores.items():
        here = np.isfinite(score)
        try:
            plain[said] = spearman(length[here], score[here])
        except (UndefinedStatistic, BadInput) as absent:
            plain[said] = f"not defined: {absent}"
    return {
        "answers": len(why), "without a score": dict(Counter(w for w in why if w)),
        "share right": float(right[ok].mean()) if ok.any() else None,
        "rank correlation with length over all answers": plain,
    }  # fmt: skip


def _by_form(forms: NDArray[Any], tokens: Sequence[Floats], right: Floats) -> dict[str, Any]:
    """Mean number of tokens, mean scores and share right of each wording."""
    found = {}
    for form in own.FORMS:
        rows = [i for i, f in enumerate(forms.tolist()) if f == form and tokens[i].size]
        columns = np.array(
            [(t.size, t.sum(), t.mean(), t.min()) for t in (tokens[i] for i in rows)]
        )
        if rows:
            means = dict(zip(("tokens", *SCORES.values()), columns.mean(0).tolist(), strict=True))
            found[form] = {"answers": len(rows), "right": float(right[rows].mean()), **means}
    return found


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """30 questions in four wordings; each further token costs Exp(`dial`) nats.

    60 % are right. The one token that holds the answer costs Exp(.5) where it is right and .5 + Exp(1) where
    it is wrong; half of that, and being right, belong to the question. The truth comes from 10^6 answers.
    """
    count = SIZES["quick"] * len(own.KINDS)
    right, lengths, key, rest = _draw(rng, count, dial)
    tokens = []
    for k, r, n in zip(key, rest, lengths, strict=True):
        parts = rng.exponential(1.0, int(n) - 1)
        tokens.append(-np.concatenate(([k], r * parts / parts.sum())))
    question = np.repeat(np.arange(count), 4).astype(str)
    return scored(tokens, right, question, why=[""] * len(tokens)), _truth(dial)


def _draw(
    rng: np.random.Generator, count: int, dial: float
) -> tuple[Floats, Floats, Floats, Floats]:
    known = np.repeat(rng.random(count) < 0.6, 4)
    lengths = np.tile([3.0, 6.0, 11.0, 24.0], count) + rng.integers(0, 3, 4 * count).astype(float)
    own_cost = np.repeat(rng.exponential(1.0, count), 4)
    each = rng.exponential(1.0, 4 * count)
    key = np.where(known, 0.25 * (own_cost + each), 0.5 + 0.5 * (own_cost + each))
    rest = rng.gamma(lengths - 1, dial) if dial > 0 else np.zeros(4 * count)
    return known.astype(float), lengths, key, np.asarray(rest, float)


@cache
def _truth(dial: float) -> float:
    """The pooled correlation over 10^6 answers, by ranks of whole arrays."""
    from scipy.stats import rankdata

    right, lengths, key, rest = _draw(np.random.default_rng(54), 250_000, dial)
    parts = []
    for kind in (0.0, 1.0):
        here = right == kind
        n = here.sum()
        pair = (rankdata(v) / n - 0.5 for v in (lengths[here], -(key + rest)[here]))
        parts.append([(x - x.mean()) for x in pair])
    x, y = (np.concatenate([p[k] for p in parts]) for k in (0, 1))
    return float((x @ y) / np.sqrt((x @ x) * (y @ y))) if dial > 0 else 0.0
