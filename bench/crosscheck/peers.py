"""fairlearn and WEFE on closed data, each in an environment of its own, beside our values.

    python bench/crosscheck/peers.py [--environments FOLDER] [--keep]

Installs each peer (pinned) into FOLDER/NAME where it is not there yet, hands it `inputs.json`, and
prints a side-by-side table. With `--keep` the answers go to `peers.json`, which the tests read.
Our own values need plumbline in the environment that runs this file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

from plumbline.metrics.association import association
from plumbline.metrics.embedding.weat import effect_size
from plumbline.metrics.recorded import read
from plumbline.metrics.tabular.group_rates import tabulate
from plumbline.stats.permutation import exact_two_groups, permutation_p

HERE = Path(__file__).resolve().parent
PEERS = {"fairlearn": "0.15.0", "wefe": "1.0.1"}
INPUTS = json.loads((HERE / "inputs.json").read_text("utf-8"))


def asked(peer: str, folder: Path) -> dict:
    """The peer's version and values."""
    python = folder / peer / "bin" / "python"
    if not python.is_file():
        venv.create(folder / peer, with_pip=True)
        wanted = f"{peer}=={PEERS[peer]}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", wanted], check=True)
    got = subprocess.run(
        [python, HERE / f"{peer}_values.py"], input=json.dumps(INPUTS), text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    return json.loads(got.stdout.splitlines()[-1])


def expanded(cells: list) -> dict:
    """Rows of [group, label, prediction, count] as plumbline's columns."""
    rows = [(g, y, p) for g, y, p, n in cells for _ in range(n)]
    group, label, guess = zip(*rows, strict=True)
    return {
        "label": np.array(label, float), "prediction": np.array(guess, float),
        "group:g": np.array(group, dtype=object),
    }  # fmt: skip


def group_rates(cells: list) -> dict:
    """Rate -> group -> value, None where it does not exist."""
    scored = tabulate(read(expanded(cells)), np.random.default_rng(0), reference="a")
    return scored.facts["g"]["rates"]


def fairlearn_ours() -> dict:
    """The same names as `fairlearn_values.py`; None where a rate has an empty denominator."""
    found = {}
    for name, cells in INPUTS["tables"].items():
        rates = group_rates(cells)
        groups = sorted({g for g, *_ in cells})
        for rate in ("selection", "true positive", "false positive", "false negative"):
            rates[f"{rate} rate"] = {g: rates[f"{rate} rate"].get(g) for g in groups}
            for group, value in rates[f"{rate} rate"].items():
                found[f"{name}: {rate} rate of {group}"] = value
        gaps = {
            "demographic parity": rates["selection rate"],
            "equal opportunity": rates["true positive rate"],
        }
        for what, by in gaps.items():
            found[f"{name}: {what} difference"] = spread(by)
        both = [spread(rates[r]) for r in ("true positive rate", "false positive rate")]
        found[f"{name}: equalized odds difference"] = None if None in both else max(both)
        shares = rates["selection rate"].values()
        found[f"{name}: demographic parity ratio"] = min(shares) / max(shares)
    return found


def spread(by: dict) -> float | None:
    """Largest minus smallest; None where a group has none."""
    values = list(by.values())
    return None if None in values else max(values) - min(values)


def associations(*, swapped: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """s(w, A, B) of both target sets of the closed words."""
    words = INPUTS["words"]

    def unit(name: str) -> np.ndarray:
        rows = np.array([words["vectors"][w] for w in words[name]], float)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    first, second = "YX" if swapped else "XY"
    a, b = unit("A"), unit("B")
    return association(unit(first), a, b), association(unit(second), a, b)


def wefe_ours() -> dict:
    """The same names as `wefe_values.py`."""
    found = {}
    for name in ("X - Y", "Y - X"):
        x, y = associations(swapped=name == "Y - X")
        found[f"{name}: statistic"] = float(x.sum() - y.sum())
        found[f"{name}: effect size"] = effect_size(x, y)
        sums = exact_two_groups(np.concatenate([x, y]), x.size)
        for theirs, side in (
            ("right-sided", "greater"),
            ("left-sided", "less"),
            ("two-sided", "two"),
        ):
            found[f"{name}: {theirs} p"] = float(
                permutation_p(sums, float(x.sum()), exact=True, side=side)
            )
    return found


OURS = {"fairlearn": fairlearn_ours, "wefe": wefe_ours}


def show(peer: str, got: dict) -> None:
    """One line a figure, marked where the two differ."""
    print(f"\n{peer} {PEERS[peer]}\n{'':60} {peer:>12} {'plumbline':>12}")
    ours = OURS[peer]()
    for name, value in got["values"].items():
        own = ours.get(name)
        right = own is not None and abs(own - value) <= 1e-6
        said = "-" if own is None else f"{own:.6f}"
        print(f"{name:60} {value:12.6f} {said:>12} {'' if right else '  differs'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--keep", action="store_true", help="write peers.json")
    given = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for peer, version in PEERS.items():
            found[peer] = asked(peer, given.environments or Path(temporary))
            found[peer]["version"] = version
            show(peer, found[peer])
    if given.keep:
        (HERE / "peers.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
