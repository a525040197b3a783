"""A small internet on loopback: servers that answer as a test says, names, and an authority for certificates.

What is at 127.0.0.2 plays what is public; 127.0.0.1 stays private, and nobody may come there.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.tools.addresses import is_public
from app.tools.connections import Web

PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"
Answer = Callable[["Visit"], None]
Script = Callable[[socket], None]


class Visit(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        site.asked.append(self.path)
        site.headers.append(dict(self.headers))
        with suppress(OSError):  # the client may have had enough
            site.answer(self)

    def give(
        self, body: bytes | str = b"", kind: str | None = "text/plain", status: int = 200, **headers: str
    ) -> None:
        """Send a whole answer; an underscore in a header's name stands for a hyphen."""
        sent = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in {"Content_Length": str(len(sent)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        pass


class Site:
    """A web server; `answer` may be changed, `asked` are the paths it was asked for."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.port = server.server_port
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.names: list[str | None] = []
        self.answer: Answer = lambda visit: visit.give("hello")

    def says(self, *given: Any, **more: Any) -> Site:
        """Answer everybody with this."""
        self.answer = lambda visit: visit.give(*given, **more)
        return self

    def sends(self, location: str, status: int = 302) -> Site:
        """Send everybody elsewhere."""
        return self.says(status=status, Location=location)


def is_free(address: str, port: int) -> bool:
    """Whether a server can be put there."""
    with suppress(OSError), create_server((address, port)):
        return True
    return False


@contextmanager
def serving(address: str = PUBLIC, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A web server at an address."""
    server = ThreadingHTTPServer((address, port), Visit)
    server.daemon_threads = True
    site = server.site = Site(server)  # type: ignore[attr-defined]
    if tls:
        tls.sni_callback = lambda _sock, name, _context: site.names.append(name)
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def speaking(script: Script) -> Iterator[int]:
    """The port of a server at the public address that does with each connection what it likes."""

    class Spoken(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                script(self.request)

    class Server(ThreadingTCPServer):
        daemon_threads = True

    with Server((PUBLIC, 0), Spoken) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


class Authority:
    """Issues certificates in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
        constraint = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = self._begun(self._name, self._key).add_extension(constraint, True).add_extension(usage, True)
        self._certificate = made.sign(self._key, hashes.SHA256())

    def believed(self) -> ssl.SSLContext:
        """For a client that believes this authority, and no other."""
        return ssl.create_default_context(cadata=self._certificate.public_bytes(Encoding.PEM).decode())

    def serves(self, host: str) -> ssl.SSLContext:
        """For a server with a certificate for this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = self._begun(x509.Name([]), key).add_extension(names, True).add_extension(whose, False)
        path = self._folder / f"{host}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(secret + made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        who = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        begun = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        begun = begun.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return begun.add_extension(who, False)


class Names:
    """What names mean: the last of several answers stays. `asked` are those that were looked up."""

    def __init__(self, **meant: list[list[str]]) -> None:
        self.meant: dict[str, list[list[str]]] = {"site.test": [[PUBLIC]], **meant}
        self.asked: list[str] = []

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a name."""
        self.asked.append(host)
        answers = self.meant.get(host, [[]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def web(self, authority: Authority | None = None) -> Web:
        """This internet, with its authority."""
        tls = {"tls": authority.believed} if authority else {}
        return Web(self.resolve, lambda address: address == PUBLIC or is_public(address), **tls)
