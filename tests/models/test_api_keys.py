"""Keys as they are made and found."""

from __future__ import annotations

import re

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.models.api_keys import PREFIX_LENGTH, hash_of, new_secret, select_candidates, select_keys_of
from app.services import users
from app.services.transactions import reading


def test_secrets_have_the_shape_that_is_masked_and_are_never_the_same() -> None:
    made = {new_secret() for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch(r"clq_[\w-]{43}", one) for one in made)
    assert len({one[:PREFIX_LENGTH] for one in made}) > 490


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_a_hash_tells_keys_apart(one: str, two: str) -> None:
    assert (hash_of(one) == hash_of(two)) == (one == two)
    assert re.fullmatch("[0-9a-f]{64}", hash_of(one))


def test_candidates_are_keys_that_begin_alike_and_hold(app: Flask, people: None) -> None:
    with app.app_context():
        user = users.add("Ada")
        (key, secret), (other, _) = users.add_key(user.id, "a"), users.add_key(user.id, "b")
        with reading() as session:
            found = [(one.id, who.id) for one, who in session.execute(select_candidates(secret))]
            assert found == [(key.id, user.id)]
            assert session.execute(select_candidates("clq_")).all() == []
            assert [one.id for one in session.scalars(select_keys_of(user.id))] == [key.id, other.id]
        users.revoke_key(key.id)
        with reading() as session:
            assert session.execute(select_candidates(secret)).all() == []
