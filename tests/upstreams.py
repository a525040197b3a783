"""An upstream that says what the simulator never would: the payloads of its events are given as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

from tests.support import answering

PING_PAUSE_SECONDS = 0.1
PASSED_ON = ("x-api-key", "authorization", "anthropic-version", "content-type")

Refusal = tuple[int, str]


def told(name: str, **payload: Any) -> str:
    """The payload of an event."""
    return json.dumps({"type": name, **payload})


BEGIN = told("message_start", message={"model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}})
TEXT = told("content_block_start", index=0, content_block={"type": "text", "text": ""})
HELLO = told("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"})
END = told("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})
STOP = told("message_stop")
PING = told("ping")


@contextmanager
def saying(payloads: Sequence[str], pings: int = 0) -> Iterator[str]:
    """A server that answers every request with these payloads, and then so many pings; its address."""

    class Saying(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            with suppress(OSError):
                for one in payloads:
                    self.wfile.write(f"data: {one}\n\n".encode())
                for _ in range(pings):
                    time.sleep(PING_PAUSE_SECONDS)
                    self.wfile.write(f"data: {PING}\n\n".encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Saying)
    server.daemon_threads = True
    with answering(server) as url:
        yield url


@contextmanager
def before(simulator_url: str, refuse: Callable[[str, Any], Refusal | None]) -> Iterator[str]:
    """The simulator behind somebody who may refuse what is asked at a path, with a status and a message."""

    class Before(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on(b"")

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            refusal = refuse(self.path, json.loads(raw))
            if refusal is None:
                self._pass_on(raw)
            else:
                status, message = refusal
                said = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
                self._answer(status, "application/json", json.dumps(said).encode())

        def _pass_on(self, raw: bytes) -> None:
            kept = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            with httpx2.Client(base_url=simulator_url) as client:
                answer = client.request(self.command, self.path, headers=kept, content=raw)
            self._answer(answer.status_code, answer.headers["content-type"], answer.content)

        def _answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Before)
    server.daemon_threads = True
    with answering(server) as url:
        yield url
