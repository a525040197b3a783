"""Prompts that Claude counts larger than was expected, and counts it is asked for, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.claude.simulator import Simulator
from app.models.calls import Call
from app.services.transactions import reading
from tests.support import Answer, Api, asked, events_of, last_asked
from tests.upstreams import Refusal, before

COUNT = "/v1/messages/count_tokens"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"},
}
LONG = "some words to fill the window with, " * 40
MOST_TOKENS = 4_000
SMALL_MODEL = {"model": "claude-simulator-8k", "max_tokens": 500}


@dataclass
class Strict:
    """A Claude that finds the next prompts too long, so many of them."""

    times: int = 0
    counted_tokens: int = 5_000
    refused: list[Any] = field(default_factory=list)

    def __call__(self, path: str, body: Any) -> Refusal | None:
        if not path.startswith("/v1/messages") or path.startswith(COUNT) or not self.times:
            return None
        self.times -= 1
        self.refused.append(body)
        return 400, f"prompt is too long: {self.counted_tokens} tokens > {MOST_TOKENS} maximum"


def talked(access: Api, turns: int = 8) -> str:
    session_id = access.session()
    for number in range(turns):
        access.say(session_id, f"Number {number}: {LONG}")
    return session_id


@pytest.fixture
def strict() -> Strict:
    return Strict()


@pytest.fixture
def access(strict: Strict, simulator: Simulator, variant: Callable[..., Api]) -> Any:
    with before(simulator.base_url, strict) as url:
        yield variant(anthropic_base_url=url)


def test_a_prompt_that_claude_finds_too_long_is_shortened_once_and_answered(
    access: Api, strict: Strict, simulator: Simulator
) -> None:
    session_id = talked(access)
    strict.times = 1
    events = access.events(f"/sessions/{session_id}/messages", content="And now?")
    names = [one.name for one in events]
    assert names[:4] == ["colloquy.turn", "colloquy.context", "colloquy.context", "message_start"]
    assert names.count("colloquy.context") == 2
    planned, sent = (one.payload for one in events[1:3])
    message = access.path(session_id)[-1]
    assert (message["status"], message["repairs"]) == ("complete", ["shortened"])
    assert sent == {"type": "colloquy.context", **message["context"]}
    assert sent["messages"][0]["as"] == "left_out"
    assert (planned["cut"], sent["cut"]) == (None, "high_water")
    assert len(last_asked(simulator)["messages"]) < len(strict.refused[0]["messages"])
    assert message["usage"]["prompt_tokens"] < MOST_TOKENS
    assert events_of(access.get(f"/messages/{message['id']}/events").text) == events
    after = access.say(session_id, "Go on")
    assert (after["repairs"], after["context"]["cut"]) == ([], None), "the cut stays"
    assert after["context"]["messages"][0] == sent["messages"][0]


def test_what_is_too_long_once_more_fails_and_says_so(access: Api, strict: Strict) -> None:
    session_id = talked(access)
    strict.times = 2
    refused = access.send_to(session_id, "And now?")
    assert (refused.status_code, refused.json()["code"]) == (422, "context_overflow")
    assert len(strict.refused) == 2, "it is tried again once"
    failed = access.get(f"/messages/{refused.json()['message_id']}").json()
    assert (failed["status"], failed["repairs"]) == ("failed", ["shortened"])
    assert access.say(session_id, "Go on")["status"] == "complete"


def test_a_newest_message_that_cannot_be_shortened_fails_and_names_what_takes_the_room(
    access: Api, strict: Strict
) -> None:
    strict.times = 1
    refused = access.send_to(access.session(), "word " * 3_000)
    assert (refused.status_code, refused.json()["code"]) == (422, "context_overflow")
    assert {one["pointer"] for one in refused.json()["errors"]} >= {"/content", "/max_tokens"}
    assert len(strict.refused) == 1


def calls_of(app: Flask) -> list[tuple[str, str, str | None, int | None]]:
    with app.app_context(), reading() as session:
        rows = session.scalars(select(Call).order_by(Call.id)).all()
        return [(one.purpose, one.status, one.error, one.input_tokens) for one in rows]


@pytest.mark.parametrize("file", [IMAGE, PDF])
def test_a_file_is_counted_by_claude_once_for_the_preflight_and_the_send(
    app: Flask, api: Api, simulator: Simulator, file: dict[str, Any]
) -> None:
    session_id = api.session()
    api.say(session_id, "Hello")
    assert calls_of(app) == []
    before_, body = len(asked(simulator, COUNT)), {"content": [file, {"type": "text", "text": "What is it?"}]}
    plan = api.post(f"/sessions/{session_id}/preflight", json=body).json()
    answer = api.say(session_id, body["content"], expect_plan=plan["plan"])
    counted = answer["usage"]["prompt_tokens"]
    assert len(asked(simulator, COUNT)) == before_ + 1
    assert calls_of(app) == [("count", "done", None, counted)]
    assert plan["context"]["method"] == answer["context"]["method"] == "exact"
    assert plan["input_tokens"] == plan["greatest_input_tokens"] == counted
    later = api.say(session_id, "And then?")
    assert len(asked(simulator, COUNT)) == before_ + 1, "it is known from then on"
    assert later["context"]["method"] == "estimate"
    assert abs(later["usage"]["prompt_tokens"] - later["context"]["prompt_tokens"]) < 20


def test_what_may_or_may_not_fit_is_counted(app: Flask, api: Api) -> None:
    session_id = api.session(**SMALL_MODEL)
    answer = api.say(session_id, "word " * 3_400)
    assert answer["context"]["method"] == "exact"
    assert calls_of(app) == [("count", "done", None, answer["usage"]["prompt_tokens"])]
    assert answer["max_tokens"] if "max_tokens" in answer else answer["context"]["max_tokens"] <= 500


def test_without_a_count_the_turn_goes_on(
    simulator: Simulator, variant: Callable[..., Api], app: Flask
) -> None:
    def refuse(path: str, _: Any) -> Refusal | None:
        return (400, "no counting here") if path.startswith(COUNT) else None

    with before(simulator.base_url, refuse) as url:
        access = variant(anthropic_base_url=url)
        answer: Answer = access.send_to(access.session(), [IMAGE, {"type": "text", "text": "What is it?"}])
    message = answer.json()["message"]
    assert (message["status"], message["context"]["method"]) == ("complete", "estimate")
    assert calls_of(app) == [("count", "failed", "upstream_rejected", None)]
