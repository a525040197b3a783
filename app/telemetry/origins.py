"""What things here are done for: a request, and the trace of its caller (W3C `traceparent`) or a new one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
NO_TRACE, NO_SPAN = "0" * 32, "0" * 16
LONGEST_STATE = 512
SAMPLED = 1


@dataclass(frozen=True)
class Origin:
    """A request. `parent_id` is the span that sent it, "" where none is known; `state` its `tracestate`."""

    request_id: str
    trace_id: str
    parent_id: str = ""
    is_sampled: bool = True
    state: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """What every log line says of it."""
        return {"request_id": self.request_id, "trace_id": self.trace_id}


AT_WORK: ContextVar[Origin | None] = ContextVar("origin_at_work", default=None)


def at_work() -> Origin | None:
    """What this is done for; None for what the server does by itself."""
    return AT_WORK.get()


@contextmanager
def within(origin: Origin | None) -> Iterator[None]:
    """In this block, on this thread, all is done for it."""
    token = AT_WORK.set(origin)
    try:
        yield
    finally:
        AT_WORK.reset(token)


def of_request(request_id: str, traceparent: str, state: str = "") -> Origin:
    """A request with these headers; one that is not as W3C has it counts as none."""
    found = TRACEPARENT.fullmatch(traceparent.strip())
    if not found or found[2] == NO_TRACE or found[3] == NO_SPAN or (found[1] == "00" and found[5]):
        return Origin(request_id, secrets.token_hex(16))
    is_sampled = bool(int(found[4], 16) & SAMPLED)
    return Origin(request_id, found[2], found[3], is_sampled, state[:LONGEST_STATE])
