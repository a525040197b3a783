"""A turn in rounds, on values: what is asked next, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.claude.events import Event
from app.claude.stop import Stop
from app.errors import BudgetExhausted, ColloquyError, ContextOverflow, TurnLimitReached
from app.tools.values import Call, Result
from app.turns.log import Log
from app.turns.rounds import APPROVAL, OURS, THEIRS, Ended, calls_in, play
from app.turns.run import Outcome


@dataclass(frozen=True)
class Question:
    """A prompt, by a number."""

    number: int

    @property
    def record(self) -> dict[str, Any]:
        return {"number": self.number}


def answer(stop_reason: str, *blocks: dict[str, Any]) -> list[Event]:
    events = [Event.made("message_start", {"message": {"model": "m"}})]
    for at, block in enumerate(blocks):
        events.append(Event.made("content_block_start", {"index": at, "content_block": block}))
    delta = {"stop_reason": stop_reason}
    return [*events, Event.made("message_delta", {"delta": delta}), Event.made("message_stop", {})]


def use(id_: str, name: str = "ours") -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": name, "input": {"n": 1}}


SAID = {"type": "text", "text": "Done"}


@dataclass
class Acts:
    """Answers in turn, and tools whose names say whose they are."""

    answers: list[list[Event]]
    most_rounds: int = 9
    spent: ColloquyError | None = None
    stop: Stop = field(default_factory=Stop)
    stops_in_tools: bool = False
    asked: list[int] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    kept: list[tuple[str | None, int]] = field(default_factory=list)

    def ask(self, prompt: Question) -> Iterator[Event]:
        self.asked.append(prompt.number)
        return iter(self.answers.pop(0))

    def shorten(self, prompt: Question, refusal: ContextOverflow) -> tuple[Question, Event]:
        raise refusal

    def bare(self, prompt: Question) -> Question:
        return prompt

    def whose(self, call: Call) -> str:
        return {"ours": OURS, "careful": APPROVAL}.get(call.name, THEIRS)

    def refusal(self, rounds: int) -> ColloquyError | None:
        return TurnLimitReached("enough") if rounds >= self.most_rounds else None

    def use(self, calls: Sequence[Call], ended: Ended) -> Sequence[Result]:
        self.used += [one.id for one in calls]
        if self.stops_in_tools:
            self.stop.set("cancelled")
        results = [Result(one, one.id.upper()) for one in calls]
        for one in reversed(results):
            ended(one)
        return results

    def keep(self, outcome: Outcome[Question], results: Sequence[Result]) -> None:
        self.kept.append((outcome.reply.stop_reason, len(results)))

    def next_prompt(self) -> Question:
        if self.spent:
            raise self.spent
        return Question(len(self.kept) + 1)


def played(acts: Acts) -> tuple[Outcome[Question], list[Event]]:
    log = Log("msg_1")
    return play(Question(1), acts, log, acts.stop), log.events


def test_an_answer_without_calls_is_the_end() -> None:
    acts = Acts([answer("end_turn", SAID)])
    outcome, _ = played(acts)
    assert (outcome.status, acts.asked, acts.kept) == ("complete", [1], [])


def test_claude_is_asked_again_until_it_calls_no_more() -> None:
    rounds = [answer("tool_use", use("a"), use("b")), answer("tool_use", use("c")), answer("end_turn", SAID)]
    acts = Acts(rounds)
    outcome, events = played(acts)
    assert (outcome.status, outcome.reply.content) == ("complete", [SAID])
    assert (acts.asked, acts.used, acts.kept) == (
        [1, 2, 3],
        ["a", "b", "c"],
        [("tool_use", 2), ("tool_use", 1)],
    )
    told = [
        (one.payload["tool_use_id"], one.payload["state"]) for one in events if one.name == "colloquy.tool"
    ]
    assert told == [
        ("a", "begun"),
        ("b", "begun"),
        ("b", "ended"),
        ("a", "ended"),
        ("c", "begun"),
        ("c", "ended"),
    ]


def test_a_pause_is_gone_on_from_without_any_call() -> None:
    acts = Acts([answer("pause_turn", SAID), answer("end_turn", SAID)])
    outcome, _ = played(acts)
    assert (outcome.status, acts.used, acts.kept) == ("complete", [], [("pause_turn", 0)])


def test_calls_of_others_wait_and_ours_are_done_before() -> None:
    acts = Acts([answer("tool_use", use("a", "theirs"), use("b"), use("c", "careful"))])
    outcome, _ = played(acts)
    assert (outcome.status, acts.used, acts.kept) == ("requires_action", ["b"], [])
    assert [(one["tool_use_id"], one.get("needs")) for one in outcome.awaits] == [
        ("a", "result"),
        ("b", None),
        ("c", "approval"),
    ]
    assert outcome.awaits[1]["result"] == {"type": "tool_result", "tool_use_id": "b", "content": "B"}


def test_the_limit_is_looked_at_before_tools_are_used() -> None:
    acts = Acts([answer("tool_use", use("a")), answer("tool_use", use("b"))], most_rounds=2)
    outcome, _ = played(acts)
    assert (outcome.status, acts.used) == ("interrupted", ["a"])
    assert isinstance(outcome.error, TurnLimitReached)
    assert outcome.reply.content == [use("b")]


def test_a_turn_that_is_stopped_in_its_tools_ends_with_its_calls() -> None:
    acts = Acts([answer("tool_use", use("a"))], stops_in_tools=True)
    outcome, _ = played(acts)
    assert (outcome.status, outcome.error, acts.kept) == ("cancelled", None, [])
    assert outcome.reply.content == [use("a")]


def test_what_stands_in_the_way_of_the_next_round_fails_an_empty_answer() -> None:
    acts = Acts([answer("tool_use", use("a"))], spent=BudgetExhausted("spent"))
    outcome, _ = played(acts)
    assert (outcome.status, outcome.reply.content, acts.kept) == ("failed", [], [("tool_use", 1)])


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "end_turn", None])
def test_calls_count_only_where_claude_stopped_for_them(reason: str | None) -> None:
    acts = Acts([answer(reason or "stop_sequence", use("a"))])
    outcome, _ = played(acts)
    assert (outcome.status, acts.used) == ("complete", [])


def test_a_call_whose_input_is_no_object_has_an_empty_one() -> None:
    (call,) = calls_in([{"type": "tool_use", "id": "a", "name": "n", "input": [1]}, SAID])
    assert call == Call("a", "n", {})
