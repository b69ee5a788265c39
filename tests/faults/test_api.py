"""Whole audits of servers that fail: for a while, for some questions, or for good."""

from __future__ import annotations

import json
import random
import time
from collections import Counter

import pytest
from bad_server import Reply, chat, prompt_of, serving
from click.testing import CliRunner
from kept import FILES
from talking_server import PASSING, QUICK, WHAT, Weather, good

import plumbline
from plumbline.audit.cache import Cache
from plumbline.cli.main import main


class Site:
    """One address whose server's behaviour can be exchanged, so that all audits are of one model."""

    def __init__(self):
        self.script, self.url, self.seen, self.calm = None, "", None, {}

    def __call__(self, number, payload):
        return self.script(number, payload)

    def settle(self):
        """Wait until what an audit that failed had sent has come in."""
        count = -1
        while count != len(self.seen.payloads) or self.seen.at_once:
            count = len(self.seen.payloads)
            time.sleep(0.3)

    def audit(self, script, out, **extra):
        """The run of an audit, and how many requests it took."""
        self.script, before = script, len(self.seen.payloads)
        run = plumbline.audit(
            f"openai:toy@{self.url}", metrics=WHAT, out=out, options={"extra": {**QUICK, **extra}}
        )
        return run, len(self.seen.payloads) - before


@pytest.fixture(scope="module")
def site():
    """A running server."""
    made = Site()
    with serving(made) as (made.url, made.seen):
        yield made


@pytest.fixture
def undisturbed(site, tmp_path_factory, monkeypatch, own_cache):
    """The run of a server that never fails, with a cache of its own; one for each way to ask."""

    def run(script, **extra):
        key = tuple(sorted(extra))
        if key not in site.calm:
            folder = tmp_path_factory.mktemp("undisturbed")
            monkeypatch.setenv("PLUMBLINE_CACHE", str(folder / "cache.sqlite"))
            site.calm[key], _ = site.audit(script, folder, **extra)
            monkeypatch.setenv("PLUMBLINE_CACHE", str(own_cache))
        return site.calm[key]

    return run


def same(a, b):
    """Both runs have the same findings, items and answers, byte for byte."""
    for name in FILES:
        assert (a.folder / name).read_bytes() == (b.folder / name).read_bytes(), name


def asked_of(run):
    """Questions to the model in this run, over all abilities."""
    told = [t for name, t in run.header["questions"].items() if name.startswith("subject:")]
    return {key: sum(t[key] for t in told) for key in ("unique", "from_cache", "asked")}


def test_whatever_passes_leaves_the_same_bytes(site, undisturbed, tmp_path, rng):
    """Resets, timeouts, drips, 429, 5xx, broken JSON by the dozen: nothing of it is in the result."""
    calm = undisturbed(sound)
    weather = Weather(rng.getrandbits(32), PASSING)
    run, _ = site.audit(weather, tmp_path, retries=8)  # two troubles, and a machine that is slow
    same(run, calm)
    total = asked_of(calm)["asked"]
    assert total > 150
    assert asked_of(run) == {"unique": total, "from_cache": 0, "asked": total}
    assert weather.met[""] >= total
    assert len(weather.met) > 8, weather.met
    print(weather.met)


def sound(_, payload):
    """A server that never fails."""
    return good(payload)


def spoiled(rng, share, replies):
    """A server without an answer to some prompts, and how often each reply was given."""
    seed, given = rng.random(), Counter()

    def script(_, payload):
        own = random.Random(f"{seed} {prompt_of(payload)}")
        if own.random() >= share:
            return good(payload)
        name = own.choice(sorted(replies))
        given[name] += 1
        return replies[name]

    return script, given


WITHOUT = {
    "refused": chat(None, refusal="I cannot help with that."),
    "empty answer": chat(""),
    "truncated: maximum context length is 8 tokens": Reply(
        400,
        {
            "error": {
                "code": "context_length_exceeded",
                "message": "maximum context length is 8 tokens",
            }
        },
    ),
}


def test_questions_without_an_answer_are_counted_by_reason(site, tmp_path, rng):
    """Refusals, empty texts and overlong prompts: each once, in the record with its reason."""
    script, given = spoiled(rng, 0.06, WITHOUT)
    run, _ = site.audit(script, tmp_path)
    recorded = Counter(s for s in run.answers()["status"] if s)
    assert recorded == given
    assert set(recorded) <= set(WITHOUT)
    assert sum(asked_of(run).values()) == 2 * asked_of(run)["unique"]
    for row in run.findings:
        assert row["status"] in {"estimate", "undefined"}
        assert (row["value"] is None) == (row["status"] == "undefined")
        assert row["status"] == "estimate" or row["reason"]
    facts = run.header["facts"]["option_position"]
    assert sum(facts["unanswered"].values()) == sum(
        status != "" for status in run.answers("option_position")["status"]
    )


