"""Messages: whose they are, and the search in them."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotFound
from app.models.search import CLOSE, OPEN
from app.services import messages, sessions, transfer
from app.services.identity import Caller
from app.services.messages import marked
from app.services.pages import Ask

BEST_FIRST = Ask(is_descending=True)


def tell(caller: Caller, *texts: str) -> str:
    said = [{"role": "user", "content": [{"type": "text", "text": text}]} for text in texts]
    return transfer.import_(caller, {}, said).chat.id


def texts(caller: Caller, query: str, session_id: str | None = None, ask: Ask = BEST_FIRST) -> list[str]:
    rows = messages.search(caller, query, session_id, ask).rows
    return [one.message.content[0]["text"] for one in rows]


def test_a_message_is_read_by_its_owner_alone(ada: Caller, bob: Caller) -> None:
    tell(ada, "okapi")
    (found,) = messages.search(ada, "okapi", None, BEST_FIRST).rows
    assert messages.get(ada, found.message.id).content == [{"type": "text", "text": "okapi"}]
    with pytest.raises(NotFound):
        messages.get(bob, found.message.id)
    with pytest.raises(NotFound):
        messages.get(ada, "msg_x")


def test_search_stays_with_the_person_and_the_session(ada: Caller, bob: Caller) -> None:
    one, two, his = tell(ada, "okapi one"), tell(ada, "okapi two"), tell(bob, "okapi three")
    assert sorted(texts(ada, "okapi")) == ["okapi one", "okapi two"]
    assert texts(ada, "okapi", two) == ["okapi two"]
    assert texts(bob, "okapi") == ["okapi three"]
    for session_id in (his, "ses_x", '"', 'x" OR user_id:"' + bob.user_id):
        with pytest.raises(NotFound):
            texts(ada, "okapi", session_id)
    sessions.remove(ada, one, lambda _: True)
    assert texts(ada, "okapi") == ["okapi two"]


@pytest.mark.parametrize("is_descending", [True, False])
def test_equal_matches_are_paged_each_once(ada: Caller, is_descending: bool) -> None:
    tell(ada, *(["okapi"] * 5), "okapi okapi okapi", "okapi " + "and others " * 30)
    whole = messages.search(ada, "okapi", None, Ask(50, is_descending)).rows
    scores = [one.score for one in whole]
    assert scores == sorted(scores, reverse=is_descending)
    found, ask = list[int](), Ask(2, is_descending)
    while True:
        page = messages.search(ada, "okapi", None, ask)
        found += [one.message.number for one in page.rows]
        if page.next_key is None:
            break
        ask = Ask(2, is_descending, page.next_key)
    assert found == [one.message.number for one in whole]
    assert len(set(found)) == 7


def test_text_is_told_from_the_marks_around_what_matched(ada: Caller) -> None:
    tell(ada, 'an <script>okapi</script> & "friends"')
    (found,) = messages.search(ada, "okapi", None, BEST_FIRST).rows
    assert "<mark>okapi</mark>" in found.snippet
    assert "<script>" not in found.snippet
    assert "&amp;" in found.snippet


@given(st.text(), st.text())
def test_a_snippet_is_html_that_says_what_the_text_says(before: str, matched: str) -> None:
    shown = marked(f"{before}{OPEN}{matched}{CLOSE}")
    assert set(re.findall(r"<[^>]*>", shown)) <= {"<mark>", "</mark>"}
    said = (before + matched).replace(OPEN, "").replace(CLOSE, "")
    assert html.unescape(shown.replace("<mark>", "").replace("</mark>", "")) == html.unescape(
        html.escape(said)
    )
