"""Whatever a model, a table or a stored run says is text: in the terminal, in pages, in every export."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import hostile
import hostile_run
import pytest
import stored
import yaml

import plumbline
from plumbline.audit.store import Run, load
from plumbline.report import comparison_page, html
from plumbline.report.exports.forms import export

GATE = '[[rule]]\nmetric = "weat"\nvalue = { max = 1 }\n'


class Tags(HTMLParser):
    """What a browser would make of a page: elements, handlers and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"srcdoc", "formaction"}:
                self.handlers.add(name)
            if name in {"href", "src", "action", "xlink:href", "data"}:
                self.addresses.add(value or "")


def harmless_page(page: str) -> None:
    """No element that acts, no handler, no foreign address, nothing that drives a terminal."""
    found = Tags()
    found.feed(page)
    assert not found.tags & {"script", "img", "iframe", "object", "embed", "link", "form", "base"}
    assert found.handlers == set()
    assert all(a.startswith(("https://arxiv.org/abs/", "https://doi.org/", "#")) for a in found.addresses)  # fmt: skip
    assert page.count("http-equiv") <= 1 + page.count("&lt;meta http-equiv")
    assert hostile.plain(page)


def test_the_pages_of_a_run_hold_no_markup_of_it(attacked, tmp_path):
    """Report, comparison and notebook fragment, with every hostile text in every place."""
    harmless_page(html.render(attacked))
    harmless_page(html.fragment(attacked))


def test_the_comparison_of_two_hostile_runs(tmp_path):
    """Two real runs whose models and plans have hostile texts, as text and as a page."""
    days = stored.three_days(tmp_path)
    folders = [days / "day-1", days / "day-3"]
    for folder in folders:
        given = {name: hostile_run.header()[name] for name in ("subject", "packages", "machine")}
        stored.change_header(folder, **given)
    runs = [load(folder) for folder in folders]
    found = plumbline.compare(*runs)
    page = comparison_page.write(tmp_path / "c.html", found, *runs)
    harmless_page(page.read_text("utf-8"))
    assert hostile.plain(str(found))


def test_a_line_of_ten_megabytes_is_cut_and_the_page_says_so(tmp_path):
    """The page stays below its limit, and shows where it cut."""
    run = hostile_run.write(tmp_path / "run", long=True)
    page = html.render(run)
    assert len(page.encode()) < html.LARGEST
    assert "x" * 100 in page
    assert re.search(r"x{50,5000}\N{HORIZONTAL ELLIPSIS}", page)
    harmless_page(page)


@pytest.mark.parametrize(
    "command",
    [
        ("report", "RUN", "--md"), ("report", "RUN", "--json"), ("report", "RUN", "--as", "model-card"), ("report", "RUN", "--as", "technical-file"),
        ("report", "RUN", "--as", "bibtex"), ("report", "RUN", "--as", "csv", "--out", "sheets"), ("report", "RUN", "--as", "parquet", "--out", "typed"),
        ("report", "RUN", "--as", "ll144"), ("report", "RUN"), ("compare", "RUN", "RUN"),
        ("history", "--out", "RUNS"), ("history", "--out", "RUNS", "--json"), ("gate", "RUN", "gate.toml"),
        ("gate", "RUN", "gate.toml", "--json"), ("validate", "export", "RUN", "--metric", "weat", "--out", "s.csv"),
        ("audit", hostile.WHOLE.replace("\x00", "")), ("show", hostile.WHOLE), ("plan", "table:" + hostile.TERMINAL[0]), (hostile.TERMINAL[0],),
        ("report", hostile.TERMINAL[1]), ("explain", "demo", "--with", hostile.TERMINAL[0]), ("audit", "demo", "--metrics", hostile.TERMINAL[2]),
        ("audit", "demo", "--margin", hostile.TERMINAL[0] + "=x"), ("data", "path", hostile.TERMINAL[0], "x"), ("audit", "demo", "--" + hostile.TERMINAL[0]),
    ],
    ids=lambda c: " ".join(c)[:40].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_no_verb_prints_what_drives_a_terminal(command, attacked, invoke, tmp_path):
    """Output and errors of every verb: no control character, no turned text; one message, no traceback."""
    (tmp_path / "gate.toml").write_text(GATE, "utf-8")
    places = {"RUN": str(attacked.folder), "RUNS": str(attacked.folder.parent)}
    got = invoke(*(places.get(part, part) for part in command))
    assert got.exception is None or isinstance(got.exception, SystemExit), got.exception
    assert got.stdout + got.stderr
    assert hostile.plain(got.stdout), hostile._DRIVES.findall(got.stdout)[:3]
    assert hostile.plain(got.stderr), hostile._DRIVES.findall(got.stderr)[:3]
    assert len(got.stderr) < 20_000


def test_json_keeps_every_text_as_it_was(attacked, invoke):
    """What cannot stand in a terminal is escaped, not lost."""
    told = json.loads(invoke("report", attacked.folder, "--json").stdout)
    assert told["run"]["subject"]["name"] == hostile.WHOLE
    assert [f["labels"]["axis"] for f in told["findings"][: 2 * len(hostile.ALL) : 2]] == list(
        hostile.ALL
    )


def test_a_stored_run_reads_back(attacked):
    """The header and the findings exactly; texts of items and answers but for halves of signs."""
    again = load(attacked.folder)
    assert again.header == attacked.header
    assert list(again.findings) == list(attacked.findings)
    items = again.items("weat")
    for got, gave in zip(items["said"], hostile.ALL, strict=True):
        plain = re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", gave)
        assert got == plain.rstrip("\x00")
    spoken = [json.loads(text)[0] for text in again.answers("weat")["answer"]]
    assert spoken == list(hostile.ALL)


def test_no_cell_of_a_sheet_is_a_formula(attacked, tmp_path):
    """CSV of findings and items, and the sample for people; numbers stay numbers."""
    paths = export(attacked, "csv", tmp_path / "sheets").places
    assert len(paths) >= 2
    for path in paths:
        text = Path(path).read_bytes().decode()
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(row) for row in rows}) == 1
        bad = [c for row in rows for c in row if hostile.as_formula(c) and not re.fullmatch(r"-?[\d.e+-]+", c)]  # fmt: skip
        assert bad == []
        assert hostile.plain(text)


