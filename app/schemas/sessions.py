"""Sessions in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.schemas.base import (
    MOST_TOKENS,
    PageFilter,
    StrictBoolean,
    StrictSchema,
    Time,
    UsageView,
    free_metadata,
    page_of,
    text,
    usage_of,
    whole_number,
)
from app.schemas.contexts import ContextSettings
from app.schemas.tools import TOOLS, Tools

MOST_SYSTEM_CHARACTERS = 1_000_000


class SessionDraft(StrictSchema):
    """What a session may be given; null or left out: the server's defaults."""

    may_be_missing = True

    title = text(500, allow_none=True, metadata={"example": "Monads"})
    model = text(200, 1, allow_none=True, metadata={"example": "claude-sonnet-5-5"})
    system = text(MOST_SYSTEM_CHARACTERS, allow_none=True, metadata={"example": "Answer in one sentence."})
    max_tokens = whole_number(1, MOST_TOKENS, allow_none=True, metadata={"example": 1024})
    context = fields.Nested(ContextSettings, allow_none=True)
    tools = Tools(allow_none=True)
    client_metadata = free_metadata(data_key="metadata")


class SessionChange(SessionDraft):
    """What may be changed; what is left out stays."""

    may_be_missing = False

    is_archived = StrictBoolean(data_key="archived")


class TotalsView(UsageView):
    """What a session has used so far."""

    messages = fields.Integer(required=True)


class SessionView(StrictSchema):
    """A session."""

    id = fields.String(required=True, metadata={"example": "ses_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    title = fields.String(required=True, allow_none=True)
    model = fields.String(required=True, allow_none=True)
    system = fields.String(required=True, allow_none=True)
    max_tokens = fields.Integer(required=True, allow_none=True)
    context = fields.Nested(ContextSettings, required=True, allow_none=True)
    tools = fields.Raw(required=True, metadata={**TOOLS, "type": ["array", "null"]})
    client_metadata = fields.Dict(required=True, data_key="metadata")
    is_archived = fields.Boolean(required=True, data_key="archived")
    head_id = fields.String(required=True, allow_none=True)
    status = fields.Function(
        lambda row: "running" if row.is_running else "idle",
        required=True,
        metadata={"type": "string", "enum": ["idle", "running"]},
    )
    totals = fields.Method(
        "totals_of", required=True, metadata={"allOf": [{"$ref": "#/components/schemas/Totals"}]}
    )
    created_at = Time(required=True)
    updated_at = Time(required=True)

    def totals_of(self, row: Any) -> dict[str, int]:
        """The tokens used, and how many messages there are."""
        return {**(usage_of(row) or {}), "messages": row.messages}


SessionPage = page_of(SessionView, "SessionPage")


class SessionFilter(PageFilter):
    """Which sessions are listed."""

    archived = fields.Boolean(metadata={"description": "Only those archived, or only those not."})
    q = text(500, 1, metadata={"description": "Only those with this in the title."})
    model = text(200, 1, metadata={"description": "Only those with this model."})


class ExportFilter(StrictSchema):
    """In which form."""

    format = fields.String(
        load_default="json",
        validate=validate.OneOf(["json", "md"]),
        metadata={"description": "JSON or Markdown."},
    )
