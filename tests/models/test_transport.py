"""What clients of a server share: certificates only where some are read, and no search for a missing module."""

from __future__ import annotations

import importlib.util
import ssl
import sys

import httpx2
import pytest

from plumbline.models.transport import trust_of


@pytest.mark.parametrize(
    ("url", "reads"),
    [("http://127.0.0.1:8000/v1", False), ("http://localhost/v1", False), ("https://localhost/v1", True),
     ("http://far.example/v1", True), ("https://far.example/v1", True)],
)  # fmt: skip
def test_certificates_are_checked_wherever_they_could_matter(url, reads, monkeypatch):
    """A plain local server needs none; everything else has the system's and checks names."""
    made, make = [], httpx2.create_ssl_context
    monkeypatch.setattr(httpx2, "create_ssl_context", lambda: made.append(make()) or made[-1])
    trust = trust_of(url)
    assert made == [trust] * reads
    assert trust.verify_mode is ssl.CERT_REQUIRED
    assert trust.check_hostname


def test_a_missing_module_is_looked_for_once(monkeypatch):
    """httpx2 imports `sniffio` at every request: where it is missing, the import fails without the disk."""
    monkeypatch.delitem(sys.modules, "sniffio", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    trust_of("http://localhost/v1")
    assert sys.modules["sniffio"] is None
    searched = []

    class Finder:
        @staticmethod
        def find_spec(name, *_):
            searched.append(name)

    monkeypatch.setattr(sys, "meta_path", [Finder])
    with pytest.raises(ImportError):
        import sniffio  # noqa: F401 - it must not be found
    assert searched == []


def test_an_installed_module_is_left_alone(monkeypatch):
    """Where it is installed, or loaded, nothing is put in its place."""
    monkeypatch.delitem(sys.modules, "sniffio", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    trust_of("http://localhost/v1")
    assert "sniffio" not in sys.modules
