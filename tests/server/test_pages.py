"""Pages say what the records say, filtered and paged; hostile texts stay texts."""

from __future__ import annotations

import re
from html import unescape
from threading import Event

import pytest
import stored
from page_reader import read

from plumbline.audit import api
from plumbline.report.rows import of_run
from plumbline.server.pages import part


def harmless(page: str) -> None:
    """One script of the server's own, no handler, no inline style, no foreign address, no control sign."""
    for tag, attributes in read(page).seen:
        assert tag not in {"img", "iframe", "object", "embed", "base"}
        if tag == "script":
            assert attributes == {"src": "/static/dashboard.js", "defer": ""}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in {"href", "src", "action", "xlink:href"}:
                assert re.match(r"/(?![/\\])|#|https://arxiv\.org/abs/|https://doi\.org/", value), (
                    value
                )
    assert "<style" not in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)


PAGES = ["", "/figures", "/findings/1", "/findings/2", "/answers"]


def test_hostile_texts_are_inert_on_every_page(client, folder, hostile):
    """Model, names, labels, notes, reasons, items, answers, the run's own directory: all are text."""
    addresses = [f"/runs/{part(hostile.name)}{page}" for page in PAGES]
    addresses += [
        "/", "/history", f"/history?model={part(stored.ATTACK)}", f"/compare?a=day-1&b={part(hostile.name)}",
        f"/?q={part(stored.ATTACK)}&model={part(stored.ATTACK)}", f"/runs/{part(stored.ATTACK)}", f"/{part(stored.ATTACK)}",
        f"/runs/day-1?q={part(stored.ATTACK)}", f"/runs/day-1?verdict={part(stored.ATTACK)}", f"/audits/new?model={part(stored.ATTACK)}",
        f"/runs/day-1/answers?q={part(stored.ATTACK)}&metric={part(stored.ATTACK)}", f"/audits/{part(stored.ATTACK)}",
    ]  # fmt: skip
    for address in addresses:
        got = client.get(address)
        assert got.status_code in {200, 400, 404, 422}, address
        harmless(got.text)
    for address in addresses[:5]:
        assert client.get(address).status_code == 200
    assert "&lt;script&gt;alert(1)" in client.get(addresses[0]).text
    assert "{{ 7*7 }}" in unescape(client.get(addresses[4]).text)


def test_the_first_page_lists_every_run(client, folder):
    """When, which model, the index with its band, and verdicts as the run has them; newest first."""
    page = client.get("/").text
    read(page)
    assert re.findall(r'href="/runs/(day-\d)"', page) == ["day-3", "day-2", "day-1"]
    run = api.load_run(folder / "day-2")
    leans = sum(r.verdict == "leans" and r.role == "primary" for r in of_run(run))
    row = re.search(r"<tr[^>]*>(?:(?!</tr>).)*day-2.*?</tr>", page, re.DOTALL)[0]
    assert re.search(rf'data-name="leans"><span[^>]*>{leans}</span>', row)
    assert "2026-11-02 06:00" in row
    assert run.header["plan_hash"] in row


@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ("sort=started&order=up", ["day-1", "day-2", "day-3"]),
        ("model=planted", ["day-3", "day-2", "day-1"]),
        ("model=other", []),
        ("metric=weat&sort=started&order=up", ["day-1", "day-2", "day-3"]),
        ("metric=seat", []),
        ("q=DAY-2", ["day-2"]),
        ("q=nothing", []),
        ("page=2", []),
    ],
)
def test_runs_are_filtered_and_sorted(client, query, runs):
    """By model, method, text, and in both directions."""
    assert re.findall(r'href="/runs/(day-\d)"', client.get(f"/?{query}").text) == runs


