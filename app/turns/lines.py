"""Who waits, and who is at it: lines where who comes first is served first, and a crowd that is counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Lines:
    """A line for each name; whoever is first in it may go on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, deque[threading.Event]] = {}

    @contextmanager
    def waiting(self, name: str) -> Iterator[threading.Event]:
        """A place at the end of a line, kept within this block: the event is set when it is the first."""
        place = threading.Event()
        with self._lock:
            self._lines.setdefault(name, deque()).append(place)
            self._call(name)
        try:
            yield place
        finally:
            with self._lock:
                self._lines[name].remove(place)
                self._call(name)

    def _call(self, name: str) -> None:
        if self._lines[name]:
            self._lines[name][0].set()
        else:
            del self._lines[name]


class Crowd:
    """How many are in a block at the moment."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def __enter__(self) -> None:
        self._add(1)

    def __exit__(self, *_: object) -> None:
        self._add(-1)

    def wait_for_none(self, most_seconds: float) -> bool:
        """Return when nobody is in it, or after so many seconds; whether nobody is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._count, most_seconds)

    def _add(self, change: int) -> None:
        with self._changed:
            self._count += change
            self._changed.notify_all()
