"""Writing down what the running turns of a process say: all of them in one go, every few milliseconds."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from app.turns.log import Log
from app.turns.runner import keep_doing

PAUSE_SECONDS = 0.02  # between two writes: hundreds of streams cost some tens of transactions a second
UNREAD_SECONDS = 0.25  # what nobody waits for may be written together with what comes next
IDLE_SECONDS = 30.0

Write = Callable[[Sequence[Log]], None]


class Journal:
    """Writes logs with `write`, which stores what is unwritten and tells the log, or raises."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._news = threading.Condition(threading.Lock())
        self._noted = deque[Log]()
        self._has_thread = self._is_writing = self._can_wait = False

    def note(self, log: Log) -> None:
        """There is something to write. While others are written it is enough to have said so."""
        self._noted.append(log)
        if self._is_writing or (self._can_wait and not log.is_followed):
            return
        with self._news:
            if not self._has_thread:
                self._has_thread = True
                keep_doing(self.write_next)
            self._news.notify_all()

    def write_next(self) -> bool:
        """Wait for something to write and write it; False when there was nothing for long."""
        with self._news:
            self._is_writing = False  # from here on it is told, and what was noted before is seen below
            if not self._news.wait_for(lambda: bool(self._noted), IDLE_SECONDS):
                self._has_thread = False
                return False
            self._can_wait = True
            self._news.wait_for(self._is_awaited, UNREAD_SECONDS)
            self._can_wait, self._is_writing = False, True
        logs = self._taken()
        try:
            self._write_all(logs)
        except BaseException:
            self._noted.extendleft(logs)
            raise
        time.sleep(PAUSE_SECONDS)
        return True

    def _is_awaited(self) -> bool:
        return any(log.is_followed for log in list(self._noted))

    def _taken(self) -> list[Log]:
        """Each log that was noted, once."""
        taken: dict[str, Log] = {}
        while self._noted:
            log = self._noted.popleft()
            taken[log.message_id] = log
        return list(taken.values())

    def _write_all(self, logs: Sequence[Log]) -> None:
        """A log that another thread is writing is left to it: that is how a turn ends."""
        mine = [log for log in logs if log.writer.acquire(blocking=False)]
        try:
            due = [log for log in mine if log.has_unwritten]
            if due:
                self._write(due)
        finally:
            for log in mine:
                log.writer.release()
