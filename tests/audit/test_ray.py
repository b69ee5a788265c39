"""A Ray cluster answers as this process would, whatever happens to its workers."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
import scribe
from ray_cluster import cluster as started

import plumbline
from plumbline.audit.cache import Cache
from plumbline.audit.cluster import crew
from plumbline.audit.cluster.connection import Connection, size
from plumbline.audit.engine import RayEngine, open_on
from plumbline.audit.runner import Runner
from plumbline.core import questions as ask
from plumbline.core.errors import BadInput, UnknownName, Unreachable
from plumbline.core.scored import Items, Scored
from plumbline.models.resolve import open_model
from plumbline.report.overview import provenance

TEXTS = [f"{'x' * (i % 17)} number {i}" for i in range(120)]


@pytest.fixture(scope="module")
def home():
    with started() as folder:
        yield folder


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A test that would wait five minutes for a worker has failed long before."""
    monkeypatch.setattr(crew, "START", 30.0)


@pytest.fixture
def notes(home, tmp_path):
    """A folder in which the model's processes write down what they are asked."""
    return tmp_path


@pytest.fixture
def opened(notes):
    """Opens the scribe on the cluster, and ends its workers after the test."""
    made = []

    def open_scribe(workers=3, **extra):
        plan = plumbline.plan(f"scribe:{notes}", options={"extra": extra})
        made.append(open_on(RayEngine(workers=workers), plan))
        return made[-1]

    yield open_scribe
    for adapter in made:
        adapter.close()


def packaged(name):
    """Folder of a package that holds a model."""
    found = importlib.util.find_spec(name)
    if found is None:
        (pytest.fail if os.environ.get("PLUMBLINE_FULL") == "1" else pytest.skip)(f"needs {name}")
    return Path(found.origin).parent


def asking(texts):
    """A method that asks the log-probability of texts and returns it."""
    (got,) = yield [ask.logprob([""] * len(texts), texts)]
    return Scored(items=Items.of(item=list(texts), score=got.total), measures=[])


def run(subject, cache, texts, **watched):
    runner = Runner(subject, open_model, cache, **watched)
    return runner.run({"m": asking(texts)})["m"].items["score"]


class Watcher:
    """Does something when the first answers have come."""

    def __init__(self, deed):
        self.deed = deed

    def step(self, what, total, known):
        pass

    def advance(self, answered, what):
        if self.deed is not None:
            deed, self.deed = self.deed, None
            deed()


class Committed(Cache):
    """Counts how often each question is committed."""

    def __init__(self):
        super().__init__(":memory:")
        self.times = Counter()

    def put(self, fingerprint, keys, answers):
        self.times.update(keys)
        super().put(fingerprint, keys, answers)

    def rows(self):
        return self._db.execute(
            "select fingerprint, question, answer from answers order by question"
        ).fetchall()


def files(run):
    """The run's tables, byte for byte."""
    return {
        name: (run.folder / name).read_bytes()
        for name in ("findings.parquet", "items.parquet", "answers.parquet")
    }


def test_answers_are_those_of_this_process_byte_for_byte(opened, notes):
    """Three workers share the parts; names, fingerprints and stored answers are the local ones."""
    local, there = open_model(f"scribe:{notes}"), opened(pause=0.01)
    assert (there.name, there.fingerprint, there.remote) == (local.name, local.fingerprint, False)
    here, cache = Committed(), Committed()
    assert run(there, cache, TEXTS).tolist() == run(local, here, TEXTS).tolist()
    assert cache.rows() == here.rows()
    own = scribe.asked(notes)
    del own[os.getpid()]
    assert len(own) == 3
    assert Counter(chain(*own.values())) == Counter(TEXTS)
    assert min(map(len, own.values())) >= len(TEXTS) // 6


def test_a_dead_workers_questions_are_asked_again_and_kept_once(opened, notes, caplog):
    """One worker is killed in the middle: every answer is there, committed once, and the same."""
    there = opened()
    _, victim = there.processes[1]
    scribe.held(notes, victim).touch()
    cache, here = Committed(), Committed()

    def kill():
        until = time.monotonic() + 20
        while not scribe.asked(notes).get(victim):  # the file is there before what it says
            assert time.monotonic() < until
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    got = run(there, cache, TEXTS, progress=Watcher(kill))
    local = open_model(f"scribe:{notes}")
    assert got.tolist() == run(local, here, TEXTS).tolist()
    assert cache.rows() == here.rows()
    assert set(cache.times.values()) == {1}
    assert len(cache.times) == len(TEXTS)
    own = scribe.asked(notes)
    del own[os.getpid()]
    # What the dead one had begun was asked of another too; nothing else was asked twice.
    again = Counter(chain(*own.values())) - Counter(TEXTS)
    assert again == Counter(own[victim])
    assert len(own[victim]) == 4
    assert there.engine()["replaced"] == 1
    assert f"process {victim}" in caplog.text


