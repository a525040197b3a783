"""What a send would be, before it is one: the plan, its tokens and what it may cost. Nothing is spent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from app.services import preparations, quotes, sessions
from app.services.identity import Caller
from app.services.preparations import Draft, HeadMoved, Start
from app.services.quotes import Quote
from app.services.transactions import reading

TRIES_AT_THE_HEAD = 3


@dataclass(frozen=True)
class Preflight:
    """What would be sent. `plan` is a hash of the request: a send with `expect_plan` is this or nothing."""

    plan: str
    model: str
    max_tokens: int
    input_tokens: int
    greatest_input_tokens: int
    expected_output_tokens: int
    receipt: dict[str, Any]
    uncached: dict[str, int]
    cost: Quote
    steps: Sequence[dict[str, Any]]


def preflight(caller: Caller, draft: Draft) -> Preflight:
    """The plan for a message to one of the caller's sessions; raises what the send would raise before it."""
    start = _prepared(caller, draft, draft.session_id or "")
    prompt = start.prompt
    return Preflight(
        plan=prompt.digest,
        model=prompt.model,
        max_tokens=prompt.max_tokens,
        input_tokens=prompt.plan.prompt_tokens,
        greatest_input_tokens=prompt.plan.greatest_tokens,
        expected_output_tokens=quotes.expected_output_tokens(prompt),
        receipt=start.receipt,
        uncached=asdict(prompt.plan.uncached),
        cost=start.quote,
        steps=start.steps,
    )


def _prepared(caller: Caller, draft: Draft, session_id: str) -> Start:
    """What would be stored; tried again where the head is deleted at the same moment."""
    for _ in range(TRIES_AT_THE_HEAD):
        with reading() as session:
            chat = sessions.own(session, caller, session_id)
        with suppress(HeadMoved):
            return preparations.prepare(caller, draft, chat)
    raise sessions.busy(session_id)
