"""Prepared statements: values come back as they went in, errors and listeners are SQLAlchemy's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, event, exc, select

from app.extensions import db
from app.models.base import insert_into, new_id, table_of, update_by
from app.models.prepared import Prepared
from app.models.sessions import ChatSession
from app.models.users import User
from app.services import users
from app.services.transactions import looking, reading, writing

OF = table_of(ChatSession).c
SELECT = Prepared(select(*OF).where(OF.id == bindparam("id")))
AT = datetime(2026, 11, 25, 12, 30, 1, 123456, tzinfo=UTC)


@pytest.fixture
def ada(app: Flask, people: None) -> User:
    with app.app_context():
        return users.add("Ada")


def row_of(user: User, **more: Any) -> dict[str, Any]:
    return {"id": new_id("ses"), "user_id": user.id, "created_at": AT, "tools": ["é"], **more}


def test_rows_come_back_with_types_defaults_and_names(app: Flask, ada: User) -> None:
    row = row_of(ada)
    with app.app_context():
        with writing() as session:
            insert_into(ChatSession).run(session, row)
            update_by(ChatSession, "id").run(session, {"of": row["id"], "title": "Ünï"})
        with looking() as connection:
            found = SELECT.row(connection, {"id": row["id"]})
            assert SELECT.row(connection, {"id": "none"}) is None
            assert SELECT.value(connection, {"id": row["id"]}) == row["id"]
        with reading() as session:
            same = session.get_one(ChatSession, row["id"])
    assert (found.title, found.tools, found.created_at, found.messages) == ("Ünï", ["é"], AT, 0)
    assert (found.archived, found.metadata) == (False, {})
    assert (same.title, same.tools, same.created_at, same.updated_at) == (
        found.title,
        found.tools,
        found.created_at,
        found.updated_at,
    )


def test_many_rows_are_written_in_one_go_and_none_is_nothing(app: Flask, ada: User) -> None:
    rows = [row_of(ada) for _ in range(3)]
    with app.app_context():
        with writing() as session:
            insert_into(ChatSession).run_for_all(session, rows)
            insert_into(ChatSession).run_for_all(session, [])
        with looking() as connection:
            assert all(SELECT.row(connection, {"id": one["id"]}) for one in rows)


def test_errors_are_sqlalchemys_and_undo_the_transaction(app: Flask, ada: User) -> None:
    row, other = row_of(ada), row_of(ada)
    with app.app_context():
        with writing() as session:
            insert_into(ChatSession).run(session, row)
        with pytest.raises(exc.IntegrityError), writing() as session:
            insert_into(ChatSession).run_for_all(session, [other, row])
        with looking() as connection:
            assert SELECT.row(connection, {"id": other["id"]}) is None


def test_who_listens_hears_every_statement_and_nothing_else_changes(app: Flask, ada: User) -> None:
    row, heard = row_of(ada), list[str]()
    with app.app_context():

        def note(*args: Any) -> None:
            heard.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        with writing() as session:
            insert_into(ChatSession).run(session, row)
        with looking() as connection:
            found = SELECT.row(connection, {"id": row["id"]})
        event.remove(db.engine, "before_cursor_execute", note)
        with looking() as connection:
            assert SELECT.row(connection, {"id": row["id"]}) == found
    assert [one.split()[0] for one in heard] == ["INSERT", "SELECT"]
