"""API keys: a hash and a short prefix, never the key itself."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import ForeignKey, Select, String, Update, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import JsonText, Model, UtcDateTime, new_id, now
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


def select_candidates(secret: str, at: datetime) -> Select[ApiKey, User]:
    """The keys that hold at this time and begin like this one, each with its owner."""
    is_alike = (ApiKey.prefix == secret[:PREFIX_LENGTH]) & ApiKey.revoked_at.is_(None)
    is_live = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > at)
    return select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(is_alike, is_live)


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