def test_the_sample_for_labellers_is_no_formula(attacked, invoke, tmp_path):
    """People open it in a spreadsheet; what they send back is read again."""
    got = invoke("validate", "export", attacked.folder, "--metric", "weat", "--out", tmp_path / "s.csv", "--n", str(len(hostile.ALL)))  # fmt: skip
    assert got.exit_code == 0, got.output
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(hostile.ALL)
    assert not any(hostile.as_formula(row["answer"]) for row in rows)


def test_parquet_has_the_texts_as_data(attacked, tmp_path):
    """Whatever they hold, they are cells of the right columns."""
    export(attacked, "parquet", tmp_path / "typed")
    with duckdb.connect() as base:
        found = base.execute("select count(*), count(distinct label_axis) from read_parquet(?)", [str(tmp_path / "typed" / "findings.parquet")]).fetchone()  # fmt: skip
    assert found[0] == len(attacked.findings)
    assert found[1] > 40


def test_model_cards_are_one_yaml_block_and_markdown_without_html(attacked):
    """The front matter parses to plain data, and no text ends it early."""
    card = export(attacked, "model-card").text
    _, front, body = re.split(r"^---$", card, maxsplit=2, flags=re.MULTILINE)
    assert isinstance(yaml.safe_load(front), dict)
    assert not re.search(r"(?<!\\)<(?!!-- plumbline:)", body)
    assert body.count("<!-- plumbline:end -->") == 1


@pytest.mark.parametrize("form", ["md", "technical-file"])
def test_markdown_has_no_html(attacked, form):
    """No tag that a renderer would let through."""
    text = export(attacked, form).text
    assert not re.search(r"(?<![\\`])<(script|img|svg|iframe|a |meta|link|base|form|style|details)", text)  # fmt: skip
    assert hostile.plain(text)


def test_a_gate_writes_whole_xml_and_markdown(attacked, invoke, tmp_path):
    """JUnit XML parses; the summary that GitHub shows has no HTML of ours or theirs."""
    (tmp_path / "gate.toml").write_text(GATE, "utf-8")
    invoke("gate", attacked.folder, "gate.toml", "--junit", "j.xml", "--summary", "s.md")
    ET.fromstring((tmp_path / "j.xml").read_text("utf-8"))  # noqa: S314 - written by this test
    assert not re.search(r"(?<!\\)<[a-z]", (tmp_path / "s.md").read_text("utf-8"))
    assert hostile.plain((tmp_path / "s.md").read_text("utf-8"))


def test_bibtex_entries_stay_apart(attacked):
    """No text of a run closes an entry."""
    text = export(attacked, "bibtex").text
    assert hostile.plain(text)
    assert "\n@article{x," not in text


def test_no_file_is_named_by_a_model_or_a_metric(tmp_path):
    """Names of models and methods lead nowhere: what is written lies where it was asked for."""
    from plumbline.core.results import Finding, NotApplicable
    from plumbline.core.scored import Items

    names = [*hostile.PATHS, "a" * 400]
    findings = [Finding(metric=name, outcome=NotApplicable(reason="none")).row() for name in names]
    out = tmp_path / "out" / "deep"
    from plumbline.audit.store import save

    header = {**_header(), "plan": {**_header()["plan"], "model": "../../../x"}}
    items = {name: Items.of(item=["a"], score=[1.0]) for name in names}
    stored = save(out / "run", header, [], items, [])
    run = Run(header, findings, stored.folder)
    made = export(run, "csv", out / "sheets").places
    assert len(made) == len(set(made)) == 1 + len(names)
    assert {p.parent for p in (tmp_path).rglob("*") if p.is_file()} == {out / "run", out / "sheets"}


def _header():
    return hostile_run.header()


def test_an_audit_of_a_hostile_table_end_to_end(invoke, tmp_path):
    """A table whose groups and columns are hostile, through audit, report and dashboard's own checks."""
    groups = [t for t in hostile.ALL if hostile.plain(t) and t.strip() and "\n" not in t][:12]
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sex", "label", "prediction", hostile.SCRIPTS[0]])
        for i in range(240):
            out.writerow([groups[i % len(groups)], i % 2, (i // 3) % 2, hostile.FORMULAS[0]])
    got = invoke("audit", "table:t.csv", "--metrics", "group_rates", "--out", "runs")
    assert got.exit_code == 0, got.output
    assert hostile.plain(got.stdout + got.stderr)
    (run,) = (tmp_path / "runs").iterdir()
    harmless_page((run / "report.html").read_text("utf-8"))
    (refused,) = [invoke("report", run, "--as", "ll144").stdout]
    assert hostile.plain(refused)


def test_an_audit_of_a_model_that_answers_so(tmp_path):
    """Answers with half signs, NUL and escapes are asked for, kept, stored and shown."""
    answers = iter(hostile.ALL * 100)
    run = plumbline.audit(
        lambda _: next(answers), metrics=("counterfactual_sentiment",), out=tmp_path / "runs"
    )
    stored = {json.loads(a)[0] for a in load(run.folder).answers()["answer"]}
    assert "\ud800half" in stored
    assert "\x00nul\x00" in stored
    harmless_page(html.render(run))
    assert hostile.plain(str(run))
