"""Content: a string, or a list of Claude's content blocks, checked by Claude's rules before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.claude import rules
from app.schemas.base import StrictSchema

EXAMPLE = "What is a monad, in one sentence?"
MEDIA_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def _record(type_: str, required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "title": type_,
        "properties": {"type": {"type": "string", "const": type_}, **properties},
        "required": ["type", *(required if required is not None else properties)],
    }


def _file(media_types: list[str], pattern: str = "^.") -> dict[str, Any]:
    data = {"type": "string", "format": "byte", "pattern": pattern}
    return _record("base64", media_type={"type": "string", "enum": media_types}, data=data)


NOT_BLANK = {"type": "string", "pattern": r"\S"}
TEXT_BLOCK = _record("text", text=NOT_BLANK)
IMAGE_BLOCK = _record("image", source=_file(MEDIA_TYPES))
DOCUMENT_BLOCK = _record("document", source=_file(["application/pdf"], "^JVBERi"))  # %PDF-
ANY_BLOCK = {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]}
SENT = {
    "description": "Text, or Claude's content blocks: text, image, PDF document.",
    "oneOf": [
        NOT_BLANK,
        {"type": "array", "minItems": 1, "items": {"oneOf": [TEXT_BLOCK, IMAGE_BLOCK, DOCUMENT_BLOCK]}},
    ],
    "example": EXAMPLE,
}
ANY = {
    "description": "Text, or Claude's content blocks of any kind.",
    "oneOf": [{"type": "string"}, {"type": "array", "items": ANY_BLOCK}],
    "example": EXAMPLE,
}
ALL_OF_IT = "_schema"  # marshmallow's name for a fault of a whole object
SENT_TYPES = frozenset({"text", "image", "document"})


class Content(fields.Field[list[dict[str, Any]]]):
    """Content that is sent; it is kept as a list of blocks, each as it came."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=SENT, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        blocks = as_blocks(value)
        if not blocks:
            raise ValidationError("Needs at least one block.")
        for at, block in enumerate(blocks):
            if block.get("type") not in SENT_TYPES:
                raise ValidationError({at: {"type": [f"Must be one of: {', '.join(sorted(SENT_TYPES))}."]}})
        check("user", blocks)
        return blocks


class AnyContent(fields.Field[list[dict[str, Any]]]):
    """Content of a history: blocks of any kind that Claude knows, also none. `check` it with its role."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=ANY, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        return as_blocks(value) if value != "" else []


def as_blocks(value: Any) -> list[dict[str, Any]]:
    """Content as a list of blocks."""
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if not isinstance(value, list):
        raise ValidationError("Must be a string or a list of content blocks.")
    for at, block in enumerate(value):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise ValidationError({at: ["Must be an object with a `type`."]})
    return value


def check(role: str, blocks: list[dict[str, Any]]) -> None:
    """Raises ValidationError, by block and field, for what Claude would refuse in a message of this role."""
    faults: dict[Any, Any] = {}
    for one in rules.content_violations(role, blocks):
        first, *way = one.path.split(".")
        if role == "user" or not is_claudes_own(blocks[int(first)]):
            _put(faults, [int(first), *way], one.message)
    if faults:
        raise ValidationError(faults)


def _put(faults: dict[Any, Any], way: list[Any], message: str) -> None:
    """Add a message at the end of the way. The names on it are the caller's: any name may stand there."""
    for name in way:
        faults = faults.setdefault(f"{name}_" if name == ALL_OF_IT else name, {})
    faults.setdefault(ALL_OF_IT, []).append(message)


def is_claudes_own(block: dict[str, Any]) -> bool:
    """What Claude writes and does not take: empty text, and kinds of blocks that are newer than our rules."""
    is_blank = block["type"] == "text" and not str(block.get("text", "-")).strip()
    return is_blank or block["type"] not in rules.KNOWN_TYPES


class SaidMessage(StrictSchema):
    """A message of a history: who said it, and what."""

    role = fields.String(required=True, validate=validate.OneOf(["user", "assistant"]))
    content = AnyContent(required=True)

    @validates_schema(skip_on_field_errors=True)
    def check_content(self, values: dict[str, Any], **_: Any) -> None:
        """The blocks must be such as this role may say."""
        try:
            check(values["role"], values["content"])
        except ValidationError as error:
            raise ValidationError({"content": error.messages}) from error
