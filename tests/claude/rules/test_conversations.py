"""Who speaks when, and what a tool's call and its result owe each other."""

from typing import Any

import pytest

from app.claude import rules

Message = dict[str, Any]


def user(*content: Any) -> Message:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: Any) -> Message:
    return {**user(*content), "role": "assistant"}


def system(text: str) -> Message:
    return {"role": "system", "content": text}


def use(id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "add", "input": {}, **fields}


def result(id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": "3", **fields}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def server_use(id: str) -> dict[str, Any]:
    return {"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": "a"}}


def server_result(id: str) -> dict[str, Any]:
    return {"type": "web_search_tool_result", "tool_use_id": id, "content": []}


THINKING = {"type": "thinking", "thinking": "", "signature": "abc"}


def found(*messages: Message, model: str = "claude-opus-5-5") -> list[str]:
    request = {"model": model, "max_tokens": 100, "messages": list(messages)}
    return [str(violation) for violation in rules.violations(request)]


@pytest.mark.parametrize(
    "messages",
    [
        [user("a")],
        [user("a"), user("b")],
        [user("a"), assistant("b"), assistant("c"), user("d")],
        [user("a"), assistant(use("t1")), user(result("t1"))],
        [user("a"), assistant(THINKING, use("t1"), use("t2")), user(result("t2"), result("t1"), text("and"))],
        [user("a"), assistant(use("t1"), use("t2")), user(result("t1")), user(result("t2"))],
        [user("a"), assistant(use("t1")), assistant("so"), user(result("t1"))],
        [user("a"), assistant(use("t1")), user(result("t1")), assistant(use("t2")), user(result("t2"))],
        [user("a"), assistant(use("t1")), user({"type": "tool_result", "tool_use_id": "t1"})],
        [user("a"), assistant(use("t1")), user(result("t1", content=[text("3")], is_error=True))],
        [user("a"), assistant(server_use("s1"), server_result("s1"), text("found")), user("b")],
        [user("a"), assistant(server_use("s1"))],
        [user("a"), assistant(THINKING), assistant("b"), user("c")],
        [user("a"), system("Be brief.")],
        [user("a"), system("Be brief."), assistant("b"), user("c")],
    ],
)
def test_conversations_claude_answers_are_not_refused(messages: list[Message]) -> None:
    assert found(*messages) == []


def test_the_user_speaks_first() -> None:
    assert found(assistant("a"), user("b")) == ['messages: first message must use the "user" role']


def test_only_known_roles_speak() -> None:
    [message] = found({"role": "tool", "content": "a"})
    assert message == "messages.0.role: Input should be 'user', 'assistant' or 'system'"


def test_a_message_has_a_role_and_content_and_nothing_else() -> None:
    assert found({"role": "user"}) == ["messages.0.content: Field required"]
    assert found({**user("a"), "name": "Ann"}) == ["messages.0.name: Extra inputs are not permitted"]


@pytest.mark.parametrize("content", ["", []])
def test_a_message_says_something(content: Any) -> None:
    empty = "all messages must have non-empty content except for the optional final assistant message"
    assert found({"role": "user", "content": content}) == [f"messages.0: {empty}"]
    assert found(user("a"), {"role": "assistant", "content": content}, user("b")) == [f"messages.1: {empty}"]


def test_text_is_more_than_white_space() -> None:
    message = "messages.0.content: text content blocks must contain non-whitespace text"
    assert found(user(" \n")) == [message]


class TestPrefill:
    def test_is_refused_by_models_after_the_4_5_family(self) -> None:
        for model in ("claude-opus-4-6", "claude-opus-5-5", "claude-haiku-5-5"):
            assert found(user("a"), assistant("b"), model=model) == [
                "This model does not support assistant message prefill. "
                "The conversation must end with a user message."
            ]

    def test_is_taken_by_the_4_5_family(self) -> None:
        for model in ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5-20251001"):
            assert found(user("a"), assistant("b"), model=model) == []
            assert found(user("a"), {"role": "assistant", "content": ""}, model=model) == []

    def test_may_not_end_in_white_space(self) -> None:
        assert found(user("a"), assistant("b "), model="claude-opus-4-5") == [
            "messages: final assistant content cannot end with trailing whitespace"
        ]


