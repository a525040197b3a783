"""`flask admin replay`: a recorded turn, played again."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import update

from app.models.messages import Message
from app.services.transactions import writing
from tests.support import Api

SUM = '[[reply: tool=calculate input={"expression": "6 * 7"}]]'


def test_it_says_whether_the_outcome_is_the_same(app: Flask, api: Api) -> None:
    answer = api.say(api.session(tools=["calculate"]), SUM)
    same = app.test_cli_runner().invoke(args=["admin", "replay", answer["id"]])
    assert same.exit_code == 0, same.output
    assert same.output == (
        f"{answer['id']}: 2 requests to Claude, 1 calls of tools; the outcome is the same.\n"
    )
    with app.app_context(), writing() as session:
        session.execute(update(Message).where(Message.id == answer["id"]).values(output_tokens=1))
    other = app.test_cli_runner().invoke(args=["admin", "replay", answer["id"]])
    assert other.exit_code == 1
    assert "output_tokens was 1, and is" in other.output


def test_what_is_not_kept_is_said(app: Flask, api: Api) -> None:
    found = app.test_cli_runner().invoke(args=["admin", "replay", "msg_nothing"])
    assert found.exit_code == 1
    assert found.output.startswith("Error: There is no trace msg_nothing")
