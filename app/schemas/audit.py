"""The audit log, out."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import PageFilter, StrictSchema, Time, page_of, text


class AuditEntryView(StrictSchema):
    """One act."""

    id = fields.String(required=True, metadata={"example": "aud_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    action = fields.String(required=True, metadata={"example": "key.revoke"})
    actor_id = fields.String(
        required=True, allow_none=True, metadata={"description": "Who did it; null: the command line."}
    )
    key_id = fields.String(
        required=True, allow_none=True, metadata={"description": "The key that they came with."}
    )
    object_id = fields.String(required=True, metadata={"example": "key_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    details = fields.Dict(required=True, metadata={"description": "Ids, numbers, and names of fields."})
    request_id = fields.String(required=True, allow_none=True)
    created_at = Time(required=True)


AuditPage = page_of(AuditEntryView, "AuditPage")


class AuditFilter(PageFilter):
    """Which entries are listed."""

    action = text(64, 1, metadata={"description": "Only those of this act, such as `key.revoke`."})
    actor_id = text(64, 1, metadata={"description": "Only those of this person."})
    object_id = text(100, 1, metadata={"description": "Only those about this person, key, session, …"})
