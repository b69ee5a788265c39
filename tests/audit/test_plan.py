"""Plans are frozen, hashed, and refuse what they do not know."""

from __future__ import annotations

import pytest

from plumbline.audit.api import plan
from plumbline.audit.plan import MARGINS, Plan, read_plan
from plumbline.core.errors import BadInput, UnknownName


def test_an_unknown_key_in_a_plan_file_names_the_nearest(tmp_path):
    """`metric` is not `metrics`."""
    file = tmp_path / "plan.toml"
    file.write_text('model = "demo"\nmetric = ["weat"]\n')
    with pytest.raises(UnknownName, match="metrics"):
        read_plan(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = ", "not valid TOML"),
        ('suite = "quick"', "names no model"),
        ('model = "demo"\nsuite = "fast"', "unknown suite"),
        ('model = "demo"\nlevel = 1.5', "between 0 and 1"),
        ('model = "demo"\n[margins]\nrate = 0', "above 0"),
        ('model = "demo"\n[margins]\nrate = "x"', "the margin of 'rate' wants a number; got 'x'"),
        ('model = "demo"\nmargins = 3', r"margins wants a table \[margins\]; got 3"),
        ('model = "demo"\nparams = 3', "params wants a table of names and values; got 3"),
        (
            'model = "demo"\n[params]\nweat = 3',
            "params.weat wants a table of names and values; got 3",
        ),
        (
            'model = "demo"\n[options]\nextra = 3',
            "options.extra wants a table of names and values; got 3",
        ),
        ('model = "demo"\nmetrics = "weat"', r'metrics wants a list, such as \["weat"\]'),
        ('model = "demo"\nseed = 1.5', "seed wants a whole number; got 1.5"),
    ],
)
def test_bad_plan_files_are_one_clear_error(tmp_path, text, message):
    """Each says what came and what was wanted."""
    file = tmp_path / "plan.toml"
    file.write_text(text)
    with pytest.raises((BadInput, UnknownName), match=message):
        read_plan(file)


def test_a_plan_file_that_is_not_utf8_or_not_there(tmp_path):
    """Neither is a traceback."""
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="cannot be read"):
        read_plan(tmp_path / "p.toml")
    with pytest.raises(BadInput, match="no plan file"):
        read_plan(tmp_path / "q.toml")


def test_the_hash_depends_on_what_can_change_a_finding():
    """The seed and a margin change it, the request budget does not."""
    base = Plan(model="demo")
    assert base.digest == Plan(model="demo", max_requests=5).digest
    assert base.digest != Plan(model="demo", seed=1).digest
    assert base.digest != Plan(model="demo", margins={**MARGINS, "rate": 0.1}).digest


def test_arguments_win_over_the_file(tmp_path):
    """A command-line seed replaces the file's; margins of the file join the defaults."""
    file = tmp_path / "plan.toml"
    file.write_text('model = "demo"\nseed = 3\n[margins]\nrate = 0.2\n')
    made = plan("hf:x", file=file, seed=9)
    assert (made.model, made.seed, made.margins["rate"], made.margins["percent"]) == (
        "hf:x",
        9,
        0.2,
        5.0,
    )


def test_an_argument_that_no_plan_knows():
    """The nearest name is offered."""
    with pytest.raises(UnknownName, match="seed"):
        plan("demo", sead=1)
