"""Traces: a tree of spans for what one turn did, kept by whoever began it, and mirrored to whoever watches.

A span is opened around a call; those opened within it are its children. Without a trace at work nothing is
kept, nor is what begins after its parent has ended. A thread has no trace until it is told one with `within`.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from app.errors import UpstreamTimeout
from app.telemetry import origins
from app.telemetry.origins import Origin

OK, ERROR, TIMEOUT, CANCELLED = "ok", "error", "timeout", "cancelled"
STATUSES = (OK, ERROR, TIMEOUT, CANCELLED)
TURN, SERVER, CLAUDE, TOOL = "turn", "server", "claude", "tool"
KINDS = (TURN, SERVER, CLAUDE, TOOL)
OWN = "own"  # the name of the work that a span did itself, among its children
SHORTEST_MS = 0.001
DEEPEST = 50  # calls within calls: a tree is walked, and read as JSON, by functions that call themselves
Closed = Callable[["Span"], None]
Watch = Callable[["Span"], Closed | None]


@dataclass(eq=False)
class Span:
    """One call. `ms` is 0 until it has ended; `input` and `output` are JSON values.

    `began` is by the clock that measures. A root is `about` what has these ids, once they are known.
    """

    name: str
    kind: str = SERVER
    input: Any = None
    output: Any = None
    status: str = OK
    ms: float = 0.0
    children: list[Span] = field(default_factory=list)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    trace_id: str = ""
    depth: int = 0
    began: float = field(default_factory=time.perf_counter)
    origin: Origin | None = None
    about: dict[str, str] = field(default_factory=dict)
    closed: list[Closed] = field(default_factory=list, repr=False)  # whom to tell that it has ended
    has_own_work: bool = False

    @cached_property
    def id(self) -> str:
        """Its id in a W3C trace context."""
        return secrets.token_hex(8)

    @property
    def is_open(self) -> bool:
        """Whether it still runs."""
        return not self.ms

    def fail(self, status: str, output: Any) -> None:
        """Say that it did not come to its end, and why."""
        self.status, self.output = status, output

    def as_json(self, upto: float = math.inf) -> dict[str, Any]:
        """It and its children, as they are stored and shown.

        What is still open was given up: it shows as cancelled, as far as it came by now or by `upto`, when
        its parent ended.
        """
        ends = min(self.began + self.ms / 1000 if self.ms else time.perf_counter(), upto)
        return {
            "name": self.name,
            "kind": self.kind,
            "started_at": self.started_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "ms": self.ms or _ms_between(self.began, ends),
            "status": CANCELLED if self.is_open and self.status == OK else self.status,
            "input": self.input,
            "output": self.output,
            "children": [one.as_json(ends) for one in self.children],
        }


TIMEOUTS = (TimeoutError, UpstreamTimeout)
AT_WORK: ContextVar[Span | None] = ContextVar("span_at_work", default=None)
_watchers: list[Watch] = []


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
    root = Span(name, TURN, said, trace_id=known, origin=origin, has_own_work=True)
    root.closed = _opened(root)
    return root


def origin() -> Origin | None:
    """What this is done for: the request of the trace at work, or the request itself."""
    one = AT_WORK.get()
    return (one.origin if one else None) or origins.at_work()


def root() -> Span:
    """The root of the trace at work, or of a new one."""
    one = AT_WORK.get()
    return one if one and one.kind == TURN else begin("turn")


def start(name: str, kind: str = SERVER, said: Any = None, *, has_own_work: bool = False) -> Span:
    """A span that another thread or a later moment closes, by `end`: a child of the one at work."""
    parent = AT_WORK.get()
    one = Span(name, kind, said, trace_id=parent.trace_id if parent else "", has_own_work=has_own_work)
    one.closed += _added(parent, one) if parent else ()
    return one


def end(one: Span, status: str = OK, output: Any = None) -> None:
    """Close a root, or what was begun by `start`; once."""
    if one.is_open:
        one.status, one.output = status, output
        _close(one)


@contextmanager
def within(of: Span | None) -> Iterator[None]:
    """In this block, on this thread, spans are children of this one."""
    token = AT_WORK.set(of)
    try:
        yield
    finally:
        AT_WORK.reset(token)


@contextmanager
def ending_on_error(root: Span) -> Iterator[None]:
    """An error that leaves the block ends the trace, and is its output."""
    try:
        yield
    except BaseException as error:
        _break_off(root, error)
        end(root, root.status, root.output)
        raise


@contextmanager
def span(name: str, kind: str = SERVER, said: Any = None, *, has_own_work: bool = False) -> Iterator[Span]:
    """A span around a block, child of the one at work. An error that leaves the block is its output.

    Where it `has_own_work` between its calls, that is a child too, so that the children's time is all of its.
    """
    one = start(name, kind, said, has_own_work=has_own_work)
    token = AT_WORK.set(one)
    try:
        yield one
    except BaseException as error:
        _break_off(one, error)
        raise
    finally:
        AT_WORK.reset(token)
        _close(one)


def described(error: BaseException) -> Mapping[str, Any]:
    """An error as a span shows it: its code, where it has one, and what it says."""
    detail = getattr(error, "detail", None) or str(error)
    return {"error": getattr(error, "code", type(error).__name__), "detail": str(detail)[:2_000]}


def _break_off(one: Span, error: BaseException) -> None:
    """Say what ended it, unless it has said so itself."""
    if not isinstance(error, Exception):  # the thread is being ended
        one.fail(CANCELLED, one.output)
    elif one.status == OK:
        one.fail(TIMEOUT if isinstance(error, TIMEOUTS) else ERROR, described(error))


def own_ms(one: Span) -> float:
    """What of its time none of its children took; a moment that several took counts once."""
    ends, upto, covered = one.began + one.ms / 1000, one.began, 0.0
    for child in sorted(one.children, key=lambda child: child.began):
        until = min(child.began + child.ms / 1000 if child.ms else ends, ends)
        covered += max(until - max(child.began, upto), 0)
        upto = max(upto, until)
    return _ms_between(one.began, ends - covered)


def _close(one: Span) -> None:
    one.ms = _ms_between(one.began, time.perf_counter())
    if one.has_own_work and one.children:
        one.children.append(Span(OWN, ms=own_ms(one), started_at=one.started_at, began=one.began))
    for tell in one.closed:
        tell(one)


def _added(parent: Span, one: Span) -> list[Closed]:
    one.trace_id, one.origin, one.depth = parent.trace_id, parent.origin, parent.depth + 1
    if not parent.is_open or one.depth > DEEPEST:
        return []
    parent.children.append(one)  # which is safe from any thread
    return _opened(one)


def _opened(one: Span) -> list[Closed]:
    return [closed for opened in tuple(_watchers) if (closed := opened(one))]


def _ms_between(began: float, ended: float) -> float:
    return max(round((ended - began) * 1000, 3), SHORTEST_MS)
