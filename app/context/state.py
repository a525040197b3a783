"""Where a conversation's context stands: kept with each answer, and what the next prompt is made from.

It names messages by their depth, so that it holds in a copy of the session as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Self

from app.context.rates import PRIOR, Rates
from app.context.silences import Silences

USUAL_TURN_TOKENS = 300.0
USUAL_ANSWER_TOKENS = 300.0
NO_SILENCES = Silences()
MEMORY = 0.8  # of a running mean, for each turn
MEMORY_OF_ANSWERS = 0.25  # the last ones tell most of how long the next will be


@dataclass(frozen=True)
class State:
    """After a prompt and its answer. Sizes are tokens of `model`; `is_counted` says that Claude counted them.

    `prompt_tokens` is the whole prompt without what was recalled for it, `marked_tokens` its part up to the
    last cache marker, at the message of `marked_depth`. `base_tokens` is system and tools; `drift_tokens` is
    what the sizes of all parts leave of the whole while nothing is cut. The digests say what base and preface
    were. `scale` corrects estimates of messages that were never counted. `is_answer_told` says that Claude's
    count of its output tells the answer's size. `recalled_tokens` are quotations that stay until the next
    cut, those of answers from `recalls_from_depth` on.
    """

    model: str
    tokens_factor: float
    asked_at: datetime
    start_depth: int
    ttl: str
    base_digest: str
    preface_digest: str
    base_tokens: int
    preface_tokens: int = 0
    prompt_tokens: int = 0
    drift_tokens: int = 0
    is_counted: bool = False
    has_learned: bool = False
    is_answer_told: bool = False
    marked_tokens: int = 0
    marked_depth: int = -1
    thinking_tokens: int = 0
    thinking_messages: int = 0
    tokens_a_turn: float = USUAL_TURN_TOKENS
    answer_tokens: float = USUAL_ANSWER_TOKENS
    scale: float = 1.0
    summary_id: str | None = None
    recalled_tokens: int = 0
    recalls_from_depth: int = 0
    newest_depth: int = -1
    silences: Silences = NO_SILENCES
    rates: Rates = PRIOR

    def rescaled(self, model: str, tokens_factor: float) -> Self:
        """The same in tokens of another model, whose cache knows nothing of it."""
        if model == self.model:
            return self
        factor = tokens_factor / self.tokens_factor
        sizes = (
            "base_tokens",
            "preface_tokens",
            "prompt_tokens",
            "drift_tokens",
            "thinking_tokens",
            "recalled_tokens",
        )
        return replace(
            self,
            model=model,
            tokens_factor=tokens_factor,
            **{name: round(getattr(self, name) * factor) for name in sizes},
            marked_tokens=0,
            is_counted=False,
            tokens_a_turn=self.tokens_a_turn * factor,
            answer_tokens=self.answer_tokens * factor,
            rates=self.rates.rescaled(factor),
        )

    def as_json(self) -> dict[str, Any]:
        """As it is stored: only what differs from the defaults."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if _differs(self, one)}
        found["asked_at"] = self.asked_at.isoformat()
        found["silences"] = self.silences.as_json()
        found["rates"] = self.rates.as_json()
        rounded = {name: round(value, 3) for name, value in found.items() if isinstance(value, float)}
        return {**found, **rounded, "tokens_factor": self.tokens_factor}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """As it was stored."""
        return cls(
            **{
                **stored,
                "asked_at": datetime.fromisoformat(stored["asked_at"]),
                "silences": Silences.from_json(stored["silences"]),
                "rates": Rates.from_json(stored["rates"]),
            }
        )


def mean(old: float, new: float, memory: float = MEMORY) -> float:
    """A running mean that forgets."""
    return old * memory + new * (1 - memory)


def _differs(state: State, one: Any) -> bool:
    return bool(getattr(state, one.name) != one.default)
