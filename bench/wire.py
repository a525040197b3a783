"""As little HTTP/1.1 as a load client needs: one connection that is kept, whole requests given as bytes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from gevent import socket as patient

END_OF_HEAD = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
READ_BYTES = 65536


class Broken(Exception):
    """An answer that did not come whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, chunk sizes included, and how long it took; without the mark, `first_seconds` is None."""

    status: int
    raw: bytes
    first_seconds: float | None
    whole_seconds: float


class Connection:
    """A connection to `url`, opened at once. Under gevent, waiting lets the other greenlets run."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = patient.create_connection((parts.hostname or "", parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request: bytes, mark: bytes = b"") -> Answer:
        """Send a request and read the whole answer, noting when `mark` was first in it; raises OSError."""
        began = time.perf_counter()
        self._socket.sendall(request)
        raw = bytearray()
        end_of_head, length, first_seconds = 0, None, None
        while not (end_of_head and _is_whole(raw, end_of_head, length)):
            raw += self._read()
            if not end_of_head and END_OF_HEAD in raw:
                end_of_head = raw.index(END_OF_HEAD) + len(END_OF_HEAD)
                length = _content_length(raw[:end_of_head])
            if mark and first_seconds is None and mark in raw:
                first_seconds = time.perf_counter() - began
        body = bytes(raw[end_of_head:])
        return Answer(int(raw[9:12]), body, first_seconds, time.perf_counter() - began)

    def _read(self) -> bytes:
        fresh = self._socket.recv(READ_BYTES)
        if not fresh:
            raise Broken("the connection was closed in the middle of an answer")
        return bytes(fresh)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_whole(raw: bytearray, end_of_head: int, length: int | None) -> bool:
    # The events' own lines end in \n alone, so only the last chunk looks like the last chunk.
    if length is None:
        return raw.endswith(LAST_CHUNK)
    return len(raw) - end_of_head >= length


def _content_length(head: bytearray) -> int | None:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else None


def rendered(method: str, path: str, headers: Mapping[str, str], payload: Any = None) -> bytes:
    """A request as bytes."""
    body = b"" if payload is None else json.dumps(payload).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + END_OF_HEAD + body


def get_json(url: str, path: str) -> Any:
    """What a GET answers; raises OSError or Broken where it isn't a 200."""
    with Connection(url) as connection:
        answer = connection.exchange(rendered("GET", path, {"Connection": "close"}))
    if answer.status != 200:
        raise Broken(f"GET {path} answered {answer.status}")
    return json.loads(answer.raw)
