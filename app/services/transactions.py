"""Transactions: `reading` sees one state, `writing` changes it or leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy.orm import Session

from app.extensions import BEGIN, db, dialect, parts


@contextmanager
def reading() -> Iterator[Session]:
    """One consistent read; the connection goes back to the pool at the end."""
    session = db.session()
    session.rollback()
    try:
        yield session
    finally:
        session.rollback()


@contextmanager
def writing() -> Iterator[Session]:
    """Commits at the end, rolls back on any error.

    SQLite has one writer: the writers of this process queue here, where waiting lets others run, and not in
    SQLite, where it would hold up the whole process. So nothing in a `writing` block may wait for anything
    else.
    """
    session = db.session()
    session.rollback()
    is_sqlite = dialect() == "sqlite"
    with parts().write_lock if is_sqlite else nullcontext():
        try:
            session.connection(execution_options={BEGIN: "IMMEDIATE"} if is_sqlite else None)
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
