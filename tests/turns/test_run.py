"""One request carried out: every event in the log, and an outcome whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from app.claude.events import Event
from app.claude.stop import Reason, Stop
from app.context import Ask, Entry, Past, Prompt, Window, assemble, without_thinking
from app.errors import ColloquyError, ContextOverflow, ThinkingRefused, TurnInterrupted, UpstreamFailed
from app.turns.log import Log
from app.turns.reply import Reply
from app.turns.run import REPAIRS, SHORTENED, THINKING_REMOVED, Heard, ending, run

START = Event.made("message_start", {"message": {"model": "m"}})
BLOCK = Event.made("content_block_start", {"index": 0, "content_block": {"type": "text", "text": "Hi"}})
STOP = Event.made("message_stop", {})
ASK, LARGE = Ask("m", 400), Window("m", 1_000_000, 128_000)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUESTION = Entry("u", "user", [{"type": "text", "text": "One"}])
FIRST = assemble(Past([QUESTION], NOW), ASK, LARGE)
THOUGHT = {"type": "thinking", "thinking": "", "signature": "sig"}
PROMPT = assemble(
    Past(
        [
            QUESTION,
            Entry("a", "assistant", [THOUGHT, {"type": "text", "text": "Two"}], "m", FIRST.bound_to, depth=1),
            Entry("v", "user", [{"type": "text", "text": "Three"}], depth=2),
        ],
        NOW,
    ),
    ASK,
    LARGE,
)
RECEIPT = Event.made("colloquy.context", {"prompt_tokens": 3})
TOO_LONG = ContextOverflow("prompt is too long")


class Claude:
    """Answers each prompt with the next of these: events, then the error that stands at the end, if any."""

    def __init__(self, *answers: list[Event | ColloquyError]) -> None:
        self.answers = list(answers)
        self.asked: list[Prompt] = []

    def __call__(self, prompt: Prompt) -> Iterator[Event]:
        self.asked.append(prompt)
        for one in self.answers.pop(0):
            if isinstance(one, ColloquyError):
                raise one
            yield one


@dataclass
class Acts:
    """What a turn needs from above."""

    ask: Claude
    shorten: Callable[[Prompt, ContextOverflow], tuple[Prompt, Event]]

    def bare(self, prompt: Prompt) -> Prompt:
        return without_thinking(prompt)


def kinds(prompt: Prompt) -> list[str]:
    return [block["type"] for one in prompt.messages for block in one["content"]]


def shorten(_prompt: Prompt, _refusal: ContextOverflow) -> tuple[Prompt, Event]:
    return FIRST, RECEIPT


def stopped(reason: Reason | None) -> Stop:
    stop = Stop()
    if reason:
        stop.set(reason)
    return stop


def test_every_event_goes_into_the_log_as_it_comes() -> None:
    log = Log("msg_1")
    outcome = run(PROMPT, Acts(Claude([START, BLOCK, STOP]), shorten), log, Stop())
    assert log.events == [START, BLOCK, STOP]
    assert (outcome.status, outcome.error, list(outcome.repairs)) == ("complete", None, [])
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]
    assert outcome.prompt == PROMPT


def test_an_error_of_claudes_is_part_of_the_outcome() -> None:
    outcome = run(PROMPT, Acts(Claude([START, BLOCK, UpstreamFailed("cut")]), shorten), Log("msg_1"), Stop())
    assert outcome.status == "failed"
    assert isinstance(outcome.error, UpstreamFailed)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]


def test_where_thinking_is_refused_it_is_asked_once_more_without() -> None:
    claude, log = Claude([ThinkingRefused("no")], [START, BLOCK, STOP]), Log("msg_1")
    outcome = run(PROMPT, Acts(claude, shorten), log, Stop())
    assert [kinds(one) for one in claude.asked] == [
        ["text", "thinking", "text", "text"],
        ["text", "text", "text"],
    ]
    assert (outcome.status, outcome.repairs) == ("complete", [THINKING_REMOVED])
    assert outcome.prompt == claude.asked[1], "what was answered"
    assert log.events == [START, BLOCK, STOP]


def test_a_second_refusal_is_the_end_and_so_is_one_in_mid_answer() -> None:
    twice = Claude([ThinkingRefused("no")], [ThinkingRefused("no")])
    outcome = run(PROMPT, Acts(twice, shorten), Log("msg_1"), Stop())
    assert (outcome.status, outcome.repairs) == ("failed", [THINKING_REMOVED])
    late = Claude([START, BLOCK, ThinkingRefused("no")])
    outcome = run(PROMPT, Acts(late, shorten), Log("msg_1"), Stop())
    assert (outcome.status, outcome.repairs, len(late.asked)) == ("failed", [], 1)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]


def test_where_the_prompt_is_too_long_it_is_asked_once_more_with_less() -> None:
    claude, log = Claude([TOO_LONG], [START, BLOCK, STOP]), Log("msg_1")
    asked: list[tuple[Prompt, ContextOverflow]] = []

    def shorten_and_note(prompt: Prompt, refusal: ContextOverflow) -> tuple[Prompt, Event]:
        asked.append((prompt, refusal))
        return FIRST, RECEIPT

    outcome = run(PROMPT, Acts(claude, shorten_and_note), log, Stop())
    assert asked == [(PROMPT, TOO_LONG)]
    assert claude.asked == [PROMPT, FIRST]
    assert (outcome.status, outcome.repairs, outcome.prompt) == ("complete", [SHORTENED], FIRST)
    assert outcome.receipt == RECEIPT
    assert log.events == [RECEIPT, START, BLOCK, STOP], "the new receipt stands before the answer"


def test_what_is_still_too_long_is_the_end_and_tells_of_no_receipt() -> None:
    log = Log("msg_1")
    outcome = run(PROMPT, Acts(Claude([TOO_LONG], [TOO_LONG]), shorten), log, Stop())
    assert (outcome.status, outcome.error, outcome.repairs) == ("failed", TOO_LONG, [SHORTENED])
    assert log.events == []


def test_what_cannot_be_shortened_says_why() -> None:
    refusal = ContextOverflow("shorten it yourself")

    def refuse(_prompt: Prompt, _refusal: ContextOverflow) -> tuple[Prompt, Event]:
        raise refusal

    claude = Claude([TOO_LONG])
    outcome = run(PROMPT, Acts(claude, refuse), Log("msg_1"), Stop())
    assert (outcome.status, outcome.error, outcome.prompt) == ("failed", refusal, PROMPT)
    assert len(claude.asked) == 1


def test_both_repairs_may_be_needed_each_once() -> None:
    claude = Claude([TOO_LONG], [ThinkingRefused("no")], [START, BLOCK, STOP])
    outcome = run(PROMPT, Acts(claude, lambda *_: (PROMPT, RECEIPT)), Log("msg_1"), Stop())
    assert (outcome.status, sorted(outcome.repairs)) == ("complete", sorted(REPAIRS))
    assert "thinking" not in kinds(claude.asked[2])


@pytest.mark.parametrize(
    ("error", "reason", "status", "kind"),
    [
        (None, None, "complete", None),
        (None, "cancelled", "complete", None),
        (UpstreamFailed("cut"), None, "failed", UpstreamFailed),
        (UpstreamFailed("cut"), "cancelled", "cancelled", None),
        (UpstreamFailed("cut"), "interrupted", "interrupted", TurnInterrupted),
    ],
)
def test_who_stops_an_answer_ends_it_unless_it_was_whole_already(
    error: ColloquyError | None, reason: Reason | None, status: str, kind: type[ColloquyError] | None
) -> None:
    found, why = ending(Heard(1, Reply(), error), stopped(reason))
    assert found == status
    assert (type(why) if why else None) == kind


def test_of_an_answer_that_is_stopped_what_came_is_kept() -> None:
    claude = Claude([START, BLOCK, UpstreamFailed("cut")])
    outcome = run(PROMPT, Acts(claude, shorten), Log("msg_1"), stopped("cancelled"))
    assert (outcome.status, outcome.error) == ("cancelled", None)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]
