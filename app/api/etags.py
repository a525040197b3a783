"""ETag and If-Match: two people who change one thing don't undo each other's work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request

from app.services.sessions import etag_of


def headers(row: Any) -> dict[str, str]:
    """The ETag of a row."""
    return {"ETag": f'"{etag_of(row)}"'}


def matcher() -> Callable[[str], bool]:
    """Whether the caller's If-Match allows a version; without one, every version is allowed."""
    if "If-Match" not in request.headers:
        return lambda _: True
    wanted = request.if_match
    return lambda etag: etag in wanted
