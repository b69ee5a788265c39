"""What clients of a server share: certificates only where some are read."""

from __future__ import annotations

import ssl

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
