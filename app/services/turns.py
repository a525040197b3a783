"""Sending: store the message and an answer in the making, then hand over to the runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context import Entry, assemble
from app.errors import NotFound, SessionBusy
from app.extensions import parts
from app.models.base import new_id, now
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.services import leases, sessions, tree
from app.services.answers import Job, carry_out, give_up
from app.services.identity import Caller
from app.services.models import window_of
from app.services.settings import Wishes, settle
from app.services.transactions import reading, writing
from app.turns.log import Log

TRIES_AT_THE_HEAD = 3
EVENTS_BEFORE_CLAUDE = 1  # colloquy.turn


@dataclass(frozen=True)
class Draft:
    """What is sent: content blocks, and what is wished for the answer; no session id makes a session."""

    content: list[dict[str, Any]]
    session_id: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """A turn that was begun: the ids of its messages, and the log of its events."""

    job: Job
    log: Log


def start(caller: Caller, draft: Draft, request_id: str) -> Begun:
    """Store the message and begin its answer.

    Raises NotFound, ContextOverflow and SessionBusy before anything is stored; the rest is in the log.
    """
    for _ in range(TRIES_AT_THE_HEAD):
        job = _store(caller, draft, request_id)
        if job:
            return _hand_over(job)
    raise _busy(draft.session_id)


def opened(begun: Begun) -> Log:
    """The log, once Claude has begun to answer; what failed before that is raised: it still fits a status."""
    first = next(begun.log.follow(after=EVENTS_BEFORE_CLAUDE), None)
    if first is None or first[1].name == "error":
        finished(begun)
    return begun.log


def finished(begun: Begun) -> tuple[Message, Message]:
    """The message and its answer, once that has ended; raises what it failed with, which names both."""
    for _ in begun.log.follow():
        pass
    if begun.log.error:
        begun.log.error.about = begun.job.ids
        raise begun.log.error
    with reading() as session:
        ids = [begun.job.user_message_id, begun.job.message_id]
        found = {one.id: one for one in session.scalars(select(Message).where(Message.id.in_(ids)))}
    if len(found) < len(ids):
        raise NotFound("The session was deleted while it answered.")
    return found[ids[0]], found[ids[1]]


def _store(caller: Caller, draft: Draft, request_id: str) -> Job | None:
    """Store both messages in one transaction; None where the head moved while the prompt was made."""
    ids = new_id("msg"), new_id("msg")
    with reading() as session:
        chat = sessions.own(session, caller, draft.session_id) if draft.session_id else None
    if chat and chat.is_running:
        raise _busy(chat.id)
    ask = settle(draft.wishes, chat)
    limits = window_of(ask.model)
    with reading() as session:
        head = tree.message_at(session, chat.head_id if chat else None)
        path = tree.newest_entries(session, head, limits.window_tokens)
    prompt = assemble([*path, Entry(ids[0], "user", draft.content)], ask, limits)
    with writing() as session:
        chat = _idle(session, caller, chat.id) if chat else _new_session(session, caller)
        if chat.head_id != (head.id if head else None):
            return None
        _insert_pair(session, chat, head, ids, draft, prompt.model)
        job = Job(chat.id, ids[0], ids[1], chat.head_id, prompt, request_id)
        chat.head_id, chat.messages, chat.updated_at = ids[1], chat.messages + len(ids), now()
    return job


def _hand_over(job: Job) -> Begun:
    of = parts()

    def _within(act: Callable[[Job, Log], None]) -> Callable[[Log], None]:
        def _act(log: Log) -> None:
            with of.context():
                act(job, log)

        return _act

    return Begun(job, of.runner.start(job.message_id, _within(carry_out), _within(give_up)))


def _idle(session: Session, caller: Caller, session_id: str) -> ChatSession:
    """The session as it is now, locked until the commit; raises SessionBusy while it answers."""
    chat = sessions.locked(session, caller, session_id)
    if chat.is_running:
        raise _busy(session_id)
    return chat


def _new_session(session: Session, caller: Caller) -> ChatSession:
    chat = ChatSession(user_id=caller.user_id, messages=0)
    session.add(chat)
    session.flush()
    return chat


def _insert_pair(
    session: Session, chat: ChatSession, head: Message | None, ids: tuple[str, str], draft: Draft, model: str
) -> None:
    """The message, and its answer in the making, below the head."""
    place = tree.place_after(session, head, ids[0])
    asked = Message(
        id=ids[0], session_id=chat.id, role="user", content=draft.content, status="complete", **vars(place)
    )
    asked.client_metadata = draft.metadata
    below = vars(tree.Place(ids[0], place.branch_id, place.depth + 1))
    answer = Message(id=ids[1], session_id=chat.id, role="assistant", content=[], status="running", **below)
    answer.model = model
    session.add_all([asked, answer])
    session.flush()
    session.add(leases.lease_for(answer.id, chat.id))
    tree.index(session, asked, chat.user_id)


def _busy(session_id: str | None) -> SessionBusy:
    return SessionBusy(
        f"{session_id} is answering another message: wait until it is done.", headers={"Retry-After": "1"}
    )
