"""Web pages: nobody's, until the settings name their origins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.api.cors import SHOWN, TAKEN
from tests.support import Answer, Api

OURS, OTHER = "https://app.example.org", "http://localhost:5173"
STRANGER = "https://evil.example.org"
NEAR = ("https://app.example.org.evil.org", "http://app.example.org", "https://appxexample.org", "null", "")


def cors_of(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def listed(text: str) -> set[str]:
    return {one.strip() for one in text.split(",")}


def preflight(web: Api, path: str, origin: str = OURS, method: str = "POST", headers: str = "") -> Answer:
    asks = {"Origin": origin, "Access-Control-Request-Method": method, "Authorization": ""}
    return web.options(path, headers={**asks, "Access-Control-Request-Headers": headers or ", ".join(TAKEN)})


@pytest.fixture
def web(variant: Callable[..., Api]) -> Api:
    return variant(cors_origins=f"{OURS}, {OTHER}")


def test_without_origins_there_is_no_word_of_it_and_a_preflight_needs_a_key(api: Api) -> None:
    for answer in (api.get("/sessions", headers={"Origin": OURS}), preflight(api, "/sessions")):
        assert cors_of(answer) == {}
        assert "Origin" not in answer.headers.get("Vary", "")
    assert preflight(api, "/sessions").status_code == 401


@pytest.mark.parametrize("origin", [OURS, OTHER])
def test_a_page_of_a_named_origin_may_read_answers_and_their_headers(web: Api, origin: str) -> None:
    answer = web.get("/sessions", headers={"Origin": origin})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert listed(answer.headers["Access-Control-Expose-Headers"]) == set(SHOWN)
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", [STRANGER, *NEAR])
def test_a_page_of_another_origin_may_not(web: Api, origin: str) -> None:
    assert cors_of(web.get("/sessions", headers={"Origin": origin})) == {}
    assert cors_of(preflight(web, "/sessions", origin)) == {}


def test_who_is_no_page_is_answered_as_ever(web: Api) -> None:
    answer = web.get("/sessions")
    assert (answer.status_code, cors_of(answer)) == (200, {})
    assert "Origin" in answer.headers["Vary"], "a cache must not give this answer to a page"


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/sessions", "POST"),
        ("/sessions/ses_x", "PATCH"),
        ("/sessions/ses_x", "DELETE"),
        ("/sessions/ses_x/head", "PUT"),
        ("/messages/msg_x/events", "GET"),
        ("/version", "GET"),
        ("/nothing", "GET"),
    ],
)
def test_a_preflight_needs_no_key(web: Api, path: str, method: str) -> None:
    answer = preflight(web, path, method=method)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert method in listed(answer.headers["Access-Control-Allow-Methods"])
    assert listed(answer.headers["Access-Control-Allow-Headers"]) == set(TAKEN)
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert answer.headers["X-Request-Id"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_headers_that_the_api_does_not_take_are_not_allowed(web: Api) -> None:
    answer = preflight(web, "/sessions", headers="content-type, x-evil, cookie")
    assert listed(answer.headers["Access-Control-Allow-Headers"]) == {"content-type"}


def test_what_is_no_preflight_still_needs_a_key(web: Api) -> None:
    without_key = {"Authorization": "", "Origin": OURS}
    assert web.options("/sessions", headers=without_key).status_code == 401
    asks = {**without_key, "Access-Control-Request-Method": "POST"}
    assert web.post("/sessions", json={}, headers=asks).status_code == 401


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/sessions", "", 401),
        ("/sessions/ses_x", None, 404),
        ("/nothing", None, 404),
        ("/sessions?x=1", None, 422),
        ("/sessions/ses_x/fork", None, 405),
    ],
)
def test_a_page_can_read_what_went_wrong(web: Api, path: str, key: str | None, status: int) -> None:
    headers = {"Origin": OURS, **({} if key is None else {"Authorization": key})}
    answer = web.get(path, headers=headers)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, OURS)
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_a_page_can_follow_a_stream(web: Api) -> None:
    session_id = web.session()
    body = {"content": "Hello", "stream": True}
    with web.stream(
        "POST", f"/sessions/{session_id}/messages", json=body, headers={"Origin": OURS}
    ) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        assert "Location" in listed(answer.headers["Access-Control-Expose-Headers"])
        assert b"colloquy.done" in answer.read()
