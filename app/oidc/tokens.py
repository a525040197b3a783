"""Checks a token: its signature, who issued it, for whom, and when; says what is wrong, without secrets."""

from __future__ import annotations

import re
from typing import Any

import jwt
from jwt import PyJWTError

from app.errors import ProviderUnavailable, Unauthenticated
from app.oidc.documents import Unreachable
from app.oidc.keys import Keys

FORM = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
LEEWAY_SECONDS = 30
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="colloquy", error="invalid_token"'}
WAIT = {"Retry-After": "10"}
KINDS = frozenset({"jwt", "at+jwt"})  # so a token that ends a session begins none
MOST_SUBJECT = 255
CLAIMS = ["iss", "aud", "exp", "iat", "sub"]
WORDS: dict[type[PyJWTError], str] = {
    jwt.ExpiredSignatureError: "The token has expired: sign in again.",
    jwt.ImmatureSignatureError: "The token is not valid yet: compare the clocks of both servers.",
    jwt.InvalidAudienceError: "The token is for another audience than OIDC_AUDIENCE.",
    jwt.InvalidIssuerError: "The token is of another issuer than OIDC_ISSUER.",
    jwt.InvalidAlgorithmError: "The token is signed in a way that its key is not for.",
    jwt.InvalidSignatureError: "The token's signature is wrong.",
}


def looks_like_one(secret: str) -> bool:
    """Whether it has the form of a token, which no key of ours has."""
    return not secret.startswith("clq_") and FORM.fullmatch(secret) is not None


def check(token: str, keys: Keys, audience: str) -> dict[str, Any]:
    """What a good token claims; raises Unauthenticated, and ProviderUnavailable where nobody can know."""
    try:
        return _checked(token, keys, audience)
    except jwt.MissingRequiredClaimError as error:
        raise refused(f"The token lacks the claim `{error.claim}`.") from error
    except PyJWTError as error:
        raise refused(WORDS.get(type(error), "The token cannot be read.")) from error
    except Unreachable as error:
        says = "The provider of the token cannot be asked for its keys: send again a little later."
        raise ProviderUnavailable(says, headers=WAIT) from error


def refused(detail: str) -> Unauthenticated:
    """Why a token is not taken."""
    return Unauthenticated(detail, headers=CHALLENGE)


def _checked(token: str, keys: Keys, audience: str) -> dict[str, Any]:
    head = jwt.get_unverified_header(token)
    if str(head.get("typ") or "jwt").lower().removeprefix("application/") not in KINDS:
        raise refused("The token is of a kind that is not for calling anybody.")
    key = keys.find(head.get("kid"))
    if key is None:
        raise refused("The token's key is not among those of its issuer.")
    claims = jwt.decode(
        token,
        key.public,
        key.algorithms,
        {"require": CLAIMS, "enforce_minimum_key_length": True},
        audience=audience,
        issuer=keys.issuer,
        leeway=LEEWAY_SECONDS,
    )
    subject = claims["sub"]
    if not 0 < len(subject) <= MOST_SUBJECT or not subject.isprintable():
        raise refused("The token's subject is empty, too long, or not to be written down.")
    return claims
