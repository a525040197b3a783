"""Who is calling, and what they may do."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.errors import ScopeMissing, Unauthenticated
from app.extensions import config
from app.models.api_keys import PREFIX_LENGTH, hash_of, mark_used, select_candidates
from app.models.base import now
from app.models.users import User
from app.services import oidc
from app.services.roles import ADMIN, Scope, granted
from app.services.transactions import looking, write_if_free

REALM = 'Bearer realm="colloquy"'
CHALLENGE = {"WWW-Authenticate": REALM}
LAST_USE_SECONDS = 60


@dataclass(frozen=True)
class Caller:
    """A person, the key they came with, if it was one, what they may do, and the request they came in."""

    user_id: str
    name: str
    role: str
    key_id: str | None
    scopes: frozenset[Scope]
    request_id: str | None = field(default=None, compare=False)

    @property
    def is_admin(self) -> bool:
        """Whether they look after the server, and came with a key that may."""
        return ADMIN in self.scopes


def identify(secret: str) -> Caller:
    """The caller with this key, or with this token of a provider; raises Unauthenticated."""
    if someone := oidc.user_of(secret):
        return caller_of(someone)
    hashed, at = hash_of(secret), now()
    with looking() as connection:
        where = {"prefix": secret[:PREFIX_LENGTH], "at": at}
        found = select_candidates().rows(connection, where)
    for one in found:
        if hmac.compare_digest(one.hash, hashed):
            _note_use(one, at)
            return Caller(one.user_id, one.name, one.role, one.key_id, granted(one.role, one.scopes))
    raise Unauthenticated(
        "The key is not known, has expired, or was revoked: ask an admin for one.", headers=CHALLENGE
    )


def caller_of(user: User) -> Caller:
    """A person as the one who calls, without a key."""
    return Caller(user.id, user.name, user.role, None, granted(user.role))


def require(caller: Caller, scope: Scope) -> None:
    """Raises ScopeMissing, which names the scope, where the caller lacks it."""
    if scope not in caller.scopes:
        challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
        raise ScopeMissing(
            f"This needs the scope {scope}, which your key or your role lacks: GET /me says what they have.",
            headers={"WWW-Authenticate": challenge},
        )


def may_read_all(caller: Caller) -> bool:
    """Whether the caller may read what others write: admins, where the setting lets them."""
    return config().admins_read_messages and ADMIN in caller.scopes


def _note_use(key: Any, at: datetime) -> None:
    """Once a minute, and only where no other writer has to be waited for: the next request tries again."""
    before = at - timedelta(seconds=LAST_USE_SECONDS)
    if key.last_used_at is None or key.last_used_at < before:
        write_if_free(mark_used(key.key_id, at, before))
