"""What models cost: as an admin has set it, else as the price list says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from sqlalchemy import delete, select, update

from app.billing.prices import Price, Prices, listed
from app.errors import Invalid, ModelNotPriced, NotFound
from app.extensions import db, insert_or_ignore, parts
from app.models.base import now
from app.models.model_prices import ModelPrice
from app.services import audit
from app.services.identity import Caller
from app.services.pages import Ask, Page, cut
from app.services.transactions import reading, writing

FRESH_SECONDS = 1.0
LONGEST_MODEL = 200


def of(model: str) -> Prices | None:
    """What a model costs now; None where nobody knows."""
    return _set_by_admins().get(model) or listed(model)


def needed(model: str) -> Prices:
    """What a model costs now; raises ModelNotPriced where nobody knows."""
    found = of(model)
    if found is None:
        raise ModelNotPriced(
            f"Nobody knows what {model} costs, so it is not used: name one that is priced (GET /models), "
            f"or have an admin set one: PUT /prices/{model}, or `flask admin price set`."
        )
    return found


def page(ask: Ask) -> Page[ModelPrice]:
    """A page of the prices that admins have set, by model."""
    key = ModelPrice.model
    found = select(ModelPrice).order_by(key.desc() if ask.is_descending else key).limit(ask.limit + 1)
    if ask.after:
        found = found.where(key < ask.after[0] if ask.is_descending else key > ask.after[0])
    with reading() as session:
        return cut(session.scalars(found).all(), ask.limit, lambda row: [row.model])


def change(caller: Caller | None, model: str, nano_usd: Mapping[str, int]) -> ModelPrice:
    """Set what a model costs from now on, in place of what was set before; the amounts by column.

    Raises Invalid for a name that no model can have.
    """
    if len(model) > LONGEST_MODEL:
        raise Invalid(f"A model's name has {LONGEST_MODEL} characters at most.")
    values = {**nano_usd, "updated_at": now()}
    with writing() as session:
        audit.note(session, caller, "price.set", model, nano_usd)
        session.execute(insert_or_ignore(ModelPrice).values(model=model, **values))
        changed = update(ModelPrice).where(ModelPrice.model == model).values(**values)
        row = session.scalars(changed.returning(ModelPrice)).one()
    _forget()
    return row


def remove(caller: Caller | None, model: str) -> None:
    """Go back to the price list; raises NotFound where nothing was set."""
    with writing() as session:
        gone = delete(ModelPrice).where(ModelPrice.model == model).returning(ModelPrice.model)
        if session.scalar(gone) is None:
            raise NotFound(f"No price was set for {model}.")
        audit.note(session, caller, "price.remove", model)
    _forget()


def version_of(row: Any) -> str:
    """What costs by this price are said to come from: since when it has been so."""
    return f"admin {row.updated_at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"


def _set_by_admins() -> Mapping[str, Prices]:
    """What admins have set: exact in the process that changed it, about a second old at most in another.

    While one reads it anew, the others take what is there: each would need a connection of its own.
    """
    of_app = parts()
    state, kept = of_app.prices_state, of_app.prices_kept
    is_of_now = kept is not None and kept[0] is state
    if kept and is_of_now and time.monotonic() <= kept[1]:
        return kept[2]
    if not of_app.reading_prices.acquire(blocking=not is_of_now):
        return kept[2] if kept else {}
    try:
        kept = of_app.prices_kept = (state, time.monotonic() + FRESH_SECONDS, _read())
    finally:
        of_app.reading_prices.release()
    return kept[2]


def _forget() -> None:
    """What was read before now, or is being read, is not used again in this process."""
    parts().prices_state = object()


def _read() -> dict[str, Prices]:
    # On a connection of its own, for it may be asked for in the middle of a transaction.
    with db.engine.connect() as connection:
        rows: Any = connection.execute(select(*ModelPrice.__table__.columns))
        return {row.model: _prices(row) for row in rows}


def _prices(row: Any) -> Prices:
    tier = Price(
        0,
        row.input_nano_usd,
        row.cache_read_nano_usd,
        row.cache_write_5m_nano_usd,
        row.cache_write_1h_nano_usd,
        row.output_nano_usd,
    )
    return Prices(version_of(row), (tier,), web_search_nano_usd=row.web_search_nano_usd)
