"""A fake Claude that costs next to nothing: every answer is the same bytes, made before the first request.

A stream is `message_start`, N deltas at a steady pace, `message_stop`; GET /count says how many it made.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import gevent
from gevent.server import StreamServer

END_OF_HEAD = b"\r\n\r\n"
END_OF_CHUNKS = b"0\r\n\r\n"
WORDS = ("The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog.")
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_bench\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")


@dataclass(frozen=True)
class Canned:
    """One streamed answer as chunks; at a pace of 0 all of it is sent at once."""

    begin: bytes
    deltas: Sequence[bytes]
    end: bytes
    seconds_per_delta: float

    @classmethod
    def made(cls, deltas: int, seconds_per_delta: float) -> Canned:
        begin = STREAM_HEAD + b"".join(_chunk(one) for one in _opening())
        words = (WORDS[at % len(WORDS)] + " " for at in range(deltas))
        end = b"".join(_chunk(one) for one in _closing(deltas)) + END_OF_CHUNKS
        return cls(begin, [_chunk(_delta(word)) for word in words], end, seconds_per_delta)

    def send(self, client: Any) -> None:
        if self.seconds_per_delta == 0:
            client.sendall(b"".join((self.begin, *self.deltas, self.end)))
            return
        began = time.perf_counter()
        client.sendall(self.begin)
        for number, delta in enumerate(self.deltas, 1):
            # Against the start, not the delta before: a late one doesn't make all others late.
            gevent.sleep(max(began + number * self.seconds_per_delta - time.perf_counter(), 0))
            client.sendall(delta)
        client.sendall(self.end)


def _opening() -> list[dict[str, Any]]:
    usage = {"input_tokens": 20, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": MODELS[1],
        "content": [],
    }
    message |= {"stop_reason": None, "stop_sequence": None, "usage": usage}
    block = {"type": "text", "text": ""}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
    ]


def _delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def _closing(output_tokens: int) -> list[dict[str, Any]]:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens}},
        {"type": "message_stop"},
    ]


def _chunk(payload: dict[str, Any]) -> bytes:
    event = f"event: {payload['type']}\ndata: {json.dumps(payload, separators=(',', ':'))}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


class Upstream:
    """Answers the requests of each connection one after the other."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._messages = count()
        self._asked = 0
        self._models = _json(200, {"data": [_model(name) for name in MODELS], "has_more": False})

    def serve(self, client: Any, _address: object) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending = b""
        try:
            while True:
                line, pending = _read_request(client, pending)
                if not line:
                    return
                self._answer(client, line)
        except OSError:
            return

    def _answer(self, client: Any, line: bytes) -> None:
        if line.startswith(b"POST /v1/messages "):
            self._asked = next(self._messages) + 1
            self._canned.send(client)
        elif line.startswith(b"POST /v1/messages/count_tokens "):
            client.sendall(_json(200, {"input_tokens": 20}))
        elif line.startswith(b"GET /v1/models"):
            client.sendall(self._models)
        elif line.startswith(b"GET /count "):
            client.sendall(_json(200, {"messages": self._asked}))
        else:
            error = {"type": "not_found_error", "message": "Not found"}
            client.sendall(_json(404, {"type": "error", "error": error}))


def _read_request(client: Any, pending: bytes) -> tuple[bytes, bytes]:
    """The request's first line, and what came after its body; an empty line when the client has left."""
    while END_OF_HEAD not in pending:
        fresh = client.recv(65536)
        if not fresh:
            return b"", b""
        pending += fresh
    head, _, rest = pending.partition(END_OF_HEAD)
    length = _content_length(head)
    while len(rest) < length:
        fresh = client.recv(65536)
        if not fresh:
            return b"", b""
        rest += fresh
    return head.partition(b"\r\n")[0], rest[length:]


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def _json(status: int, payload: dict[str, Any]) -> bytes:
    body = json.dumps(payload).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _model(name: str) -> dict[str, Any]:
    sizes = {"max_input_tokens": 1_000_000, "max_tokens": 64_000}
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z", **sizes}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upstream", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--deltas", type=int, default=20)
    parser.add_argument("--seconds-per-delta", type=float, default=0.0)
    options = parser.parse_args(arguments)
    upstream = Upstream(Canned.made(options.deltas, options.seconds_per_delta))
    StreamServer(("127.0.0.1", options.port), upstream.serve, backlog=2048).serve_forever()


if __name__ == "__main__":
    main()
