"""Pseudo-log-likelihood of CrowS-Pairs by a masked model, against one mask a forward pass.

    PLUMBLINE_DATA=MIRROR python bench/peers/pll.py [--rounds 3]

The packaged model of 2 layers x 128; larger encoders with random weights (their cost does not depend on them).
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
sys.path.insert(0, str(HERE))

from pll_models import SHAPES, folder  # noqa: E402 - after the path
from side_by_side import Side, difference, keep, paired  # noqa: E402

from plumbline.data.sets import crows_pairs  # noqa: E402

TEXTS = {"2 x 128": 100, "6 x 384": 40, "12 x 768": 16}


def main() -> None:
    """Compare, with one thread and with all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", nargs="*", choices=SHAPES)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, os.cpu_count() or 1])
    given = parser.parse_args()
    every = [text for pair in crows_pairs.load() for text in (pair.more, pair.less)]
    rows = []
    with tempfile.TemporaryDirectory() as below:
        for shape in given.shapes or SHAPES:
            path, texts = folder(shape, Path(below)), Path(below) / "texts.json"
            texts.write_text(json.dumps(every[: TEXTS[shape]]), "utf-8")
            args = (str(path), str(texts))
            for threads in given.threads:
                with (
                    Side(HERE / "pll_plumbline.py", threads=threads, given=args) as ours,
                    Side(HERE / "pll_loop.py", threads=threads, given=args) as peer,
                ):
                    ours.run("score")
                    got = paired(
                        (ours, "score"), (peer, "score"), rounds=given.rounds, at_least=(1.0, 0.0)
                    )
                    one, two = got.pop("values")
                    rows.append({
                        "what": f"pseudo-log-likelihood of {TEXTS[shape]} sentences, masked model {shape}",
                        "peer": "one mask a pass", "threads": threads, "target": 6 if shape == "2 x 128" else None, **got,
                        "equal": f"sums to {difference(one, two):.0e} nats",
                    })  # fmt: skip
    keep("pll", rows, packages=("torch", "transformers"))


if __name__ == "__main__":
    main()
