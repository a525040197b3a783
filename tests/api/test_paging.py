"""Cursors: opaque, exact, and of no use to whoever makes their own."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.paging import ask_of, envelope
from app.errors import Invalid
from app.services.pages import Page
from tests.support import Api

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
KEYS = st.one_of(
    st.tuples(NUMBERS),
    st.tuples(FLOATS, NUMBERS),
    st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)),
)


def cursor_of(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(KEYS)
def test_the_key_comes_back_as_it_went_and_the_cursor_fits_an_address(key: tuple[Any, ...]) -> None:
    cursor = envelope(Page([1], list(key)))["next_cursor"]
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert len(cursor) <= 500, "as much as the filter takes"
    ask = ask_of({"limit": 5, "cursor": cursor}, "asc", tuple(type(one) for one in key))
    assert ask.after == list(key)


@given(KEYS, KEYS)
def test_a_cursor_of_other_keys_is_refused(key: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    types = tuple(type(one) for one in other)
    cursor = envelope(Page([1], list(key)))["next_cursor"]
    if types != tuple(type(one) for one in key):
        with pytest.raises(Invalid):
            ask_of({"limit": 5, "cursor": cursor}, "asc", types)


@given(st.text(max_size=60) | st.binary(max_size=60).map(cursor_of))
def test_whatever_is_no_cursor_is_refused_in_words(text: str) -> None:
    try:
        ask = ask_of({"limit": 5, "cursor": text}, "asc", (str, str, str))
    except Invalid as error:
        assert [one.pointer for one in error.faults] == ["/query/cursor"]  # noqa: PT017 - or it is none
    else:
        assert ask.after is None


def test_the_last_page_has_no_cursor_and_an_order_may_be_asked_for() -> None:
    assert envelope(Page([1], None)) == {"data": [1], "has_more": False, "next_cursor": None}
    assert envelope(Page([1], [2]))["has_more"] is True
    assert ask_of({"limit": 5}, "desc", (int,)).is_descending
    assert not ask_of({"limit": 5, "order": "asc"}, "desc", (int,)).is_descending


@pytest.mark.parametrize("path", ["/sessions", "/sessions/{}/messages", "/messages?q=a"])
def test_another_shape_is_refused_by_every_list(api: Api, path: str) -> None:
    address = path.format(api.session())
    for text in ("[]", "{}", "5", "null", "[null]", "[true]", "[[1]]", "[1.5]", '["a", "b"]'):
        answer = api.get(address, params={"cursor": cursor_of(text), **query_of(path)})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor"), text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/sessions", r'["\u0000"]'),
        ("/sessions", r'["\ud800"]'),
        *(("/sessions/{}/messages", f"[{number}]") for number in (10**18, -(10**18), 2**63, 10**400)),
        *(("/messages?q=a", f"[{score}, 1, 1]") for score in ("NaN", "Infinity", "-Infinity", "1e999")),
        *(("/messages?q=a", f"[1.0, {number}, 9]") for number in (2**63, -(2**64), 10**400)),
        *(("/messages?q=a", f"[1.0, 1, {number}]") for number in (2**63, 2**63 - 1, -(2**63), 0)),
    ],
)
def test_a_forged_key_is_refused_or_finds_nothing_and_breaks_nothing(api: Api, path: str, text: str) -> None:
    session_id = api.session()
    api.say(session_id, "a")
    answer = api.get(path.format(session_id), params={"cursor": cursor_of(text), **query_of(path)})
    assert answer.status_code in {200, 422}, answer.text


def query_of(path: str) -> dict[str, str]:
    return dict(part.split("=") for part in path.partition("?")[2].split("&") if part)


def test_floats_in_cursors_keep_their_last_bit() -> None:
    score = math.nextafter(0.1, 1)
    cursor = envelope(Page([1], [score, 1]))["next_cursor"]
    assert json.loads(base64.urlsafe_b64decode(cursor + "==")) == [score, 1]
