"""A gate's outcome as text, Markdown and JUnit XML, hostile names included."""

from __future__ import annotations

import re
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plumbline.audit.gate_file import gate_of
from plumbline.audit.gate_result import held
from plumbline.audit.store import Run
from plumbline.report import gate as face
from plumbline.report import junit

ATTACK = "<script>alert(1)</script>|`x`]]>&\"'\x1b[31mred\x00\x0b\r\n\u202e\ufffe\uffff\ud800 [bold]x[/bold] $(id) {{ 7 }}"
RULES = [
    {"metric": "template_gap", "bound": {"max": 0.1}},
    {"metric": "weat", "labels": {"axis": "valence"}, "value": {"max": 1}, "p": {"effect": 2}},
    {"metric": "option_position", "verdict": ["within the margin"]},
    {"metric": "weat", "labels": {"axis": "race"}, "value": {"max": 1}, "undefined": "fail"},
    {"metric": "crows_pairs", "value": {"max": 1}, "not_applicable": "skip"},
    {"metric": "seat", "p": True, "optional": True, "name": "not here"},
]  # fmt: skip
OUTCOMES = ["pass", "fail", "insufficient", "fail", "skipped", "skipped"]


def result(run, rules=RULES, name="gate.toml"):
    """The made-up run held against the rules."""
    return held(run, gate_of({"rule": rules}, name=name))


def attacked(run):
    """The run with every text of a finding, and the model's name, hostile."""
    rows = [
        {**f, "labels": {**f["labels"], ATTACK: ATTACK, "group": ATTACK}, "unit": ATTACK, "reason": f["reason"] and ATTACK}
        for f in run.findings
    ]  # fmt: skip
    subject = {**run.header["subject"], "model": ATTACK, "name": ATTACK, "fingerprint": ATTACK}
    return Run({**run.header, "subject": subject}, rows, run.folder)


def test_every_rule_says_outcome_measured_limit_and_why(run):
    """One line a check in the order of the rules, and a head that counts them."""
    got = result(run)
    assert [r.outcome for r in got.rules] == OUTCOMES
    text = " ".join(face.plain_text(got).split())
    assert text.startswith(
        "Gate gate.toml: FAIL. Rules: 1 pass, 2 fail, 1 insufficient evidence, 2 not measured."
    )
    assert "insufficient evidence" in text
    assert "1.3 is above 1" in text
    shown = face.lines(got)
    assert [(line.rule, line.outcome) for line in shown] == [
        ("template_gap: bound", "pass"), ("weat, axis valence: value and p", "fail"), ("weat, axis valence: value and p", "fail"),
        ("option_position: verdict", "insufficient"), ("weat, axis race: value", "fail"), ("crows_pairs: value", "skipped"),
        ("not here", "skipped"),
    ]  # fmt: skip
    assert (shown[0].measured, shown[0].limit) == (
        "0.010 (-0.030 to 0.050) nats",
        "interval at most 0.1",
    )
    assert (shown[1].measured, shown[2].measured) == ("1.30 standard deviations", "p < .001")
    assert shown[3].measured == "insufficient evidence"
    assert "coverage 40 %" in shown[4].why
    assert "needs a masked-token head" in shown[5].why


def test_passing_findings_are_counted_after_the_third(run):
    """A pattern over many findings does not bury what fails."""
    many = [dict(run.findings[3], labels={"axis": f"a{k}"}, value=k / 10) for k in range(9)]
    got = result(Run(run.header, many), [{"metric": "template_gap", "value": {"max": 0.65}}])
    shown = face.lines(got)
    assert [line.outcome for line in shown] == ["pass"] * 3 + ["fail"] * 2 + ["pass"]
    assert shown[-1].why == "4 more pass"
    assert len(face.lines(got, passes=None)) == 9


def test_markdown_shows_hostile_text_as_text(run):
    """No line, cell, tag or code opens; the table has six columns in every row."""
    text = face.markdown(result(attacked(run), name=ATTACK))
    assert "<script" not in re.sub(r"\\<", "", text)
    assert "\x1b" not in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(face.lines(result(run)))
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {7}


def test_the_terminal_gets_no_control_characters(run):
    """Neither colours of a model's own nor markup."""
    text = face.plain_text(result(attacked(run), name=ATTACK))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "[bold]x[/bold]" in text


