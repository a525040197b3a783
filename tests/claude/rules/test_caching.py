"""Cache markers: how many, and in which order."""

from typing import Any

from app.claude import rules
from app.claude.rules.caching import last_cacheable

SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}


def text(words: str, marker: Any = None) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"cache_control": marker} if marker else {})}


def found(*blocks: dict[str, Any], **fields: Any) -> list[str]:
    messages = [{"role": "user", "content": list(blocks)}]
    request = {"model": "claude-opus-5-5", "max_tokens": 10, "messages": messages, **fields}
    return [str(violation) for violation in rules.violations(request)]


def test_four_markers_are_taken_and_five_are_not() -> None:
    assert found(*[text("a", SHORT)] * 4) == []
    assert found(*[text("a", SHORT)] * 5) == [
        "A maximum of 4 blocks with cache_control may be provided. Found 5."
    ]


def test_markers_are_counted_over_the_whole_request() -> None:
    tool = {"name": "a", "input_schema": {"type": "object"}, "cache_control": SHORT}
    fields = {"tools": [tool], "system": [text("s", SHORT)]}
    assert found(text("a", SHORT), text("b", SHORT), **fields) == []
    assert len(found(text("a", SHORT), text("b", SHORT), text("c"), cache_control=SHORT, **fields)) == 1


def test_an_hour_comes_before_five_minutes() -> None:
    assert found(text("a", LONG), text("b", SHORT)) == []
    [message] = found(text("a", SHORT), text("b", LONG))
    assert message.startswith(
        "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come"
    )
    assert found(text("a", SHORT), system=[text("s", LONG)]) == []
    assert len(found(text("a", LONG), system=[text("s", SHORT)])) == 1


def test_a_marker_inside_a_block_counts() -> None:
    inner = {"type": "document", "source": {"type": "content", "content": [text("a", SHORT)]}}
    assert found(inner, *[text("b", SHORT)] * 3) == []
    assert len(found(inner, *[text("b", SHORT)] * 4)) == 1


def test_the_marker_of_the_whole_request_falls_on_the_last_block_that_can_be_cached() -> None:
    assert found(*[text("a", SHORT)] * 4, cache_control=SHORT) == []
    assert found(text("a", LONG), cache_control=SHORT) == [
        "cache_control: Top-level cache_control has ttl='5m' but the target block already has cache_control "
        "with ttl='1h'"
    ]


def test_thinking_cannot_be_cached() -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": "s"}
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": [text("b"), thinking]}]
    assert last_cacheable({"messages": messages}) == "messages.1.content.0"
