"""Local Law 144: the rule's own examples, pandas by itself, and what the rule does not ask."""

from __future__ import annotations

import csv
import io
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from plumbline.audit.api import audit
from plumbline.core.errors import BadInput, UnknownName
from plumbline.report.exports import ll144
from plumbline.report.exports.ll144_counts import Counts, of_run, of_table
from plumbline.report.exports.ll144_tables import report

LAW = tomllib.loads((Path(__file__).parents[1] / "golden" / "ll144.toml").read_text("utf-8"))
LEVEL = 0.95


def individuals(example: str, unknown: int) -> pd.DataFrame:
    """One row a person of the rule's intersectional table, and people of unknown category."""
    rows = [
        (sex, race, int(i < hits))
        for sex, races in LAW[example]["both"].items()
        for race, (people, hits, *_) in races.items()
        for i in range(people)
    ]
    # Half of the unknown ones were selected; they may change nothing.
    rows += [("", "White", i % 2) for i in range(unknown - 100 if unknown > 100 else unknown)]
    rows += [("Female", "Unknown", i % 2) for i in range(100 if unknown > 100 else 0)]
    frame = pd.DataFrame(rows, columns=["sex", "race", "hit"])
    return frame.sample(frac=1.0, random_state=3).reset_index(drop=True)


def audited(frame: pd.DataFrame, folder: Path, **extra):
    """A stored run of `group_rates` on a table."""
    path = folder / "people.csv"
    frame.to_csv(path, index=False)
    extra = {"groups": ["sex", "race"], **extra}
    return audit(
        f"table:{path}", metrics=["group_rates"], out=folder / "runs", options={"extra": extra}
    )


def lines_of(made, table):
    return {(r.sex, r.race): r for r in made.tables[table]}


def check(line, printed, *, places: float):
    """Counts exactly, rate and ratio to the digits that the rule prints."""
    people, hits, rate, ratio = printed
    assert (line.applicants, line.selected) == (people, hits)
    assert 100 * line.rate[0] == pytest.approx(rate, abs=places)
    assert line.ratio == pytest.approx(ratio, abs=0.0051)


@pytest.fixture(scope="module")
def selected(tmp_path_factory):
    """The example of a selecting tool as a run and as a table."""
    frame = individuals("selection", 250).rename(columns={"hit": "prediction"})
    run = audited(frame, tmp_path_factory.mktemp("selection"))
    return run, frame


def test_the_rules_selection_example(selected):
    """Applicants, selected, rates and ratios of the rule's first example; 250 of unknown category."""
    run, _ = selected
    (counts,) = of_run(run)
    assert counts.what == "selection rate"
    assert counts.unknown == 250
    made = report(counts)
    assert made.individuals == 2571
    for sex, printed in LAW["selection"]["sex"].items():
        check(lines_of(made, "Sex")[sex, ""], printed, places=0.51)
        for race, cell in LAW["selection"]["both"][sex].items():
            check(lines_of(made, "Intersectional")[sex, race], cell, places=0.051)
    for race, printed in LAW["selection"]["race"].items():
        if race != "Hispanic or Latino":  # printed with other counts than the table beside it
            check(lines_of(made, "Race/ethnicity")["", race], printed, places=0.51)


def test_the_rules_race_table_by_itself():
    """The race table's own counts give its own ratios."""
    cells = {("any", race): tuple(p[:2]) for race, p in LAW["selection"]["race"].items()}
    made = lines_of(report(Counts("selection rate", cells, 0, (), "the rule")), "Race/ethnicity")
    for race, printed in LAW["selection"]["race"].items():
        check(made["", race], printed, places=0.51)


def test_the_rules_scoring_example(tmp_path):
    """Scores: the rate is the share above the median of everybody, the 15 unknown ones included."""
    frame = individuals("scoring", 15)
    rng = np.random.default_rng(0)
    # Seven of the fifteen lie above, so that the median parts the others as the rule's rates do.
    frame["score"] = frame["hit"] + rng.uniform(0, 0.5, len(frame))
    run = audited(frame.drop(columns="hit"), tmp_path)
    (counts,) = of_run(run)
    assert (counts.what, counts.unknown) == ("scoring rate", 15)
    made = report(counts)
    for table, key in (("Sex", "sex"), ("Race/ethnicity", "race")):
        for name, printed in LAW["scoring"][key].items():
            who = (name, "") if key == "sex" else ("", name)
            check(lines_of(made, table)[who], printed, places=0.1)
    for sex, races in LAW["scoring"]["both"].items():
        for race, printed in races.items():
            check(lines_of(made, "Intersectional")[sex, race], printed, places=0.1)


