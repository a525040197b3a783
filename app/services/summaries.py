"""Summaries of what was said: made in the background ahead of need, or because somebody asks for one."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.billing.costs import cost_nano_usd
from app.billing.usage import Usage
from app.claude.stop import Stop
from app.context import summarising
from app.context.scene import Scene
from app.context.tokens import of_content, of_text
from app.errors import ColloquyError, NothingToCompact, UpstreamFailed
from app.extensions import parts
from app.models.base import new_id, now
from app.models.calls import SUMMARY, Call
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow
from app.services import calls, idempotency, prices, rates, sessions, tasks
from app.services.calls import Asker, Begun
from app.services.charges import Order
from app.services.idempotency import Claim, Made, Taken
from app.services.identity import Caller
from app.services.models import window_of
from app.services.settings import Wishes, settle
from app.services.tasks import Task
from app.services.transactions import reading, writing
from app.telemetry.logging import logger
from app.turns.runner import attempt

GREATEST_SHARE = 1.5  # of an estimate that leans to the high side
PAUSE_SECONDS = 0.2  # between two looks whether another call has made the summary
UNUSABLE, OUTDATED = "summary_unusable", "summary_outdated"
UNUSABLE_DETAIL = "Claude's summary is refused, unfinished, blank or far too long: try again."
OUTDATED_DETAIL = "What was to be summarised has been deleted meanwhile."
log_lines = logger("summaries")


class Once(Stop):
    """For a call that is not tried again: the next turn does that."""

    def wait(self, seconds: float) -> bool:
        """No further try is wanted."""
        return True


def refresh_soon(session_id: str, key_id: str | None = None) -> None:
    """Make the next summary in the background where the session wants one; whatever goes wrong ends here.

    It belongs after the end of a turn has been told, for it reads the session's setting at once.
    """
    of = parts()

    def _refresh() -> None:
        with of.context():
            attempt(lambda: refresh(session_id, key_id), "a summary could not be made")

    chat = None if of.is_draining else attempt(lambda: _wanting(session_id), "a setting could not be read")
    if chat:
        with suppress(RuntimeError):  # no more threads
            threading.Thread(target=_refresh, daemon=True).start()


def refresh(session_id: str, key_id: str | None = None) -> SummaryRow | None:
    """Make the next summary if one is wanted, a try is left and it can be paid; None where none was made."""
    chat = _wanting(session_id)
    task = tasks.foreseen(chat) if chat else None
    if task is None:
        return None
    try:
        begun = calls.begin(task, _order(task), key_id, is_limited=True)
        return _written(task, begun, Once()) if begun else None
    except ColloquyError as error:
        log_lines.warning("a summary failed: %s", error.detail, extra={"session_id": session_id})
        return None


def compact(caller: Caller, session_id: str, claim: Claim | None = None) -> SummaryRow:
    """Summarise all but what a cut would keep, or all but the newest turn; the next prompt begins after it.

    Raises NotFound, NothingToCompact, IdempotencyKeyReused, RateLimited, and what Claude fails with.
    """
    while True:
        with reading() as session:
            chat = sessions.own(session, caller, session_id)
            made = idempotency.made(session, caller, claim)
            row = tasks.newest(session, session_id, chat.head_id) if made else None
            if not made:
                rates.refuse_without_tokens(session, caller)
        if row is None:
            with suppress(Taken):
                row = _compacted(Asker(caller, claim), chat)
        if row:
            return row


def newest(session: Session, session_id: str, head_id: str | None) -> SummaryRow | None:
    """The summary that reaches furthest on the path to the head."""
    return tasks.newest(session, session_id, head_id)


def calls_of(session: Session, session_id: str) -> list[Call]:
    """The latest calls for summaries of a session."""
    return calls.latest(session, session_id)


def copied(session: Session, ids: dict[str, str], session_id: str) -> dict[str, str]:
    """Copy the summaries of messages that were copied to another session; `ids` are the new by the old.

    Returns the new ids of the summaries by the old ones.
    """
    old_id = select(Message.session_id).where(Message.id == next(iter(ids), "")).scalar_subquery()
    found = select(SummaryRow).where(SummaryRow.session_id == old_id).order_by(SummaryRow.id)
    rows = [row for row in session.scalars(found) if row.upto_id in ids]
    new_ids = dict(zip([row.id for row in rows], sorted(new_id("sum") for _ in rows), strict=True))
    names = [column.key for column in inspect(SummaryRow).column_attrs]
    copies = [
        {name: getattr(row, name) for name in names}
        | {
            "id": new_ids[row.id],
            "session_id": session_id,
            "upto_id": ids[row.upto_id],
            "previous_id": new_ids.get(row.previous_id or ""),
            "covered_ids": [ids[one] for one in row.covered_ids if one in ids],
        }
        for row in rows
    ]
    if copies:
        session.execute(insert(SummaryRow), copies)
    return new_ids


def _wanting(session_id: str) -> ChatSession | None:
    """The session, if it wants summaries."""
    with reading() as session:
        chat = session.scalar(select(ChatSession).where(ChatSession.id == session_id))
    return chat if chat and chat.head_id and (chat.context or {}).get("summary") else None


def _compacted(asker: Asker, chat: ChatSession) -> SummaryRow | None:
    """The summary that was asked for; None where it is not yet there."""
    ask = settle(Wishes(), chat)
    scene = tasks.scene_of(chat, ask, window_of(ask.model))
    if scene is None:
        raise NothingToCompact("Nothing has been said yet.")
    upto_depth = summarising.compacted_depth(scene)
    if upto_depth <= summarising.covered_depth(scene):
        return _taken(asker, chat, scene)
    task = tasks.task(chat, scene, upto_depth)
    if task is None:
        raise NothingToCompact(OUTDATED_DETAIL)
    begun = calls.begin(task, _order(task), asker.caller.key_id, is_limited=False)
    if begun is None:
        time.sleep(PAUSE_SECONDS)
        return None
    if task.is_last:
        return _written(replace(task, is_due=True), begun, Stop(), asker)
    _written(task, begun, Stop())
    return None


def _taken(asker: Asker, chat: ChatSession, scene: Scene) -> SummaryRow:
    """The summary that is there already and covers all of it: the next prompt takes it."""
    summary = scene.past.summary
    if summary and not summary.is_due and summary.upto_depth >= scene.past.path[0].depth:
        with writing() as session:
            idempotency.keep(session, asker.caller, asker.claim, Made(chat.id))
            row = session.scalar(select(SummaryRow).where(SummaryRow.id == summary.id))
            if row:
                row.is_due = True
                return row
    raise NothingToCompact("There is only the newest turn, or a summary covers all before it.")


def _order(task: Task) -> Order:
    """What a call may cost at the most; raises ModelNotPriced."""
    body = _request(task)
    found = prices.needed(body["model"])
    expected = sum(of_content(one["content"]) for one in body["messages"])
    greatest = Usage(round(GREATEST_SHARE * expected), output_tokens=body["max_tokens"])
    return Order(SUMMARY, body["model"], found.version, cost_nano_usd(found, greatest), Usage(expected))


def _request(task: Task) -> dict[str, Any]:
    return summarising.request(task.writer, task.previous, task.covered)


def _written(task: Task, begun: Begun, stop: Stop, asker: Asker | None = None) -> SummaryRow:
    """The summary, asked for and stored. Raises what Claude fails with, NothingToCompact and Taken."""
    came, error = calls.heard(_request(task), stop)
    text = summarising.usable_text(task.writer, came.content, came.stop_reason)
    if error or text is None:
        calls.end(begun, came, error.code if error else UNUSABLE)
        raise error or UpstreamFailed(UNUSABLE_DETAIL)
    row = _row(task, text)
    try:
        calls.end(begun, came, row, asker)
    except (IntegrityError, Taken) as refused:
        calls.end(begun, came, OUTDATED)
        if isinstance(refused, Taken):
            raise
        raise NothingToCompact(OUTDATED_DETAIL) from None
    return row


def _row(task: Task, text: str) -> SummaryRow:
    last = task.covered[-1]
    return SummaryRow(
        id=new_id("sum"),
        session_id=task.session_id,
        upto_id=last.id,
        upto_depth=last.depth,
        previous_id=task.previous_id,
        covered_ids=[entry.id for entry in task.covered],
        text=text,
        tokens=of_text(text),
        model=task.writer.limits.model,
        is_due=task.is_due,
        created_at=now(),
    )
