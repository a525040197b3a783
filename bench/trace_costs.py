"""What tracing adds to a turn, on both databases."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import cores
from bench.databases import postgresql
from bench.figures import short, table
from bench.programs import result_of
from bench.rounds import Section
from bench.scenarios import QUICK, Found

ROUNDS, QUICK_ROUNDS = 1_000, 100
NAMES = ["database", "turn", "spans", "transaction alone ms p50", "p95", "with the trace ms p50", "p95"]
NAMES += ["of that the trace ms p50", "p95"]


def trace_costs(found: Found) -> Section:
    """The section; what is added goes into `found`."""
    rounds = QUICK_ROUNDS if found.effort is QUICK else ROUNDS
    rows = []
    with _databases() as urls:
        for name, url in urls.items():
            for turn, (spans, *times) in result_of("bench.trace_turns", url, rounds).items():
                found.traced[f"{turn}, {name}"] = times[-1][-1]
                rows.append([name, turn, str(spans), *(short(ms) for some in times for ms in some)])
    says = (
        "The spans of a real turn, opened and closed again, and stored in a transaction that writes more, "
        f"beside the same transaction alone; {rounds:,} times each, in turn. The trace: its spans, masking "
        "and storing them, without the transaction's begin and commit."
    )
    return Section(table("What tracing adds", says, NAMES, rows))


@contextmanager
def _databases() -> Iterator[Mapping[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="bench") as directory,
        cores.on(cores.SERVED),
        postgresql(Path(directory)) as (url, _),
    ):
        yield {"SQLite": f"sqlite:///{directory}/traces.db", "PostgreSQL": url}
