"""What every table shares: naming conventions, times in UTC, ids that sort by age."""

from __future__ import annotations

import functools
import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    insert,
    update,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from app.models.prepared import Prepared

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS = [one + other for one in ALPHABET for other in ALPHABET]
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_read = json.JSONDecoder().raw_decode  # twice as quick as `loads`, which looks for white space around
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # `dumps` makes one each time
RowNumber = BigInteger().with_variant(Integer, "sqlite")


class Model(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMES)


def table_of(model: type[Model]) -> Table:
    """Its table: what is asked of that goes without the ORM, which costs several times as much."""
    return cast(Table, model.__table__)


@functools.cache
def insert_into(model: type[Model]) -> Prepared:
    """Inserts rows, given by the names of columns."""
    return Prepared(insert(table_of(model)))


@functools.cache
def update_by(model: type[Model], name: str) -> Prepared:
    """Sets the columns that are given by name in the row whose column `name` is `:of`."""
    column: Column[Any] = table_of(model).c[name]
    return Prepared(update(table_of(model)).where(column == bindparam("of")))


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC: aware on both sides, also on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        found: datetime | None = value
        if found is None or found.tzinfo is UTC:
            return found
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """A JSON value as text: key order and every character are kept, because signatures depend on both."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = _written(value)
        return (
            text if text.isascii() else text.encode("utf-8", "replace").decode()
        )  # half a surrogate pair is no text

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else _read(value)[0]


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def new_id(prefix: str, at: datetime | None = None) -> str:
    """An id such as `ses_01k…`: 48 bits of milliseconds and 80 random bits, in Crockford's base 32.

    It says the time it is made, or another that it shall sort by.
    """
    return f"{prefix}_{_spelled(_milliseconds(at) << 80 | secrets.randbits(80))}"


def first_id(prefix: str, at: datetime) -> str:
    """The least id of a time: those from it on are no less."""
    return f"{prefix}_{_spelled(_milliseconds(at) << 80)}"


def _milliseconds(at: datetime | None) -> int:
    return max(int(at.timestamp() * 1_000), 0) if at else time.time_ns() // 1_000_000


def _spelled(bits: int) -> str:
    return "".join([PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])
