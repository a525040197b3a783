"""/metrics: the figures of all processes of the server, for Prometheus."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.api.wiring import Blueprint
from app.telemetry import metrics

blueprint = Blueprint("metrics", __name__, description="Figures of the whole server, for Prometheus.")


@blueprint.get("/metrics")
@blueprint.answers(200, content_type="text/plain", description="Prometheus' text format, or OpenMetrics.")
def scrape() -> Any:
    """Get the figures of the server, as Prometheus reads them.

    A scraper sends a key of its own as its bearer token; docs/observing.md has the lines for it.
    """
    body, content_type = metrics.exposed(request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)
