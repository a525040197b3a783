"""A fake Claude that costs next to nothing: every answer is the same bytes, made before the first request.

What it answers, and how fast, the prompt says (`bench.paces`); GET /count says how many messages it made.
"""

from __future__ import annotations

import argparse
import re
import socket
from collections.abc import Sequence
from typing import Any

from gevent.server import StreamServer

from bench.canned import INPUT_TOKENS, canned, json_response, model_list
from bench.paces import pace_in

END_OF_HEAD = b"\r\n\r\n"
READ_BYTES = 65_536
STREAMS = re.compile(rb'"stream"\s*:\s*true')


class Upstream:
    """Answers the requests of each connection one after the other."""

    def __init__(self) -> None:
        self._messages = 0
        self._models = json_response(200, model_list())

    def serve(self, client: Any, _address: object) -> None:
        """One connection, until the client leaves."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending = b""
        try:
            while True:
                line, body, pending = _read_request(client, pending)
                if not line:
                    return
                self._answer(client, line, body)
        except OSError:
            return

    def _answer(self, client: Any, line: bytes, body: bytes) -> None:
        if line.startswith((b"POST /v1/messages ", b"POST /v1/messages?")):
            self._messages += 1
            canned(pace_in(body)).send(client, streams=bool(STREAMS.search(body)))
        else:
            client.sendall(self._other(line))

    def _other(self, line: bytes) -> bytes:
        if line.startswith(b"POST /v1/messages/count_tokens"):
            return json_response(200, {"input_tokens": INPUT_TOKENS})
        if line.startswith(b"GET /v1/models"):
            return self._models
        if line.startswith(b"GET /count "):
            return json_response(200, {"messages": self._messages})
        error = {"type": "not_found_error", "message": "Not found"}
        return json_response(404, {"type": "error", "error": error})


def _read_request(client: Any, pending: bytes) -> tuple[bytes, bytes, bytes]:
    """The request's first line, its body, and what came after it; no line when the client has left."""
    while END_OF_HEAD not in pending:
        fresh = client.recv(READ_BYTES)
        if not fresh:
            return b"", b"", b""
        pending += fresh
    head, _, rest = pending.partition(END_OF_HEAD)
    length = _content_length(head)
    while len(rest) < length:
        fresh = client.recv(READ_BYTES)
        if not fresh:
            return b"", b"", b""
        rest += fresh
    return head.partition(b"\r\n")[0], rest[:length], rest[length:]


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.upstream", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    StreamServer(("127.0.0.1", options.port), Upstream().serve, backlog=2048).serve_forever()


if __name__ == "__main__":
    main()
