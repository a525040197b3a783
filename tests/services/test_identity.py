"""Keys: each names one person, until it is revoked."""

from __future__ import annotations

import pytest
from flask import Flask

from app.errors import Unauthenticated
from app.models.api_keys import PREFIX_LENGTH, ApiKey, hash_of
from app.services import users
from app.services.identity import CHALLENGE, Caller, identify
from app.services.roles import granted
from app.services.transactions import writing
from tests.services.conftest import at_once


def test_each_key_of_a_person_names_them_and_itself(ada: Caller) -> None:
    key, secret = users.add_key(ada.user_id, "laptop")
    caller = identify(secret)
    assert caller == Caller(ada.user_id, "Ada", "member", key.id, granted("member"))
    assert caller.key_id != ada.key_id


def test_a_revoked_key_is_nobodys_and_stays_so_while_others_hold(ada: Caller) -> None:
    (first, one), (_, two) = users.add_key("Ada", "a"), users.add_key("Ada", "b")
    ended_at = users.revoke_key(first.id)
    for _ in range(2):
        with pytest.raises(Unauthenticated) as caught:
            identify(one)
        assert caught.value.headers == CHALLENGE
        assert users.revoke_key(first.id) == ended_at, "the first time counts"
    assert identify(two).user_id == ada.user_id


def test_a_prefix_that_two_keys_share_proves_nothing(ada: Caller, bob: Caller) -> None:
    secrets = {f"clq_aaaaaaaa{end * 31}": person for end, person in (("b", ada), ("c", bob))}
    with writing() as session:
        for secret, person in secrets.items():
            row = {"user_id": person.user_id, "prefix": secret[:PREFIX_LENGTH], "hash": hash_of(secret)}
            session.add(ApiKey(name="twin", **row))
    assert {identify(secret).name for secret in secrets} == {"Ada", "Bob"}
    for wrong in ("clq_aaaaaaaa" + "d" * 31, "clq_aaaaaaaa", "clq_aaaaaaaa%"):
        with pytest.raises(Unauthenticated):
            identify(wrong)


@pytest.mark.parametrize("secret", ["", "clq_", "é" * 40, "'; --", "%", "x" * 100_000])
def test_what_is_no_key_is_refused_in_words_that_do_not_repeat_it(ada: Caller, secret: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        identify(secret)
    assert len(caught.value.detail) < 100


def test_many_come_at_once(app: Flask, ada: Caller) -> None:
    secret = users.add_key(ada.user_id, "shared")[1]
    assert set(at_once(app, [lambda: identify(secret).name] * 16)) == {"Ada"}
