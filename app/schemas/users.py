"""People in and out, and the caller among them."""

from __future__ import annotations

from marshmallow import fields, validate

from app.models.users import ROLES
from app.schemas.base import StrictSchema, Time, page_of, text
from app.schemas.keys import KeyView
from app.schemas.money import BudgetView


class MeChange(StrictSchema):
    """What people may change of themselves; what is left out stays."""

    name = text(200, 1, metadata={"example": "Ada"})
    email = fields.Email(
        validate=validate.Length(max=320), allow_none=True, metadata={"example": "ada@example.com"}
    )


class UserChange(MeChange):
    """What an admin may change of a person."""

    role = fields.String(validate=validate.OneOf(ROLES))


class UserDraft(UserChange):
    """A new person."""

    name = text(200, 1, required=True, metadata={"example": "Ada"})
    role = fields.String(load_default="member", validate=validate.OneOf(ROLES))


class UserView(StrictSchema):
    """A person."""

    id = fields.String(required=True, metadata={"example": "usr_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, metadata={"enum": list(ROLES)})
    created_at = Time(required=True)


UserPage = page_of(UserView, "UserPage")


class MeView(StrictSchema):
    """The caller."""

    id = fields.String(
        required=True, attribute="user.id", metadata={"example": "usr_01kb3v8r5y7x2m4n6p8q0s2t4v"}
    )
    name = fields.String(required=True, attribute="user.name")
    email = fields.String(required=True, allow_none=True, attribute="user.email")
    role = fields.String(required=True, attribute="user.role", metadata={"enum": list(ROLES)})
    created_at = Time(required=True, attribute="user.created_at")
    scopes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What you may do: of what your role may, what your key leaves."},
    )
    key = fields.Nested(
        KeyView,
        required=True,
        allow_none=True,
        metadata={"description": "The key you came with; null where it was a token."},
    )
    budgets = fields.List(
        fields.Nested(BudgetView),
        required=True,
        metadata={"description": "What your calls count in, and what is left of it."},
    )
