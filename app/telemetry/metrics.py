"""Figures for Prometheus, of all processes of the server together.

Labels are few: never an id, never what somebody wrote. Under gunicorn the figures live in files that its
processes share (gunicorn.conf.py); elsewhere, in memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from app.telemetry import tracing
from app.telemetry.tracing import Closed, Span

REGISTRY = CollectorRegistry()
OTHER = "other"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
NANO_USD_PER_USD = 1e9
WAITS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)  # seconds
WORKS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


def _counter(name: str, says: str, *labels: str) -> Counter:
    return Counter(f"colloquy_{name}", says, labels, registry=REGISTRY)


def _histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"colloquy_{name}", says, labels, buckets=buckets, registry=REGISTRY)


TURNS = _counter("turns_total", "Answers that have ended, by how.", "status")
FIRST_EVENT = _histogram("first_event_seconds", "From a send's begin to Claude's first event.", WAITS)
TOKENS = _counter("tokens_total", "Tokens that were paid for, by class and model.", "class", "model")
COST = _counter("cost_usd_total", "US dollars that calls to Claude cost.", "model", "purpose")
UPSTREAM_ERRORS = _counter("upstream_errors_total", "Calls to Claude that failed, by code.", "code")
RETRIES = _counter("upstream_retries_total", "Calls to Claude that were tried again, by why.", "code")
BUDGET_REFUSALS = _counter("budget_refusals_total", "Calls that a budget did not hold.", "scope")
TOOL_CALLS = _counter("tool_calls_total", "Tools that were called, by how it ended.", "tool", "status")
TOOL_SECONDS = _histogram("tool_call_seconds", "How long calls of tools took.", WORKS, "tool")
REQUESTS = _counter("requests_total", "HTTP requests, by route and status.", "route", "method", "status")
REQUEST_SECONDS = _histogram("request_seconds", "To a response's end.", WORKS, "route", "method")
OPEN_STREAMS = Gauge(
    "colloquy_open_streams",
    "Event streams that are being read.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)

_began: ContextVar[float | None] = ContextVar("send_began", default=None)
_tools: set[str] = set()


def exposed(accept: str = "") -> tuple[bytes, str]:
    """Every figure, in the best form that is accepted, and its content type."""
    encode, content_type = choose_encoder(accept)
    return encode(_collected()), content_type


def _collected() -> CollectorRegistry:
    if not values.ValueClass._multiprocess:
        return REGISTRY
    gathered = CollectorRegistry()
    MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
    return gathered


@contextmanager
def waiting_since(began: float) -> Iterator[None]:
    """In this block, the first event of Claude's ends a wait that began then, by `time.perf_counter`."""
    token = _began.set(began)
    try:
        yield
    finally:
        _began.reset(token)


def note_first_event() -> None:
    """Claude has begun to answer; only a turn's first call is waited for."""
    began = _began.get()
    if began is not None:
        FIRST_EVENT.observe(time.perf_counter() - began)
        _began.set(None)


def note_charge(model: str, purpose: str, tokens: Mapping[str, int], cost_nano_usd: int) -> None:
    """A call to Claude was paid for; the model is by a name of which there are few."""
    for name, count in tokens.items():
        TOKENS.labels(name.removesuffix("_tokens"), model).inc(count)
    COST.labels(model, purpose).inc(cost_nano_usd / NANO_USD_PER_USD)


def note_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """A request was answered to its end."""
    named = route or OTHER, method if method in METHODS else OTHER
    REQUESTS.labels(*named, status).inc()
    REQUEST_SECONDS.labels(*named).observe(seconds)


def know_tools(names: Iterable[str]) -> None:
    """Tools that the server has; calls of others, which Claude or a client may name anyhow, are `other`."""
    _tools.update(names)


def watch_tools(opened: Span) -> Closed | None:
    """A watcher of traces that counts the calls of tools."""
    return _note_tool if opened.kind == tracing.TOOL else None


def _note_tool(one: Span) -> None:
    name = one.name if one.name in _tools else OTHER
    TOOL_CALLS.labels(name, one.status).inc()
    TOOL_SECONDS.labels(name).observe(one.ms / 1_000)
