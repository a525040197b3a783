"""Random turns, with tools and with faults, played again: all the same, and no socket is opened for it."""

from __future__ import annotations

import os
import secrets
import sys
from collections import Counter
from random import Random

from flask import Flask

from app.services import replays
from tests.faults.conftest import Found, Scale
from tests.support import Api

SUM = '[[reply: tool=calculate input={"expression": "6 * 7"}]]'
WISHES = (
    "Tell me of the harbour. [[reply: words=120]]",
    f"What is it? {SUM}",
    f"And now? {SUM}{SUM} [[reply: rounds=3]]",
    '[[reply: tool=calculate input={"expression": "1 / 0"}]]',
    '[[reply: tool=current_time input={"time_zone": "Nowhere"}]] Later',
    '[[reply: tool=recall input={"query": "harbour"}]] Before?',
    "[[reply: thinking=What can that be?]] Think.",
    "[[reply: stop_reason=pause_turn]] Wait.",
    "[[fault: cut after=6]] Broken",
    "[[fault: status=500 times=1]] Once more",
    f"[[reply: tool=weather]] {SUM} Rain?",
)
TOOLS = ["calculate", "current_time", "recall", {"name": "weather", "input_schema": {"type": "object"}}]
BUDGETS = (None, 3_000, 6_000)
TURNS_A_SESSION = 20
opened: list[str] = []
is_watching = False


def _note(event: str, _args: object) -> None:
    if is_watching and event in ("socket.__new__", "socket.connect", "socket.getaddrinfo"):
        opened.append(event)


def test_every_recorded_turn_comes_out_the_same_without_a_socket(
    app: Flask, api: Api, scale: Scale, found: Found
) -> None:
    seed = int(os.environ.get("FAULTS_SEED", secrets.randbelow(10**6)))
    print(f"FAULTS_SEED={seed}")  # noqa: T201 - shown where the test fails
    random, counts = Random(seed), Counter[str]()  # noqa: S311 - no secret
    sys.addaudithook(_note)
    for number in range(scale.turns_replayed):
        if number % TURNS_A_SESSION == 0:
            session_id = api.session(tools=TOOLS, context={"budget_tokens": random.choice(BUDGETS)})
        answer = api.send_to(session_id, random.choice(WISHES)).json()
        message_id = answer["message"]["id"] if "message" in answer else answer["message_id"]
        with app.app_context():
            played = _again(message_id)
        assert played.differences == [], message_id
        counts += Counter(turns=1, asked=played.asked, used=played.used, failed="message" not in answer)
    found(
        f"{counts['turns']} turns played again (seed {seed}): {counts['asked']} requests, "
        f"{counts['used']} calls of tools, {counts['failed']} failed turns: all equal, 0 sockets opened"
    )


def _again(message_id: str) -> replays.Replay:
    """Play it, and see that no socket is opened."""
    global is_watching  # noqa: PLW0603 - an audit hook stays for good
    record = replays.recorded(message_id)
    is_watching = True
    played = replays.again(record)
    is_watching = False
    assert opened == []
    return played
