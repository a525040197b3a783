"""COLLOQUY_ADMINS_READ_MESSAGES: admins read what others wrote, and change nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from flask import Flask

from app.cli.openapi import operations_of
from app.services import users
from config import Config
from tests.conftest import made, serving
from tests.support import Api, example_of
from tests.traces import store

Reader = Callable[[list[str] | None], Api]


@pytest.fixture
def reader(app: Flask, config: Config, people: None) -> Iterator[Reader]:
    """Access of an admin, with these scopes, to a server where admins read."""
    with ExitStack() as stack:
        url = stack.enter_context(
            serving(stack.enter_context(made(replace(config, admins_read_messages=True))))
        )

        def access(scopes: list[str] | None) -> Api:
            with app.app_context():
                secret = users.add_key(users.add("Root", "admin").id, "test", scopes)[1]
            header = {"Authorization": f"Bearer {secret}"}
            return stack.enter_context(Api(base_url=url, headers=header, timeout=30))

        yield access


def addresses(session_id: str, message_id: str) -> list[str]:
    return [
        f"/sessions/{session_id}",
        f"/sessions/{session_id}/messages",
        f"/sessions/{session_id}/messages?view=tree",
        f"/sessions/{session_id}/export",
        f"/sessions/{session_id}/export?format=md",
        f"/sessions/{session_id}/context",
        f"/messages/{message_id}",
        f"/messages/{message_id}/events",
        f"/messages/{message_id}/trace",
    ]


def test_an_admin_reads_what_the_owner_reads(app: Flask, api: Api, reader: Reader) -> None:
    session_id = api.session(title="Mine")
    message = api.say(session_id, "Something private")
    with app.app_context():
        trace_id = store(message["id"])
    admin = reader(None)
    for address in [*addresses(session_id, message["id"]), f"/traces/{trace_id}"]:
        mine, theirs = api.get(address), admin.get(address)
        assert theirs.status_code == 200, address
        if "export" not in address or "md" in address:  # a document says when it was exported
            assert theirs.content == mine.content, address
    whole = admin.get(f"/sessions/{session_id}/export").json()
    assert whole["messages"] == api.get(f"/sessions/{session_id}/export").json()["messages"]
    entries = admin.get("/audit", params={"object_id": session_id, "action": "session.export"}).json()["data"]
    assert len({one["actor_id"] for one in entries}) == 2


def test_an_admin_changes_nothing_of_it(app: Flask, api: Api, reader: Reader) -> None:
    session_id = api.session(title="Mine")
    message = api.say(session_id, "Something private")
    admin, ids = reader(None), {"session_id": session_id, "message_id": message["id"]}
    before = [api.get(f"/sessions/{session_id}").json(), api.path(session_id)]
    tried = 0
    for method, path, one in operations_of(app.extensions["colloquy.openapi"]):
        if method == "get" or "{" not in path or not path.startswith(("/sessions", "/messages")):
            continue
        sent = example_of(one, message["id"])
        for message_id in (message["id"], message["parent_id"]):
            answer = admin.request(method, path.format_map({**ids, "message_id": message_id}), **sent)
            assert answer.status_code == 404, f"{method} {path}: {answer.text}"
            tried += 1
    assert tried > 20
    for body in ({}, {"parent_id": message["id"]}):
        sent = {"content": "Hello", "session_id": session_id, **body}
        assert admin.post("/messages", json=sent).status_code == 404
    assert [api.get(f"/sessions/{session_id}").json(), api.path(session_id)] == before


def test_it_needs_the_scopes_of_an_admin_and_of_reading(api: Api, reader: Reader) -> None:
    session_id = api.session()
    message = api.say(session_id, "Something private")
    narrow, silent = reader(["sessions:read", "messages:read"]), reader(["admin"])
    for address in addresses(session_id, message["id"]):
        assert narrow.get(address).status_code == 404, address
        assert silent.get(address).status_code == 403, address


def test_others_read_nothing(api: Api, reader: Reader, other: Api) -> None:
    session_id = api.session()
    message = api.say(session_id, "Something private")
    open_to_admins = reader(None)
    for address in addresses(session_id, message["id"]):
        header = {"Authorization": other.headers["Authorization"]}
        assert open_to_admins.get(address, headers=header).status_code == 404, address


def test_lists_and_searches_stay_ones_own(api: Api, reader: Reader) -> None:
    session_id = api.session()
    api.say(session_id, "Something private")
    admin = reader(None)
    assert admin.get("/sessions").json()["data"] == []
    assert admin.get("/messages?q=private").json()["data"] == []
    assert admin.get("/traces").json()["data"] == []
    assert admin.get(f"/messages?q=private&session_id={session_id}").status_code == 404


def test_an_admin_follows_an_answer_while_it_is_made(api: Api, reader: Reader) -> None:
    session_id = api.session()
    with api.sending(session_id, "[[reply: words=20 seconds_per_event=0.02]]") as chunks:
        came = next(chunks)
        message_id = api.path(session_id)[-1]["id"]
        seen = reader(None).get(f"/messages/{message_id}/events").content
        came += b"".join(chunks)
    assert seen == came
