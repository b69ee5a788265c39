"""Chromium opens pages whose every text is hostile: nothing of it runs, loads, asks or leads away."""

from __future__ import annotations

import re
from urllib.parse import quote

import hostile
import hostile_run
import pytest
import stored

import plumbline
from plumbline.audit.store import load
from plumbline.report import comparison_page, html

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Hostile runs: made up, with a line of ten megabytes, under a hostile name, and two real ones to compare."""
    folder = stored.three_days(tmp_path_factory.mktemp("hostile") / "runs")
    for day in ("day-1", "day-3"):
        given = {name: hostile_run.header()[name] for name in ("subject", "packages", "machine")}
        stored.change_header(folder / day, **given)
    hostile_run.write(folder / "made")
    hostile_run.write(folder / "long", long=True)
    stored.hostile_run(folder)
    return folder


@pytest.fixture(scope="module")
def home(runs, serving):
    """A real server over them."""
    return serving(runs)


@pytest.fixture
def opened(page_at):
    """Opens a page as a reader does, every box of it, and says what of the canary came of it."""

    def look(where):
        page = page_at("about:blank")
        seen = []
        page.on("dialog", lambda d: (seen.append(f"dialog {d.message}"), d.dismiss()))
        page.on("popup", lambda p: seen.append(f"window {p.url}"))
        page.on("request", lambda r: seen.append(r.url) if "evil" in r.url else None)
        page.on("framenavigated", lambda f: seen.append(f.url) if "evil" in f.url else None)
        page.goto(where)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.mouse.move(200, 200)
        page.wait_for_timeout(150)
        canary = page.evaluate(f"window.{hostile.CANARY} ?? null")
        assert (canary, seen) == (None, [])
        assert page.url == where
        frames = page.evaluate("document.querySelectorAll('iframe, object, embed, base, [onerror], [onload], [ontoggle]').length")  # fmt: skip
        assert frames == 0
        return page

    return look


def test_the_canary_sings_where_nothing_guards(page_at, tmp_path):
    """The texts themselves, as markup: the variable is set, so a page that is silent was checked."""
    page_at.expected = ["", "ERR"]
    (tmp_path / "x.html").write_text(f"<body>{hostile.SCRIPTS[0].replace('alert(1)', '')}</body>")
    assert page_at(tmp_path / "x.html").evaluate(f"window.{hostile.CANARY}") == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_the_report_runs_nothing(runs, opened, tmp_path, guarded):
    """With its policy, and without it: what is text is text in either case."""
    page = html.render(load(runs / "made"))
    assert len(_POLICY.findall(page)) == 1
    (tmp_path / "r.html").write_text(page if guarded else _POLICY.sub("", page), "utf-8")
    shown = opened((tmp_path / "r.html").as_uri())
    assert shown.locator("text=<script>window").count() > 0


def test_the_comparison_page_runs_nothing(runs, opened, tmp_path):
    """Two runs side by side, without the policy."""
    pair = load(runs / "day-1"), load(runs / "day-3")
    path = comparison_page.write(tmp_path / "c.html", plumbline.compare(*pair), *pair)
    path.write_text(_POLICY.sub("", path.read_text("utf-8")), "utf-8")
    opened(path.as_uri())


PAGES = [
    "/", "/runs/made", "/runs/made/figures", "/runs/made/findings/1", "/runs/made/findings/2", "/runs/made/findings/40", "/runs/made/answers",
    "/runs/made/answers?after=48", "/compare?a=day-1&b=day-3", "/history", "/audits", "/audits/new?model=" + quote(hostile.SCRIPTS[0]),
    "/runs/" + quote(stored.ATTACK_NAME, safe=""), "/runs/" + quote(stored.ATTACK_NAME, safe="") + "/answers", "/runs/made?q=" + quote(hostile.SCRIPTS[1]),
    "/runs/made/answers?text=" + quote(hostile.SCRIPTS[0]), "/none/" + quote(hostile.SCRIPTS[2], safe=""),
]  # fmt: skip


@pytest.mark.parametrize("address", PAGES, ids=range(len(PAGES)))
def test_no_page_of_the_dashboard_runs_anything(home, opened, page_at, address):
    """Every kind of page, also with hostile words in its address."""
    page_at.expected = ["404"]
    opened(home + address)


def test_a_line_of_ten_megabytes_loads_and_is_cut(runs, home, opened, tmp_path):
    """The report and the page of answers stay small, and end the line with a sign."""
    path = html.write(load(runs / "long"), tmp_path / "r.html")
    for where in (path.as_uri(), f"{home}/runs/long/answers"):
        page = opened(where)
        assert page.evaluate("document.documentElement.outerHTML.length") < html.LARGEST
        assert re.search(r"x{50}\N{HORIZONTAL ELLIPSIS}", page.content())
