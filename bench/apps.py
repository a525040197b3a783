"""The app in this process, on a database of its own and on the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask

from app import create_app
from app.claude.simulator import Simulator
from app.cli.migrations import upgrade
from app.extensions import claude, db, parts
from app.services import turns, users
from app.services.identity import Caller, identify
from app.services.preparations import Draft
from config import Config


@dataclass(frozen=True)
class Visitor:
    """Somebody with a key to an app."""

    app: Flask
    key: str
    caller: Caller


@contextmanager
def caller_on(database_url: str) -> Iterator[Caller]:
    """Somebody who may call services, in an app context, for as long as the block runs."""
    with Simulator(seconds_per_event=0) as simulator, visitor_on(database_url, simulator.base_url) as visitor:
        yield visitor.caller


@contextmanager
def visitor_on(database_url: str, upstream_url: str) -> Iterator[Visitor]:
    """The same, with the app and a key to it."""
    app = create_app(Config(database_url=database_url, anthropic_base_url=upstream_url, log_level="WARNING"))
    with app.app_context():
        upgrade()
        key = users.add_key(users.add("bench").id, "bench")[1]
        yield Visitor(app, key, identify(key))
        parts().runner.wait(10)
        claude().close()
        db.engine.dispose()


def say(caller: Caller, text: str, session_id: str | None = None) -> str:
    """Send a message and wait for its answer; the answer's id."""
    content = [{"type": "text", "text": text}]
    _, answer = turns.finished(turns.start(caller, Draft(content, session_id), "bench"))
    return answer.id
