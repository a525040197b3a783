"""A running turn is believed in while its process gives signs of life; then its message is `interrupted`."""

from __future__ import annotations

import os
import platform
import threading
from datetime import timedelta

from sqlalchemy import delete, select, update

from app.extensions import Parts, config, parts
from app.models.base import now
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.turns import Turn
from app.services.transactions import reading, writing
from app.telemetry.logging import logger

log_lines = logger("leases")
LOOKS_A_LEASE = 3


def holder() -> str:
    """This process, for others to recognise: host and process number."""
    return f"{platform.node()}:{os.getpid()}"


def lease_for(message_id: str, session_id: str) -> Turn:
    """The row that says that this process makes the answer."""
    until = now() + timedelta(seconds=config().lease_seconds)
    return Turn(message_id=message_id, session_id=session_id, holder=holder(), leased_until=until)


def renew() -> None:
    """Say that the turns of this process are alive."""
    running = parts().runner.running
    if running:
        until = now() + timedelta(seconds=config().lease_seconds)
        with writing() as session:
            session.execute(update(Turn).where(Turn.message_id.in_(running)).values(leased_until=until))


def recover(*, is_start: bool = False) -> int:
    """End the turns of processes that died: those whose lease ran out, and those known to be gone.

    At the start of a process, a turn held by its own number belongs to one before it.
    """
    with reading() as session:
        if not any(_is_lost(one, is_start) for one in session.scalars(select(Turn))):
            return 0
    with writing() as session:
        held = select(Turn.session_id)
        session.scalars(
            select(ChatSession.id).where(ChatSession.id.in_(held)).order_by(ChatSession.id).with_for_update()
        )
        turns = session.scalars(select(Turn).with_for_update())
        lost = {one.message_id: one.session_id for one in turns if _is_lost(one, is_start)}
        session.execute(delete(Turn).where(Turn.message_id.in_(lost)))
        running = Message.id.in_(lost) & (Message.status == "running")
        session.execute(update(Message).where(running).values(status="interrupted", updated_at=now()))
        session.execute(update(ChatSession).where(ChatSession.id.in_(lost.values())).values(updated_at=now()))
    log_lines.warning("%d answers of a process that died are interrupted", len(lost))
    return len(lost)


def keep_watch() -> None:
    """Renew and recover for as long as the process lives, in the background."""
    threading.Thread(target=_watch, args=(parts(), config().lease_seconds), daemon=True).start()


def _watch(of: Parts, lease_seconds: float) -> None:
    pause = threading.Event()
    while not pause.wait(lease_seconds / LOOKS_A_LEASE):
        with of.context():
            try:
                renew()
                recover()
            except Exception:
                log_lines.exception("leases could not be looked after; the next look is soon")


def _is_lost(turn: Turn, is_start: bool) -> bool:
    if turn.message_id in parts().runner.running:
        return False
    return turn.leased_until < now() or _is_gone(turn.holder, is_start)


def _is_gone(name: str, is_start: bool) -> bool:
    host, _, number = name.rpartition(":")
    if host != platform.node() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return is_start
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
