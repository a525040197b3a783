"""From marshmallow's messages to faults with JSON pointers; and what is strict about flask-smorest here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.wiring import as_faults, may_be_missing
from app.errors import Fault
from app.schemas.messages import MessageDraft
from app.schemas.sessions import SessionChange, SessionDraft
from tests.support import Api


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ({"a": ["x", "y"]}, [("/a", "x"), ("/a", "y")]),
        ({"a": {0: {"b": ["x"]}, 1: ["y"]}}, [("/a/0/b", "x"), ("/a/1", "y")]),
        ({"_schema": ["x"]}, [("/", "x")]),
        ({"a": {"_schema": ["x"]}}, [("/a", "x")]),
        ({"a/b~c": ["x"], "~1": ["y"], "": ["z"]}, [("/a~1b~0c", "x"), ("/~01", "y"), ("/", "z")]),
        ("x", [("/", "x")]),
        ({}, []),
    ],
)
def test_nested_messages_become_flat_faults(messages: Any, expected: list[tuple[str, str]]) -> None:
    assert list(as_faults(messages)) == [Fault(*one) for one in expected]


@given(st.lists(st.text(min_size=1).filter(lambda name: name != "_schema"), min_size=1, max_size=4))
def test_a_pointer_leads_back_to_the_field(names: list[str]) -> None:
    messages: Any = ["wrong"]
    for name in reversed(names):
        messages = {name: messages}
    (fault,) = as_faults(messages, "/query")
    steps = fault.pointer.removeprefix("/query/").split("/")
    assert [one.replace("~1", "/").replace("~0", "~") for one in steps] == names


def test_only_a_new_session_may_be_without_a_body(api: Api) -> None:
    assert may_be_missing(SessionDraft)
    assert not may_be_missing(SessionChange)
    assert not may_be_missing(MessageDraft())
    assert api.post("/sessions").status_code == 201
    assert api.patch(f"/sessions/{api.session()}").status_code == 415


def test_every_fault_of_a_body_is_told_at_once(api: Api) -> None:
    body = {"content": [{"type": "text"}], "max_tokens": 0, "stream": "yes", "a/b": 1}
    found = {one["pointer"] for one in api.post("/messages", json=body).json()["errors"]}
    assert found >= {"/max_tokens", "/stream", "/a~1b"}
    assert any(one.startswith("/content/0") for one in found)


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/sessions?a/b=1", "/query/a~1b"),
        ("/models?a~b=1", "/query/a~0b"),
        ("/models?a/b=1", "/query/a~1b"),
    ],
)
def test_unknown_parameters_are_pointed_to(api: Api, path: str, pointer: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize("path", ["/sessions/a%2Fb", "/sessions/import", "/sessions/", "/sessions//messages"])
def test_odd_addresses_are_answered_as_problems_or_lists(api: Api, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code in {200, 308, 404, 405}, answer.text
    assert answer.headers["X-Request-Id"]
