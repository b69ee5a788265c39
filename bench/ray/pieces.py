"""What one question costs the driver, the cluster and the disk: the pieces of the estimate in docs/guide/ray.md.

python bench/ray/pieces.py [QUESTIONS] [--gpus 64] [--rate 200] [--price 3.0]     (about four minutes)

Figures go to standard output: measured pieces a question, then the arithmetic for 10^8 questions. The questions
are choices and log-probabilities of some 25 words; the model costs next to nothing (a bigram model of two words), so
what is left is plumbline's and Ray's own work. The clock is the processor's where a piece runs in this process.
"""

from __future__ import annotations

import argparse
import os
import pickle  # noqa: TID251 - only its size: what Ray sends between processes
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from plumbline.audit.cache import Cache
from plumbline.audit.engine import RayEngine, open_on
from plumbline.audit.plan import Plan
from plumbline.audit.pool import Pool
from plumbline.audit.runner import Runner, answered, united
from plumbline.core import questions as ask
from plumbline.core.answers import answer_type
from plumbline.models.resolve import open_model

PART = 64  # questions a part: some 4,096 padded tokens of short prompts
WANTED = 10**8
ARPA = "\\data\\\nngram 1=5\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n-2\t<unk>\n-0.7\tnurse\n-0.9\tpilot\n\n\\end\\\n"


def questions(n):
    """Log-probabilities of a word after a context of 25 words, all different."""
    story = (
        "The person who came in at the door that morning and put the papers on the desk was number"
    )
    contexts = [f"{story} {i} of those whom the office had sent for, a" for i in range(n)]
    return ask.logprob(contexts, [" nurse" if i % 2 else " pilot" for i in range(n)])


def timed(what, work, n, times=3):
    """Least seconds of a few runs, for 10^5 questions, printed; returns (seconds a question, result)."""
    best, result = np.inf, None
    for _ in range(times):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    print(f"{what:58s} {best / n * 1e5:9.3f} s per 10^5 questions")
    return best / n, result


def held(what, make, n):
    """Bytes of Python objects that are made and kept, a question."""
    tracemalloc.start()
    kept = make()
    size = tracemalloc.get_traced_memory()[0] / n
    tracemalloc.stop()
    print(f"{what:58s} {size:9.0f} bytes a question")
    return size, kept


def parts_of(n):
    """Parts as a model would make them."""
    return [np.arange(i, min(n, i + PART)) for i in range(0, n, PART)]


class Parted:
    """A model with parts of `PART` questions: the bigram model itself would take everything at once."""

    def __init__(self, base):
        self._base = base

    def __getattr__(self, name):
        return getattr(self._base, name)

    def partition(self, batch):
        return parts_of(len(batch))


def driver(n, folder):
    """What is done in the driver, piece by piece; returns seconds and bytes a question by name."""
    found = {}
    found["columns"], batch = held("memory: columns of questions", lambda: questions(n), n)
    found["keys"], keys = held("memory: their keys", batch.keys, n)
    s, _ = timed("digests of the questions (keys)", batch.keys, n)
    u, (union, order) = timed(
        "sorted and without duplicates (united)", lambda: united([(batch, keys)]), n
    )
    found["step"], _ = held(
        "memory: the step's questions and keys", lambda: united([(batch, keys)]), n
    )
    t, _ = timed("taken into parts", lambda: [union.take(p.tolist()) for p in parts_of(n)], n)
    sent = sum(len(pickle.dumps(union.take(p.tolist()), 5)) for p in parts_of(n)) / n
    p, _ = timed(
        "serialised in parts",
        lambda: [pickle.dumps(union.take(p.tolist()), 5) for p in parts_of(n)],
        n,
    )
    print(f"{'sent to a worker':58s} {sent:9.0f} bytes a question")
    model = open_model(f"arpa:{arpa(folder)}")
    a, pieces = timed(
        "answered by the bigram model, here",
        lambda: [list(model.answer(union.take(p.tolist()))) for p in parts_of(n)],
        n,
        1,
    )
    back = sum(len(pickle.dumps(x, 5)) for x in pieces) / n
    print(f"{'sent back':58s} {back:9.0f} bytes a question")
    k, packed = timed(
        "packed (JSON-able rows)",
        lambda: [x.pack(i) for ((_, x),) in pieces for i in range(len(x))],
        n,
    )
    found["answers"], _ = held("memory: answers in columns", lambda: kept(model, union, order), n)
    c = committed(n, folder, order, packed, found)
    d, _ = timed("unpacked for the methods", lambda: answer_type("logprob", {}).unpack(packed), n)
    found |= {"sent": sent, "back": back, "s_keys": s, "s_united": u, "s_take": t, "s_serialise": p - t,
              "s_answer": a, "s_pack": k, "s_put": c, "s_unpack": d}  # fmt: skip
    return found


def kept(model, union, order):
    """The pool of a step with all its answers; the questions are there already."""
    pool = Pool(union, order)
    for p in parts_of(len(order)):
        for _, answers in model.answer(union.take(p.tolist())):
            pool.put(p, answers)
    return pool


