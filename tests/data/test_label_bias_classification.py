"""The eight classification tasks: sizes, labels, disjoint parts; random words; frames."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.exchange import contents, filled
from plumbline.core.questions import plain
from plumbline.data.lexicons.basic_english import basic_english, classes
from plumbline.data.perturb.random_words import (
    corpus_words,
    domain_texts,
    random_texts,
    typical_length,
)
from plumbline.data.sets import label_bias_classification as tasks
from plumbline.data.templates.classification import KINDS, frames

# Labelled rows of the files as their authors publish them.
SIZES = {
    "sst2": (872, 1821), "cr": (1775, 2000), "mr": (2000, 2000), "mpqa": (8606, 2000), "trec": (5452, 500),
    "agnews": (7600, 7600), "cb": (250, 56), "rte": (2490, 277),
}  # fmt: skip


@pytest.mark.parametrize("name", tasks.TASKS)
def test_files_are_read_whole(name, places):
    """Rows of the published files, every label of the task among them."""
    task = tasks.task(name)
    found = [tasks.load(name, file, places=places) for file in (task.pool, task.audited)]
    assert tuple(map(len, found)) == SIZES[name]
    for rows in found:
        assert {row.label for row in rows} == set(task.labels)
        assert {len(row.texts) for row in rows} == {task.places}


@pytest.mark.parametrize("name", tasks.TASKS)
def test_nothing_audited_is_in_the_pool(name, places):
    """Calibration texts and demonstrations are never audited; each text once, none without a word."""
    pool, audited = tasks.pool(name, places=places), tasks.audited(name, places=places)
    assert not {e.texts for e in pool} & {e.texts for e in audited}
    for part in (pool, audited):
        assert len({e.texts for e in part}) == len(part)
        assert all(e.worded for e in part)
        assert len({e.id for e in part}) == len(part)
    assert min(Counter(e.label for e in audited).values()) >= 5


def test_polarity_is_the_files_own(places):
    """CR's first half of the test part is negative; MR and AG News are dealt out in turn, evenly."""
    rows = tasks.load("cr", "cr_test.csv", places=places)
    assert [r.label for r in rows[:1000]] == ["negative"] * 1000
    for name, count in (("mr", 500), ("agnews", 900)):
        for part in (tasks.pool, tasks.audited):
            labels = Counter(e.label for e in part(name, places=places))
            assert min(labels.values()) >= count


def test_bad_names_and_rows():
    """An unknown task names the nearest; a damaged row says what it holds."""
    with pytest.raises(UnknownName, match="sst2"):
        tasks.task("sst-2")
    with pytest.raises(BadInput, match="3 fields"):
        list(tasks._rows("1,a,b\n"))


def test_basic_english_has_ogdens_counts():
    """Ogden (1930): 100 operations, 400 and 200 things, 100 qualities, 50 opposites: 850."""
    assert [len(words) for words in classes().values()] == [100, 400, 200, 100, 50]
    assert len(basic_english()) == 850
    assert all(word == word.lower() and " " not in word for word in basic_english())


def test_random_texts_follow_the_papers_recipe():
    """Words as often as they occur, int(mean) + 1 of them, a full stop behind a blank (code of S027)."""
    texts = ["A b c", "a d", "a a a a"]
    assert corpus_words(texts) == ("a", "b", "c", "a", "d", "a", "a", "a", "a")
    assert typical_length(texts) == 4
    made = random_texts(corpus_words(texts), length=4, count=5_000, rng=np.random.default_rng(0))
    assert all(text.endswith(" .") and len(text.split()) == 5 for text in made)
    drawn = Counter(word for text in made for word in text.split()[:-1])
    assert drawn["a"] / 20_000 == pytest.approx(6 / 9, abs=4 * np.sqrt(2 / 9 / 20_000))


def test_pairs_have_words_and_lengths_of_their_own():
    """S027: two pools and two lengths; general words keep the lengths."""
    places_ = [["x y z", "x x x"], ["q", "q"]]
    made = domain_texts(places_, count=6, rng=np.random.default_rng(1))
    assert all(set(a.split()) <= {"x", "y", "z", "."} and b == "q q ." for a, b in made)
    general = domain_texts(places_, count=6, rng=np.random.default_rng(1), words=("w",))
    assert general == [("w w w w .", "w w .")] * 6


def test_nothing_to_draw_from():
    """No words, no texts."""
    with pytest.raises(BadInput, match="without a word"):
        typical_length(["", " "])
    with pytest.raises(BadInput, match="0 words"):
        random_texts((), length=3, count=2, rng=np.random.default_rng(0))


@pytest.mark.parametrize("kind", KINDS)
def test_frames_mark_the_items_own_text(kind):
    """Six wordings a kind, all different; only the item's text is marked, demonstrations are fixed."""
    known = frames(kind)
    assert len({(f.ask, f.leads, f.answer) for f in known}) == len(known) == 6
    for frame in known:
        texts, shown = ["own"] * len(frame.leads), [(["seen"] * len(frame.leads), "no")]
        prompt = frame.prompt(texts, ("yes", "no"), shown=shown)
        assert contents(prompt, "input") == tuple(texts)
        assert plain(prompt).count("seen") == len(frame.leads)
        assert plain(prompt).endswith(f"own\n{frame.answer}")
        assert "other" in plain(filled(prompt, "input", ["other"] * len(texts)))
    listed = {
        plain(f.prompt([""] * len(f.leads), ("yes", "no"))).split("answers: ")[1][:7] for f in known
    }
    assert listed == {"yes, no", "no, yes"}


def test_a_frame_takes_as_many_texts_as_it_leads():
    """A pair in a frame for one text is refused."""
    with pytest.raises(BadInput, match="takes 1 texts; got 2"):
        frames("topic")[0].prompt(["a", "b"], ("x", "y"))
