"""Secrets are masked in whatever is written."""

from __future__ import annotations

import pytest

from app.telemetry.redaction import MASK, Redactor

KNOWN = "hunter2-the-password"


@pytest.mark.parametrize(
    "text",
    [
        f"it is {KNOWN}!",
        "Authorization: Bearer abcdefghijkl",
        "{'authorization': 'bearer abcdefghijkl'}",
        "key clq_0123456789abcdef was used",
        "sk-ant-api03-abcdefghijkl",
        "postgresql://user:abcdefghijkl@host/db",
    ],
)
def test_secrets_are_masked(text: str) -> None:
    shown = Redactor([KNOWN])(text)
    assert MASK in shown
    assert KNOWN not in shown
    assert "abcdef" not in shown


def test_the_rest_stays() -> None:
    text = "GET /sessions/ses_01k 200 in 3 ms; see https://example.org:8000/a@b"
    assert Redactor([KNOWN])(text) == text
    assert Redactor([])("a") == "a"
