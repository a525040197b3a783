"""What people who run the server rely on: the first start, a restart, kill -9, Ctrl-C."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest

from app.claude.simulator import Simulator
from tests.server.conftest import KEY, Server
from tests.servers import starting
from tests.support import text_of

Serve = Callable[..., Server]
SLOW = "[[reply: words=60 seconds_per_event=0.2]]"
STREAMS = 30


@pytest.fixture(scope="module")
def running(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all that does not end it."""
    with starting(tmp_path_factory.mktemp("running"), simulator) as start:
        yield start().wait_until_ready()


def test_the_first_start_says_where_what_and_how_and_the_line_works(serve: Serve) -> None:
    server = serve(ANTHROPIC_BASE_URL="", ANTHROPIC_API_KEY="", COLLOQUY_ADMIN_KEY="").wait_until_ready()
    assert f"listens on {server.url}" in server.output
    assert "simulator" in server.output
    line = next(line for line in server.output.splitlines() if line.strip().startswith("curl "))
    answer = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True).stdout
    assert '"status":"complete"' in answer
    key = re.findall(r"clq_[\w-]{43}", server.output)[0]
    assert server.output.count(key) == 2, "once by itself and once in the line"
    assert server.stop(signal.SIGINT) == 0, "Ctrl-C ends it cleanly"
    again = serve(ANTHROPIC_BASE_URL="", ANTHROPIC_API_KEY="", COLLOQUY_ADMIN_KEY="").wait_until_ready()
    assert again.output.count(key) == 2, "and never again"
    with again.access(key) as api:
        assert api.get("/sessions").json()["data"], "a restart keeps everything"


def test_the_upstream_that_is_set_gets_the_key_and_nobody_else_sees_it(
    serve: Serve, simulator: Simulator
) -> None:
    server = serve().wait_until_ready()
    with server.access() as api:
        api.say(api.session(), "Hello")
        api.post("/messages", json={"content": "[[fault: status=500]]"})
    assert simulator.requests[-1].headers["authorization"] == "Bearer sk-ant-test-0123456789"
    assert server.stop() == 0
    assert "sk-ant-test" not in server.output
    assert KEY not in server.output


def test_kill_9_in_mid_answer_loses_neither_the_message_nor_the_session(
    serve: Serve, database_url: str
) -> None:
    server = serve(DATABASE_URL=database_url).wait_until_ready()
    with server.access() as api:
        session_id = api.session()
        with api.sending(session_id, SLOW) as chunks:
            next(chunks)
            server.kill()
    again = serve(DATABASE_URL=database_url).wait_until_ready()
    with again.access() as api:
        question, answer = api.path(session_id)
        assert (question["content"][0]["text"], question["status"]) == (SLOW, "complete")
        assert answer["status"] == "interrupted"
        assert "Now?" in text_of(api.say(session_id, "Now?"))


def test_a_worker_that_dies_is_replaced_and_its_answers_are_interrupted(serve: Serve) -> None:
    server = serve().wait_until_ready()
    with server.access() as api:
        session_id = api.session()
        with api.sending(session_id, SLOW) as chunks:
            next(chunks)
            worker = server.workers()[0]
            worker.kill()
            worker.wait(10)
    server.wait_until_ready()
    with server.access() as api:
        api.wait_until_idle(session_id)
        assert api.path(session_id)[-1]["status"] == "interrupted"


def test_many_streams_in_one_process_come_as_they_are_made(serve: Serve) -> None:
    server = serve().wait_until_ready()
    begun, ended = threading.Barrier(STREAMS + 1), []

    def listen() -> None:
        with server.access() as own, own.sending(own.session(), SLOW) as chunks:
            next(chunks)
            begun.wait()
            ended.append(sum(1 for _ in chunks))

    listeners = [threading.Thread(target=listen) for _ in range(STREAMS)]
    for one in listeners:
        one.start()
    begun.wait()
    with server.access() as api:
        assert "Quick" in text_of(api.say(api.session(), "Quick"))
    assert ended == []
    for one in listeners:
        one.join()
    assert len(ended) == STREAMS
    assert min(ended) > 10
    assert len(server.workers()) == 1


def test_an_address_that_is_taken_is_said_in_words(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = serve(PORT=str(taken.getsockname()[1]))
        assert server.process.wait(timeout=30) == 1
    assert "cannot be listened on" in server.output
    assert "Traceback" not in server.output


def test_a_wrong_setting_is_said_in_words(serve: Serve) -> None:
    server = serve(COLLOQUY_ADMIN_KEY="too-short")
    assert server.process.wait(timeout=30) != 0
    assert "COLLOQUY_ADMIN_KEY must begin with clq_" in server.output
    assert "too-short" not in server.output


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01 nonsense\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nAuthorization : Bearer clq_abcdefghijkl\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
    ],
)
def test_what_is_not_even_http_gets_the_one_error_shape(
    running: Server, request_: bytes, status: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as rude:
        rude.sendall(request_)
        head, body = b"".join(iter(lambda: rude.recv(10_000), b"")).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["code"] == "bad_request"
    assert "abcdefghijkl" not in running.output
    assert httpx2.get(f"{running.url}/livez").status_code == 200
