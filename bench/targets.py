"""Whom the load is sent to. A target is data: to measure another server, describe it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import wire

PROMPT = "Tell me of the fox and the dog, in a few words."
MODEL = "claude-sonnet-5-5"
KEY = "clq_" + "b" * 40


@dataclass(frozen=True)
class Target:
    """A server that leads to the upstream.

    `body` takes the prompt and whether a stream is wanted; a whole answer holds `whole_has`, a stream begins
    with `first_event` and is complete with `last_event`. `pid` leads the processes that are measured.
    """

    name: str
    url: str
    path: str
    headers: Mapping[str, str]
    body: Callable[[str, bool], dict[str, Any]]
    whole_has: bytes
    first_event: bytes
    last_event: bytes
    pid: int

    def request(self, *, stream: bool, **more: Any) -> bytes:
        """A request as bytes; `more` is added to its body."""
        return wire.rendered("POST", self.path, self.headers, {**self.body(PROMPT, stream), **more})


def direct(url: str, pid: int) -> Target:
    """The upstream itself. It is always read as a stream, because that is how Colloquy calls it."""
    return Target(
        name="direct",
        url=url,
        path="/v1/messages",
        headers={"x-api-key": "bench", "anthropic-version": "2023-06-01"},
        body=_claude_body,
        whole_has=b"event: message_stop",
        first_event=b"event: message_start",
        last_event=b"event: message_stop",
        pid=pid,
    )


def colloquy(url: str, pid: int) -> Target:
    """Our server: the message and its answer are stored on the way."""
    return Target(
        name="Colloquy",
        url=url,
        path="/messages",
        headers={"Authorization": f"Bearer {KEY}"},
        body=lambda prompt, stream: {"content": prompt, "stream": stream},
        whole_has=b'"end_turn"',
        first_event=b"event: message_start",
        last_event=b"event: colloquy.done",
        pid=pid,
    )


def _claude_body(prompt: str, _stream: bool) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": MODEL, "max_tokens": 8192, "stream": True, "messages": messages}
