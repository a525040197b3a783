"""Counters in the database, the same for all processes, as the `limits` library wants them kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from limits.storage import Storage
from sqlalchemy import case, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.extensions import insert
from app.models.rate_counters import RateCounter


class Counters(Storage):
    """The counters as one transaction sees them; what it has counted or looked at is not read again.

    A counter's window begins with what is counted first, and is over when it expires, row or no row.
    """

    STORAGE_SCHEME = None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._seen: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library may wrap."""
        return SQLAlchemyError

    def look(self, keys: Sequence[str]) -> None:
        """Read several at once."""
        wanted = [key for key in keys if key not in self._seen]
        if not wanted:
            return
        live = select(RateCounter).where(RateCounter.key.in_(wanted), RateCounter.expires_at_ms > _now_ms())
        found = {one.key: (one.value, one.expires_at_ms / 1000) for one in self._session.scalars(live)}
        self._seen |= {key: found.get(key, (0, 0.0)) for key in wanted}

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, in one statement, so that two who count at once are both counted; the sum in the window."""
        at = _now_ms()
        row = {"key": key, "value": amount, "expires_at_ms": at + int(expiry * 1000)}
        begun = insert(RateCounter).values(row)
        is_over = RateCounter.expires_at_ms <= at
        new = begun.excluded
        sums: dict[str, Any] = {
            "value": case((is_over, new.value), else_=RateCounter.value + new.value),
            "expires_at_ms": case((is_over, new.expires_at_ms), else_=RateCounter.expires_at_ms),
        }
        counted = begun.on_conflict_do_update(index_elements=[RateCounter.key], set_=sums)
        value, until = self._session.execute(
            counted.returning(RateCounter.value, RateCounter.expires_at_ms)
        ).one()
        self._seen[key] = (value, until / 1000)
        return int(value)

    def get(self, key: str) -> int:
        """What was counted in the window; 0 where none has begun."""
        self.look([key])
        return self._seen[key][0]

    def get_expiry(self, key: str) -> float:
        """When the window ends, in Unix time; now where none has begun."""
        self.look([key])
        return self._seen[key][1] or time.time()

    def check(self) -> bool:
        """Whether there is a database: who has a transaction has one."""
        return True

    def reset(self) -> int:
        """Forget all."""
        self._seen.clear()
        return len(self._session.scalars(delete(RateCounter).returning(RateCounter.key)).all())

    def clear(self, key: str) -> None:
        """Forget one."""
        self._seen.pop(key, None)
        self._session.execute(delete(RateCounter).where(RateCounter.key == key))


def delete_expired(session: Session) -> None:
    """Forget the windows that are over."""
    session.execute(delete(RateCounter).where(RateCounter.expires_at_ms <= _now_ms()))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