class TestTools:
    def test_every_call_is_answered_in_the_next_message(self) -> None:
        expected = (
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: {}. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )
        assert found(user("a"), assistant(use("t1")), user("b")) == [expected.format("t1")]
        assert found(user("a"), assistant(use("t1"), use("t2")), user(result("t1"))) == [
            expected.format("t2")
        ]
        assert expected.format("t1, t2") in found(user("a"), assistant(use("t1"), use("t2")))

    def test_results_stand_before_other_content(self) -> None:
        assert len(found(user("a"), assistant(use("t1")), user(text("so"), result("t1")))) == 1

    def test_every_result_has_its_call_in_the_message_before(self) -> None:
        expected = (
            "{}: unexpected `tool_use_id` found in `tool_result` blocks: t1. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
        )
        assert found(user(result("t1"))) == [expected.format("messages.0.content.0")]
        late = found(
            user("a"), assistant(use("t1")), user(result("t1")), assistant("b"), user(text("c"), result("t1"))
        )
        assert late == [expected.format("messages.4.content.1")]

    def test_a_call_has_one_result(self) -> None:
        assert found(user("a"), assistant(use("t1")), user(result("t1"), result("t1"))) == [
            "messages.2.content.1: each tool_use must have a single result. "
            "Found multiple `tool_result` blocks with id: t1"
        ]

    def test_ids_are_not_used_twice(self) -> None:
        messages = [user("a"), assistant(use("t1")), user(result("t1"))]
        again = [assistant(use("t1")), user(result("t1"))]
        assert found(*messages, *again) == ["messages.3.content.0: `tool_use` ids must be unique"]

    def test_an_id_is_made_of_plain_characters(self) -> None:
        [message] = found(user("a"), assistant(use("t 1")), user("b"))
        assert message == "messages.1.content.0.id: String should match pattern '^[a-zA-Z0-9_-]+$'"

    def test_input_is_an_object(self) -> None:
        [message] = found(user("a"), assistant(use("t1", input="{}")), user(result("t1")))
        assert message == "messages.1.content.0.input: Input should be a valid dictionary"

    def test_an_empty_text_in_a_result_is_refused(self) -> None:
        [message] = found(user("a"), assistant(use("t1")), user(result("t1", content=[text("")])))
        assert message == "messages.2.content.0.content.0.text: text content blocks must be non-empty"

    def test_a_system_message_does_not_stand_between_call_and_result(self) -> None:
        assert found(user("a"), assistant(use("t1")), system("b"), user(result("t1"))) != []

    def test_a_server_result_has_its_call_before_it(self) -> None:
        [message] = found(user("a"), assistant(server_result("s1"), text("b")), user("c"))
        assert message.startswith(
            "messages.1.content.0: unexpected `tool_use_id` found in `web_search_tool_res"
        )


class TestSystemMessages:
    @pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-opus-4-7"])
    def test_are_not_taken_by_older_models(self, model: str) -> None:
        assert found(user("a"), system("b"), model=model) == [
            "messages.1.role: role 'system' is not supported on this model"
        ]

    def test_do_not_come_first(self) -> None:
        assert found(system("a"), assistant("b"), user("c")) == [
            'messages: first message must use the "user" role'
        ]

    def test_follow_a_user_and_are_followed_by_an_assistant(self) -> None:
        assert len(found(user("a"), assistant("b"), system("c"))) == 1
        assert len(found(user("a"), system("b"), user("c"))) == 1
        assert found(user("a"), assistant(server_use("s1")), system("b")) == []

    def test_hold_text_only(self) -> None:
        assert found(user("a"), {"role": "system", "content": [THINKING]}) != []


def test_no_turn_ends_in_thinking() -> None:
    assert found(user("a"), assistant(THINKING), user("b")) == [
        "messages.1: The final block in an assistant message cannot be `thinking`."
    ]
