"""Turns in the background of the process: a thread each, which under gevent is a greenlet.

A client that leaves changes nothing, because no turn belongs to a client.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.claude.events import Event
from app.errors import InternalError
from app.telemetry.logging import logger
from app.turns.log import Log

log_lines = logger("turns")


class Runner:
    """The turns of this process that run now, by message id."""

    def __init__(self) -> None:
        self._logs: dict[str, Log] = {}

    @property
    def running(self) -> list[str]:
        """The messages that are being made here."""
        return list(self._logs)

    def start(self, message_id: str, work: Callable[[Log], None]) -> Log:
        """Begin a turn; `work` writes the log, which is closed whatever happens."""
        log = self._logs[message_id] = Log()
        threading.Thread(target=self._carry_out, args=(message_id, work, log), daemon=True).start()
        return log

    def _carry_out(self, message_id: str, work: Callable[[Log], None], log: Log) -> None:
        try:
            work(log)
        except Exception:
            log_lines.exception("a turn failed", extra={"message_id": message_id})
            log.error = InternalError("The answer could not be stored. Ask for it again.")
            log.append(Event.made("error", log.error.as_problem()))
        finally:
            del self._logs[message_id]
            log.close()
