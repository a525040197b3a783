"""Reads what a provider publishes: JSON over https, or over http from this machine; nowhere else."""

from __future__ import annotations

import json
import time
import urllib.request
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 1_048_576
PIECE_BYTES = 65_536
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {"Accept": "application/json", "User-Agent": "colloquy"}


class Unreachable(Exception):
    """The provider did not say what it was asked for; the text is for the log."""


class StayThere(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else, whatever the answer says."""

    def redirect_request(self, *_: Any) -> None:
        """No request follows a redirect, which is then an error."""


OPENER = urllib.request.build_opener(StayThere)


def read(url: str) -> dict[str, Any]:
    """The JSON object at an address; raises Unreachable."""
    try:
        if not is_safe(url):
            raise Unreachable(f"{url} is neither https nor on this machine")
        request = urllib.request.Request(url, headers=HEADERS)  # noqa: S310 - it is safe, as just seen
        with OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            found = json.loads(_body(answer))
    except HTTPError as error:
        error.close()
        raise Unreachable(f"{url} answers {error.code}") from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise Unreachable(f"{url}: {error}") from error
    if not isinstance(found, dict):
        raise Unreachable(f"{url} is no JSON object")
    return found


def is_safe(url: str) -> bool:
    """Whether nobody on the way can change what is read there."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def _body(answer: HTTPResponse) -> bytes:
    """All of it, within the time: the socket's own time-out begins anew with each byte."""
    ends_at, found = time.monotonic() + TIMEOUT_SECONDS, b""
    while piece := answer.read1(PIECE_BYTES):
        found += piece
        if len(found) > MOST_BYTES or time.monotonic() > ends_at:
            raise TimeoutError("too much, or too slow")
    return found
