"""Where the kept turns begin, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context import Summary
from app.context.cutting import Cut, decided, deeper
from app.context.scene import Scene, seen
from app.context.window import turn_starts
from tests.context.talks import ASK, LARGE, Talk, past, text, turns, user

BUDGET = replace(ASK, budget_tokens=3_000, recall_tokens=0)


def talk(count: int = 5, ttl: str = "5m") -> Talk:
    """Of about 260 tokens a turn."""
    made = Talk(ask=BUDGET)
    for at in range(count):
        made.turn(f"Question {at} " + "word " * 60, text(f"Answer {at} " + "word " * 60))
    assert made.state is not None
    made.state = replace(made.state, ttl=ttl)
    return made


def scene(of: Talk, words: str = "Hm", silence_seconds: float = 30) -> Scene:
    of.at += timedelta(seconds=silence_seconds)
    return seen(of.past(user(words, len(of.path))), of.ask, of.limits)


def test_nothing_is_cut_while_there_is_room() -> None:
    assert decided(scene(talk())) == Cut(0)


def test_at_the_high_water_mark_whole_turns_go_down_to_half() -> None:
    full = scene(talk(9), "word " * 900)
    cut = decided(full)
    assert cut.reason == "high_water"
    assert cut.start in turn_starts(full.past.path)
    assert full.size_of(slice(cut.start, full.newest)) <= 1_500


@pytest.mark.parametrize(
    ("ttl", "seconds", "is_cut"),
    [("5m", 290, False), ("5m", 310, True), ("1h", 310, False), ("1h", 4_000, True)],
)
def test_when_cold_what_is_beyond_half_goes_for_nothing(ttl: str, seconds: float, is_cut: bool) -> None:
    cut = decided(scene(talk(8, ttl), silence_seconds=seconds))
    assert (cut.reason == "cold", cut.start > 0) == (is_cut, is_cut)


def test_when_cold_and_short_nothing_goes() -> None:
    assert decided(scene(talk(3), silence_seconds=90_000)) == Cut(0)


def test_the_newest_turn_is_never_cut() -> None:
    alone = seen(past(user("word " * 5_000)), BUDGET, LARGE)
    assert decided(alone) == Cut(0)
    last = scene(talk(), "word " * 5_000)
    assert decided(last).start <= last.newest
    assert deeper(last, 0, 1_000_000) == last.newest


def test_a_summary_that_is_due_is_taken_where_its_turn_ends() -> None:
    made = talk()
    made.summaries = [Summary("s", "Short.", 4, 5, is_due=True)]
    assert decided(scene(made)) == Cut(6, "compact")
    made.summaries = [Summary("s", "Short.", 4, 5)]
    assert decided(scene(made)) == Cut(0)


def test_one_that_was_taken_already_cuts_nothing_more() -> None:
    made = talk()
    made.summaries = [Summary("s", "Short.", 4, 5, is_due=True)]
    assert made.turn("Hm", text("Yes")).plan.cut == "compact"
    assert decided(scene(made)) == Cut(0)


@given(st.integers(1, 12), st.integers(0, 4_000), st.integers(0, 20))
def test_deeper_leaves_out_as_much_as_is_too_much(count: int, excess_tokens: int, start: int) -> None:
    path = [replace(one, tokens=100, is_counted=True) for one in turns(count)]
    found = seen(past(*path, user("Now", 2 * count)), BUDGET, LARGE)
    start = min(start // 2 * 2, found.newest)
    later = deeper(found, start, excess_tokens)
    assert start <= later <= found.newest
    gone = found.size_of(slice(start, later))
    assert gone >= excess_tokens or later == found.newest
    assert later == start or gone - 200 < excess_tokens, "and not a turn more"
