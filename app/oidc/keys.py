"""The keys that a provider signs with: fetched when first needed, kept for some minutes, and rotated.

The algorithms come from the key, never from the token, and all are asymmetric.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK, PyJWTError

from app.oidc import documents
from app.oidc.documents import Unreachable
from app.telemetry.logging import logger

log_lines = logger("oidc")
KEPT_SECONDS = 300.0
PAUSE_SECONDS = 10.0
DISCOVERY = "/.well-known/openid-configuration"
# By curve, or by kind where a key has none.
ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA",),
}


@dataclass(frozen=True)
class Key:
    """A public key, and the algorithms that it may have signed with."""

    public: Any
    algorithms: tuple[str, ...]


class Keys:
    """The keys of one provider.

    It is asked at most once in `pause_seconds`, whatever comes, so that tokens with invented keys can't make
    us hammer it. Keys older than `kept_seconds` are fetched anew, and used on while the provider is down.
    """

    def __init__(
        self, issuer: str, *, kept_seconds: float = KEPT_SECONDS, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self.issuer = issuer
        self._kept_seconds, self._pause_seconds = kept_seconds, pause_seconds
        self._keys: dict[str, Key] = {}
        self._tried_at = self._fetched_at = -math.inf
        self._lock = threading.Lock()

    def find(self, key_id: str | None) -> Key | None:
        """The key, or None where the provider has no such; raises Unreachable where that can't be known."""
        if self._known(key_id) is None:
            with self._lock:  # whoever waited here may find what was fetched meanwhile
                if self._known(key_id) is None:
                    self._fetch()
        elif time.monotonic() - self._fetched_at > self._kept_seconds and self._lock.acquire(blocking=False):
            try:
                with suppress(Unreachable):
                    self._fetch()
            finally:
                self._lock.release()
        return self._known(key_id)

    def _known(self, key_id: str | None) -> Key | None:
        keys = self._keys
        if key_id is None:  # which is clear only where there is one
            return next(iter(keys.values())) if len(keys) == 1 else None
        return keys.get(key_id)

    def _fetch(self) -> None:
        if time.monotonic() - self._tried_at < self._pause_seconds:
            if self._tried_at != self._fetched_at:
                raise Unreachable("it could not be reached a moment ago")
            return
        self._tried_at = time.monotonic()
        try:
            self._keys = published(self.issuer)
        except Unreachable as error:
            log_lines.warning("the OpenID Connect provider cannot be asked for its keys: %s", error)
            raise
        self._fetched_at = self._tried_at


def published(issuer: str) -> dict[str, Key]:
    """The keys of a provider by their ids, as it says now; raises Unreachable."""
    about = documents.read(issuer.rstrip("/") + DISCOVERY)
    if about.get("issuer") != issuer:
        raise Unreachable(f"it calls itself {about.get('issuer')!r}, and OIDC_ISSUER is {issuer!r}")
    listed = documents.read(str(about.get("jwks_uri"))).get("keys")
    found = {str(one.get("kid", "")): key for one in _objects(listed) if (key := usable(one))}
    if not found:
        raise Unreachable("it publishes no key that could be used")
    return found


def usable(jwk: dict[str, Any]) -> Key | None:
    """The key, where it is a public one for signatures, of a kind that is taken."""
    own = jwk.get("alg")
    kind = ALGORITHMS.get(str(jwk.get("crv") or jwk.get("kty")), ())
    algorithms = tuple(one for one in kind if own in {None, one})
    is_for_signatures = jwk.get("use") in {None, "sig"} and "verify" in jwk.get("key_ops", ["verify"])
    if not algorithms or not is_for_signatures or "d" in jwk:
        return None
    try:
        return Key(PyJWK(jwk, algorithms[0]).key, algorithms)
    except PyJWTError:
        return None


def _objects(listed: Any) -> list[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
