"""Tools in and out: what there is, what a session may use, and what came of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.claude import rules
from app.schemas.base import StrictBoolean, StrictSchema, page_of, text
from app.schemas.content import ANY_BLOCK, check
from app.services.actions import DECISIONS, Given

MOST_TOOLS = 128
MOST_RESULTS = 128
NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"}
TOOLS = {
    "description": "Names from `GET /tools`, each alone or as {`name`, `approval`}, and tools of your own.",
    "type": "array",
    "maxItems": MOST_TOOLS,
    "items": {
        "oneOf": [
            NAME,
            {
                "type": "object",
                "title": "server_tool",
                "properties": {"name": NAME, "approval": {"type": "boolean"}},
                "required": ["name", "approval"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "title": "own_tool",
                "properties": {
                    "name": NAME,
                    "description": {"type": "string"},
                    "input_schema": {
                        "type": "object",
                        "properties": {"type": {"type": "string", "const": "object"}},
                        "required": ["type"],
                    },
                },
                "required": ["name", "input_schema"],
                "additionalProperties": False,
            },
        ]
    },
    "example": ["current_time"],
}


class Tools(fields.Field[list[Any]]):
    """The tools of a session, each as it was given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=TOOLS, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        if not isinstance(value, list) or len(value) > MOST_TOOLS:
            raise ValidationError(f"Must be a list of at most {MOST_TOOLS} tools.")
        for at, one in enumerate(value):
            if says := _complaint(one):
                raise ValidationError({at: [says]})
        return value


def _complaint(one: Any) -> str | None:
    """What is wrong with one of them."""
    if isinstance(one, str):
        one = {"name": one, "approval": False}
    if not isinstance(one, dict):
        return "Must be the name of a tool, or an object."
    if set(one) == {"name", "approval"}:
        is_right = isinstance(one["approval"], bool) and isinstance(one["name"], str)
        return None if is_right else "`name` is a string, `approval` true or false."
    if extra := set(one) - {"name", "description", "input_schema"}:
        return f"Has no {', '.join(sorted(map(str, extra)))}: `name`, `description`, `input_schema`."
    return next((f"{found.path or 'tool'}: {found.message}" for found in rules.tool_violations(one)), None)


class GivenResult(StrictSchema):
    """What came of a call, or whether the server may carry it out."""

    tool_use_id = text(200, 1, required=True)
    content = fields.Raw(
        metadata={
            "description": "Text, or content blocks: what the tool found.",
            "oneOf": [{"type": "string"}, {"type": "array", "items": ANY_BLOCK}],
        }
    )
    is_error = StrictBoolean(load_default=False)
    decision = fields.String(
        validate=validate.OneOf(DECISIONS),
        metadata={"description": "To a call that needs approval: `approve` has the server carry it out."},
    )

    @validates_schema(skip_on_field_errors=True)
    def check_content(self, values: dict[str, Any], **_: Any) -> None:
        """It must be such as Claude takes."""
        block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": values.get("content", "")}
        try:
            check("user", [block])
        except ValidationError as error:
            raise ValidationError({"content": error.messages}) from error


def given_of(values: dict[str, Any]) -> Given:
    """What the body says to one call."""
    return Given(**values)


class ToolView(StrictSchema):
    """A tool of the server's."""

    name = fields.String(required=True, metadata={"example": "current_time"})
    description = fields.String(required=True)
    input_schema = fields.Dict(required=True)
    source = fields.String(required=True, metadata={"example": "built-in"})
    needs_approval = fields.Boolean(required=True)


ToolPage = page_of(ToolView, "ToolPage")


class AwaitedView(StrictSchema):
    """A call that waits for the client."""

    tool_use_id = fields.String(required=True)
    name = fields.String(required=True)
    input = fields.Dict(required=True)
    needs = fields.String(required=True, validate=validate.OneOf(["result", "approval"]))
