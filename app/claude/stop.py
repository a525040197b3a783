"""Ending a call to Claude from outside of the thread that makes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Reason = Literal["cancelled", "interrupted"]


class Stop:
    """Asked of one call: it wakes whoever waits, and closes the connection that the call is using."""

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._close: Callable[[], None] | None = None

    @property
    def is_set(self) -> bool:
        """Whether the call shall end."""
        return self._asked.is_set()

    def set(self, reason: Reason) -> None:
        """End the call, now; only the first reason counts."""
        with self._lock:
            self.reason = self.reason or reason
            self._asked.set()
            if self._close:
                self._close()

    def wait(self, seconds: float) -> bool:
        """Wait; True at once when the call shall end."""
        return self._asked.wait(seconds)

    def attach(self, close: Callable[[], None]) -> None:
        """Say how the connection of the call is closed; if the call shall end, it is closed at once."""
        with self._lock:
            self._close = close
            if self.is_set:
                close()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within this block, connections that this thread writes to attach themselves."""
        CURRENT.set(self)
        try:
            yield
        finally:
            CURRENT.set(None)
            with self._lock:
                self._close = None  # the connection may serve another call now


CURRENT: ContextVar[Stop | None] = ContextVar("current_stop", default=None)
