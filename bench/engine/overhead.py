"""What the engine adds to the model's own forward passes: `crows_pairs`, `bbq` and `template_gap` (quick) on SmolLM2.

    PLUMBLINE_DATA=MIRROR python bench/engine/overhead.py [--rounds 3]

A whole audit in memory with an empty cache: questions, digests, tokenising, batching, passes, reading, commits, scoring.
Counted as the model's: the time inside the torch module's forward. What is left, over that, is the overhead; inference of
intervals is timed apart, since it is no part of asking.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from side_by_side import keep  # noqa: E402 - after the path

from plumbline.audit.cache import Cache  # noqa: E402
from plumbline.audit.plan import Plan  # noqa: E402
from plumbline.audit.run import Audit  # noqa: E402
from plumbline.models.abilities import ModelOptions  # noqa: E402
from plumbline.models.demo import open_demo  # noqa: E402

METRICS = (("crows_pairs",), ("template_gap",), ("bbq",), ("crows_pairs", "template_gap", "bbq"))


class Forward:
    """The module's forward with a clock around it."""

    def __init__(self, module) -> None:
        self.inner, self.seconds = module.forward, 0.0

    def __call__(self, *given, **named):
        began = time.perf_counter()
        try:
            return self.inner(*given, **named)
        finally:
            self.seconds += time.perf_counter() - began


def main() -> None:
    """Measure each metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    rows = []
    for dtype in ("bfloat16",):
        model = open_demo(ModelOptions(dtype=dtype, device="cpu"))
        forward = Forward(model.hf.module)
        # `can_share` and others read the signature of forward: the clock stands inside, not around.
        forward.inner = model.hf.module.forward
        model.hf.module.forward = _like(forward)
        for metrics in METRICS:
            shares, wholes = [], []
            for _ in range(given.rounds):
                forward.seconds = 0.0
                began = time.perf_counter()
                Audit(
                    Plan(model="demo", metrics=metrics, suite="quick"), model, Cache(":memory:")
                ).ask()
                whole = time.perf_counter() - began
                shares.append(whole / forward.seconds - 1)
                wholes.append(whole)
            shares.sort()
            rows.append({
                "what": f"{', '.join(metrics)} (quick), SmolLM2, {dtype}: engine time over forward passes", "threads": given.threads,
                "at_most": 0.05, "unit": "of forward", "ours_s": wholes, "ratio": shares[len(shares) // 2], "ratio_low": shares[0], "ratio_high": shares[-1],
            })  # fmt: skip
        model.close()
    keep("engine", rows, packages=("torch", "transformers"))


def _like(forward: Forward):
    import functools

    return functools.wraps(forward.inner)(forward)


if __name__ == "__main__":
    main()
