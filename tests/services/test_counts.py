"""Claude's own counts: asked for once for the same prompt and person, and noted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.claude.simulator import Simulator
from app.models.calls import Call
from app.services import counts, sessions
from app.services.counts import Owner
from app.services.identity import Caller
from app.services.transactions import reading
from config import Config
from tests.conftest import made
from tests.support import asked

COUNT = "/v1/messages/count_tokens"


def request(text: str = "Hello", **values: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": [{"type": "text", "text": text}]}]
    return {"model": "claude-sonnet-5-5", "messages": said, **values}


def rows() -> list[Call]:
    with reading() as session:
        return list(session.scalars(select(Call).order_by(Call.id)))


def test_a_prompt_is_counted_once_and_the_count_is_noted(ada: Caller, simulator: Simulator) -> None:
    session_id = sessions.create(ada, {}).chat.id
    before = len(asked(simulator, COUNT))
    first = counts.count(Owner(ada.user_id, session_id), request())
    assert first == counts.count(Owner(ada.user_id, session_id), request()) == 6
    assert len(asked(simulator, COUNT)) == before + 1
    (row,) = rows()
    assert (row.purpose, row.status, row.error, row.input_tokens) == ("count", "done", None, first)
    assert (row.user_id, row.session_id, row.model) == (ada.user_id, session_id, "claude-sonnet-5-5")
    assert row.ended_at is not None
    assert row.ended_at >= row.created_at


def test_what_was_counted_before_there_was_a_session_is_known_in_it(
    ada: Caller, simulator: Simulator
) -> None:
    before = len(asked(simulator, COUNT))
    session_id = sessions.create(ada, {}).chat.id
    found = {counts.count(Owner(ada.user_id, one), request()) for one in (None, session_id)}
    assert len(found) == 1
    assert len(asked(simulator, COUNT)) == before + 1


def test_another_prompt_and_another_person_are_counted_anew(
    ada: Caller, bob: Caller, simulator: Simulator
) -> None:
    before = len(asked(simulator, COUNT))
    for one in (request(), request("Hello!"), request(model="claude-haiku-4-5"), request(system="Be brief.")):
        assert counts.count(Owner(ada.user_id), one)
    assert counts.count(Owner(bob.user_id), request())
    assert len(asked(simulator, COUNT)) == before + 5
    assert [one.user_id for one in rows()] == [ada.user_id] * 4 + [bob.user_id]


def test_a_count_that_fails_is_noted_and_asked_for_again(ada: Caller, config: Config) -> None:
    owner = Owner(ada.user_id)
    with made(replace(config, anthropic_base_url="http://127.0.0.1:9")) as app, app.app_context():
        assert counts.count(owner, request()) is None
    assert [(one.status, one.error, one.input_tokens) for one in rows()] == [
        ("failed", "upstream_failed", None)
    ]
    assert counts.count(owner, request()) == 6
    assert [one.status for one in rows()] == ["failed", "done"]


def test_a_deleted_session_takes_its_calls_along(app: Flask, ada: Caller) -> None:
    session_id = sessions.create(ada, {}).chat.id
    counts.count(Owner(ada.user_id, session_id), request())
    sessions.remove(ada, session_id, lambda _: True)
    assert rows() == []
