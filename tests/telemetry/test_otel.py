"""Whether OpenTelemetry is asked for, by its standard variables."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from app.telemetry.otel import Wish, mirrored
from app.telemetry.redaction import Redactor

HERE = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({"endpoint": HERE}, f"{HERE}/v1/traces"),
        ({"endpoint": f"{HERE}/"}, f"{HERE}/v1/traces"),
        ({"traces_endpoint": f"{HERE}/mine", "endpoint": HERE}, f"{HERE}/mine"),
        ({"exporter": "otlp"}, None),
        ({"exporter": "console,otlp"}, None),
        ({"exporter": "otlp", "disabled": "false"}, None),
    ],
)
def test_an_exporter_or_an_endpoint_asks_for_it(said: dict[str, Any], address: str | None) -> None:
    wish = Wish(**said)
    assert (wish.is_made, wish.address) == (True, address)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"endpoint": HERE, "disabled": "TRUE"},
        {"endpoint": HERE, "exporter": "none"},
        {"endpoint": HERE, "exporter": "console"},
        {"content": "true"},
    ],
)
def test_nothing_else_does(said: dict[str, Any]) -> None:
    assert not Wish(**said).is_made
    assert mirrored(Wish(**said), Redactor(), "1.0") is None


def test_what_is_said_is_shown_in_spans_where_spans_are_named() -> None:
    asked = ("true", "SPAN_ONLY", "event_only", "false", "")
    assert [one for one in asked if Wish(content=one).shows_content] == ["true", "SPAN_ONLY"]


def test_what_nobody_asked_for_is_not_imported() -> None:
    code = "import sys, app; app.create_app(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert {"opentelemetry.sdk", "google.protobuf", "requests"} & imported == set()
    assert "app.telemetry.otel" in imported
