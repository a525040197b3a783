"""Pins: set and let go by the owner, in one's own session, and the message is another version then."""

from __future__ import annotations

import pytest

from app.errors import NotFound
from app.services import messages, pins, sessions
from app.services.identity import Caller
from app.services.sessions import etag_of
from tests.services.conftest import say


def test_a_pin_is_kept_and_changes_the_message_but_once(ada: Caller) -> None:
    asked, _ = say(ada, "Hello")
    before = etag_of(messages.get(ada, asked.id))
    pinned = pins.pin(ada, asked.session_id, asked.id, is_pinned=True)
    assert (pinned.is_pinned, etag_of(pinned) != before) == (True, True)
    assert etag_of(messages.get(ada, asked.id)) == etag_of(pinned)
    again = pins.pin(ada, asked.session_id, asked.id, is_pinned=True)
    assert etag_of(again) == etag_of(pinned)
    assert not pins.pin(ada, asked.session_id, asked.id, is_pinned=False).is_pinned
    assert not messages.get(ada, asked.id).is_pinned


def test_nobody_pins_what_is_not_theirs_or_not_in_the_session(ada: Caller, bob: Caller) -> None:
    asked, answer = say(ada, "Hello")
    elsewhere = sessions.create(ada, {}).chat.id
    for caller, session_id, message_id in (
        (bob, asked.session_id, asked.id),
        (ada, elsewhere, asked.id),
        (ada, asked.session_id, "msg_x"),
        (ada, "ses_x", answer.id),
    ):
        with pytest.raises(NotFound):
            pins.pin(caller, session_id, message_id, is_pinned=True)
    assert not messages.get(ada, asked.id).is_pinned
