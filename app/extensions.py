"""What is made once and bound in create_app: the database, the settings, Claude, the runner."""

from __future__ import annotations

import functools
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import OperationalError

from app.billing.prices import Prices
from app.claude.catalog import Catalog
from app.claude.client import Claude
from app.models.base import Model
from app.telemetry import redaction
from app.telemetry.redaction import Redactor
from app.tools.registry import Registry
from app.turns.journal import Journal
from app.turns.lines import Crowd, Lines
from app.turns.runner import Runner
from app.turns.tails import Tails
from config import Config

if TYPE_CHECKING:
    from app.oidc.keys import Keys
    from app.telemetry.mirror import Mirror

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
REVISIONS = "versions/[0-9]*_*.py"
BUSY_TIMEOUT_MS = 20  # short: SQLite waits inside C, where no other client is served
LOCK_TIMEOUT_MS = 5_000
MOST_OF_A_PROCESS, KEPT_CONNECTIONS = 40, 10  # connections to PostgreSQL
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
BEGIN = "sqlite_begin"

db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})


class Parts:
    """What one app has of its own. Services add how logs are written and read, and which tools there are."""

    journal: Journal
    tails: Tails
    tools: Registry

    def __init__(self, app: Flask, config: Config, claude: Claude) -> None:
        self.config = config
        self.claude = claude
        self.oidc_keys = make_keys(config.oidc_issuer) if config.oidc_issuer else None
        self.redactor = Redactor(config.secrets)
        self.mirror: Mirror | None = None
        self.catalog = Catalog(claude.models)
        self.runner = Runner()
        self.lines = Lines()
        self.starting = Crowd()
        self.write_lock = threading.Lock()
        self.sweeping = threading.Lock()
        self.is_draining = False
        self.running_calls: set[str] = set()
        self.leases_seen: dict[tuple[str, datetime], float] = {}
        self.prices_state = object()
        self.reading_prices = threading.Lock()
        self.prices_kept: tuple[object, float, Mapping[str, Prices]] | None = None
        self.engine: Engine
        self._app = app

    def context(self) -> AbstractContextManager[Any]:
        """An app context for work that no request began."""
        return self._app.app_context()


def bind(app: Flask, config: Config, claude: Claude) -> Parts:
    """Give an app its parts."""
    made = app.extensions["colloquy"] = Parts(app, config, claude)
    db.init_app(app)
    with app.app_context():
        made.engine = db.engine  # which is looked up in several places each time it is asked for
    if made.engine.dialect.name == "sqlite":
        use_sqlite_well(made.engine)
    return made


def make_keys(issuer: str) -> Keys:
    """The keys of a provider; without one, what reads tokens is not even imported."""
    from app.oidc.keys import Keys

    return Keys(issuer)


def engine_options(config: Config) -> dict[str, Any]:
    """How connections are made and kept."""
    # Parameters are what people write, so not for the log; a connection may have died since it was used.
    if config.sqlalchemy_url.startswith("sqlite"):
        return {"hide_parameters": True}
    options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True}
    # Who waits for a locked session holds a connection, so there are many, and the wait has an end.
    given = make_url(config.sqlalchemy_url).query.get("options", "")
    waits = {"options": f"-c lock_timeout={LOCK_TIMEOUT_MS} {given}"}
    most = min(config.database_connections // config.workers, MOST_OF_A_PROCESS)
    size = min(KEPT_CONNECTIONS, most)
    many = {"pool_size": size, "max_overflow": most - size, "pool_timeout": 10}
    return {**options, **many, "connect_args": waits}


def parts() -> Parts:
    """The parts of the app at work."""
    here: Any = current_app  # a proxy, which is resolved once so, and not for each attribute
    made: Parts = here._get_current_object().extensions["colloquy"]
    return made


def config() -> Config:
    """The settings of the app at work."""
    return parts().config


def claude() -> Claude:
    """Claude, for the app at work."""
    return parts().claude


def redactor() -> Redactor:
    """What masks secrets: the server's, and in a request or its turn the caller's key too."""
    return redaction.at_work() or parts().redactor


def dialect() -> str:
    """`sqlite` or `postgresql`."""
    return parts().engine.dialect.name


def insert(table: type[Model]) -> Any:
    """An INSERT that can say what is to be done where there is such a row already."""
    return import_module(f"sqlalchemy.dialects.{dialect()}").insert(table)


def insert_or_ignore(table: type[Model]) -> Any:
    """An INSERT that leaves a row alone that is there already; what it returns tells."""
    return insert(table).on_conflict_do_nothing()


@functools.cache
def known_revisions() -> frozenset[str]:
    """The schema revisions this server can migrate from; the files of the migrations begin with them."""
    return frozenset(one.name.partition("_")[0] for one in MIGRATIONS.glob(REVISIONS))


def newest_revision() -> str:
    """The schema revision this server was made for."""
    return max(known_revisions())


def use_sqlite_well(engine: Engine) -> None:
    """WAL, foreign keys, and transactions that begin when we say so: IMMEDIATE for those that will write.

    sqlite3 would begin them late, at the first write, when the snapshot may be stale and waiting is no use.
    """

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begin = f"BEGIN {connection.get_execution_options().get(BEGIN, 'DEFERRED')}"
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute(begin)
        except sqlite3.OperationalError as error:
            raise OperationalError(begin, None, error) from error
