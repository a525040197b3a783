"""The remembered list of models."""

from __future__ import annotations

from typing import Any

from app.claude.catalog import FRESH_SECONDS, RETRY_SECONDS, Catalog
from app.errors import UpstreamFailed


class Upstream:
    """Lists one model, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_down = False

    def __call__(self) -> list[dict[str, Any]]:
        self.asked += 1
        if self.is_down:
            raise UpstreamFailed("down")
        return [{"id": "m"}]


def test_the_list_is_asked_for_once_an_hour() -> None:
    now, upstream = [0.0], Upstream()
    catalog = Catalog(upstream, lambda: now[0])
    assert catalog.remembered("m") is None
    assert catalog.models() == catalog.models() == {"m": {"id": "m"}}
    assert (upstream.asked, catalog.remembered("m")) == (1, {"id": "m"})
    now[0] = FRESH_SECONDS
    catalog.models()
    assert upstream.asked == 2


def test_a_failure_keeps_the_last_list_and_is_not_repeated_at_once() -> None:
    now, upstream = [0.0], Upstream()
    catalog = Catalog(upstream, lambda: now[0])
    catalog.models()
    now[0], upstream.is_down = FRESH_SECONDS, True
    assert catalog.models() == catalog.models() == {"m": {"id": "m"}}
    assert upstream.asked == 2
    now[0] += RETRY_SECONDS
    catalog.models()
    assert upstream.asked == 3
