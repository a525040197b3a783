"""Why the cache gave less, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from app.claude.simulator import Simulator, diagnoses

LOREM = "Words that fill a prompt until it is long enough to be cached. " * 60
TOOL = {"name": "a", "input_schema": {"type": "object"}}
SHORT = {"type": "ephemeral"}
Say = Callable[..., Any]


@pytest.fixture
def say() -> Iterator[Say]:
    """Asks a simulator of its own after the answer that is named; gives the answer."""
    with (
        Simulator(seconds_per_event=0) as simulator,
        anthropic.Anthropic(base_url=simulator.base_url, api_key="k", max_retries=0) as client,
    ):

        def ask(*texts: str, after: str | None = None, **values: Any) -> Any:
            messages: list[Any] = []
            for text in texts:
                messages += [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]
            asked = {"model": "claude-opus-5-5", "max_tokens": 50, "cache_control": SHORT}
            asked |= {"diagnostics": {"previous_message_id": after}, "messages": messages[:-1]}
            return client.messages.create(**{**asked, **values})

        yield ask


def test_nothing_is_said_where_nothing_was_lost(say: Say) -> None:
    first = say(LOREM)
    second = say(LOREM, "And now?", after=first.id)
    assert (first.diagnostics, second.diagnostics) == (None, None)
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": "claude-fable-5-2"}, "model_changed"),
        ({"speed": "fast"}, "model_changed"),
        ({"system": "Be brief."}, "system_changed"),
        ({"tools": [TOOL]}, "tools_changed"),
        ({"system": "Be brief.", "tools": [TOOL], "model": "claude-fable-5-2"}, "model_changed"),
    ],
)
def test_what_changed_is_named_with_what_it_cost(say: Say, change: dict[str, Any], reason: str) -> None:
    first = say(LOREM)
    second = say(LOREM, "And now?", after=first.id, **change)
    found = second.diagnostics.cache_miss_reason
    assert second.usage.cache_read_input_tokens == 0
    assert (found.type, found.cache_missed_input_tokens) == (reason, first.usage.cache_creation_input_tokens)


def test_an_edited_message_is_told_from_one_that_was_appended(say: Say) -> None:
    first = say(LOREM, "Two", "Three")
    edited = say(LOREM, "Another two", "Three", "Four", after=first.id)
    shorter = say(LOREM, after=first.id)
    for answer in (edited, shorter):
        assert answer.diagnostics.cache_miss_reason.type == "messages_changed"
    assert shorter.diagnostics.cache_miss_reason.cache_missed_input_tokens > 0


def test_other_settings_are_no_change_that_has_a_name(say: Say) -> None:
    first = say(LOREM)
    second = say(LOREM, "And now?", after=first.id, tool_choice={"type": "none"})
    assert second.diagnostics.cache_miss_reason.to_dict() == {"type": "unavailable"}


def test_an_answer_nobody_knows_is_not_found(say: Say) -> None:
    unasked = say(LOREM, diagnostics=None)
    for id_ in ("msg_x", unasked.id):
        found = say(LOREM, after=id_).diagnostics.cache_miss_reason
        assert found.to_dict() == {"type": "previous_message_not_found"}
    assert say(LOREM, diagnostics=None).diagnostics is None


def test_a_stream_says_it_at_its_start(say: Say) -> None:
    first = say(LOREM)
    with say("Another", after=first.id, stream=True) as stream:
        begin = next(iter(stream))
    assert begin.message.diagnostics.cache_miss_reason.type == "messages_changed"


def test_memory_is_bounded(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnoses, "MOST_REMEMBERED", 2)
    first = say(LOREM)
    for _ in range(2):
        last = say(LOREM)
    assert say(LOREM, after=first.id).diagnostics.cache_miss_reason.type == "previous_message_not_found"
    assert say(LOREM, after=last.id).diagnostics is None
