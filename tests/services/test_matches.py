"""The search in many matches: ranked some at a time, and all of them found by going on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from app.models import search
from app.services import matches, transfer
from app.services.identity import Caller
from app.services.matches import Hit, Wanted
from app.services.pages import Ask
from app.services.transactions import reading

AT_ONCE = search.RANKED_AT_ONCE
MANY = AT_ONCE + 30


def tell(caller: Caller, *texts: str) -> None:
    said = [{"role": "user", "content": [{"type": "text", "text": text}]} for text in texts]
    transfer.import_(caller, {}, said)


def page_of(caller: Caller, ask: Ask, query: str = "okapi") -> tuple[list[Hit], list[int | float] | None]:
    with reading() as session:
        page = matches.find(session, Wanted(caller.user_id, query), ask)
    return list(page.rows), page.next_key


def pages(caller: Caller, limit: int, is_descending: bool) -> Iterator[list[Hit]]:
    hits, key = page_of(caller, Ask(limit, is_descending))
    yield hits
    while key:
        hits, key = page_of(caller, Ask(limit, is_descending, key))
        yield hits


@pytest.fixture
def crowd(ada: Caller) -> Caller:
    """A person with more matches than are ranked at once, the oldest of all being the best one."""
    tell(ada, "okapi okapi okapi", *(f"okapi {'and ' * (at % 7)}" for at in range(MANY - 1)))
    return ada


@pytest.mark.parametrize("is_descending", [True, False])
def test_of_many_all_are_found_each_once(crowd: Caller, is_descending: bool) -> None:
    found = list(pages(crowd, 400, is_descending))
    assert [len(one) for one in found] == [400, 400, MANY - 800]
    hits = [hit for page in found for hit in page]
    assert len({hit.number for hit in hits}) == MANY
    newest, older = hits[:AT_ONCE], hits[AT_ONCE:]
    assert newest == sorted(newest, reverse=is_descending)
    assert older == sorted(older, reverse=is_descending)
    assert min(hit.number for hit in newest) > max(hit.number for hit in older)


def test_a_page_that_the_newest_end_in_is_filled_up(crowd: Caller) -> None:
    hits, key = page_of(crowd, Ask(AT_ONCE + 5, is_descending=True))
    assert len(hits) == AT_ONCE + 5
    assert key is not None
    assert len(page_of(crowd, Ask(50, True, key))[0]) == 25


def test_what_is_written_meanwhile_shifts_no_page(crowd: Caller) -> None:
    first, key = page_of(crowd, Ask(500, is_descending=True))
    tell(crowd, "okapi okapi", "okapi")
    found = first
    while key:
        hits, key = page_of(crowd, Ask(500, True, key))
        found += hits
    assert len({hit.number for hit in found}) == len(found) == MANY


def test_of_equal_hits_the_newest_comes_first(ada: Caller) -> None:
    tell(ada, *["okapi"] * 4)
    hits = page_of(ada, Ask(is_descending=True))[0]
    assert all(one.number > next_.number for one, next_ in pairwise(hits))


def test_they_are_shown_in_their_order_and_nothing_for_nothing(ada: Caller) -> None:
    tell(ada, "okapi and others", "okapi okapi")
    wanted = Wanted(ada.user_id, "okapi")
    with reading() as session:
        hits = matches.find(session, wanted, Ask(is_descending=True)).rows
        found = matches.show(session, wanted, hits)
        assert matches.show(session, wanted, []) == []
    assert [one.message.content[0]["text"] for one in found] == ["okapi okapi", "okapi and others"]
    assert [one.score for one in found] == [one.score for one in hits]


def test_without_a_word_nothing_is_found(crowd: Caller) -> None:
    assert page_of(crowd, Ask(), "?!") == ([], None)
