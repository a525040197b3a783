"""Counts what a database is asked and what it answers, whichever it is: cursors that count what they give."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine, event

NUMBER_BYTES = 8


@dataclass
class Counts:
    """Since the last `counted` began, by all threads: statements, rows read, bytes read and written."""

    statements: int = 0
    rows: int = 0
    read_bytes: int = 0
    written_bytes: int = 0


_counts = Counts()


def count_all() -> None:
    """Count on every connection that is made from now on."""
    event.listen(Engine, "do_connect", _connect)
    event.listen(Engine, "before_cursor_execute", _note_statement)


@contextmanager
def counted() -> Iterator[Counts]:
    """What was counted in this block, when it has ended."""
    found = Counts()
    before = Counts(**vars(_counts))
    yield found
    for name, value in vars(_counts).items():
        setattr(found, name, value - getattr(before, name))


class _Counting:
    """A cursor that counts the rows it gives."""

    def fetchone(self) -> Any:
        row = super().fetchone()  # type: ignore[misc]
        _noted([] if row is None else [row])
        return row

    def fetchmany(self, *size: Any, **more: Any) -> Any:
        return _noted(super().fetchmany(*size, **more))  # type: ignore[misc]

    def fetchall(self) -> Any:
        return _noted(super().fetchall())  # type: ignore[misc]


class _SqliteCursor(_Counting, sqlite3.Cursor):
    pass


class _PostgresqlCursor(_Counting, psycopg.Cursor[Any]):
    pass


class _SqliteConnection(sqlite3.Connection):
    def cursor(self, factory: Any = _SqliteCursor) -> Any:
        return super().cursor(factory)


def _connect(dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    if dialect.name == "sqlite":
        parameters["factory"] = _SqliteConnection
    else:
        parameters["cursor_factory"] = _PostgresqlCursor


def _note_statement(*given: Any) -> None:
    _connection, _cursor, _statement, parameters, _context, is_many = given
    _counts.statements += 1
    _counts.written_bytes += sum(map(_size, parameters if is_many else [parameters]))


def _noted(rows: Sequence[Any]) -> Sequence[Any]:
    _counts.rows += len(rows)
    _counts.read_bytes += sum(map(_size, rows))
    return rows


def _size(values: Any) -> int:
    """The bytes of a row or of a statement's parameters, about."""
    given = values.values() if isinstance(values, dict) else values
    return sum(len(one) if isinstance(one, str | bytes) else NUMBER_BYTES for one in given)
