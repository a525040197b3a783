"""People at work inside the app, without HTTP, and many of them at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from flask import Flask

from app.models.messages import Message
from app.services import turns, users
from app.services.identity import Caller, identify
from app.services.preparations import Draft

REQUEST_ID = "req_test"


@pytest.fixture
def ada(app: Flask, people: None) -> Iterator[Caller]:
    """A person, in an app context that lasts as long as the test."""
    with app.app_context():
        yield someone("Ada")


@pytest.fixture
def bob(ada: Caller) -> Caller:
    """Another person."""
    return someone("Bob")


def someone(name: str) -> Caller:
    """A new person with a key."""
    return identify(users.add_key(users.add(name).id, "test")[1])


def draft(text: str, session_id: str | None = None, **values: Any) -> Draft:
    """Text to send."""
    return Draft([{"type": "text", "text": text}], session_id, **values)


def say(caller: Caller, text: str, session_id: str | None = None) -> tuple[Message, Message]:
    """Send and wait: the message and its answer."""
    return turns.finished(turns.start(caller, draft(text, session_id), REQUEST_ID))


def at_once(app: Flask, acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each act returns or raises; all begin together, each in a thread and an app context of its own."""
    found: list[Any] = [None] * len(acts)
    begun = threading.Barrier(len(acts))

    def work(number: int) -> None:
        with app.app_context():
            begun.wait()
            try:
                found[number] = acts[number]()
            except Exception as error:  # noqa: BLE001 - the test looks at what was raised
                found[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(acts))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found
