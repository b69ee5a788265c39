"""Certificates that ship with the package: what calibration measured about each method."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from plumbline.audit.shapes import CERTIFICATE, checked
from plumbline.core.errors import StoreError
from plumbline.core.json_text import parse
from plumbline.core.results import Finding

FOLDER = "shipped"
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")


@cache
def certificate(metric: str) -> dict[str, Any] | None:
    """The shipped certificate of a method, or None where it has none yet."""
    name = metric.replace("/", "--")
    if not _ID.fullmatch(name):
        return None  # a stored run may hold any text where a method's id should be
    path = files("plumbline.audit").joinpath(FOLDER, f"{name}.json")
    return read_certificate(path) if path.is_file() else None


def read_certificate(path: Path | Traversable) -> dict[str, Any]:
    """A certificate as `plumbline calibrate` wrote it.

    Raises:
        StoreError: It is not JSON, or lacks what every certificate says.
    """
    try:
        found: dict[str, Any] = checked(parse(path.read_bytes()), CERTIFICATE, "certificate")
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} is no whole certificate: {error}") from None
    return found


def certificate_name(finding: Finding) -> str:
    """One line for the finding: what its instrument was shown to do."""
    got = certificate(finding.metric)
    if got is None:
        return "none"
    return str(got["summary"])
