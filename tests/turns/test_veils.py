"""Claude's events lose secrets on their way into the log, and nothing else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claude.events import Event
from app.errors import UpstreamFailed
from app.telemetry.redaction import MASK, Redactor
from app.turns import reply
from app.turns.veils import PIECES, drawn

KEY = "clq_abcdefghijklmnopqrstuvwxyz0123456789"
REDACTOR = Redactor([KEY])


def told(name: str, **payload: Any) -> Event:
    return Event.made(name, payload)


def delta(text: str, kind: str = "text_delta", index: int = 0) -> Event:
    name = PIECES.get(kind, "signature")
    return told("content_block_delta", index=index, delta={"type": kind, name: text})


def block(index: int = 0, **content: Any) -> Event:
    return told("content_block_start", index=index, content_block=content or {"type": "text", "text": ""})


START, STOP = told("message_start", message={"model": "m"}), told("message_stop")
BLOCK_STOP = told("content_block_stop", index=0)


def shown(*events: Event) -> list[Event]:
    return list(drawn(iter(events), REDACTOR))


def joined(events: Sequence[Event], kind: str = "text_delta") -> str:
    deltas = [one.payload["delta"] for one in events if one.name == "content_block_delta"]
    return "".join(one[PIECES[kind]] for one in deltas if one["type"] == kind)


def test_events_without_secrets_are_the_very_same() -> None:
    events = [
        START,
        told("ping"),
        block(),
        delta("It is an s"),
        delta("k-ant, not a clq"),
        delta(" c29tZQ=="),
        BLOCK_STOP,
        told("message_delta", delta={"stop_reason": "end_turn"}),
        STOP,
    ]
    assert all(map(lambda one, other: one is other, shown(*events), events))
    assert len(shown(*events)) == len(events)


@pytest.mark.parametrize("kind", PIECES)
@given(borders=st.lists(st.integers(0, len(KEY) + 10), max_size=6))
def test_a_secret_is_masked_however_it_is_split(kind: str, borders: list[int]) -> None:
    text = f'"say {KEY} !"'
    at = [0, *sorted(min(one, len(text)) for one in borders), len(text)]
    pieces = [delta(text[a:b], kind) for a, b in itertools.pairwise(at)]
    events = shown(START, block(), *pieces, BLOCK_STOP, STOP)
    assert [events[0], events[-2:]] == [START, [BLOCK_STOP, STOP]]
    for prefix in ("", "c", "cl", "clq"):
        if joined(events, kind) == f'"say {prefix}{MASK} !"':
            return
    raise AssertionError(joined(events, kind))


def test_what_is_held_comes_before_the_end_of_its_block_and_of_all() -> None:
    held = [block(), delta("see clq_abc"), BLOCK_STOP]
    assert [one.name for one in shown(*held)] == [
        "content_block_start",
        *["content_block_delta"] * 2,
        BLOCK_STOP.name,
    ]
    assert joined(shown(*held)) == "see clq_abc"
    assert joined(shown(block(), delta("clq_abc"), STOP)) == "clq_abc"


def test_what_is_held_comes_before_the_error_that_breaks_off_the_answer() -> None:
    def breaking() -> Iterator[Event]:
        yield delta("see clq_abc")
        raise UpstreamFailed("cut")

    came = drawn(breaking(), REDACTOR)
    assert [joined([next(came)]) for _ in range(2)] == ["see ", "clq_abc"]
    with pytest.raises(UpstreamFailed, match="cut"):
        next(came)


def test_blocks_that_come_at_the_same_time_are_texts_of_their_own() -> None:
    half = len(KEY) // 2
    events = shown(
        block(0),
        block(1),
        delta(KEY[:half]),
        delta(KEY[:half], index=1),
        delta(KEY[half:]),
        delta("!", index=1),
    )
    texts = ["".join(joined([one]) for one in events if one.payload.get("index") == at) for at in (0, 1)]
    assert texts == [MASK, KEY[:half] + "!"]


def test_what_claude_signs_is_never_changed() -> None:
    signed = [
        delta(KEY, "signature_delta"),
        block(type="redacted_thinking", data=KEY),
        block(type="thinking", thinking="", signature=KEY),
    ]
    for event in signed:
        (one,) = shown(event)
        assert one.payload == event.payload


def test_every_other_string_of_an_event_is_masked() -> None:
    result = block(type="web_search_tool_result", content=[{"title": f"A {KEY}", "encrypted_content": "x"}])
    (one,) = shown(result)
    assert one.payload["content_block"]["content"][0]["title"] == f"A {MASK}"
    assert json.loads(one.text) == one.payload


@pytest.mark.parametrize("index", [None, "0", [], {}])
def test_events_of_no_known_shape_are_masked_too(index: Any) -> None:
    strange = told("content_block_delta", index=index, delta={"type": ["text_delta"], "text": KEY})
    (one,) = shown(strange)
    assert KEY not in one.text
    assert shown(told("content_block_delta", index=0, delta=None))
    assert shown(told("content_block_stop", index=index))


def test_a_name_that_is_given_twice_hides_nothing() -> None:
    text = f'{{"index":0,"delta":{{"type":"text_delta","text":"{KEY}","text":"x"}}}}'
    (one,) = shown(Event("content_block_delta", json.loads(text), text))
    assert (KEY in one.text, joined([one])) == (False, "x")


def test_the_reply_is_that_of_the_masked_events() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    pieces = [delta(one, "input_json_delta") for one in ('{"a": "', KEY[:9], KEY[9:], '"}')]
    assert reply.read(shown(START, block(**tool), *pieces, BLOCK_STOP, STOP)).content == [
        {**tool, "input": {"a": MASK}}
    ]
