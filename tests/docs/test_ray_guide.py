"""The cluster files of the guide: their syntax, and that every `plumbline` line in them is one that the command takes."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from plumbline.cli.audit import command
from plumbline.cli.options import engine_given

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "ray.md").read_text("utf-8")


def block(caption: str) -> str:
    """The file of this caption."""
    (found,) = re.findall(
        rf"^```\{{code-block\}} \w+\n:caption: {re.escape(caption)}\n\n(.*?)^```$",
        GUIDE,
        re.MULTILINE | re.DOTALL,
    )
    return found


def lines() -> list[str]:
    """Every `plumbline audit` of the page, continued lines joined."""
    entry = yaml.safe_load(block("audit.yaml"))["spec"]["entrypoint"]
    joined = GUIDE.replace("\\\n", " ")
    return [entry, *re.findall(r"^\s*(plumbline audit [^#\n]+)", joined, re.MULTILINE)]


@pytest.mark.parametrize("line", lines())
def test_each_command_is_one_that_the_command_line_takes(line):
    """Options exist, values are of their type, and an engine comes of them."""
    words = shlex.split(line)[2:]
    context = command.make_context("audit", [w for w in words if w != "\\"])
    engine = engine_given(context.params).get("engine")
    assert (engine is not None) == ("--engine" in words)
    if "--workers" in words:
        assert engine.workers == int(words[words.index("--workers") + 1])


def test_the_slurm_script_is_shell():
    """bash reads it, and it asks for as many workers as it has GPUs."""
    script = block("audit.sbatch")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    nodes, gpus = (int(re.search(rf"--{n}=(\d+)", script)[1]) for n in ("nodes", "gpus-per-node"))
    assert f"--workers {nodes * gpus} --gpus-per-worker 1" in script


def test_the_job_has_room_for_its_workers():
    """KubeRay's fields nest as they should; pods hold the GPUs that the command asks for, the head none."""
    job = yaml.safe_load(block("audit.yaml"))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    (worker,) = group["template"]["spec"]["containers"]
    (head,) = cluster["headGroupSpec"]["template"]["spec"]["containers"]
    held = group["replicas"] * int(worker["resources"]["limits"]["nvidia.com/gpu"])
    assert f"--workers {held} " in job["spec"]["entrypoint"]
    assert "nvidia.com/gpu" not in head["resources"]["limits"]
    assert worker["image"] == head["image"]
    assert head["image"].endswith(cluster["rayVersion"])
    for pod, container in ((cluster["headGroupSpec"], head), (group, worker)):
        volumes = {v["name"] for v in pod["template"]["spec"]["volumes"]}
        assert volumes == {m["name"] for m in container["volumeMounts"]}


def test_the_estimate_follows_from_its_pieces():
    """Hours, GPU hours, dollars and bytes in the tables are the arithmetic of the measured and assumed figures."""
    split, step, wait, unpack = 11.2e-5, 3.07e-5, 0.19e-5, 0.11e-5
    n, gpus, price = 1e8, 64, 3.0
    for rate, hours, total, cost in ((200, 2.2, 337, 1010), (20, 21.7, 1587, 4760)):
        answering = n / rate / gpus / 3600
        assert round(answering, 1) == hours
        spent = (answering + split * n / 3600) * gpus
        assert spent == pytest.approx(total, rel=0.004)
        assert spent * price == pytest.approx(cost, rel=0.004)
        assert f"{total:,}" in GUIDE
        assert f"{cost:,} dollars" in GUIDE
    assert round(split * n / 3600, 1) == 3.1
    assert round((step + wait + unpack) * n / 3600, 1) == 0.9
    assert 1 / (step + wait + unpack) == pytest.approx(30_000, rel=0.02)
    assert round((2 * 313 + 57 + 265) * n / 2**30) == 88
    assert round(1 / rate_of(split, 200)) == 45


def rate_of(split, rate):
    """Share of one GPU that the split keeps busy: its inverse is where it takes as long as the answers."""
    return split * rate
