"""The rounds of a turn in the database: what Claude said and the tools found is stored, then it goes on.

Each round's answer and results become messages of their own before the answer in the making, which so stays
the last of its turn, under the id that was told at the begin.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.claude.events import Event
from app.context import Prompt, without_thinking
from app.errors import ColloquyError, ContextOverflow, TurnInterrupted, TurnLimitReached
from app.extensions import claude, config, dialect, redactor
from app.models.base import new_id, update_by
from app.models.charges import Charge
from app.models.messages import Message
from app.models.turns import Turn
from app.services import (
    bills,
    books,
    charges,
    endings,
    logs,
    preparations,
    processes,
    receipts,
    sessions,
    toolboxes,
    traces,
    tree,
)
from app.services.books import Learned
from app.services.jobs import Job
from app.services.preparations import GO_ON, After, Start
from app.services.transactions import patiently, reading, writing
from app.telemetry import tracing
from app.tools import dispatcher
from app.tools.values import Call, Result, Scene
from app.turns import veils
from app.turns.reply import Reply
from app.turns.rounds import Ended
from app.turns.run import Outcome
from app.turns.runner import Running

LOST = "Another process has ended this turn."
PLACE = (
    Message.parent_id,
    Message.branch_id,
    Message.depth,
    Message.bound_to,
    Message.context,
    Message.model,
)


class Rounds:
    """What a turn needs to be played (`turns.rounds.Acts`), on the database and on Claude."""

    def __init__(self, job: Job, turn: Running) -> None:
        self.job = job
        self._turn = turn
        self._asked: list[Iterator[Event]] = []
        self._ends_at = time.monotonic() + config().turn_seconds
        self._spent_nano_usd = 0
        self._last_id = ""
        self._is_paused = False

    def ask(self, prompt: Prompt) -> Iterator[Event]:
        """Claude's events, without secrets."""
        diagnostics = {"previous_message_id": self.job.start.known.upstream_id}
        events = claude().stream({**prompt.as_request(), "diagnostics": diagnostics}, self._turn.stop)
        self._asked.append(events)
        return veils.drawn(events, redactor())

    def drain(self) -> None:
        """Read every call to its end, or the connection could not be used again."""
        for events in self._asked:
            with suppress(ColloquyError):
                deque(events, maxlen=0)
        self._asked.clear()

    def shorten(self, prompt: Prompt, refusal: ContextOverflow) -> tuple[Prompt, Event]:
        """The prompt that is sent where Claude found this one too long, and what is in it."""
        shorter, receipt = self.job.start.shortened(prompt, refusal)
        return shorter, receipts.event(receipt)

    def bare(self, prompt: Prompt) -> Prompt:
        """The prompt that is sent where Claude refused the thinking in this one."""
        return without_thinking(prompt)

    def whose(self, call: Call) -> str:
        """Who carries a call out."""
        return self.job.start.toolbox.whose(call)

    def refusal(self, rounds: int) -> ColloquyError | None:
        """Why there is no further round."""
        if rounds >= config().turn_rounds:
            return TurnLimitReached(
                f"The turn has had its {rounds} rounds (COLLOQUY_TURN_ROUNDS): send a message to go on."
            )
        if time.monotonic() > self._ends_at:
            seconds = config().turn_seconds
            return TurnLimitReached(
                f"The turn has had its {seconds:g} seconds (COLLOQUY_TURN_SECONDS): send a message to go on."
            )
        return None

    def use(self, calls: Sequence[Call], ended: Ended) -> Sequence[Result]:
        """Use tools of the server's."""
        ids = (self.job.caller.user_id, self.job.session_id, self.job.message_id)
        with tracing.span("use_tools", has_own_work=True):
            self.drain()
            return dispatcher.use_all(
                self.job.start.toolbox.tools,
                calls,
                Scene(*ids, self._turn.stop),
                toolboxes.limits(config()),
                ended,
            )

    def keep(self, outcome: Outcome[Prompt], results: Sequence[Result]) -> None:
        """Store the round; raises TurnInterrupted where the turn is not this process's any more."""
        ids = [new_id("msg") for _ in range(2 if results else 1)]
        log, learned = self._turn.log, books.learned(self.job.prompt, outcome)
        with tracing.span("keep", has_own_work=True), log.writer:
            last = patiently(lambda: self._keep(ids, outcome, results, learned), lambda: logs.catch_up(log))
            log.grow(last)
            log.kept = log.written
        self._last_id, self._is_paused = ids[-1], not results

    def next_prompt(self) -> Prompt:
        """Prepare the next round, and reserve what it may cost; raises ColloquyError."""
        start = self._prepared()
        charge_id = new_id("chg")
        with tracing.span("go_on", has_own_work=True), writing() as session:
            _held(session, self.job)
            answering = update(Message).where(Message.id == self.job.message_id)
            session.execute(answering.values(**start.of_answer))
            about = {"id": charge_id, "message_id": self.job.message_id}
            charges.open_for(session, self.job.payer, start.order, **about)
        self.job = replace(self.job, start=start, charge_id=charge_id)
        self._turn.log.append(receipts.event(start.receipt))
        return start.prompt

    def _prepared(self) -> Start:
        draft, most = self.job.draft, self.job.draft.max_cost_nano_usd
        left = None if most is None else max(most - self._spent_nano_usd, 0)
        draft = replace(
            draft,
            content=None,
            session_id=self.job.session_id,
            after=After(self._last_id),
            answers_id=self.job.made.user_message_id,
            instruction=GO_ON if self._is_paused else None,
            expected_plan=None,
            max_cost_nano_usd=left,
        )
        with tracing.span("admit"), reading() as session:
            chat = sessions.own(session, self.job.caller, self.job.session_id)
        return preparations.prepare(self.job.caller, draft, chat)

    def _keep(
        self, ids: Sequence[str], outcome: Outcome[Prompt], results: Sequence[Result], learned: Learned
    ) -> list[Event]:
        """In one transaction: the messages, their usage and cost, the log; returns its last events."""
        job, log = self.job, self._turn.log
        with writing() as session:
            turn = _held(session, job)
            if tree.message_at(session, ids[0]):  # it was stored, though the database did not say so
                return logs.stored(session, job.message_id)[log.written :]
            said = {**endings.of_answer(outcome.reply), **learned.of_answer}
            _store_messages(session, job, ids, said | {"repairs": list(outcome.repairs) or None}, results)
            books.note(session, learned)
            endings.count(session, job.session_id, outcome.reply, len(ids))
            costs = self._paid(session, ids[0], outcome.reply)
            events = [*log.unwritten(), *costs]
            logs.store(session, job.message_id, log.written, events)
            turn.kept_events = log.written + len(events)
            traces.store(session, job.trace, job.about)
            return costs

    def _paid(self, session: Session, message_id: str, came: Reply) -> list[Event]:
        """Pay for the round's request, for the message that it made; the receipt."""
        charge = charges.settle(session, came, is_refused=False, id=self.job.charge_id)
        if charge is None:
            return []
        charge.message_id = message_id
        update_by(Charge, "id").run(session, {"of": charge.id, "message_id": message_id})
        self._spent_nano_usd += charge.cost_nano_usd or 0
        return [bills.event(charge)]


