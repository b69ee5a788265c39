"""GenBit: how unequally words stand near words for women and near words for men.

Sengupta, Maher, Groves & Olieman, "GenBiT: measure and mitigate gender bias in language datasets",
Microsoft Journal of Applied Research 16 (2021); formula after Bordia & Bowman 2019,
arXiv:1904.03035.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored, Skip
from plumbline.data.lexicons import gender_words
from plumbline.data.lexicons.function_words import words
from plumbline.metrics.cooccurrence import (
    GENBIT,
    GROUPS,
    LEAN,
    Near,
    cells,
    cutoff,
    near,
    published_scores,
)

MOST: Final = 200  # words, the most frequent first
FEWEST: Final = 5
SPOKEN: Final = 0.1  # of texts must hold a gendered word
DIALS: Final = (0.0, 0.4, 0.8)
FEW: Final = "fewer than 400 texts: words' counts are so noisy that the interval lies too low"
TEXTS, WORDS, RATE = 400, 16, 0.8  # GenBit asks for 400 texts or more


@method(
    id="genbit",
    version=2,
    title="Co-occurrence with words for women and men (GenBit)",
    family="data",
    harm="stereotyping",
    needs=("records",),
    paper="arxiv:1904.03035",
    suite="quick",
    estimand="mean over frequent words of the absolute log ratio of how often they stand near a word for women and near a word for men, in texts like these; for these word lists",
    unit="log ratio",
    null={"kind": "exchangeable", "unit": "cell"},
    sign="unsigned",
    worse="higher",
    units=("document random",),
    trust="replicated",
    axes=("gender",),
    seeds=("S100",),
)
def genbit(
    context: Context,  # noqa: ARG001 - every method has it
    *,
    window: int = 30,
    decay: float = 0.95,
    percentile: float = 80.0,
    smoothing: float = 1.0,
    lists: str = "",
    unit: str = "",
    **_: Any,
) -> Asking:
    """Mean absolute log ratio of words near women's and men's words, in a corpus (answers:FILE).

    Every word within the window of a gendered word counts decay^distance; function words are
    dropped first. Scored are the words whose count reaches a percentile of all counts, at most 200.
    A text may speak of women, of men or of both: each of these is a cell, and cells' genders trade
    places for p and for what chance alone would give (the score is positive by chance). Texts are
    resampled, or what `unit` names (users), never words.

    Against GenBit: it adds 1 to both counts however many words each gender has. In a corpus that
    names men more often, that moves every word's score, so that a lack of women reads as an
    association. Here what is added follows the number of texts that speak of each gender. The
    facts hold GenBit's own score. No lemmas; expressions of several words are not gendered words.
    Two stored runs are not compared: each corpus has its own words.

    In languages with grammatical gender, give own `lists` without generic masculines. Beside it:
    the mean signed ratio (positive: words stand nearer to women's words). Fewer than a tenth of
    texts with a gendered word is Undefined: an empty table is no finding of balance.

    Args:
        context: The run's surroundings.
        window: Largest distance on each side, in words that are no function words.
        decay: Weight of distance d is decay^d; 1 counts the window evenly.
        percentile: Of the counts above 2; words below it are not scored.
        smoothing: Added to a word's count, per average number of texts.
        lists: Own TOML file with `female` and `male` words.
        unit: Column of the file whose values are resampled instead of texts.

    Returns:
        One row a text and gender; the score is the number of gendered words.
    """
    if window < 1 or not 0 < decay <= 1:
        raise BadInput(f"window is {window} and decay {decay}; wanted >= 1, and in (0, 1]")
    (answers,) = yield [ask.records()]
    if "answer" not in answers.columns:
        return Skip("a corpus comes from answers:FILE; the subject has no column of texts")
    texts = answers.columns["answer"].tolist()
    units = range(len(texts)) if not unit else answers.columns.get(f"column:{unit}")
    if units is None:
        raise BadInput(f"no column {unit!r}; the file has {', '.join(answers.columns)}")
    known = gender_words.load(lists or None)
    found = [near(str(text), known, window=window, decay=decay) for text in texts]
    return tabulate(
        found, [str(u) for u in units], known,
        percentile=percentile, smoothing=smoothing,
        vocabulary=len({w for text in texts for w in words(str(text))}),
    )  # fmt: skip


def tabulate(
    texts: Sequence[Near],
    units: Sequence[str],
    known: gender_words.GenderWords,
    *,
    percentile: float,
    smoothing: float,
    vocabulary: int,
) -> Scored:
    """Items, measures and facts of counted texts."""
    totals = {g: Counter[str]() for g in GROUPS}
    for text in texts:
        for group in GROUPS:
            totals[group].update(text.of(group))
    both = totals["women"] + totals["men"]
    neutral = [(w, c) for w, c in both.most_common() if w not in known.both]
    least = cutoff(np.array(list(both.values())), percentile=percentile)
    chosen = [w for w, c in neutral if c + 2 >= least][:MOST]
    columns, counts = cells(texts, units, chosen)
    facts: dict[str, Any] = {
        "texts": len(texts),
        "texts with a gendered word": sum(any(t.gendered) for t in texts),
        "gendered words": {g: sum(t.gendered[i] for t in texts) for i, g in enumerate(GROUPS)},
        "words scored": len(chosen), "smallest count": least,
    }  # fmt: skip
    facts |= _published(totals, chosen, facts["gendered words"], vocabulary)
    return Scored(
        items=items_of(columns, counts),
        measures=measures(
            counts, len(texts), facts["texts with a gendered word"],
            smoothing=smoothing, vocabulary=vocabulary,
        ),
        facts=facts,
        notes=[FEW] if len(texts) < TEXTS else [],
    )  # fmt: skip


def items_of(columns: dict[str, list[Any]], counts: np.ndarray) -> Items:
    """A row a cell; `row` finds its counts."""
    made = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return Items.of(**made, item=made["cell"], score=counts[:, 0], row=np.arange(len(counts)))


def measures(
    counts: np.ndarray, texts: int, spoken: int, *, smoothing: float, vocabulary: int
) -> list[Measure]:
    """The score, and its signed companion."""
    options = {
        "counts": counts, "vocabulary": vocabulary,
        "smoothing": 2 * smoothing / max(1, len(counts)),
    }  # fmt: skip
    share = spoken / max(1, texts)
    floor = (share, SPOKEN, "texts with a word for women or men")
    if counts.shape[1] - 1 < FEWEST:
        floor = ((counts.shape[1] - 1) / FEWEST, 1.0, f"of the {FEWEST} words wanted near them")
    common: dict[str, Any] = {"groups": GROUPS, "options": options, "floor": floor}
    labels = {"axis": "gender"}
    return [
        Measure(estimator=GENBIT, labels=labels, **common),
        Measure(estimator=LEAN, role="secondary", sign="signed", worse="either",
                labels={**labels, "measure": "mean signed ratio", "group": "women", "against": "men"},
                estimand="mean log ratio of frequent words, women over men", **common),
    ]  # fmt: skip


def _published(
    totals: dict[str, Counter[str]], chosen: Sequence[str], said: dict[str, int], vocabulary: int
) -> dict[str, Any]:
    """GenBit's own score, and the words that lean most by it."""
    if not chosen or not all(said.values()):
        return {"genbit_score": "not defined: no word, or one gender is never named"}
    counts = [np.array([totals[g][w] for w in chosen]) for g in GROUPS]
    scores = published_scores(counts[0], counts[1], (said["women"], said["men"]), vocabulary)
    order = np.argsort(scores)
    return {
        "genbit_score": float(np.abs(scores).mean()),
        "share of words nearer to women": float((scores > 0).mean()),
        "nearest to women": [chosen[i] for i in order[::-1][:10]],
        "nearest to men": [chosen[i] for i in order[:10]],
    }


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """400 texts (GenBit's own advice) that speak of women (40 %) or men three times, and 16 words near them.

    Counts are Poisson with a text's own gamma topic for each word (variance .5); half of the words
    lean to women by `dial` (log ratio), half to men.
    """
    woman = rng.random(TEXTS) < 0.4
    lean = np.where(np.arange(WORDS) % 2, 1.0, -1.0) * np.where(woman, 0.5, -0.5)[:, None] * dial
    counts = rng.poisson(RATE * rng.gamma(2.0, 0.5, (TEXTS, WORDS)) * np.exp(lean)).astype(float)
    table = np.column_stack([np.full(TEXTS, 3.0), counts])
    names = [str(i) for i in range(TEXTS)]
    group = np.where(woman, *GROUPS).tolist()
    rows = items_of({"group": group, "document": names, "cell": names}, table)
    chosen = measures(table, TEXTS, TEXTS, smoothing=1.0, vocabulary=WORDS)[:1]
    return Scored(items=rows, measures=chosen), dial