def test_runs_are_sorted_by_their_numbers(client, folder):
    """By the index, and by how many findings lean."""
    index = {
        f"day-{i}": api.load_run(folder / f"day-{i}").header["index"]["value"] for i in (1, 2, 3)
    }
    page = client.get("/?sort=index&order=up").text
    assert re.findall(r'href="/runs/(day-\d)"', page) == sorted(index, key=index.get)
    assert 'aria-sort="ascending"' in page


def test_a_verdict_keeps_the_runs_that_have_it(client, folder):
    """Of any primary finding."""
    for verdict in ("leans", "within the margin", "insufficient evidence"):
        wanted = {
            f"day-{i}"
            for i in (1, 2, 3)
            if any(
                r.verdict == verdict and r.role == "primary"
                for r in of_run(api.load_run(folder / f"day-{i}"))
            )
        }
        shown = re.findall(
            r'href="/runs/(day-\d)"', client.get("/", params={"verdict": verdict}).text
        )
        assert set(shown) == wanted


def test_a_run_shows_its_findings_and_each_links_to_its_page(client, folder):
    """All of them, in the report's order; page N of a finding has that finding's sentence."""
    rows = of_run(api.load_run(folder / "day-1"))
    numbers: list[int] = []
    page, number = client.get("/runs/day-1").text, 1
    while True:
        table = page[page.index('<table class="findings"') :]
        numbers += [
            int(n)
            for n in re.findall(
                r'rowheader" data-name="about"><a href="/runs/day-1/findings/(\d+)"', table
            )
        ]
        if 'rel="next"' not in table:
            break
        number += 1
        page = client.get(f"/runs/day-1?page={number}").text
    assert sorted(numbers) == list(range(1, len(rows) + 1))
    for n, row in zip(numbers, rows, strict=True):
        if n % 7 == 1:
            assert row.sentence in unescape(
                re.sub(r"</?strong[^>]*>", "", client.get(f"/runs/day-1/findings/{n}").text)
            )


@pytest.mark.parametrize(
    "query",
    [
        "verdict=leans",
        "verdict=none",
        "role=primary",
        "role=secondary",
        "metric=weat",
        "axis=gender",
        "axis=valence",
        "q=flowers",
        "q=zzz",
    ],
)
def test_findings_are_filtered(client, folder, query):
    """By verdict, role, method, axis and text: the count is what the rows of the report give."""
    name, value = query.split("=")
    tests = {
        "verdict": lambda r: (r.verdict or "none") == value, "role": lambda r: r.role == value,
        "metric": lambda r: r.metric == value, "axis": lambda r: r.finding["labels"].get("axis") == value,
        "q": lambda r: value in f"{r.sentence} {r.about}".casefold(),
    }  # fmt: skip
    wanted = sum(map(tests[name], of_run(api.load_run(folder / "day-1"))))
    page = client.get(f"/runs/day-1?{query}").text
    assert (f"of {wanted}." in page) if wanted else ("No finding passes" in page)


@pytest.mark.parametrize(
    "query",
    [
        "?verdict=maybe",
        "?sort=colour",
        "?page=x",
        "?page=-1",
        "?page=0",
        "?page=99999999999999999999",
        f"?q={'x' * 2001}",
    ],
)
def test_what_cannot_be_asked_is_explained(client, query):
    """One message on a page, with what was wanted."""
    got = client.get(f"/{query}")
    assert got.status_code in {400, 404}
    assert "<h1>Error" in got.text


def test_a_finding_shows_method_certificate_items_and_answers(client, folder):
    """The card of the catalog, the shipped certificate, scored items with their scores."""
    page = client.get("/runs/day-1/findings/1").text
    read(page)
    for text in (
        "no lean would be",
        "https://arxiv.org/abs/1608.07187",
        "Certificate",
        "Scored items",
        "Answers behind it",
    ):
        assert text in page
    assert "a vector of 32 numbers" in page


