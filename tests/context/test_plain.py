"""The quick way to render is the same as the other one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.context import Entry, plain, rendering
from tests.context.talks import ASK, answer, call, in_line, result, text, thinking, user

TEXTS = st.sampled_from(["One", "Two\n", "漢字", "\ud800"]).map(text)
ODD = st.sampled_from(
    [text(" "), {**text("a"), "cache_control": {"type": "ephemeral"}}, call("x"), result("x")]
)
THOUGHTS = st.sampled_from(["sig", "sig", ""]).map(thinking)


@st.composite
def paths(draw: Any, odd: Any = ODD) -> list[Entry]:
    """Sides take turns, mostly; thinking is bound to what stands before it, mostly."""
    path: list[Entry] = []
    for at in range(draw(st.integers(1, 7))):
        role = ("user", "assistant")[at % 2] if draw(st.integers(0, 9)) else "user"
        said = draw(st.lists(st.one_of(TEXTS, TEXTS, TEXTS, odd), min_size=0, max_size=3))
        if role == "user":
            path.append(Entry(f"m{at}", role, said, depth=at))
            continue
        bound_to = rendering.render(path, ASK).bound_to if draw(st.integers(0, 5)) else "other"
        thought = draw(st.lists(THOUGHTS, max_size=2))
        path.append(Entry(f"m{at}", role, [*thought, *said], ASK.model, bound_to, depth=at))
    return path


@given(paths())
def test_both_ways_make_the_same(path: list[Entry]) -> None:
    quick, slow = plain.render(path, ASK), rendering.render(path, ASK)
    assert quick.messages == slow.messages
    assert (quick.bound_to, quick.thinking_ids) == (slow.bound_to, slow.thinking_ids)
    ends = {depth: end for depth, end in slow.ends.items() if depth in quick.ends}
    assert ends == quick.ends == slow.ends


def test_thinking_stands_before_the_text_or_the_path_is_not_plain() -> None:
    assert plain.leading_thoughts(user("One")) == 0
    assert plain.leading_thoughts(answer(thinking(), thinking(), text("Yes"))) == 2
    for odd in (
        [thinking()],
        [text("Yes"), thinking()],
        [call("x")],
        [thinking(""), text("Yes")],
        [text(" ")],
    ):
        assert plain.leading_thoughts(answer(*odd)) == plain.NOT_PLAIN


def test_what_was_stored_is_not_changed() -> None:
    path = in_line(user("One"), user("Two"))
    assert len(plain.render(path, ASK).messages[0]["content"]) == 2
    assert [len(one.content) for one in path] == [1, 1]
