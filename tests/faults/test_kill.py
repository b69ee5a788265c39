"""`kill -9` at random instants: the same bytes in the end, and nothing is asked twice."""

from __future__ import annotations

import json
import time

import pytest
from counted_model import asked
from kept import FILES, committed

import plumbline
from plumbline.core.errors import StoreError

PLAYS = 4
BLOWS = ("asking", "asking", "asking", "anywhere", "writing")  # of each play: 20 kills in all
FEWEST = 2000
WHAT = ("--metrics", "template_gap,lpbs", "--suite", "quick")


class Play:
    """One audit that is killed and resumed until it is done."""

    def __init__(self, console, folder):
        self.console, self.folder = console, folder
        self.cache, self.log, self.out = (folder / n for n in ("c.sqlite", "log", "runs"))
        folder.mkdir()

    def start(self):
        self.before, self.seen = committed(self.cache), len(asked(self.log))
        return self.console.start(
            "audit", f"counted:{self.log}", *WHAT, "--out", self.out,
            PLUMBLINE_CACHE=self.cache, COUNTED_PAUSE=0.004,
        )  # fmt: skip

    def settle(self, truth):
        """After a kill or an end: nothing that was kept has changed or was asked again."""
        now, fresh = committed(self.cache), asked(self.log)[self.seen :]
        assert now.items() >= self.before.items()
        assert now.items() <= truth.items()
        assert not set(fresh) & set(self.before)
        assert len(set(fresh)) == len(fresh)
        return len(fresh)

    def folders(self):
        """Whole runs, and folders of runs that were not finished."""
        every = sorted(self.out.iterdir()) if self.out.exists() else []
        return (
            [f for f in every if (f / "run.json").exists()],
            [f for f in every if not (f / "run.json").exists()],
        )

    def undisturbed(self):
        """From the beginning to the end."""
        process = self.start()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err

    def check_folders(self, whole):
        """A folder is a whole run with the right bytes, or is told to be unfinished."""
        finished, unfinished = self.folders()
        for folder in finished:
            for name in FILES:
                assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
            assert plumbline.load_run(folder).items()["score"].size
        for folder in unfinished:
            with pytest.raises(StoreError, match=r"no run\.json \(an unfinished run has none\)"):
                plumbline.load_run(folder)
        if self.out.exists():
            assert len(plumbline.history(folder=self.out)) == len(finished)

    def blow(self, where, rng, lasted, truth):
        """Start, and kill at a random instant of a kind; whether it was still alive."""
        process = self.start()
        if where == "asking":
            count = self.seen + rng.uniform(0, 0.9) * (len(truth) - len(self.before))
            wait_for(process, lambda: len(asked(self.log)) >= count)
            time.sleep(rng.uniform(0, 0.01))
        elif where == "writing":
            known = len(list(self.out.iterdir())) if self.out.exists() else 0
            wait_for(process, lambda: self.out.exists() and len(list(self.out.iterdir())) > known)
            time.sleep(rng.uniform(0, 0.06))
        else:
            time.sleep(rng.uniform(0.1, 0.8) * lasted)
        alive = process.poll() is None
        process.kill()
        process.communicate(timeout=30)
        fresh = self.settle(truth)
        print(f"{where}: {'killed' if alive else 'had ended'} with {fresh} new questions")
        return alive

    def finish(self, truth):
        """Resume to the end: only the rest is asked."""
        self.undisturbed()
        fresh = self.settle(truth)
        assert fresh == len(truth) - len(self.before)
        *_, last = self.folders()[0]
        told = json.loads((last / "run.json").read_text())["questions"]["subject:logprob"]
        assert (told["asked"], told["from_cache"]) == (fresh, len(self.before))


def wait_for(process, there):
    """Until something is there or the process has ended."""
    until = time.monotonic() + 60
    while process.poll() is None and not there():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.timeout(300)
def test_twenty_kills_and_resumes_end_in_the_same_bytes(console, tmp_path, rng):
    """Killed, resumed and killed again: while it asks, anywhere, and while its folder is written."""
    first = Play(console, tmp_path / "undisturbed")
    started = time.monotonic()
    first.undisturbed()
    lasted = time.monotonic() - started
    ((whole,), _), truth = first.folders(), committed(first.cache)
    assert len(truth) == len(asked(first.log)) >= FEWEST
    halves = partial = 0
    for number in range(PLAYS):
        play = Play(console, tmp_path / f"play {number}")
        for where in BLOWS:
            while not play.blow(where, rng, lasted, truth):
                play.check_folders(whole)
            partial += 0 < len(committed(play.cache)) < len(truth)
            play.check_folders(whole)
        halves += bool(play.folders()[1])
        play.finish(truth)
        play.check_folders(whole)
    print(f"{partial} kills in the middle of the questions, {halves} half-written folders")
    assert partial >= PLAYS
    assert halves > 0
