"""Export and import, over HTTP, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import Api

IDS = {"id", "parent_id", "head_id", "exported_at"}


def without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_ids(one) for name, one in value.items() if name not in IDS and name != "exported_at"
        }
    return [without_ids(one) for one in value] if isinstance(value, list) else value


def shape(document: dict[str, Any]) -> list[Any]:
    """Where each message and the head stand, by the number of the message in the list."""
    ids = [one["id"] for one in document["messages"]]
    parents = [
        None if one["parent_id"] is None else ids.index(one["parent_id"]) for one in document["messages"]
    ]
    return [parents, ids.index(document["session"]["head_id"])]


def exported(api: Api, session_id: str) -> dict[str, Any]:
    answer = api.get(f"/sessions/{session_id}/export")
    assert answer.status_code == 200
    return dict(answer.json())


def test_export_import_export_is_the_same_document_but_for_ids_and_time(api: Api) -> None:
    session_id = api.session(
        title="T", system="S", max_tokens=700, metadata={"z": 1, "a": {"é": [1.5, None]}}
    )
    api.say(session_id, "Hello", metadata={"from": "test"})
    api.send_to(session_id, "[[fault: no_stop]] What breaks off")
    api.say(session_id, [{"type": "text", "text": "And blocks 漢字"}])
    first = exported(api, session_id)
    answer = api.post("/sessions/import", json=first)
    assert answer.status_code == 201, answer.text
    second = exported(api, answer.json()["id"])
    assert without_ids(second) == without_ids(first)
    assert shape(second) == shape(first)
    assert {one["id"] for one in second["messages"]}.isdisjoint(one["id"] for one in first["messages"])
    assert [one["status"] for one in second["messages"]] == ["complete"] * 3 + ["failed"] + ["complete"] * 2


def test_totals_search_and_thinking_survive_the_import(api: Api) -> None:
    session_id = api.session()
    api.say(session_id, "The ocelot")
    copy = api.post("/sessions/import", json=exported(api, session_id)).json()
    assert copy["totals"] == api.get(f"/sessions/{session_id}").json()["totals"]
    assert api.get(f"/messages?q=ocelot&session_id={copy['id']}").json()["data"]
    again = api.say(copy["id"], "Go on")
    assert again["usage"]["prompt_tokens"] == api.say(session_id, "Go on")["usage"]["prompt_tokens"]


def test_a_history_from_elsewhere_needs_only_roles_and_content(api: Api) -> None:
    messages = [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}]
    answer = api.post(
        "/sessions/import", json={"format": "colloquy.session", "version": 1, "messages": messages}
    )
    session_id = answer.json()["id"]
    assert [one["content"][0]["text"] for one in api.path(session_id)] == ["One", "Two"]
    assert "One" in api.say(session_id, "What did I say first?")["content"][-1]["text"]


def test_branches_are_kept(api: Api) -> None:
    messages = [
        {"id": "a", "parent_id": None, "role": "user", "content": "Root"},
        {"id": "b", "parent_id": "a", "role": "assistant", "content": "Left"},
        {"id": "c", "parent_id": "a", "role": "assistant", "content": "Right"},
        {"id": "d", "parent_id": "b", "role": "user", "content": "On the left"},
    ]
    document = {"format": "colloquy.session", "version": 1, "session": {"head_id": "c"}, "messages": messages}
    session_id = api.post("/sessions/import", json=document).json()["id"]
    assert [one["content"][0]["text"] for one in api.path(session_id)] == ["Root", "Right"]
    assert shape(exported(api, session_id)) == [[None, 0, 0, 1], 2]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"format": "other"}, "/format"),
        ({"version": 2}, "/version"),
        ({"messages": [{"role": "system", "content": "a"}]}, "/messages/0/role"),
        ({"messages": [{"role": "user"}]}, "/messages/0/content"),
        ({"messages": [{"role": "user", "content": "a", "parent_id": "nobody"}]}, "/messages/0/parent_id"),
        ({"messages": [{"role": "user", "content": [{"type": "thinking"}]}]}, "/messages/0/content/0"),
        ({"messages": [{"role": "user", "content": "a", "extra": 1}]}, "/messages/0/extra"),
        ({"session": {"status": "idle"}}, "/session/status"),
    ],
)
def test_a_wrong_document_is_refused_whole_and_named(api: Api, change: dict[str, Any], pointer: str) -> None:
    answer = api.post("/sessions/import", json={"format": "colloquy.session", "version": 1, **change})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert api.get("/sessions").json()["data"] == []


def test_markdown_is_for_reading(api: Api) -> None:
    session_id = api.session(title="Monads")
    api.say(session_id, "Hello")
    answer = api.get(f"/sessions/{session_id}/export?format=md")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# Monads\n\n## You\n\nHello\n\n## Claude\n\n")
