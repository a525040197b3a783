"""The ladder: what a send is lessened by, rung by rung, so that it fits what may still be spent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.claude.rules.models import find
from app.context import Prompt
from app.services import quotes

LEAST_ANSWER_TOKENS = 256
LEAST_BRIEF_ANSWER_TOKENS = 128  # with low effort
EFFORT = "low"
MAX_TOKENS, EFFORTS, MODEL = "max_tokens", "effort", "model"
Step = dict[str, Any]


@dataclass(frozen=True)
class Lessened:
    """A prompt that fits, and what was lessened for it."""

    prompt: Prompt
    steps: Sequence[Step] = ()


def fitted(
    prompt: Prompt,
    most_nano_usd: int,
    rungs: Iterable[str],
    on_model: Callable[[], Prompt | None],
) -> Lessened | None:
    """The prompt so that it costs no more; None where no rung reaches that.

    `on_model` makes it for the cheaper model; None where that is no other one.
    """
    rungs = list(rungs)
    if quotes.of(prompt).greatest <= most_nano_usd:
        return Lessened(prompt)
    for rung in rungs:
        found = _tried(rung, prompt, most_nano_usd)
        if found:
            return found
        if rung == MODEL and (other := on_model()):
            below = fitted(other, most_nano_usd, [one for one in rungs if one != MODEL], lambda: None)
            step = {"step": MODEL, "from": prompt.model, "to": other.model}
            return Lessened(below.prompt, [step, *below.steps]) if below else None
    return None


def _tried(rung: str, prompt: Prompt, most_nano_usd: int) -> Lessened | None:
    if rung == MAX_TOKENS:
        return _shorter(prompt, most_nano_usd, LEAST_ANSWER_TOKENS)
    known = find(prompt.model)
    if rung != EFFORTS or not (known and known.takes_effort):
        return None
    brief = replace(prompt, effort=EFFORT)
    shorter = _shorter(brief, most_nano_usd, LEAST_BRIEF_ANSWER_TOKENS)
    step = {"step": EFFORTS, "from": prompt.effort, "to": EFFORT}
    return Lessened(shorter.prompt, [step, *shorter.steps]) if shorter else None


def _shorter(prompt: Prompt, most_nano_usd: int, least_tokens: int) -> Lessened | None:
    """With the longest answer that fits, if that is long enough to say something."""
    tokens = quotes.affordable_output_tokens(prompt, most_nano_usd)
    if tokens < min(prompt.max_tokens, least_tokens):
        return None
    step = {"step": MAX_TOKENS, "from": prompt.max_tokens, "to": tokens}
    return Lessened(replace(prompt, max_tokens=tokens), [step])