def test_pandas_by_itself_gives_the_same(selected):
    """Rates and ratios equal those of a group-by over the rows of known category."""
    run, frame = selected
    known = frame[(frame["sex"] != "") & (frame["race"] != "Unknown")]
    made = report(of_run(run)[0])
    for table, by in (
        ("Sex", ["sex"]),
        ("Race/ethnicity", ["race"]),
        ("Intersectional", ["sex", "race"]),
    ):
        rate = known.groupby(by)["prediction"].mean()
        ratio = rate / rate.max()
        size = known.groupby(by).size()
        for line in made.tables[table]:
            key = tuple(getattr(line, name) for name in by)
            key = key if len(by) > 1 else key[0]
            assert line.applicants == size[key]
            assert line.rate[0] == pytest.approx(rate[key], rel=1e-12)
            assert line.ratio == pytest.approx(ratio[key], rel=1e-12)


def test_a_table_and_its_run_give_the_same(selected):
    """Straight from the rows (a frame, a file) and through an audit: the same counts."""
    run, frame = selected
    roles = {"groups": ["sex", "race"]}
    assert of_table(frame, columns=roles)[0].cells == of_run(run)[0].cells
    path = Path(run.header["plan"]["model"].removeprefix("table:"))
    made = ll144.from_table(path, groups=["sex", "race"]).text
    assert made.split("\n")[4:] == ll144.export(run).text.split("\n")[4:]


def test_intervals_are_wilsons_and_katzs(selected):
    """Intervals beside rates and ratios equal those of statsmodels."""
    for table, lines in report(of_run(selected[0])[0]).tables.items():
        top = max(lines, key=lambda r: r.rate[0])
        for line in lines:
            low, high = proportion_confint(
                line.selected, line.applicants, alpha=0.05, method="wilson"
            )
            assert line.rate[1:] == pytest.approx((low, high)), table
            if line is top:
                assert line.ratio_low is None
                continue
            wanted = confint_proportions_2indep(
                line.selected,
                line.applicants,
                top.selected,
                top.applicants,
                compare="ratio",
                method="log",
            )
            assert (line.ratio_low, line.ratio_high) == pytest.approx(wanted)


def test_there_is_no_pass_line(selected, tmp_path):
    """No four-fifths rule, no verdict: in no face of the tables."""
    for end in ("md", "html", "csv"):
        text = ll144.export(selected[0], path=tmp_path / f"x.{end}").text.lower()
        for word in (
            "four-fifths",
            "4/5",
            "80%",
            "0.8 ",
            "pass",
            "fail",
            "adverse impact",
            "compliant",
        ):
            assert word not in text.replace("bypass", ""), (end, word)
    assert "no threshold" in ll144.export(selected[0]).text


def test_small_categories_may_be_left_out_with_their_numbers(selected):
    """Below 2 %: named always; left out of ratios only on request, with count, rate and justification."""
    counts = of_run(selected[0])[0]
    kept, out = report(counts), report(counts, exclude_small=True)
    small = ("", "Native American or Alaska Native")
    assert lines_of(kept, "Race/ethnicity")[small].ratio is not None
    line = lines_of(out, "Race/ethnicity")[small]
    assert (line.applicants, line.selected, line.ratio) == (41, 18, None)
    assert "2%" in line.reason
    told = ll144.export(selected[0], exclude_small=True, justification="Too few to tell").text
    assert "Too few to tell" in told
    assert "41 applicants, 1.6%" in told
    assert "why they were left out" in ll144.export(selected[0], exclude_small=True).text
    assert "all the same" in ll144.export(selected[0]).text


def test_a_small_category_left_out_is_not_the_highest():
    """A category that is left out sets no rate for the others."""
    cells = {("F", "tiny"): (2, 2), ("F", "a"): (500, 100), ("M", "a"): (500, 200)}
    counts = Counts("selection rate", cells, 0, (), "made")
    assert lines_of(report(counts), "Intersectional")["M", "a"].ratio == pytest.approx(0.4)
    made = lines_of(report(counts, exclude_small=True), "Intersectional")
    assert made["M", "a"].ratio == 1.0
    assert made["F", "a"].ratio == pytest.approx(0.5)


