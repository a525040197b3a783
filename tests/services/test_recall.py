"""Recall from the database: what of a path is found, in how many statements, and nothing beside the path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from app.extensions import db
from app.models.base import new_id
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.services import branches, recall, transfer, tree
from app.services.identity import Caller
from app.services.transactions import reading, writing

Found = list[list[str]]
AT = datetime(2026, 3, 1, tzinfo=UTC)
TALK = ["hello", "My dog is called Rex", "nice", "the weather", "rain", "Rex ran away", "oh no", "and so on"]


def said(text: str, **values: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}], "created_at": AT, **values}


def told(caller: Caller, *texts: str) -> ChatSession:
    return transfer.import_(caller, {}, [said(text) for text in texts]).chat


def found(chat: ChatSession, text: str, before_depth: int = 99, head_id: str | None = None) -> Found:
    with reading() as session:
        windows = recall.find(session, chat.id, head_id or str(chat.head_id), before_depth, text)
    return [[one.content[0]["text"] for one in window] for window in windows]


def added(caller: Caller, chat: ChatSession, text: str, after: str | None = None) -> str:
    """One more message after another or after the newest; its id."""
    with writing() as session:
        parent = tree.message_at(session, after or chat.head_id)
        message_id = new_id("msg")
        place = vars(tree.place_after(session, parent, message_id))
        content = [{"type": "text", "text": text}]
        row = Message(
            id=message_id, session_id=chat.id, role="user", content=content, status="complete", **place
        )
        session.add(row)
        session.flush()
        tree.index(session, row, caller.user_id)
    chat.head_id = message_id
    return message_id


def crowd(caller: Caller, size: int) -> list[ChatSession]:
    """Sessions that grew at the same time, so that their messages lie among each other; all say the same."""
    chats = [told(caller, "hello") for _ in range(size)]
    for text in TALK[1:]:
        for number, chat in enumerate(chats):
            added(caller, chat, f"{text} ({number})")
    return chats


@pytest.fixture
def count_statements(ada: Caller) -> Iterator[Callable[[Callable[[], Any]], int]]:
    """How many statements an act takes."""
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    def count(act: Callable[[], Any]) -> int:
        statements.clear()
        act()
        return sum(one.lstrip().upper().startswith(("SELECT", "WITH")) for one in statements)

    event.listen(db.engine, "before_cursor_execute", note)
    yield count
    event.remove(db.engine, "before_cursor_execute", note)


def test_a_message_is_found_with_those_beside_it(ada: Caller) -> None:
    assert found(told(ada, *TALK), "What is my dog called?", 8)[0] == TALK[0:3]


def test_words_are_found_in_other_forms(ada: Caller) -> None:
    assert found(told(ada, *TALK), "Does it rain, is it raining?", 8)[0] == TALK[3:6]


def test_the_cut_is_not_passed(ada: Caller) -> None:
    chat = told(ada, *TALK)
    texts = {text for window in found(chat, "Rex", 5) for text in window}
    assert "Rex ran away" not in texts
    assert texts == set(TALK[0:4])


@pytest.mark.parametrize(("text", "before_depth"), [("Rex", 0), ("what is it?", 8), ("zebra", 8), ("", 8)])
def test_nothing_may_be_found(ada: Caller, text: str, before_depth: int) -> None:
    assert found(told(ada, *TALK), text, before_depth) == []


@pytest.mark.parametrize("size", [1, 2, 9])
def test_nothing_of_another_session_is_found(ada: Caller, bob: Caller, size: int) -> None:
    crowd(bob, 1)
    for number, chat in enumerate(crowd(ada, size)):
        windows = found(chat, "my dog Rex", 8)
        own = f"({number})"
        assert windows[0] == ["hello", f"My dog is called Rex {own}", f"nice {own}"]
        assert [text for window in windows for text in window if not text.endswith((own, "hello"))] == []


def test_nothing_of_another_branch_is_found(ada: Caller) -> None:
    chat = told(ada, *TALK)
    with reading() as session:
        fork = tree.whole_path(session, tree.message_at(session, chat.head_id))[3].id
    old_head = str(chat.head_id)
    for number in range(30):
        added(ada, chat, f"Rex came back {number}", after=fork if number == 0 else None)
    new = {text for window in found(chat, "Rex", 99) for text in window}
    assert "My dog is called Rex" in new
    assert "Rex came back 7" in new
    assert "Rex ran away" not in new
    old = {text for window in found(chat, "Rex", 99, old_head) for text in window}
    assert {"My dog is called Rex", "Rex ran away"} <= old
    assert not any(text.startswith("Rex came back") for text in old)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_many_branches_of_one_message_do_not_mix(ada: Caller, count: int) -> None:
    root = told(ada, "hello", "the zebra of all")
    fork = str(root.head_id)
    heads = [fork] * count
    for text in ("one zebra", "other things", "two zebras"):
        heads = [added(ada, root, f"{text} ({number})", after=head) for number, head in enumerate(heads)]
    for number, head in enumerate(heads):
        texts = {text for window in found(root, "zebra", 99, head) for text in window}
        kinds = ("one zebra", "other things", "two zebras")
        assert texts == {"hello", "the zebra of all", *(f"{kind} ({number})" for kind in kinds)}


def test_the_entries_say_when_who_and_how_large(ada: Caller) -> None:
    chat = told(ada, *TALK)
    with reading() as session:
        window = recall.find(session, chat.id, str(chat.head_id), 8, "dog")[0]
    assert [(one.depth, one.role, one.at) for one in window] == [(depth, "user", AT) for depth in range(3)]
    assert all(one.tokens and one.id.startswith("msg_") for one in window)


def test_a_deleted_message_is_not_found(ada: Caller) -> None:
    chat = told(ada, *TALK)
    with reading() as session:
        path = tree.whole_path(session, tree.message_at(session, chat.head_id))
    branches.cut_off(ada, path[5].id, lambda _: True)
    assert not any("Rex ran away" in window for window in found(chat, "Rex", 5, path[4].id))


@pytest.mark.parametrize(
    "text", ['"', "body:x OR y", "x* NEAR(a b)", "'; DROP", "\\ % _ : &|!()", "漢字 ж é"]
)
def test_no_text_breaks_it(ada: Caller, text: str) -> None:
    assert found(told(ada, *TALK), f"{text} rain", 8)[0] == TALK[3:6]


def test_there_are_three_statements_whatever_the_length(
    ada: Caller, count_statements: Callable[[Callable[[], Any]], int]
) -> None:
    short, long = told(ada, *TALK), told(ada, *TALK * 40)
    assert count_statements(lambda: found(short, "Rex and the dog in the rain", 8)) == 3
    assert count_statements(lambda: found(long, "Rex and the dog in the rain", 320)) == 3


def test_a_small_room_is_filled_from_few_windows(ada: Caller) -> None:
    chat = told(ada, *[f"Rex barks at number {number}" for number in range(300)])
    with reading() as session:
        few, many = (
            recall.find(session, chat.id, str(chat.head_id), 300, "Rex", room) for room in (100, 10_000)
        )
    assert len(few) == recall.LEAST_WINDOWS < len(many) <= 300
