"""Answers and items by pages: the same rows as reading the whole file, in the same order."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from plumbline.audit import api
from plumbline.core.errors import BadInput, UnknownName
from plumbline.models import parquet
from plumbline.server import answers, items, queries

TEXTS = [
    "plain",
    "100 % sure",
    "snake_case",
    "back\\slash",
    'a "quote"',
    "line\nbreak",
    "\u00dcber ALLES",
    "it's; drop table",
    "*?[x]",
]


@pytest.fixture
def path(tmp_path):
    """A file of 5,000 questions and answers in three row groups, of two methods to two addressees."""
    n = 5000
    text = [f"{TEXTS[i % len(TEXTS)]} {i}" for i in range(n)]
    columns = {
        "metric": [("weat", "bbq")[i % 2] for i in range(n)],
        "step": np.zeros(n),
        "to": [("subject", "vader")[i % 3 == 0] for i in range(n)],
        "ability": ["generate"] * n,
        "row": np.arange(n, dtype=float),
        "key": [f"{i:032x}" for i in range(n)],
        "question": [json.dumps({"prompt": [f"question {i}"]}) for i in range(n)],
        "answer": [json.dumps([t, "stop"], ensure_ascii=False) for t in text],
        "status": ["refused" if i % 10 == 0 else "" for i in range(n)],
    }
    made = {k: np.array(v, dtype=object) if isinstance(v, list) else v for k, v in columns.items()}
    path = tmp_path / "answers.parquet"
    with duckdb.connect() as connection:
        connection.register("given", made)
        connection.execute(f"copy given to '{path}' (format parquet, row_group_size 2048)")
    return path


def walk(path, wanted):
    """Rows of all pages, forward; then the same backward from the end."""
    forward, page, pages = [], answers.page(path, wanted), []
    while True:
        forward += [r.row for r in page.rows]
        pages.append([r.row for r in page.rows])
        if page.later is None:
            break
        page = answers.page(path, replace(wanted, after=page.later))
    back = [pages[-1]]
    while page.earlier is not None:
        page = answers.page(path, replace(wanted, before=page.earlier))
        back.insert(0, [r.row for r in page.rows])
    return forward, pages, back


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({}, lambda _: True),
        ({"metric": "bbq"}, lambda i: i % 2 == 1),
        ({"to": "vader", "metric": "weat"}, lambda i: i % 6 == 0),
        ({"state": "unanswered"}, lambda i: i % 10 == 0),
        ({"state": "answered"}, lambda i: i % 10 != 0),
        ({"metric": "none"}, lambda _: False),
        *[({"text": t}, lambda i, t=t: TEXTS[i % len(TEXTS)] == t) for t in TEXTS if t != "plain"],
        ({"text": "\u00fcber alles"}, lambda i: i % len(TEXTS) == 6),
        ({"text": "question 99"}, lambda i: str(i).startswith("99")),
        ({"text": "%"}, lambda i: i % len(TEXTS) == 1),
        ({"text": "_"}, lambda i: i % len(TEXTS) == 2),
    ],
)
def test_pages_together_are_all_rows_in_order(path, wanted, rows):
    """Forward and backward, whatever the filter; signs that a pattern would read are taken literally."""
    forward, pages, back = walk(path, answers.Wanted(**wanted))
    assert forward == [i for i in range(5000) if rows(i)]
    if not wanted:
        assert back == pages


def test_what_is_chosen_by_is_what_the_file_has(path):
    """Methods, addressees and the number of rows."""
    assert answers.choices(path) == (["bbq", "weat"], ["subject", "vader"], 5000)


def test_answers_of_every_ability_are_said_in_words(planted_runs):
    """A vector is told by its length; what is not known is shown as it is stored."""
    from plumbline.core import answers as made
    from plumbline.report.spoken import answer_words

    def said(ability, value, question="{}"):
        return answer_words(ability, json.dumps(value.pack(0)[1:]), "", question)

    assert said("generate", made.Texts(["yes"], ["stop"], [""])) == "yes"
    chosen = made.Choices(np.array([1]), [np.array([])], ["B"], ["generate"], [""])
    assert said("choose", chosen) == "option 2 (by generate): B"
    scored = made.LogProbs.of([(np.array([-1.0, -2.5]), ["a", " b"])])
    assert said("logprob", scored) == "-3.500 nats over 2 tokens"
    assert said("next", made.Nexts([np.array([-1.0, -0.25])], [""])) == "-1.00, -0.250 nats"
    assert (
        said("classify", made.Classes(np.array([[0.25, 0.75]]), ("no", "yes"), [""]))
        == "no: 0.250; yes: 0.750"
    )
    assert said("score", made.Numbers(np.array([2.0]), [""])) == "2.00"
    assert said("embed", made.Vectors(np.zeros((1, 7)), [""])) == "a vector of 7 numbers"
    assert answer_words("generate", "[]", "refused") == "(no answer: refused)"
    for ability, text in (
        ("sing", '["la"]'),
        ("logprob", "[1]"),
        ("choose", "[]"),
        ("generate", "not JSON"),
        ("generate", "{}"),
    ):
        assert answer_words(ability, text, "") == text


@pytest.fixture
def run(planted_runs):
    """A real run with its first primary finding that has a number."""
    made = api.load_run(planted_runs / "day-1")
    finding = next(f for f in made.findings if f["role"] == "primary" and f["status"] == "estimate")
    measure = next(
        m
        for m in made.header["measures"]["weat"]
        if m["labels"] == finding["labels"] and m["role"] == "primary"
    )
    return made, finding, measure


def test_the_items_of_a_finding_are_those_that_entered_it(run):
    """As many as its n says, chosen as its measure chose them."""
    made, finding, measure = run
    listed = items.listing(
        made.folder / "items.parquet", finding, measure["where"], order="item", number=1
    )
    assert listed.page.total == finding["n"]
    assert len(listed.page.rows) == min(50, finding["n"])


@pytest.mark.parametrize("order", ["high", "low"])
def test_items_are_sorted_by_score(run, order):
    """Over all pages."""
    made, finding, _ = run
    whole = made.items("weat")["score"]
    shown = []
    for number in (1, 2, 3):
        listed = items.listing(
            made.folder / "items.parquet", finding, {}, order=order, number=number
        )
        shown += [float(line[list(listed.names).index("score")]) for line in listed.page.rows]
    wanted = np.sort(whole[np.isfinite(whole)])
    wanted = wanted[::-1] if order == "high" else wanted
    assert len(shown) == min(150, wanted.size) > 60
    np.testing.assert_allclose(shown, wanted[:150], rtol=1e-2)


def saved(tmp_path, **columns):
    """An items file of one method."""
    size = len(columns["score"])
    made = {"metric": ["m"] * size, **columns}
    parquet.write(
        tmp_path / "items.parquet",
        {k: np.array(v, dtype=object if isinstance(v[0], str) else float) for k, v in made.items()},
    )
    return tmp_path / "items.parquet"


@pytest.mark.parametrize(
    ("worse", "first", "said"),
    [("higher", "d", "higher"), ("lower", "a", "lower"), ("either", "a", "median")],
)
def test_worst_first_follows_the_card(tmp_path, worse, first, said):
    """The side that is worse; where either is, the farthest from the median."""
    path = saved(tmp_path, item=["b", "a", "c", "d"], score=[0.1, -0.9, 0.2, 0.5])
    listed = items.listing(path, {"metric": "m", "worse": worse}, {}, order="worst", number=1)
    assert listed.page.rows[0][list(listed.names).index("item")] == first
    assert said in listed.order


def test_worst_first_puts_versions_that_differ_most_together(tmp_path):
    """Where items have versions (groups), the item whose versions score farthest apart comes first, whole."""
    path = saved(
        tmp_path, item=["a", "a", "b", "b"], group=["x", "y", "x", "y"], score=[0.9, 0.8, 0.1, 0.7]
    )  # fmt: skip
    listed = items.listing(path, {"metric": "m", "worse": "higher"}, {}, order="worst", number=1)
    assert [line[list(listed.names).index("item")] for line in listed.page.rows] == [
        "b",
        "b",
        "a",
        "a",
    ]


def test_a_selection_by_numbers_and_texts_finds_what_was_stored(tmp_path):
    """A draw is stored as 1.0 and asked for as 1; lists are any of."""
    path = saved(
        tmp_path,
        item=["a", "b", "c"],
        draw=[0.0, 1.0, 2.0],
        part=["x", "y", "x"],
        score=[1.0, 2.0, 3.0],
    )
    finding = {"metric": "m", "worse": "either"}

    def chosen(**where):
        return items.listing(path, finding, where, order="item", number=1).page.total

    assert chosen(draw=1) == 1
    assert chosen(draw=[0, 2], part="x") == 2
    assert chosen(part=["x", "y"]) == 3
    assert chosen(part="z") == 0
    with pytest.raises(BadInput, match="no column"):
        chosen(**{'score" or 1=1 --': 1})
    with pytest.raises(UnknownName):
        items.listing(path, finding, {}, order="score; drop", number=1)


def test_nothing_is_fetched_from_a_path(tmp_path):
    """A database here loads no extension, so a path is a file or an error."""
    from plumbline.core.errors import StoreError

    with pytest.raises(StoreError):
        queries.rows("select * from read_parquet('https://example.org/x.parquet')")
