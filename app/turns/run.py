"""Listen to Claude: every event goes to the log, and what came is never lost, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.claude.events import Event
from app.claude.stop import Stop
from app.context import Prompt, without_thinking
from app.errors import ColloquyError, ThinkingRefused, TurnInterrupted
from app.turns import reply
from app.turns.log import Log
from app.turns.reply import Reply

THINKING_REMOVED = "thinking_removed"
REPAIRS = (THINKING_REMOVED,)
INTERRUPTED = (
    "The server stopped before the answer was complete; what came is kept: continue or regenerate it."
)


@dataclass(frozen=True)
class Outcome:
    """How a turn ended: the answer as far as it came, its status, and the error that ended it, if one did.

    `repairs` says what had to be changed in the prompt, which is the one that was answered.
    """

    prompt: Prompt
    reply: Reply
    status: str
    error: ColloquyError | None = None
    repairs: Sequence[str] = ()


@dataclass(frozen=True)
class Heard:
    """What came of one call, and what broke it off."""

    events: Sequence[Event]
    error: ColloquyError | None


def run(prompt: Prompt, ask: Callable[[Prompt], Iterator[Event]], log: Log, stop: Stop) -> Outcome:
    """Listen until the answer is complete; errors of Claude's are part of the outcome.

    Where Claude refuses thinking that is sent back, it is asked once more without.
    """
    repairs: tuple[str, ...] = ()
    heard = listen(ask(prompt), log)
    if isinstance(heard.error, ThinkingRefused) and not heard.events:
        prompt, repairs = without_thinking(prompt), (THINKING_REMOVED,)
        heard = listen(ask(prompt), log)
    status, error = ending(heard, stop)
    return Outcome(prompt, reply.read(heard.events), status, error, repairs)


def listen(events: Iterator[Event], log: Log) -> Heard:
    """Take in one answer to its end, or to where it breaks off."""
    came: list[Event] = []
    try:
        for event in events:
            came.append(event)
            log.append(event)
            if event.name == "message_stop":
                break
    except ColloquyError as error:
        return Heard(came, error)
    return Heard(came, None)


def ending(heard: Heard, stop: Stop) -> tuple[str, ColloquyError | None]:
    """The status of the message, and its error. Who stops a call breaks it off, which is no failure."""
    if heard.error is None:
        return "complete", None
    if stop.reason == "cancelled":
        return "cancelled", None
    if stop.reason == "interrupted":
        return "interrupted", TurnInterrupted(INTERRUPTED)
    return "failed", heard.error
