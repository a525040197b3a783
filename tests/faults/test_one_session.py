"""Many who send to one session at once: a tree without orphans, and all that was acknowledged is in it."""

from __future__ import annotations

import functools
import random
import secrets
import time
from typing import Any

import pytest

from tests.faults.conftest import Found, Scale
from tests.faults.crowds import at_once, check_tree, frames, payload_of, tree
from tests.support import Api

CLIENTS = 20
LONGEST_SECONDS = 90


@pytest.mark.parametrize("on_busy", ["reject", "queue"])
def test_all_who_send_to_one_session_are_answered_one_after_the_other(
    api: Api, scale: Scale, found: Found, on_busy: str
) -> None:
    refused = 0
    for _ in range(scale.rounds_to_one_session):
        refused += crowd([api], api.session(), on_busy)
    sent = scale.rounds_to_one_session * CLIENTS
    found(f"{CLIENTS} clients to one session, on_busy {on_busy}: {sent} sent, {refused} times 409, 0 lost")
    assert refused == 0 or on_busy == "reject"


def test_all_who_send_after_one_message_make_branches(api: Api, scale: Scale, found: Found) -> None:
    for _ in range(scale.rounds_to_one_session):
        session_id = api.session()
        root = api.say(session_id, "Root")["id"]
        mark = secrets.token_hex(8)
        sends = [
            functools.partial(_send, api, session_id, f"{mark}-{at}.", on_busy="queue", parent_id=root)
            for at in range(CLIENTS)
        ]
        acknowledged = at_once(sends)
        messages = tree(api, session_id)
        check_tree(messages)
        _check_all_there(messages, [one for one, _ in acknowledged])
        below = [one for one in messages if one["parent_id"] == root]
        assert len(below) == CLIENTS, "each is a branch of its own"
        assert len(messages) == 2 + 2 * CLIENTS
        assert api.get(f"/sessions/{session_id}").json()["head_id"] in {one["id"] for one in messages}
        assert len(api.path(session_id)) == 4
    sent = scale.rounds_to_one_session * CLIENTS
    found(f"{CLIENTS} clients that follow one message: {sent} branches, 0 lost")


def test_some_wait_and_some_branch_at_once(api: Api, scale: Scale) -> None:
    for _ in range(scale.rounds_to_one_session):
        session_id = api.session()
        root = api.say(session_id, "Root")["id"]
        mark = secrets.token_hex(8)
        ways: list[dict[str, Any]] = [
            {"on_busy": "queue"},
            {"on_busy": "reject"},
            {"on_busy": "queue", "parent_id": root},
            {"on_busy": "reject", "parent_id": root, "stream": True},
        ]
        sends = [
            functools.partial(_send, api, session_id, f"{mark}-{at}.", **ways[at % len(ways)])
            for at in range(CLIENTS)
        ]
        acknowledged = [one for one, _ in at_once(sends)]
        messages = tree(api, session_id)
        check_tree(messages)
        _check_all_there(messages, acknowledged)
        assert len(messages) == 2 + 2 * CLIENTS


def crowd(accesses: list[Api], session_id: str, on_busy: str) -> int:
    """Everybody sends once, half of them as a stream; how often somebody was refused."""
    mark = secrets.token_hex(8)
    sends = [
        functools.partial(
            _send,
            accesses[at % len(accesses)],
            session_id,
            f"{mark}-{at}.",
            on_busy=on_busy,
            stream=at % 4 > 1,
        )
        for at in range(CLIENTS)
    ]
    acknowledged = at_once(sends)
    messages = tree(accesses[0], session_id)
    check_tree(messages)
    _check_all_there(messages, [one for one, _ in acknowledged])
    assert len(messages) == 2 * CLIENTS, "nothing is there that nobody was told of"
    assert [one["id"] for one in accesses[0].path(session_id)] == [one["id"] for one in messages], "one line"
    return sum(refused for _, refused in acknowledged)


def _send(api: Api, session_id: str, text: str, **values: Any) -> tuple[tuple[str, str, str], int]:
    """Send until it is taken: the text, the ids it was acknowledged with, and how often it was refused."""
    ends_at = time.monotonic() + LONGEST_SECONDS
    refused = 0
    while time.monotonic() < ends_at:
        answer = api.send_to(session_id, text, **values)
        if answer.status_code == 409:
            assert answer.json()["code"] == "session_busy"
            assert float(answer.headers["Retry-After"]) > 0
            assert values["on_busy"] == "reject"
            refused += 1
            time.sleep(random.uniform(0.05, 0.1 + 0.1 * min(refused, 10)))  # noqa: S311 - no secret
            continue
        if values.get("stream"):
            assert answer.status_code == 200, answer.text
            events = [payload_of(one) for one in frames([answer.content])]
            assert events[-1]["status"] == "complete"
            return (text, events[0]["user_message_id"], events[0]["message_id"]), refused
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return (text, body["user_message"]["id"], body["message"]["id"]), refused
    raise AssertionError("it was never taken")


def _check_all_there(messages: list[dict[str, Any]], acknowledged: list[tuple[str, str, str]]) -> None:
    by_id = {one["id"]: one for one in messages}
    for text, user_message_id, message_id in acknowledged:
        assert by_id[user_message_id]["content"] == [{"type": "text", "text": text}]
        assert by_id[message_id]["parent_id"] == user_message_id
        assert by_id[message_id]["status"] == "complete"
    texts = [one["content"][0]["text"] for one in messages if one["role"] == "user"]
    assert len(set(texts)) == len(texts), "a message stands there twice"
