"""A conversation held at its budget: what is cached of it stays as it was, to the byte, but at cuts."""

from __future__ import annotations

import json
import secrets
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from app.claude.simulator import Simulator
from config import Config
from tests.conftest import made, serving
from tests.faults.conftest import Found, Scale
from tests.support import Api, last_asked, unmarked

BUDGET_TOKENS, RECALL_TOKENS = 3_000, 500
CONTEXT = {"budget_tokens": BUDGET_TOKENS, "recall_tokens": RECALL_TOKENS}
SYSTEM = "You keep the books of a harbour, and answer as its keeper would, in one sentence. " * 30
RESTART_EVERY = 20
PINNED_AT = 15
RECALLED = "<recalled_messages>"
GOODS = ("amber", "barley", "cedar", "dates", "figs", "glass", "hemp", "indigo", "juniper", "linen", "salt")
MOST_OFF_TOKENS, MOST_OFF_AT_CUTS_TOKENS = 3, 16  # at a cut, what is read is the system prompt: an estimate
MOST_OFF_SHARE = 0.035


@dataclass(frozen=True)
class Turn:
    """What was said, what Claude was sent for it, and the answer."""

    said: str
    body: dict[str, Any]
    answer: dict[str, Any]

    @property
    def receipt(self) -> dict[str, Any]:
        return dict(self.answer["context"])


def words_of(number: int) -> str:
    """What is said at a turn: each of another length, some about what was said long before."""
    random = Random(number)  # noqa: S311 - no secret
    asked = f"What did ship {random.randrange(number) * 37 + 11} bring? " if number % 4 == 3 else ""
    loads = ", ".join(f"{random.randrange(2, 90)} sacks of {one}" for one in random.choices(GOODS, k=20))
    return f"{asked}Ship {number * 37 + 11} brought {loads[: random.randrange(60, 400)]}."


@contextmanager
def running(config: Config, key: str) -> Iterator[Api]:
    """A person's access to an app that is made for it and thrown away."""
    with (
        made(config) as app,
        serving(app) as url,
        Api(base_url=url, headers={"Authorization": key}, timeout=60) as access,
    ):
        yield access


def turn(access: Api, simulator: Simulator, session_id: str, number: int) -> Turn:
    """Say what is to be said at this turn."""
    said = words_of(number)
    answer = access.say(session_id, said)
    return Turn(said, last_asked(simulator), answer)


def held(config: Config, key: str, simulator: Simulator, turns: int, apps: int) -> list[Turn]:
    """So many turns of one session, over apps that take turns, all made anew from time to time."""
    found, session_id = list[Turn](), ""
    config = replace(config, anthropic_api_key=f"sk-ant-{secrets.token_hex(8)}")  # so that the cache is empty
    for first in range(0, turns, RESTART_EVERY):
        with ExitStack() as stack:
            accesses = [stack.enter_context(running(config, key)) for _ in range(apps)]
            session_id = session_id or accesses[0].session(context=CONTEXT, system=SYSTEM)
            for number in range(first, min(first + RESTART_EVERY, turns)):
                access = accesses[number % apps]
                found.append(turn(access, simulator, session_id, number))
                if number == PINNED_AT:
                    pinned_id = found[-1].answer["parent_id"]
                    assert access.put(f"/sessions/{session_id}/pins/{pinned_id}").status_code == 200
    return found


