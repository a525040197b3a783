"""HTTP/1.1 over one socket: a request is written, an answer is read, and then the next may go over it.

As little of it as a client of Claude needs, and strict: what cannot be understood is Garbled.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from app.claude.chunks import Chunks, Garbled
from app.claude.stop import CURRENT

READ_BYTES = 65_536
LONGEST_HEAD = 65_536
END_OF_HEAD = b"\r\n\r\n"
BODYLESS = frozenset({204, 304})


@dataclass(frozen=True)
class Head:
    """The first lines of an answer. HTTP/1.1 `stays` open unless it says otherwise, HTTP/1.0 does not."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    stays: bool

    def said(self, name: bytes) -> list[bytes]:
        """What a header says, in lower case, by its commas."""
        values = (value for one, value in self.headers if one.lower() == name)
        return [part.strip().lower() for value in values for part in value.split(b",")]

    @classmethod
    def read(cls, raw: bytes) -> Head:
        """From its lines; raises Garbled."""
        first, *lines = raw.split(b"\r\n")
        version, _, rest = first.partition(b" ")
        status = rest[:3]
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or not status.isdigit() or len(status) != 3:
            raise Garbled("the answer does not begin as HTTP does")
        headers = []
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not name or name.strip() != name:
                raise Garbled("a header of the answer is none")
            headers.append((name, value.strip()))
        return cls(int(status), headers, stays=version == b"HTTP/1.1")


class Wire:
    """A connection. It `is_reusable` once an answer was read to its end and both sides stay."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._pending = b""
        self._read_bytes = 0
        self._uses = 0
        self.is_reusable = False
        self.idle_since = 0.0

    def take(self) -> None:
        """Use it for the call at work, which can be stopped from now on."""
        self.is_reusable = False
        self._uses += 1
        if stop := CURRENT.get():
            stop.attach(partial(self._shut, self._uses))

    def send(self, request: bytes, seconds: float | None) -> None:
        """Write a whole request; whoever reads or writes waits for so long each time. Raises OSError."""
        self._socket.settimeout(seconds)
        self._socket.sendall(request)

    def head(self) -> Head:
        """Read the head of the answer; raises OSError and Garbled."""
        while True:
            while END_OF_HEAD not in self._pending:
                if len(self._pending) > LONGEST_HEAD:
                    raise Garbled("the head of the answer has no end")
                self._pending += self._read()
            raw, _, self._pending = self._pending.partition(END_OF_HEAD)
            head = Head.read(raw)
            if head.status >= 200:
                return head

    def body(self, head: Head) -> Iterator[bytes]:
        """The body of the answer, piece by piece as it comes; raises OSError and Garbled."""
        codings, lengths = head.said(b"transfer-encoding"), set(head.said(b"content-length"))
        wishes = head.said(b"connection")
        stays = b"close" not in wishes and (head.stays or b"keep-alive" in wishes)
        if codings:
            if codings != [b"chunked"] or lengths:
                raise Garbled("how long the answer is cannot be told")
            yield from self._chunked()
        elif head.status in BODYLESS:
            pass
        elif lengths:
            yield from self._exactly(_length(lengths))
        else:
            stays = False
            yield from self._to_the_end()
        self.is_reusable = stays and not self._pending

    def is_stale(self) -> bool:
        """Whether the other side has closed it, or says something that nobody asked for."""
        try:
            if isinstance(self._socket, ssl.SSLSocket):  # only its end can be seen: a ticket may lie there
                with same_socket(self._socket) as same:
                    same.settimeout(0)
                    return not same.recv(1, socket.MSG_PEEK)
            self._socket.settimeout(0)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _shut(self, use: int) -> None:
        """Wake whoever reads, if it is still at this use of it: closing a socket would not."""
        if use == self._uses and not self.is_reusable:
            with suppress(OSError, ValueError), same_socket(self._socket) as same:
                same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of it."""
        self.is_reusable = False
        with suppress(OSError):
            self._socket.close()

    def _read(self) -> bytes:
        """What has come; raises Garbled at the end."""
        fresh = self._read_some()
        if not fresh:
            raise Garbled("the connection was closed before the end")
        return fresh

    def _read_some(self) -> bytes:
        fresh = self._socket.recv(READ_BYTES)
        self._read_bytes += len(fresh)
        if self._read_bytes >= READ_BYTES:  # who always finds something to read lets others on, too
            self._read_bytes = 0
            time.sleep(0)
        return fresh

    def _chunked(self) -> Iterator[bytes]:
        chunks = Chunks()
        fresh, self._pending = self._pending, b""
        while True:
            piece = chunks.take(fresh)
            if chunks.is_over:
                self._pending = chunks.rest
            if piece:
                yield piece
            if chunks.is_over:
                return
            fresh = self._read()

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length:
            fresh = self._pending or self._read()
            piece, self._pending = fresh[:length], fresh[length:]
            length -= len(piece)
            yield piece

    def _to_the_end(self) -> Iterator[bytes]:
        fresh, self._pending = self._pending, b""
        fresh = fresh or self._read_some()
        while fresh:
            yield fresh
            fresh = self._read_some()


def same_socket(sock: socket.socket) -> socket.socket:
    """The same connection, to be looked at or shut beside whoever holds it; raises OSError and ValueError."""
    return socket.fromfd(sock.fileno(), sock.family, sock.type)


def _length(said: set[bytes]) -> int:
    text = said.pop()
    if said or not text.isdigit():
        raise Garbled("how long the answer is cannot be told")
    return int(text)
