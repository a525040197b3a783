"""One page of a list, found by key: rows that come or go meanwhile neither repeat nor hide another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select

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


def keyed(statement: Select[T], column: Any, ask: Ask) -> Select[T]:
    """The statement for the page that is asked for, and the one row after it, in the order of a column."""
    if ask.after:
        key = ask.after[0]
        statement = statement.where(column < key if ask.is_descending else column > key)
    order = column.desc() if ask.is_descending else column
    return statement.order_by(None).order_by(order).limit(ask.limit + 1)


def listed(rows: Sequence[T], key: Callable[[T], str], ask: Ask) -> Page[T]:
    """A page of rows that are all there, in their order; a key that is gone begins anew."""
    keys = [key(one) for one in rows]
    start = keys.index(ask.after[0]) + 1 if ask.after and ask.after[0] in keys else 0
    return cut(rows[start : start + ask.limit + 1], ask.limit, lambda one: [key(one)])


def cut(rows: Sequence[T], limit: int, key: Callable[[T], list[Any]]) -> Page[T]:
    """A page from up to limit + 1 rows: the one too many says that there is more."""
    kept = rows[:limit]
    return Page(kept, key(kept[-1]) if len(rows) > limit else None)
