"""The database as it is set up, and the transactions on it: nothing lost, nothing half done."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.errors import NotFound
from app.extensions import BUSY_TIMEOUT_MS, config, db, dialect, engine_options, newest_revision, parts
from app.models.sessions import ChatSession
from app.models.users import User
from app.services import users
from app.services.transactions import reading, writing
from config import LEAST_CONNECTIONS, Config
from tests.services.conftest import at_once

WRITERS = 32


@pytest.fixture
def inside(app: Flask, people: None) -> Iterator[Flask]:
    with app.app_context():
        yield app


def count() -> int:
    with reading() as session:
        return int(session.scalar(select(func.count()).select_from(User)) or 0)


def may_another_write() -> bool:
    """Whether another connection to the SQLite file could begin to write now."""
    other = sqlite3.connect(str(db.engine.url.database), timeout=0, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    else:
        other.execute("ROLLBACK")
        return True
    finally:
        other.close()


def test_every_sqlite_connection_is_set_up(inside: Flask) -> None:
    if dialect() != "sqlite":
        pytest.skip("SQLite's own")
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": BUSY_TIMEOUT_MS}
    with db.engine.connect() as one, db.engine.connect() as two:
        for connection in (one, two):
            found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in expected}
            assert found == expected


def test_whoever_will_write_on_sqlite_says_so_at_once_and_readers_never_hold_writers_up(
    inside: Flask,
) -> None:
    if dialect() != "sqlite":
        pytest.skip("SQLite's own")
    with writing():
        assert not may_another_write()
    with reading() as session:
        session.execute(select(User)).all()
        assert may_another_write()
    assert may_another_write()


def test_foreign_keys_hold(inside: Flask) -> None:
    with pytest.raises(IntegrityError), writing() as session:
        session.add(ChatSession(user_id="usr_nobody"))


def test_writers_queue_and_nothing_is_lost(inside: Flask) -> None:
    user_id = users.add("0").id

    def write() -> None:
        for _ in range(3):
            with writing() as session:
                user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one()
                user.name = str(int(user.name) + 1)
                session.add(User(name="one more"))

    assert at_once(inside, [write] * WRITERS) == [None] * WRITERS
    assert users.named(user_id).name == str(3 * WRITERS)
    assert count() == 3 * WRITERS + 1


def test_what_fails_leaves_everything_as_it_was_and_the_next_may_write(inside: Flask) -> None:
    def fail() -> None:
        with writing() as session:
            session.add(User(name="Half"))
            session.flush()
            raise NotFound("Half way")

    with pytest.raises(NotFound):
        fail()
    assert count() == 0
    users.add("Whole")
    assert count() == 1


def test_rows_are_values_once_the_block_is_left(inside: Flask) -> None:
    with writing() as session:
        made = User(name="Ada")
        session.add(made)
    with reading() as session:
        read = session.scalars(select(User)).one()
    assert (made.id, made.name, made.role) == (read.id, "Ada", "member")
    assert read.created_at == made.created_at


def test_changes_of_a_read_row_are_not_stored_by_a_later_block(inside: Flask) -> None:
    user = users.add("Ada")
    with reading() as session:
        found = session.scalars(select(User)).one()
    found.name = "Eve"
    with writing():
        pass
    assert users.named(user.id).name == "Ada"


def test_a_block_gives_its_connection_back(inside: Flask) -> None:
    for block in (reading, writing, reading):
        with block() as session:
            session.execute(text("SELECT 1"))
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_read_sees_one_state_whatever_others_write_meanwhile(inside: Flask) -> None:
    users.add("Ada")
    with reading() as session:
        before = session.scalars(select(User.name)).all()
        assert at_once(inside, [lambda: users.add("Bob").name]) == ["Bob"]
        assert session.scalars(select(User.name)).all() == before
    assert count() == 2


def test_a_read_within_a_read_leaves_the_outer_one_usable(inside: Flask) -> None:
    users.add("Ada")
    with reading() as outer:
        first = outer.scalars(select(User)).one()
        assert count() == 1
        assert outer.scalars(select(User.id)).one() == first.id


def test_each_app_has_its_own_parts_and_its_newest_revision(inside: Flask) -> None:
    assert config() is parts().config
    with parts().context():
        assert dialect() in config().sqlalchemy_url
        with reading() as session:
            assert session.scalar(text("SELECT version_num FROM alembic_version")) == newest_revision()


def test_another_process_that_writes_is_waited_for_without_an_error(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            return
        path = str(db.engine.url.database)
    held = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    held.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, held.rollback)
    release.start()
    with app.app_context(), writing() as session:
        session.execute(text("UPDATE users SET name = name"))
    release.join()
    held.close()


@pytest.mark.parametrize(("workers", "share"), [(1, 88), (1, 5), (2, 88), (3, 29), (7, 88), (22, 88)])
def test_the_pools_of_all_processes_together_are_no_more_than_the_servers_share(
    workers: int, share: int
) -> None:
    settings = Config(
        workers=workers, database_connections=share, database_url="postgresql://127.0.0.1/colloquy"
    )
    options = engine_options(settings)
    of_one = options["pool_size"] + options["max_overflow"]
    assert of_one >= LEAST_CONNECTIONS
    assert workers * of_one <= share
