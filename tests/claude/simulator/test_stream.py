"""A reply as events, and events as steps with faults. All on values."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.claude.simulator.cache_accounts import Account
from app.claude.simulator.directives import Bill, Fault
from app.claude.simulator.replies import Reply
from app.claude.simulator.stream import Answered, Cut, Pause, Send, Step, events, message, streamed, whole

THINKING = {"type": "thinking", "thinking": "", "signature": "s"}
TEXT = {"type": "text", "text": "one two three four  five"}
USE = {"type": "tool_use", "id": "t", "name": "add", "input": {"a": [1, 2, 3], "b": "Grüße aus der Ferne"}}


def answered(*blocks: dict[str, Any], **fields: Any) -> Answered:
    reply = Reply(blocks or (THINKING, TEXT), output_tokens=9, thinking_tokens=4, **fields)
    return Answered("msg_sim_1", "claude-opus-5-5", reply, Account(5, 10, 20, 40), "req_sim_1")


def types(found: Answered) -> list[str]:
    return [event["type"] for event in events(found)]


def steps(*faults: Fault, seconds: float = 0.0) -> list[Step]:
    return list(streamed(answered(TEXT), faults, seconds))


def names(found: list[Step]) -> list[str]:
    return [
        step.text.partition("\n")[0][7:] if isinstance(step, Send) else type(step).__name__ for step in found
    ]


WHOLE = [
    "message_start",
    "content_block_start",
    "ping",
    "content_block_delta",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
]


def test_the_events_of_a_text() -> None:
    assert types(answered(TEXT)) == WHOLE


def test_blocks_are_numbered_and_closed() -> None:
    found = [event for event in events(answered(THINKING, TEXT, USE)) if "index" in event]
    assert [event["index"] for event in found if event["type"] == "content_block_start"] == [0, 1, 2]
    assert [event["index"] for event in found] == sorted(event["index"] for event in found)


def test_deltas_give_the_blocks_again() -> None:
    deltas = [
        event["delta"]
        for event in events(answered(THINKING, TEXT, USE))
        if "index" in event and "delta" in event
    ]
    assert "".join(delta.get("text", "") for delta in deltas) == TEXT["text"]
    assert [delta["signature"] for delta in deltas if delta["type"] == "signature_delta"] == ["s"]
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == USE["input"]


def test_blocks_start_empty() -> None:
    starts = [
        each["content_block"] for each in events(answered(THINKING, TEXT, USE)) if "content_block" in each
    ]
    assert starts == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "t", "name": "add", "input": {}},
    ]


def test_shown_thinking_comes_in_deltas() -> None:
    shown = {**THINKING, "thinking": "Some thought, and then some more"}
    deltas = [event["delta"] for event in events(answered(shown)) if event["type"] == "content_block_delta"]
    assert [delta["type"] for delta in deltas] == ["thinking_delta", "thinking_delta", "signature_delta"]


def test_the_first_event_has_the_whole_account() -> None:
    first = next(iter(events(answered())))
    assert first["message"]["content"] == []
    assert first["message"]["stop_reason"] is None
    assert first["message"]["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 40,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 1,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def test_the_last_usage_is_cumulative_and_partial() -> None:
    *_, delta, _ = events(answered())
    assert delta["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 40,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }


def test_the_end_says_why() -> None:
    *_, delta, _ = events(answered(TEXT, stop_reason="stop_sequence", stop_sequence="END"))
    assert delta["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": None}
    *_, refused, _ = events(answered(TEXT, stop_reason="refusal"))
    assert refused["delta"]["stop_details"]["type"] == "refusal"


def test_an_empty_reply_is_a_message_too() -> None:
    empty = Answered("m", "claude-opus-5-5", Reply(stop_reason="max_tokens"), Account(5), "r")
    assert types(empty) == ["message_start", "message_delta", "message_stop"]
    assert message(empty)["usage"]["output_tokens"] == 1


def test_a_whole_message_is_the_sum_of_its_events() -> None:
    found = message(answered())
    assert found["content"] == [THINKING, TEXT]
    assert found["usage"]["cache_creation"]["ephemeral_1h_input_tokens"] == 20
    assert found["usage"]["output_tokens"] == 9
    assert found["stop_reason"] == "end_turn"


def test_every_delta_waits_its_turn() -> None:
    assert names(steps(seconds=0.5)).count("Pause") == 2
    assert Pause(0.5) in steps(seconds=0.5)


@pytest.mark.parametrize("after", range(9))
def test_a_cut_comes_after_so_many_events(after: int) -> None:
    assert names(steps(Fault("cut", after=after))) == [*WHOLE[:after], "Cut"]


@pytest.mark.parametrize("after", range(9))
def test_an_error_comes_after_so_many_events(after: int) -> None:
    assert names(steps(Fault("error", after=after))) == [*WHOLE[:after], "error"]


def test_silence_and_garbage_come_in_between() -> None:
    assert names(steps(Fault("silence", after=0, seconds=9))) == ["Pause", *WHOLE]
    garbage = names(steps(Fault("garbage", after=2)))
    assert garbage == [*WHOLE[:2], "content_block_delta", *WHOLE[2:]]


def test_an_end_without_a_stop_is_clean() -> None:
    assert names(steps(Fault("no_stop"))) == WHOLE[:-1]
    assert names(steps(Fault("no_stop", after=3))) == WHOLE[:3]


def test_a_fault_after_the_end_does_not_come() -> None:
    assert names(steps(Fault("cut", after=99))) == WHOLE


def test_without_a_stream_faults_do_what_they_can() -> None:
    assert names(list(whole(answered(), [Fault("silence", seconds=3), Fault("cut")]))) == ["Pause", "Cut"]
    [garbage] = whole(answered(), [Fault("garbage", after=2)])
    assert isinstance(garbage, Send)
    with pytest.raises(json.JSONDecodeError):
        json.loads(garbage.text)
    [plain] = whole(answered(), [Fault("no_stop")])
    assert isinstance(plain, Send)
    assert json.loads(plain.text)["id"] == "msg_sim_1"
    assert Cut() not in list(whole(answered(), []))


def test_speed_searches_and_a_missing_split_are_told_where_claude_tells_them() -> None:
    told = list(events(replace(answered(), bill=Bill("fast", 3, has_split=False))))
    begin, end = told[0]["message"]["usage"], told[-2]["usage"]
    assert (begin["speed"], "cache_creation" in begin, "server_tool_use" in begin) == ("fast", False, False)
    assert begin["cache_creation_input_tokens"] > 0
    assert end["server_tool_use"]["web_search_requests"] == 3
    assert "speed" not in end
