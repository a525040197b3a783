"""Did it end where it began: a line through the memory, and one verdict for each thing that was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from bench.figures import short
from bench.soak.readings import Reading

FITTED = 2 / 3  # of the readings, the last ones: before, caches fill
MOST_GROWTH = 0.05  # of the memory, over the fitted part
MORE_FILES = 4  # a connection that is just being ended


@dataclass(frozen=True)
class Verdict:
    """One line of the table."""

    what: str
    began: str
    ended: str
    may: str
    is_fine: bool

    @property
    def row(self) -> list[str]:
        """As the table has it."""
        return [self.what, self.began, self.ended, self.may, "yes" if self.is_fine else "**no**"]


@dataclass(frozen=True)
class Line:
    """A straight line through the memory of the last part of the readings."""

    mib_per_hour: float
    began_mib: float
    ended_mib: float
    minutes: float

    @property
    def growth(self) -> float:
        """How much of its memory was added."""
        return (self.ended_mib - self.began_mib) / self.began_mib

    @property
    def says(self) -> str:
        """The line in words."""
        return (
            f"A line through the memory of the last {short(self.minutes)} minutes of load rises by "
            f"{self.mib_per_hour:+.1f} MiB an hour: {self.growth:+.1%} of it over that time."
        )


def fitted(readings: Sequence[Reading]) -> Line:
    """By least squares, over the last part."""
    last = readings[-max(round(len(readings) * FITTED), 2) :]
    slope, at_zero = linear_regression([one.at for one in last], [one.rss_mib for one in last])
    began, ended = (at_zero + slope * one.at for one in (last[0], last[-1]))
    return Line(slope * 3600, began, ended, (last[-1].at - last[0].at) / 60)


def verdicts(
    line: Line, idle: tuple[Reading, Reading], pool: int, tables: tuple[Mapping[str, int], Mapping[str, int]]
) -> list[Verdict]:
    """Of memory under load; of files and connections with nothing to do, before and after; of rows."""
    before, after = idle
    memory = Verdict(
        "memory under load, MiB (the line)",
        short(line.began_mib),
        short(line.ended_mib),
        f"{MOST_GROWTH:+.0%}",
        line.growth <= MOST_GROWTH,
    )
    files = Verdict(
        "open files, idle",
        str(before.files),
        str(after.files),
        f"+{MORE_FILES}, and connections",
        after.files - after.connections <= before.files - before.connections + MORE_FILES,
    )
    connections = Verdict(
        "connections to PostgreSQL, idle",
        str(before.connections),
        str(after.connections),
        f"{pool}, the pools",
        after.connections <= pool,
    )
    started, left = tables
    of_rows = [
        Verdict(f"rows: {name}", str(started[name]), str(left[name]), "+0", left[name] <= started[name])
        for name in started
    ]
    return [memory, files, connections, *of_rows]
