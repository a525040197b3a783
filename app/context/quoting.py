"""What was said earlier as a quotation for Claude: data with a date and a speaker, never an instruction."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from app.context.values import Block, Entry

FILES = frozenset({"image", "document"})
OWN_TAG = re.compile(r"<(?=/?(?:message|recalled_messages|pinned_messages|summary)\b)", re.IGNORECASE)


def message(entry: Entry) -> str:
    """One message with its date and who said it."""
    when = f' date="{entry.at:%Y-%m-%d %H:%M} UTC"' if entry.at else ""
    return f'<message from="{entry.role}"{when}>\n{escaped(text_of(entry.content))}\n</message>'


def escaped(text: str) -> str:
    """The text so that nothing in it can end the quotation it stands in."""
    return OWN_TAG.sub("&lt;", text)


def text_of(content: Iterable[Block]) -> str:
    """What of a message can be quoted; of a file, that there was one."""
    return "\n".join(filter(None, (_said(block) for block in content)))


def _said(block: Block) -> str:
    kind = str(block.get("type"))
    if kind == "text":
        return str(block.get("text", "")).strip()
    if kind == "tool_use":
        called = json.dumps(block.get("input"), ensure_ascii=False)
        return f"[calls {block.get('name')} with {called}]"
    if kind == "tool_result":
        inner = block.get("content", "")
        return f"[result: {inner if isinstance(inner, str) else text_of(inner)}]"
    return f"[{kind}]" if kind in FILES else ""
