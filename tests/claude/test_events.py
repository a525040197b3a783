"""Reading Claude's events from names and texts."""

from __future__ import annotations

import pytest

from app.claude.events import Event, read
from app.errors import ColloquyError, UpstreamFailed, UpstreamOverloaded

STOP = ("message_stop", '{"type": "message_stop"}')
PING = ("ping", '{"type":  "ping"}')


def test_payload_text_is_kept_to_the_letter() -> None:
    assert [one.text for one in read([PING, STOP], None)] == [PING[1], STOP[1]]


def test_what_comes_after_the_end_is_read_and_left() -> None:
    pairs = iter([STOP, PING])
    assert [one.name for one in read(pairs, None)] == ["message_stop"]
    assert list(pairs) == []


@pytest.mark.parametrize(
    ("pairs", "error", "type_"),
    [
        ([PING], UpstreamFailed, "stream_unfinished"),
        ([], UpstreamFailed, "stream_unfinished"),
        ([("ping", "{")], UpstreamFailed, "stream_garbled"),
        ([("ping", "[]")], UpstreamFailed, "stream_garbled"),
        ([("error", '{"error": {"type": "overloaded_error"}}')], UpstreamOverloaded, "overloaded_error"),
        ([("error", '{"error": null}')], UpstreamFailed, None),
    ],
)
def test_what_goes_wrong_is_told_apart(
    pairs: list[tuple[str | None, str]], error: type[ColloquyError], type_: str | None
) -> None:
    with pytest.raises(error) as caught:
        list(read(pairs, "req_1"))
    assert caught.value.upstream
    assert (caught.value.upstream.type, caught.value.upstream.request_id) == (type_, "req_1")


def test_our_own_events_name_their_type() -> None:
    assert Event.made("colloquy.done", {"é": 1}).text == '{"type":"colloquy.done","é":1}'


def test_a_stream_without_names_is_read_by_its_types() -> None:
    assert [one.name for one in read([(None, PING[1]), (None, STOP[1])], None)] == ["ping", "message_stop"]
