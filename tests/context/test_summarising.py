"""When a summary is wanted, what it covers, how it is asked for, and what is taken as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claude import rules
from app.context import Ask, Entry, Past, State, Summary, Window, cutting, summarising
from app.context import tokens as sizes
from app.context.scene import Scene, digest_of, seen
from app.context.summarising import Writer
from app.context.window import turn_starts

MODEL = "claude-sonnet-5-5"
LIMITS = Window(MODEL, 1_000_000, 128_000, usual_budget_tokens=10_000)
HAIKU = Window("claude-haiku-5-5", 1_000_000, 128_000, usual_budget_tokens=100_000)
ASK = Ask(MODEL, 1_000, recall_tokens=0)
AT = datetime(2026, 11, 1, tzinfo=UTC)
SAID = "Our budget is 300 euros, and we meet on 4 May."
WRITER = Writer(HAIKU, 500)
TURNS = st.lists(st.tuples(st.integers(1, 3_000), st.integers(0, 2)), min_size=1, max_size=30)


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def turn(depth: int, tokens: int, calls: int = 0) -> list[Entry]:
    """A turn of so many tokens, half of them the answer's; with tool calls, those share that half."""
    found = [Entry(f"m{depth}", "user", [text("Hello")], depth=depth)]
    for at in range(calls):
        use = {"type": "tool_use", "id": f"t{depth}-{at}", "name": "look", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{depth}-{at}", "content": "found"}
        found.append(Entry("", "assistant", [use]))
        found.append(Entry("", "user", [result]))
    found.append(Entry("", "assistant", [text("Well")], MODEL))
    each = max(tokens // len(found), 1)
    return [
        replace(one, id=f"m{depth + at}", depth=depth + at, tokens=each, is_counted=True)
        for at, one in enumerate(found)
    ]


def path_of(turns: list[tuple[int, int]], first_depth: int = 0) -> list[Entry]:
    path: list[Entry] = []
    for tokens, calls in turns:
        path += turn(first_depth + len(path), tokens, calls)
    return path


def state_of(path: list[Entry], **values: Any) -> State:
    """The state after a prompt with all of the path."""
    digest = digest_of([MODEL, "", []])
    prompt_tokens = 100 + sum(one.tokens or 0 for one in path)
    start = path[0].depth if path else 0
    known: dict[str, Any] = {"prompt_tokens": prompt_tokens, "base_tokens": 100, "is_counted": True, **values}
    return State(MODEL, 1.0, AT, start, "5m", digest, "", answer_tokens=0.0, **known)


def scene_of(path: list[Entry], summary: Summary | None = None, **values: Any) -> Scene:
    return seen(Past(path, AT, state_of(path, **values), summary=summary), ASK, LIMITS)


def upto(depth: int, **values: Any) -> Summary:
    return Summary("sum_1", SAID, depth, 30, **values)


@given(TURNS, st.just([]) | TURNS)
def test_what_a_summary_covers_is_dropped_by_every_later_cut(
    turns: list[tuple[int, int]], later: list[tuple[int, int]]
) -> None:
    path = path_of(turns)
    covered = summarising.dropped_depth(scene_of(path))
    longer = [*path, *path_of(later, len(path))]
    new = Entry("new", "user", [text("And now?")], depth=len(longer))
    cold = Past([*longer, new], AT + timedelta(days=1), state_of(longer))
    cut = cutting.decided(seen(cold, ASK, LIMITS))
    assert cut.start == 0 or [*longer, new][cut.start].depth > covered


def test_a_cut_at_the_next_turn_drops_exactly_what_is_covered() -> None:
    path = path_of([(500, 0)] * 18)
    new = Entry("new", "user", [text("And now?")], depth=len(path))
    cold = Past([*path, new], AT + timedelta(days=1), state_of(path))
    assert cutting.decided(seen(cold, ASK, LIMITS)).start == summarising.dropped_depth(scene_of(path)) + 1 > 1


@given(TURNS)
def test_a_summary_ends_with_a_turn_and_never_covers_the_newest(turns: list[tuple[int, int]]) -> None:
    path = path_of(turns)
    starts = turn_starts(path)
    for depth in (
        summarising.dropped_depth(scene_of(path)),
        summarising.compacted_depth(scene_of(path)),
        summarising.wanted_depth(scene_of(path)),
    ):
        assert depth is None or depth == -1 or (depth + 1 in starts and depth < starts[-1])


@given(TURNS, st.integers(1, 20_000))
def test_whole_turns_are_taken_the_oldest_first_as_far_as_they_fit(
    turns: list[tuple[int, int]], room_tokens: int
) -> None:
    path = path_of(turns)
    taken = summarising.whole_turns(path, True, room_tokens)
    ends = [*turn_starts(path)[1:], len(path)]
    assert len(taken) in ends
    assert list(taken) == path[: len(taken)]
    size = sum(summarising.size_of(one) for one in taken)
    assert size <= room_tokens or len(taken) == ends[0]
    more = [end for end in ends if end > len(taken)]
    assert not more or sum(summarising.size_of(one) for one in path[: more[0]]) > room_tokens


def test_a_turn_whose_end_is_not_known_is_not_taken() -> None:
    path = path_of([(10, 0), (10, 1)])
    assert summarising.whole_turns(path[:3], False, 10_000) == path[:2]
    assert summarising.whole_turns(path[:1], False, 10_000) == []
    assert summarising.whole_turns([], True, 10_000) == []


def test_a_summary_is_foreseeable_on_the_last_part_of_the_way_to_a_cut() -> None:
    short, long = path_of([(500, 0)] * 10), path_of([(500, 0)] * 18)
    assert not summarising.is_foreseeable(scene_of(short))
    assert summarising.is_foreseeable(scene_of(long))
    assert not summarising.is_foreseeable(seen(Past(long, AT), ASK, LIMITS)), "nothing was asked yet"


def test_a_summary_is_wanted_where_turns_were_cut_that_none_covers() -> None:
    path = path_of([(500, 0)] * 4, first_depth=20)
    assert summarising.is_foreseeable(scene_of(path))
    assert summarising.wanted_depth(scene_of(path)) == 19
    assert not summarising.is_foreseeable(scene_of(path, upto(19)))
    assert summarising.wanted_depth(scene_of(path, upto(19))) is None
    assert summarising.wanted_depth(scene_of(path, upto(17))) == 19


def test_a_few_more_turns_are_not_worth_another_call() -> None:
    path = path_of([(500, 0)] * 18)
    whole = summarising.wanted_depth(scene_of(path))
    assert whole is not None
    assert summarising.wanted_depth(scene_of(path, upto(whole - 2))) is None
    assert summarising.wanted_depth(scene_of(path, upto(whole - 10))) == whole


def test_on_demand_it_covers_what_a_cut_drops_or_all_but_the_newest_turn() -> None:
    long, short = path_of([(500, 0)] * 18), path_of([(500, 0)] * 4)
    assert summarising.compacted_depth(scene_of(long)) == summarising.dropped_depth(scene_of(long)) > 0
    assert summarising.compacted_depth(scene_of(short)) == short[-3].depth
    assert summarising.compacted_depth(scene_of(short[:2])) == -1
    unanswered = [*short, Entry("new", "user", [text("Hello?")], depth=8)]
    assert summarising.compacted_depth(scene_of(unanswered)) == 7


@pytest.mark.parametrize(
    ("budget_tokens", "most_tokens"), [(100, 128), (2_000, 300), (5_000, 750), (150_000, 1_024)]
)
def test_a_summary_is_a_small_part_of_the_budget(budget_tokens: int, most_tokens: int) -> None:
    scene = seen(Past([], AT), replace(ASK, budget_tokens=budget_tokens), LIMITS)
    assert summarising.writer(scene, HAIKU).most_tokens == most_tokens


def test_the_writer_reads_less_than_its_window_and_its_usual_budget() -> None:
    assert WRITER.room_tokens(None) == 80_000
    assert WRITER.room_tokens(upto(3)) == 79_970
    small = Writer(Window("claude-simulator-8k", 8_192, 2_048), 500)
    assert small.room_tokens(None) + small.max_tokens < 8_192
    assert Writer(Window("m", 200, 100), 500).room_tokens(None) > 0


def test_the_request_quotes_all_and_says_what_to_do_in_a_block_of_its_own() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aaaa"}}
    path = [
        Entry("m0", "user", [text(SAID), image], depth=0, at=AT),
        Entry(
            "m1",
            "assistant",
            [
                {"type": "thinking", "thinking": "Secret", "signature": "s"},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "maps"}},
            ],
        ),
        Entry("m2", "user", [{"type": "tool_result", "tool_use_id": "t1", "content": "Ghent </message>"}]),
        Entry("m3", "assistant", [text("It is in Ghent. [[fault: status=500]]")]),
    ]
    body = summarising.request(WRITER, upto(-1), path)
    assert rules.violations({**body, "stream": True}) == []
    assert (body["model"], body["max_tokens"], body["thinking"]) == (
        "claude-haiku-5-5",
        500,
        {"type": "disabled"},
    )
    quoted, instruction = body["messages"][0]["content"]
    assert {quoted["type"], instruction["type"]} == {"text"}
    assert quoted["text"].startswith(f'<summary>\n{SAID}\n</summary>\n<message from="user" date="2026-11-01')
    assert 'calls look with {"at": "maps"}' in quoted["text"]
    assert "Ghent &lt;/message>" in quoted["text"], "nothing in it can end the quotation"
    assert "Secret" not in quoted["text"]
    assert "fault" not in instruction["text"]
    assert "at most 250 words" in instruction["text"]
    assert "after a summary" in instruction["text"]
    assert "after a summary" not in str(summarising.request(WRITER, None, path))


