"""The prompt: what goes in, what is left out, and that Claude would take it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claude import rules
from app.context import Ask, Entry, Prompt, Window, assemble, without_thinking
from app.errors import ContextOverflow

MODEL = "claude-sonnet-5-5"
SMALL = Window(MODEL, window_tokens=2_000, greatest_output_tokens=500)
LARGE = Window(MODEL, window_tokens=1_000_000, greatest_output_tokens=128_000)
ASK = Ask(MODEL, max_tokens=400)


def user(text: str, id_: str = "u") -> Entry:
    return Entry(id_, "user", [{"type": "text", "text": text}])


def answer(*blocks: dict[str, Any], bound_to: str | None = None, model: str = MODEL) -> Entry:
    return Entry("a", "assistant", list(blocks), model, bound_to)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def thinking(signature: str = "sig") -> dict[str, Any]:
    return {"type": "thinking", "thinking": "", "signature": signature}


def call(id_: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "t", "input": {}}


def result(id_: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": "ok"}


def roles(prompt: Prompt) -> list[str]:
    return [str(one["role"]) for one in prompt.messages]


def kinds(prompt: Prompt) -> list[str]:
    return [block["type"] for one in prompt.messages for block in one["content"]]


def test_a_short_history_goes_in_whole() -> None:
    prompt = assemble([user("One"), answer(text("Two")), user("Three")], ASK, LARGE)
    assert roles(prompt) == ["user", "assistant", "user"]
    assert prompt.plan.left_out_ids == ()


def test_the_oldest_whole_turns_are_left_out() -> None:
    history = [
        entry for n in range(10) for entry in (user("word " * 150, f"u{n}"), answer(text("word " * 50)))
    ]
    prompt = assemble([*history, user("Now", "new")], ASK, SMALL)
    assert prompt.plan.left_out_ids[0] == "u0"
    assert prompt.plan.first_kept_id.startswith("u")
    assert roles(prompt)[0] == "user"
    assert prompt.plan.history_tokens + prompt.plan.new_tokens <= prompt.plan.input_share_tokens


def test_max_tokens_and_the_budget_make_the_share_smaller() -> None:
    assert assemble([user("a")], ASK, SMALL).plan.input_share_tokens == 2_000 - 400 - 64
    assert assemble([user("a")], Ask(MODEL, 9_999), SMALL).max_tokens == 500
    assert assemble([user("a")], Ask(MODEL, 400, budget_tokens=300), SMALL).plan.input_share_tokens == 300


def test_a_message_that_cannot_fit_names_what_takes_the_room() -> None:
    with pytest.raises(ContextOverflow) as caught:
        assemble([user("word " * 5_000)], Ask(MODEL, 400, system="be brief " * 100), SMALL)
    assert [one.pointer for one in caught.value.faults] == ["/content", "/system", "/max_tokens"]


def test_a_tool_pair_is_never_split() -> None:
    turn = [user("word " * 200), answer(text("word " * 100), call("x")), Entry("r", "user", [result("x")])]
    prompt = assemble([*turn, answer(text("word " * 800)), user("Now")], ASK, SMALL)
    assert "tool_result" not in kinds(prompt)
    whole = assemble([*turn, answer(text("Done")), user("Now")], ASK, LARGE)
    assert kinds(whole) == ["text", "text", "tool_use", "tool_result", "text", "text"]


def test_thinking_stays_while_it_is_bound_to_what_stands_before_it() -> None:
    first = assemble([user("One")], ASK, LARGE)
    path = [user("One"), answer(thinking(), text("Two"), bound_to=first.bound_to), user("Three")]
    assert "thinking" in kinds(assemble(path, ASK, LARGE))
    second = assemble(path, ASK, LARGE)
    longer = [*path, answer(thinking(), text("Four"), bound_to=second.bound_to), user("Five")]
    assert kinds(assemble(longer, ASK, LARGE)).count("thinking") == 2


@pytest.mark.parametrize(
    "ask",
    [Ask("claude-opus-5-5", 400), Ask(MODEL, 400, system="Other."), Ask(MODEL, 400, tools=({"name": "t"},))],
)
def test_thinking_goes_when_what_it_is_bound_to_changed(ask: Ask) -> None:
    first = assemble([user("One")], ASK, LARGE)
    path = [user("One"), answer(thinking(), text("Two"), bound_to=first.bound_to), user("Three")]
    assert "thinking" not in kinds(assemble(path, ask, LARGE))


def test_thinking_goes_once_there_is_a_cut() -> None:
    path: list[Entry] = []
    for number in range(8):
        path.append(user("word " * 150, f"u{number}"))
        path.append(answer(thinking(), text("word"), bound_to=assemble(path, ASK, LARGE).bound_to))
    assert "thinking" in kinds(assemble([*path, user("Now")], ASK, LARGE))
    assert "thinking" not in kinds(assemble([*path, user("Now")], ASK, SMALL))


def test_an_answer_that_failed_leaves_two_messages_that_are_one() -> None:
    prompt = assemble([user("One"), answer(), user("Two")], ASK, LARGE)
    assert prompt.messages == ({"role": "user", "content": [text("One"), text("Two")]},)


def test_an_open_tool_call_and_a_lost_result_are_left_out() -> None:
    path = [
        user("One"),
        answer(text("I call"), call("x")),
        user("Never mind"),
        Entry("r", "user", [result("y")]),
    ]
    assert kinds(assemble([*path, user("Now")], ASK, LARGE)) == ["text", "text", "text", "text"]


def thought_over(*texts: str) -> list[Entry]:
    """A path in which each answer was thought over, bound to what stood before it."""
    path: list[Entry] = []
    for number, words in enumerate(texts):
        path.append(user(words, f"u{number}"))
        bound_to = assemble(path, ASK, LARGE).bound_to
        path.append(Entry(f"a{number}", "assistant", [thinking(), text("Yes")], MODEL, bound_to))
    return path


def test_the_messages_whose_thinking_goes_back_are_named() -> None:
    path = thought_over("One", "Two")
    changed = [*path, answer(thinking(), text("Lost"), bound_to="other"), user("Now")]
    assert assemble(changed, ASK, LARGE).thinking_ids == ("a0", "a1")
    assert assemble([user("Now")], ASK, LARGE).thinking_ids == ()


def test_without_thinking_the_rest_stays_and_the_prompt_is_bound_to_what_is_left() -> None:
    prompt = assemble([*thought_over("One", "Two"), user("Now")], ASK, LARGE)
    bare = without_thinking(prompt)
    assert kinds(prompt).count("thinking") == 2
    assert kinds(bare) == [kind for kind in kinds(prompt) if kind != "thinking"]
    assert roles(bare) == roles(prompt)
    assert rules.violations(bare.as_request()) == []
    assert (bare.thinking_ids, bare.plan, bare.model) == ((), prompt.plan, prompt.model)
    unbound = [Entry(one.id, one.role, one.content, one.model) for one in thought_over("One", "Two")]
    assert bare.bound_to == assemble([*unbound, user("Now")], ASK, LARGE).bound_to != prompt.bound_to


def test_an_answer_to_a_prompt_without_thinking_keeps_its_own() -> None:
    path = [*thought_over("One"), user("Two")]
    bare = without_thinking(assemble(path, ASK, LARGE))
    refused = [Entry(one.id, one.role, one.content, one.model) for one in path]
    said = Entry("b", "assistant", [thinking(), text("Yes")], MODEL, bare.bound_to)
    assert assemble([*refused, said, user("Three")], ASK, LARGE).thinking_ids == ("b",)


def test_a_prompt_without_thinking_is_left_as_it_is() -> None:
    prompt = assemble([user("One"), answer(text("Two")), user("Three")], ASK, LARGE)
    assert without_thinking(prompt) == prompt


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
    prompt = assemble([*history, user("Now")], ASK, LARGE)
    assert rules.violations(prompt.as_request()) == []
    assert rules.violations(without_thinking(prompt).as_request()) == []


def test_an_answer_to_go_on_with_goes_in_with_its_question_or_not_at_all() -> None:
    go_on = Entry("", "user", [text("Go on")], is_instruction=True)
    half = answer(text("word " * 100))
    prompt = assemble([user("word " * 900, "old"), answer(text("ok")), user("Now"), half, go_on], ASK, SMALL)
    assert prompt.plan.left_out_ids[0] == "old"
    assert roles(prompt) == ["user", "assistant", "user"]
    with pytest.raises(ContextOverflow):
        assemble([user("word " * 900), answer(text("word " * 900)), go_on], ASK, SMALL)
