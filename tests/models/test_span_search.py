"""Exact extraction: every span against brute force, traps, and a model that learns to copy (card S034)."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core import questions as ask
from plumbline.core.answers import LogProbs
from plumbline.core.errors import BadInput
from plumbline.models.span_search import WORD, Search, best_span, searched, span_scores

PROMPT = ask.prompt("Question: which?\nAnswer:")


class Bigrams:
    """A random model over words: log p(next | previous), with the end as one more word.

    Brute force over spans uses `chance` alone; `answer` plays the adapter, a word a token.
    """

    def __init__(self, rng: np.random.Generator, words: list[str]) -> None:
        self.words = [*dict.fromkeys(words), "\n"]
        table = rng.normal(0, 2, (len(self.words) + 1, len(self.words)))
        self.table = table - np.logaddexp.reduce(table, axis=1, keepdims=True)

    def chance(self, before: str | None, word: str) -> float:
        """log p(word | the word before it, or the start)."""
        row = len(self.words) if before is None else self.words.index(before)
        return float(self.table[row, self.words.index(word)])

    def whole(self, span: list[str]) -> float:
        """log P of a span as an answer, its end included."""
        said = [None, *span]
        return sum(self.chance(b, w) for b, w in zip(said, [*span, "\n"], strict=True))

    def answer(self, batch: ask.Batch) -> LogProbs:
        """Values by words."""
        rows = []
        for context, more in zip(
            batch.columns["context"], batch.columns["continuation"], strict=True
        ):
            said = ask.plain(context).partition("Answer:")[2].split()
            pieces = [f" {w}" for w in more.split()] + ["\n"] * more.endswith("\n")
            values = []
            for piece in pieces:
                word = piece if piece == "\n" else piece.strip()
                values.append(self.chance(said[-1] if said else None, word))
                said.append(word)
            rows.append((np.array(values), pieces))
        return LogProbs.of(rows)


def drive(model, prompts, passages, search=None, own=None):
    """Run a search against a model."""
    job = searched(prompts, passages, search or Search(), own=own)
    batches, asked = next(job), 0
    while True:
        asked += sum(len(b) for b in batches)
        try:
            batches = job.send([model.answer(b) for b in batches])
        except StopIteration as done:
            return done.value, asked


def spans(words, longest):
    """All spans of up to so many words."""
    return [words[i:j] for i in range(len(words)) for j in range(i + 1, min(len(words), i + longest) + 1)]  # fmt: skip


@pytest.mark.parametrize("normalised", [False, True])
def test_brute_force_over_all_spans(normalised):
    """S034 check 1: argmax and score of 100 random models equal brute force over all spans, to 1e-9 (N = 30).

    The matrix form and the search by questions are both held against it; the search asks far fewer
    spans for their end than there are.
    """
    shares = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        words = [f"w{k}" for k in rng.integers(0, 22, 30)]
        model = Bigrams(rng, words)
        every = spans(words, 8)
        scores = [model.whole(s) / (len(s) + 1 if normalised else 1) for s in every]
        best = int(np.argmax(scores))
        tokens, ends = np.full((30, 8), np.nan), np.full((30, 8), np.nan)
        for i in range(30):
            for j in range(min(8, 30 - i)):
                tokens[i, j] = model.chance(words[i + j - 1] if j else None, words[i + j])
                ends[i, j] = model.chance(words[i + j], "\n")
        start, more, score = best_span(span_scores(tokens, ends, normalised=normalised))
        assert score == pytest.approx(scores[best], abs=1e-9)
        assert words[start : start + more + 1] == every[best]
        (found,), _ = drive(model, [PROMPT], [" ".join(words)], Search(normalised=normalised))
        assert found.score == pytest.approx(scores[best], abs=1e-9)
        assert found.text.split() == every[best]
        assert found.spans == len({tuple(s) for s in every})
        shares.append(found.asked / found.spans)
    assert np.mean(shares) < 0.35


def test_the_end_counts():
    """S034 pitfall: without the end's term short spans win; with it the answer that ends does."""
    tokens = np.log([[0.9, 0.9], [0.1, np.nan]])
    ends = np.log([[0.01, 0.9], [0.9, np.nan]])
    assert best_span(span_scores(tokens, np.zeros_like(tokens)))[:2] == (0, 0)
    start, more, score = best_span(span_scores(tokens, ends))
    assert (start, more) == (0, 1)
    assert score == pytest.approx(np.log(0.729))
    scaled = span_scores(tokens, ends, normalised=True)
    assert scaled[0, 1] == pytest.approx(np.log(0.729) / 3)
    assert scaled[1, 1] == -np.inf


class Trap(Bigrams):
    """p(right) = .45 and then certain; p(dead) = .55 and then spread over ten ways on."""

    def __init__(self) -> None:
        ways = [f"way{k}" for k in range(9)]
        self.words = ["right", "answer", "dead", *ways, "\n"]
        table = np.full((len(self.words) + 1, len(self.words)), 1e-9)
        at = {w: i for i, w in enumerate(self.words)}
        table[-1, at["right"]], table[-1, at["dead"]] = 0.45, 0.55
        table[at["right"], at["answer"]] = table[at["answer"], at["\n"]] = 1.0
        for way in (*ways, "\n"):
            table[at["dead"], at[way]] = 0.1
        for way in ways:
            table[at[way], at["\n"]] = 1.0
        self.table = np.log(table)


