"""Every rule of a Messages request that Claude refuses with 400. Pure: a request in, what is wrong out.

`messages.N` paths count from 0. Rules of one model are skipped for a model that isn't known here."""

from collections.abc import Mapping
from typing import Any

from app.claude.rules import blocks, requests, tools
from app.claude.rules.violations import Violation

__all__ = [
    "KNOWN_TYPES",
    "Violation",
    "content_violations",
    "counting_violations",
    "tool_violations",
    "violations",
]

KNOWN_TYPES = frozenset().union(*blocks.SAID_BY.values())


def violations(request: Mapping[str, Any]) -> list[Violation]:
    """What Claude would refuse in a request to `/v1/messages`; empty when it would answer."""
    return requests.violations(requests.ASKING, request)


def counting_violations(request: Mapping[str, Any]) -> list[Violation]:
    """The same for `/v1/messages/count_tokens`, which takes fewer fields."""
    return requests.violations(requests.COUNTING, request)


def tool_violations(tool: Any) -> list[Violation]:
    """What Claude would refuse in one tool's definition; paths are within it."""
    return [Violation(one.path.removeprefix("tool."), one.message) for one in tools.tool("tool", tool)]


def content_violations(role: str, content: list[dict[str, Any]]) -> list[Violation]:
    """What Claude would refuse in one message's content, whatever stands around it; paths are within it."""
    shape = list(blocks.CONTENT("content", content))
    wrong = [
        f"content.{at}.type"
        for at, block in enumerate(content)
        if block.get("type") not in blocks.SAID_BY[role]
    ]
    said = [Violation(path, f"Not a block that the {role} may send") for path in wrong]
    return [Violation(one.path.removeprefix("content."), one.message) for one in (shape or said)]
