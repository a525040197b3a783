"""Tokens of a provider, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.providers import AUDIENCE, Provider, new_key
from tests.support import Api

BEARER = 'Bearer realm="colloquy", error="invalid_token"'


@pytest.fixture
def web(variant: Callable[..., Api], provider: Provider) -> Api:
    """The server, for people with tokens; the key in it is Eve's."""
    return variant(oidc_issuer=provider.issuer, oidc_audience=AUDIENCE)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_as_good_as_a_key(web: Api, provider: Provider) -> None:
    ada, bob = bearer(provider.token(name="Ada")), bearer(provider.token(sub="bob-1"))
    sent = web.post("/messages", json={"content": "Hello"}, headers=ada)
    assert sent.status_code == 201
    address = sent.headers["Location"]
    assert web.get(address, headers=ada).status_code == 200
    assert web.get(address, headers=bob).status_code == 404
    assert web.get(address).status_code == 404, "Eve is neither"


def test_bad_tokens_are_401_and_are_not_repeated(web: Api, provider: Provider) -> None:
    wrong = {
        "expired": provider.token(exp=int(time.time()) - 60),
        "audience": provider.token(aud="billing"),
        "forged": provider.token(key=new_key("ES256")),
        "unknown": provider.token("second", key=new_key("ES256")),
        "no token": "a.b.c",
    }
    for kind, token in wrong.items():
        answer = web.get("/sessions", headers=bearer(token))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), kind
        assert answer.headers["WWW-Authenticate"] == BEARER
        assert token not in answer.text
        assert token.split(".")[-1] not in answer.text.split()


def test_a_flood_of_unknown_keys_asks_the_provider_once(web: Api, provider: Provider) -> None:
    stranger = new_key("ES256")
    assert web.get("/sessions", headers=bearer(provider.token())).status_code == 200
    before = len(provider.asked)
    for number in range(30):
        answer = web.get("/sessions", headers=bearer(provider.token(f"k{number}", key=stranger)))
        assert answer.status_code == 401
    assert len(provider.asked) == before, "it was asked less than ten seconds ago"


def test_while_the_provider_is_down_known_keys_hold_and_others_are_asked_to_come_again(
    web: Api, provider: Provider
) -> None:
    provider.stop()
    answer = web.get("/sessions", headers=bearer(provider.token()))
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert answer.headers["Retry-After"] == "10"
    assert answer.json()["retryable"] is True
    assert web.get("/sessions").status_code == 200, "keys need no provider"


def test_a_token_whose_key_is_known_outlives_the_provider(web: Api, provider: Provider) -> None:
    token = provider.token()
    assert web.get("/sessions", headers=bearer(token)).status_code == 200
    provider.stop()
    assert web.get("/sessions", headers=bearer(token)).status_code == 200
    assert web.get("/sessions", headers=bearer(provider.token(sub="bob-1"))).status_code == 200
