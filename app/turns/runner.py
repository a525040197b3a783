"""Turns in the background of the process: a thread each, which under gevent is a greenlet.

A client that leaves changes nothing, because no turn belongs to a client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.telemetry.logging import logger
from app.turns.log import Log

log_lines = logger("turns")
PAUSE_SECONDS = 0.05


class Runner:
    """The turns of this process that run now, by message id."""

    def __init__(self) -> None:
        self._logs: dict[str, Log] = {}

    @property
    def running(self) -> list[str]:
        """The messages that are being made here."""
        return list(self._logs)

    def start(self, message_id: str, work: Callable[[Log], None], give_up: Callable[[Log], None]) -> Log:
        """Begin a turn; `work` writes the log, `give_up` ends it if that fails."""
        log = self._logs[message_id] = Log()
        threading.Thread(target=self._carry_out, args=(message_id, work, give_up, log), daemon=True).start()
        return log

    def wait(self, most_seconds: float) -> None:
        """Return when no turn runs here any more, or after so many seconds."""
        ends_at = time.monotonic() + most_seconds
        while self._logs and time.monotonic() < ends_at:
            time.sleep(PAUSE_SECONDS)

    def _carry_out(
        self, message_id: str, work: Callable[[Log], None], give_up: Callable[[Log], None], log: Log
    ) -> None:
        try:
            work(log)
        except Exception:
            log_lines.exception("a turn failed", extra={"message_id": message_id})
            give_up(log)
        finally:
            del self._logs[message_id]
            log.close()
