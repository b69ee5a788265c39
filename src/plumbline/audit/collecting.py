"""Fewer rounds of the garbage collector while millions of small things are made and kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (20_000, 10, 10)


@contextmanager
def seldom() -> Iterator[None]:
    """Look for cycles seldom: a run of a million questions makes few, and would be searched for them again and again.

    A quarter of such a run's time goes there otherwise. The interpreter's thresholds come back at the end.
    """
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
