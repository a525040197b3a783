"""What Claude makes of a request: its count, what of it is cached, and what it would refuse."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from app.claude import rules
from app.claude.rules import models
from app.claude.rules.models import Model
from app.claude.rules.prompts import Piece, pieces, without_markers
from app.claude.simulator import signing
from app.claude.simulator.counting import block_tokens, piece_tokens
from app.claude.simulator.errors import Refused


def model_of(request: Mapping[str, Any]) -> Model:
    """The model that is asked."""
    known = models.find(request["model"])
    assert known is not None
    return known


def counted(request: Mapping[str, Any]) -> int:
    """The simulator's count of a prompt, by its own rule for each block."""
    return sum(_sizes(request))


def cached_tokens(request: Mapping[str, Any]) -> int:
    """What of it is read from the cache or written to it: all up to the last marker, if it is enough."""
    sizes = list(accumulate(_sizes(request)))
    marked = [at for at, piece in enumerate(pieces(request)) if "cache_control" in piece.block]
    upto = sizes[marked[-1]] if marked else 0
    return upto if upto >= model_of(request).cache_minimum_tokens else 0


def output_tokens(content: list[dict[str, Any]], model: Model) -> int:
    """What an answer costs."""
    return sum(block_tokens(block, model) for block in content)


def refusals(request: dict[str, Any]) -> list[str]:
    """What Claude would find wrong: by its rules, and in the signatures of thinking."""
    found = [str(one) for one in rules.violations(request)]
    try:
        if not found:
            signing.verify(request, model_of(request))
    except Refused as refused:
        found = [f"signature: {refused.message}"]
    return found


def _sizes(request: Mapping[str, Any]) -> list[int]:
    id_ = str(request["model"])
    return [_size(_key(one), one.part, one.is_message, one.starts_turn, id_) for one in pieces(request)]


def _key(piece: Piece) -> str:
    return json.dumps(without_markers(piece.block), ensure_ascii=False)


@functools.lru_cache(100_000)
def _size(block: str, part: str, is_message: bool, starts_turn: bool, model: str) -> int:
    """The same block is counted once: regular expressions take their time."""
    piece = Piece("", part, json.loads(block), 0 if is_message else -1, starts_turn)
    return piece_tokens(piece, model_of({"model": model}))
