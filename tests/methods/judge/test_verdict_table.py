"""Verdict tables: how cells are read, what is refused, how two orders are joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.core import questions as ask
from plumbline.core.errors import BadInput, NotRecorded, UnknownName
from plumbline.data.sets import verdict_rows
from plumbline.metrics import verdict_table as vt
from plumbline.models.abilities import ModelOptions
from plumbline.models.table import open_table

F, S, T, N = vt.FIRST, vt.SECOND, vt.TIE, vt.NONE
PLAIN = """judge,question,first,second,verdict,better,first_length,second_length
ann,1,x,y,first,x,10,20
ann,1,y,x,second,x,20,10
bea,1,x,y,tie,tie,10,20
bea,2,x,z,,,,
bea,2,z,x,unparsed,z,5,
"""


def opened(tmp_path, text, **extra):
    """The columns and facts of a table with this text."""
    path = tmp_path / "verdicts.csv"
    path.write_text(text)
    subject = open_table(str(path), ModelOptions(extra=extra))
    ((_, records),) = subject.answer(ask.records())
    return records.columns, subject.about()


def test_a_table_opens_without_settings(tmp_path):
    """Every column lands where it belongs; an empty and an unparsed cell are no verdicts."""
    columns, about = opened(tmp_path, PLAIN)
    assert vt.holds(columns)
    table = vt.read(columns, about)
    assert table.judges == ("ann", "bea")
    assert table.verdict.tolist() == [F, S, T, N, N]
    assert table.why.tolist() == ["", "", "", "empty", "unparsed"]
    assert table.unread() == {"empty": 1, "unparsed": 1}
    assert table.parsed == 0.6
    # The better answer is named by content; here it is a place in the row.
    assert table.better.tolist() == [F, S, T, N, F]
    np.testing.assert_array_equal(
        table.lengths, [[10, 20, 10, np.nan, 5], [20, 10, 20, np.nan, np.nan]]
    )
    assert table.question.tolist() == ["1", "1", "1", "2", "2"]


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (("A", "b", "C"), (F, S, T)),
        (("1", "2", "0"), (F, S, T)),
        (("1", "2", "3"), (F, S, T)),
        (("1.0", "2.0", "3.0"), (F, S, T)),
        (("A>B", "B>A", "A=B"), (F, S, T)),
        (("First", "SECOND", "Tie"), (F, S, T)),
        (("refused", "garbage", "error"), (N, N, N)),
    ],
)
def test_how_verdicts_are_written(tmp_path, cells, codes):
    """Words, letters and numbers, by place."""
    rows = "".join(f"j,{i},x,y,{cell}\n" for i, cell in enumerate(cells))
    table = vt.read(*opened(tmp_path, "judge,question,first,second,verdict\n" + rows))
    assert table.verdict.tolist() == list(codes)
    assert np.isnan(table.lengths).all()
    assert (table.better == N).all()


def test_other_names_and_rows(tmp_path):
    """Columns by other names, rows by their values, one judge alone."""
    text = "reviewer,q,a,b,decision,set\nann,1,x,y,1,s\nann,2,x,y,2,s\nbea,1,x,y,3,t\n"
    columns, about = opened(tmp_path, text)
    names = {"judge": "reviewer", "question": "q", "first": "a", "second": "b", "verdict": "decision"}  # fmt: skip
    assert vt.holds(columns, names)
    assert not vt.holds(columns)
    assert len(vt.read(columns, about, names=names)) == 3
    assert vt.read(columns, about, names=names, where={"set": "t"}).judges == ("bea",)
    assert vt.read(columns, about, names=names, one_judge="ann").verdict.tolist() == [F, S]
    with pytest.raises(UnknownName, match="anna"):
        vt.read(columns, about, names=names, one_judge="anna")
    with pytest.raises(BadInput, match="set = 'u'"):
        vt.read(columns, about, names=names, where={"set": "u"})
    with pytest.raises(UnknownName, match="jugde"):
        vt.read(columns, about, names={"jugde": "reviewer"})
    with pytest.raises(NotRecorded, match="no column 'judge'"):
        vt.read(columns, about)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ann,1,x,y,first,x", "ann,1,x,y,better,x"), "holds 'better'"),
        (("ann,1,x,y,first,x", "ann,1,x,y,first,A"), "names the better system"),
        (("ann,1,x,y,first,x", "ann,1,x,x,first,x"), "with itself"),
        (("10,20\nann", "ten,20\nann"), "must hold numbers"),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path, change, said):
    """A cell that is no verdict, a better answer given by place, one system twice, no length."""
    with pytest.raises(BadInput, match=said):
        vt.read(*opened(tmp_path, PLAIN.replace(*change)))


def test_an_empty_prediction_of_another_name_is_still_refused(tmp_path):
    """Only a column of verdicts may have gaps without a setting; `drop` still drops."""
    with pytest.raises(BadInput, match="has no value in 1 of 2 rows"):
        opened(tmp_path, "prediction,sex\n1,f\n,m\n")
    columns, about = opened(tmp_path, PLAIN, missing="drop")
    assert about["dropped_rows"] == 1
    assert len(vt.read(columns, about)) == 4


def table_of(rows):
    """A table of (judge, question, first, second, verdict) rows."""
    cells = [np.array(c, dtype=object) for c in zip(*rows, strict=True)]
    n = len(rows)
    return vt.Verdicts(*cells[:4], cells[4].astype(np.int64), np.full(n, "", dtype=object),
                       np.full(n, N), np.full((2, n), np.nan), np.full(n, np.nan))  # fmt: skip


def test_orders_are_joined_by_judge_question_and_pair():
    """Row 0 of the pairs shows the alphabetically first system first, whichever row came first."""
    table = table_of([
        ("j", "1", "y", "x", S), ("j", "1", "x", "y", F), ("k", "1", "x", "y", F),
        ("j", "2", "x", "y", F), ("j", "1", "x", "z", T), ("k", "1", "y", "x", T),
    ])  # fmt: skip
    pairs = vt.both_orders(table)
    assert pairs.rows.T.tolist() == [[1, 0], [2, 5]]
    assert pairs.one_order.tolist() == [3, 4]


def test_repeated_verdicts_are_joined_in_order():
    """The k-th verdict in one order with the k-th in the other; what is left over is in one order."""
    table = table_of([("j", "1", a, b, F) for a, b in ("xy", "xy", "yx", "xy", "yx")])
    pairs = vt.both_orders(table)
    assert pairs.rows.T.tolist() == [[0, 2], [1, 4]]
    assert pairs.one_order.tolist() == [3]


@given(
    st.lists(
        st.tuples(*(st.sampled_from(s) for s in ("jk", "12", "xyz", "xyz", (F, S, T)))).filter(
            lambda r: r[2] != r[3]
        ),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_joining_agrees_with_a_plain_count(rows):
    """For every judge, question and pair: as many joined as the rarer order has verdicts."""
    table = table_of(rows)
    pairs = vt.both_orders(table)
    assert sorted([*pairs.rows.ravel().tolist(), *pairs.one_order.tolist()]) == list(
        range(len(rows))
    )
    wanted = 0
    for judge, question, low, high in {(r[0], r[1], *sorted(r[2:4])) for r in rows}:
        counts = [
            sum(r[:4] == (judge, question, a, b) for r in rows)
            for a, b in ((low, high), (high, low))
        ]
        wanted += min(counts)
    assert pairs.rows.shape[1] == wanted
    for one, two in pairs.rows.T:
        assert rows[one][:2] == rows[two][:2]
        assert rows[one][2:4] == rows[two][3:1:-1]
        assert rows[one][2] < rows[one][3]


def test_public_sets_as_tables(mirror, tmp_path):
    """Counts of the public sets, by judge and by order (their SOURCE notes)."""
    expected = {
        "vicuna80-judgments": (15040, 6, 4000, {}),
        "llmbar": (54470, 65, 27235, {"unparsed": 134}),
        "judgebench": (4740, 7, 2370, {"unparsed": 13}),
        "faireval-pandalm": (5075, 6, 0, {"unparsed": 25}),
    }
    assert expected.keys() == verdict_rows.tables().keys()
    for name, (rows, judges, both, unread) in expected.items():
        path = tmp_path / f"{name}.csv"
        verdict_rows.write(verdict_rows.table_of(name), path)
        subject = open_table(str(path), ModelOptions())
        ((_, records),) = subject.answer(ask.records())
        table = vt.read(records.columns, subject.about())
        assert (len(table), len(table.judges), table.unread()) == (rows, judges, unread)
        assert vt.both_orders(table).rows.shape[1] == both
