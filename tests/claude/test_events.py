"""Reading Claude's events from names and texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.claude.events import DEEPEST, Event, parsed, read
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
        ([("ping", '{"a": NaN}')], UpstreamFailed, "stream_garbled"),
        ([("ping", '{"a": 1e999}')], UpstreamFailed, "stream_garbled"),
        ([("ping", '{"a": ' + "[" * 101 + "]" * 101 + "}")], UpstreamFailed, "stream_garbled"),
        ([("error", '{"error": {"type": []}}')], UpstreamFailed, None),
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


def test_an_event_that_keeps_no_more_than_its_text_says_the_same() -> None:
    payload = {"index": 0, "delta": {"type": "text_delta", "text": "Grüße \ud83d"}}
    event = Event.made("content_block_delta", payload)
    event.slim()
    assert event.payload == {"type": "content_block_delta", **payload}
    assert event.payload is not event.payload
    assert event == Event.made("content_block_delta", payload)


def test_a_stream_without_names_is_read_by_its_types() -> None:
    assert [one.name for one in read([(None, PING[1]), (None, STOP[1])], None)] == ["ping", "message_stop"]


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "1e999",
        '{"a": [-1e999]}',
        "[" * 100_000,
        "[" * 3_000 + "]" * 3_000,
    ],
)
def test_what_cannot_be_sent_on_as_json_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(text)


@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}")])
def test_a_value_is_nested_so_deeply_and_no_deeper(opens: str, closes: str) -> None:
    inner = "1" if opens != "[" else ""
    assert parsed(opens * DEEPEST + inner + closes * DEEPEST)
    with pytest.raises(ValueError, match="deeply"):
        parsed(opens * (DEEPEST + 2) + inner + closes * (DEEPEST + 2))


def test_many_brackets_that_do_not_nest_are_taken() -> None:
    flat = "[" + ",".join(["[]"] * 1_000) + "]"
    assert len(parsed(flat)) == 1_000
    assert parsed('"' + "[" * 1_000 + '"') == "[" * 1_000


def test_numbers_stay_what_they_are() -> None:
    assert parsed("[1, 1.5, -0.0, 1e308, 123456789012345678901234567890]") == [
        1,
        1.5,
        -0.0,
        1e308,
        123456789012345678901234567890,
    ]


def test_who_says_more_and_more_after_the_end_is_left() -> None:
    def pinging() -> Iterator[tuple[str | None, str]]:
        yield STOP
        yield PING
        raise AssertionError("it is not waited for")

    assert [one.name for one in read(pinging(), None)] == ["message_stop"]
