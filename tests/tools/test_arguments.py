"""Arguments against schemas."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.tools.arguments import check_schema, complaints


def taking(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def test_what_fits_is_not_complained_of() -> None:
    assert complaints(taking(count={"type": "integer"}), {"count": 3}) == []


def test_a_complaint_says_where_and_what_and_does_not_repeat_what_was_given() -> None:
    schema = taking(
        count={"type": "integer", "maximum": 9}, names={"type": "array", "items": {"type": "string"}}
    )
    assert complaints(schema, {"count": "sk-very-secret", "names": ["a", 1]}) == [
        'count: it is not of type "integer"',
        'names/1: it is not of type "string"',
    ]
    assert complaints(schema, {"count": 10, "names": [], "other": 1}) == [
        "count: it is greater than the maximum of 9",
        "Additional properties are not allowed ('other' was unexpected)",
    ]
    assert complaints(schema, {}) == ['"count" is a required property', '"names" is a required property']


def test_complaints_are_few_and_short() -> None:
    many = complaints(taking(all={"type": "array", "items": {"enum": ["x" * 5_000]}}), {"all": [1] * 100})
    assert len(many) == 5
    assert max(map(len, many)) < 320


def test_a_pattern_that_never_ends_ends() -> None:
    schema = taking(text={"type": "string", "pattern": "^(?=a)(a|aa)+\\1$"})
    began_at = time.monotonic()
    assert complaints(schema, {"text": "a" * 500 + "b"})
    assert time.monotonic() - began_at < 1


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "string"}, "must be an object"),
        ({}, "must be an object"),
        (taking(a={"type": "strange"}), "is wrong"),
        (taking(a={"$ref": "http://127.0.0.1:9/schema.json"}), "127.0.0.1"),
        (taking(a={"$ref": "file:///etc/passwd"}), "/etc/passwd"),
        (taking(a={"$ref": "#/$defs/nowhere"}), "nowhere"),
    ],
)
def test_a_schema_that_is_none_or_would_fetch_is_refused(schema: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_schema(schema)


def test_a_schema_may_refer_to_itself() -> None:
    node = {"type": "object", "properties": {"inner": {"$ref": "#/$defs/node"}}}
    schema = {"$defs": {"node": node}, **node}
    check_schema(schema)
    assert complaints(schema, {"inner": {"inner": {}}}) == []
    assert complaints(schema, {"inner": {"inner": 3}}) == ['inner/inner: it is not of type "object"']
