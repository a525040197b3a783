"""What the tests of tools share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from app.telemetry.logging import ROOT


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """The server's log lines reach `caplog`, also after an app has taken them for itself."""
    root = logging.getLogger(ROOT)
    propagate, level = root.propagate, root.level
    root.propagate = True
    root.setLevel(logging.NOTSET)
    yield
    root.propagate = propagate
    root.setLevel(level)
