"""What the next request of a session would hold, before anybody has said what it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context import Entry, Prompt, Sources
from app.models.calls import Call
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow
from app.services import pasts, receipts, sessions, summaries, tree
from app.services.identity import Caller
from app.services.models import window_of
from app.services.pasts import Known
from app.services.settings import Wishes, settle
from app.services.transactions import reading

PROBE = "…"


@dataclass(frozen=True)
class Shown:
    """The next request's receipt, without its new message; the summary in it or ahead, pins and calls."""

    receipt: dict[str, Any] | None
    summary: SummaryRow | None
    pinned_ids: list[str]
    calls: list[Call]


def shown(caller: Caller, session_id: str) -> Shown:
    """The context of a session, as it stands, that the caller may read."""
    with reading() as session:
        chat = sessions.readable(session, caller, session_id)
        ask = replace(settle(Wishes(), chat), recall_tokens=0)
        head = tree.message_at(session, chat.head_id)
        known = pasts.known(session, head, window_of(ask.model), ask)
        summary = summaries.newest(session, session_id, chat.head_id)
        pinned, calls = _pinned_ids(session, chat), summaries.calls_of(session, session_id)
    receipt = None
    if known.path:
        newest = _probe(known)
        prompt = _without(pasts.prompt_for(known, newest, ask, None), newest)
        receipt = receipts.of_prompt(prompt, known, ())
    return Shown(receipt, summary, pinned, calls)


def _probe(known: Known) -> list[Entry]:
    """Something to ask for a prompt with, where the last word is Claude's."""
    last = known.path[-1]
    if last.role == "user":
        return []
    said = [{"type": "text", "text": PROBE}]
    return [Entry("", "user", said, depth=last.depth + 1, is_instruction=True)]


def _without(prompt: Prompt, probe: list[Entry]) -> Prompt:
    """The prompt's plan as if the newest turn was history: the new message is still to come."""
    sources = prompt.plan.sources
    known = Sources(**{**vars(sources), "history": sources.history + sources.new - len(probe), "new": 0})
    return replace(prompt, plan=replace(prompt.plan, sources=known))


def _pinned_ids(session: Session, chat: ChatSession) -> list[str]:
    found = select(Message.id).where(Message.session_id == chat.id, Message.is_pinned)
    return list(session.scalars(found.order_by(Message.number)))
