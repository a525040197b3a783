"""What a thinking block's signature is bound to: the model, the system text, the tools and all that was said
before. Cache markers don't count, text equals its block, and same roles in a row are one turn. Pure."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.claude.rules.prompts import Piece, pieces, without_markers


class Prefix:
    """A digest that grows piece by piece; `digest()` may be asked at any point."""

    def __init__(self, *seed: object) -> None:
        self._hash = hashlib.sha256(_rendered(seed))

    def add(self, piece: Piece) -> None:
        self._hash.update(_rendered((piece.part, without_markers(piece.block))))

    def digest(self) -> str:
        return self._hash.hexdigest()


def _rendered(value: object) -> bytes:
    # Key order counts, as it does for Claude.
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def prefix_digest(request: Mapping[str, Any]) -> str:
    """What the thinking in the answer to `request` will be bound to."""
    prefix = Prefix(request["model"])
    for piece in pieces(request):
        prefix.add(piece)
    return prefix.digest()


def thinking_digests(request: Mapping[str, Any]) -> Iterator[tuple[Piece, str]]:
    """Each thinking block that `request` sends back, with the digest of all that now comes before it."""
    prefix = Prefix(request["model"])
    for piece in pieces(request):
        if piece.block.get("type") == "thinking":
            yield piece, prefix.digest()
        prefix.add(piece)