def greedy(model):
    """Words by argmax until the end."""
    said: list[str] = []
    while len(said) < 8:
        before = said[-1] if said else None
        said.append(max(model.words, key=lambda w: model.chance(before, w)))
        if said[-1] == "\n":
            return said[:-1]
    return said


def test_a_trap_is_found():
    """S034 check 3: greedy takes the dead end (.55 against .45), the exact search does not.

    Greedy's answer is worth .055; the best span .45.
    """
    model = Trap()
    said = " ".join(greedy(model))
    assert said.startswith("dead")
    passage = "dead way0 way1 right answer way2 way3 way4"
    (found,), _ = drive(model, [PROMPT], [passage], own=[said])
    assert found.text == "right answer"
    assert np.exp(found.score) == pytest.approx(0.45, abs=1e-6)
    assert np.exp(found.own) == pytest.approx(0.055, abs=1e-6)


def test_best_is_never_below_greedy():
    """S034 check 2: log P(best) >= log P(greedy) whenever greedy is a span; equal for a copy-peaked model."""
    for seed in range(40):
        rng = np.random.default_rng([7, seed])
        words = [f"w{k}" for k in rng.integers(0, 12, 25)]
        model = Bigrams(rng, words)
        said = " ".join(greedy(model))
        passage = " ".join(words)
        (found,), _ = drive(model, [PROMPT], [passage], own=[said])
        inside = bool(said) and said in passage
        assert np.isfinite(found.own) == inside
        if inside:
            assert found.score >= found.own - 1e-12
            assert found.own == pytest.approx(model.whole(said.split()), abs=1e-9)
    copying = Trap()
    copying.table[-1, copying.words.index("right")] = np.log(0.9)
    said = " ".join(greedy(copying))
    (found,), _ = drive(copying, [PROMPT], ["dead way0 right answer way1"], own=[said])
    assert found.text == said == "right answer"
    assert found.score == pytest.approx(found.own, abs=1e-12)


def test_a_long_greedy_answer_competes_too():
    """A greedy answer beyond the longest span is a candidate: the gap cannot fall below 0."""
    rng = np.random.default_rng(1)
    words = [f"w{k}" for k in range(12)]
    model = Bigrams(rng, words)
    model.table[:, model.words.index("\n")] = -30.0
    for k in range(11):
        model.table[k, k + 1] = -0.001
    model.table[11, model.words.index("\n")] = model.table[-1, 0] = -0.001
    said = " ".join(words)
    (found,), _ = drive(model, [PROMPT], [said], Search(longest=3), own=[said])
    assert found.text == said
    assert found.score == pytest.approx(found.own) == pytest.approx(model.whole(words))


def test_duplicates_count_once_or_as_often_as_they_stand_there():
    """S034 pitfall: "max" is the text's probability, "sum" adds log of how often it stands there."""
    model = Trap()
    passage = "right answer dead way0 right answer"
    once, twice = (
        drive(model, [PROMPT], [passage], Search(duplicates=d))[0][0] for d in ("max", "sum")
    )
    assert twice.score - once.score == pytest.approx(np.log(2))
    with pytest.raises(BadInput, match="duplicates"):
        Search(duplicates="both")


def test_several_passages_and_what_has_no_answer():
    """Passages do not mix; one without words, and a model without an answer, have their reason."""
    model = Trap()
    found, _ = drive(model, [PROMPT] * 3, ["right answer", "...", "dead"])
    assert [f.text for f in found] == ["right answer", "", "dead"]
    assert found[1].why == "the passage has no words"

    class Silent(Trap):
        def answer(self, batch):
            return LogProbs.of(["refused"] * len(batch))

    (none,), _ = drive(Silent(), [PROMPT], ["right answer"])
    assert (none.text, none.why) == ("", "refused")


def test_words_keep_their_inner_marks():
    """Spans end at words, not inside "3,200", "don't" or "well-known"; marks around them stay outside."""
    text = "It's a well-known 3,200 (sic)."
    assert [m[0] for m in WORD.finditer(text)] == ["It's", "a", "well-known", "3,200", "sic"]


def test_a_reader_learns_to_copy():
    """S034 check 4: a toy GRU's greedy answers are spans for less than half of the questions untrained.

    After 64 examples more than .9 are, and more than .8 are the best span.

    All contexts are unseen. The bound depends on what the toy can do before training: see `Reader.forward`.
    """
    toy_reader = pytest.importorskip("toy_reader")
    model = toy_reader.Reader(seed=0)
    before = toy_reader.judged(model, seed=1)
    toy_reader.train(model, toy_reader.examples(64, seed=2), steps=250)
    after = toy_reader.judged(model, seed=1)
    assert before["extractive"] < 0.5
    assert after["extractive"] > 0.9
    assert after["optimal"] > 0.8
    assert after["smallest_gap"] > -1e-5
    assert before["smallest_gap"] > -1e-5
