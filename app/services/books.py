"""What is learned from an answer, kept with its message and those it answers: `context.books` says what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.context import Counted, Prompt, Settled, settled
from app.models.base import update_by
from app.models.messages import Message
from app.turns.run import THINKING_REMOVED, Outcome


@dataclass(frozen=True)
class Learned:
    """What the answer's row takes of it, the sizes of messages in a model's tokens, and refused thinking.

    The latter are the messages whose thinking Claude did not take.
    """

    of_answer: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    refused_ids: Sequence[str] = ()


def learned(asked: Prompt, outcome: Outcome[Prompt]) -> Learned:
    """What was learned of the prompt: whose thinking fits no more, what was repaired, and the books."""
    answer: dict[str, Any] = {}
    if outcome.repairs:
        answer["bound_to"] = outcome.prompt.bound_to
        answer["context_state"] = outcome.prompt.state.as_json()
    if outcome.receipt:
        answer["context"] = outcome.receipt.payload
    refused = asked.thinking_ids if THINKING_REMOVED in outcome.repairs else ()
    found = _settled(outcome)
    if found is None:
        return Learned(answer, refused_ids=refused)
    model = outcome.prompt.model
    answer |= {
        "context_state": found.state.as_json(),
        "recalled": asdict(found.quotation) if found.quotation else None,
        "estimated_tokens": found.answer_tokens,
        "tokens_model": model,
    }
    return Learned(answer, found.counted, model, refused)


def note(session: Session, what: Learned) -> None:
    """Store what was learned of other messages than the answer."""
    if what.refused_ids:
        refused = update(Message).where(Message.id.in_(what.refused_ids))
        session.execute(refused.values(bound_to=None))
    told = {"tokens_model": what.model}
    sizes = [{"of": id_, "tokens": tokens, **told} for id_, tokens in what.sizes.items()]
    update_by(Message, "id").run_for_all(session, sizes)


def _settled(outcome: Outcome[Prompt]) -> Settled | None:
    """The books, as Claude's count tells."""
    came = outcome.reply
    if not (came.usage and came.usage.prompt_tokens):
        return None
    cached = came.usage.prompt_tokens - came.usage.input_tokens
    counted = Counted(
        came.usage.prompt_tokens, cached, came.usage.output_tokens, came.thinking_tokens, came.content
    )
    return settled(outcome.prompt, counted)
