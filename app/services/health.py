"""How the server is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from app.errors import DatabaseUnavailable
from app.extensions import config, dialect, newest_revision
from app.services.transactions import reading
from config import VERSION


def about() -> dict[str, Any]:
    """What runs here."""
    upstream = "simulator" if config().uses_simulator else "anthropic"
    return {"version": VERSION, "upstream": upstream, "model": config().model, "database": dialect()}


def check_database() -> None:
    """Raises DatabaseUnavailable where the schema is not the one this server was made for."""
    with reading() as session:
        found = session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != newest_revision():
        raise DatabaseUnavailable(f"The database is at revision {found}: run `flask db upgrade`.")
