"""Cache markers: at most four, the longer-lived first."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.claude.rules.prompts import markers, pieces
from app.claude.rules.violations import Violation

MOST_MARKERS = 4
_LATE = (
    "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
    "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
)


def violations(request: Mapping[str, Any]) -> Iterator[Violation]:
    marked = [
        (f"{piece.path}.{path}", ttl_of(marker))
        for piece in pieces(request)
        for path, marker in markers(piece.block)
    ]
    automatic = request.get("cache_control")
    target = last_cacheable(request)
    explicit = next((ttl for path, ttl in marked if path == f"{target}.cache_control"), None)
    if automatic and explicit is None:
        marked.append(("cache_control", ttl_of(automatic)))
    elif automatic and explicit != ttl_of(automatic):
        yield Violation("cache_control", _clash(ttl_of(automatic), explicit))
    if len(marked) > MOST_MARKERS:
        found = f"A maximum of {MOST_MARKERS} blocks with cache_control may be provided. Found {len(marked)}."
        yield Violation("", found)
    yield from _order(marked)


def _order(marked: list[tuple[str, str]]) -> Iterator[Violation]:
    has_short = False
    for path, ttl in marked:
        if ttl == "1h" and has_short:
            yield Violation(f"{path}.ttl", _LATE)
        has_short = has_short or ttl == "5m"


def _clash(automatic: str, explicit: str | None) -> str:
    return (
        f"Top-level cache_control has ttl='{automatic}' but the target block already has cache_control "
        f"with ttl='{explicit}'"
    )


def ttl_of(marker: Mapping[str, Any]) -> str:
    return str(marker.get("ttl", "5m"))


def last_cacheable(request: Mapping[str, Any]) -> str | None:
    """The path of the block that a top-level `cache_control` marks."""
    return next((piece.path for piece in reversed(list(pieces(request))) if piece.is_cacheable), None)
