"""Receipts: every message of the path is in one of the runs, by its id, whatever became of it."""

from __future__ import annotations

from typing import Any

from app.services import pins, receipts, sessions, turns
from app.services.identity import Caller
from app.services.pages import Ask
from tests.services.conftest import REQUEST_ID, draft, say

LONG = "some words to fill the window with, " * 20
SMALL = {"context": {"budget_tokens": 1_500, "recall_tokens": 300}}
NAMES = (
    "model",
    "budget_tokens",
    "max_tokens",
    "prompt_tokens",
    "method",
    "tokens",
    "cache",
    "cut",
    "summary_id",
    "messages",
)


def ids_of(caller: Caller, session_id: str) -> list[str]:
    return [one.id for one in sessions.path_page(caller, session_id, Ask(1_000)).rows]


def flat(receipt: dict[str, Any], ids: list[str]) -> list[str]:
    """What became of each message, in the order of the path."""
    found: list[str] = []
    for run in receipt["messages"]:
        first, last = ids.index(run["first_id"]), ids.index(run["last_id"])
        assert (first, last - first + 1) == (len(found), run["messages"])
        found += [run["as"]] * run["messages"]
    return found


def test_a_receipt_covers_the_path_and_names_its_messages(ada: Caller) -> None:
    session_id = sessions.create(ada, SMALL).chat.id
    for number in range(14):
        asked, answer = say(ada, f"Number {number}: {LONG}", session_id)
        if number in (1, 4):
            pins.pin(ada, session_id, asked.id, is_pinned=True)
    assert answer.context
    assert tuple(answer.context) == NAMES
    fates = flat(answer.context, ids_of(ada, session_id)[:-1])
    assert set(fates) == {"pinned", "recalled", "left_out", "verbatim"}
    assert (fates[2], fates[8], fates[-1]) == ("pinned", "pinned", "verbatim")
    assert fates[fates.index("verbatim") :] == ["verbatim"] * fates.count("verbatim")
    assert sum(answer.context["tokens"].values()) == answer.context["prompt_tokens"]


def test_the_event_is_the_receipt_that_is_kept(ada: Caller) -> None:
    begun = turns.start(ada, draft("Hello"), REQUEST_ID)
    _, answer = turns.finished(begun)
    assert begun.log
    assert answer.context
    assert begun.log.events[1].payload == {"type": "colloquy.context", **answer.context}
    assert receipts.event(answer.context).payload == begun.log.events[1].payload
