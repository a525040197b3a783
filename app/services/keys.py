"""API keys, over HTTP: a person reaches their own, an admin everybody's. Revoked ones are not seen again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Fault, Invalid, NotFound
from app.models.api_keys import PREFIX_LENGTH, ApiKey, hash_of, new_secret, select_key, select_keys_of
from app.models.base import now
from app.models.users import User
from app.services import audit, idempotency
from app.services.idempotency import Claim
from app.services.identity import Caller, require
from app.services.pages import Ask, Page, cut, keyed
from app.services.roles import ADMIN, Scope, granted, ordered
from app.services.transactions import reading, writing


@dataclass(frozen=True)
class CreatedKey:
    """A key; without the secret where the same request made it before, for that is kept nowhere."""

    row: ApiKey
    secret: str | None


def create(caller: Caller, values: Mapping[str, Any], claim: Claim | None = None) -> CreatedKey:
    """A new key of the caller's, or, for admins, of the person that `user_id` names."""
    secret, user_id = new_secret(), values.get("user_id") or caller.user_id
    settings = {name: value for name, value in values.items() if name != "user_id"}
    if user_id != caller.user_id:
        require(caller, ADMIN)

    def _make(session: Session, key_id: str) -> ApiKey:
        owner = session.get(User, user_id)
        if owner is None:
            raise NotFound(f"There is no user {user_id}.")
        return added(session, caller, owner, secret, {"id": key_id, **settings})

    row, is_replayed = idempotency.once(caller, claim, "key", _make, lambda *at: _within_reach(caller, *at))
    return CreatedKey(row, None if is_replayed else secret)


def page(caller: Caller, user_id: str | None, ask: Ask) -> Page[ApiKey]:
    """The keys of the caller, or, for admins, of anybody, in the order they were made."""
    if user_id and user_id != caller.user_id:
        require(caller, ADMIN)
    statement = select_keys_of(user_id or caller.user_id).where(ApiKey.revoked_at.is_(None))
    with reading() as session:
        rows = session.scalars(keyed(statement, ApiKey.id, ask)).all()
    return cut(rows, ask.limit, lambda row: [row.id])


def change(caller: Caller, key_id: str, values: Mapping[str, Any]) -> ApiKey:
    """Set these columns; they hold from the next request on."""
    with writing() as session:
        key = _within_reach(caller, session, key_id)
        settled = _settled(caller, session.get_one(User, key.user_id), values)
        for name, value in settled.items():
            setattr(key, name, value)
        if settled:
            audit.note(session, caller, "key.change", key.id, _told(key, settled))
    return key


def revoke(caller: Caller, key_id: str) -> None:
    """End a key at once, for every process."""
    with writing() as session:
        key = _within_reach(caller, session, key_id)
        key.revoked_at = now()
        audit.note(session, caller, "key.revoke", key.id, {"user_id": key.user_id})


def added(
    session: Session, caller: Caller | None, owner: User, secret: str, values: Mapping[str, Any]
) -> ApiKey:
    """A new key, in the transaction; raises Invalid where it would be given more than it may have."""
    settled = _settled(caller, owner, {"scopes": None, **values})
    key = ApiKey(user_id=owner.id, prefix=secret[:PREFIX_LENGTH], hash=hash_of(secret), **settled)
    session.add(key)
    session.flush()
    session.refresh(key)
    audit.note(session, caller, "key.create", key.id, _told(key, ("scopes", "expires_at")))
    return key


def _within_reach(caller: Caller, session: Session, key_id: str) -> ApiKey:
    key = session.scalar(select_key(key_id))
    if key is None or (key.user_id != caller.user_id and ADMIN not in caller.scopes):
        raise NotFound(f"You have no key {key_id}.")
    return key


def _settled(caller: Caller | None, owner: User, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as they will be, once it is known that they may be so."""
    settled = dict(values)
    if "scopes" in values:
        settled["scopes"] = _narrowed(values["scopes"], owner.role, _most(caller, owner))
    _refuse_past(values.get("expires_at"))
    return settled


def _most(caller: Caller | None, owner: User) -> frozenset[Scope]:
    """What a key may be given: what its owner's role may and, unless an admin gives it, the giver's own."""
    most = granted(owner.role)
    return most if caller is None or ADMIN in caller.scopes else most & caller.scopes


def _narrowed(asked: list[str] | None, role: str, most: frozenset[Scope]) -> list[str] | None:
    if asked is None:
        return None if most == granted(role) else ordered(most)
    beyond = [at for at, one in enumerate(asked) if one not in most]
    if beyond:
        raise Invalid(
            "A key may do no more than its owner's role, and than the key that makes it: "
            f"{', '.join(ordered(most)) or 'nothing'}.",
            faults=[Fault(f"/scopes/{at}", "more than may be given") for at in beyond],
        )
    return ordered(asked)


def _refuse_past(expires_at: datetime | None) -> None:
    if expires_at and expires_at <= now():
        raise Invalid("The key would be of no use.", faults=[Fault("/expires_at", "lies in the past")])


def _told(key: ApiKey, names: Any) -> dict[str, Any]:
    """What the audit log says of a key: whose it is, what was set; not its name, which may say anything."""
    end = key.expires_at.isoformat() if key.expires_at else None
    values = {"scopes": key.scopes, "expires_at": end}
    told = {name: value for name, value in values.items() if name in names}
    return {"user_id": key.user_id, "set": sorted(names), **told}
