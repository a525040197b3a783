"""/keys: one's own, made, narrowed, ended; an admin's reach; what is shown once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from app.extensions import db, parts
from app.models.api_keys import ApiKey
from app.models.base import now
from app.services.transactions import reading, writing
from tests.support import Api, CountRows

Knock = Callable[..., Api]


def made(api: Api, **values: Any) -> dict[str, Any]:
    answer = api.post("/keys", json={"name": "k", **values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def with_key(api: Api, secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def soon(**time_left: float) -> str:
    return (datetime.now(UTC) + timedelta(**time_left)).isoformat()


def listed(api: Api, query: str = "") -> list[str]:
    return [one["id"] for one in api.get(f"/keys{query}").json()["data"]]


def test_a_key_is_shown_once_and_works(api: Api) -> None:
    answer = api.post("/keys", json={"name": "laptop", "scopes": ["messages:read", "sessions:read"]})
    key = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert key["key"].startswith(key["prefix"])
    assert (key["name"], key["scopes"]) == ("laptop", ["sessions:read", "messages:read"])
    assert (key["expires_at"], key["last_used_at"]) == (None, None)
    assert key["user_id"] == api.get("/me").json()["id"]
    assert api.get("/sessions", headers=with_key(api, key["key"])).status_code == 200
    assert api.post("/sessions", json={}, headers=with_key(api, key["key"])).status_code == 403
    assert key["key"] not in api.get("/keys").text
    assert listed(api)[0] == key["id"], "the newest first"


def test_a_revoked_key_ends_at_once_for_every_process_and_is_not_seen_again(
    api: Api, variant: Callable[..., Api]
) -> None:
    key, elsewhere = made(api), variant()
    header = with_key(api, key["key"])
    assert elsewhere.get("/sessions", headers=header).status_code == 200
    assert api.delete(f"/keys/{key['id']}").status_code == 204
    for one in (api, elsewhere):
        refused = one.get("/sessions", headers=header)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert key["id"] not in listed(api)
    assert api.delete(f"/keys/{key['id']}").status_code == 404
    assert api.patch(f"/keys/{key['id']}", json={"name": "b"}).status_code == 404


def test_a_key_ends_by_itself(api: Api) -> None:
    key = made(api, expires_at=soon(seconds=1))
    header = with_key(api, key["key"])
    assert api.get("/me", headers=header).status_code == 200
    assert key["expires_at"].endswith("Z")
    time.sleep(1.1)
    assert api.get("/me", headers=header).status_code == 401
    assert key["id"] in listed(api), "it can be prolonged"
    assert api.patch(f"/keys/{key['id']}", json={"expires_at": None}).status_code == 200
    assert api.get("/me", headers=header).status_code == 200


def test_a_change_holds_from_the_next_request_on_and_leaves_the_rest(api: Api) -> None:
    key = made(api)
    header = with_key(api, key["key"])
    assert api.post("/sessions", json={}, headers=header).status_code == 201
    changed = api.patch(f"/keys/{key['id']}", json={"scopes": ["sessions:read"]}).json()
    assert (changed["name"], changed["scopes"]) == ("k", ["sessions:read"])
    assert "key" not in changed
    assert api.post("/sessions", json={}, headers=header).status_code == 403
    assert api.patch(f"/keys/{key['id']}", json={"scopes": None}).json()["scopes"] is None
    assert api.post("/sessions", json={}, headers=header).status_code == 201
    assert api.patch(f"/keys/{key['id']}", json={}).json()["name"] == "k"


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"scopes": ["sessions:read", "admin"]}, "/scopes/1"),
        ({"scopes": ["king"]}, "/scopes/0"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": "admin"}, "/scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2099-01-01"}, "/expires_at"),
        ({"name": ""}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"key": "clq_" + "x" * 40}, "/key"),
    ],
)
def test_what_a_key_cannot_be_is_refused_by_name(
    api: Api, count_rows: CountRows, values: dict[str, Any], pointer: str
) -> None:
    key, before = made(api), count_rows()
    body = {"name": "k", **values}
    for answer in (api.post("/keys", json=body), api.patch(f"/keys/{key['id']}", json=body)):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert count_rows() == before


def test_a_key_gives_no_more_than_it_has(api: Api) -> None:
    narrow = made(api, scopes=["keys:write", "keys:read", "sessions:read"])
    header = with_key(api, narrow["key"])
    heir = api.post("/keys", json={"name": "heir"}, headers=header).json()
    assert heir["scopes"] == ["sessions:read", "keys:read", "keys:write"], "what is left out is not all"
    for body in ({"scopes": ["messages:read"]}, {"scopes": ["sessions:read", "messages:write"]}):
        refused = api.post("/keys", json={"name": "k", **body}, headers=header)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        assert "sessions:read, keys:read, keys:write" in refused.json()["detail"]
        changed = api.patch(f"/keys/{narrow['id']}", json=body, headers=header)
        assert changed.status_code == 422
    wider = api.patch(f"/keys/{narrow['id']}", json={"scopes": None}, headers=header).json()
    assert wider["scopes"] == heir["scopes"]


def test_an_admin_reaches_everybodys_keys_and_gives_them_no_more_than_their_role(
    api: Api, admin: Api, knock: Knock
) -> None:
    viewer = knock("Eve", "viewer")
    eve = viewer.get("/me").json()["id"]
    key = made(admin, user_id=eve)
    assert viewer.get("/me", headers=with_key(api, key["key"])).json()["id"] == eve
    assert admin.post("/keys", json={"name": "k", "user_id": eve, "scopes": ["admin"]}).status_code == 422
    assert key["id"] in listed(admin, f"?user_id={eve}")
    assert listed(admin, f"?user_id={eve}") == listed(viewer)
    assert key["id"] not in listed(admin), "their own, where nobody is named"
    assert admin.patch(f"/keys/{key['id']}", json={"name": "b"}).json()["name"] == "b"
    assert admin.delete(f"/keys/{key['id']}").status_code == 204
    assert viewer.get("/me", headers=with_key(api, key["key"])).status_code == 401
    assert admin.post("/keys", json={"name": "k", "user_id": "usr_nobody"}).status_code == 404
    assert listed(admin, "?user_id=usr_nobody") == []


def test_nobody_else_reaches_them(api: Api, other: Api, knock: Knock) -> None:
    key, ada = made(api), api.get("/me").json()["id"]
    for stranger in (other, knock("Root", "admin", ["keys:read", "keys:write"])):
        assert stranger.patch(f"/keys/{key['id']}", json={"name": "b"}).status_code == 404
        assert stranger.delete(f"/keys/{key['id']}").status_code == 404
        for answer in (
            stranger.get(f"/keys?user_id={ada}"),
            stranger.post("/keys", json={"name": "k", "user_id": ada}),
            stranger.post("/keys", json={"name": "k", "user_id": "usr_nobody"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
        own = stranger.get("/me").json()["id"]
        assert stranger.post("/keys", json={"name": "k", "user_id": own}).status_code == 201
    assert api.get("/me", headers=with_key(api, key["key"])).status_code == 200


def test_keys_are_listed_by_pages_that_neither_repeat_nor_hide_one(api: Api) -> None:
    ids = [*listed(api), *(made(api)["id"] for _ in range(5))]
    found, cursor = list[str](), ""
    while True:
        page = api.get(f"/keys?limit=2&order=asc{cursor}").json()
        found += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(found) == sorted(ids)
    assert found == sorted(found)


def test_a_repeated_request_gives_the_same_key_without_the_secret(api: Api, count_rows: CountRows) -> None:
    header = {"Idempotency-Key": "once"}
    first = api.post("/keys", json={"name": "k"}, headers=header)
    before = count_rows()
    second = api.post("/keys", json={"name": "k"}, headers=header)
    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "key" in first.json()
    assert second.json() == {name: value for name, value in first.json().items() if name != "key"}
    assert count_rows() == before
    assert api.post("/keys", json={"name": "b"}, headers=header).json()["code"] == "idempotency_key_reused"
    api.delete(f"/keys/{first.json()['id']}")
    assert api.post("/keys", json={"name": "k"}, headers=header).status_code == 404, "not made again"


def used_at(app: Flask, key_id: str) -> datetime | None:
    with app.app_context(), reading() as session:
        return session.get_one(ApiKey, key_id).last_used_at


def set_used_at(app: Flask, key_id: str, at: datetime | None) -> None:
    with app.app_context(), writing() as session:
        session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=at))


def test_the_last_use_is_written_once_a_minute(app: Flask, api: Api) -> None:
    key = made(api)
    header = with_key(api, key["key"])
    api.get("/livez", headers=header)
    assert used_at(app, key["id"]) is None
    writes: list[str] = []

    def note(*of: Any) -> None:
        writes.extend([of[2]] if of[2].startswith("UPDATE") else [])

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    for _ in range(3):
        api.get("/sessions", headers=header)
    first = used_at(app, key["id"])
    assert len(writes) == 1
    assert first
    assert abs((now() - first).total_seconds()) < 10
    set_used_at(app, key["id"], now() - timedelta(seconds=61))
    writes.clear()
    api.get("/sessions", headers=header)
    again = used_at(app, key["id"])
    assert again
    assert again > first
    assert len(writes) == 1


def test_a_request_waits_for_no_writer_to_say_that_the_key_was_used(app: Flask, api: Api) -> None:
    key = made(api)
    header = with_key(api, key["key"])
    with app.app_context(), writing() as session:
        assert parts().write_lock.locked() == (db.engine.dialect.name == "sqlite")
        session.execute(select(ApiKey).where(ApiKey.id == key["id"]).with_for_update())
        began = time.monotonic()
        assert api.get("/sessions", headers=header).status_code == 200
        assert time.monotonic() - began < 2
    assert used_at(app, key["id"]) is None
    api.get("/sessions", headers=header)
    assert used_at(app, key["id"])
