"""The gate file: what is read, and one message for every slip."""

from __future__ import annotations

import pytest

from plumbline.audit.gate import Detect, Limits, Rule, Size, like
from plumbline.audit.gate_file import read_gate
from plumbline.core.errors import BadInput, UnknownName

FULL = """
[gate]
alpha = 0.1
correction = "holm"
undefined = "fail"
not_applicable = "skip"

[[rule]]
name = "all of it"
metric = "weat"
labels = { axis = "gender", test = "6*" }
role = "*"
optional = true
undefined = "insufficient"
value = { min = -1, max = 1.5 }
bound = { max = 2 }
distance = { margins = 2 }
p = { effect = 0.3, power = 0.9 }
verdict = "within the margin"
regression = { margin = 0.1 }

[[rule]]
metric = "seat"
p = true
"""


def read(tmp_path, text):
    """A gate from its text."""
    path = tmp_path / "gate.toml"
    path.write_text(text, "utf-8")
    return read_gate(path)


def test_every_key_reaches_its_field(tmp_path):
    """What the file says is what the rule holds; a rule's own word wins over the gate's."""
    gate = read(tmp_path, FULL)
    assert (gate.alpha, gate.name, gate.compares) == (0.1, "gate.toml", True)
    first, second = gate.rules
    assert first == Rule(
        name="all of it", metric="weat", labels={"axis": "gender", "test": "6*"}, role="*", optional=True,
        undefined="insufficient", not_applicable="skip", value=Limits(low=-1.0, high=1.5),
        bound=Limits(high=2.0), distance=Size(margins=2.0), p=Detect(effect=Size(units=0.3), power=0.9),
        verdict=("within the margin",), regression=Size(units=0.1),
    )  # fmt: skip
    assert first.conditions == ("value", "bound", "distance", "p", "verdict", "regression")
    assert (second.undefined, second.p, second.tests) == ("fail", Detect(), True)
    assert second.title == "seat: p"


RULE = '[[rule]]\nmetric = "weat"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not valid TOML"),
        ("", "gate.toml has no rule"),
        ("[gate]\nalpha = 0.05", "gate.toml has no rule"),
        ("[gates]\nalpha = 0.05", "unknown key in gate.toml 'gates'. Nearest: gate"),
        ("[gate]\nalhpa = 0.05\n", "unknown key in gate.toml: [gate] 'alhpa'. Nearest: alpha"),
        ("[gate]\nalpha = 'small'\n" + RULE + "p = true", "alpha is 'small'; wanted a number"),
        ("[gate]\nalpha = true\n" + RULE + "p = true", "alpha is True; wanted a number"),
        ("[gate]\nalpha = 0.7\n" + RULE + "p = true", "above 0 and below 0.5"),
        ("[gate]\nalpha = nan\n" + RULE + "p = true", "alpha is nan; wanted a number"),
        ("[gate]\ncorrection = 'bh'\n" + RULE + "p = true", "a gate corrects by 'holm'"),
        ("[gate]\nundefined = 'pass'\n" + RULE + "p = true", "unknown undefined in gate.toml: [gate] 'pass'"),
        ("[gate]\nnot_applicable = 'pass'\n" + RULE + "p = true", "unknown not_applicable in gate.toml: [gate] 'pass'"),
        ("gate = 1\n" + RULE + "p = true", "[gate] is 1; wanted a table"),
        ("[rule]\nmetric = 'weat'", "write [[rule]] in place of [rule]"),
        ("rule = ['weat']", "rule 1 is 'weat'; wanted a table"),
        ("[[rule]]\nvalue = { max = 1 }", "rule 1 names no metric"),
        ("[[rule]]\nmetric = 3\nvalue = { max = 1 }", 'metric is 3; wanted text: "3"'),
        (RULE, "rule 1: rule 'weat: nothing' has no condition; wanted one or more of value, bound"),
        (RULE + "p = true\n" + RULE + "vaule = { max = 1 }", "unknown key in gate.toml, rule 2 'vaule'. Nearest: value"),
        (RULE + "value = 0.1", "value is 0.1; wanted a table"),
        (RULE + "value = {}", "value states no limit; wanted min, max, or both"),
        (RULE + "value = { most = 1 }", "unknown key in gate.toml, rule 1: value 'most'"),
        (RULE + "value = { max = '1' }", "value: max is '1'; wanted a number"),
        (RULE + "value = { max = inf }", "value: max is inf; wanted a number"),
        (RULE + "value = { min = 2, max = 1 }", "nothing is at least 2 and at most 1"),
        (RULE + "value = { max = 1 }\nbound = { min = 2 }", "nothing is at least 2 and at most 1"),
        (RULE + "distance = { max = 1, margins = 1 }", "distance wants either max (in the finding's unit) or margins (of the plan), not both"),
        (RULE + "distance = {}", "not neither"),
        (RULE + "distance = { max = 0 }", "distance: max is 0; wanted a number above 0"),
        (RULE + "regression = { margin = -1 }", "regression: margin is -1; wanted a number above 0"),
        (RULE + "regression = { max = 1 }", "unknown key in gate.toml, rule 1: regression 'max'. Known: margin, margins"),
        (RULE + "regression = 0.1", "regression is 0.1; wanted a table"),
        (RULE + "p = false", "p is false, which asks nothing; leave the key out"),
        (RULE + "p = 0.05", "p is 0.05; wanted a table"),
        (RULE + "p = { power = 0.2 }", "power is 0.2; wanted 0.5 or more, and below 1"),
        (RULE + "p = { effect = 1, margins = 2 }", "not both"),
        (RULE + "verdict = []", "allows no verdict, so nothing could pass"),
        (RULE + "verdict = 3", "verdict is 3; wanted a list of verdicts"),
        (RULE + "verdict = ['lean']", "unknown verdict in gate.toml, rule 1 'lean'. Nearest: leans"),
        (RULE + "role = 'primry'\np = true", "unknown role in gate.toml, rule 1 'primry'. Nearest: primary"),
        (RULE + "optional = 'yes'\np = true", "optional is 'yes'; wanted true or false"),
        (RULE + "labels = 'gender'\np = true", "labels is 'gender'; wanted a table"),
        (RULE + "labels = { test = 6 }\np = true", 'label test is 6; wanted text: "6"'),
        (RULE + "not_applicable = 'fail'\np = true", "unknown not_applicable in gate.toml, rule 1 'fail'"),
        (RULE + "name = 1\np = true", "name is 1; wanted text"),
    ],
)  # fmt: skip
def test_every_slip_has_one_message(tmp_path, text, said):
    """What came, what was wanted, and where: file, rule and key."""
    with pytest.raises((BadInput, UnknownName)) as error:
        read(tmp_path, text)
    assert said in str(error.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    """The path is in the message."""
    with pytest.raises(BadInput, match=r"there is no gate file .*no\.toml"):
        read_gate(tmp_path / "no.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"binary\.toml cannot be read"):
        read_gate(tmp_path / "binary.toml")
    with pytest.raises(BadInput, match="cannot be read"):
        read_gate(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "text", "same"),
    [
        ("weat", "weat", True), ("weat", "sc_weat", False), ("*weat", "sc_weat", True), ("*", "", True),
        ("a*c", "abbc", True), ("a*c", "abcd", False), ("a.c", "abc", False), ("[ab]", "a", False),
        ("*", "two\nlines", True),
    ],
)  # fmt: skip
def test_only_the_star_stands_for_more(pattern, text, same):
    """No other sign of regular expressions or file patterns has a meaning."""
    assert like(pattern, text) is same
