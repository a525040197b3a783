"""A trace as lines of text: who called whom, when, for how long, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Span = Mapping[str, Any]
LEAST_BAR, GAP, INDENT = 10, "  ", 2
WIDEST_NAMES = 0.4  # of the line
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Row:
    """A span, how deep it is, and its place in the time of the whole: both from 0 to 1."""

    span: Span
    depth: int
    begins: float
    ends: float


@dataclass(frozen=True)
class Line:
    """A line, and how the call that it is about ended; nothing where it only says more of it."""

    text: str
    status: str | None = None


def lines(root: Span, width: int, *, is_verbose: bool = False, bar: str = "█") -> Iterator[Line]:
    """The waterfall: a line for each call, with verbose what it was given and what it gave."""
    rows = list(_rows(root))
    names = [printable(f"{' ' * INDENT * one.depth}{one.span['name']}") for one in rows]
    ends = [f"{one.span['ms']:>10,.1f} ms  {one.span['status']:9}  {one.span['kind']}" for one in rows]
    longest_end = max(map(len, ends))
    widest = min(max(map(len, names)), max(int(width * WIDEST_NAMES), LEAST_BAR))
    space = max(width - widest - longest_end - 2 * len(GAP), LEAST_BAR)
    for row, name, end in zip(rows, names, ends, strict=True):
        drawn = _bar(row, space, bar)
        yield Line(f"{_cut(name, widest):{widest}}{GAP}{drawn}{GAP}{end}".rstrip(), row.span["status"])
        if is_verbose:
            yield from _details(row, width)


def printable(text: str) -> str:
    """A text that cannot steer a terminal, nor change the direction of what stands around it."""
    return "".join(one if one.isprintable() else "�" for one in text)


def _rows(root: Span) -> Iterator[Row]:
    began, whole = _at(root), max(root["ms"], 0.001)
    stack = [(root, 0)]
    while stack:
        span, depth = stack.pop()
        begins = min(max((_at(span) - began) / MILLISECOND / whole, 0.0), 1.0)
        yield Row(span, depth, begins, min(begins + span["ms"] / whole, 1.0))
        stack += [(one, depth + 1) for one in reversed(span["children"])]


def _at(span: Span) -> datetime:
    return datetime.fromisoformat(span["started_at"])


def _bar(row: Row, space: int, bar: str) -> str:
    first = min(int(row.begins * space), space - 1)
    last = max(round(row.ends * space), first + 1)
    return f"{' ' * first}{bar * (last - first)}".ljust(space)


def _details(row: Row, width: int) -> Iterator[Line]:
    for part in ("input", "output"):
        value = row.span[part]
        if value is not None:
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            begin = f"{' ' * INDENT * (row.depth + 1)}{part}: "
            yield Line(_cut(printable(f"{begin}{said[: 4 * width]}"), width))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
