"""Connections go where they were checked to go, are who they say they are, and end when the time is over."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from app.claude.stop import Stop
from app.tools import bodies
from app.tools.connections import Clock, Web, asked
from app.tools.urls import parse
from app.tools.values import ToolFailed
from tests.tools.websites import PRIVATE, PUBLIC, Authority, Names, Script, Site, serving, speaking

ROOT = Path(__file__).resolve().parents[2]
NOT_PUBLIC = "is not on the public internet"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, socket, time
from app.claude.stop import Stop
from app.tools.connections import Clock, Web, asked
from app.tools.urls import parse
from app.tools.values import ToolFailed

ticks = []
def tick():
    while True:
        gevent.sleep(0.01)
        ticks.append(1)

def drip(sock):
    try:
        sock.sendall(HEAD)
        while True:
            sock.sendall(b"H")
            gevent.sleep(0.02)
    except OSError:
        pass

server = socket.create_server(("127.0.0.2", 0))
gevent.spawn(tick)
gevent.spawn(lambda: drip(server.accept()[0]))
web = Web(lambda host, port: ["127.0.0.2"], lambda address: True)
began = time.monotonic()
try:
    with asked(parse(f"SCHEME://site.test:{server.getsockname()[1]}/"), web, Clock(0.5, Stop())):
        pass
except ToolFailed as error:
    print(error, 0.4 < time.monotonic() - began < 1.5, len(ticks) > 20)
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def read(url: str, web: Web | None = None, seconds: float = 3, stop: Stop | None = None) -> str:
    """What is there, no more than a million bytes."""
    clock = Clock(seconds, stop or Stop())
    with asked(parse(url), web or Names().web(), clock) as answer:
        return bodies.read(answer, 1_000_000, clock).decode()


def test_a_page_is_asked_for_by_its_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert read(f"http://site.test:{site.port}/a?b=%20c#d") == "hello"
    assert site.asked == ["/a?b=%20c"]
    assert site.headers[0]["Host"] == f"site.test:{site.port}"
    assert {name.lower() for name in site.headers[0]} == {
        "host", "user-agent", "accept", "accept-encoding", "connection"
    }  # fmt: skip


def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked(site: Site) -> None:
    names = Names(**{"turning.test": [[PUBLIC], [PRIVATE]]})
    with serving(PRIVATE, site.port) as private:
        url = f"http://turning.test:{site.port}/"
        assert read(url, names.web()) == "hello"
        assert names.asked == ["turning.test"]
        with pytest.raises(ToolFailed, match=NOT_PUBLIC):
            read(url, names.web())
        assert private.asked == []


@pytest.mark.parametrize(
    "found",
    [[PRIVATE], [PUBLIC, PRIVATE], ["::1", PUBLIC], ["169.254.169.254"], ["fe80::1%lo"], ["nonsense"]],
)
def test_a_name_with_any_address_that_is_not_public_is_refused(site: Site, found: list[str]) -> None:
    with serving(PRIVATE, site.port) as private, pytest.raises(ToolFailed, match=NOT_PUBLIC):
        read(f"http://inner.test:{site.port}/", Names(**{"inner.test": [found]}).web())
    assert (site.asked, private.asked) == ([], [])


@pytest.mark.parametrize("host", [PRIVATE, "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_the_system_and_its_own_names_are_not_public(site: Site, host: str) -> None:
    with serving(PRIVATE) as private, pytest.raises(ToolFailed, match=NOT_PUBLIC):
        read(f"http://{host}:{private.port}/", Web())
    assert private.asked == []


def test_a_name_that_is_not_known_is_told() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    for resolve in (fail, lambda host, port: []):
        with pytest.raises(ToolFailed, match="No address is known for nowhere"):
            read("http://nowhere.test/", Web(resolve))


def test_the_next_address_is_tried_where_one_takes_no_connection(site: Site) -> None:
    names = Names(**{"two.test": [["127.0.0.3", PUBLIC]]})
    web = Web(names.resolve, lambda address: address != PRIVATE)
    assert read(f"http://two.test:{site.port}/", web) == "hello"
    with pytest.raises(ToolFailed, match="refused"):
        read(f"http://127.0.0.3:{site.port}/", web)


def test_certificates_are_checked_against_the_name(authority: Authority) -> None:
    with serving(tls=authority.serves("site.test")) as site:
        assert read(f"https://site.test:{site.port}/", Names().web(authority)) == "hello"
        assert site.names == ["site.test"]
        web = Names(**{"other.test": [[PUBLIC]]}).web(authority)
        with pytest.raises(ToolFailed, match=r"certificate is not valid \(Hostname mismatch"):
            read(f"https://other.test:{site.port}/", web)
        with pytest.raises(ToolFailed, match=r"certificate is not valid \(IP address mismatch"):
            read(f"https://{PUBLIC}:{site.port}/", web)
        with pytest.raises(ToolFailed, match="certificate is not valid"):
            read(f"https://site.test:{site.port}/")  # the system does not believe this authority
        assert len(site.asked) == 1


def test_a_server_that_does_not_speak_tls_is_told(site: Site) -> None:
    with pytest.raises(ToolFailed, match=r"cannot be read: TLS fails \("):
        read(f"https://site.test:{site.port}/")


def drips(before: bytes, piece: bytes) -> Script:
    """Sends a little again and again, so that no single wait is long."""

    def script(sock: socket.socket) -> None:
        sock.sendall(before)
        while True:
            time.sleep(0.02)
            sock.sendall(piece)

    return script


SLOW: dict[str, tuple[str, Script]] = {
    "silence": ("http", lambda sock: sock.recv(100_000) and time.sleep(2)),
    "a status": ("http", drips(b"HTTP/1.1 200 ", b"O")),
    "headers": ("http", drips(HEAD + b"X: ", b"x")),
    "endless continues": ("http", drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    "a body of a length": ("http", drips(HEAD + b"Content-Length: 1000\r\n\r\n", b"x")),
    "a body without a length": ("http", drips(HEAD + b"\r\n", b"x")),
    "chunks": ("http", drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")),
    "a handshake": ("https", drips(b"\x16\x03\x03\x40\x00", b"\x02")),
    "a silent handshake": ("https", lambda sock: time.sleep(2)),
}


@pytest.mark.parametrize("name", SLOW)
def test_whatever_is_slow_is_given_up_when_the_time_is_over(name: str) -> None:
    scheme, script = SLOW[name]
    began = time.monotonic()
    with speaking(script) as port, pytest.raises(ToolFailed, match=r"longer than 0\.4 seconds"):
        read(f"{scheme}://site.test:{port}/", seconds=0.4)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("name", SLOW)
def test_whatever_is_slow_ends_with_the_turn(name: str) -> None:
    scheme, script = SLOW[name]
    stop, began = Stop(), time.monotonic()
    threading.Timer(0.2, stop.set, ("cancelled",)).start()
    with speaking(script) as port, pytest.raises(ToolFailed, match="The turn was ended"):
        read(f"{scheme}://site.test:{port}/", seconds=10, stop=stop)
    assert time.monotonic() - began < 1.5


def test_nothing_is_begun_when_the_time_is_over() -> None:
    stop = Stop()
    stop.set("cancelled")
    with pytest.raises(ToolFailed, match="The turn was ended"):
        read("http://site.test/", stop=stop)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 9999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["nothing", "nonsense", "status", "headers", "header", "chunk"],
)
def test_what_is_no_http_is_told(sent: bytes) -> None:
    def script(sock: socket.socket) -> None:
        sock.recv(100_000)
        sock.sendall(sent)

    with speaking(script) as port, pytest.raises(ToolFailed, match="cannot be read") as failed:
        read(f"http://site.test:{port}/")
    assert isinstance(failed.value.__cause__, OSError | HTTPException)
    assert len(str(failed.value)) < 300


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_else_waits_for_a_slow_server_under_gevent(scheme: str) -> None:
    head = b"HTTP/1.1 200 " if scheme == "http" else b"\x16\x03\x03\x40\x00\x02\x00\x3f\x00"
    script = UNDER_GEVENT.replace("SCHEME", scheme).replace("HEAD", repr(head))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.rstrip().endswith("True True")
    assert done.stderr == ""
