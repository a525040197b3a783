"""Requests over pooled connections, as the `anthropic` package's HTTP client wants them carried.

Its own transport costs several times as much for each request and event (docs/decisions/0029).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from anthropic import DefaultHttpxClient

from app.claude.chunks import Garbled
from app.claude.wires import Head, Wire

Origin = tuple[str, str, int]
SOCKET_OPTIONS = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
KEEPALIVE = {"TCP_KEEPINTVL": 60, "TCP_KEEPCNT": 5, "TCP_KEEPIDLE": 60}  # as the package has it
PORTS = {"http": 80, "https": 443}


class Transport(httpx2.BaseTransport):
    """Keeps connections that may serve again for so long. All that are encrypted share one TLS context."""

    def __init__(self, tls: ssl.SSLContext, idle_seconds: float) -> None:
        self._tls = tls
        self._idle_seconds = idle_seconds
        self._idle: dict[Origin, list[Wire]] = {}
        self._is_closed = False
        tls.set_alpn_protocols(["http/1.1"])

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it, once, and read the head of the answer; the body comes as it is read."""
        raw, seconds = _as_bytes(request), request.extensions.get("timeout", {})
        origin = _origin_of(request.url)
        wire = self._kept(origin) or self._opened(origin, seconds.get("connect"))
        wire.take()
        try:
            with translated():
                wire.send(raw, seconds.get("read"))
                head = wire.head()
        except BaseException:
            wire.close()
            raise
        body = Body(self, origin, wire, head)
        extensions = {"http_version": b"HTTP/1.1"}
        return httpx2.Response(head.status, headers=list(head.headers), stream=body, extensions=extensions)

    def close(self) -> None:
        """Let go of the connections, of those that are in use when they are free."""
        self._is_closed = True
        while self._idle:
            _, wires = self._idle.popitem()
            for wire in wires:
                wire.close()

    def keep(self, origin: Origin, wire: Wire) -> None:
        """A connection is free again, or of no more use."""
        if not wire.is_reusable:
            wire.close()
            return
        wire.idle_since = time.monotonic()
        self._idle.setdefault(origin, []).append(wire)
        if self._is_closed:  # asked last, or another thread could close the rest just before
            self.close()

    def _kept(self, origin: Origin) -> Wire | None:
        """The connection that was used last, for others may have been idle for too long."""
        wires, oldest = self._idle.get(origin, []), time.monotonic() - self._idle_seconds
        while wires and wires[0].idle_since < oldest:
            wires.pop(0).close()
        while wires:
            wire = wires.pop()
            if not wire.is_stale():
                return wire
            wire.close()
        return None

    def _opened(self, origin: Origin, seconds: float | None) -> Wire:
        scheme, host, port = origin
        try:
            sock = socket.create_connection((host, port), timeout=seconds)
            try:
                _prepare(sock)
                return Wire(self._tls.wrap_socket(sock, server_hostname=host) if scheme == "https" else sock)
            except BaseException:
                sock.close()
                raise
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from error


class Client(DefaultHttpxClient):
    """Hands a call whose answer is read as a stream to our transport at once.

    What there is between them is for cookies, other kinds of authentication and hooks, and nothing here has
    any; it is there for answers that lead elsewhere.
    """

    def send(self, request: httpx2.Request, *, stream: bool = False, **wishes: Any) -> httpx2.Response:
        """Send it, once; an answer that leads elsewhere is followed."""
        transport = self._transport_for_url(request.url)
        if stream and isinstance(transport, Transport):
            response = transport.handle_request(request)
            response.request = request
            if not response.has_redirect_location:
                return response
            response.close()
        return super().send(request, stream=stream, **wishes)

    def __del__(self) -> None:
        """Nobody holds it any more: its connections are let go of, as those of the package's own client."""
        if not self.is_closed:
            self.close()


class Body(httpx2.SyncByteStream):
    """The body of an answer; when it was read to its end, or left, the connection goes back."""

    def __init__(self, transport: Transport, origin: Origin, wire: Wire, head: Head) -> None:
        self._transport, self._origin, self._wire, self._head = transport, origin, wire, head
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        try:
            with translated():
                yield from self._wire.body(self._head)
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back; in the middle of an answer it is closed."""
        if self._is_open:
            self._is_open = False
            self._transport.keep(self._origin, self._wire)


@contextmanager
def translated() -> Iterator[None]:
    """Errors in the words of the package's HTTP client."""
    try:
        yield
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except OSError as error:
        raise httpx2.ReadError(str(error)) from error
    except Garbled as error:
        raise httpx2.RemoteProtocolError(str(error)) from error


def _as_bytes(request: httpx2.Request) -> bytes:
    """A request as it goes over the wire; raises LocalProtocolError for headers that would be several."""
    assert isinstance(request.stream, httpx2.SyncByteStream)  # noqa: S101 - for the type checker
    lines = [b"%s: %s" % one for one in request.headers.raw]
    if any(b"\n" in line or b"\r" in line for line in lines):
        raise httpx2.LocalProtocolError("a header holds an end of line")
    first = b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)
    return b"\r\n".join((first, *lines, b"", b"".join(request.stream)))


def _origin_of(url: httpx2.URL) -> Origin:
    if url.scheme not in PORTS:
        raise httpx2.UnsupportedProtocol(f"There is no way to {url.scheme}:// here.")
    return url.scheme, url.raw_host.decode(), url.port or PORTS[url.scheme]


def _prepare(sock: socket.socket) -> None:
    for level, option, value in SOCKET_OPTIONS:
        sock.setsockopt(level, option, value)
    for name, number in KEEPALIVE.items():
        if hasattr(socket, name):  # not every system has all of them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), number)
