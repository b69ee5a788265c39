"""The command as a whole: fast, lazy, and one clear message for every error."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import click
import pytest

from plumbline.cli.main import STOPPED, VERBS, Verbs, guarded
from plumbline.core.errors import PlumblineError, StoreError

HEAVY = ("numpy", "torch", "scipy", "duckdb", "pandas", "rich", "jinja2", "httpx2")


def python(code: str, **more):
    """Run code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, **more
    )


def plumbline(*args, **more):
    """Run the command in a fresh interpreter."""
    code = f"import sys; sys.argv = ['plumbline', *{list(map(str, args))!r}]; from plumbline.cli.main import main; main()"
    return python(code, **more)


@pytest.mark.parametrize("args", [["--help"], [], ["--version"]])
def test_help_loads_nothing_heavy(args):
    """`plumbline --help` imports no NumPy, no torch, no verb."""
    code = (
        "import sys\nfrom plumbline.cli.main import main\n"
        f"try:\n    main({args!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('LOADED', *sorted(m for m in sys.modules), file=sys.stderr)"
    )
    got = python(code)
    loaded = got.stderr.split("LOADED")[1].split()
    assert not set(HEAVY) & set(loaded)
    assert not {f"plumbline.cli.{verb}" for verb in VERBS} & set(loaded)


@pytest.mark.parametrize(
    "args", [["list"], ["list", "--json"], ["show", "weat"], ["audit", "--help"]]
)
def test_looking_around_needs_no_numpy(args):
    """Listing and showing methods read declarations; no method, NumPy or torch is imported."""
    code = (
        "import sys\nfrom plumbline.cli.main import main\n"
        f"try:\n    main({args!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('LOADED', *sorted(m for m in sys.modules), file=sys.stderr)"
    )
    loaded = python(code).stderr.split("LOADED")[1].split()
    assert not {"numpy", "torch", "scipy", "duckdb"} & set(loaded)
    assert not [m for m in loaded if m.startswith("plumbline.metrics.")]


def test_without_arguments_a_beginner_is_led_to_a_first_result(invoke):
    """The bare command names the one line that gives a result, and ends well."""
    got = invoke()
    assert got.exit_code == 0
    assert "plumbline audit demo --suite quick" in got.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_the_line_that_the_group_shows(verb, invoke):
    """The table in `--help` is what the verbs say themselves."""
    command = import_module(f"plumbline.cli.{verb}").command
    assert command.short_help == VERBS[verb]
    got = invoke(verb, "--help")
    assert got.exit_code == 0
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        for option in leaf.params:
            assert isinstance(option, click.Argument) or option.help, (
                f"{verb}: {option.name} has no help"
            )


@pytest.mark.parametrize("verb", [v for v in VERBS if v != "new"])
def test_help_gives_examples(verb, invoke):
    """Every verb's help shows how it is called."""
    assert f"plumbline {verb}" in invoke(verb, "--help").stdout.replace("Usage:", "")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["adit", "demo"], "audit"),
        (["show", "waet"], "weat"),
        (["list", "metrix"], "metrics"),
        (["data", "path", "bqq", "Age.jsonl"], "bbq"),
        (["correct", "demo", "--with", "linear", "--out", "x"], "linear_projection"),
        (["audit", "demo", "--metrics", "waet"], "weat"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(args, said, invoke, tmp_path, monkeypatch):
    """A slip of the pen costs one line, not a traceback."""
    monkeypatch.chdir(tmp_path)
    got = invoke(*args)
    assert got.exit_code == 2
    assert said in got.stderr
    assert "Traceback" not in got.output
    assert not got.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["audit"],
        ["audit", "demo", "--suite", "huge"],
        ["audit", "demo", "--margin", "rate"],
        ["audit", "demo", "--margin", "rate=wide"],
        ["audit", "demo", "--param", "tests=1"],
        ["audit", "demo", "--no-such-option"],
        ["calibrate"],
        ["calibrate", "weat", "--all"],
        ["report", "no-such-run"],
        ["compare", "no-such-run", "nor-this"],
        ["history", "--out", "no-such-folder"],
        ["explain", "demo", "--with", "weat"],
        ["new", "metric", "Not-A-Name"],
    ],
)  # fmt: skip
def test_every_mistake_is_one_message_and_exit_code_two(args, invoke, tmp_path, monkeypatch):
    """Usage errors and plumbline's own end the same way: standard error, code 2, no traceback."""
    monkeypatch.chdir(tmp_path)
    got = invoke(*args)
    assert got.exit_code == 2
    assert got.stderr.strip()
    assert "Traceback" not in got.output


