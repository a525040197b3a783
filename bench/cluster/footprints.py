"""What a turn leaves in PostgreSQL: bytes by table, transactions, and what is written to its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from bench.cluster.postgres import Postgres
from bench.figures import short, table

NAMES = ["table", "KiB a turn, with its indexes", "kept"]
KEPT = {
    "messages": "for good",
    "message_index": "for good",
    "sessions": "for good",
    "charges": "for good",
    "ledger_entries": "for good",
    "turn_events": "a day (COLLOQUY_EVENTS_KEPT_SECONDS)",
    "traces": "30 days (COLLOQUY_TRACES_KEPT_DAYS)",
    "trace_calls": "30 days (COLLOQUY_TRACES_KEPT_DAYS)",
    "idempotency_keys": "a day",
    "rate_counters": "a minute",
}
COUNTERS = """SELECT (SELECT count(*) FROM messages WHERE role = 'assistant'),
    (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
    pg_current_wal_lsn() - '0/0'"""
SIZES = """SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""


@dataclass(frozen=True)
class Standing:
    """How much there is at one moment."""

    turns: int
    commits: int
    log_bytes: int
    table_bytes: Mapping[str, int]


def stand(postgres: Postgres) -> Standing:
    """Look at the tables, once all that was counted has been told."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        turns, commits, log_bytes = connection.execute(COUNTERS).fetchone()  # type: ignore[misc]
        return Standing(int(turns), int(commits), int(log_bytes), dict(connection.execute(SIZES).fetchall()))


def section(before: Standing, after: Standing) -> str:
    """A Markdown section: what the turns between two moments have left."""
    turns = after.turns - before.turns
    grown = {name: after.table_bytes[name] - size for name, size in before.table_bytes.items()}
    rows = [
        [name, short(size / 1024 / turns), KEPT.get(name, "for good")]
        for name, size in sorted(grown.items(), key=lambda one: -one[1])
        if size
    ]
    says = (
        f"{turns:,} turns of a short question and twenty words, each in a new session: "
        f"{short((after.commits - before.commits) / turns)} transactions and "
        f"{short((after.log_bytes - before.log_bytes) / 1024 / turns)} KiB of PostgreSQL's log (WAL) a turn."
    )
    return table("What a turn leaves", says, NAMES, rows)
