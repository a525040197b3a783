"""How much the fault suite does, and what it found: FAULTS=long for the long form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.claude.simulator import Simulator
from tests.servers import Serve, starting


@dataclass(frozen=True)
class Scale:
    """How often, how many, how long."""

    cut_words: int = 12
    kills: int = 3
    whole_every: int = 3  # which kill is of the whole server, not of its worker only: that takes longer
    killed_streams: int = 6
    keys: int = 2
    rounds_to_one_session: int = 1
    rounds_of_two_servers: int = 2
    writers: int = 8
    streams: int = 10
    load_seconds: float = 5
    histories: int = 1_500
    turns_held: int = 60
    sessions_planned: int = 30
    charges: int = 1_500
    sends_at_once: int = 40
    turns_replayed: int = 40
    storm_seconds: float = 8
    storm_faults: int = 1


QUICK = Scale()
LONG = Scale(
    cut_words=300,
    kills=100,
    whole_every=2,
    killed_streams=8,
    keys=40,
    rounds_to_one_session=20,
    rounds_of_two_servers=40,
    writers=32,
    streams=50,
    load_seconds=120,
    histories=100_000,
    turns_held=300,
    sessions_planned=1_000,
    charges=100_000,
    sends_at_once=200,
    turns_replayed=1_000,
    storm_seconds=120,
    storm_faults=10,
)
Found = Callable[[str], None]


@pytest.fixture(scope="session")
def scale() -> Scale:
    return LONG if os.environ.get("FAULTS") == "long" else QUICK


@pytest.fixture
def found(request: pytest.FixtureRequest) -> Found:
    """Takes a line of figures for the summary at the end of the run."""
    return lambda line: request.node.user_properties.append(("found", line))


@pytest.fixture
def serve(tmp_path: Path, simulator: Simulator) -> Iterator[Serve]:
    """Starts servers that talk to the simulator of the tests; ended after the test, whatever happens."""
    with starting(tmp_path, simulator) as start:
        yield start


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)]
    lines = [
        f"{_database(one.nodeid)}{line}"
        for one in reports
        if one.when == "call"
        for name, line in one.user_properties
        if name == "found"
    ]
    if lines:
        terminalreporter.section("what the fault suite found")
        for line in lines:
            terminalreporter.write_line(line)


def _database(nodeid: str) -> str:
    return next((f"{name}: " for name in ("sqlite", "postgresql") if name in nodeid), "")
