"""Calendar periods, right to the second wherever clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.billing.periods import PERIODS, bounds, is_time_zone

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
ZONES = sorted(name for name in available_timezones() if is_time_zone(name))
INSTANTS = st.datetimes(datetime(1900, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LASTING = st.sampled_from(PERIODS[:-1])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(at: datetime, time_zone: str) -> datetime:
    """What the clocks there show."""
    return at.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("period", "zone", "at", "begins", "ends"),
    [
        ("day", "UTC", "2026-11-22T23:59:59", "2026-11-22T00:00:00", "2026-11-23T00:00:00"),
        ("day", "Asia/Kolkata", "2026-11-22T18:29:59", "2026-11-21T18:30:00", "2026-11-22T18:30:00"),
        ("day", "Asia/Kolkata", "2026-11-22T18:30:00", "2026-11-22T18:30:00", "2026-11-23T18:30:00"),
        ("week", "UTC", "2026-11-22T23:59:59", "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
        ("week", "UTC", "2026-11-23T00:00:00", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
        ("week", "UTC", "2027-01-01T12:00:00", "2026-12-28T00:00:00", "2027-01-04T00:00:00"),
        ("month", "UTC", "2026-11-30T23:59:59", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
        ("month", "UTC", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("month", "UTC", "2026-01-31T12:00:00", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
        ("month", "UTC", "2026-02-28T23:59:59", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
        ("month", "UTC", "2028-02-29T23:59:59", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
        ("day", "UTC", "2028-02-29T12:00:00", "2028-02-29T00:00:00", "2028-03-01T00:00:00"),
        ("day", "Europe/Berlin", "2028-02-29T22:59:59", "2028-02-28T23:00:00", "2028-02-29T23:00:00"),
        ("month", "America/New_York", "2026-11-01T03:59:59", "2026-10-01T04:00:00", "2026-11-01T04:00:00"),
        ("month", "America/New_York", "2026-11-30T12:00:00", "2026-11-01T04:00:00", "2026-12-01T05:00:00"),
    ],
)
def test_a_period_begins_and_ends_by_the_calendar(
    period: str, zone: str, at: str, begins: str, ends: str
) -> None:
    assert bounds(period, zone, utc(at)) == (utc(begins), utc(ends))


@pytest.mark.parametrize(
    ("zone", "at", "begins", "hours"),
    [
        ("Europe/Berlin", "2026-03-29T12:00:00", "2026-03-28T23:00:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00:00", "2026-10-24T22:00:00", 25),
        ("America/New_York", "2026-03-08T12:00:00", "2026-03-08T05:00:00", 23),
        ("America/New_York", "2026-11-01T12:00:00", "2026-11-01T04:00:00", 25),
        # Half an hour.
        ("Australia/Lord_Howe", "2026-10-04T00:00:00", "2026-10-03T13:30:00", 23.5),
        ("Australia/Lord_Howe", "2026-04-05T00:00:00", "2026-04-04T13:00:00", 24.5),
        # There is no midnight: the day begins at one o'clock.
        ("America/Sao_Paulo", "2018-11-04T12:00:00", "2018-11-04T03:00:00", 23),
        ("Asia/Beirut", "2026-03-29T12:00:00", "2026-03-28T22:00:00", 23),
        ("Africa/Cairo", "2026-04-24T12:00:00", "2026-04-23T22:00:00", 23),
        # The hour before midnight comes twice.
        ("America/Sao_Paulo", "2018-02-17T12:00:00", "2018-02-17T02:00:00", 25),
        ("Asia/Beirut", "2026-10-24T12:00:00", "2026-10-23T21:00:00", 25),
        ("Africa/Cairo", "2026-10-29T12:00:00", "2026-10-28T21:00:00", 25),
        # From 23:30 to 00:30: the day begins in the middle of the hour.
        ("America/Toronto", "1919-03-31T12:00:00", "1919-03-31T04:30:00", 23.5),
        # From 00:01 back to 23:01: midnight comes twice, and the first one counts.
        ("America/St_Johns", "2009-11-01T02:45:00", "2009-11-01T02:30:00", 25),
        # A day that was left out.
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00", 24),
    ],
)
def test_days_with_a_clock_change_are_longer_or_shorter(
    zone: str, at: str, begins: str, hours: float
) -> None:
    begin, end = bounds("day", zone, utc(at)) or (None, None)
    assert (begin, end) == (utc(begins), utc(begins) + timedelta(hours=hours))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe"])
def test_the_last_second_and_the_first_are_in_different_periods(zone: str) -> None:
    for period in PERIODS[:-1]:
        begin, end = bounds(period, zone, utc("2018-11-04T12:00:00")) or (None, None)
        assert begin is not None
        assert end is not None
        assert bounds(period, zone, begin) == bounds(period, zone, end - SECOND) == (begin, end)
        assert (bounds(period, zone, begin - SECOND) or ())[1:] == (begin,)
        assert (bounds(period, zone, end) or ())[:1] == (end,)


@given(LASTING, st.sampled_from(ZONES), INSTANTS)
@example("day", "Pacific/Apia", utc("2011-12-30T09:59:59"))
@example("day", "America/St_Johns", utc("2009-11-01T02:31:00"))
@example("week", "Pacific/Kwajalein", utc("1993-08-21T12:00:00"))
def test_periods_tile_the_line_of_time_in_every_zone(period: str, zone: str, at: datetime) -> None:
    begin, end = bounds(period, zone, at) or (at, at)
    assert begin <= at < end
    assert bounds(period, zone, begin) == bounds(period, zone, end - MICROSECOND) == (begin, end)
    before, after = bounds(period, zone, begin - MICROSECOND), bounds(period, zone, end)
    assert before is not None
    assert after is not None
    assert (before[1], after[0]) == (begin, end)


@given(LASTING, st.sampled_from(ZONES), INSTANTS)
def test_a_period_begins_as_soon_as_clocks_show_its_first_day(period: str, zone: str, at: datetime) -> None:
    begin, end = bounds(period, zone, at) or (at, at)
    first = shown(begin, zone)
    assert shown(begin - MICROSECOND, zone).date() < first.date()
    assert first.weekday() == 0 or period != "week" or first.time() > datetime.min.time()
    assert period != "month" or first.day == 1
    longest = {"day": 1, "week": 7, "month": 31}[period]
    assert timedelta(0) < end - begin <= timedelta(days=longest + 2)


def test_a_total_has_no_bounds() -> None:
    assert bounds("total", "Europe/Berlin", utc("2026-11-22T12:00:00")) is None


@pytest.mark.parametrize(
    ("period", "zone"), [("year", "UTC"), ("", "UTC"), ("day", "Mars/Olympus"), ("total", "nowhere")]
)
def test_what_is_no_period_and_no_zone_is_refused(period: str, zone: str) -> None:
    with pytest.raises(ValueError, match="There is no period"):
        bounds(period, zone, utc("2026-11-22T12:00:00"))


def test_time_zones_are_known_by_their_names() -> None:
    assert all(map(is_time_zone, ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata")))
    for name in (
        "",
        "Berlin",
        "europe/berlin",
        "../UTC",
        "/etc/passwd",
        "localtime",
        "Europe",
        "UTC\0",
        "+01",
    ):
        assert not is_time_zone(name), name
