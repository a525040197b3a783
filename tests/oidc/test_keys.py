"""A provider's keys: kept, rotated, used on while it is down, and never asked for too often."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from app.oidc.documents import Unreachable
from app.oidc.keys import ALGORITHMS, Keys, published, usable
from tests.providers import Provider, jwk_of, new_key, rsa_key

PAUSE = 0.6


def keys_of(provider: Provider, kept_seconds: float = 300) -> Keys:
    return Keys(provider.issuer, kept_seconds=kept_seconds, pause_seconds=PAUSE)


def test_keys_are_fetched_once_and_kept(provider: Provider) -> None:
    keys = keys_of(provider)
    assert provider.asked == [], "nobody is asked before a token comes"
    first = keys.find("first")
    assert first
    assert first.algorithms == ("ES256",)
    assert all(keys.find("first") is first for _ in range(5))
    assert provider.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"]


def test_a_new_key_is_found_at_once_and_an_old_one_ends_with_the_next_fetch(provider: Provider) -> None:
    keys = keys_of(provider)
    assert keys.find("first")
    provider.keys = {"second": new_key("ES256")}
    assert keys.find("second") is None, "it was asked a moment ago"
    time.sleep(PAUSE)
    assert keys.find("second")
    assert keys.find("first") is None


def test_a_flood_of_invented_keys_asks_once_in_a_pause(provider: Provider) -> None:
    keys = keys_of(provider)
    ends_at = time.monotonic() + 3 * PAUSE

    def flood(number: int) -> None:
        while time.monotonic() < ends_at:
            assert keys.find(f"invented-{number}-{time.monotonic_ns()}") is None
            assert keys.find("first")

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(provider.asked) <= 2 * 4


def test_many_at_once_fetch_once(provider: Provider) -> None:
    keys, found = keys_of(provider), []
    threads = [threading.Thread(target=lambda: found.append(keys.find("first"))) for _ in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 10
    assert all(found)
    assert len(provider.asked) == 2


def test_old_keys_are_fetched_anew(provider: Provider) -> None:
    keys = keys_of(provider, kept_seconds=PAUSE)
    assert keys.find("first")
    provider.keys["first"] = new_key("ES384")
    time.sleep(PAUSE + 0.05)
    renewed = keys.find("first")
    assert renewed
    assert renewed.algorithms == ("ES384",)


def test_while_the_provider_is_down_its_known_keys_hold_and_it_is_tried_once_in_a_pause(
    provider: Provider,
) -> None:
    keys = keys_of(provider, kept_seconds=0)
    assert keys.find("first")
    provider.answer = lambda asked: asked.give(503, b"")
    time.sleep(PAUSE)
    before = len(provider.asked)
    for _ in range(20):
        assert keys.find("first")
        with pytest.raises(Unreachable):
            keys.find("second")
    assert len(provider.asked) <= before + 2
    provider.answer = None
    time.sleep(PAUSE)
    assert keys.find("second") is None


def test_a_provider_that_was_never_reached_says_so_until_it_is(provider: Provider) -> None:
    provider.stop()
    keys = keys_of(provider)
    for _ in range(2):
        with pytest.raises(Unreachable):
            keys.find("first")
    provider.start()
    time.sleep(PAUSE)
    assert keys.find("first")


def test_who_waits_for_a_slow_provider_holds_up_nobody_whose_key_is_known(provider: Provider) -> None:
    keys, asked_on, go_on = keys_of(provider), threading.Event(), threading.Event()
    assert keys.find("first")
    time.sleep(PAUSE)

    def hang(asked: Any) -> None:
        asked_on.set()
        go_on.wait(5)
        asked.give(503, b"")

    provider.answer = hang
    raised: list[type[Exception]] = []

    def ask() -> None:
        try:
            keys.find("second")
        except Unreachable as error:
            raised.append(type(error))

    waiting = threading.Thread(target=ask)
    waiting.start()
    assert asked_on.wait(5)
    assert keys.find("first")
    assert waiting.is_alive()
    go_on.set()
    waiting.join()
    assert raised == [Unreachable]


def test_a_token_without_a_key_id_means_the_only_key(provider: Provider) -> None:
    keys = keys_of(provider)
    assert keys.find(None) is keys.find("first")
    provider.keys["second"] = new_key("ES256")
    time.sleep(PAUSE)
    assert keys.find("second")
    assert keys.find(None) is None


@pytest.mark.parametrize(
    "about",
    [{"issuer": "https://id.example.org"}, {"jwks_uri": "http://id.example.org/keys"}, {"jwks_uri": None}],
)
def test_a_provider_that_calls_itself_otherwise_or_sends_us_elsewhere_is_not_believed(
    provider: Provider, about: dict[str, Any]
) -> None:
    provider.about = about
    with pytest.raises(Unreachable):
        published(provider.issuer)


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": "first"}, {"keys": [1, None, {}]}])
def test_a_provider_without_keys_is_as_good_as_none(provider: Provider, jwks: Any) -> None:
    provider.jwks = jwks
    with pytest.raises(Unreachable):
        published(provider.issuer)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA"])
def test_a_curve_has_one_algorithm(algorithm: str) -> None:
    key = usable(jwk_of(new_key(algorithm), "x"))
    assert key
    assert key.algorithms == (algorithm,)


def test_an_rsa_key_has_those_of_its_kind_or_the_one_that_it_names() -> None:
    jwk = jwk_of(rsa_key(), "x")
    key, narrow = usable(jwk), usable({**jwk, "alg": "PS384"})
    assert key
    assert narrow
    assert (key.algorithms, narrow.algorithms) == (ALGORITHMS["RSA"], ("PS384",))


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "RSA-OAEP"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "ES256"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": ["RSA"]},
        {"n": 1},
        {"n": ""},
        {"e": None},
        {"d": "AQAB"},
        {"crv": "P-256"},
    ],
)
def test_what_is_no_public_key_for_signatures_is_passed_over(changed: dict[str, Any]) -> None:
    assert usable({**jwk_of(rsa_key(), "x"), **changed}) is None
