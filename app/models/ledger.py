"""The ledger: every movement of money, from one account to another. Rows are added, never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, UtcDateTime, new_id, now


class LedgerEntry(Model):
    """One movement, in nano-USD, for a charge; whose it is, the charge says."""

    __tablename__ = "ledger_entries"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("led"))
    charge_id: Mapped[str] = mapped_column(ForeignKey("charges.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    debit: Mapped[str] = mapped_column(String(16))
    credit: Mapped[str] = mapped_column(String(16))
    amount_nano_usd: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
