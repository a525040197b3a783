"""Many strings are found at once, and found everywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.needles import LONG, Needles, merged

FEW = st.sampled_from("ab")
NEEDLES = st.sets(st.text(FEW, min_size=4, max_size=40), max_size=5)
TEXTS = st.text(FEW, max_size=120)


def everywhere(text: str, needles: set[str]) -> list[tuple[int, int]]:
    places = [at for at in range(len(text)) if text[at] != "-"]
    return [(at, at + len(one)) for one in needles for at in places if text.startswith(one, at)]


def breaks_off(text: str, needles: set[str]) -> int:
    places = [at for at in range(len(text) - 3) if text[at] != "-"]
    begins = [at for at in places for one in needles if one != text[at:] and one.startswith(text[at:])]
    return min(begins, default=len(text))


@given(NEEDLES, NEEDLES, TEXTS)
def test_all_are_found_and_no_others(first: set[str], second: set[str], text: str) -> None:
    spans, cut = Needles(second, Needles(first)).find(text)
    assert list(spans) == merged(everywhere(text, first | second))
    assert cut == breaks_off(text, first | second)


@given(NEEDLES, TEXTS, TEXTS)
def test_a_long_text_is_no_other(needles: set[str], before: str, after: str) -> None:
    text = before + "-" * LONG + after
    spans, cut = Needles(needles).find(text)
    assert list(spans) == merged(everywhere(text, needles))
    assert cut == breaks_off(text, needles)


def test_overlapping_spans_are_one_and_touching_ones_are_not() -> None:
    assert merged([(5, 9), (0, 3), (2, 4), (9, 12)]) == [(0, 4), (5, 9), (9, 12)]
