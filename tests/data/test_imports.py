"""The data layer is light: heavy packages are imported by the functions that need them."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import plumbline.data


def test_importing_the_layer_imports_nothing_heavy() -> None:
    """All modules of the layer together import no NumPy, DuckDB or HTTP client."""
    names = [
        found.name
        for found in pkgutil.walk_packages(plumbline.data.__path__, "plumbline.data.")
        if not found.ispkg
    ]
    assert len(names) > 15
    heavy = "{'numpy', 'duckdb', 'httpx2', 'platformdirs', 'torch'}"
    code = f"import sys, {', '.join(names)}; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
