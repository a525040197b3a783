"""What is brought back of the turns that were cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.claude import rules
from app.context import Prompt
from tests.context.talks import ASK, LARGE, SMALL, Talk, call, counted, result, text, texts, user

WORDY = "word " * 120


def talk(recall_tokens: int = 500) -> Talk:
    """One in which the next large message cuts something; whatever was said first is found."""
    made = Talk(limits=SMALL, ask=replace(ASK, recall_tokens=recall_tokens))
    made.recall = lambda _, before, __: [made.path[:before][:3]]
    for at in range(4):
        made.turn(f"Question {at} " + "word " * 60, text(f"Answer {at} " + "word " * 60))
    return made


def found(prompt: Prompt) -> list[int]:
    return list(prompt.plan.recalled_depths)


def test_nothing_is_recalled_while_nothing_is_cut() -> None:
    assert found(talk(200).prompt_for(user("Hm", 8))) == []


def test_what_was_cut_is_quoted_before_the_newest_message() -> None:
    prompt = talk().prompt_for(user(WORDY, 8))
    last = prompt.messages[-1]["content"]
    assert found(prompt)
    assert max(found(prompt)) < prompt.plan.first_depth
    assert "<recalled_messages>" in last[-2]["text"]
    assert last[-1]["text"] == WORDY
    assert prompt.plan.sources.recalled > 0
    assert rules.violations(prompt.as_request()) == []


def test_it_is_never_part_of_what_the_cache_keeps() -> None:
    made = talk()
    prompt = made.turn(WORDY, text("Yes"))
    assert all(one.message < len(prompt.messages) - 1 for one in prompt.markers)
    after = made.turn("Hm " * 20, text("Yes"))
    assert texts(after).count("<recalled_messages>") <= 1
    assert "<recalled_messages>" not in str(after.messages[:-1]), "not kept in the history"


@pytest.mark.parametrize("recall_tokens", [0, 60, 120, 200, 400, 1_000])
def test_it_takes_no_more_than_it_may(recall_tokens: int) -> None:
    prompt = talk(recall_tokens).prompt_for(user(WORDY, 8))
    without = replace(prompt, messages=prompt.messages[:-1], markers=())
    last = {**prompt.messages[-1], "content": prompt.messages[-1]["content"][-1:]}
    whole = counted(replace(prompt, markers=()).as_request())
    rest = counted({**without.as_request(), "messages": [*without.messages, last]})
    assert whole - rest <= recall_tokens
    assert counted(prompt.as_request()) <= prompt.plan.greatest_tokens <= prompt.plan.budget_tokens


def test_nothing_pinned_is_recalled() -> None:
    made = talk()
    made.pin(0)
    prompt = made.prompt_for(user(WORDY, 8))
    assert [one.depth for one in prompt.plan.pinned] == [0]
    assert 0 not in found(prompt)


def in_a_tool_loop() -> tuple[Talk, Prompt]:
    """One whose last answer calls a tool, and was given what was recalled."""
    made = talk()
    made.limits, made.ask = LARGE, replace(ASK, budget_tokens=4_000, recall_tokens=500)
    for at in range(30):
        asked = made.turn(WORDY, text("I look"), call(f"c{at}"))
        if found(asked):
            break
        made.turn([result(f"c{at}")], text("Done " * 60))
    assert found(asked)
    return made, asked


def test_while_tools_work_it_stays_as_it_was() -> None:
    made, asked = in_a_tool_loop()
    made.recall = lambda *_: pytest.fail("it is not looked for again")
    during = made.turn([result(made.path[-1].content[-1]["id"])], text("Done"))
    assert during.messages[: len(asked.messages)] == asked.messages, "so the cache still holds"
    assert found(during) == found(asked)
    made.recall = lambda *_: []
    after = made.turn("Thanks", text("Yes"))
    assert after.messages[: len(asked.messages)] == asked.messages, "and until the next cut"


def test_what_stays_is_counted_with_the_rest() -> None:
    made, _ = in_a_tool_loop()
    for words in ("Thanks", "And?", "So?"):
        made.turn(words, text("Yes"))
        prompt, truth = made.heard[-1]
        assert prompt.plan.sources.recalled > 100
        assert prompt.plan.prompt_tokens == pytest.approx(truth, rel=0.04)


def test_a_message_without_words_recalls_nothing() -> None:
    made = talk()
    made.turn(WORDY, text("Yes"))
    made.recall = lambda *_: pytest.fail("there is nothing to look for")
    made.prompt_for(replace(user("", 10), content=[{"type": "search_result", "source": "s", "title": "t"}]))
