"""The simulator on the network: HTTP/1.1 on the standard library's server, a thread a connection.

I/O only: what is answered is decided in `answering`."""

import contextlib
import json
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from app.claude.simulator.answering import Answer, Answering, Asked, refusal
from app.claude.simulator.cache_accounts import CacheAccounts
from app.claude.simulator.errors import Refused
from app.claude.simulator.recording import RecordedRequest, Recording
from app.claude.simulator.stream import Cut, Pause, Send, Step

MOST_BODY_BYTES = 32 * 1024 * 1024
RATE_LIMITS = {"requests": 4_000, "input-tokens": 2_000_000, "output-tokens": 400_000}


class Simulator:
    """A simulated Claude on a port of its own, until `stop()`. `clock` is the prompt cache's, in seconds."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        seconds_per_event: float = 0.03,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = _Server((host, port), Answering(seconds_per_event, CacheAccounts(clock)))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> "deque[RecordedRequest]":
        """The last requests, at most 1,000, oldest first."""
        return self._server.recording.requests

    @property
    def open_streams(self) -> int:
        return self._server.open_streams

    @property
    def broken_streams(self) -> int:
        """Streams whose reader left before the end. It is noticed when the next event is written."""
        return self._server.broken_streams

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.close_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1_024

    def __init__(self, address: tuple[str, int], answering: Answering) -> None:
        super().__init__(address, _Connection)
        self.answering = answering
        self.recording = Recording()
        self.stopping = threading.Event()
        self.open_streams = 0
        self.broken_streams = 0
        self.lock = threading.Lock()
        self._connections: set[socket.socket] = set()

    def server_bind(self) -> None:
        # The parent looks up the host's name here, which can take seconds.
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self.lock:
            open_now = list(self._connections)
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ends is no error, whichever way it ends."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def count_stream(self, *, opened: int = 0, broken: int = 0) -> None:
        with self.lock:
            self.open_streams += opened
            self.broken_streams += broken


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: requests are in the recording."""

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        size = headers.get("content-length", "0")
        size_bytes = int(size) if size.isdecimal() else 0
        is_too_large = size_bytes > MOST_BODY_BYTES
        raw = b"" if is_too_large else self.rfile.read(size_bytes)
        asked = Asked(self.command, self.path, headers, raw)
        self._record(asked)
        if is_too_large:
            self.close_connection = True
            answer = refusal(Refused(413, "Request exceeds the maximum size"), asked)
        else:
            answer = self.server.answering.answer(asked)
        self._answer(answer, asked)

    def _record(self, asked: Asked) -> None:
        body = None
        with contextlib.suppress(ValueError):
            body = json.loads(asked.raw)
        recorded = RecordedRequest(asked.method, asked.path, asked.headers, body, len(asked.raw))
        with self.server.lock:
            self.server.recording.add(recorded)

    def _answer(self, answer: Answer, asked: Asked) -> None:
        streams = int(answer.is_stream)
        self.server.count_stream(opened=streams)
        try:
            self._take_steps(answer, asked)
        except OSError:
            self.close_connection = True
            self.server.count_stream(broken=streams)
        finally:
            self.server.count_stream(opened=-streams)

    def _take_steps(self, answer: Answer, asked: Asked) -> None:
        has_begun = False
        for step in answer.steps:
            if self._ends_here(step):
                self.close_connection = True
                return
            if isinstance(step, Send):
                content = step.text.encode()
                if not has_begun:
                    self._begin(answer, asked, len(content))
                has_begun = True
                self.wfile.write(_chunk(content) if answer.is_stream else content)
        if answer.is_stream:
            self.wfile.write(_chunk(b""))

    def _ends_here(self, step: Step) -> bool:
        """Waits when it should; true when the connection is to be cut."""
        if isinstance(step, Pause):
            return self.server.stopping.wait(step.seconds)
        return isinstance(step, Cut) or self.server.stopping.is_set()

    def _begin(self, answer: Answer, asked: Asked, size_bytes: int) -> None:
        self.send_response(answer.status)
        self.send_header("request-id", asked.id)
        if answer.is_stream:
            self.send_header("content-type", "text/event-stream; charset=utf-8")
            self.send_header("cache-control", "no-cache")
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(size_bytes))
        if answer.retry_after is not None:
            self.send_header("retry-after", answer.retry_after)
        for name, value in _rate_limit_headers().items():
            self.send_header(name, value)
        self.end_headers()


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def _rate_limit_headers() -> dict[str, str]:
    reset = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
    headers: dict[str, str] = {}
    for name, limit in RATE_LIMITS.items():
        start = f"anthropic-ratelimit-{name}"
        headers |= {
            f"{start}-limit": str(limit),
            f"{start}-remaining": str(limit - 1),
            f"{start}-reset": reset,
        }
    return headers
