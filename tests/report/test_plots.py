"""Results in a notebook: charts from the report's own specifications, and tables that are harmless."""

from __future__ import annotations

from html.parser import HTMLParser

import altair as alt
import numpy as np
import pytest
import vl_convert

from plumbline.audit import api
from plumbline.audit.cache import Cache
from plumbline.audit.explain import Explained
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.audit.store import Run
from plumbline.core.errors import BadInput, MissingExtra
from plumbline.core.explanation import Array, Drawing
from plumbline.report import plots
from plumbline.testing import PlantedEmbedder

ATTACK = "<script>alert(1)</script>\x1b[31m\u202e"


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three stored audits of planted embedders."""
    made = []
    for seed in (1, 2, 3):
        with Cache(":memory:") as cache:
            plan = Plan(
                model=f"planted {seed}", metrics=("weat",), params={"weat": {"tests": [6, 7]}}
            )
            made.append(
                Audit(plan, PlantedEmbedder(seed=seed), cache).run(tmp_path_factory.mktemp("r"))
            )
    return made


@pytest.fixture(scope="module")
def board():
    """A leaderboard of recorded verdicts, some by a judge that likes what it sees first."""
    rng = np.random.default_rng(5)
    rows = {n: [] for n in ("judge", "question", "first", "second", "verdict")}
    strength = {"a": 0.7, "b": 0.5, ATTACK: 0.3}
    for q in range(60):
        for one, two in (
            ("a", "b"),
            ("b", "a"),
            ("a", ATTACK),
            (ATTACK, "a"),
            ("b", ATTACK),
            (ATTACK, "b"),
        ):
            chance = 0.5 + strength[one] - strength[two] + 0.1
            for name, value in zip(
                rows,
                ("j", f"q{q}", one, two, "first" if rng.random() < chance else "second"),
                strict=True,
            ):
                rows[name].append(value)
    return api.leaderboard({n: np.array(v, dtype=object) for n, v in rows.items()})


@pytest.fixture
def explanation(run):
    """An explanation made up of one array and its drawing."""
    array = Array.of(
        np.arange(6.0).reshape(3, 2), unit="nats", says="what each part adds",
        layer=(0, 1, 2), part=("attention", ATTACK),
    )  # fmt: skip
    header = {**run.header, "explainer": "logit_lens", "notes": {"logit_lens": [ATTACK]}}
    made = Explained(
        Run(header, []),
        {"parts": array},
        [Drawing(array="parts", mark="line", x="layer", by="part", caption="What each part adds")],
    )
    return made


def drawn(chart) -> str:
    """SVG of a chart, by the drawing library itself."""
    return vl_convert.vegalite_to_svg(chart.to_dict())


def points(chart) -> list[dict]:
    """Data of all panels of a forest."""
    given = chart.to_dict()
    panels = given.get("vconcat", [given])
    return [
        row
        for p in panels
        for row in (p["data"].get("values") or given["datasets"][p["data"]["name"]])
    ]


def test_a_run_is_drawn_with_its_numbers(three):
    """Every primary estimate with value and interval, one panel a unit."""
    chart = three[0].plot()
    wanted = [f for f in three[0].findings if f["role"] == "primary" and f["status"] == "estimate"]
    got = points(chart)
    assert [p["value"] for p in got] == [f["value"] for f in wanted]
    assert [(p["low"], p["high"]) for p in got] == [(f["low"], f["high"]) for f in wanted]
    assert "<svg" in drawn(chart)
    assert isinstance(chart, alt.TopLevelMixin)


def test_units_have_panels_of_their_own(run):
    """Numbers of different units never share an axis."""
    given = run.plot().to_dict()
    assert [p["title"]["text"] for p in given["vconcat"]] == ["cohen_d", "nats", "rate", "score"]
    assert "currentColor" not in str(given)
    assert "<svg" in drawn(run.plot())


def test_a_comparison_is_drawn(three):
    """Differences B - A around 0, titled so."""
    found = api.compare(three[0], three[1])
    chart = found.plot()
    assert "B - A, cohen_d" in str(chart.to_dict()["title"])
    assert [p["value"] for p in points(chart)] == [
        f["value"] for f in found.findings if f["role"] == "primary" and f["status"] == "estimate"
    ]
    assert "<svg" in drawn(chart)
    assert "planted 1" in found._repr_html_()
    assert str(found).startswith("A: planted 1")


def test_a_ranking_is_drawn(three):
    """Models in order with the intervals of their index."""
    found = api.rank(three)
    got = points(found.plot())
    assert [(p["value"], p["low"], p["high"]) for p in got] == [
        (m["value"], m["low"], m["high"]) for m in found.models
    ]
    assert "<svg" in drawn(found.plot())
    assert "planted 2" in found._repr_html_()
    assert "Ranks hold together" in str(found)


def test_a_leaderboard_is_drawn_with_its_band(board):
    """Win rates with intervals; the band over the ways of counting is what is shaded."""
    got = points(board.plot())
    assert [(p["from"], p["to"]) for p in got] == [
        (s["band_low"], s["band_high"]) for s in board.systems
    ]
    assert "<svg" in drawn(board.plot())
    assert "Win rates over" in str(board)


def test_an_explanation_is_drawn_as_it_says(explanation):
    """One panel a drawing, with the array's values."""
    chart = explanation.plot()
    assert sorted(p["value"] for p in points(chart)) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert "<svg" in drawn(chart)
    assert "+5" in explanation._repr_html_()


class Tags(HTMLParser):
    """Tags of a fragment; every one is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_tables_are_well_formed_and_harmless(three, board, explanation):
    """Names of systems and parts are text: no script, no control character."""
    for found in (api.compare(*three[:2]), api.rank(three), board, explanation):
        page = found._repr_html_()
        reader = Tags()
        reader.feed(page)
        assert reader.open == []
        assert "script" not in reader.seen
        assert "\x1b" not in page
        assert "\u202e" not in page
    assert "&lt;script&gt;" in board._repr_html_()


def test_without_altair_the_error_has_the_pip_line(three, monkeypatch):
    """The table is there without the extra; the chart says what to install."""
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"plumbline\[plots\]"):
        three[0].plot()
    assert "<table" in api.rank(three)._repr_html_()


def test_nothing_to_draw_is_said(run):
    """A run without a number has no chart."""
    with pytest.raises(BadInput, match="nothing to draw"):
        Run(run.header, []).plot()
