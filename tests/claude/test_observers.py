"""What the `anthropic` package's own span of a call learns, though we read its stream ourselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from app.claude.client import Address, Claude, Patience
from app.claude.events import Event
from app.claude.retries import Policy
from app.errors import ColloquyError
from tests.upstreams import BEGIN, END, HELLO, STOP, TEXT, saying, told

BODY = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
WHOLE = [BEGIN, TEXT, HELLO, HELLO, END, STOP]


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    yield exporter
    exporter.shutdown()


def answered(exporter: InMemorySpanExporter, payloads: Sequence[str]) -> tuple[list[Event], ReadableSpan]:
    """What is read of an answer with these events, and its span."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    found: list[Event] = []
    with saying(payloads) as url:
        claude = Claude(lambda: Address(url, "k"), Patience(5, 5, Policy(1, 5)))
        claude.trace_with({"tracer_provider": provider})
        with suppress(ColloquyError):
            found.extend(claude.stream(dict(BODY)))
        claude.close()
    (span,) = exporter.get_finished_spans()
    return found, span


def test_it_learns_the_usage_and_when_the_first_delta_came(exporter: InMemorySpanExporter) -> None:
    events, span = answered(exporter, WHOLE)
    assert [one.text for one in events] == WHOLE, "they pass as they are"
    said = span.attributes or {}
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (1, 3)
    assert said["anthropic.message.stop_reason"] == "end_turn"
    assert "gen_ai.response.time_to_first_chunk" in said
    assert span.status.status_code == StatusCode.OK


def test_it_ends_with_the_answer_and_not_when_the_connection_is_let_go(
    exporter: InMemorySpanExporter,
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with saying(WHOLE, pings=3) as url:
        claude = Claude(lambda: Address(url, "k"), Patience(5, 5, Policy(1, 5)))
        claude.trace_with({"tracer_provider": provider})
        events = claude.stream(dict(BODY))
        while next(events).name != "message_stop":
            assert exporter.get_finished_spans() == ()
        assert len(exporter.get_finished_spans()) == 1
        list(events)
        claude.close()
    assert len(exporter.get_finished_spans()) == 1


def test_what_breaks_off_is_an_error(exporter: InMemorySpanExporter) -> None:
    events, span = answered(exporter, [BEGIN, TEXT, HELLO])
    assert len(events) == 3
    assert span.status.status_code != StatusCode.OK


def test_what_claude_has_garbled_reaches_the_reader_all_the_same(exporter: InMemorySpanExporter) -> None:
    odd = [told("message_start", message=[[1]]), told("content_block_start", index={}, content_block=7)]
    events, span = answered(exporter, [*odd, TEXT, END, STOP])
    assert len(events) == 5
    assert span.name == "anthropic.messages.create"
