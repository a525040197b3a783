"""How server processes begin and end, on both databases."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import pytest

from tests.server.conftest import KEY, ROOT, Server
from tests.support import Sent, events_of, text_of

Serve = Callable[..., Server]
SLOW = "[[reply: words=40 seconds_per_event=0.1]]"
AT_ONCE = 3


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that nobody has migrated."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new.db"
        return
    url = httpx2.URL(request.getfixturevalue("postgres_url"))
    with psycopg.connect(str(url), autocommit=True) as connection:
        connection.execute("CREATE DATABASE brand_new")
        yield str(url.copy_with(path="/brand_new"))
        connection.execute("DROP DATABASE brand_new WITH (FORCE)")


def streaming(server: Server, found: list[Sent]) -> threading.Thread:
    """Sends a message and reads its stream to the end, in the background; returns once it has begun."""
    begun = threading.Event()

    def read() -> None:
        with (
            server.access() as api,
            api.stream("POST", "/messages", json={"content": SLOW, "stream": True}) as answer,
        ):
            text = ""
            for chunk in answer.iter_text():
                text += chunk
                if "content_block_delta" in text:
                    begun.set()
            found.extend(events_of(text))

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(10)
    return thread


def is_draining(server: Server) -> bool:
    for _ in range(100):
        if httpx2.get(f"{server.url}/readyz").status_code == 503:
            return True
        time.sleep(0.02)
    return False


def test_told_to_end_it_lets_its_answers_end_and_takes_no_new_ones(serve: Serve) -> None:
    server, found = serve().wait_until_ready(), list[Sent]()
    reader = streaming(server, found)
    server.process.terminate()
    assert is_draining(server)
    with server.access() as api:
        refused = api.post("/messages", json={"content": "Me too"})
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        assert int(refused.headers["Retry-After"]) > 0
        assert api.get("/sessions").status_code == 200, "what is there can be read to the end"
        waits = api.post("/messages", json={"content": "Me too", "on_busy": "queue"})
        assert waits.json()["code"] == "draining"
    reader.join()
    assert server.process.wait(timeout=20) == 0
    assert found[-1].payload["status"] == "complete"


def test_answers_that_take_too_long_are_interrupted_and_can_be_continued(
    serve: Serve, database_url: str
) -> None:
    environ = {"DATABASE_URL": database_url, "COLLOQUY_DRAIN_SECONDS": "0.5"}
    server, found = serve(**environ).wait_until_ready(), list[Sent]()
    reader = streaming(server, found)
    assert server.stop() == 0
    reader.join()
    assert [one.name for one in found[-2:]] == ["error", "colloquy.done"]
    assert (found[-2].payload["code"], found[-1].payload["status"]) == ("turn_interrupted", "interrupted")
    with serve(**environ).wait_until_ready().access() as api:
        message_id = found[-1].payload["message_id"]
        message = api.get(f"/messages/{message_id}").json()
        seen = "".join(
            one.payload["delta"].get("text", "") for one in found if one.name == "content_block_delta"
        )
        assert (message["status"], text_of(message)) == ("interrupted", seen)
        assert seen
        answer = api.post(f"/messages/{message_id}/continue")
        assert (answer.status_code, answer.json()["message"]["parent_id"]) == (201, message_id)


def test_an_idle_connection_does_not_hold_up_the_end(serve: Serve) -> None:
    server = serve().wait_until_ready()
    with server.access() as api:
        assert api.get("/sessions").status_code == 200
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 15, "the limit for answers is 30 s, and there are none"


def test_several_processes_may_start_on_a_new_database_at_once(serve: Serve, new_database_url: str) -> None:
    servers = [serve(DATABASE_URL=new_database_url) for _ in range(AT_ONCE)]
    for server in servers:
        with server.wait_until_ready().access() as api:
            assert api.post("/messages", json={"content": "Hello"}).status_code == 201


def test_the_process_that_begins_the_others_has_let_go_of_the_database(
    serve: Serve, new_database_url: str
) -> None:
    server = serve(DATABASE_URL=new_database_url).wait_until_ready()
    first = psutil.Process(server.process.pid)
    assert [one.path for one in first.open_files() if "new.db" in one.path] == []
    assert [one for one in first.net_connections() if one.status == psutil.CONN_ESTABLISHED] == []
    assert "wsgi:served()" in first.cmdline()


def test_a_database_that_was_not_migrated_is_not_served_and_the_reason_is_said(
    new_database_url: str,
) -> None:
    environ = {**os.environ, "DATABASE_URL": new_database_url, "COLLOQUY_ADMIN_KEY": KEY}
    ended = run("gunicorn", "--config", "gunicorn.conf.py", "wsgi:app", environ=environ)
    assert ended.returncode != 0
    assert "flask db upgrade" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_database_of_a_newer_server_is_neither_migrated_nor_served(serve: Serve, tmp_path: Path) -> None:
    serve().wait_until_ready().stop()
    path = tmp_path / "colloquy.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    server = serve()
    assert server.process.wait(timeout=30) != 0
    assert "revision 9999, which a newer server made" in server.output
    assert "Traceback" not in server.output


def run(module: str, *arguments: str, environ: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
