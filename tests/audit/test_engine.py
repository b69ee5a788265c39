"""Which engine is meant, and what is refused before any cluster is touched."""

from __future__ import annotations

import copy
import importlib.util
import signal

import pytest
from ray_cluster import needed

import plumbline
from plumbline.audit.cluster import connection
from plumbline.audit.engine import RayEngine, engine_of
from plumbline.cli.options import engine_given
from plumbline.core.errors import (
    AbilityError,
    BadInput,
    MissingExtra,
    PlumblineError,
    UnknownName,
    Unreachable,
)


def test_an_engine_is_named_or_made():
    """`local` and nothing are this process; `ray` is a cluster with nothing stated."""
    assert engine_of(None) is None
    assert engine_of("local") is None
    assert engine_of("ray") == RayEngine()
    assert engine_of(RayEngine(workers=3)) == RayEngine(workers=3)
    with pytest.raises(UnknownName, match="unknown engine 'rays'. Nearest: ray"):
        engine_of("rays")
    with pytest.raises(BadInput, match="got dict"):
        engine_of({"name": "ray"})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"workers": 0}, "workers wants at least 1; got 0"),
        ({"workers": 1.5}, "workers wants a whole number; got 1.5"),
        ({"workers": True}, "workers wants a whole number"),
        ({"gpus_per_worker": -1}, "at least 0"),
        ({"gpus_per_worker": "1"}, "gpus_per_worker wants a number; got '1'"),
        ({"gpus_per_worker": float("nan")}, "at least 0"),
        ({"threads_per_worker": 0}, "at least 1"),
        ({"address": "ray://head:10001"}, "HOST:PORT"),
        ({"address": "head"}, "HOST:PORT"),
        ({"address": "head:port"}, "HOST:PORT"),
        ({"address": ""}, "HOST:PORT"),
    ],
)
def test_settings_that_cannot_be_meant_are_errors(given, says):
    """The message says what came and what was wanted."""
    with pytest.raises(BadInput, match=says):
        RayEngine(**given)


@pytest.mark.parametrize("address", ["local", "auto", "head:6379", "10.0.0.1:6379", "[::1]:6379"])
def test_addresses_are_those_of_ray(address):
    """Half a GPU is a number of GPUs, too."""
    assert RayEngine(address=address, gpus_per_worker=0.5).address == address


def test_python_objects_stay_in_their_process():
    """A callable, a frame: the error says how to give it a form."""
    for thing in (lambda text: text, {"label": [1], "prediction": [0]}):
        with pytest.raises(BadInput, match=r"lives in this process, .* \(entry point"):
            plumbline.audit(thing, metrics=["group_rates"], engine="ray")


@pytest.mark.parametrize(
    "model", ["openai:m@http://localhost:1/v1", "table:t.csv", "answers:a.jsonl"]
)
def test_what_has_nothing_to_compute_is_refused(model):
    """Servers and recorded answers: leave the engine away."""
    with pytest.raises(BadInput, match=f"^{model} needs no cluster: .*leave --engine away"):
        plumbline.audit(model, engine="ray")


def test_a_missing_ray_is_one_pip_line(monkeypatch):
    """Asked for only when the engine is."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "ray" else found(name, *a)
    )
    with pytest.raises(MissingExtra, match=r'pip install "plumbline\[ray\]"'):
        plumbline.audit("demo", metrics=["template_gap"], engine="ray")


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_an_address_where_nobody_listens_is_told_soon(monkeypatch, where):
    """Ray tries for minutes; SIGTERM does afterwards what it did before."""
    needed()
    monkeypatch.setattr(connection, "PATIENCE", 0.2)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    before = signal.getsignal(signal.SIGTERM)
    if where == "environment":
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    engine = RayEngine(address="127.0.0.1:1" if where == "argument" else None)
    with pytest.raises(
        Unreachable, match=r"no Ray cluster at '127.0.0.1:1': .* `ray start --head`"
    ):
        connection.connect(engine)
    assert signal.getsignal(signal.SIGTERM) == before
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(BadInput, match="got 'ray://head:10001'"):
        connection.connect(RayEngine())


def test_the_plan_does_not_know_where_it_runs():
    """No field of the plan, no key of its file."""
    with pytest.raises(UnknownName, match="engine"):
        plumbline.plan("demo", engine="ray")


def test_options_of_a_cluster_want_the_engine():
    """`--workers 3` alone would be ignored in silence."""
    none = dict.fromkeys(
        ("engine", "ray_address", "workers", "gpus_per_worker", "threads_per_worker")
    )
    assert engine_given(none) == {}
    assert engine_given({**none, "engine": "local"}) == {}
    stated = engine_given({**none, "engine": "ray", "workers": 3})
    assert stated == {"engine": RayEngine(workers=3)}
    with pytest.raises(Exception, match="--gpus-per-worker speaks of a Ray cluster"):
        engine_given({**none, "gpus_per_worker": 0.0})


@pytest.mark.parametrize(
    "error",
    [
        PlumblineError("words"),
        UnknownName("metric", "weet", ["weat"]),
        MissingExtra("ray", "ray", "a test"),
        AbilityError("cannot"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_errors_travel_between_processes_as_they_are(error):
    """Copied as pickle would: class, words, fields, though some classes are not made from their words."""
    for same in (copy.copy(error), copy.deepcopy(error)):
        assert type(same) is type(error)
        assert str(same) == str(error)
        assert vars(same) == vars(error)
