"""Transactions: `reading` sees one state, `writing` changes it or leaves it as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TypeVar

from sqlalchemy import Connection, Engine, Executable, text
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.extensions import BEGIN, dialect, parts
from app.models.prepared import CONNECTION

LONGEST_WAIT_SECONDS = 10
PASSING_ERRORS = (OperationalError, InterfaceError, IntegrityError, TimeoutError)
# Between tries to store an answer: a database that restarts is waited for, about a minute.
PAUSES_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 5, 5, 10, 10, 10, 10)
T = TypeVar("T")
PAUSE_SECONDS = 0.02
AFTER = "after_commit"


@contextmanager
def reading() -> Iterator[Session]:
    """One consistent read. Its rows stay readable as values; the connection goes back to the pool."""
    engine = parts().engine
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if not is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ")
        connection.begin()
        with _session(connection) as session:
            yield session  # which nothing commits: what is set on its rows stays there
        if not is_sqlite:
            connection.commit()  # at a rollback psycopg forgets every statement that PostgreSQL has prepared


@contextmanager
def looking() -> Iterator[Connection]:
    """One read of one statement, without a session, which costs as much again."""
    engine = parts().engine
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if not is_sqlite:
            connection.begin()
        yield connection
        if not is_sqlite:
            connection.commit()  # as in `reading`


@contextmanager
def writing() -> Iterator[Session]:
    """Commits at the end, rolls back on any error; its rows stay readable as values.

    SQLite has one writer: the writers of this process queue here, where waiting lets others run, and not in
    SQLite, where it would hold up the whole process. So nothing in a `writing` block may wait for others.
    """
    of = parts()
    with (
        of.write_lock if of.engine.dialect.name == "sqlite" else nullcontext(),
        _begun(of.engine) as connection,
        _session(connection) as session,
    ):
        session.info[AFTER] = []
        yield session
        if session.in_transaction():  # it was asked for more than its connection
            session.commit()
        connection.commit()
        for act in session.info[AFTER]:
            act()


@contextmanager
def _session(connection: Connection) -> Iterator[Session]:
    """One that takes part in the connection's transaction, and begins nothing before it is asked."""
    session = Session(connection, expire_on_commit=False)
    session.info[CONNECTION] = connection
    try:
        yield session
    finally:
        if session.in_transaction():
            session.close()


def patiently(act: Callable[[], T], between: Callable[[], object]) -> T:
    """What it returns, tried again while the database is away; `between` tries something is looked after."""
    for pause in PAUSES_SECONDS:
        try:
            return act()
        except PASSING_ERRORS:
            time.sleep(pause)
            with suppress(*PASSING_ERRORS):
                between()
    return act()


def after_commit(session: Session, act: Callable[[], object]) -> None:
    """Do this once the `writing` block has committed, and not where it is rolled back: count, not write."""
    session.info[AFTER].append(act)


def write_if_free(statement: Executable) -> None:
    """One statement in a transaction of its own, or not at all where SQLite's writer is at work."""
    is_sqlite = dialect() == "sqlite"
    lock, options = parts().write_lock, {BEGIN: "IMMEDIATE"} if is_sqlite else {}
    if is_sqlite and not lock.acquire(blocking=False):
        return
    try:
        with suppress(OperationalError), parts().engine.connect() as connection:  # another process may write
            connection.execution_options(**options)
            connection.execute(statement)
            connection.commit()
    finally:
        if is_sqlite:
            lock.release()


def one_at_a_time(session: Session, lock: int) -> None:
    """Wait until no other process is in a transaction with this lock; on SQLite none ever is."""
    if dialect() == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def _begun(engine: Engine) -> Connection:
    """In a transaction. On SQLite, wait for writers of other processes without holding up this one."""
    ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        connection = engine.connect()
        try:
            if engine.dialect.name == "sqlite":
                connection.execution_options(**{BEGIN: "IMMEDIATE"})
            connection.begin()
        except BaseException as error:
            connection.close()
            if not isinstance(error, OperationalError) or time.monotonic() > ends_at:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return connection
