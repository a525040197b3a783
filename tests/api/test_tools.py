"""Tools over HTTP: which there are, which a session allows, and calls that wait for the client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import Api

SUM = '[[reply: tool=calculate input={"expression": "6 * 7"}]]'
ASK_WEATHER = '[[reply: tool=weather input={"city": "Lyon"}]]'
WEATHER = {"name": "weather", "description": "The weather.", "input_schema": {"type": "object"}}


def test_the_servers_tools_are_listed(api: Api) -> None:
    listed = api.get("/tools").json()
    assert {one["name"] for one in listed["data"]} == {"calculate", "current_time", "recall"}
    first = api.get("/tools?limit=1").json()
    assert (first["data"][0]["name"], first["has_more"]) == ("calculate", True)
    second = api.get(f"/tools?limit=1&cursor={first['next_cursor']}").json()
    assert second["data"][0]["name"] == "current_time"
    assert second["data"][0]["input_schema"]["type"] == "object"
    assert api.get("/tools?order=desc").json()["data"][0]["name"] == "recall"


def test_a_session_shows_its_tools_as_they_were_given(api: Api) -> None:
    tools = ["current_time", {"name": "calculate", "approval": True}, WEATHER]
    session_id = api.session(tools=tools)
    assert api.get(f"/sessions/{session_id}").json()["tools"] == tools
    assert api.patch(f"/sessions/{session_id}", json={"tools": None}).json()["tools"] is None


@pytest.mark.parametrize(
    ("tools", "pointer", "says"),
    [
        (["nothing"], "/tools/0", "GET /tools lists them"),
        (["calculate", "calculate"], "/tools/1", "named twice"),
        ([{**WEATHER, "name": "calculate"}], "/tools/0", "name of a tool of the server's"),
        ([{"name": "weather", "approval": True}], "/tools/0", "GET /tools lists them"),
        ([{"name": "calculate", "approval": "yes"}], "/tools/0", "true or false"),
        ([{**WEATHER, "name": "the weather"}], "/tools/0", "name"),
        ([{**WEATHER, "input_schema": {"type": "string"}}], "/tools/0", "input_schema.type"),
        ([{**WEATHER, "input_schema": {}}], "/tools/0", "input_schema.type"),
        ([{**WEATHER, "cache_control": {}}], "/tools/0", "Has no cache_control"),
        ([{"name": "weather"}], "/tools/0", "input_schema"),
        ([7], "/tools/0", "name of a tool, or an object"),
        ("calculate", "/tools", "list"),
        ([{**WEATHER, "name": f"w{at}"} for at in range(129)], "/tools", "at most 128"),
    ],
)
def test_what_is_no_tool_is_refused_and_named(api: Api, tools: Any, pointer: str, says: str) -> None:
    for answer in (
        api.post("/sessions", json={"tools": tools}),
        api.patch(f"/sessions/{api.session()}", json={"tools": tools}),
    ):
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == pointer
        assert says in fault["detail"]


def test_a_turn_with_tools_is_one_stream(api: Api) -> None:
    session_id = api.session(tools=["calculate"])
    events = api.events(f"/sessions/{session_id}/messages", content=SUM)
    message_id = events[0].payload["message_id"]
    assert [one.id for one in events] == [f"{message_id}:{at}" for at in range(1, len(events) + 1)]
    tools = [one.payload for one in events if one.name == "colloquy.tool"]
    assert [one["state"] for one in tools] == ["begun", "ended"]
    assert (tools[1]["content"], tools[1]["is_error"], tools[1]["status"]) == ("42", False, "ok")
    assert [one.name for one in events].count("message_stop") == 2
    path = api.get(f"/sessions/{session_id}/messages").json()["data"]
    assert [one["turn_id"] for one in path] == [None, message_id, message_id, None]
    assert path[-1]["id"] == message_id
    for one in path[1:]:
        assert api.get(f"/messages/{one['id']}/trace").json()["message_id"] == message_id
    assert [one["message_id"] for one in api.get("/traces?tool=calculate").json()["data"]] == [message_id]


def test_a_call_that_waits_is_answered_and_the_stream_goes_on(api: Api) -> None:
    answer = api.say(api.session(tools=[WEATHER]), ASK_WEATHER)
    assert (answer["status"], answer["stop_reason"]) == ("requires_action", "tool_use")
    (waits,) = answer["awaits"]
    assert (waits["name"], waits["needs"]) == ("weather", "result")
    results = [{"tool_use_id": waits["tool_use_id"], "content": [{"type": "text", "text": "14 °C"}]}]
    events = api.events(f"/messages/{answer['id']}/tool_results", results=results)
    assert events[-1].payload["status"] == "complete"
    path = api.get(f"/sessions/{answer['session_id']}/messages").json()["data"]
    assert [one["role"] for one in path] == ["user", "assistant", "user", "assistant"]
    assert (path[1]["status"], path[1]["awaits"]) == ("complete", None)
    again = api.post(f"/messages/{answer['id']}/tool_results", json={"results": results})
    assert (again.status_code, again.json()["code"]) == (409, "not_awaited")


def test_results_with_a_key_count_once(api: Api) -> None:
    answer = api.say(api.session(tools=[WEATHER]), ASK_WEATHER)
    results = [{"tool_use_id": answer["awaits"][0]["tool_use_id"], "content": "14 °C"}]
    path, sent = f"/messages/{answer['id']}/tool_results", {"json": {"results": results}}
    first, second = (api.post(path, headers={"Idempotency-Key": "k"}, **sent) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json()["message"]["id"] == second.json()["message"]["id"]


@pytest.mark.parametrize(
    ("results", "pointer"),
    [
        ([], "/results"),
        ([{"tool_use_id": "toolu_1"}], "/results/0"),
        ([{"tool_use_id": "toolu_1", "content": 7}], "/results/0/content"),
        ([{"tool_use_id": "toolu_1", "content": [{"type": "tool_use"}]}], "/results/0/content"),
        ([{"tool_use_id": "toolu_1", "content": "x", "decision": "perhaps"}], "/results/0/decision"),
        ([{"tool_use_id": "toolu_1", "content": "x", "is_error": "no"}], "/results/0/is_error"),
    ],
)
def test_what_is_no_result_is_refused(api: Api, results: Any, pointer: str) -> None:
    answer = api.say(api.session(tools=[WEATHER]), ASK_WEATHER)
    found = api.post(f"/messages/{answer['id']}/tool_results", json={"results": results})
    assert found.status_code == 422, found.text
    assert found.json()["errors"][0]["pointer"].startswith(pointer)


def test_an_approval_has_the_server_carry_the_call_out(api: Api) -> None:
    answer = api.say(api.session(tools=[{"name": "calculate", "approval": True}]), SUM)
    (waits,) = answer["awaits"]
    assert waits["needs"] == "approval"
    said = {"results": [{"tool_use_id": waits["tool_use_id"], "decision": "approve"}]}
    events = api.events(f"/messages/{answer['id']}/tool_results", **said)
    assert [one.payload["state"] for one in events if one.name == "colloquy.tool"] == ["begun", "ended"]
    assert "42" in api.get(f"/messages/{events[0].payload['message_id']}").json()["content"][-1]["text"]


def test_an_export_keeps_the_tools_and_an_import_takes_those_it_does_not_have(api: Api) -> None:
    session_id = api.session(tools=["calculate", WEATHER])
    api.say(session_id, f"{SUM}{ASK_WEATHER}")
    document = api.get(f"/sessions/{session_id}/export").json()
    document["session"]["tools"] = ["of_another_server", WEATHER]
    made = api.post("/sessions/import", json=document).json()
    assert made["tools"] == ["of_another_server", WEATHER]
    path = api.get(f"/sessions/{made['id']}/messages").json()["data"]
    assert [one["status"] for one in path] == ["complete", "requires_action"]
    uses = [one["id"] for one in path[-1]["content"] if one["type"] == "tool_use"]
    results = [{"tool_use_id": one, "content": "x"} for one in uses]
    done = api.post(f"/messages/{path[-1]['id']}/tool_results", json={"results": results})
    assert done.json()["message"]["status"] == "complete"


def test_a_preflight_is_about_the_tools_too(api: Api) -> None:
    session_id = api.session(tools=["calculate", WEATHER])
    plan = api.post(f"/sessions/{session_id}/preflight", json={"content": SUM}).json()
    assert plan["context"]["tokens"]["tools_tokens"] > 0
    sent = api.send_to(session_id, SUM, expect_plan=plan["plan"])
    assert sent.status_code == 201, sent.text


def test_a_fork_has_the_tools_of_its_session(api: Api) -> None:
    session_id = api.session(tools=["calculate"])
    answer = api.say(session_id, SUM)
    fork = api.post(f"/sessions/{session_id}/fork", json={"message_id": answer["id"]}).json()
    assert fork["tools"] == ["calculate"]
    assert len(api.get(f"/sessions/{fork['id']}/messages").json()["data"]) == 4
    assert api.say(fork["id"], SUM)["status"] == "complete"
