"""The top level of a request, and that nothing Claude would answer is refused."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.claude import rules
from app.claude.rules import Violation
from app.claude.rules.models import MODELS, find

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 16).decode()
HELLO = {"role": "user", "content": "Hello"}
TOOL = {"name": "add", "description": "Adds.", "input_schema": {"type": "object", "properties": {}}}


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [HELLO], **fields}


def found(**fields: Any) -> list[str]:
    return [str(violation) for violation in rules.violations(request(**fields))]


def test_a_plain_request_is_not_refused() -> None:
    assert found() == []


def test_everything_a_request_may_have_is_taken() -> None:
    assert (
        found(
            system=[
                {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
            ],
            tools=[TOOL, {"type": "web_search_20260318", "name": "web_search"}],
            tool_choice={"type": "auto", "disable_parallel_tool_use": True},
            thinking={"type": "adaptive", "display": "summarized"},
            output_config={"effort": "high", "format": {"type": "json_schema", "schema": {}}},
            metadata={"user_id": "3f9a"},
            stop_sequences=["END"],
            stream=True,
            service_tier="auto",
            speed="standard",
            inference_geo=None,
            container="c_1",
            diagnostics={"previous_message_id": None},
            cache_control={"type": "ephemeral"},
        )
        == []
    )


def test_a_violation_reads_as_claude_says_it() -> None:
    assert str(Violation("max_tokens", "Field required")) == "max_tokens: Field required"
    assert str(Violation("", "Overall")) == "Overall"


@pytest.mark.parametrize("field", ["model", "max_tokens", "messages"])
def test_a_missing_field_is_named(field: str) -> None:
    without = {name: value for name, value in request().items() if name != field}
    assert rules.violations(without) == [Violation(field, "Field required")]


def test_at_least_one_message_is_required() -> None:
    assert found(messages=[]) == ["messages: at least one message is required"]


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k", "colour"])
def test_fields_that_are_gone_or_unknown_are_refused(name: str) -> None:
    assert found(**{name: 1}) == [f"{name}: Extra inputs are not permitted"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": 5}, "model: Input should be a valid string"),
        ({"max_tokens": "5"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        ({"messages": "Hello"}, "messages: Input should be a valid list"),
        ({"messages": ["Hello"]}, "messages.0: Input should be a valid dictionary"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"service_tier": "best"}, "service_tier: Input should be 'auto' or 'standard_only'"),
        ({"stop_sequences": [" "]}, "stop_sequences.0: each stop sequence must contain non-whitespace"),
        ({"stop_sequences": [1]}, "stop_sequences.0: Input should be a valid string"),
        ({"metadata": {"name": "Ann"}}, "metadata.name: Extra inputs are not permitted"),
        ({"metadata": {"user_id": 1}}, "metadata.user_id: Input should be a valid string"),
        (
            {"metadata": {"user_id": "a@b.org"}},
            "metadata.user_id: user_id appears to contain an email address",
        ),
        ({"metadata": {"user_id": "a" * 257}}, "metadata.user_id: String should have at most 256 characters"),
        ({"system": 5}, "system: Input should be a valid list"),
        ({"system": ""}, "system: text content blocks must be non-empty"),
        ({"system": " \n"}, "system: text content blocks must contain non-whitespace text"),
        (
            {"system": [{"type": "image"}]},
            "system.0: Input tag 'image' found using 'type' does not match any of the expected tags: 'text'",
        ),
        ({"output_config": {"effort": "huge"}}, None),
        ({"thinking": {"type": "loud"}}, None),
        (
            {"cache_control": {"type": "ephemeral", "ttl": "1d"}},
            "cache_control.ttl: Input should be '5m' or '1h'",
        ),
    ],
)
def test_wrong_values_are_refused_where_they_stand(fields: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert len(found(**fields)) == 1
    else:
        assert found(**fields) == [message]


def test_no_more_output_may_be_asked_than_the_model_can_give() -> None:
    assert found(max_tokens=128_000) == []
    limit = "which is the maximum allowed number of output tokens for claude-opus-5-5"
    assert found(max_tokens=128_001) == [f"max_tokens: 128001 > 128000, {limit}"]


def test_no_output_may_be_asked_to_warm_the_cache() -> None:
    assert found(max_tokens=0) == []


def test_an_unknown_model_is_only_held_to_the_general_rules() -> None:
    assert found(model="claude-next", max_tokens=10**9) == []


@pytest.mark.parametrize(
    ("model", "kind", "is_taken"),
    [
        ("claude-opus-5-5", "disabled", False),
        ("claude-sonnet-5-5", "disabled", False),
        ("claude-sonnet-5-5", "between_tools", True),
        ("claude-haiku-5-5", "disabled", True),
        ("claude-opus-5", "disabled", True),
        ("claude-sonnet-4-5", "adaptive", False),
    ],
)
def test_each_model_has_its_own_ways_of_thinking(model: str, kind: str, is_taken: bool) -> None:
    assert (found(model=model, thinking={"type": kind}) == []) is is_taken


def test_a_thinking_budget_lies_between_its_least_and_max_tokens() -> None:
    def with_budget(tokens: int) -> list[str]:
        thinking = {"type": "enabled", "budget_tokens": tokens}
        return found(model="claude-opus-4-5", max_tokens=2_000, thinking=thinking)

    assert with_budget(1_999) == []
    assert with_budget(1_023) == ["thinking.budget_tokens: Input should be greater than or equal to 1024"]
    assert with_budget(2_000) == ["`max_tokens` must be greater than `thinking.budget_tokens`."]


def test_effort_needs_a_model_that_knows_it() -> None:
    assert found(model="claude-haiku-4-5", output_config={"effort": "low"}) != []
    assert found(model="claude-opus-4-5", output_config={"effort": "low"}) == []


def test_counting_takes_fewer_fields() -> None:
    assert rules.counting_violations({"model": "claude-opus-5-5", "messages": [HELLO]}) == []
    assert [each.path for each in rules.counting_violations(request(stream=True))] == ["max_tokens", "stream"]


def test_models_are_found_by_their_id() -> None:
    assert all(find(model.id) is model for model in MODELS)
    assert find("claude-1") is None
    assert find(5) is None


TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.just({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}),
    st.builds(
        lambda text: {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": text},
        },
        TEXTS,
    ),
)
USER_CONTENT = st.one_of(TEXTS, st.lists(BLOCKS, min_size=1, max_size=3))
EXCHANGES = st.lists(st.tuples(USER_CONTENT, TEXTS), max_size=4)


@settings(deadline=None)
@given(EXCHANGES, USER_CONTENT, st.sampled_from(MODELS))
def test_no_conversation_that_ends_with_the_user_is_refused(
    exchanges: list[tuple[Any, str]], newest: Any, model: Any
) -> None:
    messages = [
        message
        for asked, answered in exchanges
        for message in ({"role": "user", "content": asked}, {"role": "assistant", "content": answered})
    ]
    messages.append({"role": "user", "content": newest})
    assert found(model=model.id, messages=messages) == []


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["text", "tool_use"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["type", "text", "role", "content", "source", "id", "name", "input", "cache_control"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
FIELDS = ["model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking", "metadata"]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_is_sent_is_judged_without_failing(fields: dict[str, Any]) -> None:
    assert isinstance(found(**fields), list)


@settings(deadline=None)
@given(st.lists(st.builds(dict, role=st.sampled_from(["user", "assistant"]), content=JSON), max_size=3))
def test_whatever_is_said_is_judged_without_failing(messages: list[Any]) -> None:
    assert isinstance(found(messages=messages), list)
