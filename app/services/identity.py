"""Who is calling."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from app.errors import Unauthenticated
from app.models.api_keys import hash_of, select_candidates
from app.services import oidc
from app.services.transactions import reading

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="colloquy"'}


@dataclass(frozen=True)
class Caller:
    """A person and the key they came with, if it was one."""

    user_id: str
    name: str
    role: str
    key_id: str | None

    @property
    def is_admin(self) -> bool:
        """Whether they look after the server."""
        return self.role == "admin"


def identify(secret: str) -> Caller:
    """The caller with this key, or with this token of a provider; raises Unauthenticated."""
    if someone := oidc.user_of(secret):
        return Caller(someone.id, someone.name, someone.role, None)
    hashed = hash_of(secret)
    with reading() as session:
        for key, user in session.execute(select_candidates(secret)):
            if hmac.compare_digest(key.hash, hashed):
                return Caller(user.id, user.name, user.role, key.id)
    raise Unauthenticated("The key is not known, or was revoked: ask an admin for one.", headers=CHALLENGE)
