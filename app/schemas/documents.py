"""A session as a document, for export and import."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.models.messages import STATUSES
from app.schemas.base import (
    ProblemView,
    StrictBoolean,
    StrictSchema,
    Time,
    UsageView,
    WholeNumber,
    free_metadata,
    text,
    whole_number,
)
from app.schemas.content import SaidMessage
from app.schemas.messages import MessageView
from app.schemas.sessions import SessionChange, SessionView
from app.services.transfer import FORMAT, VERSION
from app.turns.run import REPAIRS

MOST_MESSAGES = 5_000  # more would hold up the other clients of the process for seconds
MOST_TOKENS_COUNTED = 2**31 - 1


class DocumentSession(SessionChange):
    """The session's settings in a document."""

    id = text(40, allow_none=True, load_only=True)
    head_id = text(40, allow_none=True)
    created_at = Time()

    @post_load
    def drop_id(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The id is new in every session."""
        return {name: value for name, value in values.items() if name != "id"}


DocumentUsage = StrictSchema.from_dict(
    {name: whole_number(0, MOST_TOKENS_COUNTED, required=True) for name in UsageView._declared_fields},
    name="DocumentUsage",
)


class DocumentMessage(SaidMessage):
    """A message in a document; only role and content are asked for."""

    id = text(200, 1)
    parent_id = text(200, 1, allow_none=True)
    status = fields.String(validate=validate.OneOf(STATUSES))
    model = text(200, 1, allow_none=True)
    stop_reason = text(64, allow_none=True)
    usage = fields.Nested(DocumentUsage, allow_none=True)
    error = fields.Nested(ProblemView, allow_none=True)
    metadata = free_metadata()
    bound_to = text(64, allow_none=True)
    repairs = fields.List(fields.String(validate=validate.OneOf(REPAIRS)))
    is_pinned = StrictBoolean(data_key="pinned")
    created_at = Time()


class DocumentDraft(StrictSchema):
    """A document to import."""

    format = fields.String(required=True, validate=validate.Equal(FORMAT), metadata={"example": FORMAT})
    version = WholeNumber(required=True, validate=validate.Equal(VERSION), metadata={"example": VERSION})
    exported_at = Time()
    session = fields.Nested(DocumentSession, load_default=dict)
    messages = fields.List(
        fields.Nested(DocumentMessage), load_default=list, validate=validate.Length(max=MOST_MESSAGES)
    )


class ExportedSession(SessionView):
    """The settings as they are exported."""

    class Meta:
        exclude = ("status", "totals", "updated_at")


class ExportedMessage(MessageView):
    """A message as it is exported."""

    class Meta:
        exclude = ("session_id", "updated_at", "estimated_tokens", "tokens", "context", "waiting", "turn_id")

    bound_to = fields.String(
        required=True, allow_none=True, metadata={"description": "What its thinking is bound to."}
    )


class DocumentView(StrictSchema):
    """A session, complete."""

    format = fields.Constant(FORMAT)
    version = fields.Constant(VERSION)
    exported_at = Time(required=True)
    session = fields.Nested(ExportedSession, required=True)
    messages = fields.List(fields.Nested(ExportedMessage), required=True)
