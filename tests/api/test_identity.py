"""The Authorization header: how it may be written, and that a key ends at once."""

from __future__ import annotations

import pytest
from flask import Flask

from app.services import users
from tests.support import Api

PUBLIC = ("/livez", "/readyz", "/version", "/openapi.json", "/docs")


def secret_of(api: Api) -> str:
    return api.headers["Authorization"].split()[1]


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}"])
def test_case_and_spaces_do_not_matter(api: Api, form: str) -> None:
    headers = {"Authorization": form.format(secret_of(api))}
    assert api.get("/sessions", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "form", ["{}", "Basic {}", "Bearer{}", "Bearer {} {}", "Bearer,{}", "Bearer {}x", 'Bearer "{}"']
)
def test_another_form_is_no_key(api: Api, form: str) -> None:
    secret = secret_of(api)
    answer = api.get("/sessions", headers={"Authorization": form.format(secret, secret)})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="colloquy"')
    assert secret not in answer.text


@pytest.mark.parametrize("cut", [1, 12, 20])
def test_half_a_key_is_no_key(api: Api, cut: int) -> None:
    headers = {"Authorization": f"Bearer {secret_of(api)[:-cut]}"}
    assert api.get("/sessions", headers=headers).status_code == 401


def test_a_revoked_key_ends_at_once_on_an_open_connection(app: Flask, api: Api) -> None:
    session_id = api.session()
    with app.app_context():
        (key,) = users.keys_of("Ada")
        second = users.add_key("Ada", "second")[1]
        users.revoke_key(key.id)
    assert api.get("/sessions").status_code == 401
    assert api.send_to(session_id, "Hello").status_code == 401
    other = {"Authorization": f"Bearer {second}"}
    assert api.get(f"/sessions/{session_id}", headers=other).status_code == 200


def test_a_key_that_is_not_known_is_told_from_none_only_in_words(api: Api) -> None:
    missing = api.get("/sessions", headers={"Authorization": ""}).json()
    unknown = api.get("/sessions", headers={"Authorization": "Bearer clq_" + "x" * 43}).json()
    assert missing["code"] == unknown["code"] == "unauthenticated"
    assert missing["detail"] != unknown["detail"]


@pytest.mark.parametrize("path", PUBLIC)
def test_public_routes_look_at_no_key(api: Api, path: str) -> None:
    assert api.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 200


def test_an_address_that_is_not_there_asks_for_no_key(api: Api) -> None:
    assert api.get("/nothing", headers={"Authorization": ""}).status_code == 404
