"""A turn's events in order, numbered from 1: one writer, many readers, each from any number on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from app.claude.events import Event
from app.errors import ColloquyError
from app.turns.reply import Usage


class Log:
    """The events of one turn. Closing it wakes every reader."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self.is_closed = False
        self.error: ColloquyError | None = None
        self.usage: Usage | None = None
        self._changed = threading.Condition()

    def append(self, event: Event) -> None:
        """Add an event; readers that wait get it at once."""
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more will come; `error` and `usage` say how it ended."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    @property
    def events(self) -> list[Event]:
        """What there is so far."""
        return self._events[:]

    def follow(self, after: int = 0, ping_seconds: float | None = None) -> Iterator[tuple[int, Event] | None]:
        """The events numbered above `after`, with their numbers, to the end; None after each silence."""
        at = after
        while True:
            with self._changed:
                has_news = len(self._events) > at or self.is_closed or self._changed.wait(ping_seconds)
                fresh, is_closed = self._events[at:], self.is_closed
            for event in fresh:
                at += 1
                yield at, event
            if not has_news:
                yield None
            if is_closed and at >= len(self._events):
                return
