"""The dashboard in a real browser: every page loads, is accessible, and looks as it should."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pictures
import pytest
import stored

LOOKS = {"light": {}, "dark": {"dark": True}, "phone": {"width": 390}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Three runs of one plan, one with answers in words, one that is damaged."""
    folder = stored.three_days(tmp_path_factory.mktemp("served") / "runs")
    header = json.loads((folder / "day-1" / "run.json").read_text("utf-8"))
    header |= {
        "started": "2026-10-30T06:00:00+00:00",
        "measures": {},
        "plan_hash": "0123456789abcdef",
        "notes": {},
    }
    header["subject"] = {**header["subject"], "model": "spoken"}
    stored.written(folder / "spoken", header, "a quiet text")
    (folder / "broken").mkdir()
    (folder / "broken" / "run.json").write_text("{")
    return folder


@pytest.fixture(scope="module")
def home(runs, serving):
    """Address of a real server over the runs."""
    return serving(runs)


PAGES = {
    "runs": "/",
    "run": "/runs/day-1",
    "finding": "/runs/day-1/findings/1",
    "answers": "/runs/spoken/answers",
    "compare": "/compare?a=day-1&b=day-2",
    "history": "/history?model=planted",
    "new-audit": "/audits/new",
}
OTHERS = [
    "/runs/day-1/figures",
    "/audits",
    "/runs/spoken/findings/1",
    "/compare",
    "/history",
    "/?q=zzz",
    "/runs/broken",
    "/none",
]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible_and_look_as_they_should(home, page_at, axe, same_picture, name, look):
    """axe-core finds nothing in light, dark and at phone width; the picture is the committed one."""
    page = page_at(home + PAGES[name], **LOOKS[look])
    assert axe(page) == []
    assert page.locator("h1").count() == 1
    wide = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0, "the page is wider than the window"
    same_picture(page, f"{name}-{look}")


@pytest.mark.parametrize("address", OTHERS)
def test_the_other_pages_are_accessible_too(home, page_at, axe, address):
    """Empty, filtered and error pages."""
    page_at.expected = ["404", "422"]
    assert axe(page_at(home + address)) == []


def test_every_link_leads_to_a_page(home, page_at):
    """From the first page on, whatever can be clicked loads without an error of the console or the network."""
    page = page_at(home)
    waiting, seen = [home + "/"], set()
    while waiting and len(seen) < 60:
        address = waiting.pop(0)
        kind = re.sub(r"\d+", "N", address.partition("#")[0])
        if kind in seen:
            continue
        seen.add(kind)
        assert page.goto(address).status == (422 if "broken" in address else 200), address
        found = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        waiting += [a for a in found if a.startswith(home)]
    for part in (
        "/findings/N",
        "/answers",
        "/figures",
        "/compare",
        "/history",
        "/audits/new",
        "page=N",
    ):
        assert any(part in kind for kind in seen), part


def test_runs_are_found_by_clicking(home, page_at):
    """Filter, open a run, filter its findings, open one, sort its items, and come back."""
    page = page_at(home)
    page.get_by_label("Model", exact=True).select_option("planted")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**model=planted*", wait_until="load")
    assert page.get_by_role("row").count() == 4
    page.get_by_role("link", name="2026-11-03 06:00").click()
    page.get_by_label("Verdict").select_option("leans")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**verdict=leans*", wait_until="load")
    page.get_by_role("region", name="Table of findings").get_by_role("link").first.click()
    assert "Leans" in page.locator(".lead").inner_text()
    page.get_by_label("Order", exact=True).select_option("low")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**order=low*", wait_until="load")
    header = page.locator("table.items th").all_inner_texts()
    scores = [
        float(t)
        for t in page.locator(
            f"table.items td:nth-child({header.index('score') + 1})"
        ).all_inner_texts()
    ]
    assert scores == sorted(scores)
    assert len(scores) > 10
    page.get_by_role("navigation", name="Where this is").get_by_role("link", name="day-3").click()
    assert page.locator("h1").inner_text() == "Audit of planted"


def test_answers_are_paged_and_searched(home, page_at):
    """Next and previous lead there and back; a search keeps what it says."""
    page = page_at(f"{home}/runs/spoken/answers")
    first = page.locator(".answer h2").first.inner_text()
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**after=*", wait_until="load")
    assert page.locator(".answer h2").first.inner_text().startswith("Answer 51")
    page.get_by_role("link", name="Previous").click()
    page.wait_for_url("**before=*", wait_until="load")
    assert page.locator(".answer h2").first.inner_text() == first
    page.get_by_label("Text in question or answer").fill("ANSWER 77")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**q=ANSWER*", wait_until="load")
    assert page.locator(".answer").count() == 1


def test_the_keyboard_reaches_everything(home, page_at):
    """The first Tab offers to skip to the content; what has the focus is outlined; a run opens by Enter."""
    page = page_at(home)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("document.activeElement.getAttribute('href') || ''").startswith(
            "/runs/day-"
        ):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/day-*")


