"""The harnesses of `bench/fuzz` for tests; they read how much memory a process has, as Unix tells it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")
FUZZ = Path(__file__).resolve().parents[2] / "bench" / "fuzz"
sys.path.append(str(FUZZ))

# Deep documents and a stopped server leave traces in the interpreter: a process of their own (test_in_own_process).
collect_ignore = [] if os.environ.get("PLUMBLINE_FUZZ_INSIDE") else ["test_parsers.py"]
