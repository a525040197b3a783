"""A turn in rounds: Claude is asked, the tools it calls are used, and it is asked again, to the end.

Nothing here knows where a prompt comes from or what a tool is: a turn that is replayed runs the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from app.claude.events import Event
from app.claude.stop import Stop
from app.errors import ColloquyError
from app.tools.values import Call, Result
from app.turns.log import Log
from app.turns.reply import Reply
from app.turns.run import Asking, Outcome, P, ending_of_stop, run

COMPLETE, REQUIRES_ACTION, INTERRUPTED = "complete", "requires_action", "interrupted"
TOOL_USE, PAUSED = "tool_use", "pause_turn"
OURS, APPROVAL, THEIRS = "ours", "approval", "result"
EVENT = "colloquy.tool"
Ended = Callable[[Result], None]


class Acts(Asking[P], Protocol[P]):
    """What a turn needs from above. `whose` says who carries a call out: OURS, APPROVAL or THEIRS."""

    def whose(self, call: Call) -> str:
        """Who carries it out."""

    def refusal(self, rounds: int) -> ColloquyError | None:
        """Why there is no further round after so many."""

    def use(self, calls: Sequence[Call], ended: Ended) -> Sequence[Result]:
        """Use tools; each result is told once it is there."""

    def keep(self, outcome: Outcome[P], results: Sequence[Result]) -> None:
        """Store a round that is over."""

    def next_prompt(self) -> P:
        """What Claude is asked after it; raises ColloquyError."""


@dataclass(frozen=True)
class Round:
    """What Claude's answer asks for: calls to carry out here, and those that wait for somebody else."""

    ours: Sequence[Call] = ()
    awaited: Sequence[tuple[Call, str]] = ()


def play(prompt: P, acts: Acts[P], log: Log, stop: Stop) -> Outcome[P]:
    """The whole turn. What is returned is its last answer; those before it were kept."""
    rounds = 0
    while True:
        outcome = run(prompt, acts, log, stop)
        asked = asked_for(outcome.reply, acts.whose) if outcome.status == COMPLETE else None
        rounds += 1
        if asked is None:
            return outcome
        if refusal := acts.refusal(rounds):
            return replace(outcome, status=INTERRUPTED, error=refusal)
        results = acts.use(asked.ours, _begun(asked.ours, log)) if asked.ours else ()
        if stop.is_set:
            status, error = ending_of_stop(stop)
            return replace(outcome, status=status, error=error)
        if asked.awaited:
            return replace(outcome, status=REQUIRES_ACTION, awaits=awaits(outcome.reply, asked, results))
        try:
            acts.keep(outcome, results)
            prompt = acts.next_prompt()
        except ColloquyError as error:
            return Outcome(prompt, Reply(), "failed", error)


def asked_for(reply: Reply, whose: Callable[[Call], str]) -> Round | None:
    """What a whole answer asks for before Claude goes on; None where it is the end."""
    if reply.stop_reason not in (TOOL_USE, PAUSED):
        return None
    calls = calls_in(reply.content) if reply.stop_reason == TOOL_USE else []
    if not calls:
        return Round() if reply.stop_reason == PAUSED else None
    by = [(call, whose(call)) for call in calls]
    return Round([call for call, who in by if who == OURS], [one for one in by if one[1] != OURS])


def calls_in(content: Iterable[dict[str, Any]]) -> list[Call]:
    """The calls of tools in an answer; one whose input is no object has an empty one."""
    uses = [one for one in content if one.get("type") == "tool_use"]
    return [Call(str(one.get("id")), str(one.get("name")), _object(one.get("input"))) for one in uses]


def begun(call: Call) -> Event:
    """A call begins."""
    about = {"tool_use_id": call.id, "name": call.name, "state": "begun", "input": call.input}
    return Event.made(EVENT, about)


def ended(result: Result) -> Event:
    """A call has ended."""
    about = {"tool_use_id": result.call.id, "name": result.call.name, "state": "ended"}
    said = {"status": result.status, "is_error": result.is_error, "ms": result.ms, "content": result.content}
    return Event.made(EVENT, {**about, **said})


def awaits(reply: Reply, asked: Round, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Every call of an answer in order: what it needs, or its result."""
    found = {one.call.id: {"tool_use_id": one.call.id, "result": one.as_block} for one in results}
    found |= {call.id: awaited(call, needs) for call, needs in asked.awaited}
    return [found[one.id] for one in calls_in(reply.content)]


def awaited(call: Call, needs: str) -> dict[str, Any]:
    """A call that waits, and for what."""
    return {"tool_use_id": call.id, "name": call.name, "input": dict(call.input), "needs": needs}


def _begun(calls: Sequence[Call], log: Log) -> Ended:
    for call in calls:
        log.append(begun(call))
    return partial(_note, log)


def _note(log: Log, result: Result) -> None:
    log.append(ended(result))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
