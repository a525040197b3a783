"""Counting tokens, over HTTP."""

from __future__ import annotations

from tests.support import Api

TURNS = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "Bye"},
]


def test_an_estimate_asks_nobody(api: Api) -> None:
    body = api.post("/tokens/count", json={"content": "What is a monad? " * 100}).json()
    assert body["method"] == "estimate"
    assert 400 < body["input_tokens"] < 800


def test_an_exact_count_is_claudes(api: Api) -> None:
    content = "What is a monad?"
    counted = api.post("/tokens/count", json={"content": content, "exact": True}).json()
    used = api.say(api.session(), content)["usage"]["prompt_tokens"]
    assert counted == {"input_tokens": used, "method": "exact"}


def test_messages_and_a_system_prompt_are_counted(api: Api) -> None:
    less = api.post("/tokens/count", json={"messages": TURNS, "exact": True}).json()["input_tokens"]
    more = api.post("/tokens/count", json={"messages": TURNS, "system": "Be brief.", "exact": True}).json()[
        "input_tokens"
    ]
    assert more > less


def test_either_content_or_messages_is_needed(api: Api) -> None:
    assert api.post("/tokens/count", json={}).status_code == 422
    assert api.post("/tokens/count", json={"content": "a", "messages": TURNS}).status_code == 422


def test_an_unknown_model_is_told_by_claude(api: Api) -> None:
    answer = api.post("/tokens/count", json={"content": "a", "model": "gpt-4", "exact": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "model_not_found")
