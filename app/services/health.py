"""How the server is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError, TimeoutError
from sqlalchemy.orm import Session

from app.errors import DatabaseUnavailable
from app.extensions import config, dialect, known_revisions, newest_revision
from app.services.transactions import reading
from config import VERSION

# PostgreSQL says it, or a pool in front of it, before there is a connection with a code to go by.
REFUSES_MORE = re.compile(r"too many (clients|connections)|remaining connection slots|no more connections")
AWAY = "The database cannot be reached, or has no tables: check DATABASE_URL, or run `flask db upgrade`."
MOST_IN_ALL = "COLLOQUY_DATABASE_CONNECTIONS of all servers together must be less than its max_connections"


def about() -> dict[str, Any]:
    """What runs here."""
    upstream = "simulator" if config().uses_simulator else "anthropic"
    return {"version": VERSION, "upstream": upstream, "model": config().model, "database": dialect()}


def why_away(error: Exception) -> str | None:
    """Why a database that is there has no connection for us; None where it is for another reason."""
    if isinstance(error, TimeoutError):
        return "Every connection to the database is in use: see COLLOQUY_DATABASE_CONNECTIONS."
    if REFUSES_MORE.search(str(error)):
        return f"The database takes no more connections: {MOST_IN_ALL}."
    return None


@contextmanager
def database_in_words() -> Iterator[None]:
    """What a database says that can't be reached, or has no tables yet, becomes DatabaseUnavailable."""
    try:
        yield
    except (OperationalError, ProgrammingError, TimeoutError) as error:
        raise DatabaseUnavailable(why_away(error) or AWAY) from error


def is_to_migrate() -> bool:
    """Whether the database is older than this server; raises DatabaseUnavailable where it is newer."""
    with database_in_words(), reading() as session:
        has_revision = inspect(session.connection()).has_table("alembic_version")
        found = _revision(session) if has_revision else None
    _refuse_newer(found)
    return found != newest_revision()


def check_database() -> None:
    """Raises DatabaseUnavailable where the schema is not the one this server was made for."""
    with database_in_words(), reading() as session:
        found = _revision(session)
    _refuse_newer(found)
    if found != newest_revision():
        raise DatabaseUnavailable(f"The database is at revision {found}: run `flask db upgrade`.")


def _revision(session: Session) -> str | None:
    found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _refuse_newer(revision: str | None) -> None:
    if revision and revision not in known_revisions():
        raise DatabaseUnavailable(
            f"The database is at revision {revision}, which a newer server made: run that version."
        )
