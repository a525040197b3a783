"""What went into a prompt and what was left out, as it is told and kept with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.claude.events import Event
from app.context import Entry, Prompt
from app.context.receipt import runs
from app.models.messages import select_ids
from app.services.pasts import Known
from app.services.transactions import reading


def of_prompt(prompt: Prompt, known: Known, newest: Sequence[Entry]) -> dict[str, Any]:
    """The receipt: sizes by source, the split, the cache's forecast, and what became of every message."""
    plan = prompt.plan
    return {
        "model": prompt.model,
        "budget_tokens": plan.budget_tokens,
        "max_tokens": prompt.max_tokens,
        "prompt_tokens": plan.prompt_tokens,
        "method": "exact" if plan.is_exact else "estimate",
        "tokens": {f"{name}_tokens": tokens for name, tokens in vars(plan.sources).items()},
        "cache": {"ttl": plan.ttl, **vars(plan.cached)},
        "cut": plan.cut,
        "summary_id": plan.summary.id if plan.summary else None,
        "messages": _messages(prompt, known, newest),
    }


def event(receipt: dict[str, Any]) -> Event:
    """The receipt as an event of the stream."""
    return Event.made("colloquy.context", receipt)


def _messages(prompt: Prompt, known: Known, newest: Sequence[Entry]) -> list[dict[str, Any]]:
    found = runs(prompt.plan)
    ids = {one.depth: one.id for one in [*known.path, *newest, *prompt.plan.pinned]}
    missing = {depth for one in found for depth in (one.first_depth, one.last_depth)} - ids.keys()
    ids |= _ids_at(known, missing)
    return [
        {
            "as": one.fate,
            "first_id": ids.get(one.first_depth),
            "last_id": ids.get(one.last_depth),
            "messages": one.last_depth - one.first_depth + 1,
        }
        for one in found
    ]


def _ids_at(known: Known, depths: set[int]) -> dict[int, str]:
    """The ids of the messages of the path at these depths."""
    if not depths or known.head_id is None:
        return {}
    where = {"head_id": known.head_id, "depths": sorted(depths)}
    with reading() as session:
        return {row.depth: row.id for row in session.execute(select_ids(), where)}
