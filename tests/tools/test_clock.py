"""The time as a tool."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.tools.clock import current_time
from app.tools.values import ToolFailed


def test_the_time_is_that_of_the_zone() -> None:
    told = current_time("Asia/Kolkata")
    time = datetime.fromisoformat(told["time"])
    assert time.utcoffset() == timedelta(hours=5, minutes=30)
    assert abs(time - datetime.now(UTC)) < timedelta(minutes=1)
    assert told["weekday"] == f"{time:%A}"
    assert told["time_zone"] == "Asia/Kolkata"


def test_it_is_utc_where_nothing_is_said() -> None:
    assert current_time()["time"].endswith("+00:00")


@pytest.mark.parametrize("name", ["Nowhere/Land", "../../etc/passwd", "/etc/localtime", "", "Europe", "a\0b"])
def test_a_zone_that_is_none_is_said_in_words(name: str) -> None:
    with pytest.raises(ToolFailed, match="There is no time zone"):
        current_time(name)
