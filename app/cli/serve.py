"""`flask serve`: migrate, make the first admin, say where and how, and become gunicorn."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from app.cli.admin import in_words
from app.extensions import config
from app.services import health, users
from app.telemetry.redaction import Redactor
from config import INSTANCE, Config

GUNICORN_SETTINGS = Path(__file__).resolve().parents[2] / "gunicorn.conf.py"


@click.command("serve")
@with_appcontext
def serve() -> None:
    """Migrate the database and serve."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # process 1 of a container would not hear it
    settings = config()
    check_address(settings)
    INSTANCE.mkdir(exist_ok=True)
    with in_words():
        health.check_migratable()
        upgrade()
        new_key = users.ensure_admin()
    click.echo(banner(settings, new_key))
    sys.stdout.flush()
    arguments = [sys.executable, "-m", "gunicorn", "--config", str(GUNICORN_SETTINGS), "wsgi:app"]
    os.execv(sys.executable, arguments)  # noqa: S606 - our own Python


def check_address(settings: Config) -> None:
    """Say so in words, before anything else, where the address is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = (
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}): set HOST or PORT."
            )
            raise click.ClickException(reason) from error


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
