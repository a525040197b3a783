"""`flask serve`, `flask admin …`, `flask openapi-files`: they call services, as the API does."""

from __future__ import annotations

from flask import Flask

from app.cli.admin import admin
from app.cli.openapi import openapi_files
from app.cli.prices import price
from app.cli.replays import replay_turn
from app.cli.serve import serve
from app.cli.traces import show_trace


def register(app: Flask) -> None:
    """Give the app its commands."""
    admin.add_command(price)
    admin.add_command(show_trace)
    admin.add_command(replay_turn)
    app.cli.add_command(admin)
    app.cli.add_command(serve)
    app.cli.add_command(openapi_files)
