"""API keys: a hash and a short prefix, never the key itself."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import ForeignKey, Select, String, select
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


def select_candidates(secret: str) -> Select[ApiKey, User]:
    """The keys that are not revoked and begin like this one, each with its owner."""
    is_live = (ApiKey.prefix == secret[:PREFIX_LENGTH]) & ApiKey.revoked_at.is_(None)
    return select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(is_live)


def select_keys_of(user_id: str) -> Select[ApiKey]:
    """One person's keys, oldest first."""
    return select(ApiKey).where(ApiKey.user_id == user_id).order_by(ApiKey.id)
