"""The verdict of a soak, on readings made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.soak.readings import Reading
from bench.soak.verdicts import fitted, verdicts

IDLE = Reading(0, 200, 60, 10)
NO_ROWS = {"turns": 0, "charges open": 0}


def readings(*rss_mib: float) -> list[Reading]:
    return [Reading(60.0 * minute, one, 60, 10) for minute, one in enumerate(rss_mib)]


def test_the_line_passes_over_the_first_third_in_which_caches_fill() -> None:
    line = fitted(readings(100, 150, 190, 200, 200, 200, 200, 200, 200))
    assert (line.mib_per_hour, line.began_mib, line.ended_mib, line.minutes) == pytest.approx(
        (0, 200, 200, 5)
    )


def test_memory_that_rises_steadily_is_a_leak() -> None:
    line = fitted(readings(*(200 + 3 * minute for minute in range(30))))
    assert line.mib_per_hour == pytest.approx(180)
    assert line.growth > 0.2
    assert "+180.0 MiB an hour" in line.says
    assert not verdicts(line, (IDLE, IDLE), 20, (NO_ROWS, NO_ROWS))[0].is_fine


def test_memory_that_goes_up_and_down_is_none() -> None:
    line = fitted(readings(*(200 + 5 * (minute % 2) for minute in range(30))))
    assert all(one.is_fine for one in verdicts(line, (IDLE, IDLE), 20, (NO_ROWS, NO_ROWS)))


@pytest.mark.parametrize(
    ("change", "rows", "what"),
    [
        ({"files": 75}, {}, "open files, idle"),
        ({"files": 75, "connections": 25}, {}, "connections to PostgreSQL, idle"),
        ({}, {"turns": 1}, "rows: turns"),
    ],
)
def test_what_is_left_over_is_named(change: dict[str, int], rows: dict[str, int], what: str) -> None:
    idle = (IDLE, replace(IDLE, **change))
    found = verdicts(fitted(readings(*[200.0] * 9)), idle, 20, (NO_ROWS, NO_ROWS | rows))
    assert [one.what for one in found if not one.is_fine] == [what]


def test_files_of_connections_to_the_database_are_the_pools() -> None:
    idle = (IDLE, replace(IDLE, files=69, connections=19))
    assert all(one.is_fine for one in verdicts(fitted(readings(*[200.0] * 9)), idle, 20, (NO_ROWS, NO_ROWS)))
