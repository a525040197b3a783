"""The prompt: what goes in, what is left out, and that Claude would take it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claude import rules
from app.context import Ask, Entry, without_thinking
from app.errors import ContextOverflow, Invalid
from tests.context.talks import (
    LARGE,
    MODEL,
    SMALL,
    Talk,
    answer,
    assembled,
    call,
    counted,
    kinds,
    result,
    roles,
    text,
    texts,
    thinking,
    turns,
    user,
)


def test_a_short_history_goes_in_whole() -> None:
    prompt = assembled(user("One"), answer(text("Two")), user("Three"))
    assert roles(prompt) == ["user", "assistant", "user"]
    assert (prompt.plan.first_depth, prompt.plan.last_depth, prompt.plan.cut) == (0, 2, None)


def test_the_oldest_whole_turns_are_left_out() -> None:
    prompt = assembled(*turns(10, "word " * 90), user("Now"), limits=SMALL)
    plan = prompt.plan
    assert plan.first_depth > 0
    assert plan.first_depth % 2 == 0, "at a turn"
    assert plan.cut == "high_water"
    assert (roles(prompt)[0], plan.last_depth) == ("user", 20)
    assert counted(prompt.as_request()) <= plan.greatest_tokens <= plan.budget_tokens


def test_max_tokens_and_the_budget_make_the_share_smaller() -> None:
    assert assembled(user("a"), limits=SMALL).plan.budget_tokens == 2_000 - 400 - 64
    assert assembled(user("a"), ask=Ask(MODEL, 9_999), limits=SMALL).max_tokens == 500
    assert (
        assembled(user("a"), ask=Ask(MODEL, 400, budget_tokens=300), limits=SMALL).plan.budget_tokens == 300
    )


def test_a_message_that_cannot_fit_names_what_takes_the_room() -> None:
    with pytest.raises(ContextOverflow) as caught:
        assembled(user("word " * 5_000), ask=Ask(MODEL, 400, system="be brief " * 100), limits=SMALL)
    faults = {one.pointer: one.detail for one in caught.value.faults}
    assert list(faults) == ["/content", "/system", "/context", "/max_tokens"]
    assert "400" in faults["/max_tokens"]


def test_a_message_of_which_nothing_can_be_sent_is_refused_in_words() -> None:
    with pytest.raises(Invalid):
        assembled(Entry("r", "user", [result("y")]))


def test_a_large_newest_message_takes_of_the_answers_share() -> None:
    wordy = user("word " * 500)
    prompt = assembled(wordy, ask=Ask(MODEL, 500), limits=SMALL, count=counted)
    assert prompt.plan.is_exact
    assert prompt.plan.prompt_tokens == counted(prompt.as_request())
    assert prompt.max_tokens == 500
    larger = assembled(user("word " * 800), ask=Ask(MODEL, 500), limits=SMALL, count=counted)
    assert larger.max_tokens == 2_000 - larger.plan.prompt_tokens - 64 < 500
    with pytest.raises(ContextOverflow):
        assembled(user("word " * 800), ask=Ask(MODEL, 500, budget_tokens=1_000), limits=SMALL, count=counted)


def test_files_are_counted_by_claude_where_it_can_be_asked() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
    paper = Entry("p", "user", [{"type": "document", "source": source}, text("What does it say?")])
    exact, guessed = assembled(paper, count=counted), assembled(paper)
    assert (exact.plan.is_exact, guessed.plan.is_exact) == (True, False)
    assert exact.plan.greatest_tokens == exact.plan.prompt_tokens == counted(exact.as_request())


def test_a_tool_pair_is_never_split() -> None:
    asked = [user("word " * 200), answer(text("word " * 100), call("x")), Entry("r", "user", [result("x")])]
    prompt = assembled(*asked, answer(text("word " * 400)), user("Now"), limits=SMALL)
    assert "tool_result" not in kinds(prompt)
    whole = assembled(*asked, answer(text("Done")), user("Now"))
    assert kinds(whole) == ["text", "text", "tool_use", "tool_result", "text", "text"]


def thought_over(*said: str) -> Talk:
    """A conversation in which each answer was thought over."""
    talk = Talk()
    for words in said:
        talk.turn(words, thinking(), text("Yes"))
    return talk


def test_thinking_stays_while_it_is_bound_to_what_stands_before_it() -> None:
    talk = thought_over("One", "Two")
    assert kinds(talk.turn("Three", text("Yes"))).count("thinking") == 2


@pytest.mark.parametrize(
    "ask",
    [Ask("claude-opus-5-5", 400), Ask(MODEL, 400, system="Other."), Ask(MODEL, 400, tools=({"name": "t"},))],
)
def test_thinking_goes_when_what_it_is_bound_to_changed(ask: Ask) -> None:
    talk = thought_over("One")
    talk.ask, talk.limits = ask, replace(LARGE, model=ask.model)
    assert "thinking" not in kinds(talk.prompt_for(user("Two", 2)))


def test_thinking_goes_once_there_is_a_cut() -> None:
    talk = Talk()
    for _ in range(8):
        talk.turn("word " * 75, thinking(), text("word"))
    assert "thinking" in kinds(talk.prompt_for(user("Now", 16)))
    talk.limits = SMALL
    cut = talk.prompt_for(user("word " * 200, 16))
    assert cut.plan.first_depth > 0
    assert "thinking" not in kinds(cut)


def test_an_answer_that_failed_leaves_two_messages_that_are_one() -> None:
    prompt = assembled(user("One"), answer(), user("Two"))
    assert prompt.messages == ({"role": "user", "content": [text("One"), text("Two")]},)


def test_an_open_tool_call_and_a_lost_result_are_left_out() -> None:
    path = [
        user("One"),
        answer(text("I call"), call("x")),
        user("Never mind"),
        Entry("r", "user", [result("y")]),
    ]
    assert kinds(assembled(*path, user("Now"))) == ["text", "text", "text", "text"]


def test_the_messages_whose_thinking_goes_back_are_named() -> None:
    talk = thought_over("One", "Two")
    talk.turn("Three", thinking(), text("Lost"))
    talk.path[-1] = replace(talk.path[-1], bound_to="other")
    assert talk.prompt_for(user("Now", 6)).thinking_ids == ("m1", "m3")
    assert assembled(user("Now")).thinking_ids == ()


def test_an_answer_to_go_on_with_goes_in_with_its_question_or_not_at_all() -> None:
    go_on = Entry("", "user", [text("Go on")], is_instruction=True)
    half = answer(text("word " * 100))
    old = [user("word " * 500), answer(text("ok"))]
    prompt = assembled(*old, user("Now"), half, go_on, limits=SMALL)
    assert (prompt.plan.first_depth, prompt.plan.last_depth) == (2, 3)
    assert roles(prompt) == ["user", "assistant", "user"]
    assert texts(prompt).endswith("Go on")
    with pytest.raises(ContextOverflow):
        assembled(user("word " * 900), answer(text("word " * 900)), go_on, limits=SMALL)


BLOCKS = st.one_of(
    st.sampled_from(["", " ", "words", "漢字"]).map(text),
    st.sampled_from(["", "sig"]).map(thinking),
    st.sampled_from(["x", "y"]).map(call),
)
SAID = st.one_of(st.sampled_from(["", "words"]).map(text), st.sampled_from(["x", "y"]).map(result))
ENTRIES = st.one_of(
    st.lists(SAID, max_size=3).map(lambda blocks: Entry("u", "user", blocks)),
    st.lists(BLOCKS, max_size=4, unique_by=lambda one: one.get("id", id(one))).map(
        lambda blocks: answer(*blocks)
    ),
)


@given(st.lists(ENTRIES, max_size=12))
def test_whatever_happened_to_a_history_the_request_obeys_the_rules(history: list[Entry]) -> None:
    prompt = assembled(*history, user("Now"))
    assert rules.violations(prompt.as_request()) == []
    assert rules.violations(without_thinking(prompt).as_request()) == []
