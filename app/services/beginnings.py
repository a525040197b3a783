"""How a turn begins in the database: the message, its answer in the making, the log's first event."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.errors import NotAwaited
from app.models.base import insert_into, new_id, now
from app.models.messages import REQUIRES_ACTION, Message, insert_message
from app.models.sessions import ChatSession, move_head, select_head
from app.services import charges, idempotency, leases, logs, sessions, tree
from app.services.budgets import Payer
from app.services.idempotency import Claim
from app.services.identity import Caller
from app.services.jobs import Job
from app.services.preparations import Draft, HeadMoved, Start, parent_of
from app.services.transactions import writing
from app.telemetry import tracing


def store(caller: Caller, draft: Draft, start: Start, request_id: str, claim: Claim | None) -> Job:
    """Store it in one transaction.

    Raises NotFound, SessionBusy, NotAwaited, BudgetExhausted, HeadMoved, and Taken where the same request was
    faster.
    """
    made, parent, charge_id, trace = start.made, start.parent, new_id("chg"), tracing.root()
    with tracing.span("store", has_own_work=True), writing() as session:
        idempotency.keep(session, caller, claim, made)
        context = _locked(session, caller, draft, start)
        _insert(session, caller.user_id, draft, start)
        job = Job(
            caller=caller,
            draft=draft,
            made=made,
            parent_id=parent.id if parent else None,
            start=start,
            request_id=request_id,
            charge_id=charge_id,
            payer=Payer(caller.user_id, caller.key_id, made.session_id),
            trace=trace,
            wants_summary=bool(context and context.get("summary")),
        )
        trace.about |= {"session_id": made.session_id, "message_id": made.message_id}
        leases.take(session, made.session_id, made.message_id, request_id)
        logs.store(session, made.message_id, 0, job.first_events)
        # Last, for all of a budget's sends wait for each other from here to the commit.
        charges.open_for(session, job.payer, start.order, id=charge_id, message_id=made.message_id)
    return job


def _locked(session: Session, caller: Caller, draft: Draft, start: Start) -> dict[str, Any] | None:
    """The session's settings of the context, or None for a new one.

    It must be free and stand where it was when the prompt was made.
    """
    session_id = start.made.session_id
    if not draft.session_id:
        stands = {"head_id": start.made.message_id, "messages": 1 if draft.content is None else 2}
        insert_into(ChatSession).run(session, {"id": session_id, "user_id": caller.user_id, **stands})
        return None
    chat = select_head().row(session, {"id": session_id, "user_id": caller.user_id})
    if chat is None:
        raise sessions.missing(session_id)
    sessions.refuse_if_busy(session, session_id)
    if draft.after:
        followed = parent_of(session, session_id, draft.after)
        if followed and draft.settles_id == followed.id:
            settle(followed)
    elif chat.head_id != (start.parent.id if start.parent else None):
        raise HeadMoved
    context: dict[str, Any] | None = chat.context
    return context


def settle(awaiting: Message) -> None:
    """What an answer waited for is there; raises NotAwaited where it waits no more."""
    if awaiting.status != REQUIRES_ACTION:
        raise NotAwaited("The answer waits for no results any more: they were handed in before.")
    awaiting.status, awaiting.awaits, awaiting.updated_at = "complete", None, now()


def _insert(session: Session, user_id: str, draft: Draft, start: Start) -> None:
    """The message, if it is new, and its answer in the making; the session goes on from there."""
    made, new_messages = start.made, 1
    if draft.content is None:
        place = tree.place_after(session, start.parent, made.message_id)
    else:
        asked_at = tree.place_after(session, start.parent, made.user_message_id)
        _insert_asked(session, user_id, draft.content, draft, start, asked_at)
        place = tree.Place(made.user_message_id, asked_at.branch_id, asked_at.depth + 1)
        new_messages = 2
    ids = {"id": made.message_id, "session_id": made.session_id}
    answer = {**ids, "role": "assistant", "status": "running", "content": [], **vars(place)}
    insert_message().run(session, {**answer, **start.of_answer})
    if draft.session_id:
        more = {"at_id": made.message_id, "more_messages": new_messages, "at": now()}
        move_head().run(session, {"of": made.session_id, **more})


def _insert_asked(
    session: Session,
    user_id: str,
    content: list[dict[str, Any]],
    draft: Draft,
    start: Start,
    place: tree.Place,
) -> None:
    made = start.made
    row = {
        "id": made.user_message_id,
        "session_id": made.session_id,
        "role": "user",
        "content": content,
        "status": "complete",
        "estimated_tokens": dict(start.prompt.expected.fresh).get(made.user_message_id),
        "tokens_model": start.prompt.model,
        "metadata": draft.metadata,
        **vars(place),
    }
    number = insert_message().value(session, row)
    tree.index_content(session, number, content, session_id=made.session_id, user_id=user_id)
