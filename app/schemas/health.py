"""How the server is, out."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import StrictSchema


class LiveView(StrictSchema):
    """The process answers."""

    status = fields.String(required=True, metadata={"example": "alive"})


class ReadyView(StrictSchema):
    """The server can take work."""

    status = fields.String(required=True, metadata={"example": "ready"})
    upstream = fields.String(required=True, metadata={"description": "`anthropic` or `simulator`."})
    database = fields.String(required=True, metadata={"description": "`sqlite` or `postgresql`."})


class VersionView(StrictSchema):
    """What runs here."""

    version = fields.String(required=True)
    upstream = fields.String(required=True, metadata={"description": "`anthropic` or `simulator`."})
    model = fields.String(required=True, metadata={"description": "The default model."})
    database = fields.String(required=True)
