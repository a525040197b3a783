"""How a turn begins in the database: the message, its answer in the making, the log's first event."""

from __future__ import annotations

from app.models.base import new_id, now
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.services import charges, idempotency, leases, logs, preparations, sessions, tree
from app.services.budgets import Payer
from app.services.idempotency import Claim
from app.services.identity import Caller
from app.services.jobs import Job
from app.services.preparations import Draft, HeadMoved, Start
from app.services.transactions import writing
from sqlalchemy.orm import Session


def store(caller: Caller, draft: Draft, start: Start, request_id: str, claim: Claim | None) -> Job:
    """Store it in one transaction.

    Raises NotFound, SessionBusy, BudgetExhausted, HeadMoved, and Taken where the same request was faster.
    """
    made, parent = start.made, start.parent
    with writing() as session:
        idempotency.keep(session, caller, claim, made)
        if draft.session_id:
            chat = sessions.locked(session, caller, draft.session_id)
            sessions.refuse_if_busy(session, chat.id)
        else:
            chat = sessions.added(session, caller, made.session_id)
        if draft.after:
            _parent(session, chat.id, draft.after)
        elif chat.head_id != (parent.id if parent else None):
            raise HeadMoved
        answer = _insert(session, chat, draft, start)
        parent_id = parent.id if parent else None
        payer, charge_id = Payer(caller.user_id, caller.key_id, chat.id), new_id("chg")
        job = Job(
            **vars(made),
            parent_id=parent_id,
            prompt=start.prompt,
            receipt=start.receipt,
            shorten=start.shortened,
            request_id=request_id,
            charge_id=charge_id,
            payer=payer,
            wants_summary=bool(chat.context and chat.context.get("summary")),
            previous_id=start.known.upstream_id,
        )
        session.add(leases.lease_for(answer, request_id))
        logs.store(session, answer.id, 0, job.first_events)
        # Last, for all of a budget's sends wait for each other from here to the commit.
        charges.open_for(session, payer, start.order, id=charge_id, message_id=answer.id)
    return job


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
    answer.content, answer.model, answer.bound_to = [], start.prompt.model, start.prompt.bound_to
    answer.context, answer.context_state = start.receipt, start.prompt.state.as_json()
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
