"""Transactions: `reading` sees one state, `writing` changes it or leaves it as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.extensions import BEGIN, db, dialect, parts

LONGEST_WAIT_SECONDS = 10
PAUSE_SECONDS = 0.02


@contextmanager
def reading() -> Iterator[Session]:
    """One consistent read. Its rows stay readable as values; the connection goes back to the pool."""
    session = db.session()
    session.close()
    if dialect() != "sqlite":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        yield session
    finally:
        session.close()


@contextmanager
def writing() -> Iterator[Session]:
    """Commits at the end, rolls back on any error; its rows stay readable as values.

    SQLite has one writer: the writers of this process queue here, where waiting lets others run, and not in
    SQLite, where it would hold up the whole process. So nothing in a `writing` block may wait for others.
    """
    session = db.session()
    session.close()
    is_sqlite = dialect() == "sqlite"
    with parts().write_lock if is_sqlite else nullcontext():
        try:
            _begin(session, is_sqlite)
            yield session
            session.commit()
        finally:
            session.close()


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
