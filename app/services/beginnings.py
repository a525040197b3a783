"""How a turn begins in the database: the message, its answer in the making, the log's first event."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.errors import NotAwaited
from app.models.base import new_id, now
from app.models.messages import REQUIRES_ACTION, Message
from app.models.sessions import ChatSession
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
        chat = _locked(session, caller, draft, start)
        answer = _insert(session, chat, draft, start)
        job = Job(
            caller=caller,
            draft=draft,
            made=made,
            parent_id=parent.id if parent else None,
            start=start,
            request_id=request_id,
            charge_id=charge_id,
            payer=Payer(caller.user_id, caller.key_id, chat.id),
            trace=trace,
            wants_summary=bool(chat.context and chat.context.get("summary")),
        )
        trace.about |= {"session_id": chat.id, "message_id": answer.id}
        session.add(leases.lease_for(answer, request_id))
        logs.store(session, answer.id, 0, job.first_events)
        # Last, for all of a budget's sends wait for each other from here to the commit.
        charges.open_for(session, job.payer, start.order, id=charge_id, message_id=answer.id)
    return job


def _locked(session: Session, caller: Caller, draft: Draft, start: Start) -> ChatSession:
    """The session, which must be free and stand where it was when the prompt was made; or a new one."""
    if not draft.session_id:
        return sessions.added(session, caller, start.made.session_id)
    chat = sessions.locked(session, caller, draft.session_id)
    sessions.refuse_if_busy(session, chat.id)
    if draft.after:
        followed = parent_of(session, chat.id, draft.after)
        if followed and draft.settles_id == followed.id:
            settle(followed)
    elif chat.head_id != (start.parent.id if start.parent else None):
        raise HeadMoved
    return chat


def settle(awaiting: Message) -> None:
    """What an answer waited for is there; raises NotAwaited where it waits no more."""
    if awaiting.status != REQUIRES_ACTION:
        raise NotAwaited("The answer waits for no results any more: they were handed in before.")
    awaiting.status, awaiting.awaits, awaiting.updated_at = "complete", None, now()


def _insert(session: Session, chat: ChatSession, draft: Draft, start: Start) -> Message:
    """The message, if it is new, and its answer in the making; the session goes on from there."""
    made, rows = start.made, list[Message]()
    if draft.content is None:
        place = tree.place_after(session, start.parent, made.message_id)
    else:
        asked_at = tree.place_after(session, start.parent, made.user_message_id)
        rows.append(_asked(draft, start, asked_at))
        place = tree.Place(made.user_message_id, asked_at.branch_id, asked_at.depth + 1)
    answer = Message(
        id=made.message_id, session_id=chat.id, role="assistant", status="running", **vars(place)
    )
    answer.content = []
    for name, value in start.of_answer.items():
        setattr(answer, name, value)
    session.add_all([*rows, answer])
    session.flush()
    for row in rows:
        tree.index(session, row, chat.user_id)
    chat.head_id, chat.messages, chat.updated_at = answer.id, chat.messages + len(rows) + 1, now()
    return answer


def _asked(draft: Draft, start: Start, place: tree.Place) -> Message:
    ids = {"id": start.made.user_message_id, "session_id": start.made.session_id}
    return Message(
        **ids,
        role="user",
        content=draft.content,
        status="complete",
        estimated_tokens=dict(start.prompt.expected.fresh).get(start.made.user_message_id),
        tokens_model=start.prompt.model,
        client_metadata=draft.metadata,
        **vars(place),
    )
