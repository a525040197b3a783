"""The strict fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from app.schemas.base import StrictBoolean, StrictSchema, Time, text, whole_number


class Sample(StrictSchema):
    number = whole_number(1, 10)
    flag = StrictBoolean()
    at = Time()
    words = text(5, 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"number": 5}, 5),
        ({"number": 5.0}, 5),
        ({"flag": False}, False),
        ({"at": "2026-11-22T10:00:00+01:00"}, datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ({"words": "a"}, "a"),
    ],
)
def test_what_is_right_is_taken(given: dict[str, Any], expected: Any) -> None:
    assert Sample().load(given) == {next(iter(given)): expected}


@pytest.mark.parametrize(
    "given",
    [
        *({"number": value} for value in ("5", True, 1.5, 0, 11, None, [])),
        *({"flag": value} for value in ("true", 1, None)),
        *({"at": value} for value in ("2026-11-22T10:00:00", "yesterday", 5)),
        *({"words": value} for value in ("", "abcdef", "a\0", 5)),
        {"unknown": 1},
    ],
)
def test_nothing_is_guessed(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample().load(given)
    assert list(caught.value.normalized_messages()) == list(given)  # type: ignore[no-untyped-call]


def test_times_are_written_in_utc_with_a_z() -> None:
    assert Sample().dump({"at": datetime(2026, 11, 22, 9, tzinfo=UTC)}) == {"at": "2026-11-22T09:00:00Z"}
