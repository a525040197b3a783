"""Means over workloads, not over traces."""

from __future__ import annotations

from bench.context.tables import LEAST, NAIVELY, NAMES, OURS, Measured, drawing, tables
from bench.context.traces import SETTINGS


def trace(shape: str, ours: float, least: float) -> Measured:
    costs = dict.fromkeys(NAMES, 50.0) | {NAIVELY: 100.0, OURS: ours, LEAST: least}
    return Measured(shape, "slow", SETTINGS[0], costs)


FOUND = [
    trace("agent", 40, 20),
    trace("chat of 8", 20, 20),
    trace("chat of 8", 10, 10),
    trace("chat of 8", 0, 10),
]


def test_a_workload_counts_once_however_many_traces_it_has() -> None:
    row = next(line for line in tables(FOUND).splitlines() if line.startswith("| ours |"))
    assert row == "| ours | 0.250 | 0.50 | 1.33 | 2.00 |"
    assert "2 workloads, 4 traces" in tables(FOUND)


def test_shapes_have_rows_in_their_own_order() -> None:
    lines = tables(FOUND).splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith(("| chat", "| agent"))] == [
        "| chat of 8",
        "| agent",
    ]


def test_the_drawing_shows_every_policy() -> None:
    assert all(f">{name}<" in drawing(FOUND) for name in NAMES)
