"""Where messages stand in a session's tree, on both databases."""

from __future__ import annotations

from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.extensions import db
from app.models.messages import Message, select_path
from app.models.sessions import ChatSession
from app.services import tree, users


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 30), max_size=30))
def test_the_path_by_branches_is_the_path_by_parents(app: Flask, people: Any, choices: list[int]) -> None:
    with app.app_context():
        session = db.session()
        chat = ChatSession(user_id=users.add("Ada").id)
        session.add(chat)
        session.flush()
        made: list[Message] = []
        for number, choice in enumerate(choices):
            parent = made[choice % len(made)] if made and choice else None
            id_ = f"msg_{chat.id[-20:]}{number:06}"
            place = vars(tree.place_after(session, parent, id_))
            row = Message(id=id_, session_id=chat.id, role="user", content=[], status="complete", **place)
            made.append(row)
            session.add(row)
            session.flush()
        parents = {one.id: one.parent_id for one in made}
        for one in made:
            expected = [one.id]
            while parents[expected[0]]:
                expected.insert(0, parents[expected[0]])
            found = [row.id for row in session.scalars(select_path(one.id, 0, one.depth))]
            assert found == expected
            part = [row.id for row in session.scalars(select_path(one.id, 1, 2))]
            assert part == expected[1:3]
        session.rollback()
