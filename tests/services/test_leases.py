"""A turn whose process died ends as `interrupted`, and the session goes on."""

from __future__ import annotations

import platform
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.models.base import now
from app.models.messages import Message
from app.models.turns import Turn
from app.services import leases
from app.services.transactions import writing
from tests.support import Api


@pytest.fixture
def orphan(app: Flask, api: Api) -> str:
    """A session whose answer was begun by a process that is gone."""
    session_id = api.session()
    message = api.say(session_id, "Hello")
    with app.app_context(), writing() as session:
        session.add(leases.lease_for(message["id"], session_id))
        session.flush()
        session.execute(update(Turn).values(holder="elsewhere:1"))
        session.execute(update(Message).values(status="running").where(Message.id == message["id"]))
    return session_id


def set_turn(app: Flask, **values: object) -> None:
    with app.app_context(), writing() as session:
        session.execute(update(Turn).values(**values))


def recover(app: Flask, *, is_start: bool = False) -> int:
    with app.app_context():
        return leases.recover(is_start=is_start)


def test_a_turn_is_believed_in_while_its_lease_runs(app: Flask, api: Api, orphan: str) -> None:
    assert recover(app) == 0
    assert api.get(f"/sessions/{orphan}").json()["status"] == "running"
    assert api.send_to(orphan, "Now?").status_code == 409


def test_when_the_lease_ran_out_the_answer_is_interrupted_and_the_session_goes_on(
    app: Flask, api: Api, orphan: str
) -> None:
    set_turn(app, leased_until=now() - timedelta(seconds=1))
    assert recover(app) == 1
    assert api.path(orphan)[-1]["status"] == "interrupted"
    assert api.get(f"/sessions/{orphan}").json()["status"] == "idle"
    assert api.send_to(orphan, "Now?").status_code == 201
    assert recover(app) == 0


@pytest.mark.parametrize("number", [2**22 + 1, 0])
def test_a_process_of_this_host_that_is_gone_is_not_waited_for(
    app: Flask, api: Api, orphan: str, number: int
) -> None:
    holder = leases.holder() if number == 0 else f"{platform.node()}:{number}"
    set_turn(app, holder=holder)
    assert recover(app, is_start=number == 0) == 1
    assert api.path(orphan)[-1]["status"] == "interrupted"


def test_a_turn_of_this_process_is_not_given_up_before_it_is_handed_over(app: Flask, orphan: str) -> None:
    set_turn(app, holder=leases.holder())
    assert recover(app) == 0


def test_a_living_process_of_this_host_is_believed(app: Flask, orphan: str) -> None:
    set_turn(app, holder=f"{platform.node()}:1")
    assert recover(app) == 0
