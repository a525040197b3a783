"""What a provider publishes is read from safe places only, whole, and in time."""

from __future__ import annotations

import time

import pytest

from app.oidc import documents
from app.oidc.documents import MOST_BYTES, Unreachable, is_safe, read
from tests.providers import Answering, Provider


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://id.example.org/x", True),
        ("http://localhost:8080", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:8080", True),
        ("http://id.example.org", False),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1@id.example.org/", False),
        ("https://", False),
        ("file:///etc/passwd", False),
        ("ftp://localhost/x", False),
        ("data:application/json,{}", False),
        ("None", False),
        ("", False),
    ],
)
def test_only_https_and_this_machine_are_safe(url: str, expected: bool) -> None:
    assert is_safe(url) is expected


@pytest.mark.parametrize("url", ["file:///etc/hostname", "http://id.example.org/", "https://[::1", ""])
def test_other_places_are_not_read(url: str) -> None:
    with pytest.raises(Unreachable):
        read(url)


def test_a_document_is_read(provider: Provider) -> None:
    assert read(f"{provider.issuer}/keys")["keys"][0]["kid"] == "first"


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"[1]"), (200, b"{"), (200, b"[" * 100_000), (200, b"\xff"), (404, b"{}"), (500, b"{}")],
)
def test_what_is_no_document_is_refused(provider: Provider, status: int, body: bytes) -> None:
    provider.answer = lambda asked: asked.give(status, body)
    with pytest.raises(Unreachable):
        read(provider.issuer)


def test_a_redirect_is_not_followed(provider: Provider) -> None:
    place = f"{provider.issuer}/keys"
    provider.answer = lambda asked: asked.give(302, b"", Location=place)
    with pytest.raises(Unreachable, match="answers 302"):
        read(provider.issuer)
    assert provider.asked == ["/realm"]


def test_what_is_too_large_is_refused(provider: Provider) -> None:
    provider.answer = lambda asked: asked.give(200, b'{"x": "' + b"x" * MOST_BYTES + b'"}')
    with pytest.raises(Unreachable, match="too much"):
        read(provider.issuer)


def test_a_provider_that_drips_is_given_up(provider: Provider) -> None:
    def drip(asked: Answering) -> None:
        asked.send_response(200)
        asked.end_headers()
        for _ in range(100):
            time.sleep(0.1)
            try:
                asked.wfile.write(b" ")
            except OSError:
                return

    provider.answer = drip
    began_at = time.monotonic()
    with pytest.raises(Unreachable, match="too slow"):
        read(provider.issuer)
    assert time.monotonic() - began_at < documents.TIMEOUT_SECONDS + 3


def test_a_provider_that_is_down_is_said_to_be(provider: Provider) -> None:
    provider.stop()
    with pytest.raises(Unreachable, match="refused"):
        read(provider.issuer)
