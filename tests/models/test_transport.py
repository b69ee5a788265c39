"""What clients of a server share: certificates only where some are read."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl

import bad_server as bad
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from plumbline.core import questions as ask
from plumbline.core.errors import Unreachable
from plumbline.models.abilities import ModelOptions
from plumbline.models.openai_like import open_openai
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


def certified(folder, address):
    """A server's context, and the file of the authority (itself) that answers for the address."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "made for a test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / f"{address}.pem", folder / f"{address}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return context, file


@pytest.mark.parametrize(
    ("address", "trusted", "trouble"),
    [("127.0.0.1", True, ""), ("127.0.0.1", False, "self-signed"), ("127.0.0.2", True, "IP address mismatch")],
)  # fmt: skip
def test_a_server_over_tls_is_asked_only_if_it_is_the_one(
    address, trusted, trouble, tmp_path, monkeypatch
):
    """A real handshake: with an authority that is trusted, with none, and with a certificate of another address."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    tls, file = certified(tmp_path, ipaddress.ip_address(address))
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with bad.serving(lambda *_: bad.chat("A good day."), tls=tls) as (url, seen):
        model = open_openai(f"toy@{url}", ModelOptions(extra={"wait": 0.01, "retries": 1}))
        batch = ask.generate(["one"], decoding=ask.Decoding(max_tokens=5))
        try:
            if trouble:
                with pytest.raises(Unreachable, match=f"{trouble}.*SSL_CERT_FILE"):
                    list(model.answer(batch))
            else:
                ((_, answers),) = model.answer(batch)
                assert list(answers.texts) == ["A good day."]
        finally:
            model.close()
    assert len(seen.payloads) == (not trouble)
