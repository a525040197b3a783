"""What the log adds: how long an event waits between Claude and its reader, to be stored."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import cores
from bench.databases import postgresql
from bench.figures import short, table
from bench.programs import result_of

CROWDS = (1, 16, 100)
NAMES = ["database", "streams", "first event ms p50", "p99", "any event ms p50", "p99", "writes/s"]
SAYS = (
    "From the moment an event comes from Claude to the moment a reader has it. The streams begin spread over "
    "2 s and have 20 events/s each. One gevent process, which holds the upstream and the readers too, on all "
    "cores."
)


def log_delay(crowds: Sequence[int] = CROWDS) -> str:
    """A Markdown section, on SQLite and on a PostgreSQL of its own."""
    rows = []
    with (
        cores.on(cores.ALL),
        tempfile.TemporaryDirectory(prefix="bench") as directory,
        postgresql(Path(directory)) as (url, _),
    ):
        for name, address in (("SQLite", f"sqlite:///{directory}/log.db"), ("PostgreSQL", url)):
            rows += [[name, str(streams), *_measured(address, streams)] for streams in crowds]
    return table("What the log adds", SAYS, NAMES, rows)


def _measured(url: str, streams: int) -> list[str]:
    found = result_of("bench.log_streams", url, streams)
    return [short(value) for value in found]
