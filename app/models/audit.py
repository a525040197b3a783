"""The audit log: who did what to keys, people, budgets, exports. Rows are added, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import JsonText, Model, UtcDateTime, new_id, now


class AuditEntry(Model):
    """One act. It names people and things by id alone, and outlives them; no actor: the command line."""

    __tablename__ = "audit_entries"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("aud"))
    actor_id: Mapped[str | None] = mapped_column(String(40))
    key_id: Mapped[str | None] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def select_entries(**values: str) -> Select[AuditEntry]:
    """The entries that have these values."""
    return select(AuditEntry).filter_by(**values)
