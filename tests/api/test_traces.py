"""Traces over HTTP: the tree of a message's calls, and the search for turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.telemetry.tracing import ERROR, Span
from tests.support import Api
from tests.traces import BEGAN, of_real_calls, store, tool, turn

IDS = ["id", "message_id", "session_id", "request_id", "trace_id"]
CALL = ["name", "kind", "started_at", "ms", "status", "input", "output", "children"]


@pytest.fixture(autouse=True)
def within(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def message_id(api: Api) -> str:
    """An answer."""
    return str(api.say(api.session(), "Hello")["id"])


def pointers(api: Api, query: str) -> list[str]:
    answer = api.get(f"/traces?{query}")
    assert answer.status_code == 422, answer.text
    return [one["pointer"] for one in answer.json()["errors"]]


def listed(api: Api, **query: Any) -> list[dict[str, Any]]:
    answer = api.get("/traces", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def test_a_message_tells_every_call_that_was_made_for_it(api: Api, message_id: str) -> None:
    root = of_real_calls()
    id_ = store(message_id, root)
    shown = api.get(f"/messages/{message_id}/trace").json()
    assert list(shown) == [*IDS, *CALL]
    assert (shown["id"], shown["message_id"], shown["trace_id"]) == (id_, message_id, root.trace_id)
    assert {name: shown[name] for name in CALL} == root.as_json()
    assemble, fetch, _own = shown["children"]
    assert [list(one) for one in (assemble, *assemble["children"], fetch)] == [CALL] * 3
    assert (fetch["status"], fetch["kind"], fetch["input"]) == (ERROR, "tool", {"url": "https://example.org"})
    assert fetch["output"] == {"error": "ValueError", "detail": "no such page"}
    assert api.get(f"/traces/{id_}").json() == shown


def test_any_json_value_comes_out_as_it_was_called_with(api: Api, message_id: str) -> None:
    values: list[Any] = [
        None,
        0,
        1.5,
        True,
        "text \0 \U0001f600",
        ["a", {"b": None}],
        {"z": 1, "a": 2},
        [],
        {},
    ]
    id_ = store(message_id, turn(*(tool("any", input=one, output=one) for one in values)))
    calls = api.get(f"/traces/{id_}").json()["children"]
    assert [one["input"] for one in calls] == [one["output"] for one in calls] == values


def test_what_has_no_trace_is_404_and_says_why(api: Api, message_id: str) -> None:
    asked = api.get(f"/messages/{message_id}").json()["parent_id"]
    for path, says in (
        (f"/messages/{asked}/trace", "ask for the trace of the answer"),
        ("/messages/msg_x/trace", "You have no message msg_x."),
        ("/traces/trc_x", "There is no trace trc_x"),
    ):
        problem = api.get(path)
        assert (problem.status_code, problem.json()["code"]) == (404, "not_found")
        assert says in problem.json()["detail"]


def test_turns_are_found_by_how_the_calls_of_a_tool_went(api: Api, message_id: str) -> None:
    calls = tool("fetch", ERROR, ms=1_500.0), tool("clock", ms=1.0)
    store(message_id, turn(Span("round", ms=2_000.0, children=list(calls)), ms=2_100.0, started_at=BEGAN))
    (row,) = listed(api, tool="fetch", status="error", min_ms="1000")
    assert list(row) == [*IDS, "name", "started_at", "ms", "status"]
    assert (row["message_id"], row["ms"], row["status"]) == (message_id, 2_100.0, "ok")
    assert row["started_at"] == "2026-11-25T12:00:00Z"
    for query in ({"tool": "clock"}, {"status": "ok"}, {"min_ms": 2_100}, {"message_id": message_id}):
        assert listed(api, **query) == [row], query
    assert listed(api, session_id=row["session_id"], **{"from": "2026-11-25T12:00:00Z"}) == [row]
    for query in (
        {"tool": "clock", "status": "error"},
        {"tool": "fetch", "min_ms": 1_500.5},
        {"tool": "round"},
        {"status": "timeout"},
        {"to": "2026-11-25T12:00:00Z"},
        {"session_id": "ses_x"},
    ):
        assert listed(api, **query) == [], query


def test_they_are_listed_the_newest_first_in_pages(api: Api) -> None:
    session_id = api.session()
    ids = [api.say(session_id, "Hello")["id"] for _ in range(3)]
    for message_id in ids:
        store(message_id)
    assert [one["message_id"] for one in listed(api)] == ids[::-1]
    assert [one["message_id"] for one in listed(api, order="asc")] == ids
    first = api.get("/traces?limit=2").json()
    second = api.get("/traces", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["message_id"] for one in first["data"] + second["data"]] == ids[::-1]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)


def test_a_wrong_filter_is_refused_by_name(api: Api) -> None:
    assert pointers(api, "status=late") == ["/query/status"]
    assert pointers(api, "min_ms=-1") == ["/query/min_ms"]
    assert pointers(api, "min_ms=nan") == ["/query/min_ms"]
    assert pointers(api, "tool=") == ["/query/tool"]
    assert pointers(api, "tool=a%00") == ["/query/tool"]
    assert pointers(api, "from=yesterday") == ["/query/from"]
    assert pointers(api, "who=me") == ["/query/who"]
    assert pointers(api, "cursor=x") == ["/query/cursor"]
