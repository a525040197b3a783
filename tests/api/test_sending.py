"""Sending, over HTTP, on both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.claude.simulator import Simulator
from tests.support import Api, last_asked, markers_of, text_of, unmarked

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def wanted(simulator: Simulator) -> tuple[str, str | None, int]:
    """Model, system prompt and output share of the last request."""
    sent = last_asked(simulator)
    system = "".join(one["text"] for one in sent["system"]) if "system" in sent else None
    return sent["model"], system, sent["max_tokens"]


def test_an_answer_comes_at_once_as_json(api: Api) -> None:
    session_id = api.session()
    answer = api.send_to(session_id, "Hello")
    body = answer.json()
    assert answer.status_code == 201
    assert body["user_message"]["content"] == [{"type": "text", "text": "Hello"}]
    assert body["user_message"]["parent_id"] is None
    assert body["message"]["parent_id"] == body["user_message"]["id"]
    assert body["message"]["status"] == "complete"
    assert body["message"]["stop_reason"] == "end_turn"
    assert "simulator" in text_of(body["message"])
    assert answer.headers["Location"] == f"/messages/{body['message']['id']}"
    usage = body["message"]["usage"]
    classes = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
    assert usage["prompt_tokens"] == sum(usage[name] for name in classes)
    assert body["user_message"]["estimated_tokens"] > 0
    assert body["user_message"]["context"] is None
    assert body["message"]["context"]["messages"][0]["as"] == "verbatim"


def test_one_call_makes_a_session_and_answers(api: Api) -> None:
    message = api.post("/messages", json={"content": "Hello"}).json()["message"]
    again = api.post("/messages", json={"content": "And now?", "session_id": message["session_id"]}).json()[
        "message"
    ]
    assert [one["role"] for one in api.path(message["session_id"])] == ["user", "assistant"] * 2
    assert again["session_id"] == message["session_id"]


def test_history_is_sent_along_byte_for_byte(api: Api, simulator: Simulator) -> None:
    session_id = api.session(system="Be brief.")
    first = api.say(session_id, "One")
    api.say(session_id, "Two")
    sent = last_asked(simulator)
    assert unmarked(sent["system"]) == [{"type": "text", "text": "Be brief."}]
    assert [one["role"] for one in sent["messages"]] == ["user", "assistant", "user"]
    kept = unmarked(sent["messages"][1]["content"])
    assert kept == first["content"], "thinking included, while nothing was cut"


def test_the_cache_is_marked_after_the_system_where_it_stood_and_at_the_end(
    api: Api, simulator: Simulator
) -> None:
    session_id = api.session(system="Be brief.")
    for text in ("One", "Two", "Three"):
        api.say(session_id, text)
    sent = last_asked(simulator)
    places, lives = zip(*markers_of(sent), strict=True)
    assert places == ("system/0", "messages/2/0", "messages/4/0")
    assert (lives[0], len(set(lives[1:]))) == ("1h", 1), "what lives longer stands first"
    assert "cache_control" not in sent, "no marker that moves by itself"


def test_the_messages_word_wins_over_the_sessions_and_that_over_the_defaults(
    api: Api, simulator: Simulator
) -> None:
    session_id = api.session(model="claude-opus-5-5", system="Session.", max_tokens=500)
    api.say(session_id, "Hello")
    assert wanted(simulator) == ("claude-opus-5-5", "Session.", 500)
    api.say(session_id, "Hello", model="claude-haiku-5-5", system="Message.", max_tokens=300)
    assert wanted(simulator) == ("claude-haiku-5-5", "Message.", 300)
    api.say(api.session(), "Hello")
    assert wanted(simulator) == ("claude-sonnet-5-5", None, 8192)


def test_thinking_of_another_model_is_not_sent_back(api: Api, simulator: Simulator) -> None:
    session_id = api.session(model="claude-opus-5-5")
    api.say(session_id, "Hello")
    api.say(session_id, "Again", model="claude-sonnet-5-5")
    kinds = [block["type"] for one in last_asked(simulator)["messages"] for block in one["content"]]
    assert kinds == ["text", "text", "text"]


def test_images_and_documents_are_sent_as_they_came(api: Api, simulator: Simulator) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    pdf = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"},
    }
    content = [image, pdf, {"type": "text", "text": "What is this?"}]
    api.say(api.session(), content)
    assert unmarked(last_asked(simulator)["messages"][0]["content"]) == content


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ("", "/content/0/text"),
        ("  ", "/content/0/text"),
        ([], "/content"),
        (7, "/content"),
        (["text"], "/content/0"),
        ([{"type": "text"}], "/content/0/text"),
        ([{"type": "video"}], "/content/0/type"),
        ([{"type": "tool_result", "tool_use_id": "a"}], "/content/0/type"),
        (
            [{"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": PIXEL}}],
            "/content/0/source",
        ),
        (
            [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}],
            "/content/0/source",
        ),
    ],
)
def test_wrong_content_is_refused_before_anything_is_stored(api: Api, content: Any, pointer: str) -> None:
    session_id = api.session()
    answer = api.send_to(session_id, content)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer), answer.text
    assert api.path(session_id) == []


def test_a_stream_is_claudes_own_between_ours(api: Api) -> None:
    session_id = api.session()
    events = api.events(f"/sessions/{session_id}/messages", content="Hello")
    names = [one.name for one in events]
    message_id = events[0].payload["message_id"]
    assert names[0] == "colloquy.turn"
    assert names[-1] == "colloquy.done"
    assert names[1:3] == ["colloquy.context", "message_start"]
    assert names[-3:-1] == ["message_stop", "colloquy.receipt"]
    assert [one.id for one in events] == [f"{message_id}:{n}" for n in range(1, len(events) + 1)]
    assert events[-1].payload["status"] == "complete"
    stored = api.get(f"/messages/{message_id}").json()
    assert events[1].payload == {"type": "colloquy.context", **stored["context"]}
    deltas = [one.payload["delta"] for one in events if one.name == "content_block_delta"]
    assert "".join(one.get("text", "") for one in deltas) == text_of(stored)


def test_a_stream_may_be_asked_for_by_the_accept_header(api: Api) -> None:
    answer = api.post("/messages", json={"content": "Hello"}, headers={"Accept": "text/event-stream"})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-cache, no-transform"
    assert answer.headers["X-Accel-Buffering"] == "no"


def test_the_message_that_is_sent_twice_at_once_finds_the_session_busy(api: Api) -> None:
    session_id = api.session()
    with api.sending(session_id, "[[reply: words=40 seconds_per_event=0.05]]") as chunks:
        next(chunks)
        answer = api.send_to(session_id, "Me too")
    assert answer.status_code == 409
    assert answer.json()["code"] == "session_busy"
    assert answer.headers["Retry-After"]


def test_a_client_that_leaves_changes_nothing(api: Api) -> None:
    session_id = api.session()
    with api.sending(session_id, "[[reply: words=20 seconds_per_event=0.02]]") as chunks:
        next(chunks)
    api.wait_until_idle(session_id)
    assert api.path(session_id)[-1]["status"] == "complete"


def test_a_session_counts_what_it_used(api: Api) -> None:
    session_id = api.session()
    first, second = api.say(session_id, "One")["usage"], api.say(session_id, "Two")["usage"]
    totals = api.get(f"/sessions/{session_id}").json()["totals"]
    assert totals["messages"] == 4
    assert totals["output_tokens"] == first["output_tokens"] + second["output_tokens"]
    assert totals["prompt_tokens"] == first["prompt_tokens"] + second["prompt_tokens"]


def test_a_long_history_is_cut_to_whole_turns_and_still_answered(api: Api, simulator: Simulator) -> None:
    session_id = api.session(model="claude-simulator-8k", max_tokens=1000)
    for number in range(12):
        api.say(session_id, f"Number {number}: " + "some words to fill the window, " * 80)
    sent = last_asked(simulator)["messages"]
    path = api.path(session_id)
    assert len(path) == 24
    assert len(sent) < 23
    assert sent[0]["role"] == "user"
    recalled, newest = sent[-1]["content"]
    assert recalled["text"].startswith("Earlier messages of this conversation")
    assert newest["text"] == path[-2]["content"][0]["text"]


def test_a_message_that_cannot_fit_is_refused_and_says_what_takes_the_room(api: Api) -> None:
    session_id = api.session(model="claude-simulator-8k", max_tokens=1000)
    answer = api.send_to(session_id, "word " * 20_000)
    body = answer.json()
    assert answer.status_code == 422
    assert body["code"] == "context_overflow"
    assert {one["pointer"] for one in body["errors"]} == {"/content", "/system", "/context", "/max_tokens"}
    assert api.path(session_id) == []


def test_who_waits_for_the_turn_is_answered_in_the_order_of_coming(api: Api) -> None:
    session_id = api.session()
    sent = list[threading.Thread]()
    with api.sending(session_id, "[[reply: words=40 seconds_per_event=0.05]] first") as chunks:
        next(chunks)
        for text in ("second", "third"):
            sent.append(
                threading.Thread(target=api.say, args=(session_id, text), kwargs={"on_busy": "queue"})
            )
            sent[-1].start()
            time.sleep(0.2)
        assert api.send_to(session_id, "reject", on_busy="reject").status_code == 409
        assert api.get(f"/sessions/{session_id}").json()["totals"]["messages"] == 2
    for one in sent:
        one.join(30)
    said = [one["content"][0]["text"] for one in api.path(session_id) if one["role"] == "user"]
    assert [text.split()[-1] for text in said] == ["first", "second", "third"]
    assert {one["status"] for one in api.path(session_id)} == {"complete"}


def test_who_waits_too_long_finds_the_session_busy(variant: Callable[..., Api]) -> None:
    impatient = variant(queue_seconds=0.3)
    session_id = impatient.session()
    with impatient.sending(session_id, "[[reply: words=200 seconds_per_event=0.05]]") as chunks:
        next(chunks)
        refused = impatient.send_to(session_id, "Me too", on_busy="queue")
        assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
        message_id = impatient.path(session_id)[-1]["id"]
        assert impatient.post(f"/messages/{message_id}/cancel").status_code == 200
    assert len(impatient.path(session_id)) == 2


def test_an_unknown_way_to_wait_is_refused(api: Api) -> None:
    refused = api.send_to(api.session(), "Hello", on_busy="push")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/on_busy")
