"""API keys: a hash and a short prefix, never the key itself."""

from __future__ import annotations

import functools
import hashlib
import secrets
from datetime import datetime

from sqlalchemy import ForeignKey, Select, String, Update, bindparam, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import JsonText, Model, UtcDateTime, new_id, now, table_of
from app.models.prepared import Prepared
from app.models.users import User

PREFIX_LENGTH = 12


class ApiKey(Model):
    """A key of one person. The prefix finds it, the hash proves it.

    `scopes` narrow what the person's role may; None leaves all of it.
    """

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("key"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(PREFIX_LENGTH), index=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    scopes: Mapped[list[str] | None] = mapped_column(JsonText)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def new_secret() -> str:
    """A new key: `clq_` and 256 random bits."""
    return f"clq_{secrets.token_urlsafe(32)}"


def hash_of(secret: str) -> str:
    """SHA-256 in hex. A key holds 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


@functools.cache
def select_candidates() -> Prepared:
    """The keys that hold `:at` a time and begin with `:prefix`, each with its owner; every request asks."""
    key, user = table_of(ApiKey).c, table_of(User).c
    is_alike = (key.prefix == bindparam("prefix")) & key.revoked_at.is_(None)
    is_live = or_(key.expires_at.is_(None), key.expires_at > bindparam("at"))
    owner = user.id.label("user_id"), user.name, user.role
    found = select(key.id.label("key_id"), key.hash, key.scopes, key.last_used_at, *owner)
    found = found.join_from(table_of(ApiKey), table_of(User), user.id == key.user_id)
    return Prepared(found.where(is_alike, is_live))


def select_keys_of(user_id: str) -> Select[ApiKey]:
    """One person's keys, oldest first."""
    return select(ApiKey).where(ApiKey.user_id == user_id).order_by(ApiKey.id)


def select_key(key_id: str) -> Select[ApiKey]:
    """A key that is not revoked; whose it is, is for the caller to look at."""
    return select(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))


def mark_used(key_id: str, at: datetime, before: datetime) -> Update:
    """Says that a key was used, unless that was said since `before`, or the row is being written."""
    old = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < before)
    free = select(ApiKey.id).where(ApiKey.id == key_id, old).with_for_update(skip_locked=True, key_share=True)
    return update(ApiKey).where(ApiKey.id.in_(free)).values(last_used_at=at)