def pieces_of(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every block in the order of the prompt, with where it stands."""
    run = [("system", one) for one in body["system"]]
    return run + [
        (f"{at} {one['role']}", block) for at, one in enumerate(body["messages"]) for block in one["content"]
    ]


def as_bytes(pieces: Sequence[tuple[str, dict[str, Any]]]) -> bytes:
    """They as they were sent, cache markers apart."""
    return json.dumps([[where, unmarked(block)] for where, block in pieces], ensure_ascii=False).encode()


def cached_of(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """All up to the last breakpoint."""
    pieces = pieces_of(body)
    return pieces[: 1 + max(at for at, (_, block) in enumerate(pieces) if "cache_control" in block)]


def check_prefixes(turns: Sequence[Turn]) -> int:
    """What was cached is what the next begins with, but after a cut. How many cuts there were."""
    cuts = 0
    for number, (before, after) in enumerate(pairwise(turns), 1):
        cached = cached_of(before.body)
        is_same = as_bytes(cached) == as_bytes(pieces_of(after.body)[: len(cached)])
        is_cut = after.receipt["cut"] is not None
        assert is_same != is_cut, f"turn {number}: cut {after.receipt['cut']}"
        cuts += is_cut
    return cuts


def check_recalled(turns: Sequence[Turn]) -> int:
    """What is recalled stands in the newest message, before the new text. How often it was."""
    count = 0
    for one in turns:
        *history, newest = one.body["messages"]
        assert RECALLED not in json.dumps(history), "it is not kept"
        *before, said = [block["text"] for block in newest["content"]]
        assert said == one.said
        is_recalled = bool(one.receipt["tokens"]["recalled_tokens"])
        assert [text for text in before if RECALLED in text] == before[len(before) - is_recalled :]
        assert len(before) <= is_recalled + (not history), "only the pinned ones may stand there besides"
        count += is_recalled
    return count


def check_accounts(turns: Sequence[Turn]) -> str:
    """The cache gave what was forecast, the prompt is what was expected, and never beyond the budget."""
    read = [
        one.answer["usage"]["cache_read_tokens"] - one.receipt["cache"]["cache_read_tokens"] for one in turns
    ]
    off = [one.answer["usage"]["prompt_tokens"] / one.receipt["prompt_tokens"] - 1 for one in turns]
    greatest = max(one.answer["usage"]["prompt_tokens"] for one in turns)
    assert greatest <= BUDGET_TOKENS
    most = [MOST_OFF_AT_CUTS_TOKENS if one.receipt["cut"] else MOST_OFF_TOKENS for one in turns]
    assert {at: one for at, one in enumerate(read) if abs(one) > most[at]} == {}
    known = sorted(abs(one) for one in off[2:])
    assert known[int(0.99 * len(known))] <= MOST_OFF_SHARE, off
    return (
        f"estimates off by {statistics.median(known):.2%} at p50, {known[-1]:.2%} at most from turn 3 on, "
        f"cache reads off by at most {max(map(abs, read))} tokens, the largest prompt {greatest}"
    )


def check(turns: Sequence[Turn]) -> str:
    cuts, recalled = check_prefixes(turns), check_recalled(turns)
    assert 2 <= cuts <= len(turns) / 5
    assert recalled >= len(turns) / 10
    pinned = turns[PINNED_AT].said
    assert pinned in json.dumps(turns[-1].body), "what is pinned is still there"
    read = sum(one.answer["usage"]["cache_read_tokens"] for one in turns)
    whole = sum(one.answer["usage"]["prompt_tokens"] for one in turns)
    shares = f"{cuts} cuts, {recalled} with recalled messages, {read / whole:.0%} of the tokens read"
    return f"{shares}, {check_accounts(turns)}"


def test_what_the_cache_holds_stays_as_it_was_on_every_turn_but_the_cuts(
    config: Config, api: Api, simulator: Simulator, scale: Scale, found: Found
) -> None:
    turns = held(config, api.headers["Authorization"], simulator, scale.turns_held, apps=1)
    found(
        f"{len(turns)} turns at a budget of {BUDGET_TOKENS}, restarted every {RESTART_EVERY}: {check(turns)}"
    )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True, scope="module")
def test_two_apps_that_take_turns_make_the_same_bytes(
    config: Config, api: Api, simulator: Simulator, scale: Scale, found: Found
) -> None:
    turns = held(config, api.headers["Authorization"], simulator, scale.turns_held, apps=2)
    found(f"{len(turns)} turns over two apps in turn, restarted every {RESTART_EVERY}: {check(turns)}")
