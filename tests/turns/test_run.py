"""One request carried out: every event in the log, and an outcome whatever happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.claude.events import Event
from app.claude.stop import Reason, Stop
from app.context import Ask, Entry, Prompt, Window, assemble
from app.errors import ColloquyError, ThinkingRefused, TurnInterrupted, UpstreamFailed
from app.turns.log import Log
from app.turns.run import THINKING_REMOVED, Heard, ending, run

START = Event.made("message_start", {"message": {"model": "m"}})
BLOCK = Event.made("content_block_start", {"index": 0, "content_block": {"type": "text", "text": "Hi"}})
STOP = Event.made("message_stop", {})
ASK, LARGE = Ask("m", 400), Window("m", 1_000_000, 128_000)
FIRST = assemble([Entry("u", "user", [{"type": "text", "text": "One"}])], ASK, LARGE)
THOUGHT = {"type": "thinking", "thinking": "", "signature": "sig"}
PROMPT = assemble(
    [
        Entry("u", "user", [{"type": "text", "text": "One"}]),
        Entry("a", "assistant", [THOUGHT, {"type": "text", "text": "Two"}], "m", FIRST.bound_to),
        Entry("v", "user", [{"type": "text", "text": "Three"}]),
    ],
    ASK,
    LARGE,
)


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


def kinds(prompt: Prompt) -> list[str]:
    return [block["type"] for one in prompt.messages for block in one["content"]]


def stopped(reason: Reason | None) -> Stop:
    stop = Stop()
    if reason:
        stop.set(reason)
    return stop


def test_every_event_goes_into_the_log_as_it_comes() -> None:
    log = Log("msg_1")
    outcome = run(PROMPT, Claude([START, BLOCK, STOP]), log, Stop())
    assert log.events == [START, BLOCK, STOP]
    assert (outcome.status, outcome.error, outcome.repairs) == ("complete", None, ())
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]
    assert outcome.prompt == PROMPT


def test_an_error_of_claudes_is_part_of_the_outcome() -> None:
    outcome = run(PROMPT, Claude([START, BLOCK, UpstreamFailed("cut")]), Log("msg_1"), Stop())
    assert outcome.status == "failed"
    assert isinstance(outcome.error, UpstreamFailed)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]


def test_where_thinking_is_refused_it_is_asked_once_more_without() -> None:
    claude, log = Claude([ThinkingRefused("no")], [START, BLOCK, STOP]), Log("msg_1")
    outcome = run(PROMPT, claude, log, Stop())
    assert [kinds(one) for one in claude.asked] == [
        ["text", "thinking", "text", "text"],
        ["text", "text", "text"],
    ]
    assert (outcome.status, outcome.repairs) == ("complete", (THINKING_REMOVED,))
    assert outcome.prompt == claude.asked[1], "what was answered"
    assert log.events == [START, BLOCK, STOP]


def test_a_second_refusal_is_the_end_and_so_is_one_in_mid_answer() -> None:
    twice = Claude([ThinkingRefused("no")], [ThinkingRefused("no")])
    outcome = run(PROMPT, twice, Log("msg_1"), Stop())
    assert (outcome.status, outcome.repairs) == ("failed", (THINKING_REMOVED,))
    late = Claude([START, BLOCK, ThinkingRefused("no")])
    outcome = run(PROMPT, late, Log("msg_1"), Stop())
    assert (outcome.status, outcome.repairs, len(late.asked)) == ("failed", (), 1)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]


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
    found, why = ending(Heard([START], error), stopped(reason))
    assert found == status
    assert (type(why) if why else None) == kind


def test_of_an_answer_that_is_stopped_what_came_is_kept() -> None:
    claude = Claude([START, BLOCK, UpstreamFailed("cut")])
    outcome = run(PROMPT, claude, Log("msg_1"), stopped("cancelled"))
    assert (outcome.status, outcome.error) == ("cancelled", None)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]
