"""Servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.claude.simulator import Simulator
from tests.servers import KEY, ROOT, Serve, Server, free_port, starting

__all__ = ["KEY", "ROOT", "Server", "free_port"]


@pytest.fixture
def serve(tmp_path: Path, simulator: Simulator) -> Iterator[Serve]:
    """Starts a server that talks to the simulator of the tests; ended after the test, whatever happens."""
    with starting(tmp_path, simulator) as start:
        yield start
