"""Whom the load is sent to. A target is data: to measure another server, describe it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench import wire
from bench.paces import Pace

PROMPT = "Tell me of the fox and the dog, in a few words."
MODEL = "claude-sonnet-5-5"
KEY = "clq_" + "b" * 40
PEER_KEY = "sk-" + "b" * 40
DIRECT, SQLITE, POSTGRESQL = "direct", "Colloquy, SQLite", "Colloquy, PostgreSQL"
LITELLM, LITELLM_CHAT = "LiteLLM", "LiteLLM, chat"


@dataclass(frozen=True)
class Target:
    """A server that leads to the upstream.

    `body` takes the prompt and whether a stream is wanted; a whole answer holds `whole_has`, a stream begins
    with `first_event`, has `delta` for each of the upstream's, and is complete with `last_event`. `pids` lead
    the processes that are measured.
    """

    name: str
    url: str
    path: str
    headers: Mapping[str, str]
    body: Callable[[str, bool], dict[str, Any]]
    last_event: bytes
    first_event: bytes = b"event: message_start"
    delta: bytes = b"event: content_block_delta\n"
    whole_has: bytes = b'"end_turn"'
    pids: tuple[int, ...] = ()
    upstream_pid: int = 0

    def request(self, pace: Pace, *, stream: bool, **more: Any) -> bytes:
        """A request as bytes; `more` is added to its body."""
        said = f"{PROMPT} {pace.mark}"
        return wire.rendered("POST", self.path, self.headers, {**self.body(said, stream), **more})


def direct(url: str) -> Target:
    """The upstream itself: the ceiling of the load client and of the upstream together."""
    headers = {"x-api-key": "bench", "anthropic-version": "2023-06-01"}
    return Target(DIRECT, url, "/v1/messages", headers, _claude_body, b"event: message_stop")


def colloquy(name: str, url: str) -> Target:
    """Our server: the message and its answer are stored on the way."""
    headers = {"Authorization": f"Bearer {KEY}"}
    return Target(name, url, "/messages", headers, _our_body, b"event: colloquy.done")


def litellm(url: str) -> Target:
    """LiteLLM's proxy, by its route that speaks Claude's own format, as ours does."""
    headers = {"Authorization": f"Bearer {PEER_KEY}", "anthropic-version": "2023-06-01"}
    return Target(LITELLM, url, "/v1/messages", headers, _claude_body, b"event: message_stop")


def litellm_chat(proxy: Target) -> Target:
    """The same proxy, by its route in OpenAI's format, which has no event before the first delta."""
    return replace(
        proxy,
        name=LITELLM_CHAT,
        path="/chat/completions",
        first_event=b"data: {",
        delta=b'"content":"',
        last_event=b"data: [DONE]",
        whole_has=b'"finish_reason":"stop"',
    )


def _our_body(prompt: str, stream: bool) -> dict[str, Any]:
    return {"content": prompt, "stream": stream}


def _claude_body(prompt: str, stream: bool) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": MODEL, "max_tokens": 8192, "stream": stream, "messages": messages}
