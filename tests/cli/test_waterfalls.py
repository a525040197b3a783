"""Waterfalls: names by depth, bars by time, and nothing that a terminal would obey."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.cli.waterfalls import lines, printable
from app.telemetry.tracing import ERROR, Span
from tests.traces import BEGAN, tool, turn

WIDTH = 80


def drawn(root: Span, width: int = WIDTH, **more: Any) -> list[str]:
    return [one.text for one in lines(root.as_json(), width, bar="#", **more)]


def bar(line: str) -> tuple[int, int]:
    """Where the bar begins and ends."""
    return line.index("#"), line.rindex("#") + 1


def whole(*children: Span, **more: Any) -> Span:
    return turn(*children, started_at=BEGAN, **more)


def test_a_call_stands_below_its_caller_and_its_bar_where_its_time_is() -> None:
    inner = tool("inner", ms=25.0, after_ms=25.0)
    root, first, within, second = drawn(
        whole(tool("first", ms=50.0, children=[inner]), tool("second", ERROR, 50.0, 50.0))
    )
    assert [one.split()[0] for one in (root, first, within, second)] == ["turn", "first", "inner", "second"]
    assert [len(one) - len(one.lstrip()) for one in (root, first, within, second)] == [0, 2, 4, 2]
    begin, end = bar(root)
    middle = begin + (end - begin) // 2
    assert bar(first)[0] == begin
    assert abs(bar(first)[1] - middle) <= 1
    assert bar(second) == (bar(second)[0], end)
    assert abs(bar(second)[0] - middle) <= 1
    assert bar(first)[0] < bar(within)[0] < bar(within)[1] <= bar(first)[1]
    assert [one.split("#")[-1].split() for one in (root, second)] == [
        ["100.0", "ms", "ok", "turn"],
        ["50.0", "ms", "error", "tool"],
    ]


def test_what_took_no_time_or_lies_outside_has_a_bar_all_the_same() -> None:
    for line in drawn(whole(tool("short", ms=0.001), tool("late", ms=9.0, after_ms=500.0))):
        begin, end = bar(line)
        assert end > begin


def test_long_names_are_cut_and_lines_fit() -> None:
    found = drawn(whole(tool("n" * 300, input="i" * 300, output="o" * 300)), is_verbose=True)
    assert all(len(one) <= WIDTH for one in found)
    assert any(one.startswith("  " + "n" * 29 + "…") for one in found)
    assert any(one.endswith("o…") for one in found)


def test_verbose_lines_are_about_the_call_above_them() -> None:
    found = [one.strip() for one in drawn(whole(tool("a", input=[1], output=None)), is_verbose=True)]
    assert found[1:3] == ["input: Hello", "output: Hi"]
    assert found[4:] == ["input: [1]"]


def test_each_line_says_how_its_call_ended() -> None:
    root = whole(tool("a", ERROR, output="x")).as_json()
    assert [one.status for one in lines(root, WIDTH, is_verbose=True)] == ["ok", None, None, "error", None]


@given(st.text(max_size=30), st.text(max_size=30), st.integers(1, 200))
def test_nothing_in_a_trace_steers_the_terminal(name: str, said: str, width: int) -> None:
    for line in drawn(whole(tool(name, output=said)), width, is_verbose=True):
        assert line.isprintable()
    assert printable("\x1b[2J\x9b1m\u202e\r\n") == "�[2J�1m���"


def test_narrow_terminals_still_get_bars() -> None:
    assert all("#" in one for one in drawn(whole(tool("fetch")), 20))
