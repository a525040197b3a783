"""Prices that an admin has set, for models that the price list doesn't know or prices otherwise."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model, UtcDateTime, now


class ModelPrice(Model):
    """What a token of each class costs, in nano-USD, whatever the prompt's length, and a web search."""

    __tablename__ = "model_prices"

    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    input_nano_usd: Mapped[int] = mapped_column(BigInteger)
    cache_read_nano_usd: Mapped[int] = mapped_column(BigInteger)
    cache_write_5m_nano_usd: Mapped[int] = mapped_column(BigInteger)
    cache_write_1h_nano_usd: Mapped[int] = mapped_column(BigInteger)
    output_nano_usd: Mapped[int] = mapped_column(BigInteger)
    web_search_nano_usd: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
