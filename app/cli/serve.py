"""`flask serve`: become gunicorn; there: migrate, make the first admin, say where and how."""

from __future__ import annotations

import signal
import sys

import click
from flask import Flask

from app.cli.admin import in_words
from app.extensions import config, db
from app.services import health, users
from app.telemetry.redaction import Redactor
from config import INSTANCE, Config
from starts import become_gunicorn


@click.command("serve")
def serve() -> None:
    """Migrate the database and serve."""
    become_gunicorn()


def prepare(app: Flask) -> None:
    """What comes before an app is served, in the process whose children serve it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # process 1 of a container would not hear it
    try:
        with app.app_context():
            _prepare(config())
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


def _prepare(settings: Config) -> None:
    INSTANCE.mkdir(exist_ok=True)
    with in_words():
        if health.is_to_migrate():
            migrate()
        new_key = users.ensure_admin()
    db.engine.dispose()  # a connection is not for two processes
    click.echo(banner(settings, new_key))
    sys.stdout.flush()


def migrate() -> None:
    """Alembic is not even imported where there is nothing to migrate."""
    from app.cli.migrations import upgrade

    upgrade()


def banner(settings: Config, new_key: str | None) -> str:
    """What a person who starts the server must know."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    address = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    lines = [f"Colloquy listens on {address} and has its manual at {address}/docs"]
    if settings.uses_simulator:
        lines.append("Upstream: the built-in simulator. Set ANTHROPIC_API_KEY to talk to Claude.")
    else:
        lines.append(f"Upstream: {Redactor()(settings.anthropic_base_url) or 'Claude, at Anthropic'}")
    if new_key:
        lines += [f"Admin key, shown this once: {new_key}", "Try it:", f"  {curl_send(address, new_key)}"]
    else:
        lines += ["Try it:", f"  curl {address}/readyz"]
    return "\n".join(lines)


def curl_send(address: str, key: str) -> str:
    """A line that sends a first message."""
    return (
        f"curl {address}/messages -H 'Authorization: Bearer {key}' "
        """-H 'Content-Type: application/json' -d '{"content": "Hello, who are you?"}'"""
    )
