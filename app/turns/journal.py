"""Writing down what the running turns of a process say: all of them in one go, every few milliseconds."""

from __future__ import annotations

import threading
import time
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
        self._logs: dict[str, Log] = {}
        self._is_at_work = False

    def note(self, log: Log) -> None:
        """There is something to write."""
        if log.message_id in self._logs and not log.is_followed:  # it is known, and nobody waits for it
            return
        with self._news:
            self._logs[log.message_id] = log
            if not self._is_at_work:
                self._is_at_work = True
                keep_doing(self.write_next)
            self._news.notify_all()

    def write_next(self) -> bool:
        """Wait for something to write and write it; False when there was nothing for long."""
        with self._news:
            if not self._news.wait_for(lambda: bool(self._logs), IDLE_SECONDS):
                self._is_at_work = False
                return False
            self._news.wait_for(self._is_awaited, UNREAD_SECONDS)
            logs, self._logs = self._logs, {}
        try:
            self._write_all(list(logs.values()))
        except BaseException:
            with self._news:
                self._logs = {**logs, **self._logs}
            raise
        time.sleep(PAUSE_SECONDS)
        return True

    def _is_awaited(self) -> bool:
        return any(log.is_followed for log in self._logs.values())

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
