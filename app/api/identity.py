"""Who calls: the key in the Authorization header."""

from __future__ import annotations

from typing import cast

from flask import g, request

from app.errors import Unauthenticated
from app.services import identity
from app.services.identity import CHALLENGE, Caller


def require_key(public: set[str]) -> None:
    """Find the caller, or refuse; public blueprints and unknown addresses need no key."""
    if request.endpoint is None or request.blueprint in public:
        return
    scheme, secret = credentials()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthenticated("Send your key as Authorization: Bearer clq_….", headers=CHALLENGE)
    g.caller = identity.identify(secret)
    g.log_fields["user_id"] = g.caller.user_id


def credentials() -> tuple[str, str]:
    """The scheme and the secret of the Authorization header."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return scheme, secret.strip()


def caller() -> Caller:
    """Who calls."""
    return cast(Caller, g.caller)
