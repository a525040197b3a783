"""Traces as tests make them: spans of real calls, and a message's trace in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.traces import Trace
from app.services import traces
from app.services.traces import About
from app.services.transactions import reading, writing
from app.telemetry import tracing
from app.telemetry.tracing import OK, TOOL, TURN, Span

BEGAN = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


def turn(*children: Span, ms: float = 100.0, **more: Any) -> Span:
    """A turn of a length, with calls in it; it ended."""
    values = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "input": "Hello", "output": "Hi", **more}
    return Span("turn", TURN, ms=ms, children=list(children), **values)


def tool(name: str, status: str = OK, ms: float = 10.0, after_ms: float = 0.0, **more: Any) -> Span:
    """A call of a tool, that began so long after BEGAN."""
    at = BEGAN + timedelta(milliseconds=after_ms)
    return Span(name, TOOL, status=status, ms=ms, started_at=at, **more)


def of_real_calls() -> Span:
    """A turn that called something, and failed once."""
    root = tracing.begin("turn", {"content": "Hello"})
    with tracing.within(root):
        with tracing.span("assemble"), tracing.span("count"):
            pass
        try:
            with tracing.span("fetch", TOOL, {"url": "https://example.org"}):
                raise ValueError("no such page")
        except ValueError:
            pass
    tracing.end(root, OK, {"text": "Hi"})
    return root


def about(message_id: str, request_id: str = "req_test") -> About:
    """What the trace of a message is about."""
    owned = select(ChatSession.id, ChatSession.user_id).join(Message, Message.session_id == ChatSession.id)
    with reading() as session:
        session_id, user_id = session.execute(owned.where(Message.id == message_id)).one()
    return About(message_id, session_id, user_id, request_id)


def store(message_id: str, root: Span | None = None) -> str:
    """Store a trace of a message, within an app context; its id."""
    of = about(message_id)
    with writing() as session:
        traces.store(session, root or of_real_calls(), of)
    with reading() as session:
        return str(session.scalar(select(Trace.id).where(Trace.message_id == message_id)))
