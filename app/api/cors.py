"""Which web pages may call: those of the origins that the settings name, and none where they name none.

A page sends its key or token itself; cookies and the like are never asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, current_app, request
from flask_cors import CORS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TAKEN = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "Last-Event-ID",
    "X-Request-Id",
    "traceparent",
)
SHOWN = (
    "X-Request-Id",
    "Location",
    "ETag",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotent-Replayed",
    "Link",
)
KEPT_SECONDS = 600


def register(app: Flask, origins: Sequence[str]) -> None:
    """Let these origins call. Comes before what asks for a key: a browser's first question brings none."""
    if not origins:
        return
    app.before_request(_answer_preflight)
    app.after_request(_tell_caches)
    CORS(
        app,
        origins=list(origins),
        methods=METHODS,
        allow_headers=TAKEN,
        expose_headers=SHOWN,
        max_age=KEPT_SECONDS,
        always_send=False,
        intercept_exceptions=False,  # every error has a response of ours, which is treated as any other
    )


def _answer_preflight() -> Response | None:
    """What a browser asks before a page may call; the headers are added later, for the right origins."""
    is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if is_preflight and "Origin" in request.headers:
        return current_app.response_class(status=204)
    return None


def _tell_caches(response: Response) -> Response:
    """An answer for one origin is not for another."""
    response.vary.add("Origin")
    return response
