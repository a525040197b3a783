"""How the server is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.errors import DatabaseUnavailable
from app.extensions import config, dialect, newest_revision
from app.services.transactions import reading
from config import VERSION


def about() -> dict[str, Any]:
    """What runs here."""
    upstream = "simulator" if config().uses_simulator else "anthropic"
    return {"version": VERSION, "upstream": upstream, "model": config().model, "database": dialect()}


@contextmanager
def database_in_words() -> Iterator[None]:
    """What a database says that can't be reached, or has no tables yet, becomes DatabaseUnavailable."""
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        raise DatabaseUnavailable(
            "The database cannot be reached, or has no tables: check DATABASE_URL, or run `flask db upgrade`."
        ) from error


def check_database() -> None:
    """Raises DatabaseUnavailable where the schema is not the one this server was made for."""
    with database_in_words(), reading() as session:
        found = session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != newest_revision():
        raise DatabaseUnavailable(f"The database is at revision {found}: run `flask db upgrade`.")
