"""`kill -9` of audits of a language model and of a server: the same bytes in the end, nothing asked twice."""

from __future__ import annotations

import json
import sqlite3
import time

import duckdb
import pytest
from bad_server import prompt_of, serving
from kept import FILES, committed
from talking_server import good
from test_kill import wait_for

from plumbline.audit.runner import CANARIES

IN_FLIGHT = 16


def count(cache):
    """Answers in a cache that another process writes."""
    if not cache.exists():
        return 0
    with sqlite3.connect(cache, timeout=10) as db:
        there = db.execute("select 1 from sqlite_master where name = 'answers'").fetchone()
        return db.execute("select count(*) from answers").fetchone()[0] if there else 0


def only_run(out):
    """The folder of the one finished run."""
    (folder,) = (f for f in out.iterdir() if (f / "run.json").exists())
    return folder


class Killed:
    """An audit that is killed at random numbers of answers and then finished; `start(out, cache)` begins it."""

    def __init__(self, start, folder, rng):
        self.start, self.folder, self.rng = start, folder, rng

    def undisturbed(self, name):
        """From the beginning to the end; its folder and the answers in its cache."""
        out, cache = self.folder / name, self.folder / f"{name}.sqlite"
        process = self.start(out, cache)
        _, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        return only_run(out), committed(cache)

    def blow(self, total):
        """Kill once; what was committed before and after."""
        out, cache = self.folder / "killed", self.folder / "killed.sqlite"
        before = committed(cache)
        process = self.start(out, cache)
        wanted = len(before) + self.rng.uniform(0, 0.4) * (total - len(before))
        wait_for(process, lambda: count(cache) > wanted)
        time.sleep(self.rng.uniform(0, 0.05))
        process.kill()
        process.communicate(timeout=30)
        after = committed(cache)
        print(f"killed with {len(after)} of {total} answers, {len(before)} of them from before")
        return before, after


@pytest.mark.model
@pytest.mark.timeout(400)
def test_a_language_model_gives_the_same_bytes(console, tmp_path, rng):
    """SmolLM2, whose numbers depend on which texts are read together: parts are formed again as they were."""
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'metrics = ["template_gap", "crows_pairs"]\nsuite = "quick"\n[options]\nbatch_tokens = 256\n'
    )

    def start(out, cache):
        return console.start("audit", "demo", "--plan", plan, "--out", out, PLUMBLINE_CACHE=cache)

    play = Killed(start, tmp_path, rng)
    whole, truth = play.undisturbed("whole")
    assert len(truth) > 2000
    middle = 0
    for _ in range(3):
        before, after = play.blow(len(truth))
        assert before.items() <= after.items() <= truth.items()
        middle += len(before) < len(after) < len(truth)
    assert middle
    mended, now = play.undisturbed("killed")
    assert now == truth
    for name in FILES:
        assert (mended / name).read_bytes() == (whole / name).read_bytes(), name
    told = json.loads((mended / "run.json").read_text())["questions"]["subject:logprob"]
    assert (told["from_cache"], told["asked"]) == (len(after), len(truth) - len(after))


def settled(seen):
    """Wait until what a killed audit had sent has come in."""
    count = -1
    while count != len(seen.payloads) or seen.at_once:
        count = len(seen.payloads)
        time.sleep(0.2)


def prompts_of(run):
    """Digest -> what the server is sent."""
    rows = (
        duckdb.read_parquet(str(run / "answers.parquet"))
        .select("key, question")
        .distinct()
        .fetchall()
    )
    return {key: "".join(part["text"] for part in json.loads(q)["prompt"]) for key, q in rows}


@pytest.mark.timeout(300)
def test_a_server_is_not_asked_again_what_was_kept(console, tmp_path, rng):
    """Killed with requests in flight: those may be sent again, and of what was committed the canaries alone."""
    with serving(lambda _, payload: good(payload)) as (url, seen):

        def start(out, cache):
            settings = [f"clients={IN_FLIGHT // 4}", "in_flight=4", "wait=0.01"]
            return console.start(
                "audit", f"openai:toy@{url}", "--metrics", "option_position,position_flip",
                *(word for one in settings for word in ("--set", one)), "--out", out, PLUMBLINE_CACHE=cache,
            )  # fmt: skip

        play = Killed(start, tmp_path, rng)
        whole, truth = play.undisturbed("whole")
        sent = prompts_of(whole)
        assert set(truth) <= set(sent)
        middle = 0
        for _ in range(4):
            known = len(seen.payloads)
            before, after = play.blow(len(truth))
            settled(seen)
            assert before.items() <= after.items() <= truth.items()
            middle += len(before) < len(after) < len(truth)
            asked = [prompt_of(payload) for payload in seen.payloads[known:]]
            assert len(set(asked)) == len(asked)
            again = {sent[key] for key in before} & set(asked)
            assert len(again) <= CANARIES  # "does it still answer as it did?"
        assert middle
        known = len(seen.payloads)
        mended, now = play.undisturbed("killed")
    assert now == truth
    asked = {prompt_of(payload) for payload in seen.payloads[known:]}
    lacked = {sent[key] for key in truth.keys() - after.keys()}
    assert lacked <= asked
    assert len(asked - lacked) <= CANARIES
    assert len(seen.payloads) - known == len(asked)
    for name in FILES:
        assert (mended / name).read_bytes() == (whole / name).read_bytes(), name
