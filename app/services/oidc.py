"""People who come with a token of an OpenID Connect provider: made at first sight, and kept as it says."""

from __future__ import annotations

from sqlalchemy import update

from app.extensions import config, insert_or_ignore, parts
from app.models.base import new_id, now
from app.models.users import User, select_users_of
from app.oidc.persons import Person, person_of
from app.services.transactions import reading, writing


def user_of(secret: str) -> User | None:
    """Whose token it is; None where it is none, or no provider is set.

    Raises Unauthenticated, and ProviderUnavailable where the token's key is not known and can't be asked for.
    """
    keys = parts().oidc_keys
    if keys is None:
        return None
    from app.oidc import tokens  # takes long to import, and nobody needs it without a provider

    if not tokens.looks_like_one(secret):
        return None
    claims = tokens.check(secret, keys, config().oidc_audience)
    person = person_of(claims, config().oidc_role_claim, config().roles)
    with reading() as session:
        user = session.scalar(select_users_of(keys.issuer, person.subject))
    if user is None:
        return _made(keys.issuer, person)
    return _as_said(user, person)


def _made(issuer: str, person: Person) -> User:
    """A new person, or the one that another request made at the same time."""
    said = {"name": person.subject[:200], "role": "member", **person.said}
    row = {"id": new_id("usr"), "issuer": issuer, "subject": person.subject, "created_at": now(), **said}
    with writing() as session:
        session.execute(insert_or_ignore(User).values(row))
        return session.scalars(select_users_of(issuer, person.subject)).one()


def _as_said(user: User, person: Person) -> User:
    """The person with what the token says otherwise; written only where it does."""
    changed = {name: value for name, value in person.said.items() if getattr(user, name) != value}
    if changed:
        with writing() as session:
            session.execute(update(User).where(User.id == user.id).values(**changed))
        for name, value in changed.items():
            setattr(user, name, value)
    return user
