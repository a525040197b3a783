"""Asking a server of the internet for something, at an address that was checked, within a time.

A name is looked up once, every address of it must be public, and the connection goes to one of these: what
the name means a moment later doesn't matter. Certificates are checked against the name. No proxy is used.
"""

from __future__ import annotations

import functools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse

from app.claude.stop import Stop
from app.tools import addresses
from app.tools.urls import PORTS, Url
from app.tools.values import ToolFailed

WATCH_SECONDS = 0.1
HEADERS = {
    "User-Agent": "colloquy",
    "Accept": "text/html, text/plain, application/json, application/xml;q=0.9, */*;q=0.1",
    "Accept-Encoding": "gzip",
    "Connection": "close",
}


@functools.cache
def trusted() -> ssl.SSLContext:
    """Believes the certificates that this system believes."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@dataclass(frozen=True)
class Web:
    """How names are looked up, which addresses may be connected to, and whose certificates are believed."""

    resolve: Callable[[str, int], Sequence[str]] = addresses.resolve
    is_public: Callable[[str], bool] = addresses.is_public
    tls: Callable[[], ssl.SSLContext] = trusted


class Clock:
    """The time that a fetch has, over all its redirects; it ends with the turn."""

    def __init__(self, seconds: float, stop: Stop) -> None:
        self._seconds, self._stop = seconds, stop
        self._ends_at = time.monotonic() + seconds

    @property
    def left_seconds(self) -> float:
        """What is left, a little at the least."""
        return max(self._ends_at - time.monotonic(), 0.001)

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be waited for."""
        return self._stop.is_set or time.monotonic() >= self._ends_at

    def check(self) -> None:
        """Raises ToolFailed where it is over."""
        if self._stop.is_set:
            raise ToolFailed("The turn was ended.")
        if self.is_over:
            raise ToolFailed(f"It took longer than {self._seconds:g} seconds: try again, or another address.")


@contextmanager
def asked(url: Url, web: Web, clock: Clock) -> Iterator[HTTPResponse]:
    """The answer to a GET, its body yet to be read, in this block; what fails there raises ToolFailed too."""
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(_connected(url, _checked(url, web), clock))
            stack.enter_context(_watched(raw, clock))
            connection = HTTPConnection(url.host, url.port)
            connection.auto_open = 0  # it would look the name up
            connection.default_port = PORTS[url.scheme]
            connection.sock = raw
            if url.scheme == "https":
                connection.sock = stack.enter_context(web.tls().wrap_socket(raw, server_hostname=url.host))
            connection.request("GET", url.target, headers=HEADERS)
            answer = stack.enter_context(connection.getresponse())
            clock.check()  # headers that were shut down look as if they had come to their end
            yield answer
    except (OSError, HTTPException) as error:
        clock.check()
        raise ToolFailed(f"{url.place} cannot be read: {_said(error)}.") from error


def _checked(url: Url, web: Web) -> Sequence[str]:
    """The addresses of its host; raises ToolFailed where any is not public."""
    try:
        found = [url.host] if url.is_address else web.resolve(url.host, url.port)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise ToolFailed(f"No address is known for {url.host}: check how it is written, or try again later.")
    if not all(web.is_public(one) for one in found):
        raise ToolFailed(f"{url.host} is not on the public internet; nothing else is fetched.")
    return found


def _connected(url: Url, found: Sequence[str], clock: Clock) -> socket.socket:
    """A connection to the first address that takes one; each has its part of the time."""
    error: OSError | None = None
    for tried, address in enumerate(found):
        clock.check()
        try:
            return socket.create_connection((address, url.port), clock.left_seconds / (len(found) - tried))
        except OSError as failed:
            error = failed
    raise error or OSError("no address")


@contextmanager
def _watched(sock: socket.socket, clock: Clock) -> Iterator[None]:
    """Shuts it down when the time is over: a time-out of the socket's own begins anew with each byte."""
    sock.settimeout(clock.left_seconds)
    done = threading.Event()
    with sock.dup() as same:
        watch = threading.Thread(target=_watch, args=(same, clock, done), daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()


def _watch(sock: socket.socket, clock: Clock, done: threading.Event) -> None:
    while not done.wait(WATCH_SECONDS):
        if clock.is_over:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            return


def _said(error: Exception) -> str:
    """What a server or the network did wrong, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message.rstrip('.')})"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS fails ({error.reason.lower().replace('_', ' ')})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:200]
    return (str(error) or type(error).__name__)[:200].rstrip(".")
