"""The models upstream offers, remembered for a while, so that a send never waits for the list."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from app.errors import ColloquyError

FRESH_SECONDS = 3_600
RETRY_SECONDS = 60


class Catalog:
    """What the Models API says, by id. Where it can't be asked: the last answer, or nothing."""

    def __init__(
        self, fetch: Callable[[], list[dict[str, Any]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._models: dict[str, dict[str, Any]] = {}
        self._ask_again_at = -1.0

    def models(self) -> dict[str, dict[str, Any]]:
        """The models by id; asks upstream when the answer is old."""
        now = self._clock()
        if now >= self._ask_again_at:
            self._ask_again_at = now + RETRY_SECONDS
            try:
                self._models = {one["id"]: one for one in self._fetch()}
            except ColloquyError:
                return self._models
            self._ask_again_at = now + FRESH_SECONDS
        return self._models

    def remembered(self, model: str) -> dict[str, Any] | None:
        """What is known of a model without asking."""
        return self._models.get(model)
