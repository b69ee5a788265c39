"""The form that starts an audit: it can start that verb only, whatever is written into it."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.server.launch import Launch, arguments, read

OUT = Path("runs")
FULL = {
    "model": "openai:my model@http://localhost:8000/v1", "suite": "standard", "metrics": "weat, seat", "seed": "3",
    "max_requests": "500", "correction": "holm", "system": "Be brief.\r\nBe --kind.", "chat_template": "none", "bos": "none",
    "dtype": "float32", "device": "cpu", "settings": "logprobs=true\nbody={top_k = 3}", "params": "weat.permutations=99",
    "margins": "cohen_d=0.3\nnats per percentage point=0.002",
}  # fmt: skip


def parsed(argv: list[str]) -> dict:
    """What the verb `audit` makes of the arguments."""
    from plumbline.cli.audit import command

    assert argv[:4] == [sys.executable, "-m", "plumbline", "audit"]
    return command.make_context("audit", argv[4:]).params


def test_every_field_becomes_its_option():
    """What the verb reads is what the form said."""
    form, faults = read(FULL)
    assert faults == {}
    got = parsed(arguments(form, OUT))
    assert got["model"] == FULL["model"]
    assert got["out"] == OUT
    assert (got["suite"], got["seed"], got["max_requests"], got["correction"]) == (
        "standard",
        3,
        500,
        "holm",
    )
    assert got["metrics"] == ("weat", "seat")
    assert got["system"] == "Be brief.\nBe --kind."
    assert (got["chat_template"], got["bos"], got["dtype"], got["device"]) == (
        "none",
        "none",
        "float32",
        "cpu",
    )
    assert dict(got["extra"]) == {"logprobs": True, "body": {"top_k": 3}}
    assert dict(got["params"]) == {"weat.permutations": 99}
    assert dict(got["margins"]) == {"cohen_d": 0.3, "nats per percentage point": 0.002}


def test_an_empty_form_but_for_the_model_takes_the_defaults():
    """Empty fields are not passed on."""
    form, faults = read(
        {**dict.fromkeys(FULL, ""), "model": "demo", "suite": "quick", "correction": "bh"}
    )
    assert faults == {}
    assert arguments(form, OUT)[4:] == [
        "--suite=quick",
        "--seed=0",
        "--correction=bh",
        "--out=runs",
        "--",
        "demo",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", ""), ("model", "--help"), ("model", "-"), ("model", "hf:"), ("model", "nothing:x"), ("model", "hf:a\x00b"),
        ("model", "hf:a\nb"), ("model", "x" * 3000), ("model", "demo; rm -rf /"), ("suite", "huge"), ("suite", "quick --out=/"),
        ("metrics", "wheat"), ("metrics", "weat --fail-on=leans"), ("seed", "-1"), ("seed", "x"), ("seed", "1e9"),
        ("max_requests", "0"), ("max_requests", "many"), ("correction", "none"), ("dtype", "int4"), ("device", "cpu\n--json"),
        ("settings", "no sign"), ("settings", "key_env=AWS_SECRET_ACCESS_KEY"), ("settings", " key_env = X"), ("settings", "--out=/"),
        ("params", "weat=3"), ("params", "--x.y=1"), ("margins", "nats=-1"), ("margins", "nats=x"), ("margins", "nats=nan"),
        ("system", "a\x1b[31m"), ("system", "x" * 20_001), ("settings", "a=1\n" * 101), ("plan", "/etc/passwd"), ("out", "/"),
        ("fail_on", "leans"), ("json", "1"),
    ],
)  # fmt: skip
def test_what_is_not_a_value_is_refused_at_its_field(field, value):
    """One message a field; fields that the form does not have are refused too."""
    form, faults = read({"model": "demo", field: value})
    assert form is None
    assert list(faults) == [field]


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {
            name: st.text(max_size=40) | st.sampled_from(["--out=/", "-h", "--", "a=b"])
            for name in FULL
        }
    )
)
def test_no_text_becomes_another_option(given_texts):
    """Whatever passes the form, the verb reads as those values and nothing else."""
    form, _ = read(
        {
            **given_texts,
            "model": "hf:" + given_texts["model"],
            "suite": "quick",
            "correction": "bh",
            "dtype": "",
            "seed": "",
        }
    )
    if form is None:
        return
    argv = arguments(form, OUT)
    try:
        got = parsed(argv)
    except click.UsageError:
        return  # the verb refuses a value, and the page shows why
    assert got["model"] == form.model
    assert got["out"] == OUT
    assert got["file"] is None
    assert got["as_json"] is False
    assert got["fail_on"] is None
    assert (got["system"] or "") == form.system
    assert (got["device"] or "") == form.device


def test_the_form_offers_no_key_and_no_plan_file():
    """Keys come from the server's environment, and no file is named that options would be read from."""
    assert not {"key", "api_key", "key_env", "plan", "file", "out"} & set(Launch.model_fields)
