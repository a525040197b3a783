"""Keys as they are made and found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models.api_keys import (
    PREFIX_LENGTH,
    ApiKey,
    hash_of,
    mark_used,
    new_secret,
    select_candidates,
    select_keys_of,
)
from app.models.base import now
from app.services import users
from app.services.transactions import reading, writing


def test_secrets_have_the_shape_that_is_masked_and_are_never_the_same() -> None:
    made = {new_secret() for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch(r"clq_[\w-]{43}", one) for one in made)
    assert len({one[:PREFIX_LENGTH] for one in made}) > 490


def _candidates(session: Session, secret: str, at: datetime) -> Sequence[Any]:
    where = {"prefix": secret[:PREFIX_LENGTH], "at": at}
    return select_candidates().rows(session, where)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_a_hash_tells_keys_apart(one: str, two: str) -> None:
    assert (hash_of(one) == hash_of(two)) == (one == two)
    assert re.fullmatch("[0-9a-f]{64}", hash_of(one))


def test_candidates_are_keys_that_begin_alike_and_hold(app: Flask, people: None) -> None:
    with app.app_context():
        user, at = users.add("Ada"), now()
        (key, secret), (other, _) = users.add_key(user.id, "a"), users.add_key(user.id, "b")
        with reading() as session:
            found = [(one.key_id, one.user_id) for one in _candidates(session, secret, at)]
            assert found == [(key.id, user.id)]
            assert _candidates(session, "clq_", at) == []
            assert [one.id for one in session.scalars(select_keys_of(user.id))] == [key.id, other.id]
        users.revoke_key(key.id)
        with reading() as session:
            assert _candidates(session, secret, at) == []


def test_a_key_is_a_candidate_until_the_moment_it_ends_at(app: Flask, people: None) -> None:
    with app.app_context():
        _, secret = users.add_key(users.add("Ada").id, "a")
        end = now().replace(microsecond=500_000)
        with writing() as session:
            session.execute(update(ApiKey).values(expires_at=end))
        with reading() as session:
            found = [
                bool(_candidates(session, secret, end + timedelta(microseconds=one))) for one in (-1, 0, 1)
            ]
    assert found == [True, False, False]


def test_a_use_is_written_once_in_a_while(app: Flask, people: None) -> None:
    with app.app_context():
        key, _ = users.add_key(users.add("Ada").id, "a")
        at = now()
        for seconds, is_written in ((0, True), (59, False), (61, True)):
            later = at + timedelta(seconds=seconds)
            with writing() as session:
                session.execute(mark_used(key.id, later, later - timedelta(seconds=60)))
            with reading() as session:
                assert (session.get_one(ApiKey, key.id).last_used_at == later) == is_written