def test_junit_has_one_case_a_rule(run):
    """Failures of two types, skipped cases, and the facts that identify the run."""
    top = ET.fromstring(junit.render(result(run)).encode())  # noqa: S314 - our own
    (suite,) = top
    assert suite.get("name") == "gate.toml"
    assert [suite.get(k) for k in ("tests", "failures", "errors", "skipped")] == [
        "6",
        "3",
        "0",
        "2",
    ]
    facts = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert facts["plumbline.fingerprint"] == "f" * 40
    assert (facts["plumbline.plan"], facts["plumbline.seed"]) == ("0123456789abcdef", "7")
    cases = list(suite.iter("testcase"))
    assert [c.get("classname") for c in cases] == [r["metric"] for r in RULES]
    assert cases[0].get("name") == "1. template_gap: bound"
    ends = [[(e.tag, e.get("type")) for e in c] for c in cases]
    assert ends == [
        [("system-out", None)], [("failure", "fail")], [("failure", "insufficient evidence")], [("failure", "fail")],
        [("skipped", None)], [("skipped", None)],
    ]  # fmt: skip
    failure = cases[1].find("failure")
    assert "1.3 is above 1" in failure.get("message")
    assert "standard deviations" in failure.text


def read_back(text, folder: Path):
    """What `junitparser`, the parser of others, makes of the document."""
    from junitparser import JUnitXml

    path = folder / "gate.xml"
    path.write_text(text, "utf-8")
    return JUnitXml.fromfile(str(path))


@pytest.fixture(scope="module")
def jenkins(junit_archive):
    """The schemas of Jenkins' xUnit plug-in, read from the archive; nothing is unpacked."""
    import xmlschema

    with tarfile.open(junit_archive) as archive:
        schemas = [m for m in archive.getmembers() if m.name.endswith("/junit-10.xsd")]
        texts = [archive.extractfile(m).read().decode("utf-8") for m in schemas]
    return [xmlschema.XMLSchema(text) for text in texts]


def test_junit_keeps_the_schema_of_others(run, jenkins):
    """Hostile names included; and a document that breaks the schema is found."""
    for made in (run, attacked(run)):
        document = junit.render(result(made, name=ATTACK if made is not run else "gate.toml"))
        for schema in jenkins:
            schema.validate(document)
            assert not schema.is_valid(
                document.replace("<skipped", "<omitted").replace("/skipped", "/omitted")
            )
    assert len(jenkins) == 2


def test_junit_is_read_by_others_as_it_was_meant(run, tmp_path):
    """junitparser finds the same cases, the same numbers, the same results."""
    from junitparser import Failure, Skipped

    xml = read_back(junit.render(result(attacked(run), name=ATTACK)), tmp_path)
    (suite,) = list(xml)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 3, 0, 2)
    assert [type(c.result[0]) if c.result else None for c in suite] == [
        None,
        Failure,
        Failure,
        Failure,
        Skipped,
        Skipped,
    ]
    assert [c.result[0].type for c in suite if c.result][:3] == [
        "fail",
        "insufficient evidence",
        "fail",
    ]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(min_size=1))
def test_junit_and_markdown_take_any_text(run, text):
    """Any code point, lone surrogates included, in every place where a name can stand."""
    rows = [
        {**f, "labels": {"axis": text}, "unit": text, "reason": f["reason"] and text}
        for f in run.findings
    ]
    subject = {**run.header["subject"], "model": text, "fingerprint": text}
    made = Run({**run.header, "subject": subject}, rows)
    rules = [{"metric": "*", "role": "*", "name": text, "value": {"max": 0}, "undefined": "fail"}]
    got = result(made, rules, name=text)
    written = junit.render(got).encode("utf-8")
    suite = ET.fromstring(written).find("testsuite")  # noqa: S314 - our own
    assert suite.get("tests") == "1"
    assert len(face.markdown(got).encode("utf-8").splitlines()) == 6 + len(face.lines(got))


def test_an_insufficient_gate_says_that_it_is_no_pass(run):
    """The footnote is there for people who only see the table."""
    got = result(run, [RULES[2]])
    assert got.exit_code == 3
    assert "Insufficient evidence is not a pass" in face.plain_text(got)
    assert "Insufficient evidence is not a pass" in face.markdown(got)
    assert "not a pass" not in face.plain_text(result(run, RULES[:1]))
