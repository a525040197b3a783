"""The tools of every server."""

from __future__ import annotations

from app.tools.built_in import built_in
from app.tools.registry import Registry


def test_they_can_all_be_registered_and_tell_claude_what_they_do() -> None:
    tools = Registry(built_in()).tools
    assert [*tools] == ["current_time", "calculate"]
    for one in tools.values():
        assert one.source == "built-in"
        assert not one.needs_approval
        assert len(one.description) > 50
        assert one.input_schema["additionalProperties"] is False
        assert all(given["description"] for given in one.input_schema["properties"].values())
