"""What a prompt holds and leaves out, where its tokens come from, and what of it the cache will give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.context.values import Entry, Summary


@dataclass(frozen=True)
class Sources:
    """The expected tokens of a prompt, by what they are for."""

    system: int = 0
    tools: int = 0
    summary: int = 0
    pins: int = 0
    history: int = 0
    recalled: int = 0
    new: int = 0

    @property
    def total(self) -> int:
        """The whole prompt."""
        said = self.history + self.recalled + self.new
        return self.system + self.tools + self.summary + self.pins + said

    def counted(self, tokens: int) -> Sources:
        """The same where the whole is known; what is more or less is the new message's, as far as it goes."""
        new = max(0, self.new + tokens - self.total)
        return replace(self, new=new, history=self.history + tokens - (self.total - self.new) - new)


@dataclass(frozen=True)
class Forecast:
    """What a prompt's tokens are expected to be paid as: read from the cache, written to it, or neither."""

    input_tokens: int
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0


@dataclass(frozen=True)
class Plan:
    """`greatest_tokens` is what the prompt will not exceed; `is_exact` says that Claude has counted it.

    The messages from `first_depth` to `last_depth` are sent as they were said. `answer_tokens` is what
    answers took here so far. `cut` is why this prompt begins later than the one before: `cold`, `high_water`,
    `compact`, or None.
    """

    budget_tokens: int
    sources: Sources
    greatest_tokens: int
    is_exact: bool
    cut: str | None
    is_cold: bool
    ttl: str
    first_depth: int
    last_depth: int
    recalled_depths: Sequence[int]
    pinned: Sequence[Entry]
    summary: Summary | None
    cached: Forecast
    uncached: Forecast
    answer_tokens: int

    @property
    def prompt_tokens(self) -> int:
        """The expected size of the whole prompt."""
        return self.sources.total
