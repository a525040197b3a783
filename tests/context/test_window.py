"""What fits: whole turns, the newest first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.context import Entry
from app.context.window import first_kept, newest_start, turn_starts

KINDS = st.sampled_from([("user", "text"), ("assistant", "text"), ("user", "tool_result")])


def entries(kinds: list[tuple[str, str]]) -> list[Entry]:
    return [Entry(str(at), role, [{"type": type_}]) for at, (role, type_) in enumerate(kinds)]


def test_a_tool_result_begins_no_turn() -> None:
    path = entries([("user", "text"), ("assistant", "text"), ("user", "tool_result"), ("user", "text")])
    assert turn_starts(path) == [0, 3]
    assert newest_start(path[:3]) == 0


@given(st.lists(st.tuples(KINDS, st.integers(1, 50)), max_size=30), st.integers(0, 300))
def test_what_is_kept_fits_begins_with_a_turn_and_could_not_be_more(
    sized: list[tuple[tuple[str, str], int]], room_tokens: int
) -> None:
    path = entries([("user", "text"), *(kind for kind, _ in sized), ("user", "text")])
    sizes = [1, *(size for _, size in sized), 1]
    start, newest = first_kept(path, sizes, room_tokens), newest_start(path)
    starts = turn_starts(path)
    assert start in starts
    assert sum(sizes[start:newest]) <= room_tokens, "beside the newest turn"
    before = [one for one in starts if one < start]
    assert not before or sum(sizes[before[-1] : newest]) > room_tokens


def test_an_instruction_of_the_servers_begins_no_turn() -> None:
    said = [{"type": "text", "text": "Go on"}]
    path = [*entries([("user", "text"), ("assistant", "text")]), Entry("", "user", said, is_instruction=True)]
    assert turn_starts(path) == [0]
    assert newest_start(path) == 0
    assert first_kept(path, [10, 10, 1], 5) == 0, "it is nothing without what it is about"


def test_a_path_without_a_turn_begins_at_its_first_message() -> None:
    assert newest_start(entries([("assistant", "text"), ("user", "tool_result")])) == 0
    assert newest_start([]) == 0
