"""Whose word counts: the message's, then the session's, then the server's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from app.context import Ask
from app.models.sessions import ChatSession
from app.services.settings import Wishes, settle
from config import Config
from tests.conftest import made

KEPT = {"model": "of-session", "system": "Session.", "max_tokens": 20}


@pytest.mark.parametrize(
    ("wishes", "kept", "expected"),
    [
        (Wishes(), None, ("claude-sonnet-5-5", None, 8192)),
        (Wishes(), {}, ("claude-sonnet-5-5", None, 8192)),
        (Wishes(), KEPT, ("of-session", "Session.", 20)),
        (Wishes(model="m"), KEPT, ("m", "Session.", 20)),
        (Wishes(max_tokens=1), KEPT, ("of-session", "Session.", 1)),
        (Wishes(system="Message."), KEPT, ("of-session", "Message.", 20)),
        (Wishes(system=""), KEPT, ("of-session", None, 20)),
        (Wishes(system=" \n"), KEPT, ("of-session", None, 20)),
        (Wishes("m", "s", 3), None, ("m", "s", 3)),
    ],
)
def test_the_nearest_word_wins(
    app: Flask, wishes: Wishes, kept: dict[str, object] | None, expected: tuple[object, ...]
) -> None:
    with app.app_context():
        ask = settle(wishes, None if kept is None else ChatSession(**kept))
    assert (ask.model, ask.system, ask.max_tokens) == expected


def test_the_servers_defaults_and_ceiling_are_those_of_its_config(config: Config) -> None:
    with made(replace(config, model="m", max_tokens=7, context_tokens=9)) as app, app.app_context():
        assert settle(Wishes()) == Ask("m", 7, None, budget_tokens=9)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (None, (20_000, 0.4, 300)),
        ({}, (20_000, 0.4, 300)),
        ({"budget_tokens": None, "keep": None, "recall_tokens": None, "summary": None}, (20_000, 0.4, 300)),
        ({"budget_tokens": 5_000}, (5_000, 0.4, 300)),
        ({"budget_tokens": 50_000}, (20_000, 0.4, 300)),
        ({"keep": 0.0, "recall_tokens": 0}, (20_000, 0.0, 0)),
        ({"keep": 1.0, "recall_tokens": 9_000}, (20_000, 1.0, 9_000)),
    ],
)
def test_of_the_context_the_session_has_the_last_word_but_under_the_servers_ceiling(
    config: Config, kept: dict[str, object] | None, expected: tuple[object, ...]
) -> None:
    own = replace(config, context_tokens=20_000, context_keep=0.4, recall_tokens=300)
    with made(own) as app, app.app_context():
        ask = settle(Wishes(), ChatSession(context=kept))
    assert (ask.budget_tokens, ask.keep, ask.recall_tokens) == expected