def test_a_writer_that_always_thinks_gets_room_for_it() -> None:
    for model in (MODEL, "claude-not-known-yet"):
        body = summarising.request(Writer(Window(model, 200_000, 64_000), 500), None, path_of([(10, 0)]))
        assert "thinking" not in body
        assert body["max_tokens"] == 500 + summarising.THINKING_TOKENS


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=8), st.integers(500, 2_000))
def test_one_turn_that_is_too_large_is_shortened_and_what_is_short_stays(
    words: list[int], room_tokens: int
) -> None:
    writer = Writer(Window("claude-haiku-5-5", round(room_tokens / 0.8) + 64 + 128, 1_000), 128)
    path = [Entry(f"m{at}", "user", [text("begun " + "word " * n + "done")]) for at, n in enumerate(words)]
    quoted = summarising.request(writer, None, path)["messages"][0]["content"][0]["text"]
    assert sizes.of_text(quoted) <= room_tokens * 1.1 + 40 * len(path)
    assert quoted.count("<message ") == len(path)
    assert quoted.count("begun") == quoted.count("done") == len(path)
    for at, entry in enumerate(path):
        if summarising.size_of(entry) < room_tokens / len(path):
            assert str(path[at].content[0]["text"]) in quoted


@pytest.mark.parametrize(
    ("content", "stop_reason", "is_usable"),
    [
        ([text(SAID)], "end_turn", True),
        ([{"type": "thinking", "thinking": "Hm"}, text("会議は五月四日。")], "end_turn", True),
        ([text("It is 4"), text(" May")], "stop_sequence", True),
        ([text(SAID)], "max_tokens", False),
        ([text(SAID)], "refusal", False),
        ([text(SAID)], "model_context_window_exceeded", False),
        ([text(SAID)], "tool_use", False),
        ([text(SAID)], None, False),
        ([], "end_turn", False),
        ([text("")], "end_turn", False),
        ([text(" \n\u200b… \0 ---")], "end_turn", False),
        ([{"type": "thinking", "thinking": SAID}], "end_turn", False),
        ([text("word " * 5_000)], "end_turn", False),
    ],
)
def test_only_a_whole_text_of_a_fitting_length_is_a_summary(
    content: list[dict[str, Any]], stop_reason: str | None, is_usable: bool
) -> None:
    assert (summarising.usable_text(WRITER, content, stop_reason) is not None) == is_usable


def test_a_summary_is_kept_as_it_was_written_but_for_what_no_database_keeps() -> None:
    said = "  <summary>One\0 & two</summary>\n"
    assert summarising.usable_text(WRITER, [text(said)], "end_turn") == said.replace("\0", "")
