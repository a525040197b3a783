"""The app, for gunicorn and for `flask`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import starts

if TYPE_CHECKING:
    from flask import Flask

if starts.is_flask(sys.argv) and sys.argv[-1] == "serve":
    starts.become_gunicorn()

from app import create_app
from app.cli.serve import prepare

try:
    app = create_app()
except ValueError as error:  # a setting is wrong, and says so
    sys.exit(f"Colloquy: {error}")

if starts.is_flask(sys.argv):
    from app.cli import migrations

    migrations.bind(app)


def served() -> Flask:
    """What gunicorn serves for `flask serve`: the app, with its database and its first admin made ready."""
    prepare(app)
    return app