def committed(n, folder, order, packed, found):
    """The answer cache: seconds a question to put in parts, bytes on disk, seconds to read."""

    def put():
        for file in folder.glob("cache.sqlite*"):
            file.unlink()
        with Cache(folder / "cache.sqlite") as cache:
            for p in parts_of(n):
                cache.put("f", [order[i] for i in p], [packed[i] for i in p])

    c, _ = timed(f"committed in transactions of {PART} (SQLite)", put, n, 2)
    found["disk"] = sum(f.stat().st_size for f in folder.glob("cache.sqlite*")) / n
    print(f"{'on disk':58s} {found['disk']:9.0f} bytes an answer")
    with Cache(folder / "cache.sqlite") as cache:
        found["s_get"], _ = timed("looked up, all known", lambda: cache.get("f", order), n, 2)
    return c


def arpa(folder):
    """A model of two words."""
    path = folder / "two.arpa"
    path.write_text(ARPA)
    return path


def split(n):
    """A real tokenizer's part of `partition`, where the packaged masked model is installed."""
    import importlib.util

    found = importlib.util.find_spec("cognition")
    if found is None:
        print("no package with a small BERT here: partition is not measured")
        return None
    model = open_model(f"hf:{Path(found.origin).parent / 'model'}")
    texts = [f"{t[0].text} [MASK]." for t in questions(n).columns["context"]]
    s, _ = timed(
        "partition by a BERT (tokenised, sorted by length)",
        lambda: model.partition(ask.fill(texts, [("nurse",)] * n)),
        n,
        1,
    )
    return s


def cluster(n, folder, workers):
    """Parts through a cluster on this machine; returns the driver's seconds a question for a whole step."""
    there = open_on(RayEngine(address="local", workers=workers), Plan(model=f"arpa:{arpa(folder)}"))
    try:
        batch, parts = questions(n), parts_of(n)
        for _ in answered(there, batch, parts[:50]):
            pass
        start, used = time.perf_counter(), time.process_time()
        for _, pieces in answered(there, batch, parts):
            list(pieces)
        said(f"{workers} workers, answers thrown away", n, start, used)
        runner = Runner(Parted(there), open_model, Cache(folder / f"whole{workers}.sqlite"))
        start, used = time.perf_counter(), time.process_time()
        runner.pool([(batch, batch.keys())])
        return said(f"{workers} workers, a whole step with its cache", n, start, used), waited()
    finally:
        there.close()


def said(what, n, start, used):
    """Print seconds on the clock and of this process's own work; returns the second, a question."""
    wall, cpu = time.perf_counter() - start, time.process_time() - used
    print(
        f"{what + ': on the clock':58s} {wall / n * 1e5:9.3f} s per 10^5 questions ({n / PART / wall:.0f} parts a second)"
    )
    print(f"{what + ': the driver':58s} {cpu / n * 1e5:9.3f} s per 10^5 questions")
    return cpu / n


def waited(refs=128, times=500):
    """What it costs to wait for one of so many calls (64 workers, two each); seconds a part."""
    import ray

    there = [ray.put(i) for i in range(refs)]
    start = time.process_time()
    for _ in range(times):
        ray.wait(there, num_returns=1)
    s = (time.process_time() - start) / times
    print(f"{f'waiting for one of {refs} calls':58s} {s / PART * 1e5:9.3f} s per 10^5 questions")
    return s / PART


def estimate(found, step, tokenised, given):
    """10^8 questions from these pieces, one driver, so many GPUs."""
    each = step + found["s_unpack"]
    hours = WANTED / given.rate / given.gpus / 3600
    memory = sum(found[name] for name in ("columns", "keys", "step", "answers")) * WANTED / 2**30
    sent, back = found["sent"] * WANTED / 1e9, found["back"] * WANTED / 1e9
    print(
        f"\n10^8 questions on {given.gpus} GPUs; assumed: {given.rate:g} questions a second and {given.price:g} an hour, each"
    )
    for what, value in (
        ("the GPUs' time", f"{hours:.1f} h, {hours * given.gpus:,.0f} GPU hours, costs {hours * given.gpus * given.price:,.0f}"),
        ("one worker's partition", "not measured" if tokenised is None else f"{tokenised * WANTED / 3600:.1f} h"),
        ("the driver's own time", f"{each * WANTED / 3600:.1f} h; it is busy all the time at {1 / each:,.0f} questions a second"),
        ("the driver's memory", f"{memory:.0f} GiB in one step: columns, keys, answers"),
        ("the answer cache", f"{found['disk'] * WANTED / 1e9:.0f} GB in {WANTED / PART:,.0f} transactions"),
        ("over the network", f"{sent:.0f} GB to workers and once more for the partition, {back:.0f} GB back"),
    ):  # fmt: skip
        print(f"{what:26s} {value}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("questions", nargs="?", type=int, default=100_000)
    parser.add_argument("--gpus", type=int, default=64)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--price", type=float, default=3.0)
    given = parser.parse_args()
    print(
        f"{given.questions:,} questions, parts of {PART}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = driver(given.questions, folder)
        tokenised = split(given.questions)
        cluster(given.questions, folder, 1)
        step, wait = cluster(given.questions, folder, 2)
    estimate(found, step + wait, tokenised, given)


if __name__ == "__main__":
    main()
