"""Idempotency-Key, over HTTP, on both databases: one request, one effect."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.models.base import now
from app.models.idempotency_keys import IdempotencyKey
from app.models.turn_events import TurnEvents
from app.services import leases
from app.services.transactions import writing
from tests.support import Answer, Api, CountRows, events_of

REPLAYED = "Idempotent-Replayed"
SLOW = "[[reply: words=30 seconds_per_event=0.05]]"
DOCUMENT = {
    "format": "colloquy.session",
    "version": 1,
    "messages": [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}],
}


def post(api: Api, path: str, body: dict[str, Any], key: str = "k", **headers: str) -> Answer:
    return api.post(path, json=body, headers={"Idempotency-Key": key, **headers})


def make_old(app: Flask, **age: float) -> None:
    with app.app_context(), writing() as session:
        session.execute(update(IdempotencyKey).values(created_at=now() - timedelta(**age)))


def check_replay(first: Answer, second: Answer) -> None:
    """The same answer, and the second says that it is a repetition."""
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert second.content == first.content
    assert second.headers["Location"] == first.headers["Location"]
    assert REPLAYED not in first.headers
    assert second.headers[REPLAYED] == "true"


def test_a_message_that_is_sent_twice_with_a_key_is_there_once(api: Api, count_rows: CountRows) -> None:
    session_id = api.session()
    for path in (f"/sessions/{session_id}/messages", "/messages"):
        first = post(api, path, {"content": "Hello", "max_tokens": 300})
        before = count_rows()
        check_replay(first, post(api, path, {"max_tokens": 300, "content": "Hello"}))
        assert count_rows() == before


@pytest.mark.parametrize("name", ["edit", "regenerate", "continue"])
def test_an_act_that_is_repeated_with_a_key_has_its_effect_once(
    api: Api, count_rows: CountRows, name: str
) -> None:
    message = api.say(api.session(), "[[reply: words=500]]", max_tokens=40)
    body = {"content": "Other"} if name == "edit" else {}
    address = f"/messages/{message['parent_id' if name == 'edit' else 'id']}/{name}"
    first = post(api, address, body)
    before = count_rows()
    check_replay(first, post(api, address, body))
    assert count_rows() == before


def test_a_session_that_is_made_twice_with_a_key_is_one_as_it_is_now(api: Api, count_rows: CountRows) -> None:
    first = post(api, "/sessions", {"title": "A", "metadata": {"b": 1, "a": 2}})
    before = count_rows()
    check_replay(first, post(api, "/sessions", {"metadata": {"a": 2, "b": 1}, "title": "A"}))
    api.patch(first.headers["Location"], json={"title": "B"})
    assert post(api, "/sessions", {"title": "A", "metadata": {"b": 1, "a": 2}}).json()["title"] == "B"
    assert count_rows() == before


def test_an_import_and_a_fork_that_are_repeated_with_a_key_make_one_session_each(
    api: Api, count_rows: CountRows
) -> None:
    imported = post(api, "/sessions/import", DOCUMENT)
    before = count_rows()
    check_replay(imported, post(api, "/sessions/import", DOCUMENT))
    assert count_rows() == before
    session_id = imported.json()["id"]
    choice = {"message_id": api.path(session_id)[0]["id"]}
    fork = post(api, f"/sessions/{session_id}/fork", choice)
    before = count_rows()
    check_replay(fork, post(api, f"/sessions/{session_id}/fork", choice))
    assert count_rows() == before
    assert fork.json()["id"] != session_id
    assert api.delete(f"/sessions/{fork.json()['id']}").status_code == 200
    gone = post(api, f"/sessions/{session_id}/fork", choice)
    assert gone.status_code == 404, "what was made is deleted, and not made again"


def test_a_key_stands_for_one_body(api: Api, count_rows: CountRows) -> None:
    session_id = api.session()
    message = api.say(session_id, "One")
    question = message["parent_id"]
    requests: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("/sessions", {"title": "A"}, {"title": "B"}),
        (f"/sessions/{session_id}/messages", {"content": "A"}, {"content": "A", "stream": True}),
        ("/sessions/import", DOCUMENT, {**DOCUMENT, "session": {"title": "B"}}),
        (f"/sessions/{session_id}/fork", {"message_id": question}, {"message_id": message["id"]}),
        (f"/messages/{question}/edit", {"content": "A"}, {"content": "B"}),
        (f"/messages/{message['id']}/regenerate", {}, {"max_tokens": 9}),
    ]
    for path, body, other_body in requests:
        assert post(api, path, body).status_code == 201
        before = count_rows()
        reused = post(api, path, other_body)
        assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused"), path
        assert REPLAYED not in reused.headers
        assert count_rows() == before


@pytest.mark.parametrize("key", ["", "k" * 256, "ä", "a\tb", "漢"])
def test_a_key_that_is_none_is_refused(api: Api, count_rows: CountRows, key: str) -> None:
    before = count_rows()
    headers = {"Idempotency-Key": key.encode(), "Content-Type": "application/json"}
    refused = api.post("/sessions", content=b"{}", headers=headers)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/headers/Idempotency-Key"]
    assert count_rows() == before


def test_a_key_may_be_as_long_as_said_and_hold_any_printable_character(api: Api) -> None:
    for key in ("k" * 255, "! ~\"'%_\\;--"):
        check_replay(post(api, "/sessions", {}, key), post(api, "/sessions", {}, key))


def test_a_key_holds_for_one_person_and_one_address(api: Api, other: Api) -> None:
    first = post(api, "/sessions", {}).json()["id"]
    theirs = post(other, "/sessions", {})
    assert REPLAYED not in theirs.headers
    assert theirs.json()["id"] != first
    second = post(api, "/sessions", {}, "another").json()["id"]
    sent = [post(api, f"/sessions/{one}/messages", {"content": "Hello"}) for one in (first, second)]
    sent.append(post(api, "/messages", {"content": "Hello"}))
    assert {one.status_code for one in sent} == {201}
    assert not any(REPLAYED in one.headers for one in sent)
    assert len({one.json()["message"]["id"] for one in sent}) == 3


def test_a_key_is_forgotten_after_a_day(app: Flask, api: Api, count_rows: CountRows) -> None:
    first = post(api, "/sessions", {"title": "A"})
    make_old(app, hours=23.9)
    check_replay(first, post(api, "/sessions", {"title": "A"}))
    make_old(app, hours=24.1)
    other = post(api, "/sessions", {"title": "B"})
    assert other.status_code == 201
    assert REPLAYED not in other.headers
    assert other.json()["id"] != first.json()["id"]
    assert count_rows()["idempotency_keys"] == 1
    check_replay(other, post(api, "/sessions", {"title": "B"}))
    with app.app_context():
        leases.prune()
        assert count_rows()["idempotency_keys"] == 1
        make_old(app, hours=24.1)
        leases.prune()
    assert count_rows()["idempotency_keys"] == 0


def test_what_was_refused_is_not_remembered(api: Api, count_rows: CountRows) -> None:
    session_id = api.session()
    path = f"/sessions/{session_id}/messages"
    assert post(api, path, {"content": ""}).status_code == 422
    assert post(api, "/sessions/ses_nobody/messages", {"content": "Hello"}).status_code == 404
    with api.sending(session_id, SLOW) as chunks:
        next(chunks)
        assert post(api, path, {"content": "Hello"}).json()["code"] == "session_busy"
        assert count_rows()["idempotency_keys"] == 0
        assert api.post(f"/messages/{api.path(session_id)[-1]['id']}/cancel").status_code == 200
    sent = post(api, path, {"content": "Hello"})
    assert (sent.status_code, sent.headers.get(REPLAYED)) == (201, None)


@pytest.mark.parametrize("fault", ["status=400", "status=401", "no_stop after=6"])
def test_an_answer_that_failed_fails_again_and_says_that_it_is_a_repetition(
    api: Api, count_rows: CountRows, fault: str
) -> None:
    path, body = f"/sessions/{api.session()}/messages", {"content": f"[[fault: {fault}]]"}
    first = post(api, path, body)
    before = count_rows()
    second = post(api, path, body)
    assert first.status_code == second.status_code >= 422
    assert (first.headers.get(REPLAYED), second.headers.get(REPLAYED)) == (None, "true")
    different = {"request_id", "session_id", "user_message_id", "message_id"}
    bodies = [one.json() for one in (first, second)]
    assert bodies[0].keys() == bodies[1].keys()
    assert {name for name in bodies[0] if bodies[0][name] != bodies[1][name]} <= {"request_id"}
    assert different <= bodies[0].keys()
    assert count_rows() == before


def test_a_stream_is_given_again_from_its_first_event_in_either_form(api: Api) -> None:
    path, body = f"/sessions/{api.session()}/messages", {"content": "Hello"}
    stream = {"Accept": "text/event-stream"}
    first, second = (post(api, path, body, **stream) for _ in range(2))
    assert first.content == second.content
    assert (first.headers.get(REPLAYED), second.headers.get(REPLAYED)) == (None, "true")
    whole = post(api, path, body)
    assert (whole.status_code, whole.headers[REPLAYED]) == (201, "true")
    assert whole.json()["message"]["id"] == events_of(first.text)[0].payload["message_id"]


def test_a_stream_asked_for_again_when_its_events_are_gone_names_the_message(app: Flask, api: Api) -> None:
    path, body = f"/sessions/{api.session()}/messages", {"content": "Hello"}
    made = post(api, path, body).json()["message"]
    with app.app_context():
        with writing() as session:
            session.execute(update(TurnEvents).values(written_at=now() - timedelta(days=3)))
        leases.prune()
    gone = post(api, path, body, Accept="text/event-stream")
    assert (gone.status_code, gone.json()["code"]) == (410, "events_gone")
    assert gone.json()["message_url"] == f"/messages/{made['id']}"
    assert post(api, path, body).json()["message"] == made


def test_what_was_made_and_then_deleted_is_not_found(api: Api, count_rows: CountRows) -> None:
    session_id = api.session()
    path, body = f"/sessions/{session_id}/messages", {"content": "Hello"}
    made = post(api, path, body).json()
    assert api.delete(f"/messages/{made['message']['id']}").status_code == 204
    before = count_rows()
    assert post(api, path, body).status_code == 404
    assert api.delete(f"/sessions/{session_id}").status_code == 200
    assert post(api, path, body).status_code == 404
    assert count_rows()["messages"] == before["messages"] - 1


@pytest.mark.parametrize("name", ["edit", "regenerate", "continue"])
def test_a_repetition_is_answered_though_the_message_it_was_about_is_gone(
    api: Api, count_rows: CountRows, name: str
) -> None:
    session_id = api.session()
    if name == "edit":
        old = api.say(session_id, "One")["parent_id"]
    else:
        old = api.say(session_id, "[[reply: words=500]]", max_tokens=40)["id"]
    body = {"content": "Other"} if name == "edit" else {}
    first = post(api, f"/messages/{old}/{name}", body)
    assert api.delete(f"/messages/{old}").status_code == 204
    before = count_rows()
    second = post(api, f"/messages/{old}/{name}", body)
    if name == "continue":
        assert second.status_code == 404, "the answer stood below it"
    else:
        check_replay(first, second)
    assert count_rows() == before


def test_a_repetition_finds_its_turn_at_once_though_others_wait_in_line(api: Api) -> None:
    session_id = api.session()
    path, body = f"/sessions/{session_id}/messages", {"content": SLOW, "on_busy": "queue", "stream": True}
    with api.stream("POST", path, json=body, headers={"Idempotency-Key": "k"}) as first:
        chunks = first.iter_bytes()
        came = next(chunks)
        waiting = threading.Thread(
            target=lambda: api.send_to(session_id, "Me too", on_busy="queue"), daemon=True
        )
        waiting.start()
        time.sleep(0.3)
        with api.stream("POST", path, json=body, headers={"Idempotency-Key": "k"}) as again:
            assert again.headers[REPLAYED] == "true"
            assert api.get(f"/sessions/{session_id}").json()["totals"]["messages"] == 2, "it waited for none"
            repeated = b"".join(again.iter_bytes())
        came += b"".join(chunks)
    waiting.join(30)
    assert repeated == came
    assert len(api.path(session_id)) == 4


def test_of_many_that_are_sent_at_once_with_one_key_one_has_an_effect(api: Api) -> None:
    answers, begun = list[Answer](), threading.Barrier(8)

    def make() -> None:
        begun.wait(10)
        answers.append(post(api, "/sessions", {"title": "A"}))

    threads = [threading.Thread(target=make, daemon=True) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    assert sum(REPLAYED not in one.headers for one in answers) == 1
    assert len(api.get("/sessions").json()["data"]) == 1
