"""Lists: the cursor is the key of the last row, opaque to clients."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from app.api.bodies import is_keepable
from app.errors import Fault, Invalid
from app.services.pages import Ask, Page


def ask_of(query: Mapping[str, Any], order: str, key_types: tuple[type, ...]) -> Ask:
    """The page that is asked for; `order` is the list's own, and `key_types` what its keys are made of."""
    cursor = query.get("cursor")
    return Ask(
        limit=query["limit"],
        is_descending=query.get("order", order) == "desc",
        after=_decoded(cursor, key_types) if cursor else None,
    )


def envelope(page: Page[Any]) -> dict[str, Any]:
    """A page as it is answered."""
    cursor = None if page.next_key is None else _encoded(page.next_key)
    return {"data": page.rows, "has_more": cursor is not None, "next_cursor": cursor}


def _encoded(key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _decoded(cursor: str, key_types: tuple[type, ...]) -> list[Any]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        key = None
    if isinstance(key, list) and tuple(type(one) for one in key) == key_types and all(map(_is_key, key)):
        return key
    fault = Fault("/query/cursor", "Is not a cursor of this list.")
    raise Invalid("Take `next_cursor` of the page before as it is.", faults=[fault])


def _is_key(one: Any) -> bool:
    if isinstance(one, str):
        return is_keepable(one) and "\0" not in one
    if isinstance(one, float):
        return math.isfinite(one)
    return isinstance(one, int) and -(2**63) <= one < 2**63
