"""Log-probabilities of CrowS-Pairs and of BBQ's options by SmolLM2, against lm-evaluation-harness at batch 32.

    PLUMBLINE_DATA=MIRROR python bench/peers/causal.py [--pairs 300] [--items 60] [--rounds 3]

The same model in float32, the same texts; sentences of CrowS-Pairs after BOS, options after context and question.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from side_by_side import Side, difference, keep, paired  # noqa: E402 - after the path

from plumbline.data.sets import bbq, crows_pairs  # noqa: E402
from plumbline.models.demo import BOS, converted  # noqa: E402

TARGETS = {"crows": 1.2, "bbq": 4}


def questions(pairs: int, items: int) -> dict[str, list[list[str]]]:
    """Context and continuation of each question."""
    some = crows_pairs.load()
    step = len(some) // pairs
    sentences = [["", text] for pair in some[::step][:pairs] for text in (pair.more, pair.less)]
    every = [i for name in ("Age", "Nationality", "Religion") for i in bbq.load(name).items]
    chosen = every[:: len(every) // items][:items]
    options = [[f"{i.context}\n{i.question}\nAnswer:", f" {a}"] for i in chosen for a in i.answers]
    return {"crows": sentences, "bbq": options}


def main() -> None:
    """Compare, with one thread and with all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    asked = questions(given.pairs, given.items)
    rows = []
    with tempfile.TemporaryDirectory() as below:
        path = Path(below) / "asked.json"
        path.write_text(json.dumps({**asked, "bos": BOS}), "utf-8")
        args = (str(converted("float32")), str(path))
        for threads in (1, os.cpu_count() or 1):
            with (
                Side(HERE / "causal_plumbline.py", threads=threads, given=args) as ours,
                Side(HERE / "causal_lmeval.py", peer="lmeval", threads=threads, given=args) as peer,
            ):
                for name in ("crows", "bbq"):
                    ours.run(f"{name} warm")
                    size = (
                        f"{given.pairs} pairs of CrowS-Pairs"
                        if name == "crows"
                        else f"the options of {given.items} items of BBQ"
                    )
                    got = paired(
                        (ours, name), (peer, name), rounds=given.rounds if threads == 1 else 1
                    )
                    one, two = got.pop("values")
                    rows.append({
                        "what": f"log-probabilities of {size}, SmolLM2, float32", "peer": "lm-eval 0.4.13, batch 32",
                        "threads": threads, "target": TARGETS[name], **got, "equal": f"sums to {difference(one, two):.0e} nats",
                    })  # fmt: skip
                    ours.run(f"{name} bfloat16")
                    fast = ours.run(f"{name} bfloat16")
                    rows.append({
                        "what": f"the same in bfloat16 ({name})", "threads": threads, "ours_s": [fast["seconds"]],
                        "equal": f"largest difference from float32 {difference(one, fast['value']):.2f} nats a text",
                    })  # fmt: skip
    keep("causal", rows, packages=("torch", "transformers"))


if __name__ == "__main__":
    main()
