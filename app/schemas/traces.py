"""Traces, out."""

from __future__ import annotations

from marshmallow import fields, validate

from app.schemas.base import PageFilter, StrictSchema, Time, page_of, text
from app.telemetry.tracing import KINDS, STATUSES

ENDED = "`ok`, `error`, `timeout`, or `cancelled`: given up while it ran."


class SpanView(StrictSchema):
    """One call, and the calls that were made for it, in the order in which they began."""

    name = fields.String(required=True, metadata={"example": "fetch"})
    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata={"description": "A whole turn, a call of the server's own, one to Claude, or of a tool."},
    )
    started_at = fields.String(required=True, metadata={"format": "date-time"})
    ms = fields.Float(required=True, metadata={"example": 12.345})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES), metadata={"description": ENDED})
    input = fields.Raw(required=True, metadata={"description": "What it was given: any JSON value."})
    output = fields.Raw(required=True, metadata={"description": "What it gave: any JSON value."})
    children = fields.List(fields.Nested("SpanView"), required=True)


class TraceView(SpanView):
    """The trace of a turn: the call that is the turn itself, and what it is about."""

    id = fields.String(required=True, metadata={"example": "trc_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    message_id = fields.String(required=True)
    session_id = fields.String(required=True)
    request_id = fields.String(required=True, metadata={"description": "The request that began the turn."})
    trace_id = fields.String(
        required=True,
        metadata={
            "description": "Its id in W3C's trace context.",
            "example": "4bf92f3577b34da6a3ce929d0e0e4736",
        },
    )

    class Meta(StrictSchema.Meta):
        fields = (
            *("id", "message_id", "session_id", "request_id", "trace_id"),
            *("name", "kind", "started_at", "ms", "status", "input", "output", "children"),
        )


class TraceRowView(StrictSchema):
    """A trace in a list, without its calls."""

    id = fields.String(required=True, metadata={"example": "trc_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    message_id = fields.String(required=True)
    session_id = fields.String(required=True)
    request_id = fields.String(required=True)
    trace_id = fields.String(required=True)
    name = fields.String(required=True)
    started_at = Time(required=True)
    ms = fields.Float(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


TracePage = page_of(TraceRowView, "TracePage")


class TraceFilter(PageFilter):
    """Which traces are listed. With a tool, `status` and `min_ms` are those of one of its calls."""

    tool = text(200, 1, metadata={"description": "Only turns that called this tool."})
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Only turns, or calls of the tool, that ended so."},
    )
    min_ms = fields.Float(
        validate=validate.Range(0),
        metadata={"description": "Only turns, or calls of the tool, that took so many milliseconds or more."},
    )
    session_id = text(64, 1, metadata={"description": "Only turns of this session."})
    message_id = text(64, 1, metadata={"description": "Only the turn of this message."})
    since = Time(data_key="from", metadata={"description": "Begun at this time or later."})
    until = Time(data_key="to", metadata={"description": "Begun before this time."})
