"""The fold from events to an answer, whole or broken off."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.usage import Usage
from app.claude.events import Event
from app.turns.reply import read


def made(name: str, **payload: Any) -> Event:
    return Event.made(name, payload)


def start(index: int, **block: Any) -> Event:
    return made("content_block_start", index=index, content_block=block)


def delta(index: int, **values: Any) -> Event:
    return made("content_block_delta", index=index, delta=values)


BEGIN = made(
    "message_start",
    message={
        "model": "claude-sonnet-5-5",
        "usage": {
            "input_tokens": 10,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 12, "ephemeral_1h_input_tokens": 18},
            "output_tokens": 1,
        },
    },
)
WHOLE = [
    BEGIN,
    start(0, type="thinking", thinking="", signature=""),
    delta(0, type="thinking_delta", thinking="Hm"),
    delta(0, type="signature_delta", signature="abc"),
    start(1, type="text", text="", citations=None),
    delta(1, type="text_delta", text="Hel"),
    made("ping"),
    delta(1, type="text_delta", text="lo"),
    delta(1, type="citations_delta", citation={"cited_text": "x"}),
    delta(1, type="unheard_of_delta", value=1),
    start(2, type="tool_use", id="t", name="n", input={}),
    delta(2, type="input_json_delta", partial_json='{"a": '),
    delta(2, type="input_json_delta", partial_json="1}"),
    made(
        "message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 7, "input_tokens": None}
    ),
    made("message_stop"),
]


def test_a_whole_answer() -> None:
    reply = read(WHOLE)
    assert reply.content == [
        {"type": "thinking", "thinking": "Hm", "signature": "abc"},
        {"type": "text", "text": "Hello", "citations": [{"cited_text": "x"}]},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}},
    ]
    assert list(reply.content[0]) == ["type", "thinking", "signature"], "in Claude's order"
    assert (reply.model, reply.stop_reason, reply.is_complete) == ("claude-sonnet-5-5", "tool_use", True)


def test_usage_of_the_end_lies_over_that_of_the_start() -> None:
    assert read(WHOLE).usage == Usage(10, 20, 12, 18, 7)


def test_thinking_is_counted_apart_where_claude_says_so() -> None:
    assert read(WHOLE).thinking_tokens is None
    usage = {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 5}}
    end = made("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)
    reply = read([*WHOLE[:-2], end])
    assert (reply.thinking_tokens, reply.usage) == (5, Usage(10, 20, 12, 18, 7))


def test_what_only_the_start_tells_and_what_only_the_end_tells_come_together() -> None:
    begin = made("message_start", message={"usage": {"input_tokens": 10, "speed": "fast"}})
    said = {"input_tokens": 900, "output_tokens": 7, "server_tool_use": {"web_search_requests": 2}}
    reply = read([begin, made("message_delta", usage=said)])
    assert reply.usage == Usage(input_tokens=900, output_tokens=7, web_searches=2, speed="fast")


MISS = {"type": "messages_changed", "cache_missed_input_tokens": 700}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (MISS, MISS),
        ({"type": "previous_message_not_found"}, {"type": "previous_message_not_found"}),
        ({**MISS, "more": ["of it"] * 99}, MISS),
        ({**MISS, "cache_missed_input_tokens": "x"}, {**MISS, "cache_missed_input_tokens": 0}),
        ({"type": 5}, None),
        (None, None),
        ("because", None),
    ],
)
def test_claudes_id_and_why_the_cache_gave_less_are_kept(said: Any, kept: Any) -> None:
    begin = made("message_start", message={"id": "msg_01", "diagnostics": {"cache_miss_reason": said}})
    assert (read([begin]).upstream_id, read([begin]).cache_miss_reason) == ("msg_01", kept)
    assert read([made("message_start", message={"id": 5, "diagnostics": said})]).upstream_id is None


@pytest.mark.parametrize("details", [None, 5, [], {}, {"thinking": 5}])
def test_where_it_is_not_said_nobody_knows(details: Any) -> None:
    end = made("message_delta", usage={"output_tokens": 7, "output_tokens_details": details})
    assert read([BEGIN, end]).thinking_tokens is None


@pytest.mark.parametrize("odd", ["many", -5, None, [1], 10**12])
def test_an_odd_count_of_thinking_is_no_harm(odd: Any) -> None:
    end = made("message_delta", usage={"output_tokens_details": {"thinking_tokens": odd}})
    assert 0 <= (read([BEGIN, end]).thinking_tokens or 0) < 2**31


@given(st.integers(0, len(WHOLE)))
def test_an_answer_that_broke_off_keeps_what_came(cut: int) -> None:
    reply, whole = read(WHOLE[:cut]), read(WHOLE)
    assert reply.is_complete == (cut == len(WHOLE))
    text = next((one["text"] for one in reply.content if one["type"] == "text"), "")
    assert "Hello".startswith(text)
    assert all(one in whole.content for one in reply.content if one["type"] == "tool_use" and one["input"])


def test_a_tool_call_that_never_became_whole_is_left_out() -> None:
    assert [one["type"] for one in read(WHOLE[:12]).content] == ["thinking", "text"]


def test_nothing_makes_nothing() -> None:
    assert read([]).content == []
    assert read([]).usage is None


def test_a_character_that_was_split_over_two_deltas_is_whole_again() -> None:
    halves = [delta(0, type="text_delta", text="\ud83d"), delta(0, type="text_delta", text="\ude00")]
    assert read([start(0, type="text", text=""), *halves]).content == [{"type": "text", "text": "😀"}]
    assert read([start(0, type="text", text=""), halves[0]]).content[0]["text"].encode()


@pytest.mark.parametrize(
    "malformed",
    [
        made("content_block_start"),
        made("content_block_start", index="x", content_block={"type": "text", "text": ""}),
        made("content_block_start", index=7, content_block={"text": ""}),
        made("content_block_delta"),
        made("content_block_delta", index=0, delta="x"),
        made("message_delta", delta=[], usage="many"),
        made("message_delta", usage={"output_tokens": "many"}),
        made("message_start", message="x"),
        made("message_start", message={"model": ["m"], "usage": [1]}),
        made("message_delta", delta={"stop_reason": ["end"]}, usage={"input_tokens": None}),
        made("message_delta", usage={"cache_creation": [1], "cache_creation_input_tokens": -5}),
        made("content_block_start", index=[], content_block={"type": "text", "text": ""}),
        made("content_block_start", index={}, content_block={"type": []}),
        made("content_block_delta", index=[], delta={"type": "text_delta", "text": "x"}),
        made("content_block_delta", index=0, delta={"type": []}),
    ],
)
def test_what_is_malformed_is_passed_over_and_the_rest_is_kept(malformed: Event) -> None:
    reply = read([BEGIN, malformed, start(0, type="text", text="Hi")])
    assert reply.content[-1] == {"type": "text", "text": "Hi"}


@pytest.mark.parametrize(
    "malformed",
    [
        delta(0, type=[]),
        delta(0, type={}),
        delta(0, type=None),
        delta(0),
        delta(0, type="input_json_delta", partial_json=""),
    ],
)
def test_a_malformed_delta_leaves_its_block_as_it_was(malformed: Event) -> None:
    said = delta(0, type="text_delta", text="Hi")
    reply = read([start(0, type="text", text=""), said, malformed, said])
    assert reply.content == [{"type": "text", "text": "HiHi"}]


@pytest.mark.parametrize("before", [5, "x", {"a": 1}, None])
def test_citations_that_are_no_list_give_way_to_those_that_come(before: Any) -> None:
    reply = read(
        [start(0, type="text", text="", citations=before), delta(0, type="citations_delta", citation=1)]
    )
    assert reply.content[0]["citations"] == [1]


@pytest.mark.parametrize("text", ["NaN", '{"a": 1e999}', '{"a": -Infinity}', "[" * 3_000 + "]" * 3_000, "{"])
def test_a_tool_call_whose_input_is_no_json_is_left_out(text: str) -> None:
    call = start(1, type="tool_use", id="t", name="n", input={})
    reply = read(
        [start(0, type="text", text="Hi"), call, delta(1, type="input_json_delta", partial_json=text)]
    )
    assert reply.content == [{"type": "text", "text": "Hi"}]


@pytest.mark.parametrize("odd", ["\ud800", "a\0b", "\udc00\ud800", "\0", "é\ud83d"])
def test_model_and_stop_reason_are_text_that_any_database_keeps(odd: str) -> None:
    end = made("message_delta", delta={"stop_reason": odd})
    reply = read([made("message_start", message={"model": odd}), end])
    for kept in (reply.model, reply.stop_reason):
        assert kept is not None
        assert "\0" not in kept
        assert kept.encode().decode() == kept


def test_what_is_too_large_to_keep_is_cut() -> None:
    end = made("message_delta", delta={"stop_reason": "x" * 100}, usage={"output_tokens": 10**12})
    reply = read([end])
    assert len(reply.stop_reason or "") == 64
    assert reply.usage == Usage(output_tokens=2**31 - 1)
