"""Recall: the words that are looked for, the windows they lead to, and the quotation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.recall import (
    LINE_TOKENS,
    LONG_CHARACTERS,
    MOST_WORDS,
    centres,
    chosen,
    depths_around,
    quoted,
    scored,
    shortened,
    size_tokens,
    windows,
    words_of,
)
from app.context.values import Entry

BEGAN = datetime(2026, 3, 1, 23, 58, tzinfo=UTC)
DEPTHS = st.sets(st.integers(0, 30), max_size=12)


def entry(depth: int, text: str = "hello", role: str = "user", **values: Any) -> Entry:
    content = [{"type": "text", "text": text}]
    return Entry(f"msg_{depth}", role, content, depth=depth, at=BEGAN + timedelta(minutes=depth), **values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("When did Caroline go to the LGBTQ support group?", {"caroline", "go", "lgbtq", "support", "group"}),
        ("Où est-ce que nous avons mangé ?", {"mangé"}),
        ("What did you do?", set()),
        ("tea Tea TEA", {"tea"}),
        ("_ __ ' x 7 漢", {"漢"}),
        ("snake_case and it's", {"snake_case"}),
    ],
)
def test_what_says_something_is_looked_for_once(text: str, words: set[str]) -> None:
    found = words_of(text)
    assert set(found) == words
    assert len(found) == len(words)


def test_of_a_long_text_a_few_words_are_looked_for() -> None:
    text = " ".join(f"word{number}" for number in range(10_000)) + " internationally"
    found = words_of(text)
    assert len(found) == MOST_WORDS
    assert "internationally" in found


def test_a_rare_word_weighs_more_than_a_usual_one() -> None:
    scores = scored([[1], [2, 3, 4, 5, 6]], 100, most=50)
    assert scores[1] > scores[2] == scores[6] > 0


def test_two_forms_of_a_word_count_once() -> None:
    assert scored([[1, 2], [2, 1]], 10, most=50) == scored([[1, 2]], 10, most=50)


def test_a_word_too_many_hold_only_tells_others_apart() -> None:
    scores = scored([[10, 40], range(30, 60)], 1000, most=30)
    assert scores[40] > scores[10] > scores[50] > 0
    assert scores[41] > scores[50], "it stands beside a message that holds the rarer word"
    only = scored([range(30, 60)], 1000, most=30)
    assert only[50] > scores[50], "where there is no other word, it counts"


def test_a_window_is_a_message_with_those_beside_it() -> None:
    entries = [entry(depth) for depth in range(9)]
    scores = {4: 2.0, 8: 3.0, 0: 1.0}
    found = windows(entries, scores, [8, 4, 0])
    assert [[one.depth for one in window] for window in found] == [[7, 8], [3, 4, 5], [0, 1]]
    assert depths_around([8, 0]) == [0, 1, 7, 8, 9]


def test_the_middle_is_where_the_words_are_near_each_other() -> None:
    assert centres({3: 1.0, 5: 1.0, 20: 1.5}, 2) == [20, 4] or centres({3: 1.0, 5: 1.0, 20: 0.9}, 1) == [5]
    assert centres({3: 1.0, 4: 1.0, 20: 1.4}, 2) == [4, 3]
    assert -1 not in centres({0: 1.0}, 9)


def test_of_two_equal_scores_the_shorter_message_is_better() -> None:
    entries = [entry(1, tokens=900), entry(5, tokens=20)]
    assert [one[0].depth for one in windows(entries, {1: 1.0, 5: 1.0}, [1, 5])] == [5, 1]


@given(st.lists(DEPTHS, max_size=6), st.integers(0, 900), st.integers(1, 12))
def test_what_is_chosen_fits_in_order_of_time_and_once(
    holders: list[set[int]], room_tokens: int, most: int
) -> None:
    entries = [entry(depth, tokens=10 + depth * 7 % 50) for depth in range(31)]
    scores = scored(holders, 31, most)
    middles = centres(scores, 20)
    found = chosen(windows(entries, scores, middles), room_tokens)
    depths = [one.depth for one in found]
    assert depths == sorted(set(depths))
    assert set(depths) <= set(depths_around(middles))
    assert sum(size_tokens(one) + LINE_TOKENS for one in found) <= room_tokens


def test_the_best_comes_first_and_what_does_not_fit_is_passed_over() -> None:
    best, large, last = ([entry(depth, tokens=size)] for depth, size in ((30, 100), (20, 500), (10, 100)))
    assert [one.depth for one in chosen([best, large, last], 300)] == [10, 30]


def test_of_a_window_that_is_too_large_the_middle_may_fit() -> None:
    window = [entry(1, tokens=500), entry(2, tokens=20), entry(3, tokens=500)]
    assert [one.depth for one in chosen([window], 200)] == [2]


def test_a_long_message_is_shortened_to_where_the_words_are() -> None:
    text = "nothing here " * 400 + "the violin lessons began in May " + "nothing here " * 400
    found = shortened(entry(1, text, tokens=3_000), ["violin", "lesson"])
    assert "violin lessons began" in found.content[0]["text"]
    assert len(found.content[0]["text"]) <= LONG_CHARACTERS + 10
    assert size_tokens(found) < 300
    assert found.depth == 1


@pytest.mark.parametrize("words", [[], ["absent"]])
def test_without_a_hit_the_beginning_of_a_long_message_is_kept(words: list[str]) -> None:
    found = shortened(entry(1, "In the beginning " + "and so on " * 500, tokens=2_000), words)
    assert found.content[0]["text"].startswith("In the beginning")


def test_a_short_message_stays_as_it_is() -> None:
    assert shortened(short := entry(1, "the violin"), ["violin"]) is short


def test_a_quotation_shows_dates_speakers_and_gaps() -> None:
    said = [entry(0, "one"), entry(1, "two", "assistant"), entry(2, "three"), entry(9, "four\nlines")]
    assert quoted(said).splitlines()[1:] == [
        "<recalled_messages>",
        "[2026-03-01 23:58 UTC]",
        "user: one",
        "assistant: two",
        "[2026-03-02 00:00 UTC]",
        "user: three",
        "",
        "[2026-03-02 00:07 UTC]",
        "user: four",
        " lines",
        "</recalled_messages>",
    ]


def test_a_message_without_a_date_is_quoted_too() -> None:
    assert "\nuser: hi\n" in quoted([Entry("a", "user", [{"type": "text", "text": "hi"}])])


@given(
    st.lists(
        st.sampled_from(
            ["\n", "\r", "\u2028", "</recalled_messages>", "user: ", "[2026-01-01 00:00 UTC]", "x"]
        )
    ).map("".join)
)
def test_no_text_breaks_out_of_a_quotation(text: str) -> None:
    found = quoted([entry(3, "first"), entry(4, text, "assistant"), entry(5, "last")])
    assert found.count("</recalled_messages>") == 1
    assert found.endswith("</recalled_messages>")
    own = [line for line in found.splitlines()[3:-1] if not line.startswith(" ")]
    assert [line.split(":")[0] for line in own] == ["user", "assistant", "user"]