def test_ctrl_c_says_that_nothing_is_lost(capsys):
    """Interrupting ends with 130 and tells how to go on."""

    def work():
        raise KeyboardInterrupt

    assert guarded(work) == 130
    assert STOPPED in capsys.readouterr().err


def test_a_full_disk_is_one_clear_message(capsys):
    """A write that fails for want of room is explained, not traced."""

    def work():
        raise OSError(28, "No space left on device", "/runs/items.part")

    assert guarded(work) == 2
    assert "No space left on device" in capsys.readouterr().err


def test_a_broken_program_is_not_hidden():
    """Errors that plumbline did not raise on purpose keep their traceback."""

    def work():
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        guarded(work)


@pytest.mark.parametrize("error", [PlumblineError("what to try"), StoreError("elsewhere")])
def test_errors_of_the_tree_are_printed_as_they_are(error, capsys):
    """The message is for people and stands alone."""

    def work():
        raise error

    assert guarded(work) == 2
    assert capsys.readouterr().err == f"plumbline: {error}\n"


def test_a_reader_that_leaves_is_no_error():
    """`plumbline list | head -1` ends quietly."""
    got = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c 'from plumbline.cli.main import main; main()' list --json | head -c 10; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert got.returncode == 0
    assert "Traceback" not in got.stderr
    assert "BrokenPipe" not in got.stderr


@pytest.mark.parametrize(("rule", "code"), [("", 0), ("--fail-on leans", 1)])
@pytest.mark.parametrize("where", ["| true", "2>&1 | true"])
def test_an_audit_without_a_reader_earns_its_exit_code(rule, code, where, tmp_path):
    """Nobody reads the table: the run is whole, and a condition that holds is still told."""
    table = tmp_path / "t.csv"
    rows = [f"{'ab'[i % 2]},{i % 3 % 2},{int(i // 2 * 7 % 10 < 8 - i % 2 * 5)}" for i in range(400)]
    table.write_text("\n".join(["group,label,decision", *rows]))
    late = "import time; time.sleep(.3); from plumbline.cli.main import main; main()"
    audit = (
        f"{sys.executable} -c '{late}' audit table:{table} --metrics group_rates --out {tmp_path}/runs {rule} "
        "--set groups=group --set label=label --set prediction=decision"
    )
    got = subprocess.run(
        ["bash", "-c", f"{audit} {where}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert got.returncode == code, got.stderr
    assert "Traceback" not in got.stderr
    assert list((tmp_path / "runs").glob("*/report.html"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_standard_output_on_a_full_disk():
    """Even the last flush is looked at."""
    got = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c 'from plumbline.cli.main import main; main()' list --json > /dev/full"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert got.returncode == 2
    assert "No space left" in got.stderr
    assert "Traceback" not in got.stderr


def test_list_takes_what_metrics_takes(invoke):
    """A shelf of metrics is listed by the name that `audit --metrics` knows."""
    listed = json.loads(invoke("list", "judge", "--json").stdout)
    assert {"position_flip", "health_equity"} <= {card["id"] for card in listed}
    assert {card["shelf"] for card in listed} == {"metrics.judge"}


def test_list_json_has_every_field_of_every_card(invoke):
    """Cards come out whole: what the imported card holds is what `list --json` says."""
    from dataclasses import fields

    from plumbline.core.card import Card

    listed = json.loads(invoke("list", "--json").stdout)
    assert {f.name for f in fields(Card)} <= set(listed[0])
    assert {m["id"] for m in listed} >= {"weat", "linear_projection"}
    assert json.loads(invoke("list", "corrections", "--json").stdout)[0]["kind"] == "correction"
    assert all(
        m["family"] == "evaluation"
        for m in json.loads(invoke("list", "evaluation", "--json").stdout)
    )


def test_show_prints_card_documentation_and_certificate(invoke):
    """One page has the estimand, the null, the paper's address and the certificate."""
    text = invoke("show", "weat").stdout
    for part in (
        "Word embedding association test",
        "estimand",
        "trade places",
        "https://arxiv.org/abs/1608.07187",
        "certificate",
        "Effect size d",
    ):
        assert part in text
    assert json.loads(invoke("show", "weat", "--json").stdout)["unit"] == "cohen_d"


def test_the_group_is_lazy():
    """A verb's module is found by name; unknown names give nothing."""
    group = Verbs("x")
    context = click.Context(group)
    assert group.get_command(context, "nonsense") is None
    assert group.list_commands(context) == list(VERBS)
