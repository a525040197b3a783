"""People who come with a provider's token: made once, and kept as it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.errors import Unauthenticated
from app.extensions import db
from app.models.users import User
from app.services import users
from app.services.identity import Caller, identify
from app.services.oidc import user_of
from app.services.roles import granted
from app.services.transactions import writing
from config import Config
from tests.conftest import made
from tests.providers import AUDIENCE, Provider
from tests.services.conftest import at_once


@pytest.fixture
def door(config: Config, provider: Provider, people: None) -> Iterator[Callable[..., Flask]]:
    """Apps that take the provider's tokens, with other settings besides."""
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE}
    opened = []

    def open_(**more: Any) -> Flask:
        context = made(replace(config, **settings, **more))
        app = context.__enter__()
        inside = app.app_context()
        inside.push()
        opened.append((context, inside))
        return app

    yield open_
    for context, inside in reversed(opened):
        inside.pop()
        context.__exit__(None, None, None)


def test_somebody_is_made_at_first_sight_and_found_again(
    door: Callable[..., Flask], provider: Provider
) -> None:
    door()
    token = provider.token(name="Ada", email="ada@example.org")
    user = user_of(token)
    assert user
    assert (user.name, user.email, user.role) == ("Ada", "ada@example.org", "member")
    assert (user.issuer, user.subject) == (provider.issuer, "ada-1")
    assert identify(token) == Caller(user.id, "Ada", "member", None, granted("member"))
    assert [one.id for one in users.everybody()] == [user.id]
    second = user_of(provider.token(sub="bob-1"))
    assert second
    assert (second.name, second.email) == ("bob-1", None), "who has no name is called by the subject"


def test_ten_first_requests_at_once_make_one_person(door: Callable[..., Flask], provider: Provider) -> None:
    app = door()
    token = provider.token(name="Ada")
    found = at_once(app, [lambda: identify(token)] * 10)
    assert len(set(found)) == 1
    assert len(users.everybody()) == 1


def test_the_token_keeps_name_address_and_role_up_to_date(
    door: Callable[..., Flask], provider: Provider
) -> None:
    door(oidc_role_claim="groups", oidc_roles="staff=admin,guests=viewer")
    first = identify(provider.token(name="Ada", email="a@x.org", groups=["guests"]))
    assert first.role == "viewer"
    again = identify(provider.token(name="Ada L", email="b@x.org", groups=["guests", "staff"]))
    assert again == replace(first, name="Ada L", role="admin", scopes=granted("admin"))
    member = replace(again, role="member", scopes=granted("member"))
    assert identify(provider.token()) == member, "no claim: no more than a member"
    (kept,) = users.everybody()
    assert (kept.name, kept.email, kept.role) == ("Ada L", "b@x.org", "member")


def test_without_a_role_claim_in_the_settings_the_role_is_given_here(
    door: Callable[..., Flask], provider: Provider
) -> None:
    door()
    caller = identify(provider.token(groups=["staff"]))
    with writing() as session:
        session.get_one(User, caller.user_id).role = "admin"
    assert identify(provider.token(role="viewer")).role == "admin"


def test_who_is_known_is_read_and_not_written(door: Callable[..., Flask], provider: Provider) -> None:
    door()
    token = provider.token(name="Ada")
    identify(token)
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    identify(token)
    assert [one.split()[0] for one in statements if not one.startswith(("BEGIN", "ROLLBACK"))] == ["SELECT"]


def test_the_same_subject_elsewhere_is_somebody_else(door: Callable[..., Flask], provider: Provider) -> None:
    door()
    with writing() as session:
        session.add(User(name="Ada", issuer="https://id.example.org", subject="ada-1"))
    assert identify(provider.token(name="Ada"))
    assert len(users.everybody()) == 2


def test_keys_go_on_beside_tokens(door: Callable[..., Flask], provider: Provider) -> None:
    door()
    key, secret = users.add_key(users.add("Bob").id, "test")
    assert identify(secret).key_id == key.id
    for wrong in ("a.b", "clq_a.b.c", ""):
        assert user_of(wrong) is None
    assert provider.asked == []
    with pytest.raises(Unauthenticated, match="cannot be read"):
        identify("a.b.c")


def test_without_a_provider_a_token_is_no_key(app: Flask, people: None, provider: Provider) -> None:
    with app.app_context():
        assert user_of(provider.token()) is None
        with pytest.raises(Unauthenticated, match="The key is not known"):
            identify(provider.token())
    assert provider.asked == []
