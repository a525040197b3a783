"""Making one answer, in the background: play its rounds, store what came, and only then tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app.claude.events import Event
from app.context import Prompt
from app.errors import InternalError
from app.extensions import redactor
from app.services import books, endings, logs, processes, summaries, traces
from app.services.books import Learned
from app.services.endings import Ending
from app.services.jobs import Job
from app.services.rounds import Rounds
from app.services.transactions import patiently, reading, writing
from app.telemetry import tracing
from app.telemetry.tracing import Span
from app.turns.log import Log
from app.turns.rounds import play
from app.turns.run import Outcome
from app.turns.runner import Running

STATUSES = {"complete": tracing.OK, "requires_action": tracing.OK, "cancelled": tracing.CANCELLED}


def carry_out(job: Job, turn: Running) -> None:
    """Make the answer. Whoever saw `colloquy.done` finds it stored."""
    rounds = Rounds(job, turn)
    job.trace.input = {"system": job.prompt.system, "tools": list(job.prompt.tools)}
    with tracing.within(job.trace):
        outcome = play(job.prompt, rounds, turn.log, turn.stop)
        end(rounds.job, turn.log, outcome)
    if job.wants_summary:
        summaries.refresh_soon(job.session_id, job.payer.key_id)
    rounds.drain()


def give_up(job: Job, turn: Running) -> None:
    """End an answer whose making failed, with what was stored of it.

    Where that cannot be stored either, readers are let go without an end: the lease runs out, and whoever
    comes back finds how it ended.
    """
    log = turn.log
    if log.is_closed:
        return
    error = InternalError("The answer could not be finished; what came is kept. Ask for it again.")
    end(job, log, Outcome(job.prompt, logs.reply_of(log.events[log.kept :]), "failed", error))


def end(job: Job, log: Log, outcome: Outcome[Prompt]) -> None:
    """Store how it ended, and then tell. What another process has made of it meanwhile is told instead."""
    span = tracing.start("finish", said={"status": outcome.status}, has_own_work=True)
    learned = books.learned(job.prompt, outcome)
    ending = _ending(job, outcome, learned)
    log.usage = outcome.reply.usage
    with tracing.within(span), log.writer:
        last = patiently(lambda: _store(job, log, ending, learned), lambda: logs.catch_up(log))
        events = _told_by_others(log) or ending.events() if last is None else [*log.unwritten(), *last]
        log.finish(events)


def _store(job: Job, log: Log, ending: Ending, learned: Learned) -> Sequence[Event] | None:
    """The last events, as they are stored; None where it is not this process's turn any more."""
    with writing() as session:
        mine = {"holder": processes.name()}
        last = endings.store(session, ending, mine, log.written, log.unwritten())
        if last is None:  # deleted meanwhile, or ended by others: then nothing is open
            endings.settle(session, ending, id=job.charge_id)
        else:
            books.note(session, learned)
            _end_trace(job, ending)
            traces.store(session, job.trace, job.about)
    return last


def _end_trace(job: Job, ending: Ending) -> None:
    """Now, for what is still to come is storing the trace itself."""
    if span := tracing.at_work():
        tracing.end(span)
    status = STATUSES.get(ending.status, tracing.ERROR)
    said = {"status": ending.status, "error": ending.problem, "usage": _usage(job.trace)}
    tracing.end(job.trace, status, said)


def _usage(trace: Span) -> dict[str, int]:
    """The tokens of all its requests."""
    used = [one.output.get("usage") or {} for one in trace.children if one.name == "ask" and one.output]
    return dict(sum(map(Counter, used), Counter[str]()))


def _told_by_others(log: Log) -> Sequence[Event]:
    with reading() as session:
        return logs.stored(session, log.message_id, log.written)


def _ending(job: Job, outcome: Outcome[Prompt], learned: Learned) -> Ending:
    return Ending(
        job.session_id,
        job.message_id,
        job.request_id,
        outcome.reply,
        outcome.status,
        outcome.error,
        outcome.repairs,
        redactor().within(list(outcome.awaits)),
        learned.of_answer,
    )
