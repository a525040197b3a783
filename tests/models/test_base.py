"""Ids, times and JSON as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from app.models.base import JsonText, UtcDateTime, new_id

DIALECT = sqlite.dialect()  # type: ignore[no-untyped-call]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_ids_sort_by_age_and_are_not_guessable() -> None:
    made = [new_id("ses") for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(one.startswith("ses_") and len(one) == 30 for one in made)
    assert [one[:14] for one in made] == sorted(one[:14] for one in made)


def test_times_are_in_utc_on_both_sides() -> None:
    column, zone = UtcDateTime(), timezone(timedelta(hours=5))
    bound = column.process_bind_param(datetime(2026, 1, 1, 5, tzinfo=zone), DIALECT)
    assert bound == datetime(2026, 1, 1, tzinfo=UTC)
    assert column.process_result_value(datetime(2026, 1, 1), DIALECT) == bound  # noqa: DTZ001


@given(JSON)
def test_json_keeps_every_value_and_the_order_of_keys(value: object) -> None:
    column = JsonText()
    stored = column.process_bind_param(value, DIALECT)
    assert column.process_result_value(stored, DIALECT) == value
    if isinstance(value, dict):
        assert list(column.process_result_value(stored, DIALECT)) == list(value)
