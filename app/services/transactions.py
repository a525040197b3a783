"""Transactions: `reading` sees one state, `writing` changes it or leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy.orm import Session

from app.extensions import BEGIN, db, dialect, parts


@contextmanager
def reading() -> Iterator[Session]:
    """One consistent read. Its rows stay readable as values; the connection goes back to the pool."""
    session = db.session()
    session.close()
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
            session.connection(execution_options={BEGIN: "IMMEDIATE"} if is_sqlite else None)
            yield session
            session.commit()
        finally:
            session.close()
