"""Certificates for the servers on loopback, of an authority that only these tests can trust."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """What a test opens and hands to `cleanup.callback` or `cleanup.enter_context` is closed behind it."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """Valid for localhost and 127.0.0.1."""
    return _context(authority.issue_cert("localhost", "127.0.0.1"))


@pytest.fixture(scope="session")
def other_tls(authority: trustme.CA) -> ssl.SSLContext:
    """Valid for other.example.com only."""
    return _context(authority.issue_cert("other.example.com"))


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context
