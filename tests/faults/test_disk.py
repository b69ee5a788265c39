"""A disk that is full: one message that names the path, and nothing that was computed is lost."""

from __future__ import annotations

import shutil

import pytest
from console import LPBS, MANY, one_message
from counted_model import asked
from kept import FILES, committed

import plumbline
from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.core.errors import StoreError
from plumbline.testing import PlantedEmbedder


def test_a_cache_on_a_full_disk_keeps_what_it_has(console, tmp_path, disk, whole, rng):
    """Full in the middle of the questions; freed, the rest alone is asked; the bytes are equal."""
    cache, log, out = disk.folder / "c.sqlite", tmp_path / "log", tmp_path / "runs"
    words = ("audit", f"counted:{log}", *LPBS, "--out", out)
    disk.fill(leave=rng.randrange(150_000, 500_000))
    said = one_message(console.run(*words, before=disk.before, PLUMBLINE_CACHE=cache))
    assert str(cache) in said
    assert "Check free space" in said
    assert "PLUMBLINE_CACHE" in said
    disk.empty()
    kept = committed(cache)
    before = asked(log)
    assert 0 < len(kept) < MANY
    got = console.run(*words, PLUMBLINE_CACHE=cache)
    assert got.returncode == 0, got.stderr
    fresh = asked(log)[len(before) :]
    assert not set(fresh) & set(kept)
    assert len(fresh) + len(kept) == len(committed(cache)) == MANY
    (run,) = out.iterdir()
    for name in FILES:
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_run_on_a_full_disk_is_not_half_there(console, tmp_path, disk, own_cache, whole, rng):
    """Wherever the room ends: no run, or a whole one; what was asked is not asked again."""
    log, out = tmp_path / "log", disk.folder / "runs"
    words = ("audit", f"counted:{log}", *LPBS, "--out", out)
    assert console.run(*words).returncode == 0
    shutil.rmtree(out)
    size = {f.name: f.stat().st_size for f in whole.iterdir()}
    tables = sum(size[name] for name in FILES)
    rooms = {
        "tables": rng.uniform(0.1, 0.8) * tables,
        "header": tables + 0.7 * size["run.json"],
        "report": tables + size["run.json"] + 0.6 * size["report.html"],
    }
    for where, room in rooms.items():
        if not disk.real and where != "tables":
            continue  # no single file is so large
        # A file takes whole pages of 4 KiB.
        disk.fill(leave=int(room) + 8192 if disk.real else 4096)
        said = one_message(console.run(*words, before=disk.before))
        print(where, int(room), said)
        # Where files are limited and not the disk, the cache is the first that cannot be written.
        assert (str(out) in said) is disk.real
        assert "ree space" in said
        disk.empty()
        listed = plumbline.history(folder=out)
        assert len(listed) == (where == "report" and disk.real)
        for folder in out.iterdir():
            assert not list(folder.glob("*.part"))
            if listed:
                assert plumbline.load_run(folder).items()["score"].size
            else:
                with pytest.raises(StoreError, match="unfinished"):
                    plumbline.load_run(folder)
        shutil.rmtree(out)
    got = console.run(*words)
    assert got.returncode == 0, got.stderr
    assert len(asked(log)) == MANY
    (folder,) = out.iterdir()
    for name in FILES:
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A small run, and one that differs."""
    folder = tmp_path_factory.mktemp("runs")
    made = []
    for seed in (1, 2):
        with Cache(":memory:") as cache:
            plan = Plan(model="planted", metrics=("weat",))
            made.append(Audit(plan, PlantedEmbedder(seed=seed), cache).run(folder).folder)
    return made


WRITERS = {
    "report": ["report", "RUN", "--out", "DISK/page.html"],
    "csv": ["report", "RUN", "--as", "csv", "--out", "DISK/tables"],
    "parquet": ["report", "RUN", "--as", "parquet", "--out", "DISK/tables"],
    "json": ["report", "RUN", "--json", "--out", "DISK/run.json"],
    "model card": ["report", "RUN", "--as", "model-card", "--out", "DISK/card.md"],
    "comparison": ["compare", "RUN", "OTHER", "--html", "DISK/difference.html"],
    "new metric": ["new", "metric", "my_metric", "--out", "DISK/new"],
    "gate": ["gate", "RUN", "gate.toml", "--junit", "DISK/gate.xml"],
}


@pytest.mark.parametrize("name", WRITERS)
def test_whatever_writes_says_where_there_was_no_room(name, console, stored, tmp_path, disk):
    """One message with the path and what to try; no half file stays; the run is as it was."""
    (tmp_path / "gate.toml").write_text(
        '[[rule]]\nname = "gap"\nmetric = "weat"\nvalue = { max = 9 }\n'
    )
    places = {"RUN": stored[0], "OTHER": stored[1]}
    words = [str(places.get(w, w)).replace("DISK", str(disk.folder)) for w in WRITERS[name]]
    before = {f.name: f.read_bytes() for f in stored[0].iterdir()}
    disk.fill(leave=0)
    said = one_message(console.run(*words, before=disk.before))
    assert str(disk.folder) in said
    assert "ree space" in said or "Choose another" in said
    assert "No space left" in said or "File too large" in said
    left = [f for f in disk.folder.rglob("*") if f.is_file() and f.name != "ballast"]
    assert not left
    assert {f.name: f.read_bytes() for f in stored[0].iterdir()} == before