def test_answers_are_searched_on_their_page(client, folder, hostile):
    """The text that was looked for is in every answer shown, and in the field again."""
    page = client.get("/runs/day-1/answers?q=Caress").text
    assert "caress" in page.casefold()
    assert re.search(r'name="q" value="Caress"', page)
    assert page.count('class="answer"') == 1
    assert "No answer passes" in client.get("/runs/day-1/answers?q=zzzz").text
    for bad in ("after=1&before=3", "state=maybe", "after=-1", "before=x"):
        assert client.get(f"/runs/day-1/answers?{bad}").status_code in {400, 404}


def test_comparing_shows_what_compare_says(client, folder):
    """The same numbers as `plumbline compare`, each with its interval."""
    found = api.compare(folder / "day-1", folder / "day-2")
    from plumbline.report.rows import rows

    page = unescape(client.get("/compare?a=day-1&b=day-2").text)
    shown = [r for r in rows(found.findings) if r.status == "estimate"]
    assert len(shown) >= 5
    for row in shown:
        assert row.value in page
        assert row.interval in page
    assert "B - A" in page
    assert "different plans" not in page
    assert client.get("/compare?a=day-1&b=none").status_code == 404


def test_history_shows_every_primary_finding_over_time(client, folder):
    """A chart and a table each, the index first; values as the runs have them."""
    page = client.get("/history?model=planted").text
    read(page)
    assert page.index("Composite index") < page.index("Word embedding association")
    primary = [
        r
        for r in of_run(api.load_run(folder / "day-1"))
        if r.role == "primary" and r.status == "estimate"
    ]
    assert f"of {len(primary) + 1} series" in re.sub(r"\s+", " ", page)
    assert page.count("<svg") == min(12, len(primary) + 1)
    assert "2026-11-01 06:00" in page
    assert client.get("/history?model=unknown").status_code == 200


def test_history_marks_the_run_from_which_on_a_finding_is_another(client):
    """The third embedding was made to lean in one test: a mark there, on that finding and on the index."""
    page = unescape(client.get("/history?model=planted").text)
    sections = re.findall(r'<section class="series".*?</section>', page, re.DOTALL)
    marked = [s for s in sections if "Changed</strong> at 2026-11-03 06:00" in s]
    assert marked == sections[:2]
    assert "Composite index" in marked[0]
    assert "flowers against insects" in marked[1]
    assert not any("Changed</strong>" in s for s in sections[2:])


def test_a_history_that_takes_long_is_shown_without_its_tests_first(client, monkeypatch):
    """The page says how many comparisons are made, and reloads by itself; what could not be made has a reason."""
    from plumbline.core.errors import StoreError
    from plumbline.server import series_pages

    go = Event()

    def slow(a, b):
        go.wait(20)
        raise StoreError("made for this test")

    monkeypatch.setattr(series_pages, "primaries", slow)
    monkeypatch.setattr(series_pages, "PATIENCE", 0.2)
    page = client.get("/history?model=planted").text
    read(page)
    assert "0 of 3 comparisons of these runs are made" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert page.count('href="/runs/day-') == 3
    go.set()
    monkeypatch.setattr(series_pages, "PATIENCE", 20.0)
    page = client.get("/history?model=planted").text
    assert "made for this test" in page
    assert 'id="wait"' not in page


def test_an_empty_folder_says_how_to_begin(client_of, tmp_path):
    """No run yet: a link to the form, and no failure on any page."""
    client = client_of(tmp_path)
    assert "/audits/new" in client.get("/").text
    for path in ("/compare", "/history", "/audits", "/audits/new"):
        assert client.get(path).status_code == 200


def test_without_the_plots_extra_pages_say_so(client, monkeypatch):
    """No figure, one line with the pip command, and the tables as before."""
    from plumbline.report import figures

    monkeypatch.setattr(figures, "available", lambda: False)
    for path in ("/runs/day-1/figures", "/history?model=planted"):
        page = client.get(path).text
        assert "plumbline[plots]" in page
        assert "<svg" not in page
