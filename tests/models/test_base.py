"""Ids, times and JSON as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from app.models.base import JsonText, UtcDateTime, first_id, new_id

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


def test_an_id_may_be_of_another_time_and_a_time_has_a_first_id() -> None:
    at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    before, after = at - timedelta(milliseconds=1), at + timedelta(milliseconds=1)
    assert first_id("trc", before) < new_id("trc", before) < first_id("trc", at)
    assert first_id("trc", at) < new_id("trc", at) < first_id("trc", after)
    assert new_id("trc", after) < new_id("trc")
    ends = (
        datetime.min.replace(tzinfo=UTC),
        datetime(1969, 1, 1, tzinfo=UTC),
        at,
        datetime.max.replace(tzinfo=UTC),
    )
    made = [first_id("trc", one) for one in ends]
    assert made == sorted(made)
    assert {len(one) for one in made} == {30}


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