@pytest.mark.parametrize("reason", WITHOUT)
def test_a_server_that_never_answers_has_no_number_but_a_reason(site, tmp_path, reason):
    """All refused, all empty, all too long: every finding is undefined and says why; no 0, no NaN."""
    run, _ = site.audit(lambda *_: WITHOUT[reason], tmp_path)
    assert {row["status"] for row in run.findings} == {"undefined"}
    assert all(row["value"] is None for row in run.findings)
    assert any(reason in row["reason"] for row in run.findings if row["role"] == "primary")
    json.dumps(run.document(), allow_nan=False)


def nan_log_probabilities(_, payload):
    """A right answer with a probability that is none."""
    top = [{"token": "A", "logprob": float("nan")}, {"token": "B", "logprob": -1.0}]
    reply = chat("A")
    reply.body["choices"][0]["logprobs"] = {"content": [{"token": "A", "top_logprobs": top}]}
    return reply


def with_log_probabilities(_, payload):
    """The right answer's first token is the likelier of two."""
    right = good(payload).body["choices"][0]["message"]["content"]
    top = [{"token": t, "logprob": -0.1 if t == right else -2.5} for t in "AB"]
    reply = chat(right)
    reply.body["choices"][0]["logprobs"] = {"content": [{"token": right, "top_logprobs": top}]}
    return reply


ENDS = {
    "wrong key": (Reply(401, {"error": {"message": "no such key"}}), "refused the key"),
    "no such model": (Reply(404, {"error": {"message": "no model toy"}}), "no such model or path"),
    "no quota": (Reply(429, {"error": {"code": "insufficient_quota"}}), "no quota left"),
    "a wait of an hour": (Reply(429, b"", {"Retry-After": "3600"}), "asks to wait 3600 s"),
    "500 for good": (Reply(500, b""), "failed 5 times; last: HTTP 500"),
    "reset for good": (Reply(reset=True), "failed 5 times; last: "),
    "garbage for good": (Reply(body=b"<html>"), "the reply is not JSON"),
    "NaN": (nan_log_probabilities, "nan as a log-probability"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_server_that_fails_for_good_is_one_error_and_loses_nothing(
    name, site, undisturbed, tmp_path, own_cache, rng
):
    """Exit code 2 and one message with the address; mended, only the rest is asked."""
    ending, said = ENDS[name]
    broken = ending if callable(ending) else lambda *_: ending
    mended = with_log_probabilities if callable(ending) else sound
    # Nothing is slow here, but the machine may be: a reply that is late would be asked for again.
    extra = {"timeout": 30.0, **({"logprobs": True} if callable(ending) else {})}
    last, fine = rng.randrange(30, 150), [0]

    def script(number, payload):
        # Counted here: the server may have sent what nobody has read any more.
        if fine[0] >= last:
            return broken(number, payload)
        fine[0] += 1
        return mended(number, payload)

    site.script = script
    sets = [f"--set={key}={json.dumps(value)}" for key, value in {**QUICK, **extra}.items()]
    model = f"openai:toy@{site.url}"
    words = ["audit", model, "--metrics", ",".join(WHAT), "--out", str(tmp_path / "runs")]
    got = CliRunner().invoke(main, [*words, *sets])
    assert got.exit_code == 2, got.output
    refused = [line for line in got.stderr.splitlines() if line.startswith("plumbline: ")]
    assert len(refused) == 1, got.stderr
    assert said in refused[0]
    assert site.url in refused[0]
    assert "Traceback" not in got.output
    with Cache(own_cache) as cache:
        kept = len(cache)
    print(f"{name} after {last} answers, {kept} kept")
    assert last - QUICK["clients"] * QUICK["in_flight"] < kept <= last

    site.settle()
    run, requests = site.audit(mended, tmp_path / "runs", **extra)
    counts = asked_of(run)
    assert (counts["from_cache"], counts["asked"]) == (kept, counts["unique"] - kept)
    canaries = sum(c["asked"] for c in run.header["canaries"].values())
    assert requests == counts["asked"] + canaries
    same(run, undisturbed(mended, **extra))
