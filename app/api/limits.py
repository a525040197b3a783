"""Rate limits: requests are counted before their view, and every answer says how the caller stands.

The headers are those of draft-ietf-httpapi-ratelimit-headers, as structured fields (RFC 9651).
"""

from __future__ import annotations

from flask import Flask, Response, g

from app.services import rates
from config import Config


def register(app: Flask, config: Config) -> None:
    """Limit requests, if any limit is set. Comes after whoever finds the caller."""
    if rates.is_limited(config):
        app.before_request(_count)
        app.after_request(_tell)


def _count() -> None:
    if "caller" in g:
        g.standings = rates.count_request(g.caller)
        rates.refuse_passed(g.standings, rates.REQUESTS)


def _tell(response: Response) -> Response:
    standings = g.get("standings", ())
    if standings:
        limits = [one.limit for one in standings]
        policies = [f'"{one.name}";q={one.most.amount};w={one.most.get_expiry()}' for one in limits]
        left = [f'"{one.limit.name}";r={one.left};t={one.reset_seconds}' for one in standings]
        response.headers["RateLimit-Policy"] = ", ".join(policies)
        response.headers["RateLimit"] = ", ".join(left)
    return response
