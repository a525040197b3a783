"""A turn played again from what was recorded of it: the same code runs, and nothing is asked or called.

What it asks Claude is made anew from the stored messages and compared with what was sent; Claude's events and
the tools' results are those of the log; what comes out is compared with what was stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.claude.events import Event
from app.claude.stop import Reason, Stop
from app.errors import ColloquyError, ContextOverflow, NotFound, ThinkingRefused, from_problem
from app.extensions import redactor
from app.models.messages import Message
from app.services import logs, traces, transcripts
from app.services.transactions import reading
from app.services.transcripts import Transcript
from app.tools.values import Call, Result
from app.turns.log import Log
from app.turns.rounds import EVENT, OURS, Ended, play
from app.turns.run import THINKING_REMOVED, Outcome
from app.turns.veils import SEALED

Tree = Mapping[str, Any]
STOPPED: Mapping[str, Reason] = {"cancelled": "cancelled", "interrupted": "interrupted"}
REFUSED = (ThinkingRefused.code,)  # what was sent held thinking that no later prompt may hold


@dataclass(frozen=True)
class Replay:
    """What came of it: how often Claude was asked and tools were used, and what differs."""

    message_id: str
    asked: int
    used: int
    differences: Sequence[str]


@dataclass(frozen=True)
class Record:
    """A turn as it was recorded: its messages, what was asked, Claude's events, and what tools found."""

    rows: Sequence[Message]
    asked: Sequence[Tree]
    prompts: Sequence[Transcript]
    events: Sequence[Event]
    results: Mapping[str, Result]
    needs: Mapping[str, str]
    receipt: Event

    @property
    def answer(self) -> Message:
        """The answer itself."""
        return self.rows[-1]


def replay(message_id: str) -> Replay:
    """Play a turn again; raises NotFound where too little of it is kept."""
    return again(recorded(message_id))


def again(record: Record) -> Replay:
    """Play it; this reads and opens nothing."""
    stop = Stop()
    player = Player(record, stop)
    outcome = play(player.next_prompt(), player, Log(record.answer.id), stop)
    player.compare_end(outcome)
    return Replay(record.answer.id, player.asked, player.used, player.differences)


def recorded(message_id: str) -> Record:
    """Read all that was recorded."""
    trace = traces.named(message_id)
    with reading() as session:
        rows = transcripts.rows_of_turn(session, trace.message_id)
        events = logs.stored(session, trace.message_id)
        if not events:
            raise NotFound(
                f"The events of {trace.message_id} are kept no more (COLLOQUY_EVENTS_KEPT_SECONDS)."
            )
        asked = [one for one in trace.spans["children"] if one["name"] == "ask"]
        said = trace.spans["input"]
        prompts = [transcripts.rebuilt(session, rows[-1], said, one["input"]) for one in asked]
    ended = [one.payload for one in events if one.name == EVENT and one.payload["state"] == "ended"]
    done = events[-1].payload
    return Record(
        rows,
        asked,
        prompts,
        [one for one in events if not one.name.startswith("colloquy.") and one.name != "error"],
        {one["tool_use_id"]: _result(one) for one in ended},
        {one["tool_use_id"]: one["needs"] for one in done.get("awaits", ())},
        [one for one in events if one.name == "colloquy.context"][-1],
    )


def _result(said: Mapping[str, Any]) -> Result:
    call = Call(said["tool_use_id"], said["name"], {})
    return Result(call, said["content"], said["is_error"], said["status"], said["ms"])


