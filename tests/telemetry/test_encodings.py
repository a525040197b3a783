"""The forms in which a secret may turn up."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.encodings import encodings, is_maskable

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "Basic, after one character": lambda value: base64.b64encode(f"u:{value}@".encode()).decode(),
    "Basic, after two": lambda value: base64.b64encode(f"::{value}".encode()).decode(),
    "Basic, after three": lambda value: base64.b64encode(f"u1:{value}??".encode()).decode(),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "percent": lambda value: quote(value, safe=""),
    "every percent": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "JSON": lambda value: json.dumps({"a": value}),
    "JSON as it is": lambda value: json.dumps(value, ensure_ascii=False),
    "JSON in JSON": lambda value: json.dumps({"a": json.dumps({"b": value})}),
    "an error in JSON": lambda value: json.dumps(repr(ValueError(value))),
    "every JSON escape": lambda value: "".join(f"\\u{ord(sign):04x}" for sign in value),
    "HTML": html.escape,
    "every HTML escape": lambda value: "".join(f"&#x{ord(sign):x};" for sign in value),
    "Python": lambda value: repr(value.encode()) if value.isascii() else repr(value),
}
KEY, PASSWORD = "sk-ant-api03-Zq_7-xWbU", "p@ss/w+rd 'n\" <ö>\\&1"


@pytest.mark.parametrize("value", [KEY, PASSWORD])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_known(value: str, form: str) -> None:
    text = f"it said {FORMS[form](value)} and went on"
    assert any(needle in text for needle in encodings(value))


@given(st.binary(max_size=5), st.text(min_size=8), st.binary(max_size=5))
def test_base64_is_known_whatever_stands_around(before: bytes, value: str, after: bytes) -> None:
    text = base64.b64encode(before + value.encode() + after).decode()
    assert any(needle in text for needle in encodings(value))


@given(st.text(min_size=1))
def test_no_form_is_so_short_that_it_could_be_anything(value: str) -> None:
    assert all(len(needle) >= 8 for needle in encodings(value))


@pytest.mark.parametrize("value", ["", "short1!", "colloquy", "Postgres", "changemeplease", "0123456789"])
def test_what_may_be_a_word_cannot_be_masked(value: str) -> None:
    assert not is_maskable(value)


@pytest.mark.parametrize("value", ["colloquy1", "s3cr3t!!", "correcthorsebattery", KEY, PASSWORD])
def test_what_can_only_be_a_secret_can_be_masked(value: str) -> None:
    assert is_maskable(value)
