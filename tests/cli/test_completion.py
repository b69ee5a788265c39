"""Completion in a real bash: verbs, choices, ids of methods, lists of ids; and what it costs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = "from plumbline.cli.main import main; main(prog_name='plumbline')"


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """Completes words as bash does after `source <(plumbline completion bash)`."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.fail("completion is tested in a real bash")
    folder = tmp_path_factory.mktemp("bin")
    tool = folder / "plumbline"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{RUN}" "$@"\n')
    tool.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def complete(*words: str) -> list[str]:
        listed = " ".join(f"'{w}'" for w in words)
        # bash would call the function that `complete` has registered, with the program's name.
        script = (
            f"source <(plumbline completion bash)\nCOMP_WORDS=({listed})\nCOMP_CWORD={len(words) - 1}\n"
            "called=$(complete -p plumbline | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
            '"$called" plumbline\nprintf "%s\\n" "${COMPREPLY[@]}"'
        )
        got = subprocess.run(
            [shell, "-c", script], capture_output=True, text=True, env=environment, check=True
        )
        assert got.stderr == ""
        return got.stdout.split()

    return complete


def test_verbs_complete(bash):
    """`plumbline sh` gives show; nothing gives all verbs."""
    from plumbline.cli.main import VERBS

    assert bash("plumbline", "sh") == ["show"]
    assert set(bash("plumbline", "")) == set(VERBS)


def test_ids_of_methods_complete(bash):
    """`show` knows every method, corrections too."""
    assert bash("plumbline", "show", "wea") == ["weat"]
    assert bash("plumbline", "show", "linear_p") == ["linear_projection"]
    assert {"crows_pairs", "cbs", "ceat", "calm"} <= set(bash("plumbline", "show", "c"))


def test_lists_of_ids_complete_at_their_last_name(bash):
    """Names before the comma stay and are not offered again; only what audit runs is offered."""
    assert bash("plumbline", "audit", "demo", "--metrics", "crows") == ["crows_pairs"]
    assert bash("plumbline", "audit", "demo", "--metrics", "weat,sc_") == ["weat,sc_weat"]
    assert "weat,weat" not in bash("plumbline", "audit", "demo", "--metrics", "weat,w")
    assert bash("plumbline", "audit", "demo", "--metrics", "linear_p") == []


def test_options_and_choices_complete(bash):
    """Options by their beginning, choices by theirs."""
    assert "--redact-items" in bash("plumbline", "report", "run", "--r")
    assert bash("plumbline", "report", "run", "--as", "model") == ["model-card"]
    assert bash("plumbline", "audit", "demo", "--suite", "qu") == ["quick"]


def test_completion_loads_nothing_heavy(tmp_path):
    """A tab must not wait for NumPy, torch, or the methods themselves."""
    code = f"import sys\ntry:\n    {RUN}\nfinally:\n    print('LOADED', *sys.modules)"
    environment = {
        **os.environ, "_PLUMBLINE_COMPLETE": "bash_complete", "COMP_WORDS": "plumbline audit demo --metrics we",
        "COMP_CWORD": "4",
    }  # fmt: skip
    got = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert "plain,weat" in got.stdout
    loaded = set(got.stdout.partition("LOADED")[2].split())
    assert "plumbline.cli.audit" in loaded
    assert not {"numpy", "scipy", "torch", "rich", "jinja2", "duckdb"} & loaded
    assert not {
        m
        for m in loaded
        if m.startswith(("plumbline.metrics", "plumbline.audit", "plumbline.models"))
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(invoke, shell):
    """The script names the program and the variable that asks it."""
    text = invoke("completion", shell).stdout
    assert "_PLUMBLINE_COMPLETE" in text
    assert "plumbline" in text


def test_an_unknown_shell_is_refused(invoke):
    """The message lists the shells."""
    got = invoke("completion", "tcsh")
    assert got.exit_code == 2
    assert "zsh" in got.stderr


def test_the_page_shows_the_commands():
    """The documentation says how it is switched on."""
    page = Path(__file__).resolve().parents[2] / "docs" / "verbs" / "completion.md"
    assert "plumbline completion bash >> ~/.bashrc" in page.read_text("utf-8")
