"""Co-occurrence bias of texts of 60 words, against LangFair's CooccurrenceBiasMetric with the same lists.

    python bench/peers/cooccurrence.py [--rounds 3]

Twice: with the peer's own tokenizer, and with `str.split` in its place (the texts are words and spaces).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from side_by_side import Side, difference, keep, paired  # noqa: E402 - after the path


def main() -> None:
    """Compare 800 and 3,200 texts with one thread, 800 with all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    rows = []
    for count, threads in ((800, 1), (3200, 1), (800, os.cpu_count() or 1)):
        given = (str(count),)
        with (
            Side(HERE / "cooccurrence_plumbline.py", threads=threads, given=given) as ours,
            Side(
                HERE / "cooccurrence_langfair.py", peer="langfair", threads=threads, given=given
            ) as peer,
        ):
            ours.run("score")
            peer.run("split")
            for case in ("own tokens", "split"):
                got = paired((ours, "score"), (peer, case), rounds=rounds, at_least=(0.5, 0.0))
                one, two = got.pop("values")
                rows.append({
                    "what": f"co-occurrence bias of {count:,} texts ({case})", "peer": "LangFair 0.8.0", "threads": threads,
                    "target": 10, **got, "equal": f"60 words' scores to {difference(one, two):.0e}",
                })  # fmt: skip
    keep("cooccurrence", rows)


if __name__ == "__main__":
    main()
