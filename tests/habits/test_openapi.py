"""The OpenAPI document is whole, and so is what is made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api import access
from app.errors import all_errors
from app.services.roles import SCOPES
from tests.support import Api

WEATHER = {"name": "weather", "input_schema": {"type": "object"}}
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return dict(app.extensions["colloquy.openapi"])


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS & methods.keys():
            yield method, path, methods[method]


def test_the_document_is_valid_and_the_same_over_http(document: dict[str, Any], api: Api) -> None:
    OpenAPIV31SpecValidator(document).validate()  # type: ignore[arg-type]
    assert api.get("/openapi.json").json() == document


def test_every_route_is_in_it(app: Flask, document: dict[str, Any]) -> None:
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    assert routes == set(document["paths"])


def test_every_operation_has_a_summary_a_success_and_its_errors(document: dict[str, Any]) -> None:
    for method, path, one in operations(document):
        assert one["summary"].endswith((".", ":")) or one["summary"], path
        assert any(status.startswith("2") for status in one["responses"]), path
        assert {"405", "422", "500"} <= one["responses"].keys(), path
        if method in {"post", "put", "patch"}:
            assert {"400", "413", "415"} <= one["responses"].keys(), path
            body = one["requestBody"]
            (content,) = body["content"].values()
            assert content["example"] or (content["example"] == {} and not body["required"]), path
        if one.get("security"):
            assert {"401", "404"} <= one["responses"].keys(), path


def test_every_error_code_is_in_it(document: dict[str, Any]) -> None:
    said = str(document)
    assert [one.code for one in all_errors() if f"`{one.code}`" not in said] == []


def test_every_route_is_in_the_table_of_who_may_call_it_and_nothing_else(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == access.TABLE.keys()


def test_every_operation_says_which_scope_it_needs(document: dict[str, Any]) -> None:
    for _, path, one in operations(document):
        needed = access.TABLE[f"{one['tags'][0]}.{one['operationId']}"]
        scopes = [needed] if needed in SCOPES else []
        assert one.get("security") == (None if needed == access.PUBLIC else [{"key": scopes}]), path
        assert one.get("x-scope") == (needed if scopes else None), path
        assert ("403" in one["responses"]) == bool(scopes), path
        assert all(f"`{scope}`" in one["description"] for scope in scopes), path


def test_without_a_key_only_public_routes_answer(api: Api, document: dict[str, Any]) -> None:
    for method, path, one in operations(document):
        address = path.replace("{session_id}", "ses_x").replace("{message_id}", "msg_x")
        answer = api.request(method, address, headers={"Authorization": ""}, json={})
        assert (answer.status_code == 401) == bool(one.get("security")), path


def message_for(api: Api, path: str, session_id: str) -> str:
    """A message of the session that an operation can be done with."""
    if path.endswith("/continue"):
        return str(
            api.send_to(
                session_id, "[[fault: cut after=9]][[reply: text=All that there is to say about it]]"
            ).json()["message_id"]
        )
    if path.endswith("/tool_results"):
        api.patch(f"/sessions/{session_id}", json={"tools": [WEATHER]})
        return str(api.send_to(session_id, "[[reply: tool=weather]]").json()["message"]["id"])
    if path.endswith("/compact"):
        api.say(session_id, "Something before it")
    turn = api.send_to(session_id, "Hello").json()
    return str(turn["user_message" if path.endswith("/edit") else "message"]["id"])


def test_every_example_is_taken(admin: Api, document: dict[str, Any]) -> None:
    api = admin
    for method, path, one in operations(document):
        if "requestBody" in one:
            session_id = api.session()
            message_id = message_for(api, path, session_id)
            ids = {
                "session_id": session_id,
                "message_id": message_id,
                "key_id": api.post("/keys", json={"name": "k"}).json()["id"],
                "user_id": api.post("/users", json={"name": "u"}).json()["id"],
            }
            address = path.format(**ids, scope="all", model="claude-of-tomorrow")
            example = dict(one["requestBody"]["content"]["application/json"]["example"])
            if "message_id" in example:
                example["message_id"] = message_id
            if "results" in example:
                (waits,) = api.get(f"/messages/{message_id}").json()["awaits"]
                example["results"] = [{**example["results"][0], "tool_use_id": waits["tool_use_id"]}]
            answer = admin.request(method, address, json=example)
            assert answer.status_code in {200, 201}, f"{address}: {answer.text}"


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(
    api: Api, document: dict[str, Any]
) -> None:
    answer = api.get("/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for method, path, one in operations(document):
        assert f'id="{method}{path}"' in answer.text
        assert one["summary"].split("'")[0].split("`")[0] in answer.text
    assert "src=" not in answer.text
    assert "http://" not in answer.text