def test_no_more_is_under_way_than_two_parts_a_worker(opened):
    """Parts are made when they are sent; a slow reader is not buried in answers."""
    there = opened(workers=2, rows=3)
    sent = []

    class Sent(ask.Batch):
        def take(self, rows):
            sent.append(1)
            return ask.Batch.take(self, rows)

    plain = ask.logprob([""] * len(TEXTS), TEXTS)
    batch = Sent(ability="logprob", columns=plain.columns)
    parts = there.partition(plain)
    read = 0
    for _ in there.stream(batch, parts):
        assert len(sent) - read <= 2 * crew.DEPTH
        if read == 0:
            assert len(sent) == 2 * crew.DEPTH
            time.sleep(0.3)  # however long the reader takes, nobody sends more
            assert len(sent) == 2 * crew.DEPTH
        read += 1
    assert read == len(sent) == len(parts) == 40


def test_an_audit_is_the_local_one_even_when_a_worker_is_killed(notes, tmp_path, monkeypatch):
    """Findings, items, answers and the plan's hash are equal; only the record says where it ran."""
    given = dict(metrics=["template_gap"], out=tmp_path / "runs")
    model = f"scribe:{notes}"
    given["options"] = {"extra": {"rows": 64, "pause": 0.01}}
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "local.sqlite"))
    local = plumbline.audit(model, **given)

    def kill_one():
        victim = max(pid for pid in scribe.asked(notes) if pid != os.getpid())
        os.kill(victim, signal.SIGKILL)

    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cluster.sqlite"))
    there = plumbline.audit(model, engine=RayEngine(workers=2), progress=Watcher(kill_one), **given)
    assert there.header["engine"]["replaced"] == 1
    assert there.header["engine"]["workers"] == 2
    assert "workers 2, gpus_per_worker 0.0, " in dict(provenance(there.header))["engine"]
    assert "engine" not in {**local.header, **dict(provenance(local.header))}
    assert there.findings == local.findings
    assert files(there) == files(local)
    assert there.header["plan_hash"] == local.header["plan_hash"]
    same = ("fingerprint", "name", "model")
    assert [there.header["subject"][n] for n in same] == [local.header["subject"][n] for n in same]
    assert there.header["subject"]["abilities"] == ["logprob"]
    # A second run is answered from the cache, wherever it runs.
    again = plumbline.audit(model, **given)
    assert again.header["questions"]["subject:logprob"]["asked"] == 0
    assert again.findings == local.findings


@pytest.fixture
def one_thread():
    """As many threads here as a worker has: sums of floats depend on it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_torch_model_gives_the_same_bits(home, one_thread, tmp_path, monkeypatch):
    """A masked BERT in padded batches: stored answers of two workers equal this process's."""
    kept, records = {}, {}
    model = f"hf:{packaged('cognition') / 'model'}"
    for where, engine in (("here", None), ("there", RayEngine(workers=2))):
        monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / f"{where}.sqlite"))
        found = plumbline.audit(
            model, metrics=["lpbs"], out=tmp_path / "runs", engine=engine,
            options={"batch_tokens": 256, "dtype": "float32", "device": "cpu"},
        )  # fmt: skip
        kept[where], records[where] = (files(found), found.findings), found.header
    assert kept["here"] == kept["there"]
    assert any(f["value"] is not None for f in found.findings)
    about = {where: record["subject"]["about"] for where, record in records.items()}
    assert about["there"] == about["here"]
    asked = records["there"]["questions"]["subject:fill"]
    assert asked["asked"] == asked["unique"] > 100


def test_a_stopped_run_goes_on_where_it_was(opened, notes):
    """What was committed before an error is not asked again, here or there, and parts are the same."""

    def stop():
        raise KeyboardInterrupt

    cache, there = Committed(), opened(workers=2, pause=0.02)
    with pytest.raises(KeyboardInterrupt):
        run(there, cache, TEXTS, progress=Watcher(stop))
    there.close()
    assert 0 < len(cache) < len(TEXTS)
    before = len(cache)
    got = run(opened(workers=1), cache, TEXTS)
    assert got.tolist() == run(open_model(f"scribe:{notes}"), Committed(), TEXTS).tolist()
    assert set(cache.times.values()) == {1}
    assert len(cache) == len(TEXTS) > before


@pytest.mark.parametrize(("text", "wanted"), [("REFUSE", UnknownName), ("BUG", ZeroDivisionError)])
def test_what_a_model_raises_comes_as_itself_and_is_not_tried_again(opened, notes, text, wanted):
    """One worker was asked, once; an error of plumbline's keeps its words and its fields."""
    with pytest.raises(wanted) as caught:
        run(opened(workers=2), Committed(), [text])
    assert list(chain(*scribe.asked(notes).values())) == [text]
    if wanted is UnknownName:
        assert type(caught.value) is UnknownName
        assert str(caught.value) == str(UnknownName("word", text, ["word"]))
        assert caught.value.kind == "word"