def table_of_people(folder: Path, rows: int) -> Path:
    """Predictions of a classifier."""
    lines = ["label,prediction,sex"]
    lines += [f"{i % 2},{int(i % 3 > 0)},{'f' if i % 4 < 2 else 'm'}" for i in range(rows)]
    path = folder / "people.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_audit_is_started_and_its_run_opened(home, page_at, axe, tmp_path, scripts):
    """The form in a browser; the page follows the audit by itself, with scripts or without."""
    page = page_at(f"{home}/audits/new", scripts=scripts)
    page.get_by_label("Model", exact=True).fill(f"table:{table_of_people(tmp_path, 300)}")
    page.get_by_label("Methods, in place of the suite's").fill("group_rates")
    page.get_by_label("Settings of this form").fill('groups=["sex"]')
    page.get_by_role("button", name="Start the audit").click()
    page.get_by_role("link", name="Open the run").wait_for(timeout=30_000)
    if scripts:
        assert axe(page) == []
    page.get_by_role("link", name="Open the run").click()
    assert "Audit of table:" in page.locator("h1").inner_text()


def test_a_wrong_form_tells_what_is_wrong_where_it_is(home, page_at, axe):
    """The field is marked and described; nothing typed is lost."""
    page_at.expected = ["422"]
    page = page_at(f"{home}/audits/new")
    page.get_by_label("Model", exact=True).fill("demo")
    page.get_by_label("Methods, in place of the suite's").fill("wheat")
    page.get_by_role("button", name="Start the audit").click()
    field = page.get_by_label("Methods, in place of the suite's")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "wheat"
    described = field.get_attribute("aria-describedby").split()[0]
    assert "weat" in page.locator(f"#{described}").inner_text()
    assert axe(page) == []


def test_a_running_audit_can_be_watched_and_stopped(home, page_at, tmp_path):
    """A model server that never answers: the page says "Running", and "Stop" ends it with its answers kept."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        page = page_at(f"{home}/audits/new")
        page.get_by_label("Model", exact=True).fill(
            f"openai:m@http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        )
        page.get_by_label("Methods, in place of the suite's").fill("option_position")
        page.get_by_role("button", name="Start the audit").click()
        assert page.locator("#state").inner_text() == "Running."
        page.locator("#pools td.number").first.wait_for(timeout=30_000)
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Answers so far are kept; the same audit").wait_for(timeout=30_000)
    assert page.get_by_role("button", name="Stop").count() == 0


def test_scripts_in_answers_do_not_run(runs, home, page_at):
    """Not one of the hostile texts of a run is executed, on any of its pages."""
    from plumbline.server.pages import part

    hostile = stored.hostile_run(runs)
    try:
        page = page_at(home)
        page.on("dialog", lambda d: pytest.fail(f"a script ran: {d.message}"))
        for address in (
            "/",
            *(
                f"/runs/{part(hostile.name)}{p}"
                for p in ("", "/findings/1", "/findings/2", "/answers", "/figures")
            ),
        ):
            assert page.goto(home + address).status == 200
            assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
            assert page.evaluate("typeof window.alerted") == "undefined"
    finally:
        import shutil

        shutil.rmtree(hostile)


def test_the_policy_of_the_page_stops_an_inline_script(home, page_at):
    """Even where markup got into a page, the browser would refuse to run it."""
    page_at.expected = ["Content Security Policy"]
    page = page_at(home)
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
        " const d = document.createElement('div'); d.innerHTML = '<img src=\"/static/icon.svg\" onload=\"window.ran = 2\">'; document.body.append(d); }"
    )
    time.sleep(0.3)
    assert page.evaluate("window.ran") is None


BREAKS = {
    "no style sheet": "document.styleSheets[0].disabled = true",
    "no header": "document.querySelector('header').style.display = 'none'",
    "a column out of the window": "document.querySelector('main').style.marginLeft = '40%'",
    "filters one below the other": "document.querySelector('.filter').style.display = 'block'",
    "everything moved down": "document.querySelector('main').style.paddingTop = '60px'",
    "the other theme": "for (const [n, v] of [['--paper', '#11161f'], ['--ink', '#e6eaf1'], ['--panel', '#1a212d']]) document.documentElement.style.setProperty(n, v)",
}


def test_a_broken_layout_is_caught_by_the_pictures(home, page_at):
    """The comparison can fail: each planted break is beyond its limits."""
    page = page_at(home)
    before = pictures.drawn(page)
    for name, broken in BREAKS.items():
        page.evaluate(f"() => {{ {broken} }}")
        after = pictures.drawn(page)
        assert not pictures.alike(before, after), (name, pictures.differences(before, after))
        page.reload()


OTHER_FONTS = {
    "a little larger": "document.body.style.fontSize = '16.2px'",
    "a little wider": "document.body.style.letterSpacing = '.01em'",
    "a little bolder": "document.body.style.webkitTextStroke = '.2px'",
}


@pytest.mark.parametrize("name", ["runs", "run", "answers"])
def test_another_version_of_a_font_is_not_a_broken_layout(home, page_at, name):
    """Letters a little larger, wider or bolder stay within the limits."""
    page = page_at(home + PAGES[name])
    before = pictures.drawn(page)
    for change, script in OTHER_FONTS.items():
        page.evaluate(f"() => {{ {script} }}")
        after = pictures.drawn(page)
        assert not np.array_equal(before, after)
        assert pictures.alike(before, after), (change, pictures.differences(before, after))
        page.evaluate("document.body.removeAttribute('style')")
