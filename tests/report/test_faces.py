"""The faces of a run: terminal, HTML, Markdown, figures."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page_reader import read
from rich.console import Console

from plumbline.audit.store import Run
from plumbline.core.errors import StoreError
from plumbline.core.results import Estimate, Finding
from plumbline.report import figures, html, markdown
from plumbline.report.rows import rows
from plumbline.report.terminal import plain_table, print_run

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`&<!--\x1b[31mred\x1b]0;title\x07\r\u202ed [bold]x[/bold] {{ 7*7 }} $(id)"


def harmless(page: str) -> None:
    """No script, no handler, no foreign address, no control character."""
    reader = read(page)
    tags = {tag for tag, _ in reader.seen}
    assert not tags & {"script", "img", "iframe", "object", "link", "form", "base"}
    attributes = [pair for _, found in reader.seen for pair in found.items()]
    assert not any(name.startswith("on") for name, _ in attributes)
    for name, value in attributes:
        if name in {"href", "src", "xlink:href", "action"}:
            assert value.startswith(("https://arxiv.org/abs/", "https://doi.org/", "#"))
    # Inside a drawing, a legend's colours are a reference into the page itself.
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)


def attacked(findings: list[Finding]) -> list[Finding]:
    """Findings whose every free text is hostile."""
    made = Estimate(value=1.0, low=0.5, high=1.5, level=0.95, n=9, units=9, p=0.01)
    texts = dict.fromkeys(("unit", "estimand", "paper", "trust", "family", "certificate"), ATTACK)
    labels = {"axis": ATTACK, "group": ATTACK, "against": ATTACK, "toward": ATTACK, ATTACK: ATTACK}
    bad = Finding(
        metric=ATTACK,
        outcome=made,
        labels=labels,
        null=0.0,
        verdict="leans",
        margin=0.1,
        notes=(ATTACK,),
        **texts,
    )
    return [bad, *findings]


def test_the_terminal_text_tells_the_run(run):
    """Head, first findings, table and what is missing stand in the plain text."""
    text = plain_table(run)
    for part in ("Audit of demo", "BOS: <|im_start|>", "Leans: flowers further than insects", "Composite index 0.21",
                 "weat", "mean difference", "Not measured", "needs a masked-token head"):  # fmt: skip
        assert part in text
    assert str(run) == text


def test_the_plain_text_fits_its_width_and_has_no_escapes(run):
    """A pipe gets no control sequence and no line longer than the table's width."""
    text = plain_table(run)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_table_survives_any_terminal_width(run, width):
    """Narrow terminals lose columns, not findings."""
    sink = io.StringIO()
    print_run(run, Console(file=sink, width=width, color_system=None))
    assert sink.getvalue().count("leans") >= 2
    assert max(map(len, sink.getvalue().splitlines())) <= width


def test_hostile_text_cannot_drive_a_terminal(store_run, findings):
    """Escape sequences and markup of labels, answers and names come out as harmless signs."""
    sink = io.StringIO()
    run = store_run(attacked(findings), ATTACK)
    print_run(run, Console(file=sink, width=120, force_terminal=True, color_system="standard"))
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", sink.getvalue())
    assert "\x1b" not in without_colours
    assert "\x07" not in without_colours
    assert "[bold]" in re.sub(r"\s", "", without_colours)


