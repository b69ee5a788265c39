"""Two runs side by side: paired slopes, both values, what a correction may have broken."""

from __future__ import annotations

import re
from html import unescape

import pytest

from plumbline.audit import api
from plumbline.audit.side_effects import SideEffect
from plumbline.report import comparison_page, figures
from plumbline.report.slopes import paired
from plumbline.testing import PlantedChooser


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The same plan on a chooser with a strong pull to the first place, and on one without."""
    out = tmp_path_factory.mktemp("pair")
    return tuple(
        api.audit(PlantedChooser(position=dial), metrics=("option_position",), out=out) for dial in (0.6, 0.0)
    )  # fmt: skip


def text_of(page):
    """Words of a page."""
    return re.sub(
        r"\s+", " ", unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))
    )


def test_the_page_says_which_way_the_second_run_differs(pair):
    """Lower in B than in A, with the difference that the comparison holds."""
    found = api.compare(*pair)
    page = text_of(comparison_page.render(found, *pair))
    place = next(f for f in found.findings if f["role"] == "primary" and f["p_adjusted"] < 0.01)
    assert place["value"] < 0
    assert "lower by" in page
    assert "in B than in A" in page
    backwards = text_of(comparison_page.render(api.compare(*pair[::-1]), *pair[::-1]))
    assert "higher by" in backwards


def test_both_values_stand_beside_their_difference(pair):
    """Each row: A's own value, B's own value, B - A; to the digits shown they agree."""
    found = api.compare(*pair)
    page = comparison_page.render(found, *pair)
    cells = re.findall(
        r'data-name="A">([^<]*)</td><td class="number" data-name="B">([^<]*)</td>\s*<td class="number" data-name="difference">([^<]*)<', page
    )  # fmt: skip
    whole = [tuple(map(float, c)) for c in cells if all(c)]
    assert len(whole) >= 3
    for a, b, difference in whole:
        assert b - a == pytest.approx(difference, abs=0.011)


def test_a_slope_joins_the_same_finding_of_both_runs(pair):
    """Before and after are the two runs' own values; only a difference that holds counts as changed."""
    a, b = pair
    slopes = paired(a.findings, b.findings, api.compare(a, b).findings, alpha=0.05)
    own = {f["value"] for f in a.findings if f["role"] == "primary" and f["status"] == "estimate"}
    assert {s.before for s in slopes} <= own
    assert any(s.changed for s in slopes)
    assert not any(
        s.changed for s in paired(a.findings, a.findings, api.compare(a, a).findings, alpha=0.05)
    )


def test_side_effects_stand_on_the_page_of_a_correction(pair):
    """The summary sentence and a row a finding, with the margin and how much worse it may be."""
    effect = SideEffect(metric="option_position", labels={"axis": "option position"}, unit="rate",
                        change=0.01, bound=0.04, margin=0.05, reading="not worse")  # fmt: skip
    page = text_of(
        comparison_page.render(
            api.compare(*pair), *pair, names=("before", "after"), effects=[effect]
        )
    )
    assert "1 of 1 are shown not to be worse by the margin" in page
    assert "+0.040" in page
    assert "in after than in before" in page


def test_without_the_plots_extra_the_page_says_so(pair, monkeypatch):
    """No figure, one line with the pip command, the table as before."""
    monkeypatch.setattr(figures, "available", lambda: False)
    page = comparison_page.render(api.compare(*pair), *pair)
    assert "plumbline[plots]" in page
    assert "<svg" not in page
