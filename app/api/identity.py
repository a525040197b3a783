"""Who calls: the key in the Authorization header, and whether it may."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flask import g, request

from app.api import access
from app.errors import Unauthenticated
from app.services import identity
from app.services.identity import CHALLENGE, Caller


def require_access() -> None:
    """Find the caller and refuse who may not do this; what is public, and unknown addresses, need no key."""
    needed = access.needed(request.endpoint)
    if needed == access.PUBLIC:
        return
    g.caller = replace(_found(), request_id=g.request_id)
    g.log_fields["user_id"] = g.caller.user_id
    if needed != access.ANY_KEY:
        identity.require(g.caller, needed)


def credentials() -> tuple[str, str]:
    """The scheme and the secret of the Authorization header."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return scheme, secret.strip()


def caller() -> Caller:
    """Who calls."""
    return cast(Caller, g.caller)


def _found() -> Caller:
    scheme, secret = credentials()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthenticated("Send your key as Authorization: Bearer clq_….", headers=CHALLENGE)
    return identity.identify(secret)
