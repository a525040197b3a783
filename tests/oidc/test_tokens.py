"""Which tokens are taken: only those of this issuer, for us, now, and signed with a key of theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import ProviderUnavailable, Unauthenticated
from app.oidc.keys import Keys
from app.oidc.tokens import CHALLENGE, check, looks_like_one
from tests.providers import AUDIENCE, Provider, jwk_of, new_key, rsa_key

SOON = 10
Make = Callable[[Provider], str]


def packed(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def confused(provider: Provider, secret: bytes) -> str:
    """A token signed with a public key as if it were a password."""
    signed = f"{packed({'alg': 'HS256', 'typ': 'JWT', 'kid': 'first'})}.{packed(provider.claims())}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def public(provider: Provider, encoding: Encoding) -> bytes:
    found: bytes = (
        provider.keys["first"].public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    )
    return found


def headed(provider: Provider, **head: Any) -> str:
    return jwt.encode(provider.claims(), provider.keys["first"], "ES256", {"kid": "first", **head})


def tampered(provider: Provider, **changed: Any) -> str:
    head, _, signature = provider.token().split(".")
    return f"{head}.{packed(provider.claims(**changed))}.{signature}"


def with_key_of_its_own(provider: Provider) -> str:
    mine = new_key("ES256")
    return jwt.encode(
        provider.claims(), mine, "ES256", {"kid": "first", "jwk": jwk_of(mine, "first"), "jku": "http://x/"}
    )


def unsigned(provider: Provider, algorithm: str) -> str:
    return f"{packed({'alg': algorithm, 'typ': 'JWT', 'kid': 'first'})}.{packed(provider.claims())}."


BAD: dict[str, tuple[Make, str]] = {
    "expired": (lambda one: one.token(exp=int(time.time()) - 60), "has expired"),
    "to come": (lambda one: one.token(nbf=int(time.time()) + 60), "not valid yet"),
    "issued later": (lambda one: one.token(iat=int(time.time()) + 60), "not valid yet"),
    "other audience": (lambda one: one.token(aud="billing"), "another audience"),
    "other audiences": (lambda one: one.token(aud=["billing", "x"]), "another audience"),
    "other issuer": (lambda one: one.token(iss="https://id.example.org"), "another issuer"),
    "issuer with more": (lambda one: one.token(iss=one.issuer + "/"), "another issuer"),
    "no issuer": (lambda one: one.token(iss=None), "lacks the claim `iss`"),
    "no audience": (lambda one: one.token(aud=None), "lacks the claim `aud`"),
    "no end": (lambda one: one.token(exp=None), "lacks the claim `exp`"),
    "no beginning": (lambda one: one.token(iat=None), "lacks the claim `iat`"),
    "nobody": (lambda one: one.token(sub=None), "lacks the claim `sub`"),
    "a number": (lambda one: one.token(sub=7), "cannot be read"),
    "no name": (lambda one: one.token(sub=""), "subject is empty"),
    "long name": (lambda one: one.token(sub="x" * 256), "subject is empty, too long"),
    "NUL": (lambda one: one.token(sub="a\0b"), "not to be written down"),
    "end in words": (lambda one: one.token(exp="tomorrow"), "cannot be read"),
    "endless": (lambda one: one.token(exp=float("inf")), "cannot be read"),
    "forged": (lambda one: one.token(key=new_key("ES256")), "signature is wrong"),
    "tampered": (lambda one: tampered(one, sub="admin"), "signature is wrong"),
    "key of its own": (with_key_of_its_own, "signature is wrong"),
    "unknown key": (lambda one: one.token("third", key=new_key("ES256")), "not among those"),
    "another's curve": (lambda one: one.token(key=new_key("ES384"), algorithm="ES384"), "key is not for"),
    "another's kind": (lambda one: one.token(key=rsa_key(), algorithm="RS256"), "key is not for"),
    "none": (lambda one: unsigned(one, "none"), "key is not for"),
    "None": (lambda one: unsigned(one, "NONE"), "key is not for"),
    "empty": (lambda one: unsigned(one, ""), "key is not for"),
    "unsigned": (lambda one: unsigned(one, "ES256"), "signature is wrong"),
    "PEM as a password": (lambda one: confused(one, public(one, Encoding.PEM)), "key is not for"),
    "DER as a password": (lambda one: confused(one, public(one, Encoding.DER)), "key is not for"),
    "JWK as a password": (
        lambda one: confused(one, json.dumps(jwk_of(one.keys["first"], "first")).encode()),
        "key is not for",
    ),
    "end of a session": (lambda one: headed(one, typ="logout+jwt"), "of a kind"),
    "unknown extension": (lambda one: headed(one, crit=["exp2"], exp2=1), "cannot be read"),
    "no JSON": (lambda _: "e30x.e30.e30", "cannot be read"),
    "words": (lambda _: "a.b.c", "cannot be read"),
    "key id of no text": (
        lambda one: f"{packed({'alg': 'ES256', 'kid': [1]})}.{packed({})}.e30",
        "cannot be read",
    ),
    "no algorithm": (lambda one: f"{packed({'kid': 'first'})}.{packed(one.claims())}.e30", "key is not for"),
    "list of algorithms": (
        lambda one: f"{packed({'kid': 'first', 'alg': ['ES256']})}.{packed(one.claims())}.e30",
        "key is not for",
    ),
}


@pytest.fixture
def keys(provider: Provider) -> Keys:
    return Keys(provider.issuer)


@pytest.mark.parametrize("audience", [AUDIENCE, ["other", AUDIENCE]])
def test_a_good_token_says_who_it_is(provider: Provider, keys: Keys, audience: Any) -> None:
    assert check(provider.token(aud=audience, name="Ada"), keys, AUDIENCE)["name"] == "Ada"


@pytest.mark.parametrize(
    "algorithm",
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
)
def test_every_asymmetric_algorithm_is_taken(provider: Provider, keys: Keys, algorithm: str) -> None:
    provider.keys = {"second": new_key("ES256"), "first": new_key(algorithm)}
    assert check(provider.token(algorithm=algorithm), keys, AUDIENCE)["sub"] == "ada-1"


@pytest.mark.parametrize("kind", [None, "JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_tokens_of_access_and_identity_are_taken(provider: Provider, keys: Keys, kind: str | None) -> None:
    assert check(headed(provider, typ=kind), keys, AUDIENCE)


def test_clocks_may_differ_a_little(provider: Provider, keys: Keys) -> None:
    now = int(time.time())
    for changed in ({"exp": now - SOON}, {"nbf": now + SOON}, {"iat": now + SOON}):
        assert check(provider.token(**changed), keys, AUDIENCE)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused_in_words_that_help_and_do_not_repeat_it(
    provider: Provider, keys: Keys, kind: str
) -> None:
    make, says = BAD[kind]
    token = make(provider)
    with pytest.raises(Unauthenticated, match=says) as caught:
        check(token, keys, AUDIENCE)
    assert caught.value.headers == CHALLENGE
    for secret in (*token.split("."), AUDIENCE, provider.issuer):
        assert secret == "" or secret not in caught.value.detail.split()


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_public_rsa_key_is_no_password_either(provider: Provider, keys: Keys, algorithm: str) -> None:
    provider.keys = {"first": rsa_key()}
    assert check(provider.token(algorithm=algorithm), keys, AUDIENCE)
    for encoding in (Encoding.PEM, Encoding.DER):
        with pytest.raises(Unauthenticated, match="key is not for"):
            check(confused(provider, public(provider, encoding)), keys, AUDIENCE)


def test_a_key_that_names_its_algorithm_takes_no_other(provider: Provider, keys: Keys) -> None:
    provider.keys = {"first": rsa_key()}
    provider.jwks = {"keys": [{**jwk_of(rsa_key(), "first"), "alg": "RS256"}]}
    assert check(provider.token(algorithm="RS256"), keys, AUDIENCE)
    with pytest.raises(Unauthenticated, match="key is not for"):
        check(provider.token(algorithm="PS256"), keys, AUDIENCE)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_key_that_is_too_short_signs_nothing(provider: Provider, keys: Keys) -> None:
    provider.keys = {"first": rsa_key(bits=1024)}
    with pytest.raises(Unauthenticated, match="cannot be read"):
        check(provider.token(algorithm="RS256"), keys, AUDIENCE)


def test_while_nobody_knows_the_key_the_token_is_neither_good_nor_bad(provider: Provider, keys: Keys) -> None:
    provider.stop()
    with pytest.raises(ProviderUnavailable) as caught:
        check(provider.token(), keys, AUDIENCE)
    assert caught.value.headers == {"Retry-After": "10"}


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("a.b.c", True),
        ("a-b._.", True),
        ("clq_a.b.c", False),
        ("a.b", False),
        ("a.b.c.d.e", False),
        ("a..c", False),
        ("", False),
        ("é.b.c", False),
        ("a.b.c\n", False),
    ],
)
def test_a_token_has_three_parts(secret: str, expected: bool) -> None:
    assert looks_like_one(secret) is expected
