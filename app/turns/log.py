"""A turn's events in order, numbered from 1: one writer, many readers, each from any number on.

Readers get an event when it is written down (`wrote`), not before: what a client has seen is there after a
crash. `turns.journal` does the writing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from app.billing.usage import Usage
from app.claude.events import Event

Numbered = tuple[int, Event]
MOST_AT_ONCE = 200  # events


class Log:
    """The events of one turn, of which the first `written` are stored. Closing it wakes every reader."""

    def __init__(self, message_id: str, events: Iterable[Event] = (), *, is_closed: bool = False) -> None:
        self.message_id = message_id
        self.writer = threading.Lock()  # held by whoever writes events down
        self.is_closed = is_closed
        self.usage: Usage | None = None
        self.kept = 0  # so many events belong to messages that are stored
        self._events = list(events)
        self._written = len(self._events)
        self._followers = 0
        self._changed = threading.Condition(threading.Lock())
        self._wants_writing: Callable[[Log], None] = lambda _: None

    def write_with(self, wants_writing: Callable[[Log], None]) -> None:
        """Whom to tell that there is something to be written down."""
        self._wants_writing = wants_writing

    @property
    def events(self) -> list[Event]:
        """What there is so far, written or not."""
        return self._events[:]

    @property
    def written(self) -> int:
        """The number of the last event that is stored."""
        return self._written

    @property
    def is_followed(self) -> bool:
        """Whether a reader waits."""
        return self._followers > 0

    def append(self, event: Event) -> None:
        """Add an event; readers get it once it is written."""
        self._events.append(event)
        self._wants_writing(self)

    @property
    def has_unwritten(self) -> bool:
        """Whether there are events that are not stored yet."""
        return len(self._events) > self._written

    def unwritten(self) -> list[Event]:
        """The events that are not stored yet; they begin at number `written` + 1."""
        return self._events[self._written :]

    def wrote(self, upto: int) -> None:
        """The events up to this number are stored; readers that wait get them at once.

        Of a closed log none are left to tell: it may have been closed without its last ones.
        """
        with self._changed:
            self._written = max(self._written, min(upto, len(self._events)))
            self._changed.notify_all()

    def grow(self, events: Iterable[Event]) -> None:
        """More events that are stored: read, not written, by this process."""
        with self._changed:
            self._events.extend(events)
            self._written = len(self._events)
            self._changed.notify_all()

    def finish(self, ending: Iterable[Event]) -> None:
        """What was not stored is replaced by these events, which are; then it closes."""
        with self._changed:
            self._events[self._written :] = ending
            self._written = len(self._events)
            self.is_closed = True
            self._changed.notify_all()

    def wait(self, most_seconds: float | None = None) -> bool:
        """Return when it is closed, or after so many seconds; whether it is closed."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_closed, most_seconds)

    def follow(self, after: int = 0, ping_seconds: float | None = None) -> Iterator[Numbered | None]:
        """The events numbered above `after`, with their numbers, to the end; None after each silence."""
        for batch in self.batches(after, ping_seconds):
            yield from batch or (None,)

    def batches(self, after: int = 0, ping_seconds: float | None = None) -> Iterator[list[Numbered]]:
        """The same, as many at a time as are there, up to a limit; an empty list after each silence."""
        self._count(1)
        try:
            if self.has_unwritten:
                self._wants_writing(self)
            yield from self._batches(after, ping_seconds)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._followers += change

    def _has_news(self, at: int) -> bool:
        return self._written > at or self.is_closed

    def _batches(self, at: int, ping_seconds: float | None) -> Iterator[list[Numbered]]:
        while True:
            with self._changed:
                has_news = self._changed.wait_for(partial(self._has_news, at), ping_seconds)
                upto, is_closed = min(self._written, at + MOST_AT_ONCE), self.is_closed
                fresh = self._events[at:upto]
            if fresh or not has_news:
                yield list(enumerate(fresh, at + 1))
            at += len(fresh)
            if is_closed and at >= self._written:
                return
