"""Calendar periods: when one begins and the next one does, by the clocks of a named time zone."""

from __future__ import annotations

import functools
from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

TOTAL = "total"
PERIODS = ("day", "week", "month", TOTAL)
DAY = timedelta(days=1)
# These are what a machine happens to be set to.
NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})


def bounds(period: str, time_zone: str, at: datetime) -> tuple[datetime, datetime] | None:
    """When the period that `at` is in begins, and when the next one does, in UTC; None for a total.

    A day begins with the first instant at which the clocks there show midnight or later, a week with Monday.
    Raises ValueError for a period or a time zone that there isn't.
    """
    if period not in PERIODS or not is_time_zone(time_zone):
        raise ValueError(f"There is no period {period} in {time_zone}.")
    if period == TOTAL:
        return None
    zone = ZoneInfo(time_zone)
    first = _first_day(period, _day_of(at, zone))
    return _start(first, zone), _start(_first_of_next(period, first), zone)


def is_time_zone(name: str) -> bool:
    """Whether it is a name of the IANA database, such as Europe/Berlin."""
    return name in _names()


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_ZONES


def _day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day that has begun last: where clocks go back over midnight, it is the one they already showed."""
    day = at.astimezone(zone).date()
    while _start(day + DAY, zone) <= at:
        day += DAY
    return day


def _first_day(period: str, day: date) -> date:
    if period == "week":
        return day - day.weekday() * DAY
    return day.replace(day=1) if period == "month" else day


def _first_of_next(period: str, first: date) -> date:
    if period == "month":
        return (first + 31 * DAY).replace(day=1)
    return first + (7 * DAY if period == "week" else DAY)


def _start(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins."""
    midnight = datetime.combine(day, time(), zone)
    start = midnight.astimezone(UTC)
    if start.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start
    return _end_of_gap(midnight, zone)


def _end_of_gap(midnight: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks go forward over a midnight that they never show."""
    earliest, latest = (int(midnight.replace(fold=fold).timestamp()) for fold in (1, 0))

    def is_past(second: int) -> bool:
        shown = datetime.fromtimestamp(second, zone)
        return shown.replace(tzinfo=None) >= midnight.replace(tzinfo=None)

    found = bisect_left(range(earliest, latest), True, key=is_past)
    return datetime.fromtimestamp(earliest + found, UTC)
