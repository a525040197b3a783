"""What the `anthropic` package's span of a call is told."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from app.claude.events import Event
from app.claude.observers import observed

START = Event.made("message_start", {"message": {"id": "msg_1", "usage": {"input_tokens": 3}, "content": []}})
DELTAS = [Event.made("content_block_delta", {"index": 0, "delta": {"type": "text_delta"}})] * 3
STOP = Event.made("message_stop", {})


class Watching:
    """Notes what it is told, as the package's own observer has the words for it."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def begin(self) -> None:
        self.told.append("begin")

    def item(self, item: Any) -> None:
        self.told.append(item["type"] if isinstance(item, dict) else type(item).__name__)

    def end(self, how: str) -> None:
        self.told.append(how)


def told(events: Sequence[Event]) -> list[Any]:
    watching = Watching()
    response = SimpleNamespace(stream=SimpleNamespace(stream_observer=watching))
    assert list(observed(response, iter(events))) == list(events), "they pass as they are"
    return watching.told


def test_it_learns_the_usage_and_the_first_delta_and_ends_with_the_answer() -> None:
    wanted = ["begin", "RawMessageStartEvent", "content_block_delta", "message_stop", "read"]
    assert told([START, *DELTAS, STOP]) == wanted


def test_what_claude_has_garbled_is_left_out() -> None:
    odd = Event.made("message_start", {"message": [[1]], "type": {}})
    assert told([odd, STOP])[-1] == "read"


def test_a_call_without_a_span_is_read_as_it_is() -> None:
    events = iter([START, STOP])
    assert observed(SimpleNamespace(stream=SimpleNamespace()), events) is events
