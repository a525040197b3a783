"""People and their keys, for the admin commands."""

from __future__ import annotations

from datetime import datetime

from app.errors import Fault, Invalid, NotFound
from app.extensions import config
from app.models.api_keys import PREFIX_LENGTH, ApiKey, hash_of, new_secret, select_keys_of
from app.models.base import now
from app.models.users import ROLES, User, count_users, select_users, select_users_named
from app.services.transactions import one_at_a_time, reading, writing

FIRST_ADMIN = 0x61646D  # a lock's number, the same in every process


def add(name: str, role: str = "member") -> User:
    """A new person."""
    if role not in ROLES:
        raise Invalid(f"The role is one of {', '.join(ROLES)}.", faults=[Fault("/role", "not a role")])
    with writing() as session:
        user = User(name=name, role=role)
        session.add(user)
    return user


def everybody() -> list[User]:
    """All people, oldest first."""
    with reading() as session:
        return list(session.scalars(select_users()))


def add_key(user: str, name: str) -> tuple[ApiKey, str]:
    """A new key for the person with that id or name, and its secret, which is kept nowhere."""
    owner, secret = named(user), new_secret()
    with writing() as session:
        key = _key(owner.id, name, secret)
        session.add(key)
    return key, secret


def keys_of(user: str) -> list[ApiKey]:
    """The keys of the person with that id or name."""
    owner = named(user)
    with reading() as session:
        return list(session.scalars(select_keys_of(owner.id)))


def revoke_key(key_id: str) -> datetime:
    """End a key at once; a key that was revoked stays so, and keeps its time."""
    with writing() as session:
        key = session.get(ApiKey, key_id)
        if key is None:
            raise NotFound(f"There is no key {key_id}.")
        key.revoked_at = key.revoked_at or now()
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
        one_at_a_time(session, FIRST_ADMIN)
        if session.scalar(count_users()) and not given:
            return None
        if given and session.query(ApiKey).filter_by(hash=hash_of(given)).first():
            return None
        admin = session.scalars(select_users().where(User.role == "admin")).first()
        if admin is None:
            admin = User(name="admin", role="admin")
            session.add(admin)
            session.flush()
        secret = given or new_secret()
        session.add(_key(admin.id, "first key", secret))
    return None if given else secret


def _key(user_id: str, name: str, secret: str) -> ApiKey:
    return ApiKey(user_id=user_id, name=name, prefix=secret[:PREFIX_LENGTH], hash=hash_of(secret))
