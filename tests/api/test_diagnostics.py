"""What Claude is asked of its cache, and what becomes of its word, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.claude.simulator import Simulator
from app.models.messages import Message
from app.services.transactions import reading
from tests.support import Api, asked, last_asked
from tests.upstreams import Refusal, before

WORDS = "Some words that fill the prompt, so that there is something to be cached. " * 60


def never_said() -> str:
    """A long text that no cache has."""
    return f"{uuid4()} {WORDS}"


def previous_id(simulator: Simulator) -> Any:
    return last_asked(simulator)["diagnostics"]["previous_message_id"]


def upstream_id(app: Flask, message_id: str) -> str | None:
    with app.app_context(), reading() as session:
        found = select(Message).where(Message.id == message_id).options(undefer(Message.upstream_id))
        return session.scalars(found).one().upstream_id


def test_each_request_names_the_answer_before_it_on_its_path(
    app: Flask, api: Api, simulator: Simulator
) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    assert previous_id(simulator) is None
    second = api.say(session_id, "Two")
    assert previous_id(simulator) == upstream_id(app, first["id"])
    api.say(session_id, "Three")
    assert previous_id(simulator) == upstream_id(app, second["id"])
    api.say(session_id, "Another two", parent_id=first["id"])
    assert previous_id(simulator) == upstream_id(app, first["id"])
    api.post(f"/messages/{second['id']}/regenerate")
    assert previous_id(simulator) == upstream_id(app, first["id"])


@pytest.mark.parametrize("ending", ["[[fault: cut after=6]]", "[[fault: error after=6]]"])
def test_an_answer_that_broke_off_is_the_one_before_as_well(
    app: Flask, api: Api, simulator: Simulator, ending: str
) -> None:
    session_id = api.session()
    broken = api.send_to(session_id, f"{ending} Hello").json()["message_id"]
    api.say(session_id, "And now?")
    assert previous_id(simulator) == upstream_id(app, broken) is not None


def test_what_failed_before_claude_began_has_no_id_and_the_one_before_counts(
    app: Flask, api: Api, simulator: Simulator
) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    failed = api.send_to(session_id, "[[fault: status=400]]").json()["message_id"]
    assert upstream_id(app, failed) is None
    api.say(session_id, "Three")
    assert previous_id(simulator) == upstream_id(app, first["id"])


def test_a_fork_goes_on_after_the_same_answer(app: Flask, api: Api, simulator: Simulator) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    fork = api.post(f"/sessions/{session_id}/fork", json={"message_id": first["id"]}).json()
    api.say(fork["id"], "Two")
    assert previous_id(simulator) == upstream_id(app, first["id"])


def test_the_receipt_says_why_less_was_read_than_foreseen(variant: Callable[..., Api]) -> None:
    access, elsewhere = variant(), variant(anthropic_api_key="sk-ant-another-key")
    elsewhere.headers["Authorization"] = access.headers["Authorization"]
    session_id = access.session()
    for text in (never_said(), "Two"):
        message = access.say(session_id, text)
    told = access.get(f"/messages/{message['id']}/receipt").json()
    assert message["usage"]["cache_read_tokens"] > 500
    assert told["cache_miss_reason"] is None
    # Another account of Claude's has another cache.
    message = elsewhere.say(session_id, "Three")
    told = elsewhere.get(f"/messages/{message['id']}/receipt").json()
    assert message["usage"]["cache_read_tokens"] == 0
    assert told["forecast_read_tokens"] > 500
    assert told["cache_miss_reason"] == "previous_message_not_found"


def test_a_server_that_knows_no_diagnostics_loses_no_turn_and_is_asked_once(
    variant: Callable[..., Api], simulator: Simulator
) -> None:
    refused: list[Any] = []

    def refuse(path: str, body: Any) -> Refusal | None:
        if "diagnostics" not in body:
            return None
        refused.append(body)
        return 400, "diagnostics: Extra inputs are not permitted"

    with before(simulator.base_url, refuse) as url:
        access = variant(anthropic_base_url=url)
        session_id = access.session()
        for text in ("One", "Two", "Three"):
            assert access.say(session_id, text)["status"] == "complete"
    assert len(refused) == 1
    assert "diagnostics" not in last_asked(simulator)


def test_what_is_refused_for_another_reason_is_refused_twice_until_claude_has_answered_once(
    variant: Callable[..., Api], simulator: Simulator
) -> None:
    access = variant()

    def tries() -> int:
        text = f"[[fault: status=400]] {never_said()}"
        answer = access.post("/messages", json={"content": text})
        assert (answer.status_code, answer.json()["code"]) == (422, "upstream_rejected")
        return sum(text in str(body) for body in asked(simulator))

    assert [tries(), tries()] == [2, 2]
    access.post("/messages", json={"content": "Hello"})
    assert "diagnostics" in last_asked(simulator)
    assert tries() == 1


def test_usage_is_charged_for_speed_searches_and_writes_without_a_split(api: Api) -> None:
    session_id = api.session(model="claude-opus-5-5")
    message = api.say(session_id, f"{never_said()} [[reply: web_searches=2 speed=fast split=no text=Yes]]")
    used = message["usage"]
    assert (used["cache_write_1h_tokens"], used["cache_read_tokens"]) == (0, 0)
    assert used["cache_write_5m_tokens"] > 500
    receipt = api.get(f"/messages/{message['id']}/receipt").json()
    assert (receipt["speed"], receipt["web_searches"], receipt["estimated"]) == ("fast", 2, False)
    assert receipt["cost_nano_usd"] == (
        used["input_tokens"] * 8_000
        + used["cache_write_5m_tokens"] * 10_000
        + used["output_tokens"] * 40_000
        + 2 * 10_000_000
    )
