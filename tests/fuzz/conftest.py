"""The harnesses of `bench/fuzz` for tests; they read how much memory a process has, as Unix tells it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")
FUZZ = Path(__file__).resolve().parents[2] / "bench" / "fuzz"
sys.path.append(str(FUZZ))
