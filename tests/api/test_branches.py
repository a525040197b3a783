"""Growing and cutting a session's tree, over HTTP, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.claude.simulator import Simulator
from app.services.drafts import GO_ON
from tests.support import Answer, Api, text_of

SLOW = "[[reply: words=100 seconds_per_event=0.05]]"
NOBODY = "msg_00000000000000000000000000"
SETTINGS = ("title", "model", "system", "max_tokens", "context", "metadata")


@contextmanager
def answering(api: Api, session_id: str) -> Iterator[str]:
    """The session makes an answer, this one, for as long as the block lasts."""
    with api.sending(session_id, SLOW) as chunks:
        next(chunks)
        message_id = api.path(session_id)[-1]["id"]
        yield str(message_id)
        assert api.get(f"/messages/{message_id}").json()["status"] == "running"
        assert api.post(f"/messages/{message_id}/cancel").status_code == 200


def act(api: Api, message_id: str, name: str, **body: Any) -> dict[str, Any]:
    """Edit, regenerate or continue a message; what was sent, and the answer."""
    answer = api.post(f"/messages/{message_id}/{name}", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/messages/{answer.json()['message']['id']}"
    return dict(answer.json())


def go_to(api: Api, session_id: str, message_id: str, **headers: str) -> Answer:
    return api.put(f"/sessions/{session_id}/head", json={"message_id": message_id}, headers=headers)


def tree(api: Api, session_id: str) -> list[dict[str, Any]]:
    return list(api.get(f"/sessions/{session_id}/messages?view=tree&limit=200").json()["data"])


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return [str(one["id"]) for one in messages]


def totals(api: Api, session_id: str) -> dict[str, int]:
    return dict(api.get(f"/sessions/{session_id}").json()["totals"])


def last_body(simulator: Simulator) -> dict[str, Any]:
    return dict(next(one.body for one in reversed(simulator.requests) if one.path == "/v1/messages"))


def history(api: Api, *answers: dict[str, Any]) -> str:
    """A session that was imported: a question and these answers, each below the one before."""
    messages = [{"role": "user", "content": "Question"}, *({"role": "assistant", **one} for one in answers)]
    document = {"format": "colloquy.session", "version": 1, "messages": messages}
    answer = api.post("/sessions/import", json=document)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_an_edit_stands_beside_the_old_message_and_the_session_goes_on_from_it(
    api: Api, simulator: Simulator
) -> None:
    session_id = api.session()
    api.say(session_id, "One")
    api.say(session_id, "Two", metadata={"from": "test"})
    before = api.path(session_id)
    made = act(api, before[2]["id"], "edit", content="Other")
    asked, answer = made["user_message"], made["message"]
    assert (asked["content"], asked["parent_id"]) == ([{"type": "text", "text": "Other"}], before[1]["id"])
    assert (answer["parent_id"], answer["status"]) == (asked["id"], "complete")
    assert asked["metadata"] == {"from": "test"}, "it is kept where none is given"
    assert ids(api.path(session_id)) == [*ids(before[:2]), asked["id"], answer["id"]]
    assert ids(tree(api, session_id)) == [*ids(before), asked["id"], answer["id"]], "the old ones stay"
    said = [one["content"][-1]["text"] for one in last_body(simulator)["messages"] if one["role"] == "user"]
    assert said == ["One", "Other"], "what was edited away is not sent"
    assert totals(api, session_id)["messages"] == 6
    assert act(api, before[2]["id"], "edit", content="Else", metadata={})["user_message"]["metadata"] == {}


def test_the_first_message_may_be_edited(api: Api) -> None:
    session_id = api.session()
    api.say(session_id, "One")
    made = act(api, api.path(session_id)[0]["id"], "edit", content="Other", stream=False)
    assert made["user_message"]["parent_id"] is None
    assert ids(api.path(session_id)) == [made["user_message"]["id"], made["message"]["id"]]
    assert api.say(session_id, "And now?")["parent_id"] == api.path(session_id)[-2]["id"]


def test_an_answer_cannot_be_edited(api: Api) -> None:
    session_id = api.session()
    answer = api.say(session_id, "One")
    refused = api.post(f"/messages/{answer['id']}/edit", json={"content": "Other"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == "/path/message_id"
    missing = api.post(f"/messages/{answer['parent_id']}/edit", json={})
    assert [one["pointer"] for one in missing.json()["errors"]] == ["/content"]
    assert len(tree(api, session_id)) == 2


@pytest.mark.parametrize("of", ["answer", "question"])
def test_another_answer_stands_beside_the_first_and_the_session_goes_on_from_it(
    api: Api, simulator: Simulator, of: str
) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    made = act(api, first["id"] if of == "answer" else first["parent_id"], "regenerate", max_tokens=321)
    answer = made["message"]
    assert made["user_message"]["id"] == first["parent_id"] == answer["parent_id"]
    assert answer["id"] != first["id"]
    assert answer["status"] == "complete"
    assert ids(api.path(session_id)) == [first["parent_id"], answer["id"]]
    assert ids(tree(api, session_id)) == [first["parent_id"], first["id"], answer["id"]]
    assert totals(api, session_id)["messages"] == 3
    assert len(last_body(simulator)["messages"]) == 1, "the first answer is not sent"
    assert last_body(simulator)["max_tokens"] == 321
    assert api.say(session_id, "Two")["status"] == "complete"
    assert api.path(session_id)[1]["id"] == answer["id"]


def test_an_answer_in_the_middle_is_made_again_without_what_followed(api: Api) -> None:
    session_id = api.session()
    api.say(session_id, "One")
    api.say(session_id, "Two")
    before = api.path(session_id)
    made = act(api, before[1]["id"], "regenerate")
    assert ids(api.path(session_id)) == [before[0]["id"], made["message"]["id"]]
    assert len(tree(api, session_id)) == 5


def test_an_answer_may_be_made_again_as_a_stream_and_without_a_body(api: Api) -> None:
    first = api.say(api.session(), "One")
    events = api.events(f"/messages/{first['id']}/regenerate")
    assert (events[0].name, events[0].payload["user_message_id"]) == ("colloquy.turn", first["parent_id"])
    assert events[-1].payload["status"] == "complete"
    answer = api.post(f"/messages/{first['id']}/regenerate")
    assert (answer.status_code, answer.json()["message"]["parent_id"]) == (201, first["parent_id"])


def test_an_answer_that_answers_nothing_cannot_be_made_again(api: Api) -> None:
    messages = [{"role": "assistant", "content": "Hello", "status": "interrupted"}]
    document = {"format": "colloquy.session", "version": 1, "messages": messages}
    session_id = api.post("/sessions/import", json=document).json()["id"]
    (alone,) = api.path(session_id)
    for name in ("regenerate", "continue"):
        refused = api.post(f"/messages/{alone['id']}/{name}")
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), refused.text
    assert len(tree(api, session_id)) == 1


@pytest.mark.parametrize(
    ("broken", "instruction"),
    [
        ({"content": "Half an", "status": "interrupted"}, GO_ON),
        ({"content": "Half an", "status": "cancelled"}, GO_ON),
        ({"content": "Half an", "status": "failed"}, GO_ON),
        ({"content": "Half an", "stop_reason": "max_tokens"}, GO_ON),
        ({"content": "Half an", "stop_reason": "model_context_window_exceeded"}, GO_ON),
        ({"content": [], "status": "failed"}, None),
        ({"content": [{"type": "text", "text": " "}], "status": "cancelled"}, None),
    ],
)
def test_what_broke_off_is_carried_on_below_it(
    api: Api, simulator: Simulator, broken: dict[str, Any], instruction: str | None
) -> None:
    session_id = history(api, broken)
    half = api.path(session_id)[-1]
    made = act(api, half["id"], "continue")
    assert made["user_message"]["id"] == half["parent_id"]
    assert (made["message"]["parent_id"], made["message"]["status"]) == (half["id"], "complete")
    assert ids(api.path(session_id)) == [half["parent_id"], half["id"], made["message"]["id"]]
    sent = last_body(simulator)["messages"]
    if instruction:
        assert [one["role"] for one in sent] == ["user", "assistant", "user"]
        assert sent[-1]["content"][-1]["text"] == instruction
    else:
        assert [one["role"] for one in sent] == ["user"], "nothing came, so it is asked again"
    assert api.say(session_id, "And now?")["status"] == "complete"


@pytest.mark.parametrize("fault", ["no_stop after=7", "cut after=9", "status=400"])
def test_an_answer_that_claude_broke_off_is_carried_on(api: Api, fault: str) -> None:
    session_id = api.session()
    failed = api.send_to(session_id, f"[[fault: {fault} times=1]] {session_id}")
    assert failed.status_code >= 422
    half = api.get(f"/messages/{failed.json()['message_id']}").json()
    assert half["status"] == "failed"
    made = act(api, half["id"], "continue")
    assert (made["message"]["status"], made["message"]["parent_id"]) == ("complete", half["id"])


def test_an_answer_that_was_cancelled_is_carried_on(api: Api) -> None:
    session_id = api.session()
    with answering(api, session_id) as message_id:
        refused = api.post(f"/messages/{message_id}/continue")
        assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
        assert refused.json()["message_id"] == message_id
    made = act(api, message_id, "continue", max_tokens=64)
    assert made["message"]["parent_id"] == message_id


def test_an_answer_that_was_cut_off_by_max_tokens_is_carried_on(api: Api) -> None:
    answer = api.say(api.session(), "[[reply: words=500]]", max_tokens=40)
    assert (answer["status"], answer["stop_reason"]) == ("complete", "max_tokens")
    assert act(api, answer["id"], "continue", max_tokens=64)["message"]["parent_id"] == answer["id"]


def test_a_complete_answer_is_not_continued_nor_is_a_question(api: Api) -> None:
    session_id = api.session()
    answer = api.say(session_id, "One")
    refused = api.post(f"/messages/{answer['id']}/continue", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_continuable")
    assert not refused.json()["retryable"]
    refused = api.post(f"/messages/{answer['parent_id']}/continue", json={})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == "/path/message_id"
    assert len(tree(api, session_id)) == 2


def test_to_carry_on_what_fills_the_window_is_a_context_overflow(api: Api) -> None:
    messages = [
        {"role": "user", "content": "word " * 3_000},
        {"role": "assistant", "content": "and then " * 2_000, "status": "interrupted"},
    ]
    document = {
        "format": "colloquy.session",
        "version": 1,
        "session": {"model": "claude-simulator-8k", "max_tokens": 1_000},
        "messages": messages,
    }
    session_id = api.post("/sessions/import", json=document).json()["id"]
    half = api.path(session_id)[-1]
    refused = api.post(f"/messages/{half['id']}/continue")
    assert (refused.status_code, refused.json()["code"]) == (422, "context_overflow"), refused.text
    assert len(tree(api, session_id)) == 2


def test_a_fork_has_the_settings_and_copies_of_the_messages_up_to_there(api: Api) -> None:
    session_id = api.session(
        title="T",
        model="claude-opus-5-5",
        system="S",
        max_tokens=700,
        context={"keep": 0.25, "summary": False},
        metadata={"a": [1, "é"]},
    )
    first = api.say(session_id, "The okapi", metadata={"from": "test"})
    api.say(session_id, "Not in it")
    act(api, first["id"], "regenerate")
    old, before = tree(api, session_id), api.get(f"/sessions/{session_id}").json()
    answer = api.post(f"/sessions/{session_id}/fork", json={"message_id": old[2]["id"]})
    fork = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/sessions/{fork['id']}"
    assert answer.headers["ETag"] == api.get(f"/sessions/{fork['id']}").headers["ETag"]
    assert {name: fork[name] for name in SETTINGS} == {name: before[name] for name in SETTINGS}
    copies = api.path(fork["id"])
    assert set(ids(copies)).isdisjoint(ids(old))
    assert [one["parent_id"] for one in copies] == [None, *ids(copies[:-1])]
    assert tree(api, fork["id"]) == copies
    new = {"id", "parent_id", "session_id"}
    renamed = json.dumps(old[:3])
    for one, copy in zip(old, copies, strict=False):
        renamed = renamed.replace(one["id"], copy["id"])
    stripped = [{name: value for name, value in one.items() if name not in new} for one in copies]
    kept = [{name: value for name, value in one.items() if name not in new} for one in json.loads(renamed)]
    assert stripped == kept, "what went into an answer is said with the new ids too"
    assert {one["session_id"] for one in copies} == {fork["id"]}
    assert fork["totals"]["messages"] == len(copies) == 3
    assert api.get(f"/sessions/{session_id}").json() == before, "the old one is as it was"
    found = api.get(f"/messages?q=okapi&session_id={fork['id']}").json()["data"]
    assert {one["message"]["id"] for one in found} <= set(ids(copies))
    assert found


def test_a_fork_goes_its_own_way(api: Api) -> None:
    session_id = api.session()
    answer = api.say(session_id, "One")
    fork = api.post(f"/sessions/{session_id}/fork", json={"message_id": answer["id"]}).json()["id"]
    api.say(fork, "Two")
    assert (len(api.path(fork)), len(api.path(session_id))) == (4, 2)
    assert api.delete(f"/sessions/{session_id}").status_code == 200
    assert api.say(fork, "Three")["status"] == "complete"


def test_a_fork_of_what_is_not_there_or_not_done_is_refused(api: Api, other: Api) -> None:
    session_id, elsewhere = api.session(), api.session()
    foreign = api.say(elsewhere, "One")
    count = len(api.get("/sessions").json()["data"])
    for message_id in (foreign["id"], NOBODY):
        refused = api.post(f"/sessions/{session_id}/fork", json={"message_id": message_id})
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert other.post(f"/sessions/{elsewhere}/fork", json={"message_id": foreign["id"]}).status_code == 404
    with answering(api, session_id) as message_id:
        refused = api.post(f"/sessions/{session_id}/fork", json={"message_id": message_id})
        assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
        question = api.path(session_id)[0]
        forked = api.post(f"/sessions/{session_id}/fork", json={"message_id": question["id"]})
        assert forked.status_code == 201, "what stands before it is done"
    assert len(api.get("/sessions").json()["data"]) == count + 1


def test_the_head_may_be_any_message_of_any_branch(api: Api, simulator: Simulator) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    second = act(api, first["id"], "regenerate")["message"]
    tag = api.get(f"/sessions/{session_id}").headers["ETag"]
    answer = go_to(api, session_id, first["id"])
    assert (answer.status_code, answer.json()["head_id"]) == (200, first["id"])
    assert answer.headers["ETag"] != tag
    assert ids(api.path(session_id)) == [first["parent_id"], first["id"]]
    third = api.say(session_id, "Below the first")
    assert api.path(session_id)[1]["id"] == first["id"]
    assert last_body(simulator)["messages"][1]["content"] == first["content"]
    assert go_to(api, session_id, second["id"]).status_code == 200
    assert ids(api.path(session_id)) == [first["parent_id"], second["id"]]
    assert go_to(api, session_id, third["id"]).status_code == 200
    assert [one["id"] for one in api.path(session_id)][-1] == third["id"]
    assert go_to(api, session_id, first["parent_id"]).status_code == 200
    assert ids(api.path(session_id)) == [first["parent_id"]]
    assert api.say(session_id, "Two in a row")["status"] == "complete"


def test_a_head_elsewhere_is_refused_and_so_is_an_old_version(api: Api, other: Api) -> None:
    session_id, elsewhere = api.session(), api.session()
    first, foreign = api.say(session_id, "One"), api.say(elsewhere, "One")
    for message_id in (foreign["id"], NOBODY):
        assert go_to(api, session_id, message_id).status_code == 404
    assert go_to(other, session_id, first["id"]).status_code == 404
    tag = api.get(f"/sessions/{session_id}").headers["ETag"]
    assert go_to(api, session_id, first["parent_id"], **{"If-Match": '"old"'}).status_code == 412
    assert api.path(session_id)[-1]["id"] == first["id"]
    assert go_to(api, session_id, first["parent_id"], **{"If-Match": tag}).status_code == 200
    assert go_to(api, session_id, first["id"], **{"If-Match": tag}).status_code == 412


def test_the_head_stays_while_an_answer_is_made(api: Api) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    with answering(api, session_id) as message_id:
        refused = go_to(api, session_id, first["id"])
        assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
        assert refused.json()["message_id"] == message_id
    assert api.path(session_id)[-1]["id"] == message_id
    assert go_to(api, session_id, first["id"]).status_code == 200


def test_a_message_is_deleted_with_all_that_follows_from_it(api: Api) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    second = api.say(session_id, "The pangolin")
    beside = act(api, second["parent_id"], "edit", content="The aardvark")
    api.say(session_id, "The numbat")
    assert go_to(api, session_id, second["id"]).status_code == 200
    assert api.delete(f"/messages/{second['parent_id']}").status_code == 204
    assert api.get(f"/sessions/{session_id}").json()["head_id"] == first["id"]
    left = tree(api, session_id)
    assert len(left) == totals(api, session_id)["messages"] == 6
    for gone in (second["id"], second["parent_id"]):
        assert api.get(f"/messages/{gone}").status_code == 404
        assert api.get(f"/messages/{gone}/events").status_code == 404
        assert api.delete(f"/messages/{gone}").status_code == 404
    assert api.get("/messages?q=pangolin").json()["data"] == []
    assert api.get("/messages?q=aardvark").json()["data"]
    assert api.delete(f"/messages/{beside['user_message']['id']}").status_code == 204
    assert ids(tree(api, session_id)) == [first["parent_id"], first["id"]]
    assert api.get("/messages?q=numbat").json()["data"] == []
    assert api.say(session_id, "Two")["status"] == "complete"


def test_the_head_stays_where_it_is_not_among_what_is_deleted(api: Api) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    second = act(api, first["id"], "regenerate")["message"]
    assert api.delete(f"/messages/{first['id']}").status_code == 204
    assert api.get(f"/sessions/{session_id}").json()["head_id"] == second["id"]
    assert ids(api.path(session_id)) == [second["parent_id"], second["id"]]


def test_a_session_whose_first_message_is_deleted_begins_anew(api: Api) -> None:
    session_id = api.session()
    answer = api.say(session_id, "One")
    used = totals(api, session_id)
    assert api.delete(f"/messages/{answer['parent_id']}").status_code == 204
    chat = api.get(f"/sessions/{session_id}").json()
    assert (chat["head_id"], chat["status"]) == (None, "idle")
    assert chat["totals"] == {**used, "messages": 0}, "what was used stays used"
    assert api.path(session_id) == tree(api, session_id) == []
    again = api.say(session_id, "Anew")
    assert [one["parent_id"] for one in api.path(session_id)] == [None, again["parent_id"]]


def test_a_message_is_deleted_as_it_was_seen_or_not_at_all(api: Api, other: Api) -> None:
    session_id = api.session()
    answer = api.say(session_id, "One")
    address = f"/messages/{answer['id']}"
    assert other.delete(address).status_code == 404
    refused = api.delete(address, headers={"If-Match": '"old"'})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert len(tree(api, session_id)) == 2
    tag = api.get(address).headers["ETag"]
    assert api.delete(address, headers={"If-Match": tag}).status_code == 204
    assert len(tree(api, session_id)) == 1


def test_what_leads_to_an_answer_in_the_making_cannot_be_deleted_but_another_branch_can(api: Api) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    beside = act(api, first["id"], "regenerate")["message"]
    with answering(api, session_id) as message_id:
        for busy in (message_id, beside["id"], beside["parent_id"]):
            refused = api.delete(f"/messages/{busy}")
            assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
            assert refused.json()["message_id"] == message_id
        assert api.delete(f"/messages/{first['id']}").status_code == 204
    assert api.get(f"/sessions/{session_id}").json()["head_id"] == message_id
    assert api.delete(f"/messages/{message_id}").status_code == 204
    assert len(tree(api, session_id)) == totals(api, session_id)["messages"] == 3


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_tree_is_paged_without_a_gap_in_either_order(api: Api, order: str) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    act(api, first["id"], "regenerate")
    act(api, first["parent_id"], "edit", content="Other")
    api.say(session_id, "Two")
    whole = tree(api, session_id)
    seen = set[str]()
    for one in whole:
        assert one["parent_id"] is None or one["parent_id"] in seen, "after the one that it follows"
        seen.add(one["id"])
    found, cursor = [], ""
    for _ in range(10):
        page = api.get(f"/sessions/{session_id}/messages?view=tree&limit=2&order={order}{cursor}").json()
        assert len(page["data"]) <= 2
        found += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == (whole if order == "asc" else whole[::-1])
    assert len(found) == 7


def test_a_message_sent_below_another_one_begins_a_branch(api: Api, simulator: Simulator) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    second = api.say(session_id, "Two")
    branch = api.say(session_id, "Two, otherwise", parent_id=first["id"])
    path = api.path(session_id)
    assert ids(path)[:2] == [first["parent_id"], first["id"]]
    assert (path[2]["parent_id"], path[3]["id"], len(path)) == (first["id"], branch["id"], 4)
    assert len(tree(api, session_id)) == 6
    assert len(last_body(simulator)["messages"]) == 3, "the other branch is not sent"
    on = api.say(session_id, "Three", parent_id=second["id"])
    assert [one["id"] for one in api.path(session_id)][3] == second["id"]
    assert api.path(session_id)[-1]["id"] == on["id"]
    assert api.say(session_id, "Four", parent_id=None)["status"] == "complete"
    assert len(api.path(session_id)) == 8, "null is the head"


def test_a_parent_elsewhere_is_refused_and_nothing_is_stored(api: Api, other: Api) -> None:
    session_id, elsewhere = api.session(), api.session()
    foreign = api.say(elsewhere, "One")
    for message_id in (foreign["id"], NOBODY):
        refused = api.send_to(session_id, "Two", parent_id=message_id)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert tree(api, session_id) == []
    assert other.send_to(elsewhere, "Two", parent_id=foreign["id"]).status_code == 404
    refused = api.post("/messages", json={"content": "Two", "parent_id": foreign["id"]})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/session_id"]
    assert refused.status_code == 422


def test_nobody_grows_anothers_tree(api: Api, other: Api) -> None:
    session_id = api.session()
    answer = api.say(session_id, "One")
    for name in ("edit", "regenerate", "continue", "cancel"):
        body = {"content": "Mine"} if name == "edit" else {}
        for message_id in (answer["id"], answer["parent_id"]):
            refused = other.post(f"/messages/{message_id}/{name}", json=body)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert len(tree(api, session_id)) == 2


@pytest.mark.parametrize("name", ["edit", "regenerate"])
def test_while_an_answer_is_made_no_other_is_begun(api: Api, name: str) -> None:
    session_id = api.session()
    first = api.say(session_id, "One")
    with answering(api, session_id) as message_id:
        body = {"content": "Other"} if name == "edit" else {}
        refused = api.post(f"/messages/{first['parent_id']}/{name}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
        assert refused.json()["message_id"] == message_id
    assert len(tree(api, session_id)) == 4


@pytest.mark.parametrize("length", [65, 400])
def test_an_id_longer_than_any_is_not_found(api: Api, length: int) -> None:
    long = "x" * length
    key = {"Idempotency-Key": "k"}
    choice = {"message_id": NOBODY}
    for answer in (
        api.get(f"/messages/{long}"),
        api.get(f"/sessions/{long}"),
        api.post(f"/sessions/{long}/fork", json=choice, headers=key),
        api.post(f"/messages/{long}/edit", json={"content": "a"}, headers=key),
        api.post(f"/sessions/{long}/messages", json={"content": "a"}, headers=key),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text
    assert api.get(f"/messages/{'x' * 64}").status_code == 404


def test_what_a_prompt_began_with_may_be_blank_and_is_then_left_out(api: Api, simulator: Simulator) -> None:
    session_id = api.session(system="  \n")
    assert api.say(session_id, "One")["status"] == "complete"
    assert "system" not in last_body(simulator)
    assert text_of(api.say(session_id, "Two", system=" "))
    assert "system" not in last_body(simulator)
