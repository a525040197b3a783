"""The checks that shapes are made of."""

from typing import Any

import pytest

from app.claude.rules.shapes import (
    Check,
    anything,
    boolean,
    filled_text,
    followed_by,
    integer,
    list_of,
    mapping,
    matching,
    nullable,
    one_of,
    quoted,
    record,
    tagged,
    text,
    text_or,
    unexpected,
)


def found(check: Check, value: Any) -> list[str]:
    return [str(violation) for violation in check("at", value)]


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (text, "", None),
        (boolean, False, 0),
        (mapping, {}, []),
        (filled_text, "a", " "),
        (integer(1), 1, 0),
        (integer(1), 1, True),
        (integer(1), 1, 1.5),
        (one_of("a", "b"), "a", ["a"]),
        (matching("[ab]+"), "ab", "abc"),
        (matching("[ab]+"), "ab", 1),
        (nullable(text), None, 1),
        (list_of(text), ["a"], ("a",)),
        (list_of(text), [], [1]),
        (text_or(list_of(text)), "a", 1),
        (record({"a": text}, {}), {"a": "a"}, {}),
        (record({}, {"a": text}), {}, {"b": "a"}),
        (record({}, {}), {}, []),
        (tagged({"a": anything}), {"type": "a"}, {"type": "b"}),
        (tagged({"a": anything}), {"type": "a"}, {"type": ["a"]}),
        (tagged({"a": anything}), {"type": "a"}, "a"),
    ],
)
def test_each_check_knows_right_from_wrong(check: Check, right: Any, wrong: Any) -> None:
    assert found(check, right) == []
    assert len(found(check, wrong)) == 1


def test_paths_lead_to_what_is_wrong() -> None:
    shape = record({"a": list_of(record({"b": text}, {}))}, {})
    assert found(shape, {"a": [{"b": ""}, {"b": 1}, {}]}) == [
        "at.a.1.b: Input should be a valid string",
        "at.a.2.b: Field required",
    ]
    assert [violation.path for violation in shape("", {"c": 1})] == ["a", "c"]


def test_meaning_is_asked_only_where_the_shape_is_right() -> None:
    check = followed_by(text, unexpected)
    assert found(check, 1) == ["at: Input should be a valid string"]
    assert found(check, "a") == ["at: Extra inputs are not permitted"]


def test_names_are_listed() -> None:
    assert quoted(["a"]) == "'a'"
    assert quoted(["a", "b", "c"], " or ") == "'a', 'b' or 'c'"