def test_nobody_selected_is_undefined_and_not_zero():
    """Where nobody was selected there is no ratio; where one category has none, its ratio is 0 without an interval."""
    nobody = report(
        Counts("selection rate", {("F", "a"): (10, 0), ("M", "a"): (10, 0)}, 0, (), "made")
    )
    assert all(r.ratio is None and r.reason == "nobody was selected" for r in nobody.tables["Sex"])
    made = report(
        Counts("selection rate", {("F", "a"): (10, 0), ("M", "a"): (10, 5)}, 0, (), "made")
    )
    line = lines_of(made, "Sex")["F", ""]
    assert (line.ratio, line.ratio_low) == (0.0, None)
    assert "no successes" in line.reason


def test_csv_is_read_back(selected, tmp_path):
    """The CSV has every line with counts and full numbers; `undefined` where there is none."""
    path = tmp_path / "tables.csv"
    ll144.export(selected[0], path=path)
    frame = pd.read_csv(path, na_values=["undefined"])
    assert len(frame) == 2 + 7 + 14
    assert frame["unknown_category_not_counted"].unique().tolist() == [250]
    male = frame[(frame["table"] == "Sex") & (frame["sex"] == "Male")].iloc[0]
    assert (male["applicants"], male["selected"]) == (1390, 667)
    raw = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert all(cell != "" for row in raw for name, cell in row.items() if "ratio" in name)


class Cells(HTMLParser):
    """Rows of the tables of a page; every tag is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1].append(data)


def test_the_page_has_the_same_tables_and_no_script(loans, tmp_path):
    """One HTML file without script or network; hostile labels are text."""
    path = tmp_path / "tables.html"
    made = ll144.export(loans, path=path, unknown=("not stated", "Unknown"))
    reader = Cells()
    reader.feed(path.read_text("utf-8"))
    assert reader.open == []
    assert not reader.tags & {"script", "img", "link", "iframe"}
    named = [row[0] for row in reader.rows]
    assert any("<script>alert(1)</script>" in name for name in named)
    assert made.places == (str(path),)


def test_decisions_of_several_classes_have_tables_each(tmp_path):
    """A tool that classifies: the calculations for each class."""
    frame = individuals("scoring", 0)
    frame["prediction"] = np.where(frame["hit"] == 1, "leader", "maker")
    run = audited(frame.drop(columns="hit"), tmp_path)
    counts = {c.what: c for c in of_run(run)}
    assert set(counts) == {"selection rate of leader", "selection rate of maker"}
    made = report(counts["selection rate of leader"])
    check(lines_of(made, "Sex")["Male", ""], LAW["scoring"]["sex"]["Male"], places=0.1)


def test_columns_are_found_or_asked_for(tmp_path):
    """Other names of columns are told with sex= and race=; without, the error says so."""
    frame = individuals("scoring", 0).rename(
        columns={"hit": "prediction", "sex": "s", "race": "ethnicity"}
    )
    run = audited(frame, tmp_path, groups=["s", "ethnicity"])
    with pytest.raises(BadInput, match="--set sex=COLUMN"):
        of_run(run)
    assert report(of_run(run, sex="s")[0]).individuals == 168
    with pytest.raises(BadInput, match="no such column"):
        of_run(run, sex="gender")


def test_what_cannot_be_tabulated_is_refused(words, tmp_path):
    """No decisions, uncrossed attributes, weights: one message each."""
    with pytest.raises(BadInput, match="group_rates"):
        of_run(words)
    frame = individuals("scoring", 0).rename(columns={"hit": "prediction"})
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    options = {"extra": {"groups": ["sex", "race"]}}
    bare = audit(
        f"table:{path}", metrics=["group_rates"], out=tmp_path / "runs", options=options,
        params={"group_rates": {"intersections": []}},
    )  # fmt: skip
    with pytest.raises(BadInput, match="did not cross"):
        of_run(bare)
    frame["weight"] = 2.0
    heavy = audited(frame, tmp_path)
    for call in (
        lambda: of_run(heavy),
        lambda: of_table(frame, columns={"groups": ["sex", "race"]}),
    ):
        with pytest.raises(BadInput, match="weights"):
            call()
    with pytest.raises(BadInput, match=".html"):
        ll144.from_table(
            frame.drop(columns="weight"), groups=["sex", "race"], path=tmp_path / "x.pdf"
        )
    with pytest.raises(UnknownName):
        heavy.export("ll144", treshold=0.8)