def test_a_batch_that_kills_its_workers_is_named_in_the_end(opened, notes):
    """Three die on it, then it is the batch that is wrong; the rest is kept."""
    texts = [*TEXTS[:20], "DIE"]
    cache = Committed()
    with pytest.raises(Unreachable, match="3 workers died .* the same batch") as caught:
        run(opened(workers=2, rows=1), cache, texts)
    assert "batch_tokens" in str(caught.value)
    assert sum(texts.count("DIE") for texts in scribe.asked(notes).values()) == 3
    # Shortest first: "DIE" is the first part of all, and others went on meanwhile.
    assert set(cache.times.values()) <= {1}


def test_places_are_filled_again_so_often_and_no_more(opened):
    """A model that kills every process: one error, which holds Ray's account of the death."""
    with pytest.raises(Unreachable, match="all workers of the cluster died") as caught:
        opened(workers=1, opening="dies")
    assert f"filled {crew.REPLACED} times" in str(caught.value)
    assert "ActorDiedError" in str(caught.value)


def test_workers_must_hold_the_same_model(opened):
    """Fingerprints are compared before anything is asked; the error says in what they differ."""
    with pytest.raises(BadInput, match="two workers do not hold the same model") as caught:
        opened(workers=2, opening="uneven")
    assert "They differ in own " in str(caught.value)


def test_a_model_that_cannot_be_opened_says_so_as_here(opened, notes):
    """The model's own words, no death."""
    with pytest.raises(Unreachable, match=f"^no model in {notes}$"):
        opened(workers=2, opening="gone")


class Sized(Connection):
    """A cluster of stated nodes."""

    def nodes(self):
        return self.ray


@pytest.mark.parametrize(
    ("engine", "wanted"),
    [
        ({}, (8, 1.0)),
        ({"gpus_per_worker": 0}, (22, 0)),
        ({"gpus_per_worker": 0, "threads_per_worker": 4}, (4, 0)),
        ({"gpus_per_worker": 0.5}, (16, 0.5)),
        ({"gpus_per_worker": 2, "threads_per_worker": 3}, (4, 2)),
        ({"workers": 3}, (3, 1.0)),
        (
            {"workers": 9},
            "9 wanted, and the cluster has room for 8 .3 nodes with 22 CPUs and 8 GPUs",
        ),
        ({"gpus_per_worker": 5}, "1 wanted, and the cluster has room for 0 "),
    ],
)
def test_workers_fit_the_nodes(engine, wanted):
    """A worker stands on one node: what two nodes have left over makes no third."""
    nodes = [{"CPU": 10.0, "GPU": 4.0}, {"CPU": 10.0, "GPU": 4.0}, {"CPU": 2.0}]
    fixed = Sized(nodes, own=True, fixed=True)
    if isinstance(wanted, tuple):
        assert size(fixed, RayEngine(**engine)) == wanted
        return
    with pytest.raises(BadInput, match=wanted):
        size(fixed, RayEngine(**engine))


def test_nodes_may_join_later():
    """A cluster that was there before may grow: what was asked for is waited for."""
    assert size(Sized([{"CPU": 1.0}], own=True), RayEngine(workers=64)) == (64, 0.0)
    assert size(Sized([{"CPU": 1.0}], own=True), RayEngine()) == (1, 0.0)


def test_a_cluster_whose_room_is_taken_is_not_waited_for_forever(opened, monkeypatch):
    """The other workers here hold 3 of 4 CPUs, and two more are wanted."""
    opened(workers=3)
    monkeypatch.setattr(crew, "START", 4.0)
    with pytest.raises(Unreachable, match="1 of 2 workers have not started within 4 s"):
        opened(workers=2)


def test_threads_are_those_that_were_asked_for(notes):
    """Each worker has its number of threads, and sees no GPU that it did not ask for, before any library loads."""
    plan = plumbline.plan(f"scribe:{notes}")
    there = open_on(RayEngine(workers=1, threads_per_worker=2), plan)
    try:
        assert there.about()["OMP_NUM_THREADS"] == "2"
        assert there.about()["CUDA_VISIBLE_DEVICES"] == ""
        assert there.cost(ask.logprob([""], ["x"])).tokens_in == 1
    finally:
        there.close()


def test_nothing_of_a_worker_is_left(opened):
    """`close` ends the processes."""
    there = opened(workers=2)
    pids = [pid for _, pid in there.processes]
    assert len(pids) == 2
    there.close()
    there.close()
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.05)
