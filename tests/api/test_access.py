"""Who may call what, over HTTP: every route with every role, and with a key for each scope alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app.api import access
from app.cli.openapi import operations_of
from app.services import users
from app.services.roles import ROLES, SCOPES
from tests.support import Answer, Api

Knock = Callable[..., Api]
NOTHING = {one: f"{one[:3]}_nothing" for one in ("session_id", "message_id", "key_id", "user_id")}
NOTHING |= {"trace_id": "trc_nothing", "scope": "session:ses_nothing", "model": "claude-nothing"}


def tried(api: Api, document: dict[str, Any]) -> Iterator[tuple[str, Answer]]:
    """Every operation's endpoint, and what it answers about what is not there."""
    for method, path, one in operations_of(document):
        body = {} if method == "get" or method == "delete" else {"json": {}}
        answer = api.request(method, path.format_map(NOTHING), **body)
        yield f"{one['tags'][0]}.{one['operationId']}", answer


def check(api: Api, document: dict[str, Any], scopes: Any) -> None:
    """Allowed where the table says so, and else refused with the name of the scope."""
    seen = set()
    for endpoint, answer in tried(api, document):
        seen.add(endpoint)
        needed = access.TABLE[endpoint]
        if needed not in SCOPES or needed in scopes:
            assert answer.status_code in {200, 201, 404, 422}, (endpoint, answer.text)
            continue
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (403, "scope_missing"), (endpoint, answer.text)
        assert needed in problem["detail"]
        assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["WWW-Authenticate"]
    assert seen == access.TABLE.keys()


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return dict(app.extensions["colloquy.openapi"])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_the_table_says(knock: Knock, document: dict[str, Any], role: str) -> None:
    check(knock("Ada", role), document, ROLES[role])


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_with_one_scope_may_what_the_table_says(
    knock: Knock, document: dict[str, Any], scope: str
) -> None:
    check(knock("Ada", "admin", [scope]), document, [scope])


def test_a_scope_beyond_the_role_is_of_no_use(app: Flask, knock: Knock, document: dict[str, Any]) -> None:
    api = knock("Ada", "admin", ["admin", "messages:write", "sessions:read"])
    knock("Root", "admin")
    with app.app_context():
        users.change(None, users.named("Ada").id, {"role": "viewer"})
    check(api, document, ["sessions:read"])


def test_without_a_key_or_with_a_wrong_one_only_public_routes_answer(
    api: Api, document: dict[str, Any]
) -> None:
    for header in ("", "Bearer clq_" + "x" * 43, "Basic YTpi"):
        api.headers["Authorization"] = header
        for endpoint, answer in tried(api, document):
            is_public = access.TABLE[endpoint] == access.PUBLIC
            assert (answer.status_code == 401) == (not is_public), endpoint
            assert ("WWW-Authenticate" in answer.headers) == (not is_public)


def test_a_role_holds_from_the_next_request_on(app: Flask, admin: Api, api: Api) -> None:
    assert api.post("/sessions", json={}).status_code == 201
    address = f"/users/{api.get('/me').json()['id']}"
    assert admin.patch(address, json={"role": "viewer"}).status_code == 200
    assert api.post("/sessions", json={}).status_code == 403
    assert api.get("/sessions").status_code == 200
    assert admin.patch(address, json={"role": "admin"}).status_code == 200
    assert api.get("/users").status_code == 200
