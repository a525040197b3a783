"""Errors: one shape everywhere, the mapping of Claude's, and no secret in any."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from config import Config
from tests.faults.crowds import at_once
from tests.support import Api, all_connections_taken

FIELDS = {"type", "title", "status", "detail", "code", "request_id", "retryable"}


@pytest.fixture
def small_api(variant: Callable[..., Api]) -> Api:
    return variant(max_body_bytes=5_000)


@pytest.fixture
def impatient_api(variant: Callable[..., Api]) -> Api:
    return variant(retry_tries=1, silence_timeout_seconds=0.3)


def check_shape(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body.keys() >= FIELDS
    assert body["type"] == f"urn:colloquy:problem:{code}"
    assert (body["code"], body["status"], body["request_id"]) == (
        code,
        status,
        answer.headers["X-Request-Id"],
    )
    return body


def test_an_unknown_address_is_a_problem_too(api: Api) -> None:
    check_shape(api.get("/nothing/here"), 404, "not_found")


def test_a_wrong_method_names_the_right_ones(api: Api) -> None:
    answer = api.put("/sessions")
    check_shape(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("content", "type_", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b'{"content": NaN}', "application/json", 400, "malformed_json"),
        (b"[" * 100_000, "application/json", 400, "malformed_json"),
        (b"\xff\xfe", "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "invalid_request"),
        (b'{"content": "\\ud800"}', "application/json", 422, "invalid_request"),
        (b'{"content": "a", "metadata": {"a": 1e999}}', "application/json", 422, "invalid_request"),
        (b"content=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"content": "a"}', "text/plain", 415, "unsupported_media_type"),
        (b'{"content": "a"}', None, 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_apart(
    api: Api, content: bytes, type_: str | None, status: int, code: str
) -> None:
    headers = {"Content-Type": type_} if type_ else {}
    check_shape(api.post("/messages", content=content, headers=headers), status, code)


def test_a_body_that_is_too_large_is_refused(small_api: Api) -> None:
    check_shape(small_api.post("/messages", json={"content": "x" * 10_000}), 413, "body_too_large")


def test_a_nul_in_the_address_is_not_found(api: Api) -> None:
    check_shape(api.get("/sessions/%00"), 404, "not_found")


@pytest.mark.parametrize(
    "header", [None, "", "Basic YTpi", "Bearer", "Bearer wrong", "Bearer clq_" + "x" * 43, "clq_x"]
)
def test_without_a_valid_key_there_is_a_challenge(api: Api, header: str | None) -> None:
    headers = {"Authorization": header} if header is not None else {"Authorization": ""}
    answer = api.get("/sessions", headers=headers)
    check_shape(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_key_is_asked_for_before_the_body_is_looked_at(api: Api) -> None:
    assert api.post("/messages", content=b"{", headers={"Authorization": "Bearer x"}).status_code == 401


def test_anothers_objects_do_not_exist(api: Api, other: Api) -> None:
    session_id = api.session()
    message_id = api.say(session_id, "Hello")["id"]
    for answer in (
        other.get(f"/sessions/{session_id}"),
        other.patch(f"/sessions/{session_id}", json={"title": "x"}),
        other.delete(f"/sessions/{session_id}"),
        other.get(f"/sessions/{session_id}/messages"),
        other.send_to(session_id, "Hello"),
        other.post("/messages", json={"content": "a", "session_id": session_id}),
        other.get(f"/sessions/{session_id}/export"),
        other.get(f"/sessions/{session_id}/export?format=md"),
        other.get(f"/messages/{message_id}"),
        other.get(f"/messages?q=Hello&session_id={session_id}"),
    ):
        check_shape(answer, 404, "not_found")
    assert other.get("/messages?q=Hello").json()["data"] == []
    assert other.get("/sessions").json()["data"] == []
    assert len(api.path(session_id)) == 2


def test_a_request_id_is_taken_or_made(api: Api) -> None:
    assert api.get("/livez", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
    assert api.get("/livez", headers={"X-Request-Id": "not mine"}).headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    ("fault", "status", "code", "upstream"),
    [
        ("status=400", 422, "upstream_rejected", (400, "invalid_request_error")),
        ("status=401", 502, "upstream_auth", (401, "authentication_error")),
        ("status=403", 502, "upstream_auth", (403, "permission_error")),
        ("status=404", 422, "model_not_found", (404, "not_found_error")),
        ("status=413", 422, "context_overflow", (413, "request_too_large")),
        ("status=429 retry_after=7", 429, "upstream_rate_limited", (429, "rate_limit_error")),
        ("status=500", 502, "upstream_failed", (500, "api_error")),
        ("status=529", 503, "upstream_overloaded", (529, "overloaded_error")),
        ("silence after=0 seconds=9", 504, "upstream_timeout", (None, "silence")),
        ("cut after=0", 502, "upstream_failed", (None, "connection_lost")),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_what_fails_before_the_first_event_is_a_status(
    impatient_api: Api, fault: str, status: int, code: str, upstream: tuple[int | None, str], is_stream: bool
) -> None:
    answer = impatient_api.post("/messages", json={"content": f"[[fault: {fault}]]", "stream": is_stream})
    body = check_shape(answer, status, code)
    assert (body["upstream"]["status"], body["upstream"]["type"]) == upstream
    assert bool(answer.headers.get("Retry-After")) == (status in {429, 503})
    message = impatient_api.get(f"/messages/{body['message_id']}").json()
    assert (message["status"], message["error"]["code"], message["content"]) == ("failed", code, [])
    assert impatient_api.get(f"/messages/{body['user_message_id']}").json()["status"] == "complete"
    assert impatient_api.send_to(body["session_id"], "And now?").status_code == 201


def test_retry_after_of_claudes_is_passed_on(impatient_api: Api) -> None:
    answer = impatient_api.post("/messages", json={"content": "[[fault: status=429 retry_after=77]]"})
    assert answer.headers["Retry-After"] == "77"


@pytest.mark.parametrize(
    "fault",
    ["status=429 times=2 retry_after=0.1", "status=529 times=1", "status=500 times=1", "cut after=0 times=1"],
)
def test_what_passes_soon_is_tried_again(api: Api, fault: str) -> None:
    assert api.post("/messages", json={"content": f"[[fault: {fault}]]"}).status_code == 201


@pytest.mark.parametrize(
    ("fault", "code", "upstream_type"),
    [
        ("cut after=6", "upstream_failed", "connection_lost"),
        ("silence after=6 seconds=9", "upstream_timeout", "silence"),
        ("no_stop", "upstream_failed", "stream_unfinished"),
        ("garbage after=6", "upstream_failed", "stream_garbled"),
        ("error after=6 type=overloaded_error", "upstream_overloaded", "overloaded_error"),
        ("error after=6 type=api_error", "upstream_failed", "api_error"),
    ],
)
def test_what_breaks_in_mid_stream_is_told_apart_and_keeps_what_came(
    impatient_api: Api, fault: str, code: str, upstream_type: str
) -> None:
    events = impatient_api.events(
        "/messages", content=f"[[fault: {fault}]][[reply: text=One two three four five six]]"
    )
    error, done = events[-2:]
    assert (error.name, error.payload["code"], error.payload["upstream"]["type"]) == (
        "error",
        code,
        upstream_type,
    )
    assert (done.name, done.payload["status"]) == ("colloquy.done", "failed")
    message = impatient_api.get(f"/messages/{done.payload['message_id']}").json()
    shown = [one.payload["delta"].get("text", "") for one in events if one.name == "content_block_delta"]
    kept = "".join(block.get("text", "") for block in message["content"])
    assert (message["status"], message["error"]["code"]) == ("failed", code)
    assert kept == "".join(shown)
    assert impatient_api.send_to(message["session_id"], "Go on").status_code == 201


def test_a_json_answer_that_broke_off_names_the_message_that_kept_what_came(impatient_api: Api) -> None:
    answer = impatient_api.post("/messages", json={"content": "[[fault: no_stop]]"})
    body = check_shape(answer, 502, "upstream_failed")
    assert impatient_api.get(f"/messages/{body['message_id']}").json()["content"]


def test_no_error_holds_a_secret_or_claudes_own_words(api: Api) -> None:
    answer = api.post("/messages", json={"content": "[[fault: status=400]]"})
    text = json.dumps(answer.json())
    assert "sk-ant-" not in text
    assert "simulat" not in text.replace("req_sim", "")


def test_a_database_without_room_is_told_apart_and_may_be_tried_again(
    variant: Callable[..., Api], config: Config
) -> None:
    if not config.database_url.startswith("postgresql"):
        pytest.skip("SQLite takes any number")
    api = variant(database_connections=4)
    with all_connections_taken(config.database_url):
        answers = at_once([lambda: api.get("/sessions")] * 8)
    refused = [one for one in answers if one.status_code != 200]
    for one in refused:
        body = check_shape(one, 503, "database_unavailable")
        assert "takes no more connections" in body["detail"]
        assert body["retryable"]
    assert refused, "one connection was there already, and eight were wanted"
    assert api.get("/sessions").status_code == 200
