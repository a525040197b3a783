"""Listen to Claude: every event goes to the log, and what came is never lost, however it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from app.claude.events import Event
from app.claude.stop import Stop
from app.errors import ColloquyError, ContextOverflow, ThinkingRefused, TurnInterrupted
from app.telemetry import tracing
from app.turns.log import Log
from app.turns.reply import Reading, Reply

THINKING_REMOVED, SHORTENED = "thinking_removed", "shortened"
REPAIRS = (THINKING_REMOVED, SHORTENED)
INTERRUPTED = (
    "The server stopped before the answer was complete; what came is kept: continue or regenerate it."
)


class Sendable(Protocol):
    """A prompt, as far as a turn looks into it."""

    @property
    def record(self) -> dict[str, Any]:
        """What was decided for it."""


P = TypeVar("P", bound=Sendable)


class Asking(Protocol[P]):
    """What asking Claude needs from above."""

    def ask(self, prompt: P) -> Iterator[Event]:
        """Claude's events for a prompt."""

    def shorten(self, prompt: P, refusal: ContextOverflow) -> tuple[P, Event]:
        """The prompt where Claude found this one too long, and what is in it; raises ContextOverflow."""

    def bare(self, prompt: P) -> P:
        """The prompt where Claude refused the thinking in it."""


@dataclass(frozen=True)
class Outcome(Generic[P]):
    """How a turn ended: the answer as far as it came, its status, and the error that ended it, if one did.

    `repairs` says what had to be changed in the prompt, which is the one that was answered; `receipt` is the
    event that says what is in it, where that was changed. `awaits` are calls that a client must answer.
    """

    prompt: P
    reply: Reply
    status: str
    error: ColloquyError | None = None
    repairs: Sequence[str] = ()
    receipt: Event | None = None
    awaits: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Heard:
    """What came of one call: how many events, what they add up to, and what broke it off."""

    events: int
    reply: Reply
    error: ColloquyError | None


def run(prompt: P, acts: Asking[P], log: Log, stop: Stop) -> Outcome[P]:
    """Listen until the answer is complete; errors of Claude's are part of the outcome.

    Where Claude refuses thinking that is sent back, it is asked once more without; where it counts more
    tokens than its window holds, once more with less.
    """
    repairs, receipt = list[str](), None
    heard = asked(prompt, acts, log)
    while heard.error and not heard.events and (repair := _repair_for(heard.error, repairs)):
        repairs.append(repair)
        if isinstance(heard.error, ContextOverflow):
            try:
                prompt, receipt = acts.shorten(prompt, heard.error)
            except ContextOverflow as refusal:
                heard = Heard(0, Reply(), refusal)
                break
        else:
            prompt = acts.bare(prompt)
        heard = asked(prompt, acts, log, receipt)
    status, error = ending(heard, stop)
    return Outcome(prompt, heard.reply, status, error, repairs, receipt)


def _repair_for(error: ColloquyError, done: Sequence[str]) -> str | None:
    """What may help against a refusal; each is tried once."""
    if isinstance(error, ThinkingRefused) and THINKING_REMOVED not in done:
        return THINKING_REMOVED
    if isinstance(error, ContextOverflow) and SHORTENED not in done:
        return SHORTENED
    return None


def asked(prompt: P, acts: Asking[P], log: Log, receipt: Event | None = None) -> Heard:
    """Ask once, and listen; the trace has what was asked, and how many events came."""
    with tracing.span("ask", said=prompt.record, has_own_work=True) as span:
        heard = listen(acts.ask(prompt), log, receipt)
        usage = heard.reply.usage
        span.output = {"events": heard.events, "stop_reason": heard.reply.stop_reason}
        span.output["usage"] = usage.tokens if usage else None
        if heard.error:
            span.fail(tracing.ERROR, {**span.output, **tracing.described(heard.error)})
    return heard


def listen(events: Iterator[Event], log: Log, receipt: Event | None = None) -> Heard:
    """Take in one answer to its end, or to where it breaks off; a new receipt stands before it."""
    reading, came = Reading(), 0
    try:
        for event in events:
            if receipt and not came:
                log.append(receipt)
            came += 1
            log.append(event)
            reading.take(event)
            event.slim()
            if event.name == "message_stop":
                break
    except ColloquyError as error:
        return Heard(came, reading.reply(), error)
    return Heard(came, reading.reply(), None)


def ending(heard: Heard, stop: Stop) -> tuple[str, ColloquyError | None]:
    """The status of the message, and its error. Who stops a call breaks it off, which is no failure."""
    if heard.error is None:
        return "complete", None
    return ending_of_stop(stop) if stop.reason else ("failed", heard.error)


def ending_of_stop(stop: Stop) -> tuple[str, ColloquyError | None]:
    """The status of a message whose turn was stopped, and its error."""
    if stop.reason == "cancelled":
        return "cancelled", None
    return "interrupted", TurnInterrupted(INTERRUPTED)
