"""Connections that can be closed by another thread than the one that reads from them.

Closing a socket does not wake its reader; shutting the connection down does. `httpx2` has no public way to
its sockets before an answer has begun, so the pool's network backend is replaced.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

import httpx2
from httpcore2 import NetworkBackend, NetworkStream, SyncBackend

from app.claude.stop import CURRENT
from app.claude.transports import Transport
from app.claude.wires import same_socket


def make_stoppable(client: httpx2.Client, idle_seconds: float) -> None:
    """Give the client a quick transport of ours, and the pools of its proxies such connections."""
    own = client._transport
    if isinstance(own, httpx2.HTTPTransport):
        tls = own._pool._ssl_context
        assert tls  # noqa: S101 - for the type checker
        client._transport = Transport(tls, idle_seconds)
        own.close()
    for transport in client._mounts.values():
        if isinstance(transport, httpx2.HTTPTransport):
            transport._pool._network_backend = StoppableBackend()


class StoppableBackend(NetworkBackend):
    """Makes stoppable connections."""

    def __init__(self) -> None:
        self._inner = SyncBackend()

    def connect_tcp(self, *args: Any, **kwargs: Any) -> NetworkStream:
        """Connect over TCP."""
        return StoppableStream(self._inner.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> NetworkStream:
        """Connect over a Unix socket."""
        return StoppableStream(self._inner.connect_unix_socket(*args, **kwargs))


class StoppableStream(NetworkStream):
    """A connection that attaches itself to the call on whose behalf it is written to."""

    def __init__(self, inner: NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive."""
        return self._inner.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        stop = CURRENT.get()
        if stop:
            stop.attach(self._shut)
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        """Close."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        """Go on encrypted."""
        return StoppableStream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._inner.get_extra_info(info)

    def _shut(self) -> None:
        with suppress(OSError, ValueError), same_socket(self.get_extra_info("socket")) as same:
            same.shutdown(socket.SHUT_RDWR)  # it may be closed already
