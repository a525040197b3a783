"""One page of a list, found by key: rows that come or go meanwhile neither repeat nor hide another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ask:
    """Which page: how many, in which order, and after which key."""

    limit: int = 50
    is_descending: bool = False
    after: list[Any] | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """The rows of a page, and the key to go on after; None where there is no more."""

    rows: Sequence[T]
    next_key: list[Any] | None = None


def cut(rows: Sequence[T], limit: int, key: Callable[[T], list[Any]]) -> Page[T]:
    """A page from up to limit + 1 rows: the one too many says that there is more."""
    kept = rows[:limit]
    return Page(kept, key(kept[-1]) if len(rows) > limit else None)
