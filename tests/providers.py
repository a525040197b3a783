"""An OpenID Connect provider over HTTP, with real keys, that can rotate them, break, and come back."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "colloquy"
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@functools.cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key that takes long to make, so each number is made once."""
    return rsa.generate_private_key(65537, bits)


def new_key(algorithm: str) -> PrivateKeyTypes:
    """A key that signs by this algorithm."""
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm]())
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else rsa_key()


def jwk_of(key: Any, key_id: str | None) -> dict[str, Any]:
    """The public half, as it is published."""
    maker: Any = RSAAlgorithm
    if isinstance(key, ec.EllipticCurvePrivateKey):
        maker = ECAlgorithm
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        maker = OKPAlgorithm
    jwk = maker.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, **({"kid": key_id} if key_id else {})}


class Provider:
    """What it publishes may be changed at any time; `asked` are the paths it was asked for."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: dict[str, Any] = {"first": new_key("ES256")}
        self.about: dict[str, Any] = {}
        self.jwks: Any = None
        self.asked: list[str] = []
        self.answer: Callable[[Answering], None] | None = None
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def start(self) -> None:
        """Answer, on the same port as before."""
        server = ThreadingHTTPServer(("127.0.0.1", self._port), Answering)
        server.daemon_threads = True
        server.provider = self  # type: ignore[attr-defined]
        self._server, self._port = server, server.server_port
        self.issuer = f"http://127.0.0.1:{self._port}/realm"
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()

    def stop(self) -> None:
        """Answer nobody."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What a good token says, and what is changed of it; None leaves a claim out."""
        now = int(time.time())
        good = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ada-1", "iat": now, "exp": now + 300}
        return {name: value for name, value in {**good, **changed}.items() if value is not None}

    def token(
        self, key_id: str | None = "first", *, algorithm: str = "ES256", key: Any = None, **changed: Any
    ) -> str:
        """A token with these claims."""
        head = {"kid": key_id} if key_id else {}
        return jwt.encode(self.claims(**changed), key or self.keys[str(key_id)], algorithm, head)

    def documents(self) -> dict[str, Any]:
        """What is at which path."""
        listed = {"keys": [jwk_of(key, key_id) for key_id, key in self.keys.items()]}
        return {
            "/realm/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/keys",
                **self.about,
            },
            "/realm/keys": listed if self.jwks is None else self.jwks,
        }


class Answering(BaseHTTPRequestHandler):
    """Answers with the documents, or as the test says."""

    def do_GET(self) -> None:
        """Answer one request."""
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        provider.asked.append(self.path)
        if provider.answer:
            provider.answer(self)
        elif found := provider.documents().get(self.path):
            self.give(200, json.dumps(found).encode())
        else:
            self.give(404, b"{}")

    def give(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that answers."""
    provider = Provider()
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
