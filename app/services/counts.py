"""Claude's own count of a prompt: asked for once for the same prompt, and noted as a call."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.billing.usage import Usage
from app.errors import ColloquyError
from app.extensions import claude
from app.models.base import now
from app.models.calls import COUNT, Call
from app.services import charges, prices
from app.services.budgets import Payer
from app.services.charges import Order
from app.services.transactions import reading, writing
from app.tools import dispatcher


@dataclass(frozen=True)
class Owner:
    """Who a call is made for; the session is None where it is only being made."""

    user_id: str
    session_id: str | None = None


def count(owner: Owner, request: dict[str, Any]) -> int | None:
    """The tokens of a request without max_tokens; None where Claude can't be asked."""
    text = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
    same = select(Call.input_tokens).where(Call.user_id == owner.user_id, Call.digest == digest)
    with reading() as session:
        known = session.scalar(same.where(Call.status == "done").limit(1))
    if known is not None:
        return known
    model = {"model": request["model"]}
    return dispatcher.call("count_tokens", lambda: _asked(owner, request, digest), said=model, told=_told_of)


def _told_of(tokens: int | None) -> dict[str, Any]:
    return {"input_tokens": tokens}


def _asked(owner: Owner, request: dict[str, Any], digest: str) -> int | None:
    call = Call(purpose=COUNT, model=request["model"], digest=digest, status="done", created_at=now())
    call.user_id, call.session_id = owner.user_id, owner.session_id
    try:
        call.input_tokens = claude().count_tokens(request)
    except ColloquyError as error:
        call.status, call.error = "failed", error.code
    call.ended_at = now()
    priced = prices.of(call.model)
    order = Order(COUNT, call.model, priced.version if priced else "", 0, Usage())
    with writing() as session:
        session.add(call)
        session.flush()
        charges.note_free(session, Payer(owner.user_id, None, owner.session_id), order, call.id)
    return call.input_tokens
