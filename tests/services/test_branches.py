"""Branches that are forked and cut while somebody else is at them, on both databases."""

from __future__ import annotations

import functools
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.errors import NotFound
from app.extensions import db, dialect
from app.models.messages import Message
from app.services import branches, sessions
from app.services.identity import Caller
from app.services.pages import Ask
from tests.services.conftest import at_once, say

TIMES = 8


def path_of(caller: Caller, session_id: str) -> list[Message]:
    return list(sessions.path_page(caller, session_id, Ask(limit=100)).rows)


def check_whole(caller: Caller, session_id: str) -> None:
    """The head is there, and all that leads to it is counted."""
    chat, path = sessions.get(caller, session_id), path_of(caller, session_id)
    assert chat.head_id == (path[-1].id if path else None)
    assert [one.parent_id for one in path] == [None, *(one.id for one in path)][: len(path)]
    assert chat.messages == len(path)


def test_a_fork_is_whole_though_its_messages_are_deleted_at_the_same_moment(app: Flask, ada: Caller) -> None:
    if dialect() != "postgresql":
        pytest.skip("SQLite has one writer")
    first = say(ada, "One")[1]
    last = say(ada, "Two", first.session_id)[1]

    def cut_off() -> None:
        with app.app_context():
            branches.cut_off(ada, str(last.parent_id), lambda _: True)

    cutting = threading.Thread(target=cut_off)

    def after(*args: Any) -> None:
        if "FOR UPDATE OF sessions" in args[2] and threading.current_thread() is threading.main_thread():
            cutting.start()
            cutting.join(0.3)
            assert cutting.is_alive(), "it waits until the fork is made"

    event.listen(db.engine, "after_cursor_execute", after)
    try:
        fork = branches.fork(ada, first.session_id, last.id).chat
    finally:
        event.remove(db.engine, "after_cursor_execute", after)
    cutting.join(10)
    assert len(path_of(ada, fork.id)) == 4
    assert len(path_of(ada, first.session_id)) == 2
    for session_id in (fork.id, first.session_id):
        check_whole(ada, session_id)


def test_forks_and_deletions_at_once_leave_whole_sessions_behind(app: Flask, ada: Caller) -> None:
    for _ in range(TIMES):
        first = say(ada, "One")[1]
        last = say(ada, "Two", first.session_id)[1]
        fork = functools.partial(branches.fork, ada, first.session_id, last.id)
        cut_off = functools.partial(branches.cut_off, ada, last.id, lambda _: True)
        *forks, cut = at_once(app, [fork, fork, cut_off])
        assert cut is None
        for one in forks:
            if not isinstance(one, NotFound):
                check_whole(ada, one.chat.id)
                assert one.chat.messages == 4
        check_whole(ada, first.session_id)


def test_of_two_that_delete_the_same_the_later_finds_nothing(app: Flask, ada: Caller) -> None:
    for _ in range(TIMES):
        answer = say(ada, "One")[1]
        cuts = [
            functools.partial(branches.cut_off, ada, one, lambda _: True) for one in (answer.id, answer.id)
        ]
        found = at_once(app, cuts)
        assert sorted(isinstance(one, NotFound) for one in found) == [False, True]
        check_whole(ada, answer.session_id)
