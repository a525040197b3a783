"""A turn whose process died ends as `interrupted` with what it said, and the session goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psutil
import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update

from app.claude.events import Event
from app.models.base import now
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.traces import Trace
from app.models.turn_events import TurnEvents
from app.models.turns import Turn
from app.services import leases, logs, processes
from app.services.transactions import reading, writing
from config import Config
from tests.conftest import made
from tests.support import Api, events_of, text_of

WEATHER = {"name": "weather", "input_schema": {"type": "object"}}
Keep = Callable[[list[Event]], list[Event]]
HOST = processes.name().rsplit(":", 2)[0]
SAID = 5  # events that the dead process had written: up to the first text


def but_the_done(events: list[Event]) -> list[Event]:
    return [one for one in events if one.name != "colloquy.done"]


def the_first(events: list[Event]) -> list[Event]:
    return events[:SAID]


def orphaned(app: Flask, api: Api, keep: Keep, text_: str = "[[reply: words=20]]", **settings: Any) -> str:
    """A session whose answer was begun by a process that is gone, with these events of its log."""
    session_id = api.session(**settings)
    message_id = api.say(session_id, text_)["id"]
    with app.app_context(), writing() as session:
        kept = keep(logs.stored(session, message_id))
        session.execute(delete(TurnEvents).where(TurnEvents.message_id == message_id))
        session.execute(text("DELETE FROM message_index"))
        logs.store(session, message_id, 0, kept)
        answer = session.scalars(select(Message).where(Message.id == message_id)).one()
        leases.take(session, session_id, message_id, "req_dead")
        session.execute(update(Turn).values(holder="elsewhere:1:0"))
        answer.status, answer.content, answer.output_tokens, answer.awaits = "running", [], None, None
    return session_id


@pytest.fixture(autouse=True)
def without_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "GRACE_SECONDS", 0)


@pytest.fixture
def orphan(app: Flask, api: Api) -> str:
    """A session whose answer broke off with its process."""
    return orphaned(app, api, the_first)


def set_turn(app: Flask, **values: object) -> None:
    with app.app_context(), writing() as session:
        session.execute(update(Turn).values(**values))


def run_out(app: Flask, **values: object) -> None:
    set_turn(app, leased_until=now() - timedelta(seconds=1), **values)


def recover(app: Flask) -> int:
    with app.app_context():
        return leases.recover()


def test_a_turn_is_believed_in_while_its_lease_runs(app: Flask, api: Api, orphan: str) -> None:
    assert recover(app) == 0
    assert api.get(f"/sessions/{orphan}").json()["status"] == "running"
    assert api.send_to(orphan, "Now?").status_code == 409


def test_when_the_lease_ran_out_the_answer_is_interrupted_and_the_session_goes_on(
    app: Flask, api: Api, orphan: str
) -> None:
    run_out(app)
    assert recover(app) == 1
    assert api.path(orphan)[-1]["status"] == "interrupted"
    assert api.get(f"/sessions/{orphan}").json()["status"] == "idle"
    assert api.send_to(orphan, "Now?").status_code == 201
    assert recover(app) == 0


def test_what_was_said_is_kept_and_the_log_ends_with_the_reason(app: Flask, api: Api, orphan: str) -> None:
    message_id = api.path(orphan)[-1]["id"]
    before = api.get(f"/messages/{message_id}").json()
    run_out(app)
    recover(app)
    after = api.get(f"/messages/{message_id}").json()
    events = events_of(api.get(f"/messages/{message_id}/events").text)
    assert [one.id for one in events] == [f"{message_id}:{n}" for n in range(1, SAID + 3)]
    assert [one.name for one in events][-2:] == ["error", "colloquy.done"]
    assert after["error"] == events[-2].payload | {"type": after["error"]["type"]}
    assert (after["error"]["code"], after["error"]["request_id"]) == ("turn_interrupted", "req_dead")
    assert before["content"] == []
    assert [block["type"] for block in after["content"]] == ["thinking"]
    assert after["usage"]["prompt_tokens"] > 0


def test_an_answer_that_was_whole_is_complete_although_its_process_died_then(app: Flask, api: Api) -> None:
    session_id = orphaned(app, api, but_the_done)
    run_out(app)
    assert recover(app) == 1
    answer = api.path(session_id)[-1]
    assert (answer["status"], answer["error"]) == ("complete", None)
    assert len(text_of(answer).split()) == 20


def test_an_answer_that_waits_for_the_client_waits_on_although_its_process_died(app: Flask, api: Api) -> None:
    session_id = orphaned(app, api, but_the_done, "[[reply: tool=weather]]", tools=[WEATHER])
    run_out(app)
    assert recover(app) == 1
    answer = api.path(session_id)[-1]
    assert (answer["status"], answer["error"]) == ("requires_action", None)
    results = [{"tool_use_id": answer["awaits"][0]["tool_use_id"], "content": "14 °C"}]
    done = api.post(f"/messages/{answer['id']}/tool_results", json={"results": results})
    assert done.json()["message"]["status"] == "complete"


def test_tools_of_the_servers_that_may_have_been_at_work_are_not_used_again(app: Flask, api: Api) -> None:
    session_id = orphaned(app, api, but_the_done, "[[reply: tool=weather]]", tools=[WEATHER])
    api.patch(f"/sessions/{session_id}", json={"tools": None})  # so that it is nobody's but the server's
    run_out(app)
    assert recover(app) == 1
    answer = api.path(session_id)[-1]
    assert (answer["status"], answer["error"]["code"]) == ("interrupted", "turn_interrupted")
    assert answer["content"][-1]["type"] == "tool_use"
    assert api.say(session_id, "Now?")["status"] == "complete"


def test_of_a_turn_whose_process_died_the_trace_says_so(app: Flask, api: Api, orphan: str) -> None:
    with app.app_context(), writing() as session:
        session.execute(delete(Trace))
    run_out(app)
    recover(app)
    trace = api.get(f"/messages/{api.path(orphan)[-1]['id']}/trace").json()
    assert (trace["status"], trace["output"]["error"]) == ("error", "turn_interrupted")


def test_one_that_was_to_be_cancelled_when_its_process_died_is_cancelled(
    app: Flask, api: Api, orphan: str
) -> None:
    run_out(app, is_cancelled=True)
    assert recover(app) == 1
    answer = api.path(orphan)[-1]
    assert (answer["status"], answer["error"]) == ("cancelled", None)


def test_a_sign_of_life_in_the_last_moment_counts(app: Flask, orphan: str) -> None:
    run_out(app)
    with app.app_context():
        with writing() as session:
            seen = session.scalars(select(Turn)).one()
        set_turn(app, leased_until=now() + timedelta(seconds=60))
        assert not leases._interrupt(seen)
    assert recover(app) == 0


@pytest.mark.parametrize("number", [2**22 + 1, 0])
def test_a_process_of_this_host_that_is_gone_is_not_waited_for(
    app: Flask, api: Api, orphan: str, number: int
) -> None:
    earlier = f"{processes.name().rpartition(':')[0]}:0"  # it had the number that this one has now
    set_turn(app, holder=f"{HOST}:{number}:0" if number else earlier)
    assert recover(app) == 1
    assert api.path(orphan)[-1]["status"] == "interrupted"


@pytest.mark.skipif(not psutil.LINUX, reason="Linux tells")
def test_a_process_that_has_ended_is_not_waited_for_until_its_parent_notices(app: Flask, orphan: str) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        set_turn(app, holder=f"{HOST}:{ended.pid}:0")
        assert recover(app) == 1


def test_a_turn_of_this_process_is_not_given_up_before_it_is_handed_over(app: Flask, orphan: str) -> None:
    set_turn(app, holder=processes.name())
    assert recover(app) == 0


def test_a_living_process_of_this_host_is_believed(app: Flask, orphan: str) -> None:
    set_turn(app, holder=f"{HOST}:1:0")
    assert recover(app) == 0


@pytest.mark.parametrize(
    ("holder", "is_read"), [("elsewhere:1:0", False), (f"{HOST}:1:0", False), (f"{HOST}:{2**22 + 1}:0", True)]
)
def test_only_turns_are_read_whose_process_may_be_gone(
    app: Flask, orphan: str, holder: str, is_read: bool
) -> None:
    set_turn(app, holder=holder)
    with app.app_context():
        with reading() as session:
            assert len(leases._doubtful(session)) == is_read
        run_out(app)
        with reading() as session:
            assert len(leases._doubtful(session)) == 1


def test_a_sign_of_life_is_given_for_the_turns_of_this_process_alone(app: Flask, orphan: str) -> None:
    run_out(app)
    with app.app_context():
        leases.renew()
    assert recover(app) == 1, "it is not made here"


def test_a_lease_that_ran_out_must_also_stand_still_for_a_while(
    app: Flask, orphan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "GRACE_SECONDS", 0.2)
    set_turn(app, leased_until=now() - timedelta(seconds=2))
    assert recover(app) == 0
    set_turn(app, leased_until=now() - timedelta(seconds=1))
    time.sleep(0.25)
    assert recover(app) == 0, "it was renewed meanwhile, by a clock that is behind"
    time.sleep(0.25)
    assert recover(app) == 1


def test_one_turn_that_cannot_be_ended_does_not_keep_others_from_it(
    app: Flask, api: Api, orphan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = api.session()
    message = api.say(other, "Hello")
    with app.app_context(), writing() as session:
        row = session.scalars(select(Message).where(Message.id == message["id"])).one()
        row.status = "running"
        leases.take(session, other, row.id, "req_x")
    set_turn(app, holder="elsewhere:1:x", leased_until=now() - timedelta(seconds=1))
    with app.app_context(), writing() as session:
        session.execute(
            update(TurnEvents).values(events="nonsense").where(TurnEvents.message_id == message["id"])
        )
    assert recover(app) == 1
    assert api.path(orphan)[-1]["status"] == "interrupted"


def test_an_answer_whose_session_another_process_deleted_is_stopped(
    app: Flask, api: Api, config: Config
) -> None:
    session_id = api.session()
    kept = api.session()
    with api.sending(session_id, "[[reply: words=400 seconds_per_event=0.05]]") as chunks:
        next(chunks)
        with api.sending(kept, "[[reply: words=10 seconds_per_event=0.05]]") as others:
            next(others)
            with made(config) as elsewhere, elsewhere.app_context(), writing() as session:
                session.execute(delete(ChatSession).where(ChatSession.id == session_id))
            with app.app_context():
                leases.stop_unwanted()
            began_at = time.monotonic()
            rest = b"".join(chunks)
            assert time.monotonic() - began_at < 5, "it would have talked for twenty seconds"
            assert b"colloquy.done" in rest
            b"".join(others)
    assert api.path(kept)[-1]["status"] == "complete", "the others go on"


def test_events_are_pruned_a_turn_at_a_time_and_whole(app: Flask, api: Api) -> None:
    session_id = api.session()
    ids = [api.say(session_id, f"Number {number}")["id"] for number in range(3)]
    old, young = now() - timedelta(days=3), now()
    with app.app_context():
        with writing() as session:
            session.execute(update(TurnEvents).values(written_at=old))
            last = select(func.max(TurnEvents.first)).where(TurnEvents.message_id == ids[1]).scalar_subquery()
            its_end = (TurnEvents.message_id == ids[1]) & (TurnEvents.first == last)
            session.execute(update(TurnEvents).where(its_end).values(written_at=young))
        leases.prune()
    found = [api.get(f"/messages/{one}/events").status_code for one in ids]
    assert found == [410, 200, 410], "one that ended just now is kept from its first event"
    assert events_of(api.get(f"/messages/{ids[1]}/events").text)[0].name == "colloquy.turn"
