"""What the simulator says, and when it stops."""

from typing import Any

import pytest

from app.claude.rules.models import find
from app.claude.simulator.conversation import asked
from app.claude.simulator.replies import Reply, Room, compose, room
from app.claude.simulator.signatures import prefix_digest
from app.claude.simulator.signing import sign

TOOL = {"name": "add", "input_schema": {"type": "object"}}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def reply(*texts: str, limit: Room | None = None, **fields: Any) -> Reply:
    messages: list[Any] = [user(texts[0])]
    for text in texts[1:]:
        messages += [{"role": "assistant", "content": "So."}, user(text)]
    request = {"model": "claude-opus-5-5", "max_tokens": 1_000, "messages": messages, **fields}
    model = find(request["model"])
    assert model
    wish = asked(request).wish
    return compose(request, model, wish, limit or room(request, model, prompt_tokens=10))


def said(found: Reply) -> str:
    return "".join(block["text"] for block in found.blocks if block["type"] == "text")


def kinds(found: Reply) -> list[str]:
    return [block["type"] for block in found.blocks]


def test_it_says_that_it_is_not_claude_and_what_it_read() -> None:
    assert said(reply("Hello\nthere")) == (
        "This is the simulator, not Claude. You wrote: “Hello there”. It is message 1 of this conversation."
    )


def test_it_remembers_the_first_message() -> None:
    assert said(reply("First", "Second")).endswith(
        "You wrote: “Second”. It is message 3 of this conversation. The conversation began with: “First”."
    )


def test_it_quotes_briefly() -> None:
    assert "wordwordw…" not in said(reply("word " * 100))
    assert "word…”" in said(reply("word " * 100))


def test_it_names_what_is_not_text() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://a.b/c.png"}}
    content = [image, {"type": "text", "text": "What is this?"}]
    assert "“(image) What is this?”" in said(reply("", messages=[{"role": "user", "content": content}]))


@pytest.mark.parametrize("content", ["3", [{"type": "text", "text": "3"}]])
def test_it_quotes_what_a_tool_answered(content: Any) -> None:
    use = {"type": "tool_use", "id": "t", "name": "add", "input": {}}
    messages = [
        user("Add [[reply: tool=add]]"),
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": content}]},
    ]
    found = reply("", messages=messages, tools=[TOOL])
    assert "The tool answered: “3”." in said(found)
    assert "began with: “Add”" in said(found)
    assert found.stop_reason == "end_turn", "the directive was the first message's"


class TestThinking:
    def test_comes_first_empty_and_signed(self) -> None:
        request = {"model": "claude-opus-5-5", "messages": [user("Hello")]}
        thinking = reply("Hello").blocks[0]
        assert thinking == {
            "type": "thinking",
            "thinking": "",
            "signature": sign(prefix_digest(request), ""),
        }

    def test_is_counted(self) -> None:
        assert 0 < reply("Hello").thinking_tokens < reply("Hello").output_tokens

    @pytest.mark.parametrize("model", ["claude-opus-5", "claude-opus-4-8", "claude-sonnet-4-5"])
    def test_is_not_done_by_older_models(self, model: str) -> None:
        assert kinds(reply("Hello", model=model)) == ["text"]

    def test_can_be_turned_off(self) -> None:
        assert kinds(reply("Hello", model="claude-haiku-5-5", thinking={"type": "disabled"})) == ["text"]

    def test_can_be_shown_and_can_be_wished(self) -> None:
        shown = reply("Hello", thinking={"type": "adaptive", "display": "summarized"})
        assert shown.blocks[0]["thinking"]
        assert reply("[[reply: thinking=Some thought]]").blocks[0]["thinking"] == "Some thought"


class TestWishes:
    def test_for_a_number_of_words(self) -> None:
        for words in (1, 5, 200):
            assert len(said(reply(f"[[reply: words={words}]]")).split()) == words

    def test_for_a_text(self) -> None:
        assert said(reply("[[reply: text=Just this.]]")) == "Just this."

    def test_for_a_stop_reason(self) -> None:
        refused = reply("[[reply: stop_reason=refusal]]")
        assert refused.stop_reason == "refusal"
        assert refused.stop_details
        assert refused.stop_details["type"] == "refusal"
        assert reply("Hello").stop_details is None

    def test_for_a_tool(self) -> None:
        found = reply('[[reply: tool=add input={"a": 1}]]', tools=[TOOL])
        use = found.blocks[-1]
        assert kinds(found) == ["thinking", "text", "tool_use"]
        assert (use["name"], use["input"]) == ("add", {"a": 1})
        assert use["id"].startswith("toolu_sim_")
        assert found.stop_reason == "tool_use"

    def test_for_several_tools(self) -> None:
        found = reply("[[reply: tool=add]] [[reply: tool=add]]", tools=[TOOL])
        first, second = found.blocks[-2:]
        assert first["id"] != second["id"]

    @pytest.mark.parametrize("fields", [{}, {"tools": [TOOL], "tool_choice": {"type": "none"}}])
    def test_for_a_tool_need_the_tool(self, fields: dict[str, Any]) -> None:
        assert reply("[[reply: tool=add]]", **fields).stop_reason == "end_turn"


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "add"}])
def test_a_forced_tool_is_used(choice: dict[str, str]) -> None:
    assert reply("Hello", model="claude-opus-5", tools=[TOOL], tool_choice=choice).blocks[-1]["name"] == "add"


class TestRoom:
    def test_is_what_was_asked_or_what_the_window_has_left(self) -> None:
        model = find("claude-simulator-8k")
        assert model
        assert room({"max_tokens": 100}, model, 8_000) == Room(100, "max_tokens")
        assert room({"max_tokens": 1_000}, model, 8_000) == Room(192, "model_context_window_exceeded")

    @pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-4-5"])
    @pytest.mark.parametrize("tokens", [1, 5, 20, 60])
    def test_is_never_exceeded(self, model: str, tokens: int) -> None:
        found = reply("[[reply: words=200]]", model=model, max_tokens=tokens)
        assert found.output_tokens <= tokens
        assert found.stop_reason == "max_tokens"

    def test_is_filled_with_whole_words(self) -> None:
        whole, part = said(reply("Hello")), said(reply("Hello", max_tokens=25))
        assert part
        assert whole.startswith(part)
        assert whole[len(part)] == " "

    def test_may_not_hold_more_than_thinking(self) -> None:
        assert kinds(reply("Hello", max_tokens=2)) == ["thinking"]
        assert kinds(reply("Hello", max_tokens=0)) == []

    def test_may_not_hold_the_tool(self) -> None:
        words = "[[reply: text=a]] [[reply: tool=add]]"
        assert reply(words, tools=[TOOL], max_tokens=6).stop_reason == "max_tokens"


class TestStopSequences:
    def test_end_the_text_before_them(self) -> None:
        found = reply("[[reply: text=one two three]]", stop_sequences=["three", "two"])
        assert (said(found), found.stop_reason, found.stop_sequence) == ("one ", "stop_sequence", "two")

    def test_that_do_not_occur_change_nothing(self) -> None:
        assert reply("Hello", stop_sequences=["never said"]).stop_reason == "end_turn"

    def test_at_the_start_leave_no_text(self) -> None:
        assert kinds(reply("[[reply: text=one]]", stop_sequences=["one"])) == ["thinking"]

    def test_beyond_the_room_are_not_reached(self) -> None:
        found = reply("[[reply: words=200]]", stop_sequences=["asked for."], max_tokens=30)
        assert found.stop_reason == "max_tokens"
