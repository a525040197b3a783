"""What happens around every request: its id, who calls, unknown parameters, and one log line at its end."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, g, request

from app.api import bodies, cors, identity, limits
from app.api.wiring import takes_query_parameters
from app.errors import Fault, Invalid, NotFound
from app.extensions import parts, redactor
from app.telemetry import metrics, origins, redaction
from app.telemetry.logging import logger
from config import Config

log_lines = logger("requests")
UNREMARKABLE = ("/livez", "/readyz", "/metrics")  # asked every few seconds, and of no interest
REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


def register(app: Flask, config: Config) -> None:
    """Put these around every request of the app."""
    app.before_request(_begin)
    cors.register(app, config.origins)
    app.before_request(identity.require_access)
    limits.register(app, config)
    app.before_request(_refuse_unknown_parameters)
    app.after_request(_finish)


def note(**fields: Any) -> None:
    """Add fields to the request's log line."""
    g.log_fields.update({name: value for name, value in fields.items() if value is not None})


def note_at_end(fields: Callable[[], dict[str, Any]]) -> None:
    """Add fields that are known when the response has ended."""
    g.notes_at_end.append(fields)


def _begin() -> None:
    _, secret = identity.credentials()
    redaction.AT_WORK.set(parts().redactor.beside(secret))  # until the request's line is logged
    given = redactor().known(request.headers.get("X-Request-Id", ""))
    g.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"
    parent, state = (request.headers.get(name, "") for name in ("traceparent", "tracestate"))
    origins.AT_WORK.set(origins.of_request(g.request_id, parent, state))  # as long as the redactor
    g.began_at = time.perf_counter()
    g.log_fields = {}
    g.notes_at_end = []
    if "\0" in request.path:
        raise NotFound("There is nothing at an address with U+0000.")


def _refuse_unknown_parameters() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view and request.args and not takes_query_parameters(view):
        faults = [Fault("/query" + bodies.step(name), "Unknown field.") for name in request.args]
        raise Invalid("This takes no query parameters.", faults=faults)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    fields, began_at, notes = g.log_fields, g.began_at, g.notes_at_end
    if session_id := (request.view_args or {}).get("session_id"):
        fields["session_id"] = session_id
    rule = request.url_rule.rule if request.url_rule else None
    fields.update(
        request_id=g.request_id,
        method=request.method,
        route=rule or request.path,
        status=response.status_code,
    )
    response.call_on_close(lambda: _end([fields, *(note() for note in notes)], rule, began_at))
    return response


def _end(parts: list[dict[str, Any]], rule: str | None, began_at: float) -> None:
    fields = {name: value for part in parts for name, value in part.items()}
    seconds = time.perf_counter() - began_at
    metrics.note_request(fields["method"], rule, fields["status"], seconds)
    level = logging.DEBUG if rule in UNREMARKABLE else logging.INFO
    log_lines.log(level, "request", extra={**fields, "ms": round(seconds * 1000, 1)})
    redaction.AT_WORK.set(None)
    origins.AT_WORK.set(None)
