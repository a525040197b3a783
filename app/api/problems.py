"""Every error leaves in one shape: application/problem+json."""

from __future__ import annotations

import json
import math
import uuid

from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException

from app.api import idempotency
from app.api.wiring import PROBLEM_JSON
from app.errors import (
    BadRequest,
    BodyTooLarge,
    ColloquyError,
    DatabaseUnavailable,
    InternalError,
    MethodNotAllowed,
    NotFound,
    is_seconds,
)
from app.extensions import redactor
from app.services import health
from app.telemetry.logging import logger

log_lines = logger("api")
WAIT_SECONDS = "5"


def register(app: Flask) -> None:
    """Handle every error of the app."""
    app.register_error_handler(ColloquyError, answer)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_anything)


def answer(error: ColloquyError) -> Response:
    """The error as a response."""
    body = redactor().within_problem({**error.as_problem(), "request_id": g.request_id})
    response = Response(json.dumps(body, ensure_ascii=False), error.status, content_type=PROBLEM_JSON)
    response.headers.update({**error.headers, **idempotency.headers(is_replayed=error.is_replayed)})
    wait = error.headers.get("Retry-After", WAIT_SECONDS)
    if error.status in {429, 503}:
        response.headers["Retry-After"] = str(math.ceil(float(wait))) if is_seconds(wait) else WAIT_SECONDS
    return response


def _from_http(error: HTTPException) -> Response:
    if error.code == 405:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return answer(
            MethodNotAllowed(f"{request.method} is not among {allowed}.", headers={"Allow": allowed})
        )
    if error.code == 413:
        return answer(BodyTooLarge("Send less at once: COLLOQUY_MAX_BODY_BYTES sets the limit."))
    if error.code in {301, 302, 307, 308} and error.response is not None:
        return Response(status=error.code, headers=dict(error.response.headers))
    if error.code is not None and error.code < 500 and error.code != 404:
        return answer(BadRequest("The request cannot be understood: check the address and the headers."))
    if error.code == 404:
        return answer(NotFound(f"There is nothing at {request.path}: /docs lists what there is."))
    return _from_anything(error)


def _from_anything(error: Exception) -> Response:
    log_lines.error("a request failed", exc_info=error, extra={"request_id": g.request_id})
    if isinstance(error, OperationalError | TimeoutError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        why = health.why_away(error) or "The database cannot be reached."
        return answer(DatabaseUnavailable(f"{why} Send again a little later."))
    return answer(InternalError("It has been logged under the request id: tell whoever runs the server."))


def outside_the_app(status: int, reason: str) -> bytes:
    """A whole HTTP response for a request that could not even be read as one."""
    error = BadRequest(f"{reason}: the request is not HTTP as this server reads it.")
    body = {**error.as_problem(), "status": status, "request_id": f"req_{uuid.uuid4().hex}"}
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {PROBLEM_JSON}\r\n"
        f"X-Request-Id: {body['request_id']}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
