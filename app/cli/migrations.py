"""Flask-Migrate and Alembic, imported only where a database is migrated or `flask db` may be asked for."""

from __future__ import annotations

import flask_migrate
from flask import Flask, current_app
from flask_migrate import Migrate

from app.extensions import MIGRATIONS, db


def bind(app: Flask) -> None:
    """Give the app `flask db`, and what the migrations look up."""
    Migrate().init_app(app, db, directory=str(MIGRATIONS))


def upgrade() -> None:
    """Bring the database of the app at work to the newest revision."""
    bind(current_app._get_current_object())  # type: ignore[attr-defined]
    flask_migrate.upgrade()
