"""Tools by name, from several sources."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest

from app.telemetry import metrics, tracing
from app.tools.registry import Registry
from app.tools.values import Tool

NOTHING = {"type": "object"}


def tool(name: str, source: str = "built-in", schema: Any = None) -> Tool:
    return Tool(name, "Does something.", schema or NOTHING, lambda *_: None, source)


def test_every_source_puts_its_own_and_replaces_only_that() -> None:
    registry = Registry([tool("clock")])
    before = registry.tools
    registry.put("folder", [tool("book", "folder"), tool("cancel", "folder")])
    assert [*registry.tools] == ["clock", "book", "cancel"]
    registry.put("folder", [tool("list", "folder")])
    assert [*registry.tools] == ["clock", "list"]
    assert [*before] == ["clock"], "a turn that has begun keeps its tools"


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (tool("clock", "mcp:x"), "there is one of this name from built-in"),
        (tool("a name", "mcp:x"), "a name is 1 to 128 letters"),
        (tool("a" * 129, "mcp:x"), "a name is 1 to 128 letters"),
        (tool("", "mcp:x"), "a name is 1 to 128 letters"),
        (tool("clöck", "mcp:x"), "a name is 1 to 128 letters"),
        (tool("list", "mcp:x", {"type": "array"}), "must be an object"),
        (tool("list", "mcp:x", {"type": "object", "required": 3}), "is wrong"),
    ],
)
def test_what_cannot_be_taken_is_left_out_and_logged(
    refused: Tool, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry([tool("clock")])
    with caplog.at_level(logging.WARNING):
        registry.put("mcp:x", [refused, tool("other", "mcp:x")])
    assert [*registry.tools] == ["clock", "other"]
    assert says in caplog.text


def test_names_may_be_said_to_need_approval() -> None:
    registry = Registry([tool("clock"), tool("book")], approval={"book", "cancel"})
    registry.put("folder", [tool("cancel", "folder")])
    assert {one.name: one.needs_approval for one in registry.tools.values()} == {
        "clock": False,
        "book": True,
        "cancel": True,
    }


def test_it_can_be_waited_for_until_every_source_has_come() -> None:
    registry = Registry()
    assert registry.wait(0)
    registry.expect("folder", lambda: None)
    registry.expect("mcp:x", lambda: None)
    registry.put("folder", [])
    assert not registry.wait(0.05)
    threading.Timer(0.05, registry.put, ["mcp:x", []]).start()
    began_at = time.monotonic()
    assert registry.wait(30)
    assert time.monotonic() - began_at < 5


def test_closing_ends_every_source_once() -> None:
    registry, ended = Registry(), list[str]()
    for name in ("folder", "mcp:x"):
        registry.expect(name, lambda name=name: ended.append(name))
    registry.close()
    registry.close()
    assert sorted(ended) == ["folder", "mcp:x"]


def test_figures_know_the_tools_that_there_are() -> None:
    tracing.watch(metrics.watch_tools)
    Registry([tool("counted"), tool("odd name")])
    root = tracing.begin("turn")
    with tracing.within(root):
        for name in ("counted", "odd name"):
            with tracing.span(name, tracing.TOOL):
                pass
    counted = metrics.exposed()[0].decode()
    assert 'colloquy_tool_calls_total{status="ok",tool="counted"}' in counted
    assert "odd name" not in counted
