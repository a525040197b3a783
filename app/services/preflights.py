"""What a send would be, before it is one: the plan, its tokens and what it may cost. Nothing is spent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from app.billing.costs import cost_nano_usd
from app.billing.usage import Usage
from app.context import Prompt
from app.services import beginnings, prices, sessions
from app.services.beginnings import Draft, HeadMoved, Start
from app.services.identity import Caller
from app.services.transactions import reading

TRIES_AT_THE_HEAD = 3


@dataclass(frozen=True)
class Cost:
    """In nano-USD; None for a model without a price."""

    least: int | None
    expected: int | None
    greatest: int | None


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
    cost: Cost


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
        expected_output_tokens=expected_output_tokens(prompt),
        receipt=start.receipt,
        uncached=asdict(prompt.plan.uncached),
        cost=cost_of(prompt),
    )


def _prepared(caller: Caller, draft: Draft, session_id: str) -> Start:
    """What would be stored; tried again where the head is deleted at the same moment."""
    for _ in range(TRIES_AT_THE_HEAD):
        with reading() as session:
            chat = sessions.own(session, caller, session_id)
        with suppress(HeadMoved):
            return beginnings.prepare(caller, draft, chat)
    raise sessions.busy(session_id)


def expected_output_tokens(prompt: Prompt) -> int:
    """What answers took in this conversation so far, within what this one may."""
    return min(prompt.plan.answer_tokens, prompt.max_tokens)


def cost_of(prompt: Prompt) -> Cost:
    """Least: all that is marked is read, and one token answered. Greatest: nothing is, and it is full."""
    priced = prices.of(prompt.model)
    if priced is None:
        return Cost(None, None, None)
    expected = Usage(**asdict(prompt.plan.cached), output_tokens=expected_output_tokens(prompt))
    return Cost(
        cost_nano_usd(priced, _least(prompt)),
        cost_nano_usd(priced, expected),
        max(cost_nano_usd(priced, one) for one in _greatest(prompt)),
    )


def _least(prompt: Prompt) -> Usage:
    uncached = prompt.plan.uncached
    doubt = prompt.plan.greatest_tokens - prompt.plan.prompt_tokens
    written = uncached.cache_write_5m_tokens + uncached.cache_write_1h_tokens
    rest = max(uncached.input_tokens - doubt, 0)
    return Usage(rest, max(written - doubt, 0), output_tokens=1)


def _greatest(prompt: Prompt) -> list[Usage]:
    """Every token at each price it may have."""
    tokens, output = prompt.plan.greatest_tokens, prompt.max_tokens
    has_hour = any(one.ttl == "1h" for one in prompt.markers) or bool(prompt.system or prompt.tools)
    found = [
        Usage(input_tokens=tokens, output_tokens=output),
        Usage(cache_read_tokens=tokens, output_tokens=output),
        Usage(cache_write_5m_tokens=tokens, output_tokens=output),
    ]
    return [*found, Usage(cache_write_1h_tokens=tokens, output_tokens=output)] if has_hour else found
