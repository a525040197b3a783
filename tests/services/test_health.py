"""How the server is: ready only on a database that it was made for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError, TimeoutError

from app.errors import DatabaseUnavailable
from app.services import health
from config import VERSION, Config
from tests.conftest import made
from tests.support import all_connections_taken


def test_it_says_what_runs_here(app: Flask, database_url: str) -> None:
    with app.app_context():
        assert health.about() == {
            "version": VERSION,
            "upstream": "anthropic",
            "model": "claude-sonnet-5-5",
            "database": database_url.partition(":")[0],
        }
        health.check_database()


def test_the_simulator_is_said_aloud(config: Config) -> None:
    with made(replace(config, upstream="simulator")) as app, app.app_context():
        assert health.about()["upstream"] == "simulator"


def test_a_database_that_was_never_migrated_is_not_ready(config: Config, tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    if config.database_url.startswith("postgresql"):
        sign = "&" if "?" in config.database_url else "?"
        empty = f"{config.database_url}{sign}options=-csearch_path%3Dpg_temp"
    unavailable = pytest.raises(DatabaseUnavailable, match="flask db upgrade")
    with made(replace(config, database_url=empty)) as app, app.app_context(), unavailable:
        health.check_database()


def test_a_database_without_room_says_which_setting_to_look_at(config: Config) -> None:
    if not config.database_url.startswith("postgresql"):
        pytest.skip("SQLite takes any number")
    with made(config) as app, app.app_context():
        full = pytest.raises(DatabaseUnavailable, match="COLLOQUY_DATABASE_CONNECTIONS of all servers")
        with all_connections_taken(config.database_url), full:
            health.check_database()
        health.check_database()


def test_why_there_is_no_connection_is_said_and_nothing_else_is_taken_for_it() -> None:
    slots = "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"
    assert "takes no more" in str(health.why_away(OperationalError("", {}, Exception(slots))))
    assert "is in use" in str(health.why_away(TimeoutError("QueuePool limit of size 4 reached")))
    assert health.why_away(OperationalError("", {}, Exception("Connection refused"))) is None
