"""Sessions: whose they are, how they change, and how their path is paged."""

from __future__ import annotations

import functools

import pytest
from flask import Flask

from app.errors import NotFound, PreconditionFailed
from app.models.sessions import ChatSession
from app.services import sessions, transfer
from app.services.erasure import Erasure
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.sessions import Wanted, etag_of
from tests.services.conftest import at_once, say

ANY = Wanted()


def anything(_: str) -> bool:
    return True


def ids(caller: Caller, wanted: Wanted = ANY, ask: Ask | None = None) -> list[str]:
    return [one.id for one in sessions.page(caller, wanted, ask or Ask()).rows]


def long(caller: Caller, count: int) -> ChatSession:
    said = [{"role": "user", "content": [{"type": "text", "text": str(at)}]} for at in range(count)]
    return transfer.import_(caller, {}, said).chat


def test_what_is_left_out_follows_the_defaults(ada: Caller) -> None:
    chat = sessions.create(ada, {}).chat
    assert (chat.title, chat.model, chat.system, chat.max_tokens, chat.head_id) == (None,) * 5
    assert (chat.client_metadata, chat.is_archived, chat.messages, chat.is_running) == ({}, False, 0, False)
    assert sessions.get(ada, chat.id).created_at == chat.created_at


def test_a_session_is_its_owners_alone(ada: Caller, bob: Caller) -> None:
    chat = sessions.create(ada, {"title": "Mine"}).chat
    for act in (
        lambda: sessions.get(bob, chat.id),
        lambda: sessions.change(bob, chat.id, {"title": "His"}, anything),
        lambda: sessions.remove(bob, chat.id, anything),
        lambda: sessions.path_page(bob, chat.id, Ask()),
        lambda: transfer.export(bob, chat.id),
        lambda: transfer.as_markdown(bob, chat.id),
    ):
        with pytest.raises(NotFound, match=chat.id):
            act()
    assert ids(bob) == []
    assert sessions.get(ada, chat.id).title == "Mine"


def test_a_change_sets_what_it_names_and_makes_a_new_version(ada: Caller) -> None:
    chat = sessions.create(ada, {"title": "A", "system": "S"}).chat
    seen = etag_of(chat)
    changed = sessions.change(ada, chat.id, {"title": "B", "is_archived": True}, seen.__eq__)
    assert (changed.title, changed.system, changed.is_archived) == ("B", "S", True)
    assert etag_of(changed) != seen
    assert changed.created_at == chat.created_at


def test_who_saw_another_version_is_told_the_current_one_and_changes_nothing(ada: Caller) -> None:
    chat = sessions.create(ada, {"title": "A"}).chat
    for act in (
        lambda: sessions.change(ada, chat.id, {"title": "B"}, lambda _: False),
        lambda: sessions.remove(ada, chat.id, lambda _: False),
    ):
        with pytest.raises(PreconditionFailed) as caught:
            act()
        assert caught.value.headers == {"ETag": f'"{etag_of(chat)}"'}
    assert sessions.get(ada, chat.id).title == "A"


def test_of_many_who_change_the_same_version_one_wins(app: Flask, ada: Caller) -> None:
    chat = sessions.create(ada, {"title": "A"}).chat
    seen = etag_of(chat)

    def change(title: str) -> str | None:
        return sessions.change(ada, chat.id, {"title": title}, seen.__eq__).title

    results = at_once(app, [functools.partial(change, str(number)) for number in range(8)])
    won = [one for one in results if isinstance(one, str)]
    assert len(won) == 1
    assert all(isinstance(one, PreconditionFailed) for one in results if one not in won)
    assert sessions.get(ada, chat.id).title == won[0]


def test_of_many_who_delete_it_one_does_and_the_others_find_nothing(app: Flask, ada: Caller) -> None:
    session_id = say(ada, "Hello")[1].session_id
    results = at_once(app, [lambda: sessions.remove(ada, session_id, anything)] * 6)
    assert sum(isinstance(one, Erasure) for one in results) == 1
    assert sum(isinstance(one, NotFound) for one in results) == 5


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_of_any_size_join_to_the_whole_list(ada: Caller, limit: int, is_descending: bool) -> None:
    made = [sessions.create(ada, {}).chat.id for _ in range(7)]
    found: list[str] = []
    ask = Ask(limit, is_descending)
    while True:
        page = sessions.page(ada, ANY, ask)
        found += [one.id for one in page.rows]
        if page.next_key is None:
            break
        ask = Ask(limit, is_descending, page.next_key)
    assert found == sorted(made, reverse=is_descending)


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("limit", [1, 4, 5, 9])
def test_pages_of_a_path_join_to_the_whole_path(ada: Caller, limit: int, is_descending: bool) -> None:
    chat = long(ada, 5)
    found: list[int] = []
    ask = Ask(limit, is_descending)
    while True:
        page = sessions.path_page(ada, chat.id, ask)
        found += [one.depth for one in page.rows]
        if page.next_key is None:
            break
        ask = Ask(limit, is_descending, page.next_key)
    assert found == sorted(range(5), reverse=is_descending)


@pytest.mark.parametrize("after", [-1, 2, 4, 5, 1_000])
def test_a_page_begins_after_its_key_whether_or_not_that_is_there(ada: Caller, after: int) -> None:
    chat = long(ada, 5)
    up = [one.depth for one in sessions.path_page(ada, chat.id, Ask(9, False, [after])).rows]
    assert up == [depth for depth in range(5) if depth > after]
    assert sessions.path_page(ada, sessions.create(ada, {}).chat.id, Ask(9, False, [after])).rows == []


def test_filters_are_joined(ada: Caller) -> None:
    first = sessions.create(ada, {"title": "Straße", "model": "m", "is_archived": True}).chat.id
    second = sessions.create(ada, {"title": "a\\b_c%d", "model": "m"}).chat.id
    assert ids(ada, Wanted(model="m")) == [first, second]
    assert ids(ada, Wanted(model="m", is_archived=False)) == [second]
    assert ids(ada, Wanted(title_part="STRA", model="m")) == [first]
    for part in ("\\", "_", "%", "a\\B_C%D"):
        assert ids(ada, Wanted(title_part=part)) == [second], part
    assert ids(ada, Wanted(title_part="'; --")) == []
