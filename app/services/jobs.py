"""A turn to carry out, as it is handed to the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.claude.events import Event
from app.context import Prompt
from app.services import receipts
from app.services.budgets import Payer
from app.services.idempotency import Made
from app.services.identity import Caller
from app.services.preparations import Draft, Start
from app.services.traces import About
from app.telemetry.tracing import Span


@dataclass(frozen=True)
class Job:
    """What the turn was begun with, the ids of its session and messages, and the request that began it.

    `start` is what the round at hand was prepared as; the `charge_id` is that of what the `payer` has
    reserved for it. `first_events` are what the log begins with, `trace` is its root.
    """

    caller: Caller
    draft: Draft
    made: Made
    parent_id: str | None
    start: Start
    request_id: str
    charge_id: str
    payer: Payer
    trace: Span
    wants_summary: bool = False

    @property
    def session_id(self) -> str:
        """The session."""
        return self.made.session_id

    @property
    def message_id(self) -> str:
        """The answer."""
        return self.made.message_id

    @property
    def about(self) -> About:
        """What its trace is about."""
        return About(self.message_id, self.session_id, self.caller.user_id, self.request_id)

    @property
    def prompt(self) -> Prompt:
        """What Claude is asked in the round at hand."""
        return self.start.prompt

    @property
    def ids(self) -> dict[str, Any]:
        """What `colloquy.turn` says."""
        return {**vars(self.made), "parent_id": self.parent_id}

    @property
    def first_events(self) -> list[Event]:
        """What the log begins with; the tools that were approved for it have been used."""
        turn, context = Event.made("colloquy.turn", self.ids), receipts.event(self.start.receipt)
        return [turn, context, *self.draft.events]
