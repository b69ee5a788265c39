"""The fuzzing tests in an interpreter of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.timeout(1500)
def test_parsers_in_a_process_of_their_own():
    """All of `test_parsers.py`, whose inputs could leave traces in this process."""
    # The stopped server's event loop is never closed; it ends with the process.
    plain = ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
    command = [sys.executable, "-m", "pytest", *plain, str(HERE / "test_parsers.py")]
    ran = subprocess.run(
        command, cwd=HERE.parents[1], env={**os.environ, "PLUMBLINE_FUZZ_INSIDE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "passed" in ran.stdout or "[100%]" in ran.stdout
