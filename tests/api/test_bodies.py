"""Bodies: any JSON object is read as it is; what cannot be kept is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from app.api.bodies import DEEPEST, is_keepable, json_object
from app.errors import ColloquyError, Invalid, MalformedJson, NotJson
from tests.support import Api

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


def read(raw: bytes, content_type: str | None = "application/json", *, may_be_missing: bool = False) -> Any:
    environ = EnvironBuilder(method="POST", data=raw, content_type=content_type).get_environ()
    return json_object(Request(environ), may_be_missing=may_be_missing)


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def pointers(raw: bytes) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read(raw)
    return [one.pointer for one in caught.value.faults]


@given(OBJECTS, st.booleans())
def test_any_object_is_read_as_it_is_in_its_order(value: dict[str, Any], is_ascii: bool) -> None:
    found = read(json.dumps(value, ensure_ascii=is_ascii).encode())
    assert found == value
    assert list(found) == list(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(OBJECTS)
def test_any_object_is_kept_as_it_is_in_its_order(api: Api, value: dict[str, Any]) -> None:
    session_id = api.post("/sessions", json={"metadata": value}).json()["id"]
    kept = api.get(f"/sessions/{session_id}").json()["metadata"]
    assert kept == value
    assert list(kept) == list(value)


@given(st.binary(max_size=50))
def test_whatever_comes_is_an_object_or_an_error_of_ours(raw: bytes) -> None:
    try:
        assert isinstance(read(raw), dict)
    except ColloquyError as error:
        assert error.status in {400, 422}  # noqa: PT017 - or it is an object


def test_content_types_that_are_json_are_read_and_no_others() -> None:
    for good in ("application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"):
        assert read(b"{}", good) == {}
    for bad in ("text/json", "application/jsonx", "multipart/form-data", None):
        with pytest.raises(NotJson):
            read(b"{}", bad)


def test_a_body_may_be_missing_only_where_that_is_said_and_nothing_claims_one() -> None:
    assert read(b"", None, may_be_missing=True) == {}
    with pytest.raises(NotJson):
        read(b"", None)
    with pytest.raises(MalformedJson):
        read(b"", may_be_missing=True)


def test_depth_has_an_end_that_is_named() -> None:
    assert read(nested(DEEPEST))
    assert pointers(nested(DEEPEST + 1))[0] == "/a" * (DEEPEST + 1)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{\n"a": }', "line 2, column 6"),
        (b"\xff", "UTF-8"),
        (b"[" * 100_000, "deep"),
        (b'{"a": -Infinity}', "NaN"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
)
def test_what_is_broken_is_said_in_words(raw: bytes, said: str) -> None:
    with pytest.raises(MalformedJson, match=said):
        read(raw)


def test_a_number_of_too_many_digits_is_not_called_no_number() -> None:
    with pytest.raises(MalformedJson) as caught:
        read(b'{"a": ' + b"1" * 5_000 + b"}")
    assert "NaN" not in caught.value.detail


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (rb'{"a": "\ud800"}', "/a"),
        (rb'{"a": [1, {"b": "x\udfff"}]}', "/a/1/b"),
        (rb'{"a": 1e999}', "/a"),
        (rb'{"a/b": {"c~d": -1e999}}', "/a~1b/c~0d"),
    ],
)
def test_what_cannot_be_kept_is_pointed_to(raw: bytes, pointer: str) -> None:
    assert pointers(raw) == [pointer]


@pytest.mark.parametrize("raw", [rb'{"\ud800": 1}', rb'{"\ud800": "\ud800"}', rb'{"a": {"\udc00": 1e999}}'])
def test_names_that_are_no_text_are_refused_in_text(api: Api, raw: bytes) -> None:
    answer = api.post("/sessions", content=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text


@given(st.text(st.characters()))
def test_text_is_what_utf_8_can_say(text: str) -> None:
    assert is_keepable(text) == (not any("\ud800" <= one <= "\udfff" for one in text))
