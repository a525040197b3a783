"""Rate limits over HTTP: who is over them, and what every answer says of them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import delete, update

from app.models.rate_counters import RateCounter
from app.services import users
from app.services.transactions import writing
from tests.support import Answer, Api, CountRows

Variant = Callable[..., Api]
ITEM = re.compile(r'"([a-z-]+)";r=(\d+);t=(\d+)')


@pytest.fixture(autouse=True)
def _forget(app: Flask) -> Iterator[None]:
    yield
    with app.app_context(), writing() as session:
        session.execute(delete(RateCounter))


def left(answer: Answer) -> dict[str, int]:
    """What the header says is left, each with a time in the minute."""
    items = [ITEM.fullmatch(one) for one in answer.headers["RateLimit"].split(", ")]
    assert all(one and 0 < int(one[3]) <= 60 for one in items), answer.headers["RateLimit"]
    return {one[1]: int(one[2]) for one in items if one}


def let_the_minute_pass(app: Flask) -> None:
    """As far as the counters know."""
    with app.app_context(), writing() as session:
        session.execute(update(RateCounter).values(expires_at_ms=int(time.time() * 1000)))


def second_key(app: Flask, name: str) -> dict[str, str]:
    with app.app_context():
        return {"Authorization": f"Bearer {users.add_key(name, 'second')[1]}"}


def test_without_limits_no_answer_speaks_of_them(api: Api, count_rows: CountRows) -> None:
    answer = api.get("/sessions")
    assert not {"RateLimit", "RateLimit-Policy"} & set(answer.headers)
    assert count_rows()["rate_counters"] == 0


def test_every_answer_says_what_is_left_and_who_is_over_is_told_when_to_come_again(
    app: Flask, variant: Variant
) -> None:
    web = variant(requests_per_minute=3)
    for remaining in (2, 1, 0):
        answer = web.get("/sessions")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=60'
        assert left(answer) == {"requests": remaining}
    over = web.get("/sessions")
    problem = over.json()
    assert (over.status_code, problem["code"], problem["retryable"]) == (429, "rate_limited", True)
    assert "The limit `requests` of 3 a minute is reached" in problem["detail"]
    assert left(over) == {"requests": 0}
    wait = int(over.headers["Retry-After"])
    assert 0 < wait <= 60
    assert problem["retry_after_seconds"] == wait
    assert f"t={wait}" in over.headers["RateLimit"]
    let_the_minute_pass(app)
    assert left(web.get("/sessions")) == {"requests": 2}


def test_a_key_has_limits_of_its_own(app: Flask, variant: Variant) -> None:
    web = variant(requests_per_minute=5, key_requests_per_minute=2)
    other = second_key(app, "Eve")
    answers = [web.get("/sessions") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=5;w=60, "key-requests";q=2;w=60'
    assert left(answers[2]) == {"requests": 2, "key-requests": 0}
    assert "The limit `key-requests` of 2" in answers[2].json()["detail"]
    assert left(web.get("/sessions", headers=other)) == {"requests": 1, "key-requests": 1}


def test_one_persons_requests_are_not_anothers(app: Flask, variant: Variant) -> None:
    web = variant(requests_per_minute=1)
    with app.app_context():
        users.add("Bob")
    bob = second_key(app, "Bob")
    assert [web.get("/sessions").status_code for _ in range(2)] == [200, 429]
    assert web.get("/sessions", headers=bob).status_code == 200


def test_failures_count_and_speak_of_limits_too(variant: Variant) -> None:
    web = variant(requests_per_minute=2)
    answers = [
        web.get("/sessions/ses_x"),
        web.post("/sessions", json={"x": 1}),
        web.post("/sessions", json={}),
    ]
    assert [one.status_code for one in answers] == [404, 422, 429]
    assert [left(one)["requests"] for one in answers] == [1, 0, 0]


def test_probes_public_routes_strangers_and_preflights_are_not_limited(variant: Variant) -> None:
    web = variant(requests_per_minute=1, cors_origins="https://app.example.org")
    preflight = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "GET"}
    for _ in range(3):
        for path in ("/livez", "/readyz", "/version", "/openapi.json", "/docs"):
            assert web.get(path).status_code == 200
        assert web.get("/nothing").status_code == 404
        assert web.get("/sessions", headers={"Authorization": "Bearer clq_wrong"}).status_code == 401
        assert web.options("/sessions", headers=preflight).status_code == 204
    answer = web.get("/sessions", headers={"Origin": "https://app.example.org"})
    assert left(answer) == {"requests": 0}
    assert {"RateLimit", "RateLimit-Policy"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )


def test_who_has_used_the_minutes_tokens_sends_no_more_but_reads_on(app: Flask, variant: Variant) -> None:
    web = variant(tokens_per_minute=10)
    session_id = web.session()
    once = {"Idempotency-Key": "once"}
    path = f"/sessions/{session_id}/messages"
    first = web.post(path, json={"content": "Hello"}, headers=once)
    assert first.status_code == 201
    assert left(first) == {"tokens": 10}, "as it stood when the request came"
    for over in (
        web.send_to(session_id, "Again"),
        web.send_to(session_id, "Again", stream=True),
        web.post("/messages", json={"content": "Elsewhere"}),
        web.post(f"/messages/{first.json()['message']['id']}/regenerate", json={}),
        web.post(f"/sessions/{session_id}/compact", json={}),
    ):
        assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
        assert "The limit `tokens` of 10" in over.json()["detail"]
        assert 0 < int(over.headers["Retry-After"]) <= 60
        assert left(over) == {"tokens": 0}
    assert len(web.path(session_id)) == 2
    again = web.post(path, json={"content": "Hello"}, headers=once)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    let_the_minute_pass(app)
    assert web.send_to(session_id, "Again").status_code == 201


def test_a_stream_says_what_is_left(variant: Variant) -> None:
    web = variant(requests_per_minute=100, tokens_per_minute=100_000)
    session_id = web.session()
    answer = web.post(f"/sessions/{session_id}/messages", json={"content": "Hello", "stream": True})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert left(answer) == {"requests": 98, "tokens": 100_000}
    used = web.path(session_id)[-1]["usage"]
    after = left(web.get("/sessions"))
    assert after["tokens"] == 100_000 - used["prompt_tokens"] - used["output_tokens"]


def test_two_servers_share_their_counters(variant: Variant) -> None:
    one = variant(requests_per_minute=11)
    other = variant(requests_per_minute=11)
    headers = dict(one.headers)
    statuses: list[int] = []

    def ask(web: Api) -> None:
        for _ in range(2):
            statuses.append(web.get("/sessions", headers=headers).status_code)

    threads = [threading.Thread(target=ask, args=(web,)) for web in (one, other) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 11 + [429] * 29


def test_every_operation_with_a_key_says_that_it_may_be_limited(app: Flask) -> None:
    for operations in app.extensions["colloquy.openapi"]["paths"].values():
        for method, one in operations.items():
            if method != "parameters":
                says = one["responses"].get("429", {}).get("description", "")
                assert ("`rate_limited`" in says) == bool(one.get("security"))
