"""Transactions: `reading` sees one state, `writing` changes it or leaves it as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TypeVar

from sqlalchemy import Connection, Executable, text
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.extensions import BEGIN, dialect, parts

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
    session = Session(engine, expire_on_commit=False)
    is_sqlite = engine.dialect.name == "sqlite"
    if not is_sqlite:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        yield session
        if not is_sqlite:
            session.expunge_all()  # so that nothing is written
            session.commit()  # at a rollback psycopg forgets every statement that PostgreSQL has prepared
    finally:
        session.close()


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
    session = Session(of.engine, expire_on_commit=False)
    is_sqlite = of.engine.dialect.name == "sqlite"
    with of.write_lock if is_sqlite else nullcontext():
        try:
            _begin(session, is_sqlite)
            session.info[AFTER] = []
            yield session
            session.commit()
            for act in session.info[AFTER]:
                act()
        finally:
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
    session = Session(parts().engine, expire_on_commit=False)
    try:
        with suppress(OperationalError):  # another process writes
            session.connection(execution_options=options)
            session.execute(statement)
            session.commit()
    finally:
        session.close()
        if is_sqlite:
            lock.release()


def one_at_a_time(session: Session, lock: int) -> None:
    """Wait until no other process is in a transaction with this lock; on SQLite none ever is."""
    if dialect() == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def _begin(session: Session, is_sqlite: bool) -> None:
    """Begin; on SQLite wait for writers of other processes, such as a backup, without holding up this one."""
    if not is_sqlite:
        return
    ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        try:
            session.connection(execution_options={BEGIN: "IMMEDIATE"})
        except OperationalError:
            session.close()
            if time.monotonic() > ends_at:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
