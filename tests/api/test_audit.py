"""GET /audit: who did what, for admins, without a word of what people wrote."""

from __future__ import annotations

from typing import Any

from tests.support import Api

WORDS = "xylophone"


def acts(admin: Api, **wanted: str) -> list[dict[str, Any]]:
    """The entries, oldest first."""
    answer = admin.get("/audit", params={"order": "asc", "limit": "200", **wanted})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def test_what_is_done_to_keys_is_noted(admin: Api, api: Api) -> None:
    me = api.get("/me").json()
    header = {"X-Request-Id": "req_mine"}
    body = {"name": WORDS, "scopes": ["usage:read"], "expires_at": "2099-01-01T00:00:00Z"}
    key = api.post("/keys", json=body, headers=header).json()
    api.patch(f"/keys/{key['id']}", json={"name": WORDS * 2, "scopes": ["keys:read"]})
    api.patch(f"/keys/{key['id']}", json={})
    admin.delete(f"/keys/{key['id']}")
    made, changed, revoked = acts(admin, object_id=key["id"])
    assert [one["action"] for one in (made, changed, revoked)] == ["key.create", "key.change", "key.revoke"]
    assert (made["actor_id"], made["key_id"], made["request_id"]) == (me["id"], me["key"]["id"], "req_mine")
    told = {"user_id": me["id"], "set": ["expires_at", "scopes"], "scopes": ["usage:read"]}
    assert made["details"] == {**told, "expires_at": "2099-01-01T00:00:00+00:00"}
    assert changed["details"] == {"user_id": me["id"], "set": ["name", "scopes"], "scopes": ["keys:read"]}
    assert revoked["actor_id"] == admin.get("/me").json()["id"]
    whole = admin.get("/audit?limit=200").text
    assert WORDS not in whole
    assert key["key"] not in whole


def test_what_is_done_to_people_is_noted(admin: Api) -> None:
    user = admin.post("/users", json={"name": WORDS, "email": f"{WORDS}@example.com"}).json()
    admin.patch(f"/users/{user['id']}", json={"role": "viewer", "name": WORDS * 2})
    admin.delete(f"/users/{user['id']}")
    found = [(one["action"], one["details"]) for one in acts(admin, object_id=user["id"])]
    assert found == [
        ("user.create", {"role": "member"}),
        ("user.change", {"set": ["name", "role"], "role": "viewer"}),
        ("user.delete", {}),
    ]
    assert WORDS not in admin.get("/audit?limit=200").text


def test_exports_and_deletions_are_noted(admin: Api, api: Api) -> None:
    session_id = api.session(title=WORDS)
    message = api.say(session_id, WORDS)
    api.get(f"/sessions/{session_id}/export")
    api.get(f"/sessions/{session_id}/export?format=md")
    api.delete(f"/messages/{message['parent_id']}")
    api.delete(f"/sessions/{session_id}")
    me = api.get("/me").json()["id"]
    found = [
        (one["action"], one["object_id"], one["details"])
        for one in acts(admin, actor_id=me)
        if not one["action"].startswith("key")
    ]
    assert found == [
        ("session.export", session_id, {"format": "json"}),
        ("session.export", session_id, {"format": "md"}),
        ("message.delete", message["parent_id"], {"session_id": session_id, "messages": 2}),
        ("session.delete", session_id, {}),
    ]


def test_what_was_refused_is_not_noted(admin: Api, api: Api, other: Api) -> None:
    session_id = api.session()
    for answer in (
        other.delete(f"/sessions/{session_id}"),
        other.get(f"/sessions/{session_id}/export"),
        api.delete(f"/sessions/{session_id}", headers={"If-Match": '"other"'}),
    ):
        assert answer.status_code in {404, 412}
    assert acts(admin, object_id=session_id) == []


def test_entries_are_found_by_action_and_paged_the_newest_first(admin: Api) -> None:
    me = admin.get("/me").json()["id"]
    ids = [admin.post("/users", json={"name": "u"}).json()["id"] for _ in range(5)]
    query = {"action": "user.create", "actor_id": me, "limit": "3"}
    first = admin.get("/audit", params=query).json()
    rest = admin.get("/audit", params={**query, "cursor": first["next_cursor"]}).json()
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert {one["object_id"] for one in [*first["data"], *rest["data"]]} == set(ids)
    whole = [one["id"] for one in [*first["data"], *rest["data"]]]
    assert whole == sorted(whole, reverse=True)
    assert admin.get("/audit", params={**query, "action": "nothing"}).json()["data"] == []
    assert admin.get("/audit?of=me").json()["errors"][0]["pointer"] == "/query/of"
