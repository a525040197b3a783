"""Logs of turns that another process makes, kept up by looking where they are stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.claude.events import Event
from app.turns.log import Log
from app.turns.runner import keep_doing

PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Seen:
    """What is stored of turns after certain numbers, and which of them still run, all at one moment."""

    events: Mapping[str, Sequence[Event]]
    running: frozenset[str]


Look = Callable[[Mapping[str, int]], Seen]


class Tails:
    """One look, every few milliseconds, for all turns that are followed here and made elsewhere."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._logs: dict[str, Log] = {}

    def find(self, message_id: str) -> Log | None:
        """The log as far as it is stored, which grows while the turn runs; None where nothing is stored."""
        with self._lock:
            if message_id in self._logs:
                return self._logs[message_id]
        seen = self._look({message_id: 0})
        if not seen.events.get(message_id):
            return None
        log = Log(message_id, seen.events[message_id], is_closed=message_id not in seen.running)
        return log if log.is_closed else self._kept(log)

    def look(self) -> bool:
        """Take in what is new; False when nothing is left to look at."""
        time.sleep(PAUSE_SECONDS)
        with self._lock:
            logs = dict(self._logs)
        seen = self._look({one.message_id: one.written for one in logs.values()})
        for message_id, events in seen.events.items():
            logs[message_id].grow(events)
        with self._lock:
            for message_id in logs.keys() - seen.running:
                self._logs.pop(message_id).finish(())
            return bool(self._logs)

    def _kept(self, log: Log) -> Log:
        with self._lock:
            is_first = not self._logs
            kept = self._logs.setdefault(log.message_id, log)
        if is_first:
            keep_doing(self.look)
        return kept
