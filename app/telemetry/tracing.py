"""Traces: a tree of spans for what one turn did, kept by whoever began it, and mirrored to whoever watches.

A span is opened around a call; those opened within it are its children. Without a trace at work nothing is
kept. A thread has no trace until it is told one with `within`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.telemetry import origins
from app.telemetry.origins import Origin

OK, ERROR, TIMEOUT, CANCELLED = "ok", "error", "timeout", "cancelled"
STATUSES = (OK, ERROR, TIMEOUT, CANCELLED)
TURN, SERVER, CLAUDE, TOOL = "turn", "server", "claude", "tool"
KINDS = (TURN, SERVER, CLAUDE, TOOL)
Closed = Callable[["Span"], None]
Watch = Callable[["Span"], Closed | None]


@dataclass(eq=False)
class Span:
    """One call. `ms` is 0 until it has ended; `input` and `output` are JSON values.

    `id` is its id in a W3C trace context. What a span says that is still open is what is known so far.
    """

    name: str
    kind: str = SERVER
    input: Any = None
    output: Any = None
    status: str = OK
    ms: float = 0.0
    children: list[Span] = field(default_factory=list)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    trace_id: str = ""
    began: float = field(default_factory=time.perf_counter)
    origin: Origin | None = None
    closed: list[Closed] = field(default_factory=list)  # whom to tell when a root has ended

    def fail(self, status: str, output: Any) -> None:
        """Say that it did not come to its end, and why."""
        self.status, self.output = status, output

    def as_json(self) -> dict[str, Any]:
        """It and its children, as they are stored and shown."""
        return {
            "name": self.name,
            "kind": self.kind,
            "started_at": self.started_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "ms": self.ms,
            "status": self.status,
            "input": self.input,
            "output": self.output,
            "children": [one.as_json() for one in self.children],
        }


AT_WORK: ContextVar[Span | None] = ContextVar("span_at_work", default=None)
_watchers: list[Watch] = []
_growing = threading.Lock()


def watch(opened: Watch) -> None:
    """Call this whenever a span of a trace opens; what it returns is called when that span has closed."""
    if opened not in _watchers:
        _watchers.append(opened)


def unwatch(opened: Watch) -> None:
    """Call it no more."""
    _watchers.remove(opened)


def at_work() -> Span | None:
    """The innermost open span here."""
    return AT_WORK.get()


def begin(name: str, said: Any = None, trace_id: str | None = None) -> Span:
    """The root of a new trace, by default of what the request at work is in; it is open until `end`."""
    origin = origins.at_work()
    known = trace_id or (origin.trace_id if origin else secrets.token_hex(16))
    root = Span(name, TURN, said, trace_id=known, origin=origin)
    root.closed = _opened(root)
    return root


def origin() -> Origin | None:
    """What this is done for: the request of the trace at work, or the request itself."""
    one = AT_WORK.get()
    return (one.origin if one else None) or origins.at_work()


def end(root: Span, status: str, output: Any) -> None:
    """Close a root, or a span that was opened with `began_now`."""
    root.status, root.output = status, output
    root.ms = _ms_since(root.began)
    closed, root.closed = root.closed, []
    for tell in closed:
        tell(root)


@contextmanager
def within(of: Span | None) -> Iterator[None]:
    """In this block, on this thread, spans are children of this one."""
    token = AT_WORK.set(of)
    try:
        yield
    finally:
        AT_WORK.reset(token)


@contextmanager
def span(name: str, kind: str = SERVER, said: Any = None) -> Iterator[Span]:
    """A span around a block, child of the one at work. An error that leaves the block is its output."""
    parent = AT_WORK.get()
    one = Span(name, kind, said, trace_id=parent.trace_id if parent else "")
    closed = _added(parent, one) if parent else ()
    token = AT_WORK.set(one)
    try:
        yield one
    except Exception as error:
        if one.status == OK:
            one.fail(ERROR, described(error))
        raise
    except BaseException:  # the thread is being ended
        one.fail(CANCELLED, one.output)
        raise
    finally:
        one.ms = _ms_since(one.began)
        AT_WORK.reset(token)
        for tell in closed:
            tell(one)


def described(error: BaseException) -> Mapping[str, Any]:
    """An error as a span shows it: its code, where it has one, and what it says."""
    detail = getattr(error, "detail", None) or str(error)
    return {"error": getattr(error, "code", type(error).__name__), "detail": str(detail)[:2_000]}


def _added(parent: Span, one: Span) -> list[Closed]:
    with _growing:
        parent.children.append(one)
    one.origin = parent.origin
    return _opened(one)


def _opened(one: Span) -> list[Closed]:
    return [closed for opened in tuple(_watchers) if (closed := opened(one))]


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
