"""Nobody reaches what is somebody else's: over every route and method of the OpenAPI file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.cli.openapi import operations_of
from tests.support import Api, CountRows, events_of, example_of
from tests.traces import store, turn

SLOW = "[[reply: words=30 seconds_per_event=0.03]]"
Operations = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def on_objects(app: Flask) -> Operations:
    """The operations on one object, which its address names."""
    found = list(operations_of(app.extensions["colloquy.openapi"]))
    return [one for one in found if "{" in one[1]]


def objects_of(api: Api, app: Flask) -> dict[str, str]:
    """What somebody has: an id for each name that stands in an address."""
    session_id = api.session(title="Mine")
    message = api.say(session_id, "Something private")
    key = api.post("/keys", json={"name": "k"}, headers={"Idempotency-Key": "theirs"}).json()
    with app.app_context():
        trace_id = store(message["id"], turn(output="Something private"))
    return {
        "session_id": session_id,
        "message_id": message["id"],
        "question_id": message["parent_id"],
        "key_id": key["id"],
        "user_id": key["user_id"],
        "trace_id": trace_id,
        "scope": f"session:{session_id}",
        "model": "claude-sonnet-5-5",
    }


def tries(operation: dict[str, Any], ids: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Ways to send it: as the document has it, and with all that might open another road."""
    sent = example_of(operation, ids["message_id"])
    yield sent
    yield {**sent, "headers": {"Accept": "text/event-stream"}}
    yield {**sent, "headers": {"If-Match": "*", "Idempotency-Key": "theirs"}}
    yield {**sent, "headers": {"Last-Event-ID": f"{ids['message_id']}:1"}}
    for one in operation.get("parameters", ()):
        for value in one["schema"].get("enum", ()):
            yield {**sent, "params": {one["name"]: value}}


def state_of(api: Api, ids: dict[str, str]) -> list[Any]:
    """All that its owner sees of it, as it is."""
    session = api.get(f"/sessions/{ids['session_id']}").json()
    paths = f"/sessions/{ids['session_id']}/messages?view=tree", "/keys?order=asc", "/sessions"
    keys = [{**one, "last_used_at": None} for one in api.get(paths[1]).json()["data"]]
    name = {**api.get("/me").json(), "key": None}
    return [session, api.get(paths[0]).json(), keys, api.get(paths[2]).json(), name]


def check_refused(
    stranger: Api, on_objects: Operations, ids: dict[str, str], open_to_admins: tuple[str, ...] = ()
) -> None:
    for method, path, operation in on_objects:
        if path.startswith(open_to_admins):
            continue
        for kind in ("message_id", "question_id"):
            named = {**ids, "message_id": ids[kind]}
            address = path.format_map(named)
            for sent in tries(operation, named):
                answer = stranger.request(method, address, **sent)
                wanted = 403 if operation["x-scope"] == "admin" else 404
                assert answer.status_code == wanted, f"{method} {address} {sent}: {answer.text}"
                assert "private" not in answer.text


def test_a_stranger_gets_404_for_all_that_is_somebody_elses(
    app: Flask, api: Api, other: Api, on_objects: Operations, count_rows: CountRows
) -> None:
    ids = objects_of(api, app)
    other.get("/me")
    state, rows = state_of(api, ids), count_rows()
    check_refused(other, on_objects, ids)
    assert state_of(api, ids) == state
    assert count_rows() == rows


def test_an_admin_gets_404_too_but_for_people_keys_and_money(
    app: Flask, api: Api, admin: Api, on_objects: Operations, count_rows: CountRows
) -> None:
    ids = objects_of(api, app)
    admin.get("/me")
    state, rows = state_of(api, ids), count_rows()
    check_refused(admin, on_objects, ids, ("/users", "/keys", "/budgets", "/prices"))
    assert state_of(api, ids) == state
    assert count_rows() == rows


def test_lists_and_searches_show_a_stranger_nothing_of_somebody_elses(
    app: Flask, api: Api, other: Api
) -> None:
    ids = objects_of(api, app)
    for path in ("/sessions", "/messages?q=private", "/traces", "/keys", "/me"):
        text = other.get(path).text
        assert not any(ids[name] in text for name in ids if name != "model"), path
    assert other.get(f"/messages?q=private&session_id={ids['session_id']}").status_code == 404
    assert other.get(f"/keys?user_id={ids['user_id']}").status_code == 403
    assert other.get("/users").status_code == 403
    assert other.get(f"/audit?actor_id={ids['user_id']}").status_code == 403


def test_a_stranger_gets_404_for_what_a_body_names(
    app: Flask, api: Api, other: Api, count_rows: CountRows
) -> None:
    ids, mine = objects_of(api, app), other.session()
    other.say(mine, "Hello")
    state, rows = state_of(api, ids), count_rows()
    for message_id in (ids["message_id"], ids["question_id"]):
        choice, follow = {"message_id": message_id}, {"content": "Hello", "parent_id": message_id}
        for answer in (
            other.post("/messages", json={"content": "Hello", "session_id": ids["session_id"]}),
            other.post("/messages", json={**follow, "session_id": mine}),
            other.post(f"/sessions/{mine}/messages", json=follow),
            other.post(f"/sessions/{mine}/messages", json={**follow, "stream": True}),
            other.post(f"/sessions/{mine}/preflight", json=follow),
            other.post(f"/sessions/{mine}/fork", json=choice),
            other.put(f"/sessions/{mine}/head", json=choice),
            other.put(f"/sessions/{mine}/pins/{message_id}", json={}),
            other.delete(f"/sessions/{mine}/pins/{message_id}"),
        ):
            assert answer.status_code == 404, f"{answer.request.url}: {answer.text}"
    assert other.post("/keys", json={"name": "k", "user_id": ids["user_id"]}).status_code == 403
    assert state_of(api, ids) == state
    assert count_rows() == rows


def test_a_stranger_neither_follows_nor_stops_an_answer_in_the_making(
    api: Api, other: Api, admin: Api
) -> None:
    session_id = api.session()
    with api.sending(session_id, SLOW) as chunks:
        came = next(chunks)
        message_id = api.path(session_id)[-1]["id"]
        for stranger in (other, admin):
            assert stranger.get(f"/messages/{message_id}/events").status_code == 404
            assert stranger.post(f"/messages/{message_id}/cancel", json={}).status_code == 404
            assert stranger.delete(f"/sessions/{session_id}").status_code == 404
        came += b"".join(chunks)
    assert events_of(came.decode())[-1].payload["status"] == "complete"
