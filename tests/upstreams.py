"""An upstream that says what the simulator never would: the payloads of its events are given as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support import answering

PING_PAUSE_SECONDS = 0.1


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