@dataclass
class Player:
    """Gives a turn what it was given then (`turns.rounds.Acts`), and notes what it does otherwise."""

    record: Record
    stop: Stop
    asked: int = 0
    used: int = 0
    differences: list[str] = field(default_factory=list)
    _rounds: int = 0
    _heard: int = 0
    _prompts: int = 0

    def ask(self, prompt: Transcript) -> Iterator[Event]:
        """The events that came then, and the error that broke them off."""
        span = self.record.asked[self.asked]
        self.asked += 1
        came = span["output"] or {}
        self._compare_prompt(prompt, span)
        at, self._heard = self._heard, self._heard + came.get("events", 0)
        yield from self.record.events[at : self._heard]
        if "error" in came:
            reason = STOPPED.get(self.record.answer.status)
            if reason:
                self.stop.set(reason)
            raise self._error_of(came)

    def shorten(self, prompt: Transcript, refusal: ContextOverflow) -> tuple[Transcript, Event]:
        """What was asked next."""
        if self.asked >= len(self.record.asked):
            raise refusal
        return self.next_prompt(), self.record.receipt

    def bare(self, prompt: Transcript) -> Transcript:
        """What was asked next."""
        return self.next_prompt()

    def whose(self, call: Call) -> str:
        """Who carried it out."""
        return self.record.needs.get(call.id, OURS)

    def refusal(self, rounds: int) -> ColloquyError | None:
        """Why there was no further round, where that was so."""
        problem = self.record.answer.problem
        is_last = self.asked == len(self.record.asked)
        is_refused = is_last and problem and problem["code"] == "turn_limit_reached"
        return from_problem(problem) if problem and is_refused else None

    def use(self, calls: Sequence[Call], ended: Ended) -> Sequence[Result]:
        """What the tools found then; a call that was not made then is a difference."""
        missing = [one for one in calls if one.id not in self.record.results]
        if missing and (reason := STOPPED.get(self.record.answer.status)):
            self.stop.set(reason)
            return []
        self.differences += [f"{one.name} is called, which was not called then" for one in missing]
        self.used += len(calls)
        found = [self.record.results[one.id] for one in calls if one.id in self.record.results]
        for one in found:
            ended(one)
        return found

    def keep(self, outcome: Outcome[Transcript], results: Sequence[Result]) -> None:
        """Compare a round with the messages that it was kept as."""
        kept = [one for one in self.record.rows[self._rounds :] if one is not self.record.answer]
        self._rounds += 2 if results else 1
        self._compare_answer(outcome, kept[0])
        if results:
            blocks = redactor().within([one.as_block for one in results], SEALED)
            self._compare("what tools found", kept[1].content, blocks)

    def next_prompt(self) -> Transcript:
        """What was asked next, made anew; raises what stood in its way then."""
        if self._prompts >= len(self.record.prompts):
            raise self._error(self.record.answer.problem or {})
        self._prompts += 1
        return self.record.prompts[self._prompts - 1]

    def compare_end(self, outcome: Outcome[Transcript]) -> None:
        """Compare the end with the answer that was stored."""
        answer = self.record.answer
        self._compare_answer(outcome, answer)
        self._compare("status", answer.status, outcome.status)
        self._compare(
            "error", (answer.problem or {}).get("code"), outcome.error.code if outcome.error else None
        )
        self._compare("repairs", answer.repairs or [], list(outcome.repairs))
        self._compare("requests to Claude", len(self.record.asked), self.asked)

    def _compare_answer(self, outcome: Outcome[Transcript], row: Message) -> None:
        came = outcome.reply
        self._compare("content", row.content, redactor().within(came.content, SEALED))
        self._compare("stop_reason", row.stop_reason, came.stop_reason)
        for name, tokens in came.usage.tokens.items() if came.usage else ():
            self._compare(name, getattr(row, name), tokens)

    def _compare_prompt(self, prompt: Transcript, span: Tree) -> None:
        if (span["output"] or {}).get("error") not in REFUSED:
            self._compare(f"request {self.asked}", span["input"]["bound_to"], prompt.bound_to)

    def _compare(self, what: str, then: Any, now: Any) -> None:
        if then != now:
            self.differences.append(f"{what} was {_short(then)}, and is {_short(now)}")

    def _error_of(self, came: Tree) -> ColloquyError:
        """What broke off a request; where it was thinking that Claude refused, that was mended."""
        repairs = self.record.rows[self._rounds].repairs or []
        is_mended = THINKING_REMOVED in repairs and came["error"] == ThinkingRefused.code
        return ThinkingRefused(came["detail"]) if is_mended else self._error(came)

    def _error(self, said: Mapping[str, Any]) -> ColloquyError:
        return from_problem({"code": said.get("error") or said.get("code"), "detail": said.get("detail")})


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
