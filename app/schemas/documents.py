"""A session as a document, for export and import."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from app.models.messages import STATUSES
from app.schemas.base import StrictSchema, Time, UsageView, WholeNumber, free_metadata, text, usage_of
from app.schemas.content import ANY_BLOCK, AnyContent, check
from app.schemas.sessions import SessionChange
from app.services.transfer import FORMAT, VERSION

MOST_MESSAGES = 1_000_000


class DocumentSession(SessionChange):
    """The session's settings in a document."""

    id = text(40, allow_none=True, load_only=True)
    head_id = text(40, allow_none=True)
    created_at = Time()

    @post_load
    def drop_id(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The id is new in every session."""
        return {name: value for name, value in values.items() if name != "id"}


class DocumentUsage(UsageView):
    """The usage of a message in a document."""


class DocumentMessage(StrictSchema):
    """A message in a document; only role and content are asked for."""

    id = text(200, 1)
    parent_id = text(200, 1, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(["user", "assistant"]))
    content = AnyContent(required=True)
    status = fields.String(validate=validate.OneOf(STATUSES))
    model = text(200, 1, allow_none=True)
    stop_reason = text(64, allow_none=True)
    usage = fields.Nested(DocumentUsage, allow_none=True)
    error = fields.Dict(allow_none=True)
    metadata = free_metadata()
    bound_to = text(64, allow_none=True)
    created_at = Time()

    @validates_schema(skip_on_field_errors=True)
    def check_content(self, values: dict[str, Any], **_: Any) -> None:
        """The blocks must be such as this role may say."""
        try:
            check(values["role"], values["content"])
        except ValidationError as error:
            raise ValidationError({"content": error.messages}) from error


class DocumentDraft(StrictSchema):
    """A document to import."""

    format = fields.String(required=True, validate=validate.Equal(FORMAT), metadata={"example": FORMAT})
    version = WholeNumber(required=True, validate=validate.Equal(VERSION), metadata={"example": VERSION})
    exported_at = Time()
    session = fields.Nested(DocumentSession, load_default=dict)
    messages = fields.List(
        fields.Nested(DocumentMessage), load_default=list, validate=validate.Length(max=MOST_MESSAGES)
    )


class ExportedSession(StrictSchema):
    """The settings as they are exported."""

    id = fields.String(required=True)
    title = fields.String(required=True, allow_none=True)
    model = fields.String(required=True, allow_none=True)
    system = fields.String(required=True, allow_none=True)
    max_tokens = fields.Integer(required=True, allow_none=True)
    client_metadata = fields.Dict(required=True, data_key="metadata")
    is_archived = fields.Boolean(required=True, data_key="archived")
    head_id = fields.String(required=True, allow_none=True)
    created_at = Time(required=True)


class ExportedMessage(StrictSchema):
    """A message as it is exported."""

    id = fields.String(required=True)
    parent_id = fields.String(required=True, allow_none=True)
    role = fields.String(required=True)
    content = fields.Raw(required=True, metadata={"type": "array", "items": ANY_BLOCK})
    status = fields.String(required=True)
    model = fields.String(required=True, allow_none=True)
    stop_reason = fields.String(required=True, allow_none=True)
    usage = fields.Function(
        usage_of,
        required=True,
        metadata={"oneOf": [{"$ref": "#/components/schemas/Usage"}, {"type": "null"}]},
    )
    problem = fields.Raw(required=True, data_key="error", metadata={"type": ["object", "null"]})
    client_metadata = fields.Dict(required=True, data_key="metadata")
    bound_to = fields.String(
        required=True, allow_none=True, metadata={"description": "What thinking is bound to."}
    )
    created_at = Time(required=True)


class DocumentView(StrictSchema):
    """A session, complete."""

    format = fields.Constant(FORMAT)
    version = fields.Constant(VERSION)
    exported_at = Time(required=True)
    session = fields.Nested(ExportedSession, required=True)
    messages = fields.List(fields.Nested(ExportedMessage), required=True)
