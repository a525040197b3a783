"""The shape of each content block, and which role may say it."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from app.claude.rules.shapes import (
    Check,
    anything,
    boolean,
    filled_text,
    followed_by,
    list_of,
    mapping,
    matching,
    nullable,
    one_of,
    record,
    tagged,
    text,
    text_or,
)
from app.claude.rules.violations import Violation

IMAGE_STARTS = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
CACHE_CONTROL = nullable(record({"type": one_of("ephemeral")}, {"ttl": one_of("5m", "1h")}))
TOOL_ID = matching(r"[a-zA-Z0-9_-]+")


def decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def image_type(content: bytes) -> str | None:
    """What the first bytes say an image is."""
    if content.startswith(b"RIFF") and content[8:12] != b"WEBP":
        return None
    return next((name for name, starts in IMAGE_STARTS.items() if content.startswith(starts)), None)


def _base64(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield from text(path, value)
    elif not decoded(value):
        yield Violation(path, "Invalid base64 data" if value else "data cannot be empty")


def _picture(path: str, source: Any) -> Iterator[Violation]:
    declared, found = source["media_type"], image_type(decoded(source["data"]) or b"")
    if found is None:
        yield Violation(path, "Could not process image")
    elif found != declared:
        appears = f"but the image appears to be a {found} image"
        yield Violation(path, f"The image was specified using the {declared} media type, {appears}")


def _pdf(path: str, source: Any) -> Iterator[Violation]:
    if not (decoded(source["data"]) or b"").lstrip().startswith(b"%PDF"):
        yield Violation(f"{path}.data", "The PDF specified was not valid.")


def _web_address(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield from text(path, value)
    elif not value.startswith("https://"):
        yield Violation(path, "Only HTTPS URLs are supported.")


def _source(**fields: Check) -> Check:
    return record({"type": anything, **fields}, {})


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record({"type": anything, **required}, {"cache_control": CACHE_CONTROL, **(optional or {})})


TEXT = _block({"text": filled_text}, {"citations": nullable(list_of(mapping))})

IMAGE = _block(
    {
        "source": tagged(
            {
                "base64": followed_by(_source(media_type=one_of(*IMAGE_STARTS), data=_base64), _picture),
                "url": _source(url=_web_address),
                "file": _source(file_id=text),
            }
        )
    },
    {"transformations": nullable(record({}, {"oversized_image": one_of("downsize", "error")}))},
)

_CITATIONS = record({}, {"enabled": boolean})

DOCUMENT = _block(
    {
        "source": tagged(
            {
                "base64": followed_by(_source(media_type=one_of("application/pdf"), data=_base64), _pdf),
                "text": _source(media_type=one_of("text/plain"), data=filled_text),
                "content": _source(content=text_or(list_of(tagged({"text": TEXT, "image": IMAGE})))),
                "url": _source(url=_web_address),
                "file": _source(file_id=text),
            }
        )
    },
    {"citations": nullable(_CITATIONS), "context": nullable(text), "title": nullable(text)},
)

SEARCH_RESULT = _block(
    {"content": list_of(tagged({"text": TEXT})), "source": text, "title": text}, {"citations": _CITATIONS}
)

_RESULT_CONTENT = {
    "text": TEXT,
    "image": IMAGE,
    "document": DOCUMENT,
    "search_result": SEARCH_RESULT,
    "tool_reference": _block({"tool_name": text}),
    "browser_state": _block({"tabs": list_of(mapping)}, {"state_changes": nullable(list_of(mapping))}),
}

TOOL_RESULT = _block(
    {"tool_use_id": TOOL_ID},
    {
        "content": text_or(list_of(tagged(_RESULT_CONTENT))),
        "is_error": boolean,
        "toolset_name": nullable(text),
    },
)

_USE = {"id": TOOL_ID, "input": mapping}
_CALLED = {"caller": nullable(mapping)}
_SERVER_TOOLS = (
    "web_search",
    "web_fetch",
    "code_execution",
    "bash_code_execution",
    "text_editor_code_execution",
    "tool_search_tool_regex",
    "tool_search_tool_bm25",
)
SERVER_RESULTS = frozenset(
    {
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
    }
)

_BLOCKS = {
    "text": TEXT,
    "image": IMAGE,
    "document": DOCUMENT,
    "search_result": SEARCH_RESULT,
    "thinking": record({"type": anything, "thinking": text, "signature": text}, {}),
    "redacted_thinking": record({"type": anything, "data": text}, {}),
    "tool_use": _block(
        {**_USE, "name": matching(r"[a-zA-Z0-9_-]{1,200}")}, {**_CALLED, "toolset_name": nullable(text)}
    ),
    "tool_result": TOOL_RESULT,
    "server_tool_use": _block({**_USE, "name": one_of(*_SERVER_TOOLS)}, _CALLED),
    "container_upload": _block({"file_id": text}),
    **dict.fromkeys(SERVER_RESULTS, _block({"tool_use_id": TOOL_ID, "content": anything}, _CALLED)),
}

CONTENT = text_or(list_of(tagged(_BLOCKS)))
SYSTEM = text_or(list_of(tagged({"text": TEXT})))

_SAID_BY_USER = frozenset({"text", "image", "document", "search_result", "tool_result", "container_upload"})
_SAID_BY_ASSISTANT = frozenset(_BLOCKS) - {"image", "document", "search_result", "tool_result"}
SAID_BY = {"user": _SAID_BY_USER, "assistant": _SAID_BY_ASSISTANT, "system": frozenset({"text"})}
