"""Our spans as OpenTelemetry's, sent by OTLP over HTTP. Imported only where that is asked for: it is large.

A call to Claude has one span, the `anthropic` package's own: ours of that kind is only where it hangs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary, ref

from opentelemetry import trace
from opentelemetry.context import Context, get_value, set_value
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from app.telemetry import conventions, redaction, tracing
from app.telemetry.origins import Origin
from app.telemetry.redaction import Redactor
from app.telemetry.tracing import CLAUDE, TURN, Closed, Span

SCOPE, ROOT = "colloquy", "colloquy.root"
NANOSECONDS = 1_000_000_000
LONGEST_FLUSH_SECONDS = 3.0


class Mirror:
    """A watcher of traces. `tracers` gives other libraries tracers whose spans hang where ours are open."""

    def __init__(
        self, endpoint: str | None, redactor: Redactor, version: str, *, shows_content: bool
    ) -> None:
        self._shows_content = shows_content
        self._contexts: WeakKeyDictionary[Span, Context] = WeakKeyDictionary()
        self._ids = Ids()
        about = {"service.name": SCOPE, "service.version": version}
        self._provider = TracerProvider(
            resource=Resource.create(about).merge(OTELResourceDetector().detect()),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._exporter = Masked(OTLPSpanExporter(endpoint), redactor)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer(SCOPE, version)
        self.tracers = Tracers(self._provider, self.here)

    def opened(self, one: Span) -> Closed | None:
        """Open a span as this one opens; what closes it."""
        above = self._above(one)
        if one.kind == CLAUDE:
            self._contexts[one] = above
            return None
        started_at = int(one.started_at.timestamp() * NANOSECONDS)
        with self._ids.being(one):
            name, attributes = conventions.name_of(one), conventions.at_begin(one)
            span = self._tracer.start_span(name, above, attributes=attributes, start_time=started_at)
        self._contexts[one] = trace.set_span_in_context(span, above)
        hang(span, above)

        def _close(one: Span) -> None:
            span.set_attributes(_masked(conventions.at_end(one, shows_content=self._shows_content)))
            if one.status in conventions.FAILED:
                span.set_status(Status(StatusCode.ERROR))
            span.end(started_at + int(one.ms * NANOSECONDS / 1_000))

        return _close

    def here(self) -> Context:
        """Where a span hangs that opens here: below ours that is open, or below the request's caller."""
        one = tracing.at_work()
        context = self._contexts.get(one) if one else None
        return context if context is not None else _below(tracing.origin())

    def close(self) -> None:
        """Send what there is, as far as it can be sent in a moment, and end."""
        tracing.unwatch(self.opened)
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(LONGEST_FLUSH_SECONDS)
        if ending.is_alive():  # it would try again for long
            self._exporter.shutdown()
            ending.join(LONGEST_FLUSH_SECONDS)

    def _above(self, one: Span) -> Context:
        """Where a span of ours hangs; what hangs below a root finds it there."""
        return set_value(ROOT, ref(one), _below(one.origin)) if one.kind == TURN else self.here()


class Ids(RandomIdGenerator):
    """Gives a span the ids that ours has: logs, stored traces and what is exported name the same."""

    def __init__(self) -> None:
        self._one: ContextVar[Span | None] = ContextVar("span_to_mirror", default=None)

    @contextmanager
    def being(self, one: Span) -> Iterator[None]:
        """In this block, ids are those of this span."""
        token = self._one.set(one)
        try:
            yield
        finally:
            self._one.reset(token)

    def generate_span_id(self) -> int:
        """Called by the SDK for every span."""
        one = self._one.get()
        return int(one.id, 16) if one else super().generate_span_id()

    def generate_trace_id(self) -> int:
        """Called by the SDK for a span that hangs nowhere."""
        one = self._one.get()
        return int(one.trace_id, 16) if one else super().generate_trace_id()


class Tracers(trace.TracerProvider):
    """Tracers for other libraries, which find by themselves where their spans hang."""

    def __init__(self, provider: TracerProvider, here: Any) -> None:
        self._provider = provider
        self._here = here

    def get_tracer(self, *of: Any, **more: Any) -> trace.Tracer:
        """Called by a library, with its name and version."""
        return Hanging(self._provider.get_tracer(*of, **more), self._here)


class Hanging(trace.Tracer):
    """A tracer whose spans hang where ours are open, and are of the same conversation."""

    def __init__(self, tracer: trace.Tracer, here: Any) -> None:
        self._tracer = tracer
        self._here = here

    def start_span(self, name: str, context: Context | None = None, *of: Any, **more: Any) -> trace.Span:
        """Open a span."""
        context = context if context is not None else self._here()
        span = self._tracer.start_span(name, context, *of, **more)
        hang(span, context)
        return span

    @contextmanager
    def start_as_current_span(self, name: str, *of: Any, **more: Any) -> Iterator[trace.Span]:  # type: ignore[override]
        """Open a span around a block."""
        with trace.use_span(self.start_span(name, *of, **more), end_on_exit=True) as span:
            yield span


def hang(span: trace.Span, context: Context) -> None:
    """Say of what conversation it is, where its root knows that by now."""
    find = get_value(ROOT, context)
    root = find() if isinstance(find, ref) else None
    if root and (session_id := root.about.get("session_id")):
        span.set_attribute(conventions.CONVERSATION, session_id)


class Masked(SpanExporter):
    """Masks secrets in all that is exported, other libraries' spans too."""

    def __init__(self, exporter: SpanExporter, redactor: Redactor) -> None:
        self._exporter = exporter
        self._redactor = redactor

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Called by the SDK in its own thread."""
        return self._exporter.export([self._masked(one) for one in spans])

    def shutdown(self) -> None:
        """Called by the SDK at the end."""
        self._exporter.shutdown()

    def _masked(self, one: ReadableSpan) -> ReadableSpan:
        attributes = {name: self._within(value) for name, value in (one.attributes or {}).items()}
        return ReadableSpan(
            name=self._redactor(one.name),
            context=one.context,
            parent=one.parent,
            resource=one.resource,
            attributes=attributes,
            links=one.links,
            kind=one.kind,
            status=Status(one.status.status_code),
            start_time=one.start_time,
            end_time=one.end_time,
            instrumentation_scope=one.instrumentation_scope,
        )

    def _within(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redactor(value)
        return tuple(map(self._within, value)) if isinstance(value, tuple | list) else value


def _masked(attributes: conventions.Attributes) -> conventions.Attributes:
    """Without the caller's key, which is known only here."""
    caller = redaction.at_work()
    if caller is None:
        return attributes
    return {
        name: caller.known(value) if isinstance(value, str) else value for name, value in attributes.items()
    }


def _below(origin: Origin | None) -> Context:
    """The span of another server that called."""
    if origin is None or not origin.parent_id:
        return Context()
    context = SpanContext(
        int(origin.trace_id, 16),
        int(origin.parent_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if origin.is_sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([origin.state]),
    )
    return trace.set_span_in_context(NonRecordingSpan(context), Context())
