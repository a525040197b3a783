"""How long a conversation's silences are, and what that says of how long its cache should live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from app.context.tariff import Tariff

BRIEF_SECONDS = 300.0
MIDDLING_SECONDS = 3_600.0
MEMORY = 64
# What is expected of a conversation that has been silent only a few times, as counts of each kind.
PRIOR = (3.0, 1.0, 0.5)
# For how many requests a cache that is written now is used, as a rule: it costs once what these save.
EPOCH_REQUESTS = 8


@dataclass(frozen=True)
class Silences:
    """How often they were under five minutes, under an hour, longer: counts that fade, about 64 in all."""

    brief: float = 0.0
    middling: float = 0.0
    long: float = 0.0

    def after(self, seconds: float) -> Silences:
        """The counts with one more silence."""
        fade = 1 - 1 / MEMORY
        is_brief, is_long = seconds < BRIEF_SECONDS, seconds >= MIDDLING_SECONDS
        return Silences(
            self.brief * fade + is_brief,
            self.middling * fade + (not is_brief and not is_long),
            self.long * fade + is_long,
        )

    def best_ttl(self, tariff: Tariff, prefix_tokens: float, tokens_a_request: float) -> str:
        """`5m` or `1h`: what makes the requests to come cheaper, for a prefix that is written now.

        After a middling silence an hour's prefix is read, not written anew. It costs more now, for all that
        is new in each request, and after each long silence.
        """
        middling, long = self._likelihoods()
        saved = middling * (tariff.write_5m - tariff.read) * prefix_tokens
        written_tokens = tokens_a_request + (long + 1 / EPOCH_REQUESTS) * prefix_tokens
        return "1h" if saved > (tariff.write_1h - tariff.write_5m) * written_tokens else "5m"

    def as_json(self) -> list[float]:
        """As they are stored."""
        return [round(count, 3) for count in (self.brief, self.middling, self.long)]

    @classmethod
    def from_json(cls, stored: Sequence[float]) -> Self:
        """As they were stored."""
        return cls(*stored)

    def _likelihoods(self) -> tuple[float, float]:
        """How likely the next silence is a middling one, and a long one."""
        middling, long = self.middling + PRIOR[1], self.long + PRIOR[2]
        total = self.brief + PRIOR[0] + middling + long
        return middling / total, long / total
