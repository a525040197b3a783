"""Our stream, read by the official client's parser, and by many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import anthropic
import httpx2
from anthropic.lib.streaming import MessageStream
from anthropic.types import RawMessageStreamEvent

from tests.support import Api, text_of

SLOW = "[[reply: words=40 seconds_per_event=0.15]]"
LISTENERS = 30


def test_the_official_clients_parser_reads_it(api: Api) -> None:
    session_id = api.session()
    body = {"content": "[[reply: words=20]]", "stream": True}
    with (
        anthropic.Anthropic(api_key="k") as official,
        api.stream("POST", f"/sessions/{session_id}/messages", json=body) as answer,
    ):
        raw = anthropic.Stream[RawMessageStreamEvent](
            cast_to=RawMessageStreamEvent,  # type: ignore[arg-type]
            response=answer,
            client=official,
        )
        message = MessageStream(raw, output_format=anthropic.NOT_GIVEN).get_final_message()  # type: ignore[arg-type]
    stored = api.path(session_id)[-1]
    assert [block.to_dict() for block in message.content] == stored["content"]
    assert message.stop_reason == stored["stop_reason"] == "end_turn"
    assert message.usage.output_tokens == stored["usage"]["output_tokens"]


def test_claudes_payloads_pass_to_the_letter(api: Api) -> None:
    answer = api.post("/messages", json={"content": "Hello", "stream": True})
    line = next(line for line in answer.text.split("\n") if '"message_start"' in line)
    assert line.startswith('data: {"type": "message_start", "message": {"id": "msg_sim_'), "spaces and all"


def test_deltas_come_as_they_are_made_to_many_at_once(api: Api) -> None:
    begun, ended = threading.Barrier(LISTENERS + 1), []

    def listen() -> None:
        with (
            httpx2.Client(base_url=api.base_url, headers=api.headers, timeout=30) as own,
            own.stream("POST", "/messages", json={"content": SLOW, "stream": True}) as answer,
        ):
            chunks = answer.iter_bytes()
            next(chunks)
            begun.wait()
            ended.append(sum(1 for _ in chunks))

    listeners = [threading.Thread(target=listen) for _ in range(LISTENERS)]
    for one in listeners:
        one.start()
    begun.wait()
    assert "simulator" in text_of(api.say(api.session(), "Quick"))
    assert ended == [], "a request in between is not held up until the streams end"
    for one in listeners:
        one.join()
    assert len(ended) == LISTENERS
    assert all(chunks > 3 for chunks in ended), "what comes together is sent together, the rest as it comes"


def test_silence_is_broken_by_comments(variant: Callable[..., Api]) -> None:
    access: Api = variant(ping_seconds=0.05)
    answer = access.post(
        "/messages", json={"content": "[[reply: words=6 seconds_per_event=0.2]]", "stream": True}
    )
    assert "\n\n: ping\n\n" in answer.text


def test_a_head_request_is_answered_without_a_body(api: Api) -> None:
    answer = api.head("/sessions")
    assert (answer.status_code, answer.content) == (200, b"")
