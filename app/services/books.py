"""What is learned from an answer, kept with its message and those it answers: `context.books` says what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.context import Counted, Prompt, settled
from app.models.messages import Message
from app.turns.run import THINKING_REMOVED, Outcome


def note(session: Session, message_id: str, asked: Prompt, outcome: Outcome[Prompt]) -> None:
    """What was learned of the prompt: whose thinking fits no more, what was repaired, and the books."""
    if THINKING_REMOVED in outcome.repairs:
        refused = update(Message).where(Message.id.in_(asked.thinking_ids))
        session.execute(refused.values(bound_to=None))
    answer: dict[str, Any] = {}
    if outcome.repairs:
        answer["bound_to"] = outcome.prompt.bound_to
        answer["context_state"] = outcome.prompt.state.as_json()
    if outcome.receipt:
        answer["context"] = outcome.receipt.payload
    answer |= _settle(session, outcome)
    if answer:
        session.execute(update(Message).where(Message.id == message_id).values(**answer))


def _settle(session: Session, outcome: Outcome[Prompt]) -> dict[str, Any]:
    """Store the sizes that Claude's count tells; what the answer's own row takes of it."""
    came = outcome.reply
    if not (came.usage and came.usage.prompt_tokens):
        return {}
    cached = came.usage.prompt_tokens - came.usage.input_tokens
    counted = Counted(
        came.usage.prompt_tokens, cached, came.usage.output_tokens, came.thinking_tokens, came.content
    )
    found = settled(outcome.prompt, counted)
    for message_id, tokens in found.counted.items():
        sizes = {"tokens": tokens, "tokens_model": outcome.prompt.model}
        session.execute(update(Message).where(Message.id == message_id).values(**sizes))
    return {
        "context_state": found.state.as_json(),
        "recalled": asdict(found.quotation) if found.quotation else None,
        "estimated_tokens": found.answer_tokens,
        "tokens_model": outcome.prompt.model,
    }
