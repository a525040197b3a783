"""Idempotency-Key: a request that may be sent again without having its effect again."""

from __future__ import annotations

import hashlib
import json
import re

from flask import g, request

from app.api.wiring import IDEMPOTENCY_KEY
from app.errors import Fault, Invalid
from app.extensions import redactor
from app.services.idempotency import Claim

NAME = str(IDEMPOTENCY_KEY["name"])
KEY = re.compile(r"[\x20-\x7e]{1,255}")
REPLAYED = {"Idempotent-Replayed": "true"}


def claim() -> Claim | None:
    """What the request claims with its key, if it has one; equal bodies are equal as JSON."""
    key = request.headers.get(NAME)
    if key is None:
        return None
    if not KEY.fullmatch(key):
        fault = Fault(f"/headers/{NAME}", "Must be 1 to 255 printable ASCII characters.")
        raise Invalid("The Idempotency-Key cannot be taken.", faults=[fault])
    body = json.dumps(g.get("body", {}), sort_keys=True)
    mask = redactor().known
    return Claim(mask(request.path), mask(key), hashlib.sha256(body.encode()).hexdigest())


def headers(*, is_replayed: bool) -> dict[str, str]:
    """What says that an answer was given before."""
    return REPLAYED if is_replayed else {}
