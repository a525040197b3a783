"""One request, one effect: what an Idempotency-Key has made is found again instead of made again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.errors import IdempotencyKeyReused, NotFound
from app.extensions import insert_or_ignore
from app.models.base import new_id, now
from app.models.idempotency_keys import IdempotencyKey
from app.services.identity import Caller
from app.services.transactions import reading, writing

T = TypeVar("T")
KEPT_HOURS = 24


@dataclass(frozen=True)
class Claim:
    """A request that is to have its effect once: where it was sent, under which key, a hash of its body."""

    route: str
    key: str
    body_hash: str


@dataclass(frozen=True)
class Made:
    """The ids of what a request has made; those of messages are empty where it made none."""

    session_id: str
    user_message_id: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class MadeObject:
    """The id of what a request has made that is in no session: a key, a person."""

    object_id: str
    session_id: str = ""


class Taken(Exception):
    """The same request is made at the same time, and was faster."""


def made(session: Session, caller: Caller, claim: Claim | None) -> Made | None:
    """What the request made before; raises IdempotencyKeyReused where the key stands for another body.

    Raises NotFound where it was erased: then of the row only the key is left.
    """
    row = _kept(session, caller, claim)
    return Made(row.session_id, row.user_message_id or "", row.message_id or "") if row else None


def once(
    caller: Caller,
    claim: Claim | None,
    prefix: str,
    make: Callable[[Session, str], T],
    find: Callable[[Session, str], T],
) -> tuple[T, bool]:
    """What `make` makes with a new id, or what `find` finds by the id of what the request made before.

    Says whether it was made before. Raises IdempotencyKeyReused.
    """
    while True:
        with reading() as session:
            if row := _kept(session, caller, claim):
                return find(session, row.object_id or ""), True
        with suppress(Taken), writing() as session:
            object_id = new_id(prefix)
            keep(session, caller, claim, MadeObject(object_id))
            return make(session, object_id), False


def keep(session: Session, caller: Caller, claim: Claim | None, what: Made | MadeObject) -> None:
    """Remember what the request makes, in the transaction that makes it, before all else; raises Taken."""
    if claim is None:
        return
    old = IdempotencyKey.created_at < now() - timedelta(hours=KEPT_HOURS)
    place = {"user_id": caller.user_id, "route": claim.route, "key": claim.key}
    session.execute(delete(IdempotencyKey).filter_by(**place).where(old))
    row = {**place, "body_hash": claim.body_hash, **vars(what), "created_at": now()}
    if session.scalar(insert_or_ignore(IdempotencyKey).values(row).returning(IdempotencyKey.key)) is None:
        raise Taken


def prune() -> None:
    """Forget what is older than it needs to be."""
    with writing() as session:
        old = IdempotencyKey.created_at < now() - timedelta(hours=KEPT_HOURS)
        session.execute(delete(IdempotencyKey).where(old))


def _kept(session: Session, caller: Caller, claim: Claim | None) -> IdempotencyKey | None:
    row = session.get(IdempotencyKey, (caller.user_id, claim.route, claim.key)) if claim else None
    if row is None or claim is None or row.created_at < now() - timedelta(hours=KEPT_HOURS):
        return None
    if not row.body_hash:
        raise NotFound("What the request made was deleted, and is not made again.")
    if row.body_hash != claim.body_hash:
        raise IdempotencyKeyReused("Take a new Idempotency-Key for a new request.")
    return row
