"""The people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Select, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, UtcDateTime, new_id, now

ROLES = ("admin", "member", "viewer")


class User(Model):
    """A person, whose sessions nobody else sees. Who came with a token is known by its issuer and subject."""

    __tablename__ = "users"
    __table_args__ = (Index(None, "issuer", "subject", unique=True),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("usr"))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16), default="member")
    email: Mapped[str | None] = mapped_column(String(320))
    issuer: Mapped[str | None] = mapped_column(String(500))
    subject: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def select_users() -> Select[User]:
    """Everybody, oldest first."""
    return select(User).order_by(User.id)


def select_users_named(id_or_name: str) -> Select[User]:
    """Those with that id or name."""
    return select(User).where((User.id == id_or_name) | (User.name == id_or_name))


def select_users_of(issuer: str, subject: str) -> Select[User]:
    """The one whom an OpenID Connect provider calls so."""
    return select(User).where(User.issuer == issuer, User.subject == subject)


def count_users() -> Select[int]:
    """How many there are."""
    return select(func.count()).select_from(User)


def count_admins_but(user_id: str) -> Select[int]:
    """How many admins there are besides this person."""
    return count_users().where(User.role == "admin", User.id != user_id)
