"""/me: who calls, and with what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.services.roles import ROLES, ordered
from tests.support import Api

Knock = Callable[..., Api]


@pytest.mark.parametrize("role", ROLES)
def test_it_says_who_the_key_belongs_to_and_what_it_may(knock: Knock, role: str) -> None:
    me = knock("Ada", role).get("/me").json()
    assert (me["name"], me["email"], me["role"]) == ("Ada", None, role)
    assert me["scopes"] == ordered(ROLES[role])
    assert (me["key"]["name"], me["key"]["scopes"], me["key"]["user_id"]) == ("test", None, me["id"])
    assert "key" not in me["key"]


def test_a_narrowed_key_says_what_is_left(knock: Knock) -> None:
    me = knock("Ada", "viewer", ["sessions:read"]).get("/me").json()
    assert me["scopes"] == me["key"]["scopes"] == ["sessions:read"]


def test_people_change_their_name_and_address_and_nothing_else(api: Api) -> None:
    before = api.get("/me").json()
    changed = api.patch("/me", json={"name": "Ada L.", "email": "ada@example.com"}).json()
    assert (changed["name"], changed["email"], changed["id"]) == ("Ada L.", "ada@example.com", before["id"])
    assert api.patch("/me", json={}).json() == api.get("/me").json()
    assert api.patch("/me", json={"email": None}).json()["email"] is None
    for name, value in {"role": "admin", "scopes": ["admin"], "id": "usr_x"}.items():
        refused = api.patch("/me", json={name: value})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{name}")
    assert api.get("/me").json()["role"] == "member"
