"""The prompt again, without the thinking that Claude refused."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.claude import rules
from app.context import Entry, Prompt, without_thinking
from tests.context.talks import MODEL, Talk, assembled, counted, kinds, roles, spent, text, thinking, user

THOUGHT = thinking("sig", "Let me see, it may be this or it may be that. " * 10)


def thought_over(*said: str) -> Talk:
    talk = Talk()
    for words in said:
        talk.turn(words, THOUGHT, text("Yes"))
    return talk


def asked(talk: Talk, words: str = "Now") -> Prompt:
    return talk.prompt_for(user(words, len(talk.path)))


def test_without_thinking_the_rest_stays_and_the_prompt_is_bound_to_what_is_left() -> None:
    talk = thought_over("One", "Two")
    prompt = asked(talk)
    bare = without_thinking(prompt)
    assert kinds(prompt).count("thinking") == 2
    assert kinds(bare) == [kind for kind in kinds(prompt) if kind != "thinking"]
    assert roles(bare) == roles(prompt)
    assert rules.violations(bare.as_request()) == []
    assert (bare.thinking_ids, bare.plan, bare.model) == ((), prompt.plan, prompt.model)
    talk.path = [replace(one, bound_to=None) for one in talk.path]
    assert bare.bound_to == asked(talk).bound_to != prompt.bound_to


def test_the_markers_stand_where_they_stood() -> None:
    prompt = asked(thought_over("One", "Two"))
    bare = without_thinking(prompt)

    def marked(one: Prompt) -> list[tuple[int, str]]:
        return [(at.message, one.messages[at.message]["content"][at.block]["text"]) for at in one.markers]

    assert marked(bare) == marked(prompt)


def test_an_answer_to_a_prompt_without_thinking_keeps_its_own() -> None:
    talk = thought_over("One")
    bare = without_thinking(asked(talk, "Two"))
    refused = [replace(one, bound_to=None) for one in talk.path]
    said = Entry("b", "assistant", [thinking(), text("Yes")], MODEL, bare.bound_to)
    assert assembled(*refused, user("Two"), said, user("Three")).thinking_ids == ("b",)


def test_a_prompt_without_thinking_is_left_as_it_is() -> None:
    talk = Talk()
    talk.turn("One", text("Two"))
    prompt = asked(talk)
    assert without_thinking(prompt) == prompt


@given(st.integers(0, 400))
def test_the_books_of_a_prompt_that_was_repaired_are_right(words: int) -> None:
    talk = thought_over("One")
    prompt = asked(talk, "word " * words + "Two")
    bare = without_thinking(prompt)
    truth = counted(bare.as_request())
    talk.path = [replace(one, bound_to=None) for one in talk.path]
    talk.path.append(user("word " * words + "Two", 2))
    talk.keep(bare, truth, [text("Yes")])
    after = asked(talk, "Three")
    assert abs(after.plan.prompt_tokens - counted(after.as_request())) <= 12 + words * 0.01
    assert spent([THOUGHT]) > 100, "which would be seen"