def _store_messages(
    session: Session, job: Job, ids: Sequence[str], said: Mapping[str, Any], results: Sequence[Result]
) -> None:
    """What Claude said and the tools found, before the answer in the making, which stays the last."""
    answer, *others = rows = _made_room(session, job, ids)
    answer.status, answer.role = "complete", "assistant"
    for name, value in said.items():
        setattr(answer, name, value)
    for row in others:
        row.status, row.role = "complete", "user"
        row.content = redactor().within([one.as_block for one in results], veils.SEALED)
    session.add_all(rows)
    session.flush()
    for row in rows:
        tree.index(session, row, job.caller.user_id)
    _put_last(session, job.message_id)


def _held(session: Session, job: Job) -> Turn:
    """The turn, which must still be this process's."""
    endings.lock(session, job.session_id)
    mine = (Turn.message_id == job.message_id) & (Turn.holder == processes.name())
    turn = session.scalar(select(Turn).where(mine))
    if turn is None:
        raise TurnInterrupted(LOST)
    return turn


def _made_room(session: Session, job: Job, ids: Sequence[str]) -> list[Message]:
    """The answer in the making moves down; new messages, still empty, in the place where it was."""
    answer = session.execute(select(*PLACE).where(Message.id == job.message_id)).one()
    branch_id = ids[0] if answer.branch_id == job.message_id else answer.branch_id
    place = {"parent_id": ids[-1], "branch_id": branch_id, "depth": answer.depth + len(ids)}
    session.execute(update(Message).where(Message.id == job.message_id).values(**place))
    parents = [answer.parent_id, *ids]
    of_answer = {"bound_to": answer.bound_to, "context": answer.context, "model": answer.model}
    return [
        Message(
            id=id_,
            session_id=job.session_id,
            parent_id=parents[at],
            branch_id=branch_id,
            depth=answer.depth + at,
            turn_id=job.message_id,
            **(of_answer if at == 0 else {}),
        )
        for at, id_ in enumerate(ids)
    ]


def _put_last(session: Session, message_id: str) -> None:
    """Number a message after all others: it follows those that were stored since."""
    newest: Any = func.nextval(func.pg_get_serial_sequence("messages", "number"))
    if dialect() == "sqlite":
        newest = select(func.max(Message.number) + 1).scalar_subquery()
    session.execute(update(Message).where(Message.id == message_id).values(number=newest))
