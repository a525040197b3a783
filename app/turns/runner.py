"""Turns in the background of the process: a thread each, which under gevent is a greenlet.

A client that leaves changes nothing, because no turn belongs to a client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from app.claude.stop import Reason, Stop
from app.telemetry import origins, tracing
from app.telemetry.logging import logger
from app.telemetry.origins import Origin
from app.turns.log import Log

T = TypeVar("T")
log_lines = logger("turns")
PAUSE_SECONDS = 0.05
PAUSE_AFTER_FAILURE_SECONDS = 0.5


@dataclass(frozen=True)
class Running:
    """A turn that runs here: what it says, and how to end it."""

    log: Log
    stop: Stop = field(default_factory=Stop)


Work = Callable[[Running], None]


class Runner:
    """The turns of this process that run now, by message id."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}

    @property
    def running(self) -> list[str]:
        """The messages that are being made here; one that is stored may still have its connection to end."""
        return [message_id for message_id, turn in list(self._running.items()) if not turn.log.is_closed]

    def find(self, message_id: str) -> Running | None:
        """The turn, if it runs here."""
        return self._running.get(message_id)

    def start(self, log: Log, work: Work, give_up: Work) -> Running:
        """Begin a turn; `work` writes the log, `give_up` ends it if that fails."""
        turn = Running(log)
        of = partial(self._carry_out, turn, work, give_up, tracing.origin())
        thread = threading.Thread(target=of, daemon=True)
        self._running[log.message_id] = turn
        try:
            thread.start()
        except RuntimeError:  # no more threads: the lease runs out
            del self._running[log.message_id]
            raise
        return turn

    def stop(self, message_id: str, reason: Reason) -> bool:
        """End a turn, keeping what came; whether it runs here."""
        turn = self.find(message_id)
        if turn:
            turn.stop.set(reason)
        return turn is not None

    def stop_all(self, reason: Reason) -> None:
        """End every turn that runs here; what came is kept."""
        for turn in list(self._running.values()):
            turn.stop.set(reason)

    def wait(self, most_seconds: float) -> bool:
        """Return when no turn runs here any more, or after so many seconds; whether none runs."""
        ends_at = time.monotonic() + most_seconds
        while self.running and time.monotonic() < ends_at:
            time.sleep(PAUSE_SECONDS)
        return not self.running

    def _carry_out(self, turn: Running, work: Work, give_up: Work, origin: Origin | None) -> None:
        origins.AT_WORK.set(origin)
        try:
            work(turn)
        except Exception:
            log_lines.exception("a turn failed", extra={"message_id": turn.log.message_id})
            attempt(partial(give_up, turn), "a turn could not be ended; its lease runs out")
        finally:
            del self._running[turn.log.message_id]
            turn.log.finish(())


def attempt(act: Callable[[], T], says: str) -> T | None:
    """What it returns; an error in it is logged, and ends here."""
    try:
        return act()
    except Exception:
        log_lines.exception(says)
        return None


def keep_doing(act: Callable[[], bool]) -> None:
    """Do something in the background again and again until it returns False; an error doesn't end it."""

    def _go_on() -> None:
        goes_on: bool | None = True
        while goes_on is not False:
            goes_on = attempt(act, "something in the background failed; it is tried again soon")
            if goes_on is None:
                time.sleep(PAUSE_AFTER_FAILURE_SECONDS)

    threading.Thread(target=_go_on, daemon=True).start()
