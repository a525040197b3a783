"""What a message cost, as it is told: in the stream, and to whoever asks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.billing.money import usd
from app.claude.events import Event
from app.models.charges import MESSAGE, OPEN, Charge
from app.services import charges, messages
from app.services.identity import Caller
from app.services.transactions import reading


def of_message(caller: Caller, message_id: str) -> dict[str, Any]:
    """The receipt of one of the caller's messages; one that no call was made for cost nothing."""
    message = messages.get(caller, message_id)
    with reading() as session:
        found = select(Charge).where(Charge.message_id == message_id).order_by(Charge.id.desc())
        charge = session.scalars(found).first()
    return receipt(charge) if charge else _free(message.id, message.model)


def receipt(charge: Charge) -> dict[str, Any]:
    """A charge as people see it. While it is open, `usage` is what is expected, and the cost not known."""
    cost = None if charge.status == OPEN else charge.cost_nano_usd
    return {
        "message_id": charge.message_id,
        "model": charge.model,
        "purpose": charge.purpose,
        "status": charge.status,
        "usage": _usage(charge),
        "web_searches": charge.web_searches or 0,
        "speed": charge.speed,
        "price_version": charge.price_version,
        "reserved_nano_usd": charge.reserved_nano_usd,
        "cost_nano_usd": cost,
        "cost_usd": None if cost is None else usd(cost),
        "estimated": charge.is_estimated,
        "forecast_read_tokens": charge.forecast_read_tokens or 0,
        "cache_miss_reason": (charge.cache_miss_reason or {}).get("type"),
        "cache_missed_tokens": (charge.cache_miss_reason or {}).get("cache_missed_input_tokens"),
        "steps": charge.steps,
    }


def event(charge: Charge) -> Event:
    """The receipt as an event of the stream."""
    return Event.made("colloquy.receipt", receipt(charge))


def _usage(charge: Charge) -> dict[str, int]:
    used = charges.usage_of(charge)
    return {**used.tokens, "prompt_tokens": used.prompt_tokens}


def _free(message_id: str, model: str | None) -> dict[str, Any]:
    charge = Charge(message_id=message_id, model=model, purpose=MESSAGE, status="settled")
    charge.reserved_nano_usd, charge.cost_nano_usd, charge.is_estimated, charge.steps = 0, 0, False, []
    return receipt(charge)
