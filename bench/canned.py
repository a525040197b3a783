"""Answers of Claude's that are the same bytes each time, made before they are asked for."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gevent

from bench.paces import Pace

END_OF_CHUNKS = b"0\r\n\r\n"
WORDS = ("The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog.")
MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")
INPUT_TOKENS = 20
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_bench\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


@dataclass(frozen=True)
class Canned:
    """One answer: whole, and as the chunks of a stream, which at no pace is sent at once."""

    pace: Pace
    whole: bytes
    begin: bytes
    deltas: Sequence[bytes]
    end: bytes

    def send(self, client: Any, *, streams: bool) -> None:
        """Send it at its pace."""
        if not streams:
            client.sendall(self.whole)
        elif self.pace.seconds_per_delta == 0:
            client.sendall(b"".join((self.begin, *self.deltas, self.end)))
        else:
            self._send_slowly(client)

    def _send_slowly(self, client: Any) -> None:
        began = time.perf_counter()
        client.sendall(self.begin)
        for number, delta in enumerate(self.deltas, 1):
            # Against the start, not the delta before: a late one doesn't make all others late.
            gevent.sleep(max(began + number * self.pace.seconds_per_delta - time.perf_counter(), 0))
            client.sendall(delta)
        client.sendall(self.end)


@functools.cache
def canned(pace: Pace) -> Canned:
    """The answer at a pace."""
    words = [WORDS[at % len(WORDS)] + " " for at in range(pace.deltas)]
    return Canned(
        pace,
        json_response(200, _message("".join(words), pace.deltas)),
        STREAM_HEAD + b"".join(_chunk(one) for one in _opening()),
        [_chunk(_delta(word)) for word in words],
        b"".join(_chunk(one) for one in _closing(pace.deltas)) + END_OF_CHUNKS,
    )


def json_response(status: int, payload: dict[str, Any]) -> bytes:
    """A whole response."""
    body = json.dumps(payload).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nrequest-id: req_bench\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def model_list() -> dict[str, Any]:
    """What GET /v1/models answers."""
    return {"data": [_model(name) for name in MODELS], "has_more": False}


def _message(text: str | None, output_tokens: int) -> dict[str, Any]:
    return {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": MODELS[1],
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": None if text is None else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": output_tokens},
    }


def _opening() -> list[dict[str, Any]]:
    block = {"type": "text", "text": ""}
    return [
        {"type": "message_start", "message": _message(None, 1)},
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


def _model(name: str) -> dict[str, Any]:
    sizes = {"max_input_tokens": 1_000_000, "max_tokens": 64_000}
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z", **sizes}
