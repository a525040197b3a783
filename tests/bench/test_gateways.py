"""deploy/nginx.conf, on a real nginx in front of small real servers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from bench.cluster import gateways
from config import Config
from tests.servers import free_port
from tests.support import answering

Front = Callable[..., httpx2.Client]


class Behind(ThreadingHTTPServer):
    """Answers with its name; a stream's second half comes when it is told to."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.name = name
        self.may_go_on = threading.Event()
        self.asked: list[str] = []


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Behind

    def do_GET(self) -> None:
        self.server.asked.append(f"GET {self.path}")
        if self.path == "/broken":
            self.close_connection = True
            return
        chunks = [b"first"] if self.path == "/stream" else [self.server.name.encode()]
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if self.path == "/stream":
            self.server.may_go_on.wait(10)
            self.wfile.write(b"6\r\nsecond\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self) -> None:
        self.server.asked.append(f"POST {self.path}")
        self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def behind() -> Iterator[list[Behind]]:
    servers = [Behind("one"), Behind("two")]
    with ExitStack() as stack:
        for one in servers:
            stack.enter_context(answering(one))
        yield servers


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """Starts nginx in front of servers; gives access to it."""
    program = gateways.find()
    if program is None:
        pytest.skip(gateways.ABSENT)
    with ExitStack() as stack:

        def start(*ports: int) -> httpx2.Client:
            address = ("127.0.0.1", free_port())
            servers = [f"127.0.0.1:{port}" for port in ports]
            running = stack.enter_context(gateways.gateway(program, tmp_path / "nginx", address, servers))
            return stack.enter_context(httpx2.Client(base_url=running.url, timeout=10))

        yield start


def test_what_is_streamed_arrives_before_the_stream_has_ended(front: Front, behind: list[Behind]) -> None:
    with front(behind[0].server_port).stream("GET", "/stream") as answer:
        chunks = answer.iter_bytes()
        assert next(chunks) == b"first"
        behind[0].may_go_on.set()
        assert next(chunks) == b"second"


def test_a_server_that_is_away_is_passed_over(front: Front, behind: list[Behind]) -> None:
    client = front(free_port(), behind[0].server_port)
    assert {client.get("/").text for _ in range(6)} == {"one"}


def test_a_post_that_was_sent_is_never_sent_twice(front: Front, behind: list[Behind]) -> None:
    answer = front(*(one.server_port for one in behind)).post("/messages", json={"content": "Hello"})
    assert [one.asked for one in behind].count([]) == 1
    assert (answer.status_code, answer.headers["Retry-After"]) == (502, "1")
    check_problem(answer, "unreachable")
    assert answer.json()["retryable"]


def test_a_get_that_breaks_off_is_asked_of_the_other(front: Front, behind: list[Behind]) -> None:
    assert front(*(one.server_port for one in behind)).get("/broken").status_code == 502
    assert [one.asked for one in behind] == [["GET /broken"], ["GET /broken"]]


def test_a_body_over_the_servers_limit_is_refused_in_the_servers_words(
    front: Front, behind: list[Behind]
) -> None:
    answer = front(behind[0].server_port).post("/messages", content=b" " * (Config().max_body_bytes + 1))
    check_problem(answer, "body_too_large")


def check_problem(answer: httpx2.Response, code: str) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert (body["code"], body["status"]) == (code, answer.status_code)
    assert body.keys() >= {"type", "title", "status", "detail", "code", "request_id", "retryable"}
