"""What Claude is sent of a session: preflight, context, compact and pins, over HTTP, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from app.claude.simulator import Simulator
from tests.support import Api, CountRows, asked, last_asked, plan_of, unmarked

SMALL = {"budget_tokens": 1_500, "recall_tokens": 0}
SOURCES = ("system", "tools", "summary", "pins", "history", "recalled", "new")
NOBODY = "msg_00000000000000000000000000"


def topic(number: int) -> str:
    """What a turn is about: some 130 tokens."""
    return f"Turn {number}: the parcel with number {number * 7_919} goes to Ghent. " + "It is heavy. " * 30


def conversation(api: Api, turns: int = 10, **settings: Any) -> str:
    """A session with so many turns; ten are more than its budget holds."""
    session_id = api.session(**{"context": SMALL, **settings})
    for number in range(turns):
        api.say(session_id, topic(number))
    return session_id


def preflight(api: Api, session_id: str, content: Any, **values: Any) -> dict[str, Any]:
    answer = api.post(f"/sessions/{session_id}/preflight", json={"content": content, **values})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def context(api: Api, session_id: str) -> dict[str, Any]:
    answer = api.get(f"/sessions/{session_id}/context")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def fates(receipt: dict[str, Any]) -> list[tuple[str, int]]:
    """What became of the messages: how, and how many in a row."""
    return [(one["as"], one["messages"]) for one in receipt["messages"]]


def first_text(simulator: Simulator) -> str:
    """What the last request begins with."""
    return str(last_asked(simulator)["messages"][0]["content"][0]["text"])


def test_a_preflight_says_what_a_send_would_be_and_spends_nothing(
    api: Api, simulator: Simulator, count_rows: CountRows
) -> None:
    session_id = conversation(api, 2, system="Be brief.")
    before, calls = count_rows(), len(asked(simulator))
    plan = preflight(api, session_id, topic(2), max_tokens=700)
    assert (count_rows(), len(asked(simulator))) == (before, calls)
    assert (plan["model"], plan["max_tokens"]) == ("claude-sonnet-5-5", 700)
    sources = plan["context"]["tokens"]
    assert list(sources) == [f"{name}_tokens" for name in SOURCES]
    assert sum(sources.values()) == plan["input_tokens"] == plan["context"]["prompt_tokens"]
    assert sources["system_tokens"] > 0
    assert sources["new_tokens"] > 100
    assert plan["input_tokens"] <= plan["greatest_input_tokens"]
    assert sum(plan["uncached"].values()) == plan["input_tokens"]
    cost = plan["cost"]
    assert 0 < cost["least_nano_usd"] < cost["expected_nano_usd"] < cost["greatest_nano_usd"]
    assert cost["least_usd"].startswith("0.00")
    assert fates(plan["context"]) == [("verbatim", 5)]


def test_what_was_planned_is_what_is_sent(api: Api, simulator: Simulator) -> None:
    session_id = conversation(api, 2, system="Be brief.")
    plan = preflight(api, session_id, topic(2))
    answer = api.say(session_id, topic(2), expect_plan=plan["plan"])
    assert plan_of(last_asked(simulator)) == plan["plan"]
    assert answer["context"]["tokens"] == plan["context"]["tokens"]
    assert answer["context"]["cache"] == plan["context"]["cache"]
    assert abs(answer["usage"]["prompt_tokens"] / plan["input_tokens"] - 1) < 0.1


def test_what_differs_from_the_plan_is_refused_with_the_plan_it_would_be_now(
    api: Api, simulator: Simulator, count_rows: CountRows
) -> None:
    session_id = conversation(api, 1)
    old = preflight(api, session_id, "And then?")["plan"]
    api.say(session_id, "Something in between")
    before, calls = count_rows(), len(asked(simulator))
    refused = api.send_to(session_id, "And then?", expect_plan=old)
    now = preflight(api, session_id, "And then?")["plan"]
    body = refused.json()
    assert (refused.status_code, body["code"], body["plan"]) == (409, "plan_changed", now)
    assert (count_rows(), len(asked(simulator))) == (before, calls)
    assert api.say(session_id, "And then?", expect_plan=now)["status"] == "complete"


@pytest.mark.parametrize("values", [{"system": "Else."}, {"model": "claude-opus-5-5"}, {"max_tokens": 77}])
def test_another_setting_is_another_plan(api: Api, values: dict[str, Any]) -> None:
    session_id = conversation(api, 1)
    plan = preflight(api, session_id, "And then?")["plan"]
    assert preflight(api, session_id, "And then?")["plan"] == plan, "the same, while nothing changes"
    assert preflight(api, session_id, "And then?", **values)["plan"] != plan
    assert api.send_to(session_id, "And then?", expect_plan=plan, **values).status_code == 409


def test_a_refused_plan_of_a_stream_is_a_status_too(api: Api) -> None:
    session_id = conversation(api, 1)
    refused = api.send_to(session_id, "And then?", expect_plan="0" * 32, stream=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_changed")


def test_what_cannot_fit_is_refused_by_the_preflight_as_well(api: Api) -> None:
    session_id = api.session(model="claude-simulator-8k", max_tokens=1000)
    answer = api.post(f"/sessions/{session_id}/preflight", json={"content": "word " * 20_000})
    assert (answer.status_code, answer.json()["code"]) == (422, "context_overflow")


def test_the_context_of_a_session_that_has_not_begun_is_empty(api: Api) -> None:
    empty = {"next_request": None, "summary": None, "pinned_ids": [], "calls": []}
    assert context(api, api.session()) == empty


def test_the_context_says_what_the_next_request_holds_and_what_is_left_out(api: Api) -> None:
    session_id = conversation(api)
    path, shown = api.path(session_id), context(api, session_id)
    runs = shown["next_request"]["messages"]
    assert [one["as"] for one in runs] == ["left_out", "verbatim"]
    assert sum(one["messages"] for one in runs) == len(path)
    kept = path[runs[0]["messages"]]
    assert (runs[0]["first_id"], runs[1]["first_id"]) == (path[0]["id"], kept["id"])
    assert (runs[1]["last_id"], kept["role"]) == (path[-1]["id"], "user")
    assert shown["next_request"]["tokens"]["new_tokens"] == 0
    plan = preflight(api, session_id, "x")["context"]
    assert shown["next_request"]["prompt_tokens"] < plan["prompt_tokens"] + 10
    assert plan["messages"][-1]["first_id"] == kept["id"]


def test_every_message_of_the_path_is_in_the_receipt_that_is_kept_with_the_answer(api: Api) -> None:
    session_id = conversation(api)
    path = api.path(session_id)
    at = {one["id"]: number for number, one in enumerate(path)}
    for number, answer in enumerate(path):
        if answer["role"] == "user":
            assert answer["context"] is None
            continue
        runs = answer["context"]["messages"]
        ends = [(at[one["first_id"]], at[one["last_id"]]) for one in runs]
        assert [low for low, _ in ends] == [0, *(high + 1 for _, high in ends[:-1])], "without a gap"
        assert ends[-1][1] == number - 1
        assert [one["messages"] for one in runs] == [high - low + 1 for low, high in ends]
    assert {answer["context"]["cut"] for answer in path if answer["context"]} == {None, "high_water"}


def test_a_pinned_message_stays_after_a_cut_until_it_is_let_go(api: Api, simulator: Simulator) -> None:
    session_id = conversation(api, 1)
    pinned_id = api.path(session_id)[0]["id"]
    answer = api.put(f"/sessions/{session_id}/pins/{pinned_id}")
    assert (answer.status_code, answer.json()["pinned"]) == (200, True)
    assert answer.headers["ETag"] == api.get(f"/messages/{pinned_id}").headers["ETag"]
    for number in range(1, 10):
        api.say(session_id, topic(number))
    assert "<pinned_messages>" in first_text(simulator)
    assert topic(0).strip() in first_text(simulator)
    receipt = api.path(session_id)[-1]["context"]
    assert fates(receipt)[0] == ("pinned", 1)
    assert receipt["tokens"]["pins_tokens"] > 100
    assert context(api, session_id)["pinned_ids"] == [pinned_id]
    assert api.delete(f"/sessions/{session_id}/pins/{pinned_id}").status_code == 204
    assert api.get(f"/messages/{pinned_id}").json()["pinned"] is False
    api.say(session_id, topic(10))
    assert "<pinned_messages>" not in first_text(simulator)
    assert context(api, session_id)["pinned_ids"] == []


def test_to_pin_twice_or_to_let_go_what_is_not_pinned_changes_nothing(api: Api) -> None:
    session_id = conversation(api, 1)
    message_id = api.path(session_id)[0]["id"]
    once = api.put(f"/sessions/{session_id}/pins/{message_id}").json()
    assert api.put(f"/sessions/{session_id}/pins/{message_id}", json={}).json() == once
    for _ in range(2):
        assert api.delete(f"/sessions/{session_id}/pins/{message_id}").status_code == 204


def test_only_a_message_of_the_session_can_be_pinned(api: Api) -> None:
    session_id, elsewhere = conversation(api, 1), conversation(api, 1)
    for message_id in (NOBODY, api.path(elsewhere)[0]["id"]):
        for method in ("PUT", "DELETE"):
            refused = api.request(method, f"/sessions/{session_id}/pins/{message_id}")
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


def test_others_see_and_change_nothing_of_it(api: Api, other: Api) -> None:
    session_id = conversation(api, 1)
    message_id = api.path(session_id)[0]["id"]
    before = api.get(f"/sessions/{session_id}/messages").json()
    for method, path in (
        ("POST", "preflight"),
        ("GET", "context"),
        ("POST", "compact"),
        ("PUT", f"pins/{message_id}"),
        ("DELETE", f"pins/{message_id}"),
    ):
        body = {"json": {"content": "Hello"}} if path == "preflight" else {}
        refused = other.request(method, f"/sessions/{session_id}/{path}", **body)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), path
    assert api.get(f"/sessions/{session_id}/messages").json() == before


def test_older_turns_are_summarised_on_demand_and_the_next_request_holds_that_in_their_place(
    api: Api, simulator: Simulator
) -> None:
    session_id = conversation(api, 4)
    path = api.path(session_id)
    answer = api.post(f"/sessions/{session_id}/compact")
    assert answer.status_code == 200, answer.text
    summary = answer.json()
    assert summary["covered_ids"] == [one["id"] for one in path[: len(summary["covered_ids"])]]
    assert (summary["upto_id"], summary["previous_id"]) == (summary["covered_ids"][-1], None)
    shown = context(api, session_id)
    assert shown["summary"] == summary
    assert (shown["calls"][0]["purpose"], shown["calls"][0]["status"]) == ("summary", "done")
    assert shown["calls"][0]["usage"]["output_tokens"] > 0
    sent = api.say(session_id, topic(4))["context"]
    assert (sent["cut"], sent["summary_id"]) == ("compact", summary["id"])
    assert fates(sent) == [
        ("summarised", len(summary["covered_ids"])),
        ("verbatim", sent["messages"][1]["messages"]),
    ]
    assert "<summary>" in first_text(simulator)
    assert api.say(session_id, topic(5))["context"]["cut"] is None


def test_there_is_nothing_to_summarise_before_the_second_turn(api: Api) -> None:
    for session_id in (api.session(), conversation(api, 1)):
        refused = api.post(f"/sessions/{session_id}/compact", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_compact")


def test_a_summary_that_is_asked_for_twice_with_one_key_is_made_once(api: Api, simulator: Simulator) -> None:
    session_id, key = conversation(api, 4), {"Idempotency-Key": "once"}
    first = api.post(f"/sessions/{session_id}/compact", headers=key)
    calls = len(asked(simulator))
    again = api.post(f"/sessions/{session_id}/compact", headers=key)
    assert (first.status_code, again.json()) == (200, first.json())
    assert len(asked(simulator)) == calls


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (7, "/context"),
        ({"budget": 1}, "/context/budget"),
        ({"budget_tokens": 0}, "/context/budget_tokens"),
        ({"budget_tokens": "5"}, "/context/budget_tokens"),
        ({"budget_tokens": 1.5}, "/context/budget_tokens"),
        ({"keep": 1.01}, "/context/keep"),
        ({"keep": -0.01}, "/context/keep"),
        ({"keep": True}, "/context/keep"),
        ({"keep": "0.5"}, "/context/keep"),
        ({"recall_tokens": -1}, "/context/recall_tokens"),
        ({"summary": "yes"}, "/context/summary"),
        ({"summary": 1}, "/context/summary"),
    ],
)
def test_wrong_settings_of_the_context_are_named(api: Api, wrong: Any, pointer: str) -> None:
    session_id = api.session(context=SMALL)
    for refused in (
        api.post("/sessions", json={"context": wrong}),
        api.patch(f"/sessions/{session_id}", json={"context": wrong}),
    ):
        assert refused.status_code == 422
        assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]
    assert api.get(f"/sessions/{session_id}").json()["context"] == SMALL


def test_a_keep_that_is_no_number_is_refused(api: Api) -> None:
    for number in ("NaN", "Infinity", "1e999"):
        text = f'{{"context": {{"keep": {number}}}}}'
        answer = api.post("/sessions", content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}, answer.text


def test_settings_of_the_context_are_shown_changed_and_reset(api: Api) -> None:
    given = {"budget_tokens": 5_000, "keep": 0.25, "recall_tokens": 0, "summary": True}
    session_id = api.session(context=given)
    before = api.get(f"/sessions/{session_id}")
    assert before.json()["context"] == given
    changed = api.patch(f"/sessions/{session_id}", json={"context": {"keep": 1, "summary": None}})
    assert changed.json()["context"] == {"keep": 1.0, "summary": None}
    assert changed.headers["ETag"] != before.headers["ETag"]
    assert api.patch(f"/sessions/{session_id}", json={"title": "T"}).json()["context"]["keep"] == 1.0
    assert api.patch(f"/sessions/{session_id}", json={"context": None}).json()["context"] is None


def test_settings_and_pins_go_out_and_come_in_with_a_document_and_into_a_fork(
    api: Api, simulator: Simulator
) -> None:
    session_id = conversation(api, 8)
    pinned_id = api.path(session_id)[2]["id"]
    api.put(f"/sessions/{session_id}/pins/{pinned_id}")
    document = api.get(f"/sessions/{session_id}/export").json()
    assert (document["session"]["context"], document["messages"][2]["pinned"]) == (SMALL, True)
    copy = api.post("/sessions/import", json=document).json()
    last_id = api.path(session_id)[-1]["id"]
    fork = api.post(f"/sessions/{session_id}/fork", json={"message_id": last_id}).json()
    for one in (copy, fork):
        assert one["context"] == SMALL
        assert [message["pinned"] for message in api.path(one["id"])].index(True) == 2
        for number in (8, 9, 10):
            answer = api.say(one["id"], topic(number))
        assert answer["context"]["prompt_tokens"] <= SMALL["budget_tokens"]
        assert topic(1).strip() in first_text(simulator)


def test_a_fork_goes_on_with_the_same_bytes_as_the_session_it_came_from(
    api: Api, simulator: Simulator
) -> None:
    session_id = conversation(api)
    last_id = api.path(session_id)[-1]["id"]
    fork_id = api.post(f"/sessions/{session_id}/fork", json={"message_id": last_id}).json()["id"]
    assert context(api, fork_id)["next_request"]["cache"] == context(api, session_id)["next_request"]["cache"]
    first = api.say(session_id, topic(10))
    there = last_asked(simulator)
    second = api.say(fork_id, topic(10))
    assert last_asked(simulator) == there
    assert second["usage"]["prompt_tokens"] == first["usage"]["prompt_tokens"]
    assert api.path(fork_id)[-1]["context"]["tokens"] == first["context"]["tokens"]


def test_what_was_recalled_stands_before_the_new_text_and_is_not_kept(api: Api, simulator: Simulator) -> None:
    session_id = conversation(api, context={"budget_tokens": 2_000, "recall_tokens": 400})
    answer = api.say(session_id, "Where does the parcel with number 7919 go?")
    *history, newest = last_asked(simulator)["messages"]
    recalled, said = unmarked(newest["content"])
    assert said["text"] == "Where does the parcel with number 7919 go?"
    assert "number 7919 goes to Ghent" in recalled["text"]
    assert "<recalled_messages>" not in str(history)
    assert 0 < answer["context"]["tokens"]["recalled_tokens"] <= 400
    assert "recalled" in {one["as"] for one in answer["context"]["messages"]}
    api.say(session_id, "Thanks.")
    kept = [one for one in unmarked(last_asked(simulator)["messages"]) if said in one["content"]]
    assert [one["content"] for one in kept] == [[said]], "the history holds what was written alone"


def test_the_size_of_a_message_is_estimated_and_later_known(api: Api) -> None:
    session_id = conversation(api, 3)
    *counted, last = api.path(session_id)
    for one in counted:
        assert one["tokens"] > 0, one["role"]
        assert abs(one["estimated_tokens"] / one["tokens"] - 1) < 1
    assert (last["tokens"], last["estimated_tokens"] > 0) == (None, True)
