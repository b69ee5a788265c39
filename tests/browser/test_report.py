"""The HTML report in a real browser: phone and desk, light and dark, keyboard, print."""

from __future__ import annotations

import pytest

from plumbline.audit import api
from plumbline.report import comparison_page, html
from plumbline.testing import PlantedChooser, PlantedWriter

METRICS = ("counterfactual_sentiment",)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report with figures, maps, brittleness, pairs and something that could not be measured."""
    out = tmp_path_factory.mktemp("report")
    subject = PlantedWriter(dial=0.6, leans={"Greg": 1.0, "Jill": -1.0}, template_sd=0.5, seed=4)
    run = api.audit(subject, metrics=(*METRICS, "weat"), out=out)
    return html.write(run, out / "report.html")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Two runs of one plan side by side."""
    out = tmp_path_factory.mktemp("comparison")
    pair = [
        api.audit(PlantedChooser(position=p), metrics=("option_position",), out=out) for p in (0.6, 0.0)
    ]  # fmt: skip
    return comparison_page.write(out / "pair.html", api.compare(*pair), *pair)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_report_is_accessible(report, page_at, axe, dark, width):
    """axe-core finds nothing, in both themes and at both widths, with every box opened."""
    page = page_at(report, dark=dark, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert axe(page) == []


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_nothing_sticks_out_of_the_page(report, comparison, page_at, width):
    """No sideways scrolling of the page itself, on a small phone or a desk."""
    for path in (report, comparison):
        page = page_at(path, width=width)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_comparison_is_accessible(comparison, page_at, axe):
    """The two-run page too."""
    for dark in (False, True):
        assert axe(page_at(comparison, dark=dark)) == []


def test_the_keyboard_reaches_the_findings_and_opens_an_item(report, page_at):
    """Tab shows the link past the first screen; a box opens with Enter and shows both members of a pair."""
    page = page_at(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#findings")
    box = page.locator("summary", has_text="Where the two groups lie farthest apart").first
    assert page.locator(".pair").first.is_visible() is False
    box.focus()
    page.keyboard.press("Enter")
    pair = page.locator(".pair").first
    assert pair.is_visible()
    assert pair.locator(".side").count() == 2
    assert pair.locator("mark").count() >= 1


def test_printing_opens_the_boxes(report, page_at):
    """On paper nothing can be clicked: what stands in a box is on it, in black on white."""
    page = page_at(report, dark=True)
    page.emulate_media(media="print", color_scheme="dark")
    colour = page.evaluate("getComputedStyle(document.querySelector('.plumbline')).color")
    assert colour == "rgb(0, 0, 0)"
    words = page.locator(".pair p.words").first
    assert words.evaluate("e => e.checkVisibility({contentVisibilityAuto: true})")


def test_the_page_asks_for_nothing(report, page_at):
    """No request leaves the file, and the console stays empty (the fixture fails on either)."""
    page = page_at(report)
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
