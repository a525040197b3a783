"""What a start checks and imports, and when; what is imported is told by a Python of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from config import Config
from starts import check_address, is_flask
from tests.servers import ROOT

NEVER = {
    "alembic",
    "anthropic.lib.vertex",
    "anthropic.resources.beta",
    "app.claude.simulator",
    "app.telemetry.mirror",
    "flask_migrate",
    "google.protobuf",
    "jwt",
    "mcp",
    "opentelemetry.sdk",
    "psycopg",
    "pytest",
    "requests",
}


def environ(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://", "ANTHROPIC_API_KEY": "sk-ant-x", **more}


@pytest.mark.parametrize(
    ("arguments", "is_it"),
    [
        (["/venv/bin/flask", "serve"], True),
        (["/venv/lib/flask/__main__.py", "--app", "wsgi", "db", "upgrade"], True),
        (["/venv/lib/gunicorn/__main__.py", "wsgi:app"], False),
        (["/venv/bin/pytest", "-k", "flask"], False),
        (["-c"], False),
    ],
)
def test_flask_is_told_by_how_it_was_called(arguments: list[str], is_it: bool) -> None:
    assert is_flask(arguments) is is_it


def test_the_command_imports_no_app_before_it_becomes_gunicorn() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "flask", "serve"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environ(PORT="none"), capture_output=True, text=True, check=False
    )
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.split("\n")}
    assert ended.returncode != 0
    assert "Colloquy: PORT must be a whole number" in ended.stderr
    assert "flask.cli" in imported
    assert {"app", "sqlalchemy", "gevent", "anthropic", "alembic"} & imported == set()


def test_a_server_imports_nothing_that_it_may_never_need() -> None:
    code = "import sys, wsgi, app; app.warm_up(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ(), capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert imported & NEVER == set()
    assert {"anthropic._client", "app.claude.sockets"} <= imported


def test_what_reads_tokens_is_imported_before_the_first_one_comes() -> None:
    code = "import sys, wsgi; print(*sys.modules)"
    provider = environ(OIDC_ISSUER="https://login.example.org", OIDC_AUDIENCE="colloquy")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=provider, capture_output=True, text=True, check=True
    )
    assert "jwt" in done.stdout.split()


def test_a_free_address_is_left_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = Config(port=server.getsockname()[1])
    check_address(free)
    check_address(free)


def test_an_address_that_is_taken_or_not_ours_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ValueError, match=f"127.0.0.1:{port} cannot be listened on") as caught:
            check_address(Config(port=port))
    assert "set HOST or PORT" in str(caught.value)
    with pytest.raises(ValueError, match="set HOST or PORT"):
        check_address(Config(host="203.0.113.1"))
