"""One key, one effect: however many send it at once, in whichever form, to whichever process."""

from __future__ import annotations

import functools
import secrets
from typing import Any

from app.claude.simulator import Simulator
from tests.faults.conftest import Found, Scale
from tests.faults.crowds import at_once, calls, check_tree, frames, name_of, text_in, tree
from tests.servers import Serve
from tests.support import Answer, Api, text_of

SENDERS = 50
STREAM = {"Accept": "text/event-stream"}


def test_fifty_that_send_the_same_with_one_key_get_one_answer(
    api: Api, simulator: Simulator, scale: Scale, found: Found
) -> None:
    for _ in range(scale.keys):
        session_id, key = api.session(), secrets.token_hex(8)
        same = functools.partial(send, [api], session_id, key)
        answers = at_once([functools.partial(same, at) for at in range(SENDERS)])
        check_equal(answers)
        check_one_effect(api, simulator, session_id, key)
    found(
        f"{SENDERS} POSTs at once with one key, {scale.keys} times: "
        f"1 message, 1 call to Claude, {SENDERS} equal answers"
    )


def test_a_key_holds_for_both_forms_of_the_answer(
    api: Api, simulator: Simulator, scale: Scale, found: Found
) -> None:
    for _ in range(scale.keys):
        session_id, key = api.session(), secrets.token_hex(8)
        same = functools.partial(send, [api], session_id, key)
        answers = at_once([functools.partial(same, at, STREAM if at % 2 else {}) for at in range(SENDERS)])
        whole = check_equal(answers[::2], firsts=None).json()
        streams = {answer.content for answer in answers[1::2]}
        assert len(streams) == 1, "every stream has the same bytes"
        events = list(frames(streams))
        assert name_of(events[-1]) == "colloquy.done"
        assert text_in(events) == text_of(whole["message"])
        assert sum("Idempotent-Replayed" not in one.headers for one in answers) == 1
        check_one_effect(api, simulator, session_id, key)
    found(
        f"{SENDERS} POSTs at once with one key, half of them streams, {scale.keys} times: "
        f"1 message, 1 call to Claude, equal answers"
    )


def test_a_key_holds_in_a_process_that_starts_later(
    api: Api, serve: Serve, database_url: str, simulator: Simulator, found: Found
) -> None:
    session_id, key = api.session(), secrets.token_hex(8)
    same = functools.partial(send, [api], session_id, key)
    first = check_equal(at_once([functools.partial(same, at) for at in range(SENDERS)]))
    server = serve(DATABASE_URL=database_url).wait_until_ready()
    with Api(base_url=server.url, headers=api.headers, timeout=30) as later:
        answers = at_once([functools.partial(send, [later], session_id, key, at) for at in range(SENDERS)])
        assert check_equal(answers, firsts=0).content == first.content
        stream = send([later], session_id, key, 0, STREAM)
        assert text_in(frames([stream.content])) == text_of(first.json()["message"])
        body, address = {"content": "Else"}, f"/sessions/{session_id}/messages"
        other = later.post(address, json=body, headers={"Idempotency-Key": key})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        check_one_effect(later, simulator, session_id, key)
    found(f"{SENDERS} POSTs at once with one key, and {SENDERS} after a restart: 1 effect, equal answers")


def send(
    accesses: list[Api], session_id: str, key: str, at: int, headers: dict[str, str] | None = None
) -> Answer:
    return accesses[at % len(accesses)].post(
        f"/sessions/{session_id}/messages",
        json={"content": f"{key} [[reply: words=30 seconds_per_event=0.02]]"},
        headers={"Idempotency-Key": key, **(headers or {})},
    )


def check_equal(answers: list[Answer], firsts: int | None = 1) -> Any:
    """All alike; so many are not said to be replayed."""
    assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
    assert len({one.content for one in answers}) == 1
    assert len({one.headers["Location"] for one in answers}) == 1
    if firsts is not None:
        assert sum("Idempotent-Replayed" not in one.headers for one in answers) == firsts
    return answers[0]


def check_one_effect(api: Api, simulator: Simulator, session_id: str, key: str) -> None:
    messages = tree(api, session_id)
    check_tree(messages)
    assert [one["role"] for one in messages] == ["user", "assistant"]
    assert calls(simulator, key) == 1
