"""Reading the events of an answer again, and stopping one, over HTTP, on both databases."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.models.base import now
from app.models.turn_events import TurnEvents
from app.services import leases
from app.services.transactions import writing
from tests.support import Answer, Api, Sent, events_of, text_of

SLOW = "[[reply: words=100 seconds_per_event=0.05]]"
KEPT_DAYS = 3  # longer than events are kept


def prune_everything(app: Flask) -> None:
    with app.app_context():
        with writing() as session:
            session.execute(update(TurnEvents).values(written_at=now() - timedelta(days=KEPT_DAYS)))
        leases.prune()


def events_after(api: Api, message_id: str, **how: Any) -> list[Sent]:
    answer = api.get(f"/messages/{message_id}/events", **how)
    assert answer.status_code == 200, answer.text
    return events_of(answer.text)


def running_in(api: Api, session_id: str) -> str:
    """The answer in the making, as soon as there is one."""
    for _ in range(500):
        if path := api.path(session_id):
            return str(path[-1]["id"])
        time.sleep(0.02)
    raise AssertionError("nothing was begun")


def test_the_events_are_read_again_from_any_one_on(api: Api) -> None:
    first = api.events("/messages", content="Hello")
    message_id = first[0].payload["message_id"]
    assert events_after(api, message_id) == first
    for at in (0, 1, 3, len(first) - 1, len(first), len(first) + 7):
        assert events_after(api, message_id, params={"after": at}) == first[at:]
        assert events_after(api, message_id, headers={"Last-Event-ID": f"{message_id}:{at}"}) == first[at:]
    both = {"params": {"after": 2}, "headers": {"Last-Event-ID": f"{message_id}:4"}}
    assert events_after(api, message_id, **both) == first[2:], "the parameter wins"


def test_an_answer_in_the_making_is_followed_to_its_end(api: Api) -> None:
    session_id = api.session()
    with api.sending(session_id, "[[reply: words=20 seconds_per_event=0.05]]") as chunks:
        begin = next(chunks)
        message_id = api.path(session_id)[-1]["id"]
        again = events_after(api, message_id)
        assert events_of((begin + b"".join(chunks)).decode()) == again
    assert (again[0].name, again[-1].name) == ("colloquy.turn", "colloquy.done")


@pytest.mark.parametrize("last", ["7", "nonsense", "{id}", "{id}:", "{id}:-1", "{id}:x", "{id}:99999999999"])
def test_an_odd_last_event_id_is_refused(api: Api, last: str) -> None:
    message_id = api.say(api.session(), "Hello")["id"]
    headers = {"Last-Event-ID": last.format(id=message_id)}
    refused = api.get(f"/messages/{message_id}/events", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/headers/Last-Event-ID"]


@pytest.mark.parametrize("after", ["-1", "1.5", "", "x", "99999999999999999999"])
def test_an_odd_number_of_an_event_is_refused(api: Api, after: str) -> None:
    message_id = api.say(api.session(), "Hello")["id"]
    refused = api.get(f"/messages/{message_id}/events", params={"after": after})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/query/after")


def test_a_question_has_no_events_and_nobody_reads_those_of_others(api: Api, other: Api) -> None:
    answer = api.say(api.session(), "Hello")
    for access, message_id in (
        (api, answer["parent_id"]),
        (other, answer["id"]),
        (other, answer["parent_id"]),
        (api, "msg_00000000000000000000000000"),
    ):
        refused = access.get(f"/messages/{message_id}/events")
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


def test_events_that_are_not_kept_any_more_are_gone_and_it_is_said_where_the_message_is(
    app: Flask, api: Api
) -> None:
    session_id = api.session()
    answer = api.say(session_id, "Hello")
    prune_everything(app)
    gone = api.get(f"/messages/{answer['id']}/events", params={"after": 2})
    assert (gone.status_code, gone.json()["code"]) == (410, "events_gone")
    assert gone.headers["Link"] == f'</messages/{answer["id"]}>; rel="alternate"'
    assert gone.json()["message_url"] == f"/messages/{answer['id']}"
    assert api.get(gone.json()["message_url"]).json() == answer, "the answer itself is kept"
    assert api.say(session_id, "And now?")["status"] == "complete"


def test_a_turn_that_goes_on_keeps_its_events_and_so_does_one_that_ended_just_now(
    app: Flask, api: Api
) -> None:
    session_id = api.session()
    ended = api.events("/messages", content="Hello")
    with app.app_context():
        with writing() as session:
            begin = update(TurnEvents).where(TurnEvents.first == 1)
            session.execute(begin.values(written_at=now() - timedelta(days=KEPT_DAYS)))
        leases.prune()
    assert events_after(api, ended[0].payload["message_id"]) == ended, "its end is young"
    with api.sending(session_id, SLOW) as chunks:
        next(chunks)
        message_id = api.path(session_id)[-1]["id"]
        prune_everything(app)
        assert api.post(f"/messages/{message_id}/cancel").status_code == 200
    begin = [one.name for one in events_after(api, message_id)][:3]
    assert begin == ["colloquy.turn", "colloquy.context", "message_start"]


def test_a_stream_that_is_cancelled_ends_and_what_came_is_kept(api: Api) -> None:
    session_id = api.session()
    with api.sending(session_id, SLOW) as chunks:
        came = next(chunks)
        while b"text_delta" not in came:
            came += next(chunks)
        message_id = api.path(session_id)[-1]["id"]
        cancelled = api.post(f"/messages/{message_id}/cancel")
        came += b"".join(chunks)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    events = events_of(came.decode())
    deltas = [one.payload["delta"] for one in events if one.name == "content_block_delta"]
    said = "".join(one.get("text", "") for one in deltas)
    assert said
    assert (events[-1].name, events[-1].payload["status"]) == ("colloquy.done", "cancelled")
    assert not any(one.name == "error" for one in events), "to be stopped is no failure"
    stored = api.get(f"/messages/{message_id}")
    assert stored.json() == cancelled.json() == api.path(session_id)[-1]
    assert stored.headers["ETag"] == cancelled.headers["ETag"]
    assert (text_of(stored.json()), stored.json()["error"]) == (said, None)
    assert api.get(f"/sessions/{session_id}").json()["status"] == "idle"
    assert api.say(session_id, "Go on")["status"] == "complete"


def test_whoever_waits_for_the_json_gets_what_came_of_a_cancelled_answer(api: Api) -> None:
    session_id, answers = api.session(), list[Answer]()
    sending = threading.Thread(target=lambda: answers.append(api.send_to(session_id, SLOW)), daemon=True)
    sending.start()
    message_id = running_in(api, session_id)
    cancelled = api.post(f"/messages/{message_id}/cancel", json={}).json()
    sending.join(20)
    assert cancelled["status"] == "cancelled"
    assert (answers[0].status_code, answers[0].json()["message"]) == (201, cancelled)
    assert api.post(f"/messages/{message_id}/cancel").json() == cancelled, "once more changes nothing"


def test_an_answer_that_has_ended_stays_as_it_is_and_so_does_a_question(api: Api) -> None:
    session_id = api.session()
    answer = api.say(session_id, "Hello")
    question = api.get(f"/messages/{answer['parent_id']}").json()
    for one in (answer, question):
        unchanged = api.post(f"/messages/{one['id']}/cancel")
        assert (unchanged.status_code, unchanged.json()) == (200, one)
    failed = api.send_to(session_id, "[[fault: status=400]]").json()["message_id"]
    assert api.post(f"/messages/{failed}/cancel").json()["status"] == "failed"


def test_nobody_cancels_the_answer_of_another(api: Api, other: Api) -> None:
    session_id = api.session()
    with api.sending(session_id, SLOW) as chunks:
        next(chunks)
        message_id = api.path(session_id)[-1]["id"]
        assert other.post(f"/messages/{message_id}/cancel").status_code == 404
        assert api.get(f"/messages/{message_id}").json()["status"] == "running"
        assert api.post(f"/messages/{message_id}/cancel").json()["status"] == "cancelled"
