"""How a model's window is divided: what the input may take, and what is left for the answer."""

from __future__ import annotations

from dataclasses import dataclass

from app.context.values import Ask, Window

MARGIN_TOKENS = 64
LEAST_OUTPUT_TOKENS = 256
GREATEST_RECALL = 0.75  # of the input share: the rest is for what was said last


@dataclass(frozen=True)
class Split:
    """`input_tokens` is what a history may fill, its recalled part included.

    A newest message that needs more gets up to `greatest_input_tokens`: then the answer gets less.
    """

    window_tokens: int
    max_tokens: int
    input_tokens: int
    greatest_input_tokens: int
    recall_tokens: int

    def output_tokens(self, prompt_tokens: int) -> int:
        """The answer's share beside a prompt of so many tokens."""
        return max(1, min(self.max_tokens, self.window_tokens - prompt_tokens - MARGIN_TOKENS))


def split(ask: Ask, limits: Window) -> Split:
    """The shares for one send. A budget that somebody named is never exceeded."""
    max_tokens = min(ask.max_tokens, limits.greatest_output_tokens)
    room = limits.window_tokens - MARGIN_TOKENS
    usual = ask.budget_tokens or limits.usual_budget_tokens or room
    input_tokens = max(0, min(usual, room - max_tokens))
    greatest = room - min(max_tokens, LEAST_OUTPUT_TOKENS)
    if ask.budget_tokens:
        greatest = min(greatest, ask.budget_tokens)
    recall = min(ask.recall_tokens, int(input_tokens * GREATEST_RECALL))
    return Split(limits.window_tokens, max_tokens, input_tokens, max(greatest, input_tokens), recall)
