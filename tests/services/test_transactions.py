"""A read writes nothing, and PostgreSQL goes on knowing its statements."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from app.extensions import dialect
from app.models.users import User
from app.services.identity import Caller
from app.services.transactions import reading

OFTEN = 12  # psycopg lets PostgreSQL prepare what was asked five times


def test_what_is_changed_in_a_read_is_not_written(ada: Caller) -> None:
    with reading() as session:
        user = session.get_one(User, ada.user_id)
        before, user.name = user.name, "Somebody else"
    assert user.name == "Somebody else", "its rows stay readable"
    with reading() as session:
        assert session.get_one(User, ada.user_id).name == before


def test_an_error_in_a_read_leaves_the_next_one_well(ada: Caller) -> None:
    with pytest.raises(NoResultFound), reading() as session:
        session.get_one(User, "usr_nobody")
    with reading() as session:
        assert session.get_one(User, ada.user_id).id == ada.user_id


def test_statements_stay_prepared_from_one_read_to_the_next(ada: Caller) -> None:
    if dialect() == "sqlite":
        pytest.skip("SQLite's statements are kept by Python's module")
    for _ in range(OFTEN):
        with reading() as session:
            session.connection().execute(text("SELECT 'asked again'"))
    with reading() as session:
        prepared = session.connection().execute(text("SELECT statement FROM pg_prepared_statements"))
        assert "SELECT 'asked again'" in prepared.scalars().all()
