"""Figures: of tools and of the first event, by the functions that note them."""

from __future__ import annotations

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.telemetry import metrics, tracing


def value(name: str, **labels: str) -> float:
    families = text_string_to_metric_families(metrics.exposed()[0].decode())
    samples = [sample for one in families for sample in one.samples]
    return next((one.value for one in samples if (one.name, one.labels) == (f"colloquy_{name}", labels)), 0)


def test_calls_of_tools_are_counted_by_how_they_end_and_unknown_names_are_other() -> None:
    tracing.watch(metrics.watch_tools)
    metrics.know_tools(["clock"])
    known = [("clock", "ok"), ("clock", "error"), ("other", "error")]
    before = [value("tool_calls_total", tool=tool, status=status) for tool, status in known]
    timed = value("tool_call_seconds_count", tool="clock")
    root = tracing.begin("turn")
    with tracing.within(root):
        with tracing.span("clock", tracing.TOOL):
            pass
        for name in ("clock", "whatever Claude dreams of"):
            with pytest.raises(ValueError, match="no"), tracing.span(name, tracing.TOOL):
                raise ValueError("no")
        with tracing.span("assemble"):
            pass
    after = [value("tool_calls_total", tool=tool, status=status) for tool, status in known]
    assert after == [count + 1 for count in before]
    assert value("tool_call_seconds_count", tool="clock") == timed + 2
    assert "dreams" not in metrics.exposed()[0].decode()


def test_only_the_first_event_ends_the_wait() -> None:
    counts = [("_count", {}), ("_bucket", {"le": "2.0"}), ("_bucket", {"le": "4.0"})]
    before = [value(f"first_event_seconds{name}", **labels) for name, labels in counts]
    metrics.note_first_event()
    with metrics.waiting_since(time.perf_counter() - 3):
        metrics.note_first_event()
        metrics.note_first_event()
    now = [value(f"first_event_seconds{name}", **labels) for name, labels in counts]
    assert [one - other for one, other in zip(now, before, strict=True)] == [1, 0, 1]


def test_a_figure_takes_next_to_no_time() -> None:
    began = time.perf_counter()
    for _ in range(1_000):
        metrics.note_charge("claude-sonnet-5-5", "test", {"input_tokens": 1, "output_tokens": 1}, 1)
        metrics.note_request("GET", "/test", 200, 0.1)
    assert time.perf_counter() - began < 0.5, "for 1,000 of each"
