"""Summaries that hold on a path: those of messages on it, the furthest first."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import delete, select

from app.models.messages import Message
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow, select_summaries
from app.models.users import User
from app.services.transactions import writing


def test_a_summary_holds_on_every_path_over_its_message_and_on_no_other(app: Flask, people: None) -> None:
    with app.app_context(), writing() as session:
        session.add(User(id="usr_a", name="Ada"))
        session.flush()
        session.add(ChatSession(id="ses_a", user_id="usr_a"))
        session.flush()
        for name, parent, branch, depth in (
            ("a", None, "a", 0),
            ("b", "a", "a", 1),
            ("c", "b", "a", 2),
            ("d", "a", "d", 1),
        ):
            place = {"parent_id": parent, "branch_id": branch, "depth": depth}
            message = Message(id=name, session_id="ses_a", role="user", status="complete", **place)
            message.content = []
            session.add(message)
            session.flush()
        for name, upto, depth in (
            ("of_a", "a", 0),
            ("of_b", "b", 1),
            ("of_b_again", "b", 1),
            ("of_d", "d", 1),
        ):
            of = {"id": name, "session_id": "ses_a", "upto_id": upto, "upto_depth": depth}
            session.add(SummaryRow(covered_ids=[upto], text="short", tokens=1, model="m", **of))
        session.flush()

        def held(head_id: str) -> list[str]:
            return [
                one.id
                for one in session.scalars(select_summaries(), {"session_id": "ses_a", "head_id": head_id})
            ]

        assert held("c") == held("b") == ["of_b_again", "of_b", "of_a"]
        assert held("d") == ["of_d", "of_a"]
        assert held("a") == ["of_a"]
        session.execute(delete(Message).where(Message.id == "d"))
        assert held("b")[-1] == "of_a"
        left = session.scalars(select(SummaryRow.id).order_by(SummaryRow.id)).all()
        assert left == ["of_a", "of_b", "of_b_again"], "it goes with its message"
