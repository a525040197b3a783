"""What is looked at: memory and open files of the server's processes, connections and rows of PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil
import psycopg

from bench.cluster.postgres import Postgres
from tests.servers import Server

# All that belongs to somebody, and so is gone with them, or is let go of after its time.
TABLES = (
    *("users", "api_keys", "budgets", "sessions", "messages", "message_index", "summaries", "calls"),
    *("turns", "turn_events", "idempotency_keys", "rate_counters", "traces", "trace_calls"),
)
OPEN_CHARGES = "SELECT count(*) FROM charges WHERE status = 'open'"
# The books, which are kept for good.
KEPT_TABLES = ("charges", "ledger_entries", "audit_entries")


@dataclass(frozen=True)
class Reading:
    """The server's processes and their connections, at one moment."""

    at: float
    rss_mib: float
    files: int
    connections: int


def read(server: Server, postgres: Postgres) -> Reading:
    """Look once. A process that ends meanwhile is not counted."""
    rss, files = 0, 0
    for one in [psutil.Process(server.process.pid), *server.workers()]:
        with suppress(psutil.NoSuchProcess):
            rss += one.memory_info().rss
            files += one.num_fds()
    return Reading(time.monotonic(), rss / 2**20, files, postgres.count_connections())


def rows(postgres: Postgres) -> dict[str, int]:
    """How many rows there are of what should not stay."""
    counts = {name: f"SELECT count(*) FROM {name}" for name in TABLES} | {"charges open": OPEN_CHARGES}  # noqa: S608
    return _counted(postgres, counts)


def kept_rows(postgres: Postgres) -> dict[str, int]:
    """How many rows there are of what stays."""
    return _counted(postgres, {name: f"SELECT count(*) FROM {name}" for name in KEPT_TABLES})  # noqa: S608


def _counted(postgres: Postgres, counts: Mapping[str, str]) -> dict[str, int]:
    with psycopg.connect(postgres.url) as connection:
        return {
            name: int(connection.execute(count).fetchone()[0])  # type: ignore[index, call-overload]
            for name, count in counts.items()
        }