def test_hostile_text_is_harmless_in_html(store_run, findings, header):
    """Every free text of header, findings, items and answers may hold HTML: none of it is markup."""
    subject = {
        "model": ATTACK,
        "name": ATTACK,
        "fingerprint": "aa",
        "abilities": [],
        "about": {"bos": ATTACK, ATTACK: ATTACK},
    }
    head = {
        **header,
        "subject": subject,
        "notes": {"weat": [ATTACK]},
        "facts": {"weat": {ATTACK: ATTACK}},
    }
    head["plan"] = {**header["plan"], "options": {"system": ATTACK}}
    page = html.render(store_run(attacked(findings), ATTACK, head))
    harmless(page)
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7*7 }}" in page or "{{ 7" in page


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(
        alphabet=st.sampled_from(list("<>&\"'/=\x1b\x00\x9b\u202e\ud800`{}%scriptonload-!")),
        max_size=60,
    )
)
def test_any_text_is_harmless(monkeypatch, store_run, findings, text):
    """Fuzzed labels and answers stay text in the page, in Markdown and in the terminal."""
    monkeypatch.setattr(figures, "available", lambda: False)
    made = Estimate(value=1.0, low=0.5, high=1.5, level=0.95, n=9, units=9, p=0.01)
    bad = Finding(
        metric="weat", outcome=made, labels={"axis": text}, null=0.0, verdict="leans", unit="nats"
    )
    run = Run(store_run(findings).header, [bad.row()])
    harmless(html.render(run))
    assert "\x1b" not in plain_table(run) + markdown.render(run)
    assert not re.search(r"(?<!\\)[<>]", markdown.render(run))


def test_the_page_is_small_and_asks_no_network(run):
    """One file below 3 MB, with a policy that forbids everything from elsewhere."""
    page = html.render(run)
    harmless(page)
    assert len(page.encode()) < html.LARGEST
    assert "default-src 'none'" in page


def test_a_page_that_would_grow_too_large_quotes_fewer_items(store_run, findings, monkeypatch):
    """Long texts are cut, and items give way before the page passes its limit; it says so."""
    run = store_run(findings, "long " * 10_000)
    whole = html.render(run)
    assert "long long" in whole
    monkeypatch.setattr(html, "LARGEST", len(whole.encode()) - 500)
    fewer = html.render(run)
    assert len(fewer.encode()) < html.LARGEST
    assert fewer.count("long long") < whole.count("long long")
    monkeypatch.setattr(html, "LARGEST", 10)
    assert "Items are left out to keep this file small" in html.render(run)


def test_the_first_screen_answers_the_four_questions(run):
    """What was asked of which model, what leans, the index, and what could not be measured."""
    page = html.render(run)
    first = page[: page.index("All findings")]
    for part in ("SmolLM2-135M-Instruct", "ffffffffffff", "float32", "chat template", "flowers further than insects",
                 "Composite index 0.21", "noise alone would give about", "needs a masked-token head"):  # fmt: skip
        assert part in first


def test_each_metric_has_card_certificate_and_provenance(run):
    """Estimand, null, paper link, certificate, packages, seed and plan hash are in the page."""
    page = html.render(run)
    for part in (
        "https://arxiv.org/abs/1608.07187",
        "trade places",
        "numpy 2.4.6",
        "0123456789abcdef",
        "vader aa",
        "2 of 5 answers of a server have changed",
        "a note of the method",
    ):
        assert part in page
    assert re.search("has not been calibrated|false alarms", page)


def test_items_are_shown_in_closed_boxes_after_a_warning(run):
    """Hurtful material is warned about first and stands inside `details`."""
    page = html.render(run)
    assert page.index('class="warning"') < page.index("Items that score farthest")
    assert "<details open" not in page


def test_redacted_pages_quote_nothing(store_run, findings):
    """`redact_items` leaves out items, questions, answers and the method's facts."""
    page = html.render(store_run(findings, "a secret answer"), redact_items=True)
    assert "a secret answer" not in page
    assert "coverage&#34;: 1.0" not in page
    assert "left out of this copy" in page


def test_without_the_plots_extra_the_report_says_so(run, monkeypatch):
    """No figure, one line with the pip command, and the tables as before."""
    monkeypatch.setattr(figures, "available", lambda: False)
    page = html.render(run)
    assert "plumbline[plots]" in page
    assert "<svg" not in page
    assert 'class="findings"' in page


def test_a_figure_draws_every_primary_estimate_of_its_unit(run):
    """One drawing a unit; each finding's name, no colour that a dark page would swallow."""
    pytest.importorskip("vl_convert")
    shown = rows(run.findings)
    drawn = figures.forest_plots(shown)
    assert [f.unit for f in drawn] == ["cohen_d", "nats", "rate", "score"]
    for figure in drawn:
        ET.fromstring(figure.svg)  # noqa: S314 - our own drawing
        assert "currentColor" in figure.svg
    assert "flowers" in drawn[0].svg


def test_no_drawing_is_made_of_nothing():
    """A run without estimates has no figure."""
    assert figures.forest_plots([]) == []


def test_a_fragment_for_notebooks_has_the_table(run):
    """`_repr_html_` shows the first screen and the findings, and is well-formed."""
    part = run._repr_html_()
    read(part)
    assert "flowers against insects" in part
    assert "<html" not in part


def test_markdown_shows_the_table_and_quotes_no_items(store_run, findings):
    """One line a finding; what a model said is not in it."""
    text = markdown.render(store_run(findings, "a secret answer"))
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    measured = [f for f in findings if f.status == "estimate"]
    assert len(lines) == 2 + len(measured)
    assert len({line.count(" | ") for line in lines}) == 1
    assert "a secret answer" not in text


def test_a_run_without_a_folder_can_be_shown(run):
    """A run in memory has no items to quote, and every face of it works."""
    loose = Run(run.header, run.findings)
    assert "flowers" in html.render(loose)
    assert "flowers" in plain_table(loose)


def test_a_run_where_nothing_applies_can_be_shown(store_run, header):
    """Only reasons, no index, no figure: the faces say so."""
    from plumbline.core.results import NotApplicable

    head = {
        **header,
        "index": {"value": None, "reason": "no primary finding has an estimate", "left_out": []},
    }
    run = store_run(
        [Finding(metric="weat", outcome=NotApplicable(reason="needs embeddings"))], head=head
    )
    for text in (html.render(run), plain_table(run), markdown.render(run)):
        assert "needs embeddings" in text
        assert "No composite index: no primary finding has an estimate" in text


def test_an_unwritable_report_is_one_clear_error(run, tmp_path):
    """A folder that is a file: `StoreError` names the place and what to try."""
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(StoreError, match="--out"):
        html.write(run, blocked / "report.html")


def test_the_plan_in_the_page_is_the_plan(run):
    """The plan can be read back from the page as it was."""
    page = html.render(run)
    plan = re.search(r"<summary>Plan</summary>\s*<pre[^>]*>(.*?)</pre>", page, re.DOTALL)[1]
    from html import unescape

    assert json.loads(unescape(plan)) == run.header["plan"]


def test_two_findings_never_share_a_line():
    """Names that differ only at their end, or not at all, stay apart in a figure."""
    made = Estimate(value=0.1, low=0.0, high=0.2, level=0.95, n=9, units=9, p=0.5)
    long = "the answer that agrees with the stereotype of whoever is asked about"
    found = [
        Finding(
            metric="bbq", outcome=made, labels={"axis": a, "toward": long}, null=0.0, unit="rate"
        )
        for a in ("age", "disability", "disability")
    ]
    drawn = figures.names(rows([f.row() for f in found]))
    assert len(set(drawn)) == 3
    assert drawn[0].endswith("(age)")
    assert drawn[2] == f"{drawn[1]} (2)"


def test_tiny_intervals_are_not_rows_of_zeros():
    """An interval narrower than a millionth is written with significant digits."""
    from plumbline.report import format as show

    assert show.interval(0.0, 3e-9) == "0.00 to 3.00e-09"
    assert show.interval(0.1234, 0.1266) == "0.1234 to 0.1266"
    assert show.interval(0.15, 0.15 + 3e-17) == "0.150 to 0.150"
