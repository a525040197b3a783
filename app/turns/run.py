"""Listen to Claude: every event goes to the log, and what came is never lost, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.claude.events import Event
from app.errors import ColloquyError
from app.turns import reply
from app.turns.log import Log
from app.turns.reply import Reply


@dataclass(frozen=True)
class Outcome:
    """How a turn ended: the answer as far as it came, and the error that ended it, if one did."""

    reply: Reply
    error: ColloquyError | None = None

    @property
    def status(self) -> str:
        """The status of the message."""
        return "failed" if self.error else "complete"


def run(events: Iterator[Event], log: Log) -> Outcome:
    """Listen until the answer is complete; errors of Claude's are part of the outcome."""
    came: list[Event] = []
    error: ColloquyError | None = None
    try:
        for event in events:
            came.append(event)
            log.append(event)
            if event.name == "message_stop":
                break
    except ColloquyError as failure:
        error = failure
    return Outcome(reply.read(came), error)
