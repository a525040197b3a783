"""Events as bytes, as the HTML standard has them."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.api.sse import PING, after_of, encode, respond
from app.claude.events import Event
from app.errors import Invalid
from app.turns.log import Log
from tests.support import events_of

TEXTS = st.text(st.characters(codec="utf-8"))


def closed(*events: Event) -> Log:
    return Log("msg_1", events, is_closed=True)


def parsed(stream: bytes) -> list[dict[str, str]]:
    """What a parser reads that follows the standard: lines end with CR, LF or both; data lines are joined."""
    lines = stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found, fields = [], dict[str, str]()
    for line in lines:
        name, _, value = line.partition(":")
        if not line and fields:
            found.append(fields)
            fields = {}
        elif name:
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and "data" in fields else value
    return found


def test_each_event_has_the_next_id() -> None:
    log = closed(Event.made("message_start", {}), Event.made("colloquy.done", {}))
    assert b"".join(encode(log, 9)) == (
        b'id: msg_1:1\nevent: message_start\ndata: {"type":"message_start"}\n\n'
        b'id: msg_1:2\nevent: colloquy.done\ndata: {"type":"colloquy.done"}\n\n'
    )


@given(st.integers(0, 5))
def test_a_reader_that_has_some_gets_the_rest_with_the_same_ids(after: int) -> None:
    log = closed(*(Event.made("ping", {"number": number}) for number in range(4)))
    whole = parsed(b"".join(encode(log, 9)))
    assert parsed(b"".join(encode(log, 9, after))) == whole[after:]


@pytest.mark.parametrize(
    ("number", "last", "after"),
    [(None, "", 0), (3, "", 3), (None, "msg_1:7", 7), (0, "msg_1:7", 0), (2, "nonsense", 2)],
)
def test_the_parameter_wins_over_the_header(app: Flask, number: int | None, last: str, after: int) -> None:
    with app.test_request_context(headers={"Last-Event-ID": last}):
        assert after_of(number, "msg_1") == after


@pytest.mark.parametrize("last", ["7", "msg_2:7", "msg_1:", "msg_1:-1", "msg_1:x", "msg_1:" + "9" * 11])
def test_a_last_event_id_of_another_message_or_none_is_refused(app: Flask, last: str) -> None:
    with app.test_request_context(headers={"Last-Event-ID": last}), pytest.raises(Invalid) as caught:
        after_of(None, "msg_1")
    assert [one.pointer for one in caught.value.faults] == ["/headers/Last-Event-ID"]


@given(st.lists(TEXTS))
def test_any_text_passes_through(texts: list[str]) -> None:
    log = closed(*(Event.made("ping", {"text": text}) for text in texts))
    found = parsed(b"".join(encode(log, 9)))
    assert [json.loads(one["data"])["text"] for one in found] == texts
    assert [one["id"] for one in found] == [f"msg_1:{number}" for number in range(1, len(texts) + 1)]
    assert {one["event"] for one in found} <= {"ping"}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_payload_of_several_lines_stays_one_event(end: str) -> None:
    text = end.join(["{", '  "type": "ping"', "}"])
    (found,) = parsed(b"".join(encode(closed(Event("ping", {"type": "ping"}, text)), 9)))
    assert json.loads(found["data"]) == {"type": "ping"}


def test_silence_is_a_comment_that_parsers_pass_over() -> None:
    log = Log("msg_1")
    stream = encode(log, 0.01)
    assert next(stream) == next(stream) == PING
    log.finish([Event.made("ping", {})])
    rest = b"".join(stream)
    assert [one.id for one in events_of((PING + rest).decode())] == ["msg_1:1"]


def test_the_response_tells_everybody_between_not_to_hold_it_back() -> None:
    response = respond(closed(), 9, headers={"Location": "/messages/msg_1"})
    assert response.content_type.startswith("text/event-stream")
    assert response.headers["Cache-Control"] == "no-cache, no-transform"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Location"] == "/messages/msg_1"
    assert response.get_data() == b""
