"""People: made, listed, changed, deleted; what the caller is; and what the admin commands do with keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Fault, Invalid, LastAdmin, NotFound
from app.extensions import config
from app.models.api_keys import ApiKey, hash_of, new_secret, select_keys_of
from app.models.base import now
from app.models.users import ROLES, User, count_admins_but, count_users, select_users, select_users_named
from app.services import audit, budgets, erasure, idempotency, keys
from app.services.budgets import Payer, Standing
from app.services.erasure import Erasure
from app.services.idempotency import Claim
from app.services.identity import Caller
from app.services.pages import Ask, Page, cut, keyed
from app.services.roles import ordered
from app.services.transactions import one_at_a_time, reading, writing

ADMINS = 0x61646D  # a lock's number, the same in every process


@dataclass(frozen=True)
class Me:
    """The caller: who they are, the key they came with, what they may do, and what they may spend."""

    user: User
    key: ApiKey | None
    scopes: list[str]
    budgets: list[Standing]


def me(caller: Caller) -> Me:
    """What there is to say of the caller."""
    standings = budgets.of(Payer(caller.user_id, caller.key_id))
    with reading() as session:
        key = session.get(ApiKey, caller.key_id) if caller.key_id else None
        return Me(_found(session, caller.user_id), key, ordered(caller.scopes), standings)


def create(caller: Caller, values: Mapping[str, Any], claim: Claim | None = None) -> tuple[User, bool]:
    """A new person, and whether the same request made them before."""
    return idempotency.once(
        caller,
        claim,
        "usr",
        lambda session, user_id: _added(session, caller, {"id": user_id, **values}),
        _found,
    )


def add(name: str, role: str = "member") -> User:
    """A new person, made by a command."""
    with writing() as session:
        return _added(session, None, {"name": name, "role": role})


def everybody() -> list[User]:
    """All people, oldest first."""
    with reading() as session:
        return list(session.scalars(select_users()))


def page(ask: Ask) -> Page[User]:
    """All people, in the order they were made."""
    with reading() as session:
        rows = session.scalars(keyed(select_users(), User.id, ask)).all()
    return cut(rows, ask.limit, lambda row: [row.id])


def get(user_id: str) -> User:
    """One person; raises NotFound."""
    with reading() as session:
        return _found(session, user_id)


def change(caller: Caller | None, user_id: str, values: Mapping[str, Any]) -> User:
    """Set these columns; a role holds from the next request on. Raises LastAdmin."""
    with writing() as session:
        if "role" in values:
            one_at_a_time(session, ADMINS)
        user = _found(session, user_id)
        if _role(values.get("role", user.role)) != "admin":
            _refuse_last_admin(session, user)
        for name, value in values.items():
            setattr(user, name, value)
        if values:
            role = {"role": user.role} if "role" in values else {}
            audit.note(session, caller, "user.change", user.id, {"set": sorted(values), **role})
    return user


def remove(caller: Caller | None, user_id: str) -> Erasure:
    """Erase a person with everything of theirs. Raises LastAdmin."""
    with writing() as session:
        one_at_a_time(session, ADMINS)
        user = _found(session, user_id)
        _refuse_last_admin(session, user)
        audit.note(session, caller, "user.delete", user.id)
        erased = erasure.of_person(session, user.id)
    return erasure.finish(erased)


def add_key(
    user: str, name: str, scopes: Sequence[str] | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key for the person with that id or name, and its secret, which is kept nowhere."""
    owner, secret = named(user), new_secret()
    values = {"name": name, "scopes": list(scopes) if scopes else None, "expires_at": expires_at}
    with writing() as session:
        return keys.added(session, None, owner, secret, values), secret


def keys_of(user: str) -> list[ApiKey]:
    """The keys of the person with that id or name, the revoked ones too."""
    owner = named(user)
    with reading() as session:
        return list(session.scalars(select_keys_of(owner.id)))


def state_of(key: ApiKey) -> str:
    """Whether a key holds, in a word or two."""
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if key.expires_at is None:
        return "valid"
    return f"{'expired' if key.expires_at <= now() else 'valid until'} {key.expires_at:%Y-%m-%d %H:%M}"


def revoke_key(key_id: str) -> datetime:
    """End a key at once; a key that was revoked stays so, and keeps its time."""
    with writing() as session:
        key = session.get(ApiKey, key_id)
        if key is None:
            raise NotFound(f"There is no key {key_id}.")
        if key.revoked_at is None:
            key.revoked_at = now()
            audit.note(session, None, "key.revoke", key.id, {"user_id": key.user_id})
        return key.revoked_at


def named(id_or_name: str) -> User:
    """The one person with that id or name."""
    with reading() as session:
        found = list(session.scalars(select_users_named(id_or_name)))
    if not found:
        raise NotFound(f"There is nobody called {id_or_name}.")
    if len(found) > 1:
        raise Invalid(
            f"Several people are called {id_or_name}: take the id of one, from `flask admin user list`."
        )
    return found[0]


def ensure_admin() -> str | None:
    """Make the first admin where there is nobody yet; returns the key if it was made here, to be shown once.

    A COLLOQUY_ADMIN_KEY that is not known becomes a key of the first admin.
    """
    given = config().admin_key
    with writing() as session:
        one_at_a_time(session, ADMINS)
        if session.scalar(count_users()) and not given:
            return None
        if given and session.query(ApiKey).filter_by(hash=hash_of(given)).first():
            return None
        admin = session.scalars(select_users().where(User.role == "admin")).first()
        admin = admin or _added(session, None, {"name": "admin", "role": "admin"})
        secret = given or new_secret()
        keys.added(session, None, admin, secret, {"name": "first key"})
    return None if given else secret


def _added(session: Session, caller: Caller | None, values: Mapping[str, Any]) -> User:
    user = User(**{**values, "role": _role(values["role"])})
    session.add(user)
    session.flush()
    session.refresh(user)
    audit.note(session, caller, "user.create", user.id, {"role": user.role})
    return user


def _found(session: Session, user_id: str) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.")
    return user


def _role(role: str) -> str:
    if role not in ROLES:
        raise Invalid(f"The role is one of {', '.join(ROLES)}.", faults=[Fault("/role", "not a role")])
    return role


def _refuse_last_admin(session: Session, user: User) -> None:
    """Raises LastAdmin where nobody else is one; whoever asks holds the lock of the admins."""
    if user.role == "admin" and not session.scalar(count_admins_but(user.id)):
        raise LastAdmin("This is the only admin: make somebody else one before.")
