"""Our transport against servers that speak HTTP in odd ways, or break off, and over TLS."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.claude.transports import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHi"
Answers = Callable[[int, int], list[bytes]]


class Server:
    """Answers a request of a connection with the bytes that `answers` gives for both numbers, from 0.

    Where it gives none, it hangs up.
    """

    def __init__(self, answers: Answers, tls: ssl.SSLContext | None = None) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._answers, self._tls = answers, tls
        self.port: int = self._listening.getsockname()[1]
        self.hangs_up, self.has_hung_up = False, threading.Event()
        self.connections = 0
        self.requests: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                number, self.connections = self.connections, self.connections + 1
                threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with suppress(OSError), client:
            if self._tls:
                client = self._tls.wrap_socket(client, server_side=True)
            at = 0
            while raw := client.recv(65_536):
                self.requests.append(raw)
                pieces = self._answers(number, at)
                for piece in pieces:
                    client.sendall(piece)
                if not pieces or self.hangs_up:
                    break
                at += 1
            client.close()
            self.has_hung_up.set()

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], Server]]:
    made: list[Server] = []

    def _serve(answers: Answers) -> Server:
        made.append(Server(answers))
        return made[-1]

    yield _serve
    for one in made:
        one.close()


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(transport=Transport(ssl.create_default_context(), 60), timeout=2) as one:
        yield one


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, "Hi"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "Hi"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nHi\r\n0\r\n\r\n", "Hi"),
        (b"HTTP/1.1 204 None\r\n\r\n", ""),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ""),
    ],
)
def test_a_connection_serves_again_after_an_answer(
    serve: Callable[[Answers], Server], client: httpx2.Client, answer: bytes, body: str
) -> None:
    server = serve(lambda *_: [answer])
    for _ in range(3):
        assert client.post(f"http://127.0.0.1:{server.port}/a?b=c", content=b"x").text == body
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1")
    assert server.requests[0].endswith(b"\r\n\r\nx")


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n"),
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        OK + b"and more",
    ],
)
def test_a_connection_that_does_not_stay_is_left(
    serve: Callable[[Answers], Server], client: httpx2.Client, answer: bytes
) -> None:
    server = serve(lambda *_: [answer])
    for _ in range(2):
        assert client.get(f"http://127.0.0.1:{server.port}/").text == "Hi"
    assert server.connections == 2


def test_an_answer_without_a_length_goes_to_the_end(
    serve: Callable[[Answers], Server], client: httpx2.Client
) -> None:
    server = serve(lambda _, at: [] if at else [b"HTTP/1.1 200 OK\r\n\r\nHi ", b"you"])
    with client.stream("GET", f"http://127.0.0.1:{server.port}/") as response:
        pieces = response.iter_bytes()
        found = next(pieces)
        while len(found) < len(b"Hi you"):
            found += next(pieces)
    assert found == b"Hi you"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: yes\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nHi",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nHi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHi\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000,
    ],
)
def test_what_is_no_answer_is_refused(
    serve: Callable[[Answers], Server], client: httpx2.Client, answer: bytes
) -> None:
    server = serve(lambda *_: [answer])
    with pytest.raises(httpx2.RemoteProtocolError):
        client.get(f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize("answer", [OK[:10], OK[:-1]])
def test_an_answer_that_breaks_off_is_an_error_and_is_asked_for_once(
    serve: Callable[[Answers], Server], client: httpx2.Client, answer: bytes
) -> None:
    server = serve(lambda *_: [answer])
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadTimeout)):
        client.get(f"http://127.0.0.1:{server.port}/")
    assert len(server.requests) == 1


def test_a_kept_connection_that_has_ended_is_replaced(
    serve: Callable[[Answers], Server], client: httpx2.Client
) -> None:
    server = serve(lambda *_: [OK])
    server.hangs_up = True
    for _ in range(3):
        assert client.get(f"http://127.0.0.1:{server.port}/").text == "Hi"
        assert server.has_hung_up.wait(5)
        server.has_hung_up.clear()
    assert (server.connections, len(server.requests)) == (3, 3)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_request_is_sent_once_and_no_more(
    serve: Callable[[Answers], Server], client: httpx2.Client, kept: int
) -> None:
    server = serve(lambda _, at: [OK] if at < kept else [])
    for _ in range(kept):
        client.get(f"http://127.0.0.1:{server.port}/")
    with pytest.raises(httpx2.RemoteProtocolError):
        client.get(f"http://127.0.0.1:{server.port}/")
    assert (server.connections, len(server.requests)) == (1, 1 + kept)


def test_silence_and_nobody_there_are_told_apart(
    serve: Callable[[Answers], Server], client: httpx2.Client
) -> None:
    server = serve(lambda *_: [b"HTTP/1.1 200 OK\r\n"])
    with pytest.raises(httpx2.ReadTimeout):
        client.get(f"http://127.0.0.1:{server.port}/", timeout=0.1)
    with pytest.raises(httpx2.ConnectError):
        client.get("http://127.0.0.1:9/")


def test_a_header_that_would_be_two_is_not_sent(client: httpx2.Client) -> None:
    with pytest.raises(httpx2.LocalProtocolError):
        client.get("http://127.0.0.1:9/", headers={"x-api-key": "a\r\nx: y"})


def test_other_ways_are_refused(client: httpx2.Client) -> None:
    with pytest.raises(httpx2.UnsupportedProtocol):
        client.get("gopher://127.0.0.1/")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key, at = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - datetime.timedelta(days=1))
        .not_valid_after(at + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    return folder / "cert.pem", folder / "key.pem"


def test_over_tls_who_answers_is_verified_and_the_connection_is_kept(tmp_path: Path) -> None:
    certified, key = certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certified, key)
    server = Server(lambda *_: [OK], tls)
    url = f"https://127.0.0.1:{server.port}/"
    with httpx2.Client(transport=Transport(ssl.create_default_context(cafile=str(certified)), 60)) as client:
        assert [client.get(url).text for _ in range(3)] == ["Hi"] * 3
        assert server.connections == 1
    with (
        httpx2.Client(transport=Transport(ssl.create_default_context(), 60)) as client,
        pytest.raises(httpx2.ConnectError, match="certificate"),
    ):
        client.get(url)
    server.close()


def test_a_kept_connection_is_let_go_after_its_time(serve: Callable[[Answers], Server]) -> None:
    server = serve(lambda *_: [OK])
    with httpx2.Client(transport=Transport(ssl.create_default_context(), 0)) as client:
        for _ in range(2):
            client.get(f"http://127.0.0.1:{server.port}/")
    assert server.connections == 2


def test_a_connection_that_is_free_after_the_end_is_let_go_of(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: [OK])
    transport = Transport(ssl.create_default_context(), 60)
    with httpx2.Client(transport=transport) as client:
        with client.stream("GET", f"http://127.0.0.1:{server.port}/") as answer:
            transport.close()
            assert answer.read() == b"Hi"
        client.get(f"http://127.0.0.1:{server.port}/")
    assert server.connections == 2
