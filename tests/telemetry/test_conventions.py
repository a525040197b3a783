"""What spans say in OpenTelemetry's words."""

from __future__ import annotations

import pytest

from app.telemetry import conventions
from app.telemetry.origins import Origin
from app.telemetry.tracing import CANCELLED, CLAUDE, ERROR, KINDS, SERVER, TIMEOUT, TOOL, TURN, Span


def test_every_kind_has_a_name_with_few_values() -> None:
    names = [conventions.name_of(Span("clock", kind)) for kind in KINDS]
    assert names == ["invoke_agent colloquy", "clock", "clock", "execute_tool clock"]
    assert [one for one in (TURN, SERVER, CLAUDE, TOOL) if one not in KINDS] == []


def test_ids_are_told_and_nothing_that_was_said() -> None:
    said = {"session_id": "ses_1", "model": "claude-haiku-5-5", "text": "private"}
    one = Span("count", input=said, output="private", origin=Origin("req_1", "0" * 32))
    assert conventions.at_begin(one) == {"colloquy.kind": "server", "colloquy.request.id": "req_1"}
    assert conventions.at_end(one, shows_content=False) == {}
    root = Span("turn", TURN, about={"session_id": "ses_1", "message_id": "msg_1", "name": "Ada"})
    told = {"gen_ai.conversation.id": "ses_1", "colloquy.message.id": "msg_1"}
    assert conventions.at_end(root, shows_content=False) == told


def test_the_input_of_claude_is_the_whole_prompt_and_is_told_once() -> None:
    used = {"input_tokens": 1, "cache_read_tokens": 20, "cache_write_5m_tokens": 300, "output_tokens": None}
    found = conventions.at_end(Span("turn", TURN, output={"usage": used}), shows_content=False)
    assert found == {
        "gen_ai.usage.input_tokens": 321,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.cache_write.input_tokens": 300,
        "gen_ai.usage.output_tokens": 0,
    }
    assert conventions.at_end(Span("ask", output={"usage": used}), shows_content=False) == {}


@pytest.mark.parametrize(
    ("status", "output", "type_"),
    [
        (ERROR, {"error": "not_found"}, "not_found"),
        (ERROR, {"error": {"code": "upstream_overloaded"}}, "upstream_overloaded"),
        (ERROR, "it said no", "tool_error"),
        (TIMEOUT, None, "timeout"),
        (CANCELLED, "half", "cancelled"),
    ],
)
def test_an_error_has_a_type_with_few_values(status: str, output: object, type_: str) -> None:
    one = Span("clock", TOOL, status=status, output=output)
    assert conventions.at_end(one, shows_content=False) == {"error.type": type_}


def test_what_is_said_is_cut() -> None:
    one = Span("clock", TOOL, {"zone": "Zürich"}, "x" * 200_000)
    found = conventions.at_end(one, shows_content=True)
    assert found["gen_ai.tool.call.arguments"] == '{"zone": "Zürich"}'
    assert len(str(found["gen_ai.tool.call.result"])) == conventions.MOST_CHARACTERS
